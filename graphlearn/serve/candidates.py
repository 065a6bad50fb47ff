"""The candidates of a block of sources: lists of nodes that each might be linked to.

The same lists serve to learn, to measure and to recommend, so that what is measured is what is
served.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.kernels import TwoHopCandidates, two_hop_candidates
from graphlearn.serve.nearest import NearestNodes
from graphlearn.serve.snapshot import Snapshot
from graphlearn.validate import check_num_nodes, check_size

_TOO_LARGE = 2**62


@dataclass(frozen=True, kw_only=True)
class CandidateSizes:
    """How many candidates of each kind a source gets, and how far it is walked from.

    Args:
        best: The best by each of common neighbors, Adamic-Adar and resource allocation.
        popular: The nodes of highest degree, and of most recent activity.
        nearest: The nearest by the nodes' vectors.
        budget: Most steps of the walk from one source.

    Raises:
        InputTypeError: If one is no integer.
        InputError: If one is negative, or the budget 0 or too large to count to.

    Example:
        >>> CandidateSizes(nearest=0).best
        48
    """

    best: int = 48
    popular: int = 24
    nearest: int = 32
    budget: int = 400_000

    def __post_init__(self) -> None:
        for name in ("best", "popular", "nearest"):
            check_num_nodes(getattr(self, name), name=name)
        if check_size(self.budget, name="budget") >= _TOO_LARGE:
            raise InputError(f"budget is {self.budget}", expected="an integer below 2**62")


def find_candidates(
    state: Snapshot,
    sources: Tensor,
    nearest: NearestNodes | None,
    sizes: CandidateSizes,
    *,
    extra: Tensor | None = None,
) -> TwoHopCandidates:
    """Return lists of candidates that hold neither the source nor a node it is linked to.

    Args:
        state: What is known.
        sources: Nodes.
        nearest: Finds nodes by their vectors; None where there are none.
        sizes: How many of which kind.
        extra: Nodes to list besides; -1 for none.

    Shapes:
        - **sources**: ``[B]``; **extra**: ``[B, M]``

    Example:
        >>> path = Snapshot(torch.tensor([0, 1, 3, 4]), torch.tensor([1, 0, 2, 1]))
        >>> find_candidates(path, torch.tensor([0]), None, CandidateSizes()).node.tolist()
        [2]
    """
    added = [] if extra is None else [extra]
    if nearest is not None and sizes.nearest:
        added.append(nearest(sources, sizes.nearest))
    return two_hop_candidates(
        state.rowptr,
        state.col,
        sources,
        best=sizes.best,
        keep=state.keep,
        degree=state.degree,
        weight=None if state.recency is None else state.recency.entry,
        popular=state.popular,
        take=sizes.popular,
        extra=torch.cat(added, dim=1) if added else None,
        budget=sizes.budget,
    )


def pair_candidates(state: Snapshot, pairs: Tensor, sizes: CandidateSizes) -> TwoHopCandidates:
    """The sums of given pairs, a list of one (or of none, where they are linked) for each.

    Shapes:
        - **pairs**: ``[2, B]``

    Example:
        >>> path = Snapshot(torch.tensor([0, 1, 3, 4]), torch.tensor([1, 0, 2, 1]))
        >>> pair_candidates(path, torch.tensor([[0], [2]]), CandidateSizes()).common.tolist()
        [1.0]
    """
    return two_hop_candidates(
        state.rowptr,
        state.col,
        pairs[0].contiguous(),
        best=0,
        keep=state.keep,
        degree=state.degree,
        weight=None if state.recency is None else state.recency.entry,
        extra=pairs[1][:, None].contiguous(),
        budget=sizes.budget,
    )
