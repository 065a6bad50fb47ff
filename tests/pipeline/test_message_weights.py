from __future__ import annotations

import pytest
import torch
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.pipeline.message_weights import Entries, check_weight, make_entries

EDGES = torch.tensor([[0, 0, 1, 2, 2, 3], [1, 1, 0, 2, 1, 3]])  # a multi-edge, two loops; 4 alone


def make(normalization, weight=None, dtype=torch.float64) -> Entries:
    return make_entries(EDGES, 5, weight, normalization, dtype)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gcn_is_pygs(weighted, dtype) -> None:
    weight = torch.rand(6, generator=torch.Generator().manual_seed(0), dtype=dtype) + 0.1
    found = make("gcn", weight if weighted else None, dtype)
    edges, factor = gcn_norm(EDGES, weight if weighted else None, 5, dtype=dtype)
    assert torch.stack([found.source, found.target]).tolist() == edges.tolist()
    assert found.weight.dtype == dtype
    assert torch.equal(found.weight, factor)
    assert found.edge.tolist() == [0, 1, 2, 4, 6, 7, 3, 5, 10]  # loops of 0, 1 and 4 are added


def test_gcn_takes_the_last_of_several_loops() -> None:
    edges, weight = torch.tensor([[0, 0, 0], [0, 0, 0]]), torch.tensor([5.0, 3.0, 2.0])
    found = make_entries(edges, 1, weight, "gcn", torch.float32)
    assert found.edge.tolist() == [2]
    assert found.weight.tolist() == [pytest.approx(1.0)]


def test_gcn_of_weights_that_sum_to_nothing_or_less() -> None:
    edges = torch.tensor([[1], [0]])
    found = make_entries(edges, 2, torch.tensor([-1.0]), "gcn", torch.float32)
    assert found.weight.tolist() == [0.0, 0.0, 1.0]
    with pytest.raises(InputError, match=r"to node 0 sum to -2.0: expected sums >= 0"):
        make_entries(edges, 2, torch.tensor([-3.0]), "gcn", torch.float32)


def test_mean_divides_by_what_arrives() -> None:
    found = make("mean")
    assert found.weight.tolist() == [1 / 3, 1 / 3, 1, 1, 1 / 3, 1]
    weight = torch.tensor([1.0, 2.0, 0.0, 4.0, 5.0, 6.0])
    assert make("mean", weight).weight.tolist() == [1 / 8, 2 / 8, 0, 1, 5 / 8, 1]


@pytest.mark.parametrize("normalization", [None, "sum"])
def test_sums_keep_the_edges_and_their_weights(normalization) -> None:
    found = make(normalization)
    assert found.weight is None
    assert torch.equal(torch.stack([found.source, found.target]), EDGES)
    assert found.edge.tolist() == list(range(6))
    weight = torch.arange(6.0)
    assert make(normalization, weight).weight.tolist() == weight.tolist()
    assert make(normalization, weight).weight.dtype == torch.float64


def test_unknown_normalization() -> None:
    with pytest.raises(UnknownNameError, match="unknown normalization 'gnc'.*did you mean 'gcn'"):
        make("gnc")


@pytest.mark.parametrize(
    ("weight", "error", "text"),
    [
        ([1.0, 2.0], InputTypeError, r"weight has list: expected .* \[2\]"),
        (torch.tensor([1, 2]), InputTypeError, "dtype torch.int64"),
        (torch.ones(3), InputError, r"weight has shape \[3\]: expected \[2\], one for each edge"),
        (torch.tensor([1.0, float("nan")]), InputError, "weight holds nan for edge 1"),
        (torch.tensor([float("inf"), 1.0]), InputError, "weight holds inf for edge 0"),
    ],
)
def test_bad_weights(weight, error, text) -> None:
    with pytest.raises(error, match=text):
        check_weight(weight, 2)


def test_no_weights_are_none() -> None:
    assert check_weight(None, 2) is None
