from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph
from graphlearn.topology import reweighted_messages


def drawn(seed: int = 0) -> tuple[CSRGraph, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    graph = CSRGraph.from_edge_index(torch.randint(18, (2, 60), generator=generator), 20)
    scores = torch.randn(graph.col.numel(), generator=generator, dtype=torch.float64)
    return graph, scores, torch.randn(20, generator=generator, dtype=torch.float64)


def dense(graph: CSRGraph, entries: Tensor, loops: Tensor, missing: float = 0.0) -> Tensor:
    matrix = torch.full((graph.num_nodes,) * 2, missing, dtype=torch.float64)
    keep = slice(None) if graph.keep is None else graph.keep
    matrix[graph.entry_row.long()[keep], graph.col.long()[keep]] = entries[keep]
    matrix.diagonal().copy_(loops)
    return matrix


@pytest.mark.parametrize("form", ["gcn", "sage"])
@pytest.mark.parametrize("masked", [False, True])
def test_against_dense_matrices(form, masked) -> None:
    graph, scores, loop_scores = drawn()
    if masked:
        graph = graph.without_edges(torch.arange(0, graph.num_edges, 3))
    found = reweighted_messages(graph, scores, loop_scores, alpha=0.7, form=form)
    adjacency = dense(graph, torch.ones_like(scores), torch.ones_like(loop_scores))
    degree = adjacency.sum(1)
    plain = (
        adjacency / (degree[:, None] * degree).sqrt()
        if form == "gcn"
        else adjacency / degree[:, None]
    )
    shares = dense(graph, scores, loop_scores, -torch.inf).softmax(dim=1)
    expected = plain + 0.7 * plain.sum(1, keepdim=True) * shares
    torch.testing.assert_close(dense(graph, found.weight, found.loop_weight), expected)
    if masked:
        assert (found.weight[~graph.keep] == 0).all()


def test_no_alpha_leaves_the_plain_weights_and_the_sum_grows_by_alpha() -> None:
    graph, scores, loop_scores = drawn()
    plain = reweighted_messages(graph, scores, loop_scores, alpha=0.0, form="sage")
    torch.testing.assert_close(
        dense(graph, plain.weight, plain.loop_weight).sum(1), torch.ones(20, dtype=torch.float64)
    )
    more = reweighted_messages(graph, scores, loop_scores, alpha=2.0, form="sage")
    torch.testing.assert_close(
        dense(graph, more.weight, more.loop_weight).sum(1), torch.full((20,), 3.0).double()
    )


def test_equal_scores_of_any_size_share_evenly() -> None:
    graph, scores, loop_scores = drawn()
    one = reweighted_messages(graph, 0 * scores, 0 * loop_scores, alpha=1.0)
    large = reweighted_messages(graph, 0 * scores - 1e4, 0 * loop_scores - 1e4, alpha=1.0)
    torch.testing.assert_close(one.weight, large.weight)
    torch.testing.assert_close(one.loop_weight, large.loop_weight)


def test_isolated_nodes_and_empty_graphs() -> None:
    none = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64), 2)
    found = reweighted_messages(none, torch.zeros(0), torch.zeros(2), alpha=1.0)
    assert found.loop_weight.tolist() == [2, 2]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("form", ["gcn", "sage"])
def test_half_precision_rounds_the_result_alone(dtype, form) -> None:
    leaves = torch.arange(1, 5001)
    star = CSRGraph.from_edge_index(torch.stack([torch.zeros_like(leaves), leaves]), 5001)
    zeros = torch.zeros(star.col.numel()), torch.zeros(5001)
    exact = reweighted_messages(star, *(z.double() for z in zeros), alpha=1.0, form=form)
    found = reweighted_messages(star, *(z.to(dtype) for z in zeros), alpha=1.0, form=form)
    assert found.weight.dtype == dtype
    torch.testing.assert_close(found.weight.double(), exact.weight, rtol=1e-2, atol=0)
    torch.testing.assert_close(found.loop_weight.double(), exact.loop_weight, rtol=1e-2, atol=0)


def test_self_loops_that_a_graph_keeps_are_not_counted_twice() -> None:
    edges = torch.tensor([[0, 1, 1], [1, 2, 1]])
    kept = CSRGraph.from_edge_index(edges, 3, keep_self_loops=True)
    found = reweighted_messages(kept, torch.zeros(5), torch.zeros(3), alpha=1.0, form="sage")
    total = found.loop_weight.index_add(0, kept.entry_row.long(), found.weight)
    torch.testing.assert_close(total, torch.full((3,), 2.0))


def test_bad_input() -> None:
    graph, scores, loops = drawn()
    with pytest.raises(InputError, match="alpha is -1"):
        reweighted_messages(graph, scores, loops, alpha=-1.0)
    with pytest.raises(InputError, match="did you mean 'sage'"):
        reweighted_messages(graph, scores, loops, alpha=1.0, form="sag")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="weight has shape"):
        reweighted_messages(graph, scores[1:], loops, alpha=1.0)
    for wrong in (torch.nan, torch.inf):
        with pytest.raises(InputError, match="scores hold NaN or infinity"):
            reweighted_messages(graph, scores * wrong, loops, alpha=1.0)
    directed = CSRGraph.from_edge_index(graph.edge_index(), 20, undirected=False)
    with pytest.raises(InputError, match="directed"):
        reweighted_messages(directed, scores, loops, alpha=1.0)
    keep = torch.ones(graph.col.numel(), dtype=torch.bool)
    keep[0] = False
    with pytest.raises(InputError, match="keeps one direction"):
        reweighted_messages(graph.with_mask(keep), scores, loops, alpha=1.0)
    with pytest.raises(InputTypeError, match="graph is a Tensor"):
        reweighted_messages(graph.edge_index(), scores, loops, alpha=1.0)  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="loop_weight is a torch.int64"):
        reweighted_messages(graph, scores, loops.long(), alpha=1.0)
