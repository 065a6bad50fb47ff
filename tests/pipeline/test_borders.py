from __future__ import annotations

import pytest
import torch

from graphlearn.pipeline import Layout
from graphlearn.pipeline.borders import Borders
from graphlearn.pipeline.place import Place
from graphlearn.pipeline.stage import Passing
from graphlearn.pipeline.widths import LayerWidth

WIDTH = LayerWidth(2, None, torch.float32)


def alone() -> Borders:
    layout = Layout(torch.tensor([[0, 1], [1, 2]]), 3, 2, chunk_of=torch.tensor([1, 0, 1]))
    chunks = [layout.chunk(0), layout.chunk(1)]
    x = torch.arange(6.0).view(3, 2)
    return Borders(Place(1, 1), chunks, before=WIDTH, after=WIDTH, x=x, device=torch.device("cpu"))


def test_features_lie_ready_at_the_first_stage() -> None:
    borders = alone()
    found = [given.rows.tolist() for given in borders.incoming([1, 0])]
    assert found == [[[0.0, 1.0], [4.0, 5.0]], [[2.0, 3.0]]]
    assert all(given.initial is None for given in borders.incoming([0]))


def test_alone_there_is_nobody_to_hand_to() -> None:
    borders = alone()
    borders.hand_on(Passing(torch.ones(1, 2)))
    borders.hand_back(0, [None])
    borders.flush()
    assert borders.sent_bytes == 0
    with pytest.raises(AssertionError, match="from the loss"):
        list(borders.gradients([0]))


def test_rows_go_forward_and_gradients_back(results) -> None:
    ((first, last),) = results(2, [("pass_borders", {})])
    # Of chunk 1 and of chunk 0: rows doubled by the second stage come back as gradients, and zeros
    # stand for those of the initial rows.
    assert first == {
        "rows": [[[6.0], [8.0]], [[2.0]]],
        "initial": [[[0.0], [0.0]], [[0.0]]],
        "sent": 24,
    }
    assert last["rows"] == [[[3.0], [4.0]], [[1.0]]]
    assert last["initial"] == [[[30.0], [40.0]], [[10.0]]]
    assert last["sent"] == 24
