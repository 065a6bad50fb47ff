from __future__ import annotations

import copy
import dataclasses
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph, as_graph, csr_rows

TRIANGLE_AND_TAIL = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]])


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


@st.composite
def edge_lists(draw: st.DrawFn) -> tuple[Tensor, int]:
    num_nodes = draw(st.integers(1, 9))
    node = st.integers(0, num_nodes - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=40))
    return torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).t(), num_nodes


def distinct_edges(edge_index: Tensor, *, undirected: bool, loops: bool) -> list[tuple[int, int]]:
    """Distinct edges in the order of their first appearance."""
    found: dict[tuple[int, int], None] = {}
    for u, v in edge_index.t().tolist():
        if u != v or loops:
            found.setdefault((min(u, v), max(u, v)) if undirected else (u, v))
    return list(found)


def dense(graph: CSRGraph) -> Tensor:
    matrix = torch.zeros(graph.num_nodes, graph.num_nodes, dtype=torch.int64)
    matrix[tuple(graph.edge_index())] += 1
    return matrix


@given(edge_lists(), st.booleans(), st.booleans())
def test_from_edge_index_against_plain_python(
    made: tuple[Tensor, int], undirected: bool, loops: bool
) -> None:
    edge_index, num_nodes = made
    graph = CSRGraph.from_edge_index(
        edge_index, num_nodes, undirected=undirected, keep_self_loops=loops
    )
    edges = distinct_edges(edge_index, undirected=undirected, loops=loops)
    entries = set(edges) | ({(v, u) for u, v in edges} if undirected else set())
    assert (graph.num_nodes, graph.num_edges) == (num_nodes, len(edges))
    assert graph.undirected is undirected

    # Every entry once, sorted by row and within a row.
    assert list(map(tuple, graph.edge_index().t().tolist())) == sorted(entries)
    assert graph.rowptr[-1] == graph.col.numel() == len(entries)
    assert graph.degree().tolist() == [sum(u == n for u, _ in entries) for n in range(num_nodes)]
    assert graph.entry_key.tolist() == [u * num_nodes + v for u, v in sorted(entries)]

    # Ids in the order of first appearance, the same in both directions.
    ids = {edge: i for i, edge in enumerate(edges)}
    if undirected:
        ids |= {(v, u): i for (u, v), i in ids.items()}
    assert graph.edge_id.tolist() == [ids[entry] for entry in sorted(entries)]
    assert graph.input_edge.tolist() == [ids.get((u, v), -1) for u, v in edge_index.t().tolist()]
    assert list(map(tuple, graph.edge_pairs().t().tolist())) == edges
    for edge, (first, second) in enumerate(graph.edge_entries.tolist()):
        assert graph.edge_id[first] == graph.edge_id[second] == edge
        assert {first, second} == {k for k in range(len(entries)) if graph.edge_id[k] == edge}

    # Looking up all pairs.
    everything = torch.cartesian_prod(torch.arange(num_nodes), torch.arange(num_nodes)).t()
    everything = everything.reshape(2, -1)
    wanted = [ids.get((u, v), -1) for u, v in everything.t().tolist()]
    assert graph.find_edges(everything).tolist() == wanted
    if undirected:
        reverse = graph.reverse_entry
        assert torch.equal(graph.entry_row[reverse], graph.col)
        assert torch.equal(graph.col[reverse], graph.entry_row)
        assert torch.equal(reverse[reverse], torch.arange(len(entries)))


@given(edge_lists(), st.data())
def test_masks_against_a_dense_matrix(made: tuple[Tensor, int], data: st.DataObject) -> None:
    graph = CSRGraph.from_edge_index(*made)
    chosen = data.draw(st.lists(st.integers(0, max(0, graph.num_edges - 1)), max_size=6))
    ids = torch.tensor(chosen if graph.num_edges else [], dtype=torch.int64)
    keep = torch.tensor(
        data.draw(st.lists(st.booleans(), min_size=graph.col.numel(), max_size=graph.col.numel())),
        dtype=torch.bool,
    )
    whole = dense(graph)
    removed = torch.ones_like(whole)
    u, v = graph.edge_pairs()[:, ids]
    removed[u, v] = removed[v, u] = 0
    kept = torch.zeros_like(whole)
    kept[tuple(graph.edge_index()[:, keep])] = 1

    assert torch.equal(dense(graph.without_edges(ids)), whole * removed)
    assert torch.equal(dense(graph.with_mask(keep)), whole * kept)
    both = graph.without_edges(ids).with_mask(keep)
    assert torch.equal(dense(both), whole * removed * kept)
    assert torch.equal(dense(graph.with_mask(keep).without_edges(ids)), whole * removed * kept)
    assert torch.equal(both.degree().long(), (whole * removed * kept).sum(dim=1))
    # What they were made from is as before, and ids outlast removal.
    assert torch.equal(dense(graph), whole)
    assert torch.equal(both.edge_pairs(), graph.edge_pairs())
    assert torch.equal(both.find_edges(graph.edge_pairs()), torch.arange(graph.num_edges))
    node = torch.arange(graph.num_nodes)
    everything = torch.cartesian_prod(node, node).t()
    for view in (graph, both):
        assert torch.equal(view.has_entries(everything), dense(view).bool().flatten())


def test_distinct_pairs_keep_their_column_numbers() -> None:
    generator = torch.Generator().manual_seed(0)
    pairs = torch.combinations(torch.arange(30)).t()
    pairs = pairs[:, torch.randperm(pairs.size(1), generator=generator)[:200]]
    turned = torch.rand(200, generator=generator) < 0.5
    pairs = torch.where(turned, pairs.flip(0), pairs)
    graph = CSRGraph.from_edge_index(pairs, 30)
    assert torch.equal(graph.input_edge, torch.arange(200))
    assert torch.equal(graph.find_edges(pairs), torch.arange(200))
    assert torch.equal(graph.find_edges(pairs.flip(0)), torch.arange(200))


def test_num_nodes_defaults_to_the_largest_id_plus_one() -> None:
    assert CSRGraph.from_edge_index(torch.tensor([[0, 7], [1, 2]])).num_nodes == 8
    assert CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64)).num_nodes == 0


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_integer_dtypes(dtype: torch.dtype) -> None:
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL.to(dtype))
    assert torch.equal(dense(graph), dense(CSRGraph.from_edge_index(TRIANGLE_AND_TAIL)))
    assert graph.find_edges(TRIANGLE_AND_TAIL.to(dtype)).tolist() == [0, 1, 2, 3]


def test_index_width_follows_the_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("rowptr", "col", "edge_id", "edge_entries")
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL)
    assert {getattr(graph, name).dtype for name in names} == {torch.int32}
    monkeypatch.setattr(csr_rows, "_INT32_LIMIT", 8)  # eight entries: one too many
    wide = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL)
    assert {getattr(wide, name).dtype for name in names} == {torch.int64}
    assert torch.equal(wide.edge_index(), graph.edge_index())


@pytest.mark.parametrize(
    ("edge_index", "num_nodes", "kind", "message"),
    [
        ([[0], [1]], None, InputTypeError, "edge_index is a list: expected an integer tensor of "
         "shape [2, E]; pass torch.as_tensor(edge_index)"),
        (torch.ones(2, 3), None, InputTypeError, "edge_index has dtype torch.float32: expected an "
         "integer tensor of shape [2, E]; pass edge_index.long() if its values are whole numbers"),
        (torch.zeros(5, 2, dtype=torch.int64), None, InputError,
         "edge_index has shape [5, 2]: expected shape [2, E]; pass edge_index.t()"),
        (torch.zeros(4, dtype=torch.int64), None, InputError,
         "edge_index has shape [4]: expected shape [2, E]"),
        (torch.tensor([[0, 1], [1, -3]]), 4, InputError,
         "edge_index holds node id -3 in column 1: expected ids in [0, 4)"),
        (torch.tensor([[0, 9], [1, 2]]), 4, InputError, "edge_index holds node id 9 in column 1: "
         "expected ids in [0, 4); pass num_nodes=10 or more, or drop the edge"),
        (torch.tensor([[0], [1]]), -1, InputError, "num_nodes is -1: expected an integer >= 0"),
        (torch.tensor([[0], [1]]), 2.5, InputTypeError,
         "num_nodes is 2.5: expected an integer >= 0"),
        (torch.tensor([[0], [1]]), 3_037_000_499, InputError,
         "num_nodes is 3037000499: expected fewer than 3,037,000,499"),
    ],
)  # fmt: skip
def test_bad_edge_index(edge_index, num_nodes, kind, message: str) -> None:
    with pytest.raises(kind, match=exactly(message)):
        CSRGraph.from_edge_index(edge_index, num_nodes)


def test_ids_that_name_more_nodes_than_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = {"SC_PHYS_PAGES": 1_000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr("os.sysconf", memory.__getitem__)
    edge_index = torch.tensor([[0, 5], [1, 170_666]])
    assert CSRGraph.from_edge_index(edge_index[:, :1]).num_nodes == 2
    with pytest.raises(InputError, match=r"^num_nodes is 170667: row pointers need .*unique"):
        CSRGraph.from_edge_index(edge_index)


def test_negative_id_without_num_nodes() -> None:
    with pytest.raises(InputError, match="^edge_index holds node id -2 in column 0"):
        CSRGraph.from_edge_index(torch.tensor([[-2], [1]]))


@pytest.mark.parametrize(
    ("edge_ids", "kind", "message"),
    [
        ([0], InputTypeError, "edge_ids is a list: expected an integer tensor of edge ids; pass "
         "torch.tensor(edge_ids)"),
        (torch.tensor([0.0]), InputTypeError,
         "edge_ids has dtype torch.float32: expected an integer tensor of edge ids"),
        (torch.tensor([True]), InputTypeError, "edge_ids has dtype torch.bool: expected an integer "
         "tensor of edge ids; pass mask.nonzero().flatten()"),
        (torch.tensor([1, -1]), InputError, "edge_ids holds -1: expected ids in [0, 4); "
         "drop the -1 that find_edges gives for pairs that are no edge"),
        (torch.tensor([-5]), InputError, "edge_ids holds -5: expected ids in [0, 4)"),
        (torch.tensor([3, 4]), InputError, "edge_ids holds 4: expected ids in [0, 4)"),
    ],
)  # fmt: skip
def test_bad_edge_ids(edge_ids: Tensor, kind, message: str) -> None:
    with pytest.raises(kind, match=exactly(message)):
        CSRGraph.from_edge_index(TRIANGLE_AND_TAIL).without_edges(edge_ids)


@pytest.mark.parametrize("keep", [torch.ones(8), torch.ones(7, dtype=torch.bool)])
def test_bad_mask(keep: Tensor) -> None:
    message = f"keep has dtype {keep.dtype} and shape [{len(keep)}]: expected torch.bool and [8]"
    with pytest.raises(InputError, match=exactly(message)):
        CSRGraph.from_edge_index(TRIANGLE_AND_TAIL).with_mask(keep)


def test_bad_pairs_in_find_edges() -> None:
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL)
    with pytest.raises(InputError, match="^pairs holds node id 4 in column 0"):
        graph.find_edges(torch.tensor([[4], [0]]))


def test_find_edges_without_edges_or_pairs() -> None:
    bare = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64), 3)
    assert bare.find_edges(torch.tensor([[0, 2], [1, 2]])).tolist() == [-1, -1]
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL)
    assert graph.find_edges(torch.empty(2, 0, dtype=torch.int64)).tolist() == []
    last = torch.tensor([[3, 3], [3, 2]])  # a key behind the last entry
    assert graph.find_edges(last).tolist() == [-1, 3]


def test_a_masked_view_shares_everything_but_the_mask() -> None:
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL)
    _ = graph.degree(), graph.entry_row, graph.entry_key, graph.reverse_entry  # cached from here on
    view = graph.without_edges(torch.tensor([0]))
    for name in ("rowptr", "col", "edge_id", "edge_entries", "entry_row", "reverse_entry"):
        assert getattr(view, name) is getattr(graph, name)
    assert view.entry_key is graph.entry_key
    assert view.keep is not None
    assert view.keep.numel() * view.keep.element_size() == graph.col.numel()
    assert graph.keep is None
    assert view.degree().tolist() == [1, 1, 3, 1]
    assert graph.degree().tolist() == [2, 2, 3, 1]
    again = view.without_edges(torch.tensor([3]))
    assert (view.degree().tolist(), again.degree().tolist()) == ([1, 1, 3, 1], [1, 1, 2, 0])


def test_the_matrix_has_the_present_entries_of_each_view() -> None:
    edges = torch.tensor([[0, 1, 0], [1, 2, 3]])
    for undirected in (True, False):
        whole = CSRGraph.from_edge_index(edges, 5, undirected=undirected)
        assert whole.matrix.any()  # a view must not take over what was made of the whole
        for graph in (whole, whole.without_edges(torch.tensor([1])), whole.drop_entries(1.0)):
            expected = torch.zeros(5, 5, dtype=torch.bfloat16)
            expected[tuple(graph.edge_index())] = 1
            assert torch.equal(graph.matrix, expected)
            assert graph.matrix is graph.matrix
    nothing = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64))
    assert nothing.matrix.shape == (0, 0)


def test_drop_entries_draws_from_the_generator_given() -> None:
    graph = CSRGraph.from_edge_index(torch.combinations(torch.arange(60)).t())
    state = torch.random.get_rng_state()
    one = graph.drop_entries(0.4, torch.Generator().manual_seed(3))
    two = graph.drop_entries(0.4, torch.Generator().manual_seed(3))
    other = graph.drop_entries(0.4, torch.Generator().manual_seed(4))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(one.keep, two.keep)
    assert not torch.equal(one.keep, other.keep)
    assert float((~one.keep).float().mean()) == pytest.approx(0.4, abs=0.03)
    # Each direction by itself.
    assert not torch.equal(one.keep, one.keep[graph.reverse_entry])


def test_drop_entries_draws_from_the_default_generator() -> None:
    graph = CSRGraph.from_edge_index(torch.combinations(torch.arange(20)).t())
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        one = graph.drop_entries(0.5)
        torch.manual_seed(0)
        two = graph.drop_entries(0.5)
    assert torch.equal(one.keep, two.keep)


def test_drop_entries_at_the_ends() -> None:
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL)
    assert graph.drop_entries(0.0) is graph
    assert graph.drop_entries(1.0).degree().tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("probability", [-0.1, 1.5, float("nan")])
def test_drop_entries_refuses_what_is_no_probability(probability: float) -> None:
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL)
    with pytest.raises(InputError, match="expected a number in"):
        graph.drop_entries(probability)


def test_drop_entries_keeps_removed_edges_removed() -> None:
    graph = CSRGraph.from_edge_index(torch.combinations(torch.arange(20)).t())
    dropped = graph.without_edges(torch.arange(50)).drop_entries(0.2)
    both = torch.cat([graph.edge_pairs()[:, :50], graph.edge_pairs()[:, :50].flip(0)], dim=1)
    assert dense(dropped)[tuple(both)].sum() == 0


def test_to_moves_every_tensor() -> None:
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL).without_edges(torch.tensor([1]))
    moved = graph.to("meta")
    assert moved.device.type == "meta"
    for name in ("rowptr", "col", "edge_id", "edge_entries", "input_edge", "keep"):
        assert getattr(moved, name).device.type == "meta"
    assert (moved.num_nodes, moved.num_edges, moved.undirected) == (4, 4, True)
    assert CSRGraph.from_edge_index(TRIANGLE_AND_TAIL).to("meta").keep is None
    back = graph.to("cpu")
    assert torch.equal(back.edge_index(), graph.edge_index())
    weighted = graph.with_weights(torch.ones(8), torch.ones(4)).to("meta")
    assert (weighted.weight.device.type, weighted.loop_weight.device.type) == ("meta", "meta")


def test_weights_stay_through_masks_and_are_checked() -> None:
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL)
    weight, loops = torch.arange(8.0), torch.arange(4.0)
    masked = graph.with_weights(weight, loops).without_edges(torch.tensor([1]))
    assert masked.weight is weight
    assert masked.loop_weight is loops
    assert repr(masked).endswith("undirected=True, entries_removed=2, weighted)")
    with pytest.raises(InputError, match=exactly("weight has shape [4]: expected [8]")):
        graph.with_weights(loops, loops)
    with pytest.raises(InputError, match=exactly("loop_weight has shape [8]: expected [4]")):
        graph.with_weights(weight, weight)
    with pytest.raises(InputTypeError, match="^weight is a torch.int64: expected a floating"):
        graph.with_weights(weight.long(), loops)
    with pytest.raises(InputTypeError, match="^loop_weight is a NoneType"):
        graph.with_weights(weight, None)  # type: ignore[arg-type]


def test_frozen_and_copied() -> None:
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL).without_edges(torch.tensor([1]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.undirected = False  # type: ignore[misc]
    copied = copy.deepcopy(graph)
    assert copied.col.data_ptr() != graph.col.data_ptr()
    assert torch.equal(copied.edge_index(), graph.edge_index())


def test_repr() -> None:
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL, 5)
    assert repr(graph) == "CSRGraph(num_nodes=5, num_edges=4, undirected=True)"
    assert repr(graph.without_edges(torch.tensor([0]))) == (
        "CSRGraph(num_nodes=5, num_edges=4, undirected=True, entries_removed=2)"
    )


def test_as_graph() -> None:
    graph = CSRGraph.from_edge_index(TRIANGLE_AND_TAIL)
    assert as_graph(graph, None) is graph
    assert as_graph(graph, 4) is graph
    assert as_graph(TRIANGLE_AND_TAIL, 6).num_nodes == 6
    message = "x has 3 rows: expected 4, one for each node of the graph"
    with pytest.raises(InputError, match=exactly(message)):
        as_graph(graph, 3)
    with pytest.raises(InputTypeError, match="^edge_index is a NoneType"):
        as_graph(None, 3)  # type: ignore[arg-type]
