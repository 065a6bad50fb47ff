from __future__ import annotations

import pytest
import torch
from torch_geometric.nn.aggr import Aggregation

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.nn.aggr import AGGREGATORS, LCMAggregation, make_aggregator


@pytest.mark.parametrize("name", AGGREGATORS.names())
def test_every_named_aggregator_keeps_the_channels(name) -> None:
    aggr = make_aggregator(name, 6, degree_histogram=torch.tensor([1, 1, 2]))
    assert isinstance(aggr, Aggregation)
    out = aggr(torch.randn(5, 6), torch.tensor([0, 0, 1, 1, 3]), dim_size=4)
    assert out.shape == (4, 6)


def test_options_reach_the_class() -> None:
    made = make_aggregator({"name": "lcm", "tree": "chain", "associativity_weight": 1.0}, 6)
    assert repr(made) == (
        "LCMAggregation(6, 6, project=False, tree='chain', associativity_weight=1.0)"
    )
    assert make_aggregator({"name": "gru", "num_layers": 2}, 6).gru.num_layers == 2


def test_a_module_is_taken_as_it_is() -> None:
    made = LCMAggregation(3, 3)
    assert make_aggregator(made, 6) is made


def test_what_is_unknown_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lcm'"):
        make_aggregator("lmc", 6)
    with pytest.raises(UnknownNameError, match="did you mean 'shuffle'"):
        make_aggregator({"name": "lcm", "shufle": True}, 6)
    with pytest.raises(UnknownNameError, match="option of lcm 'in_channels'"):
        make_aggregator({"name": "lcm", "in_channels": 3}, 6)
    with pytest.raises(InputError, match="has no name"):
        make_aggregator({"shuffle": True}, 6)
    with pytest.raises(InputTypeError, match="the aggregator is 3"):
        make_aggregator(3, 6)  # type: ignore[arg-type]


def test_an_aggregator_that_wants_a_histogram_says_so() -> None:
    with pytest.raises(InputError, match=r"no degree_histogram.*PNAAggregation\(\.\.\.\)"):
        make_aggregator("pna", 6)


def test_an_option_no_aggregator_has_is_refused_for_each() -> None:
    for name in AGGREGATORS.names():
        with pytest.raises(UnknownNameError, match=f"option of {name} 'foo'"):
            make_aggregator({"name": name, "foo": 1}, 6, degree_histogram=torch.tensor([0, 1]))
