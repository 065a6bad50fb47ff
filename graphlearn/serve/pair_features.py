"""The numbers of a pair that a mixer reads; they say nothing of the pairs beside it."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels import TwoHopCandidates
from graphlearn.serve.snapshot import Snapshot


def heuristic_scores(found: TwoHopCandidates, owner: Tensor, state: Snapshot) -> dict[str, Tensor]:
    """The four heuristics of every candidate, ``[K]`` each.

    Args:
        found: Candidates.
        owner: The source of each.
        state: What is known.

    Shapes:
        - **owner**: ``[K]``

    Example:
        >>> from graphlearn.serve.candidates import CandidateSizes, find_candidates
        >>> path = Snapshot(torch.tensor([0, 1, 3, 4]), torch.tensor([1, 0, 2, 1]))
        >>> found = find_candidates(path, torch.tensor([0]), None, CandidateSizes())
        >>> {k: v.item() for k, v in heuristic_scores(found, torch.tensor([0]), path).items()}
        {'cn': 1.0, 'aa': 1.4426950216293335, 'ra': 0.5, 'degree-product': 2.0}
    """
    degree = state.degree.float()
    return {
        "cn": found.common,
        "aa": found.adamic_adar,
        "ra": found.resource_allocation,
        # One more for the source: where it has no links, the targets' degrees still tell.
        "degree-product": (1.0 + degree[owner]) * degree[found.node],
    }


def pair_features(
    found: TwoHopCandidates,
    owner: Tensor,
    state: Snapshot,
    vectors: Tensor | None,
    logit: Tensor | None = None,
) -> Tensor:
    """One row of numbers for every candidate.

    Args:
        found: Candidates.
        owner: The source of each.
        state: What is known.
        vectors: The nodes' vectors, of length 1, whose dot product is a column.
        logit: What a learnt predictor says.

    Shapes:
        - **owner**, **logit**: ``[K]``; **vectors**: ``[N, C]``; **output**: ``[K, F]`` float32

    Example:
        >>> from graphlearn.serve.candidates import CandidateSizes, find_candidates
        >>> path = Snapshot(torch.tensor([0, 1, 3, 4]), torch.tensor([1, 0, 2, 1]))
        >>> found = find_candidates(path, torch.tensor([0]), None, CandidateSizes())
        >>> pair_features(found, torch.tensor([0]), path, None).shape
        torch.Size([1, 7])
    """
    target = found.node
    degree = state.degree.float()
    of_source, of_target = degree[owner], degree[target]
    common = found.common
    columns = [
        common.log1p(),
        found.adamic_adar.log1p(),
        # Of the order of 1 / degree: enlarged, so that small sums can be told apart.
        (100.0 * found.resource_allocation).log1p(),
        common / (of_source + of_target - common).clamp(min=1.0),
        common / torch.minimum(of_source, of_target).clamp(min=1.0),
        of_source.log1p(),
        of_target.log1p(),
    ]
    if state.recency is not None:
        numbers = state.recency.activity.log1p()
        columns.append((100.0 * found.weighted).log1p())
        columns += [*numbers[owner].unbind(1), *numbers[target].unbind(1)]
    if vectors is not None:
        columns.append(pair_dots(vectors, owner, target))
    if logit is not None:
        columns.append(logit.float())
    return torch.stack(columns, dim=1)


def count_columns(*, timed: bool, logit: bool) -> int:
    """How many numbers :func:`pair_features` gives for a pair, vectors included.

    Args:
        timed: Whether there are times.
        logit: Whether there is a learnt predictor.

    Example:
        >>> count_columns(timed=False, logit=True)
        9
    """
    return 7 + (13 if timed else 0) + 1 + (1 if logit else 0)


def pair_dots(vectors: Tensor, first: Tensor, second: Tensor, block: int = 1 << 16) -> Tensor:
    """Dot products of pairs of rows, some at a time: the rows themselves are not kept.

    Summed in float64: in float32 the last bits would depend on how many pairs there are.

    Shapes:
        - **vectors**: ``[N, C]``; **first**, **second**, **output**: ``[K]``

    Example:
        >>> pair_dots(torch.tensor([[1.0, 2.0], [3.0, 0.5]]), torch.tensor([0]), torch.tensor([1]))
        tensor([4.])
    """
    parts = [
        (vectors[one].double() * vectors[other]).sum(dim=1).to(vectors.dtype)
        for one, other in zip(torch.split(first, block), torch.split(second, block), strict=True)
    ]
    return torch.cat(parts) if parts else vectors.new_empty(0)
