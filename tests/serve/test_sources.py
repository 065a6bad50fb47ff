"""Everything a graph can be given as."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlearn.errors import InputError, InputTypeError
from graphlearn.serve.sources import read_own_links

PAIRS = [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    "edges",
    [
        PAIRS,
        np.array(PAIRS),
        torch.tensor(PAIRS),
        torch.tensor(PAIRS).t(),
        Data(edge_index=torch.tensor(PAIRS).t()),
        networkx.path_graph(4),
    ],
)
def test_one_graph_in_many_forms(edges: object) -> None:
    own = read_own_links(edges)
    assert own.links.tolist() == [[0, 1, 2], [1, 2, 3]]
    assert own.num_nodes == 4


def test_names_times_and_features() -> None:
    own = read_own_links([("b", "a"), ("a", "c")], time=[3.0, 1.0])
    assert own.ids == ["b", "a", "c"]
    assert own.events.first.tolist() == [3.0, 1.0]
    data = Data(edge_index=torch.tensor(PAIRS).t(), x=torch.eye(5), when=torch.arange(3))
    own = read_own_links(data, time="when")
    assert own.num_nodes == 5
    assert own.features.shape == (5, 5)
    assert read_own_links(PAIRS, features=torch.ones(6, 2)).num_nodes == 6


@pytest.mark.parametrize(
    ("edges", "options", "error", "text"),
    [
        (7, {}, InputTypeError, "edges is a int"),
        ([], {}, InputTypeError, "holds no pairs"),
        ([(1, 2, 3)], {}, InputTypeError, "holds no pairs"),
        ([(1, "a")], {}, InputTypeError, "mixes ids"),
        ([(1.5, 2.0)], {}, InputTypeError, "mixes ids"),
        ([(-1, 2)], {}, InputError, "node id -1"),
        (np.array([[-1, 2]]), {}, InputError, "node id -1"),
        (PAIRS, {"time": [1.0]}, InputError, r"time has shape \[1\]"),
        (PAIRS, {"time": [1.0, -2.0, 3.0]}, InputError, "missing or negative"),
        (PAIRS, {"time": [1.0, float("nan"), 3.0]}, InputError, "missing or negative"),
        (PAIRS, {"time": "when"}, InputTypeError, "time is a str"),
        (PAIRS, {"features": torch.ones(2, 2)}, InputError, "there is node 3"),
        ([("a", "b")], {"features": torch.ones(2, 2)}, InputTypeError, "keyed by id"),
        ("edges.csv", {"time": [1.0]}, InputTypeError, "the name of a column"),
    ],
)
def test_refusals(
    edges: object, options: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        read_own_links(edges, **options)
