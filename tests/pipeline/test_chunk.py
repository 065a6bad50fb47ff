from __future__ import annotations

import torch

from graphlearn.pipeline.chunk import GraphChunk


def example(**changed) -> GraphChunk:
    parts = {
        "number": 3,
        "nodes": torch.tensor([1, 4, 6]),
        "halo": torch.tensor([0, 5]),
        "rowptr": torch.tensor([0, 2, 2, 5]),
        "col": torch.tensor([3, 0, 2, 2, 4]),
        "edge": torch.tensor([7, 8, 0, 2, 5]),
        "weight": torch.rand(5, generator=torch.Generator().manual_seed(0)),
        "degree": torch.tensor([2, 0, 3, 1, 1]),
    }
    return GraphChunk(**{**parts, **changed})


def test_sizes() -> None:
    chunk = example()
    assert (chunk.num_nodes, chunk.num_rows, chunk.num_edges) == (3, 5, 5)
    assert repr(chunk) == "GraphChunk(3: 3 nodes, halo of 2, 5 edges)"


def test_edge_index_goes_from_rows_to_nodes_and_is_made_once() -> None:
    chunk = example()
    assert chunk.edge_index.tolist() == [[3, 0, 2, 2, 4], [0, 0, 2, 2, 2]]
    assert chunk.edge_index is chunk.edge_index
    short = example(col=chunk.col.int())
    assert short.edge_index.dtype == torch.int64
    assert torch.equal(short.edge_index, chunk.edge_index)


def test_a_chunk_without_nodes() -> None:
    empty = torch.empty(0, dtype=torch.int64)
    names = ("nodes", "halo", "col", "edge", "degree")
    chunk = example(rowptr=torch.zeros(1, dtype=torch.int64), **dict.fromkeys(names, empty))
    assert (chunk.num_nodes, chunk.num_rows, chunk.num_edges) == (0, 0, 0)
    assert chunk.edge_index.shape == (2, 0)


def test_to_moves_every_tensor() -> None:
    chunk = example().to("meta")
    for name in ("nodes", "halo", "rowptr", "col", "edge", "weight", "degree"):
        assert getattr(chunk, name).device.type == "meta", name
    assert chunk.number == 3
    assert example(weight=None).to("cpu").weight is None
