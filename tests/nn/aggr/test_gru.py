from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.nn.aggr import GRUAggregation as PyGGRUAggregation

from graphlearn.errors import InputError
from graphlearn.nn.aggr import GRUAggregation


@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=6), seed=st.integers(0, 3))
def test_every_set_is_read_by_itself(lengths, seed) -> None:
    torch.manual_seed(seed)
    aggr = GRUAggregation(3, 4).double()
    index = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))
    index = index[torch.randperm(len(index))]
    x = torch.randn(len(index), 3, dtype=torch.float64)
    out = aggr(x, index, dim_size=len(lengths))
    for number, length in enumerate(lengths):
        own = x[index == number]
        expected = aggr.gru(own[None])[0][0, -1] if length else torch.zeros(4).double()
        torch.testing.assert_close(out[number], expected)


def test_sets_of_one_size_give_what_pyg_gives() -> None:
    theirs, ours = PyGGRUAggregation(3, 4), GRUAggregation(3, 4)
    ours.load_state_dict(theirs.state_dict())
    x, index = torch.randn(20, 3), torch.arange(4).repeat_interleave(5)
    torch.testing.assert_close(ours(x, index), theirs(x, index))
    torch.testing.assert_close(ours(x, ptr=torch.arange(0, 21, 5)), theirs(x, index))


def test_gradients_stay_in_their_set() -> None:
    aggr = GRUAggregation(3, 4)
    index = torch.tensor([0, 2, 0, 1, 2, 2])
    x = torch.randn(6, 3, requires_grad=True)
    aggr(x, index)[2].sum().backward()
    assert torch.equal(x.grad.abs().sum(dim=1) > 0, index == 2)


def test_shuffles_in_training_alone() -> None:
    torch.manual_seed(0)
    aggr = GRUAggregation(3, 4, shuffle=True, generator=torch.Generator().manual_seed(0))
    x, index = torch.randn(20, 3), torch.randint(3, (20,))
    assert not torch.allclose(aggr(x, index), aggr(x, index))
    aggr.eval()
    assert torch.equal(aggr(x, index), aggr(x, index))
    assert repr(aggr) == "GRUAggregation(3, 4, shuffle=True)"


def test_nothing_at_all() -> None:
    aggr = GRUAggregation(3, 4)
    nothing = torch.empty(0, dtype=torch.int64)
    assert aggr(torch.empty(0, 3), nothing).shape == (0, 4)
    assert aggr(torch.empty(0, 3), nothing, dim_size=2).eq(0).all()


def test_bad_input_is_refused() -> None:
    aggr = GRUAggregation(3, 4)
    with pytest.raises(InputError, match=r"x has shape \[2, 5, 3\].* 2 axes"):
        aggr(torch.randn(2, 5, 3), torch.zeros(5, dtype=torch.int64))
    with pytest.raises(InputError, match="index holds 7 at row 1"):
        aggr(torch.randn(2, 3), torch.tensor([0, 7]), dim_size=2)


def test_layers_and_dropout_are_those_of_the_gru() -> None:
    aggr = GRUAggregation(3, 4, num_layers=2, dropout=0.1).eval()
    x = torch.randn(5, 3)
    expected = aggr.gru(x[None])[0][0, -1]
    torch.testing.assert_close(aggr(x, torch.zeros(5, dtype=torch.int64))[0], expected)
    with pytest.raises(TypeError, match="bidirectional"):
        GRUAggregation(3, 4, bidirectional=True)
    with pytest.raises(InputError, match="num_layers is 0"):
        GRUAggregation(3, 4, num_layers=0)
