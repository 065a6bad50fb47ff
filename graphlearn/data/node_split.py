"""A graph whose nodes are to be classified, divided into parts by masks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data.pyg import from_pyg
from graphlearn.data.split import kept_digest
from graphlearn.errors import InputError, InputTypeError, LeakError


@dataclass(frozen=True, eq=False, repr=False)
class NodeSplit:
    """One graph with a class for each node, divided into training, validation and test nodes.

    A node may be in no part. Such a node may be unlabelled too: its class is then negative, -1 by
    custom.

    Args:
        data: The graph with features ``x``, dense or sparse CSR, and classes ``y``. Kept as
            :func:`graphlearn.data.from_pyg` gives it: checked, with ``num_nodes``.
        train_mask: Nodes trained on.
        valid_mask: Nodes that decide which epoch is the best.
        test_mask: Nodes that are reported.
        rule: How it was made, such as ``"public"`` or ``"random(0.1,0.1)"``.
        seed: The seed it was drawn or chosen with; None where there is only this one.
        classes: How many classes there are, where that is known; else 1 + the largest in any part.

    Shapes:
        - **data.x**: ``[N, C]``; **data.edge_index**: ``[2, E]``; **data.y**: ``[N]`` int64
        - every mask: ``[N]`` bool

    Raises:
        InputError: If features or classes are missing, a length does not fit, a part is empty, or
            a node of a part has no class.
        InputTypeError: If ``data`` is no ``Data``, classes are not int64, or a mask is not bool.
        LeakError: If two parts share a node.

    Example:
        >>> path = Data(
        ...     x=torch.eye(4), y=torch.tensor([0, 1, 2, -1]),
        ...     edge_index=torch.tensor([[0, 1, 2], [1, 2, 3]]),
        ... )
        >>> split = NodeSplit(path, *(torch.arange(4) == node for node in range(3)))
        >>> split
        NodeSplit(given, seed=None, nodes=4, classes=3, train=1, valid=1, test=1)
        >>> split.parts()["valid"]
        tensor([False,  True, False, False])
    """

    data: Data
    train_mask: Tensor
    valid_mask: Tensor
    test_mask: Tensor
    rule: str = "given"
    seed: int | None = None
    classes: int | None = None

    def __post_init__(self) -> None:
        data = from_pyg(self.data)
        object.__setattr__(self, "data", data)
        if data.get("x") is None:
            raise InputError(
                "data has no features x",
                expected="a floating-point tensor [N, C]",
                mend="pass x=torch.eye(num_nodes) where nodes have none",
            )
        _check_classes(data.get("y"), data.num_nodes)
        if self.classes is not None and int(data.y.max()) >= self.classes:
            raise InputError(
                f"y holds class {int(data.y.max())}", expected=f"classes in [0, {self.classes})"
            )
        for name, mask in self.parts().items():
            _check_mask(mask, f"{name}_mask", data.num_nodes)
            unlabelled = (mask & (data.y < 0)).nonzero().flatten()
            if unlabelled.numel():
                node = int(unlabelled[0])
                raise InputError(
                    f"{name}_mask holds {unlabelled.numel()} nodes without a class, the first "
                    f"node {node} with y {int(data.y[node])}",
                    expected="classes from 0 in every part",
                )
        for (name, mask), (other, others) in combinations(self.parts().items(), 2):
            shared = (mask & others).nonzero().flatten()
            if shared.numel():
                raise LeakError(
                    f"{name}_mask and {other}_mask share {shared.numel()} nodes, the first node "
                    f"{int(shared[0])}",
                    expected="each node in one part at most",
                )

    @property
    def num_classes(self) -> int:
        """How many classes there are: as stated, else 1 + the largest in any part."""
        if self.classes is not None:
            return self.classes
        return 1 + max(int(self.data.y[mask].max()) for mask in self.parts().values())

    @property
    def dense_x(self) -> Tensor:
        """The features ``[N, C]`` as a dense tensor, however they are kept."""
        x: Tensor = self.data.x
        return x if x.layout == torch.strided else x.to_dense()

    def parts(self) -> dict[str, Tensor]:
        """Every part's mask by its name: train, valid, test."""
        return {"train": self.train_mask, "valid": self.valid_mask, "test": self.test_mask}

    def digest(self) -> str:
        """Return a SHA-256 over features, edges, classes and masks, kept as a link split's is."""
        tensors: dict[str, Tensor | None] = {
            name: self.data.get(name) for name in ("x", "edge_index", "y")
        }
        tensors |= {f"{name}_mask": mask for name, mask in self.parts().items()}
        return kept_digest(self, tensors, self.data.num_nodes)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={int(mask.sum())}" for name, mask in self.parts().items())
        return (
            f"{type(self).__name__}({self.rule}, seed={self.seed}, nodes={self.data.num_nodes}, "
            f"classes={self.num_classes}, {sizes})"
        )


def _check_classes(y: object, num_nodes: int) -> None:
    if y is None:
        raise InputError("data has no classes y", expected="an int64 tensor [N]")
    if not isinstance(y, Tensor) or y.dtype != torch.int64:
        kind = f"dtype {y.dtype}" if isinstance(y, Tensor) else f"type {type(y).__name__}"
        raise InputTypeError(
            f"y has {kind}",
            expected="an int64 tensor [N]",
            mend="pass class numbers; class_labels makes them",
        )
    if y.shape != (num_nodes,):
        raise InputError(
            f"y has shape {list(y.shape)}", expected=f"[{num_nodes}], one class for each node"
        )


def _check_mask(mask: object, name: str, num_nodes: int) -> None:
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        kind = f"dtype {mask.dtype}" if isinstance(mask, Tensor) else f"type {type(mask).__name__}"
        raise InputTypeError(f"{name} has {kind}", expected=f"a bool tensor [{num_nodes}]")
    if mask.shape != (num_nodes,):
        raise InputError(
            f"{name} has shape {list(mask.shape)}", expected=f"[{num_nodes}], one for each node"
        )
    if not bool(mask.any()):
        raise InputError(f"{name} is empty", expected="at least one node")
