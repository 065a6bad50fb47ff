"""Fan-outs that start small and grow while training: LiGNN's adaptive sampling of neighbors."""

from __future__ import annotations

from typing import Any

from graphlearn.errors import InputError, InputTypeError
from graphlearn.loader.neighbor_sampler import NeighborSampler
from graphlearn.registry import unknown_name
from graphlearn.validate import check_number, check_size

_MODES = ("max", "min")


class AdaptiveFanOut:
    """Grows a sampler's fan-outs once a validation metric no longer gets better.

    Small neighborhoods teach most of what large ones do at a fraction of the cost; large ones are
    wanted at the end. LiGNN (Borisyuk et al., arXiv 2402.11139) therefore begins with few neighbors
    and adds more in the course of training. Here each fan-out is multiplied by ``factor``, up to
    that of ``most``, whenever ``patience`` calls of :meth:`step` in a row brought nothing better.

    Args:
        sampler: Whose ``num_neighbors`` is set; of a homogeneous graph.
        most: The fan-out of every hop to end with.
        start: The fan-outs to begin with; one neighbor in every hop if None.
        factor: What fan-outs are multiplied by.
        patience: After how many steps without a better metric.
        mode: ``"max"`` if a larger metric is better, ``"min"`` if a smaller one is.
        min_delta: By how much it has to be better to count.

    Raises:
        InputTypeError: If ``sampler`` is none of ours, or fan-outs are not integers.
        InputError: If fan-outs are below 1, of another number of hops, or ``start`` exceeds
            ``most``; the factor is not above 1, or the mode is unknown.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> data = Data(edge_index=torch.tensor([[1, 2], [0, 0]]), num_nodes=3)
        >>> sampler = NeighborSampler(data, [16, 8], seed=0)
        >>> growth = AdaptiveFanOut(sampler, most=[16, 8], start=[4, 2], patience=1)
        >>> sampler.num_neighbors.values
        [4, 2]
        >>> growth.step(0.5), growth.step(0.5), sampler.num_neighbors.values
        (False, True, [8, 4])
    """

    def __init__(
        self,
        sampler: NeighborSampler,
        most: list[int],
        *,
        start: list[int] | None = None,
        factor: float = 2.0,
        patience: int = 1,
        mode: str = "max",
        min_delta: float = 0.0,
    ) -> None:
        if not isinstance(sampler, NeighborSampler):
            raise InputTypeError(
                f"sampler is a {type(sampler).__name__}", expected="a graphlearn NeighborSampler"
            )
        if sampler.is_hetero:
            raise InputTypeError(
                "sampler is of a graph with types", expected="one of a homogeneous graph"
            )
        given: Any = most
        if not isinstance(given, (list, tuple)) or len(given) != len(sampler.num_neighbors):
            raise InputError(
                f"most is {most!r}",
                expected=f"{len(sampler.num_neighbors)} fan-outs, one for each hop of the sampler",
            )
        self.sampler = sampler
        self.most = [check_size(count, name="most") for count in most]
        start = [1] * len(self.most) if start is None else start
        first = [check_size(count, name="start") for count in start]
        if len(first) != len(self.most) or any(
            low > high for low, high in zip(first, self.most, strict=True)
        ):
            raise InputError(
                f"start is {start}", expected=f"{len(self.most)} fan-outs up to {self.most}"
            )
        self.factor = check_number(factor, name="factor")
        if self.factor <= 1:
            raise InputError(f"factor is {factor}", expected="a number above 1")
        self.patience = check_size(patience, name="patience")
        if mode not in _MODES:
            raise unknown_name("mode", mode, _MODES)
        self.mode, self.min_delta = mode, check_number(min_delta, name="min_delta")
        self.best: float | None = None
        self.waited = 0
        self.current = first
        self.sampler.num_neighbors = list(first)

    @property
    def is_grown(self) -> bool:
        """Whether the fan-outs are those to end with."""
        return self.current == self.most

    def step(self, metric: float) -> bool:
        """Take note of a validation metric; return whether the fan-outs grew.

        Args:
            metric: The latest.

        Raises:
            InputError: If it is infinite or NaN.
        """
        value = check_number(metric, name="metric")
        signed = value if self.mode == "max" else -value
        if self.best is None or signed > self.best + self.min_delta:
            self.best, self.waited = signed, 0
            return False
        self.waited += 1
        if self.waited < self.patience or self.is_grown:
            return False
        self.waited = 0
        self._set(
            [
                min(high, max(now + 1, int(now * self.factor)))
                for now, high in zip(self.current, self.most, strict=True)
            ]
        )
        return True

    def _set(self, counts: list[int]) -> None:
        self.current = counts
        self.sampler.num_neighbors = list(counts)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"best": self.best, "waited": self.waited, "current": list(self.current)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state_dict`.

        Raises:
            InputError: If it is of another number of hops, or has more neighbors than ``most``.
        """
        if not {"best", "waited", "current"} <= dict(state).keys():
            raise InputError("the state has no best, waited and current", expected="a state_dict()")
        counts = [check_size(count, name="current") for count in state["current"]]
        if len(counts) != len(self.most):
            raise InputError(
                f"the state has {len(counts)} fan-outs", expected=f"{len(self.most)}, as most has"
            )
        if any(now > high for now, high in zip(counts, self.most, strict=True)):
            raise InputError(f"the state's fan-outs are {counts}", expected=f"up to {self.most}")
        self.best, self.waited = state["best"], int(state["waited"])
        self._set(counts)
