"""Everything a graph can be given as."""

from __future__ import annotations

from pathlib import Path

import networkx
import numpy as np
import pandas
import pytest
import torch
from torch_geometric.data import Data

from graphlearn.data import from_networkx
from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.serve.own_links import OwnLinks
from graphlearn.serve.sources import feature_rows, read_own_links

PAIRS = [(0, 1), (1, 2), (2, 3)]
GRAPH = Data(edge_index=torch.tensor(PAIRS).t(), num_nodes=4)


@pytest.mark.parametrize(
    "edges",
    [
        PAIRS,
        np.array(PAIRS),
        torch.tensor(PAIRS),
        torch.tensor(PAIRS).t(),
        Data(edge_index=torch.tensor(PAIRS).t()),
        networkx.path_graph(4),
        pandas.DataFrame(PAIRS, columns=["a", "b"]),
        pandas.DataFrame(PAIRS, columns=["a", "b"], dtype="Int64"),
    ],
)
def test_one_graph_in_many_forms(edges: object) -> None:
    own = read_own_links(edges)
    assert own.links.tolist() == [[0, 1, 2], [1, 2, 3]]
    assert own.num_nodes == 4
    assert own.ids.tolist() == [0, 1, 2, 3]
    assert read_own_links(edges, text_ids=True).ids == ["0", "1", "2", "3"]


def test_names_times_and_features() -> None:
    own = read_own_links([("b", "a"), ("a", "c")], time=[3.0, 1.0])
    assert own.ids == ["b", "a", "c"]
    assert own.events.first.tolist() == [3.0, 1.0]
    data = Data(edge_index=torch.tensor(PAIRS).t(), x=torch.eye(5), when=torch.arange(3))
    own = read_own_links(data, time="when")
    assert own.num_nodes == 5
    assert own.features.shape == (5, 5)
    assert read_own_links(PAIRS, features=torch.ones(6, 2)).num_nodes == 6


def rows_of(own: OwnLinks) -> dict[object, float]:
    ids = own.ids.tolist() if isinstance(own.ids, torch.Tensor) else own.ids
    return dict(zip(ids, own.features[:, 0].tolist(), strict=True))


@pytest.mark.parametrize("ids", [[30, 10, 20, 40], [2, 0, 3, 1], ["d", "a", "c", "b"]])
def test_the_features_of_a_data_are_by_position(ids: list[object]) -> None:
    x = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    expected = dict(zip(ids, [1.0, 2.0, 3.0, 4.0], strict=True))
    given = [ids] if isinstance(ids[0], str) else [ids, torch.tensor(ids), np.array(ids)]
    for node_ids in given:
        data = Data(edge_index=GRAPH.edge_index, num_nodes=4, x=x, node_ids=node_ids)
        assert rows_of(read_own_links(data)) == expected
        data.x = None
        assert rows_of(read_own_links(data, features=x)) == expected
        texts = {str(name): row for name, row in expected.items()}
        assert rows_of(read_own_links(data, features=x, text_ids=True)) == texts
        with pytest.raises(InputError, match="features has 5 rows: expected 4, one for each node"):
            read_own_links(data, features=torch.ones(5, 1))


def test_features_of_a_networkx_graph() -> None:
    graph = networkx.Graph([("ann", "bob"), ("bob", "cem")])
    networkx.set_node_attributes(graph, {"ann": [1.0], "bob": [2.0], "cem": [3.0]}, "age")
    own = read_own_links(from_networkx(graph, features="age"))
    assert rows_of(own) == {"ann": 1.0, "bob": 2.0, "cem": 3.0}
    frame = pandas.DataFrame({"age": [3, 1, 2]}, index=["cem", "ann", "bob"])
    assert rows_of(read_own_links(graph, features=frame)) == rows_of(own)
    assert rows_of(read_own_links(networkx.path_graph(3), features=torch.eye(3)))[0] == 1.0
    with pytest.raises(InputTypeError, match="not the integers from 0 in this order"):
        read_own_links(networkx.Graph([(1, 0), (0, 2)]), features=torch.eye(3))


def test_features_as_numbers_of_any_type() -> None:
    for features in (
        torch.ones(4, 2, dtype=torch.int64),
        torch.ones(4, 2, dtype=torch.bool),
        torch.ones(4, 2, dtype=torch.bfloat16),
        torch.ones(4, 2).requires_grad_(),
        torch.ones(4, 2).to_sparse(),
        np.ones((2, 4), dtype=np.uint8).T,
        [[1, 1.0]] * 4,
    ):
        rows = feature_rows(features)
        assert torch.equal(rows, torch.ones(4, 2))
        assert not rows.requires_grad
        assert read_own_links(PAIRS, features=features).features.shape == (4, 2)


def test_a_file_and_frames(tmp_path: Path) -> None:
    (tmp_path / "edges.csv").write_text("source,target\n007,8\n8,9\n9,10\n")
    (tmp_path / "nodes.csv").write_text("age,id\n1,007\n2,8\n3,9\n4,10\n")
    own = read_own_links(tmp_path / "edges.csv", features=tmp_path / "nodes.csv", id_column="id")
    assert rows_of(own) == {"007": 1.0, "8": 2.0, "9": 3.0, "10": 4.0}
    edges = pandas.read_csv(tmp_path / "edges.csv", dtype=str)
    nodes = pandas.read_csv(tmp_path / "nodes.csv", dtype=str)
    assert rows_of(read_own_links(edges, features=nodes, id_column="id")) == rows_of(own)


@pytest.mark.parametrize(
    ("edges", "options", "error", "text"),
    [
        (7, {}, InputTypeError, "edges is a int"),
        ([], {}, InputTypeError, "holds no pairs"),
        ([(1, 2, 3)], {}, InputTypeError, "holds no pairs"),
        ([(1, "a")], {}, InputTypeError, "mixes ids of several types.*text_ids"),
        ([(1.5, 2.0)], {}, InputTypeError, "mixes ids"),
        ([(-1, 2)], {}, InputError, "node id -1"),
        (np.array([[-1, 2]]), {}, InputError, "node id -1"),
        (PAIRS, {"time": [1.0]}, InputError, r"time has shape \[1\]"),
        (PAIRS, {"time": [1.0, -2.0, 3.0]}, InputError, "time, row 1, has the negative time -2"),
        (PAIRS, {"time": [1.0, float("nan"), 3.0]}, InputError, "time, row 1, has no time"),
        (PAIRS, {"source_column": "a"}, InputError, "source_column is 'a' and edges is a list"),
        (PAIRS, {"id_column": "a"}, InputError, "--id-column .* without a table"),
        (PAIRS, {"id_column": "a", "features": torch.ones(4, 2)}, InputError, "without a table"),
        (PAIRS, {"features": [["a"]] * 4}, InputTypeError, "features is a list that holds no num"),
        (PAIRS, {"features": [[1], [1, 2]]}, InputTypeError, "features is a list"),
        (PAIRS, {"features": object()}, InputTypeError, "features is a object"),
        (PAIRS, {"features": torch.ones(4)}, InputError, r"features has shape \[4\]"),
        (PAIRS, {"features": np.full((4, 1), np.nan)}, InputError, "features holds"),
        (PAIRS, {"features": np.full((4, 1), 1e39)}, InputError, r"holds 1e\+39 at \[0, 0\]"),
        (
            PAIRS,
            {"features": pandas.DataFrame(np.ones((4, 2)))},
            InputError,
            "features is a DataFrame without ids",
        ),
        (GRAPH, {"time": "sent"}, UnknownNameError, "unknown attribute 'sent'"),
        (
            Data(edge_index=GRAPH.edge_index, x=torch.ones(4, 1)),
            {"features": "nodes.csv"},
            InputError,
            "features is given and edges has x",
        ),
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
