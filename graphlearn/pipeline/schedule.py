"""In which order chunks pass through the stages, and what waiting for each other costs."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from graphlearn.errors import InputError
from graphlearn.validate import check_num_nodes, check_size


def chunk_order(num_chunks: int, epoch: int, *, seed: int, shuffle: bool = True) -> list[int]:
    """The order of the chunks in one epoch, the same on every stage; backward it is reversed.

    Another order each epoch lets each of two chunks come before the other half of the time, so that
    no edge is always read from history (GNNPipe, arXiv 2308.10087, section on chunk shuffling).

    Args:
        num_chunks: K.
        epoch: Which epoch, from 0.
        seed: Of all orders.
        shuffle: Whether to shuffle; else chunks come by their numbers.

    Example:
        >>> sorted(chunk_order(4, 7, seed=0)), chunk_order(3, 7, seed=0, shuffle=False)
        ([0, 1, 2, 3], [0, 1, 2])
    """
    chunks = check_size(num_chunks, name="num_chunks")
    if not shuffle:
        return list(range(chunks))
    key = (seed * 1_000_003 + check_num_nodes(epoch, name="epoch")) % 2**63
    generator = torch.Generator().manual_seed(key)
    order: list[int] = torch.randperm(chunks, generator=generator).tolist()
    return order


def efficiency(num_chunks: int, num_stages: int) -> float:
    """The share of its time that a stage works, if all pieces of work are equal: K / (K + S - 1).

    Args:
        num_chunks: K.
        num_stages: S.

    Example:
        >>> efficiency(8, 1), round(efficiency(16, 4), 3)
        (1.0, 0.842)
    """
    chunks = check_size(num_chunks, name="num_chunks")
    return chunks / (chunks + check_size(num_stages, name="num_stages") - 1)


def split_layers(costs: Sequence[float], num_stages: int) -> list[range]:
    """Consecutive layers for every stage, so that the dearest stage costs the least.

    O(S L^2) by dynamic programming.

    Args:
        costs: What each layer costs, in any unit.
        num_stages: S.

    Raises:
        InputError: If there are more stages than layers, or a cost is negative.

    Example:
        >>> split_layers([1.0, 1.0, 2.0], 2)
        [range(0, 2), range(2, 3)]
    """
    stages = check_size(num_stages, name="stages")
    layers = len(costs)
    if stages > layers:
        raise InputError(
            f"stages is {stages} for {layers} layers",
            expected="at least one layer a stage",
            mend=f"pass stages={layers} or fewer; for more devices, ways beside them",
        )
    if any(not cost >= 0 for cost in costs):
        raise InputError(f"costs are {list(costs)}", expected="numbers >= 0")
    before = [0.0]
    for cost in costs:
        before.append(before[-1] + cost)
    # best[s][l]: the least cost of the dearest of s stages that hold the first l layers.
    best = [[float("inf")] * (layers + 1) for _ in range(stages + 1)]
    cut = [[0] * (layers + 1) for _ in range(stages + 1)]
    best[0][0] = 0.0
    for stage in range(1, stages + 1):
        for end in range(stage, layers - (stages - stage) + 1):
            for begin in range(stage - 1, end):
                dearest = max(best[stage - 1][begin], before[end] - before[begin])
                if dearest < best[stage][end]:
                    best[stage][end], cut[stage][end] = dearest, begin
    ranges, end = [], layers
    for stage in range(stages, 0, -1):
        ranges.append(range(cut[stage][end], end))
        end = cut[stage][end]
    return ranges[::-1]
