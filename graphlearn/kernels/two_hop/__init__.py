"""Candidates for new links: the nodes two steps away, with what they share with the source."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.two_hop import cpu
from graphlearn.kernels.two_hop.reference import candidates_reference
from graphlearn.validate import check_num_nodes, check_size, id_range

__all__ = ["TwoHopCandidates", "candidates_reference", "two_hop_candidates"]

DEFAULT_BUDGET = 1_000_000
"""Steps from one source: some milliseconds."""


class TwoHopCandidates(NamedTuple):
    """What :func:`two_hop_candidates` gives.

    Args:
        rowptr: ``[B + 1]`` int64: where each source's candidates start.
        node: ``[K]`` int64: the candidates, ascending in each list.
        common: ``[K]`` float32: how many neighbors they share with the source.
        adamic_adar: ``[K]``: each of them counted by one over the logarithm of its degree.
        resource_allocation: ``[K]``: each counted by one over its degree.
        weighted: ``[K]``: the sum over common neighbors of the product of both entries' weights; 0
            where no weights were given.
    """

    rowptr: Tensor
    node: Tensor
    common: Tensor
    adamic_adar: Tensor
    resource_allocation: Tensor
    weighted: Tensor

    def owner(self) -> Tensor:
        """The place in the sources of every candidate's source, ``[K]``."""
        lists = torch.arange(self.rowptr.numel() - 1)
        return torch.repeat_interleave(lists, self.rowptr.diff(), output_size=self.node.numel())


def two_hop_candidates(
    rowptr: Tensor,
    col: Tensor,
    sources: Tensor,
    *,
    best: int,
    keep: Tensor | None = None,
    degree: Tensor | None = None,
    weight: Tensor | None = None,
    popular: Tensor | None = None,
    take: int = 0,
    extra: Tensor | None = None,
    budget: int = DEFAULT_BUDGET,
) -> TwoHopCandidates:
    """For each source the nodes that it might be linked to, never itself or one of its neighbors.

    Of the nodes two steps away those stay that are among the ``best`` by one of the sums (number of
    common neighbors, Adamic-Adar, resource allocation, weighted walks), the lower node first among
    equals. Others may be added; their sums are exact too, 0 for those that share nothing.

    A source whose neighbors have more than ``budget`` neighbors together is walked from along those
    of low degree alone, which say the most: the same ones in each run. Its sums count no others.

    Cost: at most ``budget`` steps a source, and ``28 N`` bytes a thread. The result does not depend
    on the number of threads.

    Args:
        rowptr: Where each node's neighbors start.
        col: Neighbors, sorted; every edge in both directions.
        sources: Nodes, in any order.
        best: How many candidates by each of the sums; 0 for none but those added.
        keep: Entries that are present; all if None.
        degree: How many are present in each row; counted if None.
        weight: A factor for each entry.
        popular: Orders of nodes, the best first; the first ``take`` of each that are neither source
            nor neighbor are candidates.
        take: How many of each order.
        extra: Further candidates of each source; -1 for none, others that are barred left out.
        budget: Most steps from one source.

    Shapes:
        - **rowptr**: ``[N + 1]``; **col**, **keep**, **weight**: ``[nnz]``; **degree**: ``[N]``
        - **sources**: ``[B]``; **popular**: ``[R, L]``; **extra**: ``[B, M]``

    Raises:
        InputTypeError: If something that should hold integers does not.
        InputError: If a shape does not fit or an id is out of range.

    Example:
        >>> rowptr, col = torch.tensor([0, 1, 3, 4]), torch.tensor([1, 0, 2, 1])  # 0 - 1 - 2
        >>> found = two_hop_candidates(rowptr, col, torch.tensor([0, 1]), best=5)
        >>> found.rowptr.tolist(), found.node.tolist(), found.resource_allocation.tolist()
        ([0, 1, 1], [2], [0.5])
    """
    nodes = rowptr.numel() - 1
    given: dict[str, Tensor | None] = {"sources": sources, "popular": popular, "extra": extra}
    for name, ids in given.items():
        _check_ids(ids, name, nodes, least=-1 if name == "extra" else 0)
    if extra is not None and extra.shape[:1] != sources.shape:
        raise InputError(f"extra has shape {list(extra.shape)}", expected=f"[{sources.numel()}, M]")
    entries: dict[str, Tensor | None] = {"keep": keep, "weight": weight}
    for name, values in entries.items():
        if values is not None and values.shape != col.shape:
            raise InputError(
                f"{name} has shape {list(values.shape)}", expected=f"{list(col.shape)}, as col"
            )
    mask = np.empty(0, np.uint8) if keep is None else keep.bool().view(torch.uint8).numpy()
    factor = np.empty(0, np.float32) if weight is None else weight.float().numpy()
    if degree is None:
        degree = _degree(rowptr, keep)
    found = cpu.candidates(
        rowptr.numpy(),
        col.numpy(),
        mask,
        factor,
        degree.numpy(),
        sources.long().contiguous().numpy(),
        _plane(popular, 0),
        _plane(extra, sources.numel()),
        check_num_nodes(best, name="best"),
        check_num_nodes(take, name="take"),
        check_size(budget, name="budget"),
    )
    lists, node = torch.from_numpy(found[0]), torch.from_numpy(found[1])
    sums = torch.from_numpy(found[2]).unbind(1)
    return TwoHopCandidates(lists, node, *sums)


def _degree(rowptr: Tensor, keep: Tensor | None) -> Tensor:
    if keep is None:
        return rowptr.diff()
    kept = torch.zeros(keep.numel() + 1, dtype=torch.int64)
    torch.cumsum(keep.bool(), 0, out=kept[1:])
    return kept[rowptr.long()].diff()


def _plane(ids: Tensor | None, rows: int) -> NDArray[Any]:
    if ids is None:
        return np.empty((rows, 0), np.int64)
    return ids.contiguous().numpy()


def _check_ids(ids: Any, name: str, nodes: int, *, least: int) -> None:
    axes = 1 if name == "sources" else 2
    if ids is None:
        return
    if not isinstance(ids, Tensor) or ids.dtype not in (torch.int32, torch.int64):
        kind = f"dtype {ids.dtype}" if isinstance(ids, Tensor) else type(ids).__name__
        raise InputTypeError(f"{name} has {kind}", expected="an int32 or int64 tensor")
    if ids.dim() != axes:
        raise InputError(f"{name} has shape {list(ids.shape)}", expected=f"{axes} axes")
    if ids.numel():
        low, high = id_range(ids)
        if low < least or high >= nodes:
            raise InputError(
                f"{name} holds {low if low < least else high}",
                expected=f"nodes in [0, {nodes})" + (", or -1 for none" if least < 0 else ""),
            )
