from __future__ import annotations

from dataclasses import fields

import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.kernels.partition import Cells, compact_cells, compact_cells_reference, halo_size
from graphlearn.kernels.partition.cells import sorted_rows


@st.composite
def cut_graphs(draw) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, int]:
    nodes, cells = draw(st.integers(0, 8)), draw(st.integers(1, 5))
    ids = st.integers(0, max(0, nodes - 1))
    edges = draw(st.lists(st.tuples(ids, ids), max_size=25 if nodes else 0))
    cell = draw(st.lists(st.integers(0, cells - 1), min_size=nodes, max_size=nodes))
    source, target = torch.tensor(edges, dtype=torch.int64).view(-1, 2).t()
    return source, target, torch.tensor(cell, dtype=torch.int64), cells


@given(cut_graphs())
def test_cells_are_those_of_the_plain_form(graph) -> None:
    found, plain = compact_cells(*graph), compact_cells_reference(*graph)
    for field in fields(Cells):
        value = getattr(found, field.name)
        assert value.dtype == torch.int64
        assert value.tolist() == getattr(plain, field.name).tolist(), field.name


@given(cut_graphs())
def test_halo_size_is_the_number_of_halo_rows(graph) -> None:
    assert halo_size(*graph) == compact_cells(*graph).halo.numel()


def test_rows_keep_the_order_of_the_edges() -> None:
    rowptr, col, edge = sorted_rows(
        torch.tensor([5, 3, 4]).numpy(), torch.tensor([1, 0, 1]).numpy(), 2
    )
    assert (rowptr.tolist(), col.tolist(), edge.tolist()) == ([0, 1, 3], [3, 5, 4], [1, 0, 2])
