from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.deep import Neighborhoods, WholeGraph, whole_graph
from graphlearn.nn.deep.chunk import check_chunk_rows, entry_rows
from graphlearn.pipeline import GraphChunk

MEMBERS = ("num_nodes", "rowptr", "col", "weight", "degree", "edge_index")


def test_edges_are_sorted_by_target_and_keep_their_weights(edge_index, weight) -> None:
    graph = whole_graph(edge_index, 30, weight)
    assert torch.equal(edge_index[:, graph.edge], graph.edge_index)
    assert torch.equal(weight[graph.edge], graph.weight)
    assert torch.equal(graph.edge_index[1], edge_index[1].sort().values)
    assert torch.equal(graph.degree, torch.bincount(edge_index[1], minlength=30))
    assert torch.equal(entry_rows(graph), graph.edge_index[1])
    assert graph.num_nodes == 30


def test_sorted_edges_stay_as_they_are() -> None:
    edges = torch.tensor([[2, 1, 0], [0, 0, 2]], dtype=torch.int32)
    graph = whole_graph(edges, 3)
    assert graph.edge.tolist() == [0, 1, 2]
    assert graph.edge_index.dtype == torch.int64
    assert graph.edge_index.tolist() == edges.tolist()


def test_a_graph_without_nodes() -> None:
    graph = whole_graph(torch.empty(2, 0, dtype=torch.int64), 0)
    assert (graph.num_nodes, graph.rowptr.tolist()) == (0, [0])
    assert graph.edge_index.shape == (2, 0)


def test_a_whole_graph_and_the_trainers_chunk_are_neighborhoods() -> None:
    for kind in (WholeGraph, GraphChunk):
        known = {*dir(kind), *kind.__dataclass_fields__}
        assert set(MEMBERS) <= known
    assert {name for name in vars(Neighborhoods) if not name.startswith("_")} == set(MEMBERS)


def test_a_graph_moves_with_all_it_has(edge_index, weight) -> None:
    for given in (None, weight):
        graph = whole_graph(edge_index, 30, given).to("meta")
        parts = (graph.rowptr, graph.col, graph.edge, graph.degree)
        assert all(part.is_meta for part in parts)
        assert (graph.weight is None) == (given is None)
        assert graph.weight is None or graph.weight.is_meta


def test_weights_are_shown() -> None:
    edges = torch.tensor([[0], [1]])
    assert repr(whole_graph(edges, 2)) == "WholeGraph(2 nodes, 1 edges)"
    assert "with weights" in repr(whole_graph(edges, 2, torch.ones(1)))


def test_what_does_not_fit_is_refused() -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(InputError, match=r"edge_index holds node id 1 in column 0"):
        whole_graph(edges, 1)
    with pytest.raises(InputError, match=r"edge_index has shape \[3, 2\]"):
        whole_graph(torch.zeros(3, 2).long(), 2)
    with pytest.raises(InputTypeError, match="edge_index has dtype torch.float32"):
        whole_graph(edges.float(), 2)
    with pytest.raises(InputError, match=r"weight has shape \[3\]: expected \[2\], one an edge"):
        whole_graph(edges, 2, torch.ones(3))
    with pytest.raises(InputTypeError, match="weight is torch.int64"):
        whole_graph(edges, 2, torch.ones(2).long())
    with pytest.raises(InputTypeError, match="weight is list"):
        whole_graph(edges, 2, [1.0, 2.0])
    with pytest.raises(InputError, match="num_nodes is -1"):
        whole_graph(edges, -1)


def test_rows_are_those_of_the_chunk_and_its_halo() -> None:
    chunk = GraphChunk(
        number=0,
        nodes=torch.tensor([1, 2]),
        halo=torch.tensor([5]),
        rowptr=torch.tensor([0, 1, 1]),
        col=torch.tensor([2]),
        edge=torch.tensor([0]),
        weight=None,
        degree=torch.tensor([1, 0, 3]),
    )
    check_chunk_rows(torch.ones(3, 1), chunk)
    check_chunk_rows(torch.ones(2, 1), chunk, halo=False)
    check_chunk_rows(torch.ones(7, 1), None)
    with pytest.raises(InputError, match="x has 2 rows: expected 3: the chunk has 2 nodes and 1"):
        check_chunk_rows(torch.ones(2, 1), chunk)
    with pytest.raises(InputError, match="x has 3 rows: expected 2, one a node"):
        check_chunk_rows(torch.ones(3, 1), chunk, halo=False)
    with pytest.raises(InputError, match=r"x has shape \[3\]: expected shape \[N, C\]"):
        check_chunk_rows(torch.ones(3), chunk)
    with pytest.raises(InputTypeError, match="x is torch.strided of torch.int64"):
        check_chunk_rows(torch.ones(3, 1).long(), chunk)
    with pytest.raises(InputTypeError, match="x is list"):
        check_chunk_rows([1.0], chunk)
