from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from graphlearn.errors import InputError, InputTypeError, LeakError
from graphlearn.train.prepared import PreparedSplit, prepare_split

CPU = torch.device("cpu")


def prepare(split: Any, dtype: torch.dtype = torch.float32) -> PreparedSplit:
    return prepare_split(split, CPU, dtype)


def test_edges_are_those_of_the_training_links(make_split: Callable[..., Any]) -> None:
    split = make_split()
    # The answer must not hang on the order of the columns of edge_index.
    shuffled = split.data.clone()
    shuffled.edge_index = shuffled.edge_index.flip(1)
    data = prepare(replace(split, data=shuffled))
    assert torch.equal(
        data.graph.edge_pairs()[:, data.train_edges].sort(0).values,
        split.train_pairs.sort(0).values,
    )
    assert data.test_graph is data.graph
    assert data.x is None


@pytest.mark.parametrize("features", ["dense", "sparse"])
def test_features_get_the_dtype(make_split: Callable[..., Any], features: str) -> None:
    split = make_split(features)
    x = prepare(split, torch.float64).x
    assert x is not None
    assert x.dtype == torch.float64
    assert x.layout == split.data.x.layout
    assert prepare(split).x is split.data.x  # nothing is copied where nothing changes


def test_validation_links_join_the_test_graph_on_demand(make_split: Callable[..., Any]) -> None:
    split = replace(make_split(), test_uses_valid_edges=True)
    data = prepare(split)
    num_valid = split.valid_pairs.size(1)
    assert data.test_graph.num_edges == data.graph.num_edges + num_valid
    assert bool((data.test_graph.find_edges(split.valid_pairs) >= 0).all())
    assert bool((data.graph.find_edges(split.valid_pairs) < 0).all())


def test_a_leak_is_refused(make_split: Callable[..., Any]) -> None:
    split = make_split()
    with pytest.raises(LeakError, match="1 test links that are training links"):
        prepare(replace(split, test_pairs=split.train_pairs[:, :1].flip(0)))


def test_bad_splits_are_refused(make_split: Callable[..., Any]) -> None:
    split = make_split("dense")
    empty = torch.empty(2, 0, dtype=torch.int64)
    with pytest.raises(InputError, match="train_pairs is empty"):
        prepare(replace(split, train_pairs=empty))
    with pytest.raises(InputTypeError, match="train_pairs has dtype torch.float32"):
        prepare(replace(split, train_pairs=split.train_pairs.float()))
    for x, message in (
        (torch.full((60, 2), torch.nan), "NaN"),
        (torch.ones(59, 2), "59 rows"),
    ):
        wrong = Data(x=x, edge_index=split.data.edge_index, num_nodes=60)
        with pytest.raises(InputError, match=message):
            prepare(replace(split, data=wrong))


def test_a_training_link_outside_the_graph_is_named(make_split: Callable[..., Any]) -> None:
    split = make_split()
    u, v = split.train_pairs[:, 3].tolist()
    there = split.data.edge_index
    gone = ((there[0] == u) & (there[1] == v)) | ((there[0] == v) & (there[1] == u))
    data = Data(edge_index=there[:, ~gone], num_nodes=60)
    with pytest.raises(InputError, match=rf"1 training links .* the first \({u}, {v}\)"):
        prepare(replace(split, data=data))


def test_the_test_part_can_be_left_out(make_split: Callable[..., Any]) -> None:
    split = replace(make_split(), test_uses_valid_edges=True)
    data = prepare_split(split, CPU, torch.float32, test=False)
    assert data.test is None
    assert data.test_graph is data.graph
