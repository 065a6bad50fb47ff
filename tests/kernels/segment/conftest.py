"""Groupings that reductions trip over."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor


def _hub_heavy() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    few = torch.randint(1, 40, (60,), generator=generator)
    mixed = torch.cat([few, torch.zeros(300, dtype=torch.int64)])
    return mixed[torch.randperm(360, generator=generator)]


def _random(rows: int, segments: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(segments, (rows,), generator=generator)


GROUPINGS: dict[str, tuple[Tensor, int]] = {
    "nothing": (torch.empty(0, dtype=torch.int64), 0),
    "empty segments alone": (torch.empty(0, dtype=torch.int64), 3),
    "one row": (torch.tensor([0]), 1),
    "one row, others empty": (torch.tensor([2]), 5),
    "one segment": (torch.zeros(13, dtype=torch.int64), 1),
    "powers of two": (torch.arange(4).repeat_interleave(torch.tensor([1, 2, 4, 8])), 4),
    "one each": (torch.arange(9), 9),
    "sorted": (_random(50, 11, 1).sort().values, 12),
    "unsorted": (_random(50, 11, 2), 12),
    "int32": (_random(40, 7, 3).int(), 7),
    "hub": (_hub_heavy(), 40),
}


@pytest.fixture(params=list(GROUPINGS))
def grouping(request: pytest.FixtureRequest) -> tuple[Tensor, int]:
    """An index and its number of segments."""
    return GROUPINGS[request.param]
