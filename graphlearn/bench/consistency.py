"""Does a predictor score a pair the same whatever other pairs stand beside it?

Some published methods weight nodes by counts over the current batch. Their score of a pair then
depends on the other pairs, and where positives and negatives are scored apart, on the label itself.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from graphlearn.errors import InconsistentScoresError, InputError
from graphlearn.typing import Pairs, Scores
from graphlearn.validate import check_node_pairs

CHECKS = {
    "batch": "the other pairs in its batch",
    "order": "its place in the batch",
    "direction": "which endpoint comes first",
}
_CHUNKS = (2, 7, 64)
_ALONE = 64


@dataclass(frozen=True)
class ConsistencyReport:
    """The largest change of a pair's score in each check.

    Args:
        num_pairs: How many pairs were scored.
        differences: Check (``"batch"``, ``"order"``, ``"direction"``) to the largest difference,
            relative to scores larger than one in size.
        worst_pairs: Check to the pair it was met at.
        tolerance: The largest difference that passes.

    Example:
        >>> report = ConsistencyReport(4, {"order": 0.0}, {"order": (0, 1)})
        >>> report.ok
        True
    """

    num_pairs: int
    differences: dict[str, float]
    worst_pairs: dict[str, tuple[int, int]]
    tolerance: float = 1e-6

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(value <= self.tolerance for value in self.differences.values())

    def raise_for_inconsistency(self, name: str = "the predictor") -> None:
        """Raise if a check failed.

        Raises:
            InconsistentScoresError: With the largest difference of each failed check.
        """
        failed = {k: v for k, v in self.differences.items() if not v <= self.tolerance}
        if not failed:
            return
        worst = max(failed, key=lambda check: failed[check])
        parts = [
            f"{CHECKS[check]} (by up to {value:.3g} at pair {self.worst_pairs[check]})"
            for check, value in failed.items()
        ]
        raise InconsistentScoresError(
            f"{name} is inconsistent: its score of a pair changes with {' and with '.join(parts)}; "
            f"largest difference {failed[worst]:.3g} (check {worst!r}, {self.num_pairs} pairs)",
            expected=f"the same score to {self.tolerance:g}",
            mend="take counts over the training graph, not over the batch",
        )

    def __str__(self) -> str:
        lines = [
            f"{check}: largest difference {value:.3g} "
            f"({'ok' if value <= self.tolerance else 'BROKEN'}): {CHECKS[check]}"
            for check, value in self.differences.items()
        ]
        return "\n".join([f"{self.num_pairs} pairs, tolerance {self.tolerance:g}", *lines])


def audit_predictor(
    predictor: nn.Module,
    x: Tensor | None,
    graph: Any,
    pairs: Pairs,
    *,
    tolerance: float = 1e-6,
    seed: int = 0,
    name: str | None = None,
) -> ConsistencyReport:
    """Score the same pairs alone, in batches, shuffled and turned round, and compare.

    The predictor is copied, put in evaluation mode and computed in float64, so that what remains
    is not rounding.

    Args:
        predictor: Called as ``predictor(x, graph, pairs)``; scores must not depend on direction,
            so the graph should be undirected.
        x: Node states, or ``None`` for a heuristic.
        graph: A :class:`graphlearn.kernels.CSRGraph`, or whatever the predictor takes.
        pairs: At least two pairs; include links, since batch counts meet there.
        tolerance: The largest difference that passes.
        seed: Seed of the shuffles.
        name: What to call the predictor in an error.

    Shapes:
        - **x**: ``[N, C]``
        - **pairs**: ``[2, B]``

    Returns:
        The largest difference of each check.

    Raises:
        InconsistentScoresError: If a score moved by more than ``tolerance``.
        InputError: If there are fewer than two pairs, or a score is not finite.

    Example:
        >>> import torch
        >>> from graphlearn.kernels import CSRGraph
        >>> class EndpointSum(torch.nn.Module):
        ...     def forward(self, x, graph, pairs):
        ...         return x[pairs].sum(dim=(0, 2))
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), num_nodes=4)
        >>> pairs = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> audit_predictor(EndpointSum(), torch.rand(4, 2), graph, pairs).ok
        True
    """
    num_nodes = int(x.size(0)) if x is not None else int(graph.num_nodes)
    check_node_pairs(pairs, num_nodes, name="pairs")
    if pairs.size(1) < 2:
        raise InputError(f"pairs holds {pairs.size(1)} pairs", expected="at least 2")
    model = copy.deepcopy(predictor).double().eval()
    states = None if x is None else x.detach().double()

    def score(some: Pairs) -> Scores:
        result = model(states, graph, some)
        if not isinstance(result, Tensor) or result.shape != some.shape[1:]:
            shape = list(result.shape) if isinstance(result, Tensor) else type(result).__name__
            raise InputError(
                f"the predictor returned {shape} for {some.size(1)} pairs",
                expected=f"a tensor of shape [{some.size(1)}]",
            )
        return result.double()

    with torch.no_grad():
        together = score(pairs)
        if not bool(torch.isfinite(together).all()):
            raise InputError("the predictor gave scores that are NaN or infinite",
                             expected="finite scores")  # fmt: skip
        found = {
            "batch": _compare(together, _batch_variants(score, pairs)),
            "order": _compare(together, _order_variants(score, pairs, seed)),
            "direction": _compare(together, [score(pairs.flip(0))]),
        }
    differences = {check: value for check, (value, _) in found.items()}
    worst = {check: tuple(pairs[:, column].tolist()) for check, (_, column) in found.items()}
    report = ConsistencyReport(pairs.size(1), differences, worst, tolerance)
    report.raise_for_inconsistency(name or type(predictor).__name__)
    return report


def _batch_variants(score: Callable[[Pairs], Scores], pairs: Pairs) -> list[Scores]:
    variants = [
        torch.cat([score(pairs[:, i : i + size]) for i in range(0, pairs.size(1), size)])
        for size in _CHUNKS
        if size < pairs.size(1)
    ]
    alone = torch.cat([score(pairs[:, i : i + 1]) for i in range(min(_ALONE, pairs.size(1)))])
    # Beside copies of itself, and beside a crowd of copies of one pair.
    doubled = score(torch.cat([pairs, pairs], dim=1))[: pairs.size(1)]
    crowd = pairs[:, :1].expand(2, pairs.size(1))
    crowded = score(torch.cat([pairs, crowd], dim=1))[: pairs.size(1)]
    return [*variants, alone, doubled, crowded]


def _order_variants(score: Callable[[Pairs], Scores], pairs: Pairs, seed: int) -> list[Scores]:
    generator = torch.Generator().manual_seed(seed)
    count = pairs.size(1)
    variants = []
    for order in (torch.arange(count - 1, -1, -1), torch.randperm(count, generator=generator)):
        order = order.to(pairs.device)
        back = torch.empty_like(order)
        back[order] = torch.arange(count, device=pairs.device)
        variants.append(score(pairs[:, order])[back])
    return variants


def _compare(reference: Scores, variants: list[Scores]) -> tuple[float, int]:
    """Largest difference over variants, each of which may hold only the first scores."""
    largest, at = 0.0, 0
    for variant in variants:
        base = reference[: variant.numel()]
        # A NaN that only a variant shows must not pass for "no difference".
        gap = ((variant - base).abs() / base.abs().clamp_min(1.0)).nan_to_num(nan=float("inf"))
        value, column = gap.max(dim=0)
        if float(value) > largest:
            largest, at = float(value), int(column)
    return largest, at
