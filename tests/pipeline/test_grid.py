from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.pipeline.grid import partition_grid
from graphlearn.pipeline.partition import node_work
from graphlearn.pipeline.partition_report import PartitionReport


def torus(side: int) -> torch.Tensor:
    """A square grid whose borders meet, edges in both directions."""
    ids = torch.arange(side * side)
    right = ids - ids % side + (ids + 1) % side
    edges = torch.cat([torch.stack([ids, right]), torch.stack([ids, (ids + side) % side**2])], 1)
    return torch.cat([edges, edges.flip(0)], dim=1)


@pytest.mark.parametrize("method", ["stream", "range", "metis"])
@pytest.mark.parametrize(("chunks", "ways"), [(1, 1), (1, 3), (4, 1), (4, 2), (3, 3)])
def test_every_cell_has_about_the_same_work(method, chunks, ways) -> None:
    if method == "metis":
        pytest.importorskip("pymetis", reason="needs the extra 'metis'")
    edges = torus(18)
    chunk_of, way_of = partition_grid(edges, 324, chunks, ways, method=method)
    cell = chunk_of * ways + way_of
    load = torch.zeros(chunks * ways, dtype=torch.int64)
    load.index_add_(0, cell, node_work(edges, 324))
    assert int(load.max()) <= 1.15 * int(load.sum()) / (chunks * ways)
    assert int(load.min()) > 0


def test_pieces_of_the_ways_are_matched() -> None:
    edges = torus(24)
    chunk_of, way_of = partition_grid(edges, 576, 6, 2)
    matched = PartitionReport.of(edges, 576, chunk_of).cut_edges
    cuts = []
    for step in range(1, 6):  # the other way's chunks numbered otherwise
        other = torch.where(way_of == 1, (chunk_of + step) % 6, chunk_of)
        cuts.append(PartitionReport.of(edges, 576, other).cut_edges)
    assert matched < min(cuts)


def test_what_is_given_is_kept_and_the_other_made_within_it() -> None:
    edges, given = torus(10), torch.arange(100) // 50
    chunk_of, way_of = partition_grid(edges, 100, 2, 3, chunk_of=given)
    assert chunk_of is given
    assert (given * 3 + way_of).bincount(minlength=6).min() >= 14
    chunk_of, way_of = partition_grid(edges, 100, 3, 2, way_of=given)
    assert way_of is given
    assert (given * 3 + chunk_of).bincount(minlength=6).min() >= 14
    kept = partition_grid(edges, 100, 2, 2, chunk_of=given, way_of=given)
    assert kept[0] is given
    assert kept[1] is given


def test_same_seed_same_grid() -> None:
    first, second = (partition_grid(torus(10), 100, 4, 2, seed=2) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_a_way_with_fewer_nodes_than_chunks() -> None:
    way_of = torch.tensor([0, 1, 1, 1, 1])
    edges = torch.tensor([[0, 1, 2], [1, 2, 3]])
    chunk_of, _ = partition_grid(edges, 5, 4, 3, way_of=way_of)
    assert sorted(chunk_of[1:].tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("chunks", "ways", "text"),
    [(4, 1, "chunks is 4 and there are 3 nodes"), (1, 5, "ways is 5 and there are 3 nodes")],
)
def test_more_than_nodes(chunks, ways, text) -> None:
    with pytest.raises(InputError, match=text):
        partition_grid(torch.tensor([[0], [1]]), 3, chunks, ways)
