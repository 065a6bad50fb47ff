from __future__ import annotations

import pytest
import torch
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.pipeline.layout import Layout

# Loops, multi-edges, a hub, nodes without edges (some with only one direction).
NODES = 40
CHUNKS = [1, 3, 8, NODES]
WAYS = [1, 2, 3]


def graph() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(NODES - 4, (2, 150), generator=generator)
    hub = torch.stack([torch.full((30,), 3), torch.randint(NODES - 4, (30,), generator=generator)])
    loops = torch.tensor([[5, 5, 6, 36], [5, 5, 6, 36]])
    return torch.cat([edges, edges[:, :10], hub, loops], dim=1)


def cells(layout: Layout):
    for k in range(layout.num_chunks):
        for way in range(layout.num_ways):
            yield k, way, layout.chunk(k, way)


def whole_product(layout: Layout, x: torch.Tensor) -> torch.Tensor:
    """``A x`` put together from what every chunk computes of its rows and halo."""
    out = torch.full_like(x, float("nan"))
    for _, _, chunk in cells(layout):
        source, target = chunk.edge_index
        messages = x[torch.cat([chunk.nodes, chunk.halo])][source]
        if chunk.weight is not None:
            messages = chunk.weight[:, None] * messages
        out[chunk.nodes] = x.new_zeros(chunk.num_nodes, x.size(1)).index_add_(0, target, messages)
    return out


@pytest.mark.parametrize("method", ["stream", "range"])
@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize("chunks", CHUNKS)
def test_every_edge_is_in_one_chunk_at_its_target(chunks, ways, method) -> None:
    edges = graph()
    layout = Layout(edges, NODES, chunks, ways, method=method)
    met_nodes, met_edges = [], []
    for k, way, chunk in cells(layout):
        assert chunk.number == k
        assert chunk.nodes.tolist() == sorted(set(chunk.nodes.tolist()))
        assert chunk.halo.tolist() == sorted(set(chunk.halo.tolist()))
        assert layout.chunk_of[chunk.nodes].tolist() == [k] * chunk.num_nodes
        assert layout.way_of[chunk.nodes].tolist() == [way] * chunk.num_nodes
        rows = torch.cat([chunk.nodes, chunk.halo])
        assert torch.equal(rows[chunk.edge_index[0]], edges[0, chunk.edge])
        assert torch.equal(chunk.nodes[chunk.edge_index[1]], edges[1, chunk.edge])
        outside = set(edges[0, chunk.edge].tolist()) - set(chunk.nodes.tolist())
        assert chunk.halo.tolist() == sorted(outside)  # compact: it reads all of it
        assert torch.equal(chunk.degree, edges[1].bincount(minlength=NODES)[rows])
        assert chunk.weight is None
        met_nodes += chunk.nodes.tolist()
        met_edges += chunk.edge.tolist()
    assert sorted(met_nodes) == list(range(NODES))
    assert sorted(met_edges) == list(range(edges.size(1)))
    assert layout.halo_rows == sum(chunk.halo.numel() for *_, chunk in cells(layout))


@pytest.mark.parametrize("normalization", [None, "sum", "mean", "gcn"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("chunks", "ways"), [(1, 1), (3, 2), (NODES, 1)])
def test_chunks_add_up_to_the_whole_product(chunks, ways, weighted, normalization) -> None:
    generator = torch.Generator().manual_seed(1)
    edges = graph()
    if weighted:  # of several loops of a node PyG takes any
        edges = edges[:, torch.arange(edges.size(1)) != edges.size(1) - 4]
    x = torch.rand(NODES, 5, generator=generator, dtype=torch.float64)
    weight = torch.rand(edges.size(1), generator=generator, dtype=torch.float64)
    layout = Layout(
        edges,
        NODES,
        chunks,
        ways,
        weight=weight if weighted else None,
        normalization=normalization,
        dtype=torch.float64,
    )
    factor = weight if weighted else torch.ones_like(weight)
    all_edges = edges
    if normalization == "gcn":
        all_edges, factor = gcn_norm(edges, factor, NODES)
    elif normalization == "mean":
        total = torch.zeros(NODES, dtype=torch.float64).index_add_(0, edges[1], factor)
        factor = factor * total.reciprocal()[edges[1]]
    messages = factor[:, None] * x[all_edges[0]]
    expected = torch.zeros_like(x).index_add_(0, all_edges[1], messages)
    assert torch.equal(whole_product(layout, x), expected)


@pytest.mark.parametrize("chunks", [1, 4])
def test_one_way_sends_nothing(chunks) -> None:
    layout = Layout(graph(), NODES, chunks)
    assert layout.num_replicas == layout.replicas_per_vertex == 0
    assert layout.sends(0, 0) == layout.receives(0, 0) == {}


@pytest.mark.parametrize("normalization", [None, "gcn"])
@pytest.mark.parametrize("ways", [2, 3])
@pytest.mark.parametrize("chunks", [1, 4])
def test_what_a_way_reads_of_others_is_sent_to_it_once(chunks, ways, normalization) -> None:
    layout = Layout(graph(), NODES, chunks, ways, normalization=normalization)
    sent = 0
    for way in range(ways):
        reads = {v for k in range(chunks) for v in layout.chunk(k, way).halo.tolist()}
        foreign = sorted(v for v in reads if layout.way_of[v] != way)
        received = []
        for k in range(chunks):
            for other, ids in layout.receives(way, k).items():
                assert ids.numel() > 0
                assert ids.tolist() == sorted(ids.tolist())
                assert layout.chunk_of[ids].tolist() == [k] * ids.numel()
                assert layout.way_of[ids].tolist() == [other] * ids.numel()
                assert torch.equal(layout.sends(other, k)[way], ids)
                received += ids.tolist()
            assert way not in layout.sends(way, k)
            sent += sum(ids.numel() for ids in layout.sends(way, k).values())
        assert sorted(received) == foreign
    assert layout.num_replicas == sent
    assert layout.replicas_per_vertex == sent / NODES


def test_given_assignments_are_used() -> None:
    chunk_of = torch.arange(NODES, dtype=torch.int32) % 3
    way_of = (torch.arange(NODES) // 20).to(torch.uint8)
    layout = Layout(graph(), NODES, 3, 2, chunk_of=chunk_of, way_of=way_of)
    assert layout.chunk(1, 1).nodes.tolist() == [v for v in range(20, 40) if v % 3 == 1]
    assert torch.equal(layout.chunk_of, chunk_of.long())


def test_a_chunk_may_be_empty_on_a_way() -> None:
    edges, way_of = torch.tensor([[0, 1], [1, 0]]), torch.tensor([0, 1])
    layout = Layout(edges, 2, 2, 2, chunk_of=torch.tensor([0, 1]), way_of=way_of)
    empty = layout.chunk(0, way=1)
    assert (empty.num_nodes, empty.num_rows, empty.num_edges) == (0, 0, 0)
    assert empty.rowptr.tolist() == [0]
    assert layout.sends(1, 0) == {}
    assert layout.sends(0, 0)[1].tolist() == [0]
    # Assignments that are given may leave a chunk without any node.
    layout = Layout(edges, 2, 5, chunk_of=torch.tensor([0, 4]))
    assert [layout.chunk(k).num_nodes for k in range(5)] == [1, 0, 0, 0, 1]


@pytest.mark.parametrize("normalization", [None, "mean", "gcn"])
def test_small_graphs(normalization) -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    layout = Layout(none, 0, 1, normalization=normalization)
    assert (layout.chunk(0).num_rows, layout.halo_rows, layout.replicas_per_vertex) == (0, 0, 0)
    layout = Layout(none, 1, 1, normalization=normalization)
    assert layout.chunk(0).num_edges == (normalization == "gcn")
    layout = Layout(torch.tensor([[0, 0], [0, 0]]), 1, 1, normalization=normalization)
    assert layout.chunk(0).edge_index.tolist() == [[0] * (1 if normalization == "gcn" else 2)] * 2
    layout = Layout(none, 4, 4, normalization=normalization)  # nodes alone
    assert [layout.chunk(k).num_nodes for k in range(4)] == [1] * 4
    assert layout.halo_rows == 0


def test_the_same_arguments_give_the_same_layout() -> None:
    first, second = (Layout(graph(), NODES, 4, 2, seed=7) for _ in range(2))
    for (_, _, a), (_, _, b) in zip(cells(first), cells(second), strict=True):
        for name in ("nodes", "halo", "rowptr", "col", "edge", "degree"):
            assert torch.equal(getattr(a, name), getattr(b, name))


def test_chunks_are_made_once_and_share_memory() -> None:
    layout = Layout(graph(), NODES, 4)
    assert layout.chunk(2) is layout.chunk(2)
    assert layout.chunk(0).col.untyped_storage().data_ptr() == (
        layout.chunk(3).col.untyped_storage().data_ptr()
    )


def test_dtype_of_the_factors() -> None:
    weight = torch.ones(graph().size(1), dtype=torch.float64)
    assert Layout(graph(), NODES, 2, weight=weight).chunk(0).weight.dtype == torch.float64
    assert Layout(graph(), NODES, 2, normalization="gcn").chunk(0).weight.dtype == torch.float32
    half = Layout(graph(), NODES, 2, weight=weight, dtype=torch.bfloat16)
    assert half.chunk(0).weight.dtype == torch.bfloat16


def test_repr() -> None:
    layout = Layout(torch.tensor([[0, 1], [1, 0]]), 2, 1, 2)
    assert repr(layout) == "Layout(2 nodes, 2 edges, 1 chunks, 2 ways, replicas_per_vertex=1.00)"


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"chunks": 0}, InputError, "chunks is 0"),
        ({"chunks": 5}, InputError, "chunks is 5 and there are 4 nodes.*pass chunks=4 or fewer"),
        ({"ways": 5}, InputError, "ways is 5 and there are 4 nodes"),
        ({"ways": "2"}, InputTypeError, "ways is '2'"),
        ({"num_nodes": 2}, InputError, "edge_index holds node id 2"),
        ({"edge_index": [[0], [1]]}, InputTypeError, "edge_index is a list"),
        ({"method": "mets"}, UnknownNameError, "did you mean 'metis'?"),
        ({"normalization": "men"}, UnknownNameError, "did you mean 'mean'?"),
        ({"weight": torch.ones(5)}, InputError, r"weight has shape \[5\]: expected \[2\]"),
        ({"dtype": torch.int64}, InputTypeError, "dtype is torch.int64"),
        ({"dtype": "float32"}, InputTypeError, "dtype is 'float32'"),
        ({"chunk_of": torch.tensor([0, 2, 0, 0])}, InputError, "chunk_of holds 2 for node 1: .*3"),
        ({"way_of": torch.tensor([0, 0, 1, 0])}, InputError, "way_of holds 1 .*pass ways=2"),
        ({"way_of": torch.zeros(3).long()}, InputError, r"way_of has shape \[3\]"),
    ],
)
def test_bad_input(given, error, text) -> None:
    arguments = {"edge_index": torch.tensor([[0, 1], [1, 2]]), "num_nodes": 4, "chunks": 2, **given}
    with pytest.raises(error, match=text):
        Layout(**arguments)


@pytest.mark.parametrize("call", [Layout.chunk, lambda layout, k, way: layout.sends(way, k)])
def test_no_such_chunk_or_way(call) -> None:
    layout = Layout(torch.tensor([[0], [1]]), 2, 2)
    with pytest.raises(InputError, match=r"chunk is 2: expected a number in \[0, 2\)"):
        call(layout, 2, 0)
    with pytest.raises(InputError, match=r"way is -1: expected a number in \[0, 1\)"):
        call(layout, 0, -1)
