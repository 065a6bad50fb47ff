from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.partition_report import PartitionReport, check_assignment

# Node 1 sends to both other parts, 0 sends twice to one; there is a loop and a multi-edge.
EDGES = torch.tensor([[0, 0, 1, 1, 1, 2, 3, 3], [2, 2, 2, 3, 0, 2, 4, 4]])
PART = torch.tensor([0, 0, 1, 2, 2])


def test_figures_by_hand() -> None:
    report = PartitionReport.of(EDGES, 5, PART)
    assert (report.parts, report.num_nodes, report.num_edges) == (3, 5, 8)
    assert report.cut_edges == 4
    assert report.halo_rows == 3  # 0 and 1 to part 1, 1 to part 2
    assert report.cut_share == 0.5
    assert report.replicas_per_vertex == 0.6
    assert report.work_balance == 19 * 3 / 48  # work 16 + 1, 8 + 4, 16 + 3
    report = PartitionReport.of(EDGES, 5, PART, node_cost=1)
    assert report.work_balance == 5 * 3 / 13  # work 2 + 1, 1 + 4, 2 + 3
    assert report.node_balance == 2 * 3 / 5


def test_repr_is_a_sentence() -> None:
    assert repr(PartitionReport.of(EDGES, 5, PART)) == (
        "PartitionReport(3 parts of 5 nodes: 4 of 8 edges cut (50.0 %), 0.60 replicas a vertex, "
        "largest part has 1.19 of its share of work and 1.20 of nodes)"
    )


def test_empty_parts_count_in_the_balance() -> None:
    report = PartitionReport.of(EDGES, 5, PART, parts=6)
    assert report.work_balance == 19 * 6 / 48
    assert report.halo_rows == 3


def test_a_graph_without_nodes() -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    report = PartitionReport.of(none, 0, torch.empty(0, dtype=torch.int64))
    assert (report.cut_share, report.replicas_per_vertex, report.work_balance) == (0, 0, 1)


@pytest.mark.parametrize(
    ("part", "error", "text"),
    [
        ([0, 1], InputTypeError, "part has list"),
        (torch.zeros(5), InputTypeError, "part has dtype torch.float32"),
        (torch.zeros(5, dtype=torch.bool), InputTypeError, "part has dtype torch.bool"),
        (torch.zeros(4).long(), InputError, r"part has shape \[4\]: expected \[5\]"),
        (torch.tensor([0, 0, 3, 0, 0]), InputError, "holds 3 for node 2: .*; pass parts=4"),
        (torch.tensor([0, -1, 0, 0, 0]), InputError, r"holds -1 for node 1: .*\[0, 3\)$"),
    ],
)
def test_bad_assignments(part, error, text) -> None:
    with pytest.raises(error, match=text):
        PartitionReport.of(EDGES, 5, part, parts=3)
    with pytest.raises(error, match=text.replace("part has", "way_of has")):
        check_assignment(part, 5, 3, name="way_of", kind="parts")
