from __future__ import annotations

import itertools

import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph
from graphlearn.kernels.sample import NeighborRows
from graphlearn.store.in_neighbors import (
    InNeighbors,
    check_fan_out,
    in_neighbors,
    seed_weights,
)

EDGES = torch.tensor([[1, 2, 2, 0, 2], [0, 0, 1, 2, 0]])  # 2 -> 0 twice


def lists(rows: InNeighbors) -> list[list[int]]:
    bounds = rows.colptr.tolist()
    return [sorted(rows.row[a:b].tolist()) for a, b in itertools.pairwise(bounds)]


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_forms_of_one_graph_agree(dtype: torch.dtype) -> None:
    expected = [[1, 2, 2], [2], [0], []]
    found = in_neighbors(EDGES.to(dtype), 4)
    assert lists(found) == expected
    assert lists(in_neighbors((found.colptr.to(dtype), found.row.to(dtype)))) == expected
    rows = NeighborRows.from_edges(*EDGES.to(dtype), num_sources=4, num_targets=4)
    assert lists(in_neighbors(rows, 4)) == expected


def test_pairs_are_not_copied() -> None:
    colptr, row = torch.tensor([0, 1]), torch.tensor([0])
    found = in_neighbors((colptr, row))
    assert found.colptr.data_ptr() == colptr.data_ptr()
    assert found.row.data_ptr() == row.data_ptr()
    assert found.num_nodes == 1


def test_undirected_graph() -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), 3)
    assert lists(in_neighbors(graph)) == [[1], [0], []]


def test_empty_graphs() -> None:
    assert lists(in_neighbors(torch.empty(2, 0, dtype=torch.int64), 2)) == [[], []]
    assert in_neighbors((torch.tensor([0]), torch.empty(0, dtype=torch.int64))).num_nodes == 0


@pytest.mark.parametrize(
    ("graph", "num_nodes", "text"),
    [
        (EDGES, None, "num_nodes is None"),
        (EDGES, 2, "holds node id 2"),
        (EDGES.float(), 4, "dtype torch.float32"),
        ("cora", 4, "graph is a str"),
        ((torch.tensor([0, 1]), torch.tensor([0.0])), None, "row has dtype torch.float32"),
        (([0, 1], torch.tensor([0])), None, "colptr has list"),
        ((torch.tensor([0, 2]), torch.tensor([0])), None, "colptr is [0, 2]"),
        ((torch.tensor([0, 2, 1]), torch.tensor([0])), None, "never falling"),
        ((torch.tensor([0, 1]), torch.tensor([1])), None, "row holds node id 1"),
        ((torch.tensor([0, 1]), torch.tensor([-1])), None, "row holds node id -1"),
        ((torch.tensor([[0, 1]]), torch.tensor([0])), None, "colptr has shape [1, 2]"),
        ((torch.tensor([0, 1]), torch.tensor([0])), 2, "num_nodes is 2: expected 1"),
        (CSRGraph.from_edge_index(EDGES, 3, undirected=False), None, "directed or masked"),
    ],
)
def test_bad_graphs(graph: object, num_nodes: int | None, text: str) -> None:
    with pytest.raises((InputError, InputTypeError)) as caught:
        in_neighbors(graph, num_nodes)  # type: ignore[arg-type]
    assert text in str(caught.value)


def test_seeds() -> None:
    mask = torch.tensor([True, False, True])
    assert seed_weights(mask, 3).tolist() == [1, 0, 1]
    assert seed_weights(torch.tensor([2, 0, 2], dtype=torch.int32), 3).tolist() == [1, 0, 2]
    assert seed_weights(torch.tensor([0.5, 0, 2]), 3).tolist() == [0.5, 0, 2]


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ([0, 1], "train_nodes is a list"),
        (torch.tensor([True]), "shape [1]"),
        (torch.tensor([0.0, 1.0]), "shape [2]"),
        (torch.tensor([0.0, -1.0, 1.0]), "negative"),
        (torch.tensor([0.0, float("nan"), 1.0]), "NaN"),
        (torch.tensor([3]), "train_nodes holds 3"),
        (torch.tensor([-1]), "train_nodes holds -1"),
        (torch.tensor([[0]]), "shape [1, 1]"),
        (torch.tensor([1], dtype=torch.uint8), "dtype torch.uint8"),
        (torch.empty(0, dtype=torch.int64), "names no node"),
        (torch.zeros(3), "names no node"),
    ],
)
def test_bad_seeds(seeds: object, text: str) -> None:
    with pytest.raises((InputError, InputTypeError)) as caught:
        seed_weights(seeds, 3)
    assert text in str(caught.value)


def test_fan_outs() -> None:
    assert check_fan_out((5, -1)) == (5, -1)


@pytest.mark.parametrize("fan_out", ["15,10", 5, [], [0], [-2], [1.5], [True], None])
def test_bad_fan_outs(fan_out: object) -> None:
    with pytest.raises((InputError, InputTypeError), match="fan_out"):
        check_fan_out(fan_out)
