from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch_geometric import EdgeIndex
from torch_geometric.data import Data, HeteroData
from torch_geometric.testing import MyFeatureStore, MyGraphStore

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.sample import NeighborRows
from graphlearn.loader.sampled_graph import SampledGraph, sampled_graph


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


def listed(rows: NeighborRows) -> list[tuple[int, int, int]]:
    """(target, source, edge) of every entry."""
    row = np.repeat(np.arange(rows.num_targets), np.diff(rows.rowptr))
    perm = np.arange(rows.num_edges) if rows.perm is None else rows.perm
    return list(zip(row.tolist(), rows.col.tolist(), perm.tolist(), strict=True))


def expected(edge_index: torch.Tensor) -> list[tuple[int, int, int]]:
    source, target = edge_index.tolist()
    return sorted((v, u, edge) for edge, (u, v) in enumerate(zip(source, target, strict=True)))


def test_rows_of_a_graph(graph) -> None:
    found = sampled_graph(graph)
    assert isinstance(found, SampledGraph)
    assert (found.node_types, found.edge_types, found.num_nodes) == ([None], [None], [100])
    assert not found.is_hetero
    assert not found.is_temporal
    assert sorted(listed(found.rows[0])) == expected(graph.edge_index)
    assert found.permutation(0).tolist() == found.rows[0].perm.tolist()


def test_rows_backward_are_those_of_the_turned_graph(graph, typed_graph) -> None:
    found = sampled_graph(graph, backward=True)
    assert sorted(listed(found.rows[0])) == expected(graph.edge_index.flip(0))
    found = sampled_graph(typed_graph, backward=True)
    number = found.edge_types.index(("author", "writes", "paper"))
    edges = typed_graph["author", "writes", "paper"].edge_index
    assert sorted(listed(found.rows[number])) == expected(edges.flip(0))
    relation = found.hop_sampler().relations[number]
    ends = found.node_types[relation.source], found.node_types[relation.target]
    assert ends == ("paper", "author")


def test_rows_of_types(typed_graph) -> None:
    found = sampled_graph(typed_graph)
    assert found.is_hetero
    assert found.node_types == ["paper", "author"]
    assert found.num_nodes == [60, 40]
    assert found.edge_types == typed_graph.edge_types
    for kind, rows, relation in zip(
        found.edge_types, found.rows, found.hop_sampler().relations, strict=True
    ):
        assert sorted(listed(rows)) == expected(typed_graph[kind].edge_index)
        assert found.node_types[relation.source] == kind[0]
        assert found.node_types[relation.target] == kind[-1]


@pytest.mark.parametrize("layout", ["coo", "csc", "csr"])
def test_stores_hold_the_same_rows(graph, typed_graph, in_stores, layout) -> None:
    found = sampled_graph(in_stores(graph, layout))
    assert (found.node_types, found.num_nodes) == ([None], [100])
    assert [entry[:2] for entry in sorted(listed(found.rows[0]))] == [
        entry[:2] for entry in expected(graph.edge_index)
    ]
    found = sampled_graph(in_stores(typed_graph, layout))
    assert dict(zip(found.node_types, found.num_nodes, strict=True)) == {"paper": 60, "author": 40}
    for kind, rows in zip(found.edge_types, found.rows, strict=True):
        assert [entry[:2] for entry in sorted(listed(rows))] == [
            entry[:2] for entry in expected(typed_graph[kind].edge_index)
        ]


def test_times_of_nodes_and_of_edges(graph, typed_graph) -> None:
    found = sampled_graph(graph, time_attr="time")
    assert found.is_temporal
    assert not found.has_edge_time
    assert found.node_time[0].tolist() == graph.time.tolist()
    found = sampled_graph(graph, time_attr="edge_time")
    assert found.has_edge_time
    assert found.node_time == [None]
    assert found.rows[0].entry_time.tolist() == graph.edge_time[found.permutation(0)].tolist()
    found = sampled_graph(typed_graph, time_attr="time")
    assert [time.tolist() for time in found.node_time] == [
        typed_graph[kind].time.tolist() for kind in found.node_types
    ]
    del typed_graph["author"].time  # some types may have none
    assert sampled_graph(typed_graph, time_attr="time").node_time[1] is None
    assert sampled_graph(typed_graph, time_attr="edge_time").has_edge_time


def test_times_are_of_one_kind(typed_graph) -> None:
    typed_graph["paper"].time = typed_graph["paper"].time.int()
    assert not sampled_graph(typed_graph, time_attr="time").time_is_float
    typed_graph["author"].time = typed_graph["author"].time.float()
    message = (
        "times of one type are integers and of another floating-point numbers: "
        "expected the same kind for all, so that they can be compared exactly"
    )
    with pytest.raises(InputError, match=exactly(message)):
        sampled_graph(typed_graph, time_attr="time")
    typed_graph["paper"].time = typed_graph["paper"].time.double()
    assert sampled_graph(typed_graph, time_attr="time").time_is_float
    cites = typed_graph["paper", "cites", "paper"]
    cites.edge_time = cites.edge_time.float()
    with pytest.raises(InputError, match=exactly(message)):
        sampled_graph(typed_graph, time_attr="edge_time")


def test_times_in_stores(graph, typed_graph, in_stores) -> None:
    found = sampled_graph(in_stores(graph, by_time="time"), time_attr="time")
    assert found.node_time[0].tolist() == graph.time.tolist()
    found = sampled_graph(in_stores(typed_graph, by_time="time"), time_attr="time")
    for kind, time in zip(found.node_types, found.node_time, strict=True):
        assert time.tolist() == typed_graph[kind].time.tolist()


@pytest.mark.parametrize("name", ["adj_t", "adj"])
def test_edges_in_a_sparse_tensor_are_refused_with_the_mend(graph, name) -> None:
    distinct = torch.unique(graph.edge_index, dim=1)
    ends = distinct.flip(0) if name == "adj_t" else distinct
    sparse = torch.sparse_coo_tensor(
        ends, torch.ones(ends.size(1)), (100, 100), check_invariants=True
    )
    with pytest.raises(
        InputTypeError, match=f"^data holds its edges in {name}, a Tensor"
    ) as caught:
        sampled_graph(Data(**{name: sparse}, num_nodes=100))
    mended = eval(caught.value.mend.removeprefix("convert it: edge_index = "), {name: sparse})
    assert set(map(tuple, mended.t().tolist())) == set(map(tuple, distinct.t().tolist()))
    # Beside edges it is one more attribute.
    assert sampled_graph(graph.clone().update({name: sparse})).rows[0].num_edges == 600


def test_an_edge_index_with_a_memory_is_plain_edges(graph) -> None:
    remembered = EdgeIndex(graph.edge_index, sparse_size=(100, 100))
    found = sampled_graph(Data(edge_index=remembered, num_nodes=100))
    assert sorted(listed(found.rows[0])) == expected(graph.edge_index)


def test_sorted_edges_are_not_sorted_again(graph) -> None:
    order = graph.edge_index[1].argsort(stable=True)
    data = Data(edge_index=graph.edge_index[:, order], num_nodes=100)
    found = sampled_graph(data, is_sorted=True)
    assert found.permutation(0) is None
    assert sorted(listed(found.rows[0])) == expected(data.edge_index)


def test_a_graph_without_edges() -> None:
    for data in (Data(num_nodes=3), Data(edge_index=torch.empty(2, 0).long(), num_nodes=3)):
        assert sampled_graph(data).rows[0].rowptr.tolist() == [0, 0, 0, 0]
    typed = HeteroData(paper={"num_nodes": 2})
    found = sampled_graph(typed)
    assert (found.node_types, found.edge_types, found.num_nodes) == (["paper"], [], [2])


EDGES = torch.tensor([[0, 1, 2], [2, 0, 1]])


def small(**attributes: torch.Tensor) -> Data:
    return Data(**({"edge_index": EDGES, "num_nodes": 3} | attributes))


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (
            small(edge_index=EDGES + 1),
            {},
            "data: source holds node id 3: expected ids in [0, 3)",
        ),
        (
            small(edge_index=EDGES - 1),
            {},
            "data: source holds node id -1: expected ids in [0, 3)",
        ),
        (small(edge_index=EDGES[0]), {}, "data has an edge_index of shape [3]: expected [2, E]"),
        (
            small(edge_index=EDGES.t()),
            {},
            "data has an edge_index of shape [3, 2]: expected [2, E]",
        ),
        (
            small(),
            {"is_sorted": True},
            "data: edge 1 has target 0 after 2: expected edges sorted by target, as is_sorted=True "
            "says; leave is_sorted=False, so that they are sorted here",
        ),
        (
            small(),
            {"time_attr": "when"},
            "time_attr is 'when': expected the name of an attribute of nodes or edges",
        ),
        (
            small(),
            {"weight_attr": "w"},
            "weight_attr is 'w': expected the name of an attribute of edges",
        ),
        *(
            (
                small(edge_weight=torch.tensor([1.0, bad, 1.0])),
                {"weight_attr": "edge_weight"},
                "data: an edge's weight is negative, infinite or NaN: expected finite weights >= 0",
            )
            for bad in (-1.0, float("nan"))
        ),
        (
            HeteroData(a={"num_nodes": 2, "time": torch.zeros(2)}),
            {"time_attr": "when"},
            "time_attr 'when' is an attribute of neither nodes nor edges: expected one of the two",
        ),
        (
            HeteroData(a={"num_nodes": 2}),
            {"weight_attr": "w"},
            "weight_attr is 'w': expected the name of an attribute of some type of edges",
        ),
    ],
)
def test_what_does_not_fit_the_graph_is_refused(data, options, message) -> None:
    with pytest.raises(InputError, match=exactly(message)):
        sampled_graph(data, **options)


def test_weights_whose_sum_is_infinite_are_refused() -> None:
    edges = torch.tensor([[0, 1, 2, 3], [0, 0, 0, 0]])
    weight = torch.full((4,), 1e308, dtype=torch.float64)
    message = (
        "data: the weights of a target's edges sum to more than a float64 holds; "
        "divide all weights by their largest"
    )
    data = Data(edge_index=edges, num_nodes=5, w=weight)
    with pytest.raises(InputError, match=exactly(message)):
        sampled_graph(data, weight_attr="w")
    data.w = weight / 1e308
    assert sampled_graph(data, weight_attr="w").rows[0].running_weight.tolist() == [1, 2, 3, 4]
    # Each of them alone is no sum: what counts is a row.
    spread = Data(edge_index=edges.flip(0), num_nodes=5, w=weight)
    assert sampled_graph(spread, weight_attr="w").rows[0].num_edges == 4


def test_times_are_of_nodes_or_of_edges(typed_graph) -> None:
    typed_graph["paper", "cites", "paper"].time = torch.zeros(300)
    message = "time_attr 'time' is an attribute of both nodes and edges: expected one of the two"
    with pytest.raises(InputError, match=exactly(message)):
        sampled_graph(typed_graph, time_attr="time")


def test_the_type_of_edges_is_named(typed_graph) -> None:
    typed_graph["author", "writes", "paper"].edge_index[0, 5] = 40
    message = (
        "edge type ('author', 'writes', 'paper'): source holds node id 40: expected ids in [0, 40)"
    )
    with pytest.raises(InputError, match=exactly(message)):
        sampled_graph(typed_graph)


@pytest.mark.parametrize("data", [None, torch.zeros(2, 3), (1, 2), [Data()]])
def test_what_is_no_graph_is_refused(data) -> None:
    message = (
        f"data is a {type(data).__name__}: expected a Data, a HeteroData, or a pair of a "
        "FeatureStore and a GraphStore"
    )
    with pytest.raises(InputTypeError, match=exactly(message)):
        sampled_graph(data)


def test_the_number_of_nodes_has_to_be_known() -> None:
    typed = HeteroData()
    typed["a", "to", "b"].edge_index = torch.tensor([[0], [0]])
    typed["a"].y = "no tensor"
    missing = pytest.warns(UserWarning, match="num_nodes")
    with missing, pytest.raises(InputError, match="does not say how many nodes"):
        sampled_graph(typed)


def test_stores_that_lack_something_are_refused(graph, in_stores) -> None:
    features, edges = in_stores(graph)
    with pytest.raises(InputError, match="^the GraphStore holds no edges"):
        sampled_graph((MyFeatureStore(), MyGraphStore()))
    with pytest.raises(InputError, match="^weight_attr is given with a GraphStore"):
        sampled_graph((features, edges), weight_attr="weight")
    with pytest.raises(InputError, match="^edges of None are not marked as sorted by target"):
        sampled_graph((features, edges), time_attr="time")
    with pytest.raises(InputError, match="^the FeatureStore holds 0 attributes 'when'"):
        sampled_graph(in_stores(graph, by_time="time"), time_attr="when")
    bare = MyGraphStore()
    bare.put_edge_index(graph.edge_index, edge_type=None, layout="coo", size=None)
    with pytest.raises(InputError, match="^the GraphStore does not say how many nodes it has"):
        sampled_graph((features, bare))


def test_stored_edges_out_of_the_order_of_time_are_refused(graph, in_stores) -> None:
    features, edges = in_stores(graph, by_time="y")
    with pytest.raises(InputError, match="are not in the order of time"):
        sampled_graph((features, edges), time_attr="time")
