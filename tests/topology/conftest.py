from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch


@pytest.fixture
def one_and_two_threads() -> Iterator[Callable[..., list[object]]]:
    """``run(function)``: its results with one thread and with two."""
    before = torch.get_num_threads()

    def run(function: Callable[[], object]) -> list[object]:
        results = []
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(function())
        return results

    yield run
    torch.set_num_threads(before)
