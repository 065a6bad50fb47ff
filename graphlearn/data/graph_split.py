"""Collections of graphs to train, validate and test on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Tensor

from graphlearn.data.graph_collection import GraphCollection
from graphlearn.errors import InputError
from graphlearn.registry import unknown_name

Objective = Literal["mae", "mse", "bits", "classes"]
OBJECTIVES: tuple[str, ...] = get_args(Objective)
"""What is trained: absolute error, squared error, a logit a bit, or a logit a class."""


@dataclass(frozen=True, eq=False, repr=False)
class GraphSplit:
    """Graphs, or sets, divided into training, validation and test parts.

    Args:
        train: What is trained on.
        valid: What decides which epoch is the best.
        test: What is reported.
        objective: The loss: ``"mae"``, ``"mse"``, ``"bits"``, or ``"classes"``: cross-entropy,
            with the class of each graph, or node, as its one integer target. A bit that is not
            known is NaN, and counts neither in the loss nor in a metric.
        more_tests: Further test parts by name, such as sets of another size.
        rule: How it was made.
        seed: The seed it was drawn with; None where nothing was drawn.
        cross_validated: Whether valid and test are one and the same fold. Then nothing may choose
            an epoch by it: training keeps the last one, and a table takes one epoch for all folds.

    Raises:
        InputError: If a part is empty or has other targets or features than the training part.
        UnknownNameError: If the objective is unknown.

    Example:
        >>> from graphlearn.data import second_minimum_split
        >>> second_minimum_split(train=100, valid=20, test=20, seed=0)
        GraphSplit(second-minimum, bits, train=100, valid=20, test=20, test/n32=20, test/n200=20)
    """

    train: GraphCollection
    valid: GraphCollection
    test: GraphCollection
    objective: Objective
    more_tests: Mapping[str, GraphCollection] = field(default_factory=dict)
    rule: str = "given"
    seed: int | None = None
    cross_validated: bool = False

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise unknown_name("objective", self.objective, OBJECTIVES)
        for name, part in self.parts().items():
            if len(part) == 0:
                raise InputError(f"{name} is empty", expected="at least one graph")
            if part.y is None and part.node_y is None:
                raise InputError(f"{name} has no targets", expected="y or node_y")
            for target in (part.y, part.node_y):
                if target is not None and self.objective == "classes":
                    _check_classes(target, name)
                if target is not None:
                    _check_numbers(target, name, self.objective)
            if _form(part) != _form(self.train):
                raise InputError(
                    f"{name} has {_form(part)}", expected=f"{_form(self.train)}, as train"
                )

    def num_classes(self, of_nodes: bool = False) -> int | None:
        """How many classes the targets name, those of every part counted; None without targets.

        Args:
            of_nodes: Whether to count those of ``node_y`` rather than of ``y``.

        Raises:
            InputError: If the objective is not ``"classes"``.
        """
        if self.objective != "classes":
            raise InputError(f"the objective is {self.objective!r}", expected="classes")
        targets = [part.node_y if of_nodes else part.y for part in self.parts().values()]
        largest = [int(target.max()) for target in targets if target is not None]
        return 1 + max(largest) if largest else None

    def parts(self) -> dict[str, GraphCollection]:
        """Every part by name; further test parts as ``test/name``."""
        more = {f"test/{name}": part for name, part in self.more_tests.items()}
        return {"train": self.train, "valid": self.valid, "test": self.test, **more}

    def digest(self) -> str:
        """SHA-256 over every part."""
        digest = hashlib.sha256(self.objective.encode())
        for name, part in sorted(self.parts().items()):
            digest.update(f"{name} {part.digest()}".encode())
        return digest.hexdigest()

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={len(part)}" for name, part in self.parts().items())
        return f"{type(self).__name__}({self.rule}, {self.objective}, {sizes})"


def _check_numbers(target: Tensor, name: str, objective: str) -> None:
    gaps = target.isnan() if objective == "bits" else torch.zeros_like(target, dtype=torch.bool)
    wrong = ~(torch.isfinite(target) | gaps)
    if bool(wrong.any()):
        raise InputError(
            f"{name} has {int(wrong.sum())} targets that are NaN or infinite",
            expected="finite targets",
        )
    if objective == "bits" and not bool(((target == 0) | (target == 1) | gaps).all()):
        raise InputError(f"{name} has targets beside 0 and 1", expected="bits")
    if bool(gaps.all()):
        raise InputError(f"{name} has no target that is known", expected="at least one bit")


def _check_classes(target: Tensor, name: str) -> None:
    if target.dtype != torch.int64 or target.dim() > 2 or target.numel() != target.size(0):
        raise InputError(
            f"{name} has targets {target.dtype} of shape {list(target.shape)}",
            expected="one int64 class each",
        )
    if bool((target < 0).any()):
        raise InputError(f"{name} has class {int(target.min())}", expected="classes from 0")


def _form(part: GraphCollection) -> str:
    columns: list[str] = []
    for name in ("x", "edge_index", "edge_attr", "y", "node_y"):
        value = getattr(part, name)
        if name == "edge_index" and value is not None:
            columns.append(name)
        elif value is not None:
            kind = str(value.dtype).removeprefix("torch.")
            columns.append(f"{name} {kind}{list(value.shape[1:])}")
    return ", ".join(columns)
