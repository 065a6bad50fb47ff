from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.sample import NeighborRows, time_column

SOURCE, TARGET = torch.tensor([4, 1, 2, 0, 3, 3]), torch.tensor([2, 0, 2, 0, 2, 0])


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


def rows_of(source: Tensor = SOURCE, target: Tensor = TARGET, **options: Any) -> NeighborRows:
    sizes = {"num_sources": 5, "num_targets": 4} | options
    return NeighborRows.from_edges(source, target, **sizes)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_edges_of_every_graph_stand_in_the_rows_of_their_targets(edges, dtype) -> None:
    (source, target), nodes = edges
    rows = NeighborRows.from_edges(
        source.to(dtype), target.to(dtype), num_sources=nodes, num_targets=nodes
    )
    assert (rows.num_targets, rows.num_edges) == (nodes, len(source))
    row = np.repeat(np.arange(nodes), np.diff(rows.rowptr))
    assert row.tolist() == target.numpy()[rows.perm].tolist()
    assert rows.col.tolist() == source.numpy()[rows.perm].tolist()
    assert rows.perm.tolist() == np.argsort(target.numpy(), kind="stable").tolist()
    assert (rows.col.dtype, rows.rowptr.dtype) == (np.int32, np.int64)


def test_ids_are_wide_where_sources_are_many() -> None:
    far = 2**31
    rows = NeighborRows.from_edges(
        torch.tensor([far]), torch.tensor([0]), num_sources=far + 1, num_targets=1
    )
    assert rows.col.dtype == np.int64
    assert rows.col.tolist() == [far]


def test_sorted_edges_are_taken_as_they_are() -> None:
    source, target = torch.tensor([4, 1, 2, 0], dtype=torch.int32), torch.tensor([0, 0, 2, 3])
    rows = rows_of(source, target, is_sorted=True)
    assert rows.perm is None
    assert rows.col.ctypes.data == source.data_ptr()
    assert rows.rowptr.tolist() == [0, 2, 2, 3, 4]


def test_weights_lie_along_the_rows() -> None:
    weight = torch.tensor([1, 2, 0, 4, 5, 6])
    for given in (weight, weight.numpy(), weight.double(), weight.bfloat16(), weight[:, None]):
        rows = rows_of(weight=given)
        assert rows.weight.tolist() == [2, 4, 6, 1, 0, 5]
        assert rows.running_weight.tolist() == [2, 6, 12, 1, 1, 6]
        assert rows.positive.tolist() == [0, 1, 2, 3, 4, 4, 5]
    assert rows_of().weight is None


def test_times_order_the_rows() -> None:
    rows = rows_of(edge_time=torch.tensor([5, 9, 1, 2, 5, 0]))
    assert rows.perm.tolist() == [5, 3, 1, 2, 0, 4]  # equal times keep the order of the edges
    assert rows.col.tolist() == SOURCE[rows.perm].tolist()
    assert rows.entry_time.tolist() == [0, 2, 9, 1, 5, 5]
    rows = rows_of(source_time=torch.tensor([4.5, 3.0, 2.0, 1.0, 0.0]))
    assert rows.col.tolist() == [3, 1, 0, 4, 3, 2]
    assert rows.entry_time is None  # the sampler looks at the sources' own


def test_weights_follow_the_order_of_time() -> None:
    time, weight = torch.tensor([5, 9, 1, 2, 5, 0]), torch.arange(6.0)
    rows = rows_of(edge_time=time, weight=weight)
    assert rows.weight.tolist() == [5, 3, 1, 2, 0, 4]


def test_what_is_given_is_not_written_to() -> None:
    time, weight = torch.tensor([5, 9, 1, 2, 5, 0]), torch.arange(6.0, dtype=torch.float64)
    before = [part.clone() for part in (SOURCE, TARGET, time, weight)]
    rows_of(edge_time=time, weight=weight)
    rows_of(source_time=time[:5])
    for now, then in zip((SOURCE, TARGET, time, weight), before, strict=True):
        assert torch.equal(now, then)


def test_rows_that_are_compressed_already() -> None:
    made = rows_of(weight=torch.arange(6.0))
    rows = NeighborRows.from_rows(
        torch.from_numpy(made.rowptr),
        torch.from_numpy(made.col),
        num_sources=5,
        perm=torch.from_numpy(made.perm),
        weight=torch.arange(6.0),
    )
    for name in ("rowptr", "col", "perm", "weight", "running_weight", "positive"):
        np.testing.assert_array_equal(getattr(rows, name), getattr(made, name))
    bare = NeighborRows.from_rows(
        torch.tensor([0, 1, 1]), torch.tensor([4], dtype=torch.int32), num_sources=5
    )
    assert (bare.num_targets, bare.perm) == (2, None)
    assert NeighborRows.from_rows(torch.tensor([0]), torch.tensor([]).long(), num_sources=0)


def test_repr_says_what_is_carried() -> None:
    assert repr(rows_of()) == "NeighborRows(4 targets, 6 edges)"
    both = rows_of(weight=torch.ones(6), edge_time=torch.ones(6))
    assert repr(both) == "NeighborRows(4 targets, 6 edges, weighted, timed)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_sources": 4}, "source holds node id 4: expected ids in [0, 4)"),
        ({"num_targets": 2}, "target holds node id 2: expected ids in [0, 2)"),
        ({"source": SOURCE - 1}, "source holds node id -1: expected ids in [0, 5)"),
        (
            {"source": SOURCE[:4]},
            "there are 4 sources and 6 targets: expected as many of the one as of the other",
        ),
        ({"weight": torch.ones(5)}, "weight has shape [5]: expected [6]"),
        ({"weight": torch.ones(6, 2)}, "weight has shape [6, 2]: expected [6]"),
        ({"edge_time": torch.ones(7)}, "edge_time has shape [7]: expected [6]"),
        ({"source_time": torch.ones(6)}, "source_time has shape [6]: expected [5]"),
        (
            {"edge_time": torch.full((6,), float("nan"))},
            "edge_time holds NaN: expected a time for each",
        ),
        *(
            (
                {"weight": torch.tensor([1.0, 1, 1, 1, 1, bad])},
                "an edge's weight is negative, infinite or NaN: expected finite weights >= 0",
            )
            for bad in (-1e-9, float("nan"), float("inf"))
        ),
        (
            {"is_sorted": True},
            "edge 1 has target 0 after 2: expected edges sorted by target, as is_sorted=True says; "
            "leave is_sorted=False, so that they are sorted here",
        ),
        (
            {
                "target": TARGET.sort().values,
                "is_sorted": True,
                "edge_time": torch.tensor([1, 2, 3, 0, 2, 1]),
            },
            "the edges of target 2 are not in the order of time: expected edges sorted by target "
            "and, for each target, by time; leave is_sorted=False, so that they are sorted here",
        ),
    ],
)
def test_bad_edges_are_refused(options, message) -> None:
    with pytest.raises(InputError, match=exactly(message)):
        rows_of(**options)


@pytest.mark.parametrize("name", ["source", "target"])
def test_ids_are_integers(name) -> None:
    message = f"{name} has dtype torch.float32: expected int32 or int64"
    with pytest.raises(InputTypeError, match=exactly(message)):
        rows_of(**{name: torch.zeros(6)})


@pytest.mark.parametrize("name", ["weight", "edge_time", "source_time"])
def test_weights_and_times_are_real_numbers(name) -> None:
    size = 5 if name == "source_time" else 6
    message = f"{name} is a torch.complex64: expected a tensor of real numbers"
    with pytest.raises(InputTypeError, match=exactly(message)):
        rows_of(**{name: torch.zeros(size, dtype=torch.complex64)})
    with pytest.raises(InputTypeError, match=exactly(message.replace("torch.complex64", "list"))):
        rows_of(**{name: [0.0] * size})


@pytest.mark.parametrize("rowptr", [[], [1, 2], [0, 1], [0, 2, 1, 2], [0, 3]])
def test_pointers_have_to_describe_the_rows(rowptr) -> None:
    pointers = torch.tensor(rowptr, dtype=torch.int64)
    with pytest.raises(InputError, match="^rowptr "):
        NeighborRows.from_rows(pointers, torch.tensor([0, 1]), num_sources=2)


def test_an_order_of_another_length_is_refused() -> None:
    ends = torch.tensor([0, 2]), torch.tensor([0, 1])
    with pytest.raises(InputError, match=exactly("perm has shape [1]: expected [2]")):
        NeighborRows.from_rows(*ends, num_sources=2, perm=torch.tensor([0]))


def test_compressed_rows_are_not_sorted_by_time() -> None:
    ends = torch.tensor([0, 2]), torch.tensor([0, 1])
    with pytest.raises(InputError, match="^the edges of target 0 are not in the order of time"):
        NeighborRows.from_rows(*ends, num_sources=2, edge_time=torch.tensor([2, 1]))
    perm = torch.tensor([0, 1])
    with pytest.raises(InputError, match="^the edges of target 0 are not in the order of time"):
        NeighborRows.from_rows(*ends, num_sources=2, edge_time=torch.tensor([2, 1]), perm=perm)
    assert perm.tolist() == ends[1].tolist() == [0, 1]
    perm = torch.tensor([1, 0])
    rows = NeighborRows.from_rows(*ends, num_sources=2, edge_time=torch.tensor([2, 1]), perm=perm)
    assert rows.entry_time.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("times", "kind"),
    [
        (torch.tensor([3, 1], dtype=torch.int32), np.int64),
        (torch.tensor([3.0, 1.0], dtype=torch.float16), np.float64),
        (torch.tensor([3.0, 1.0], dtype=torch.bfloat16), np.float64),
        (torch.tensor([[3], [1]]), np.int64),
        (torch.tensor([3.0, 1.0], requires_grad=True), np.float64),
    ],
)
def test_times_are_of_one_of_two_kinds(times, kind) -> None:
    column = time_column("time", times, 2)
    assert column.dtype == kind
    assert column.tolist() == [3, 1]
