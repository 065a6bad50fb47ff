from __future__ import annotations

import sys

import pytest
import torch

from graphlearn.data import load_dataset
from graphlearn.errors import InputError, InputTypeError, MissingExtraError, UnknownNameError
from graphlearn.pipeline.partition import NODE_COST, check_parts, node_work, partition_nodes
from graphlearn.pipeline.partition_report import PartitionReport

METHODS = ["stream", "range", "metis"]


@pytest.fixture(params=METHODS)
def method(request) -> str:
    if request.param == "metis":
        pytest.importorskip("pymetis", reason="needs the extra 'metis'")
    return request.param


def rings(count: int, size: int) -> torch.Tensor:
    """Rings of nodes, each beside its successor's successor too, ids one ring after the other."""
    ids = torch.arange(count * size)
    steps = [ids - ids % size + (ids + step) % size for step in (1, 2)]
    return torch.cat([torch.stack([ids, step]) for step in steps], dim=1)


def test_every_node_has_a_part_and_no_part_is_empty(method) -> None:
    edges = rings(5, 7)
    for parts in (1, 2, 5, 35):
        part = partition_nodes(edges, 35, parts, method=method)
        assert part.dtype == torch.int64
        assert part.unique().tolist() == list(range(parts))


def test_rings_are_not_cut(method) -> None:
    edges = rings(4, 25)
    if method != "range":  # which goes by ids
        edges = torch.randperm(100, generator=torch.Generator().manual_seed(0))[edges]
    report = PartitionReport.of(edges, 100, partition_nodes(edges, 100, 2, method=method))
    assert report.cut_share < 0.1
    assert report.work_balance <= 1.06


def test_same_seed_same_parts(method) -> None:
    edges = torch.randint(60, (2, 300), generator=torch.Generator().manual_seed(0))
    first = partition_nodes(edges, 60, 4, method=method, seed=5)
    assert torch.equal(first, partition_nodes(edges, 60, 4, method=method, seed=5))


def test_loops_multi_edges_and_lone_nodes_are_cut_too(method) -> None:
    edges = torch.tensor([[0, 0, 1, 1, 2, 2], [1, 1, 0, 1, 2, 0]], dtype=torch.int32)
    part = partition_nodes(edges, 6, 3, method=method)
    assert set(part.tolist()) == {0, 1, 2}


def test_graphs_without_edges_and_without_nodes(method) -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    assert partition_nodes(none, 0, 1, method=method).tolist() == []
    assert partition_nodes(none, 1, 1, method=method).tolist() == [0]
    part = partition_nodes(none, 9, 3, method=method)
    assert part.bincount().tolist() == [3, 3, 3]


def test_work_is_what_is_balanced(method) -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    part = partition_nodes(none, 5, 2, method=method, work=torch.tensor([4, 1, 1, 1, 1]))
    assert part[1:].unique().tolist() == [1 - int(part[0])]


def test_work_of_a_node_is_its_row_and_its_messages() -> None:
    edges = torch.tensor([[0, 1, 2, 2], [1, 2, 2, 1]])
    assert node_work(edges, 4).tolist() == [NODE_COST, NODE_COST + 2, NODE_COST + 2, NODE_COST]
    assert node_work(edges, 4, node_cost=1).tolist() == [1, 3, 3, 1]


def test_a_rows_worth_says_whether_nodes_or_messages_are_even(method) -> None:
    """Half of the nodes receive nine messages each and the others none, in two communities."""
    source = torch.arange(32).repeat_interleave(9)
    edges = torch.stack([source, (source + torch.arange(9).repeat(32)) % 32])
    even = partition_nodes(edges, 64, 2, method=method, node_cost=1000)
    assert even.bincount().tolist() == [32, 32]
    by_messages = partition_nodes(edges, 64, 2, method="range", node_cost=1)
    assert by_messages.bincount().tolist() == [18, 46]


@pytest.mark.parametrize(("parts", "alpha"), [(4, 0.6), (16, 1.0)])
def test_cora_is_cut_far_less_than_at_random(data_root, parts, alpha) -> None:
    data = load_dataset("cora", data_root).data
    part = partition_nodes(data.edge_index, data.num_nodes, parts)
    report = PartitionReport.of(data.edge_index, data.num_nodes, part)
    generator = torch.Generator().manual_seed(0)
    random = torch.randint(parts, (data.num_nodes,), generator=generator)
    other = PartitionReport.of(data.edge_index, data.num_nodes, random, parts)
    assert report.cut_edges < 0.35 * other.cut_edges
    assert report.replicas_per_vertex < min(alpha, 0.4 * other.replicas_per_vertex)
    assert report.work_balance <= 1.06


def test_more_parts_than_nodes() -> None:
    edges = torch.tensor([[0], [1]])
    with pytest.raises(InputError, match="parts is 3 and there are 2 nodes: expected a node for"):
        partition_nodes(edges, 2, 3)
    with pytest.raises(InputError, match="ways is 2 and there are 1 nodes.*pass ways=1 or fewer"):
        check_parts(2, 1, name="ways")
    assert check_parts(1, 0) == 1


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"parts": 0}, InputError, "parts is 0: expected an integer >= 1"),
        ({"parts": 2.0}, InputTypeError, "parts is 2.0"),
        ({"num_nodes": -1}, InputError, "num_nodes is -1"),
        ({"num_nodes": 2}, InputError, "holds node id 2 .*pass num_nodes=3 or more"),
        ({"edge_index": torch.rand(2, 3)}, InputTypeError, "dtype torch.float32"),
        ({"edge_index": torch.ones(3, 2).long()}, InputError, r"pass edge_index.t\(\)"),
        ({"method": "steam"}, UnknownNameError, "did you mean 'stream'?"),
        ({"seed": -1}, InputError, "seed is -1"),
        ({"node_cost": 0}, InputError, "node_cost is 0: expected an integer >= 1"),
        ({"node_cost": 0.5}, InputTypeError, "node_cost is 0.5"),
        ({"work": torch.ones(4)}, InputTypeError, r"work has dtype torch.float32: .*\[4\]"),
        ({"work": [1]}, InputTypeError, "work has list"),
        ({"work": torch.tensor([1])}, InputError, r"work has shape \[1\]: expected \[4\]"),
        ({"work": torch.tensor([1, 0, 1, 1])}, InputError, "work holds 0: expected .* >= 1"),
    ],
)
def test_bad_input(given, error, text) -> None:
    arguments = {"edge_index": torch.tensor([[0, 1], [1, 2]]), "num_nodes": 4, "parts": 2, **given}
    with pytest.raises(error, match=text):
        partition_nodes(**arguments)


def test_metis_without_pymetis(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pymetis", None)
    with pytest.raises(MissingExtraError, match=r"pyg-graphlearn\[metis\].*method='stream'"):
        partition_nodes(torch.tensor([[0], [1]]), 2, 2, method="metis")


def test_metis_is_not_given_more_than_it_can_count() -> None:
    pytest.importorskip("pymetis", reason="needs the extra 'metis'")
    work = torch.tensor([2**31, 1])
    with pytest.raises(InputError, match="2147483649 units of work.*use method='stream'"):
        partition_nodes(torch.tensor([[0], [1]]), 2, 2, method="metis", work=work)
