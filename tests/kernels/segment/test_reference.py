from __future__ import annotations

import torch

from graphlearn.kernels.segment import Segments
from graphlearn.kernels.segment.reference import (
    segment_reduce_reference,
    segment_softmax_reference,
    tree_reduce_reference,
)

SEGMENTS = Segments.from_index(torch.tensor([0, 2, 0]), 3)
ROWS = torch.tensor([[1.0], [4.0], [3.0]])


def test_reductions_by_hand() -> None:
    assert segment_reduce_reference(ROWS, SEGMENTS, "sum").flatten().tolist() == [4.0, 0.0, 4.0]
    assert segment_reduce_reference(ROWS, SEGMENTS, "mean").flatten().tolist() == [2.0, 0.0, 4.0]
    assert segment_reduce_reference(ROWS, SEGMENTS, "max").flatten().tolist() == [3.0, 0.0, 4.0]


def test_a_softmax_by_hand() -> None:
    equal = torch.zeros(3, 1)
    assert segment_softmax_reference(equal, SEGMENTS).flatten().tolist() == [0.5, 1.0, 0.5]


def test_a_tree_by_hand() -> None:
    five = Segments.from_ptr(torch.tensor([0, 5]), 5)
    values = torch.tensor([[1.0], [2.0], [3.0], [4.0], [5.0]])

    def minus(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return left - right

    identity = torch.tensor([10.0])
    balanced = tree_reduce_reference(values, five, minus, identity)
    assert balanced.item() == ((1 - 2) - (3 - 4)) - 5
    chain = tree_reduce_reference(values, five, minus, identity, shape="chain")
    assert chain.item() == 1 - 2 - 3 - 4 - 5
    padded = tree_reduce_reference(values, five, minus, identity, pad_odd=True)
    assert padded.item() == ((1 - 2) - (3 - 4)) - ((5 - 10) - 10)
