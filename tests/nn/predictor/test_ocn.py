from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph, NeighborLists
from graphlearn.nn import OCN
from graphlearn.nn.predictor.ocn import orthogonal

OPTIONS = [
    {},
    {"final_linear": True, "two_layer_head": True, "hidden_channels": 9},
    {"layer_norm": False, "beta": -0.7},
]


def rarity(frequency: Tensor) -> Tensor:
    inverse = torch.where(frequency > 0, 1 / frequency, 0.0)
    return inverse / inverse[frequency > 0].mean()


def literal_orders(matrix: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Both orders as dense vectors over the nodes, pair by pair, from the definitions."""
    nodes = len(matrix)
    degree = matrix.sum(dim=1)
    first_rarity = rarity(degree * (degree - 1) / 2)
    second_rarity = rarity((degree - 1).clamp(min=0) * (matrix @ (degree - 1).clamp(min=0)))
    firsts, seconds = [], []
    for i, j in pairs.t().tolist():
        first = matrix[i] * matrix[j] * first_rarity
        second = torch.zeros(nodes, dtype=matrix.dtype)
        for near, far in ((i, j), (j, i)):
            open_rows = matrix[far].clone()
            open_rows[[i, j]] = 0  # no path passes an endpoint
            second += matrix[near] * (open_rows @ matrix)
        second[[i, j]] = 0
        second = second * second_rarity
        if first.any():
            second = second - (second @ first) / (first @ first) * first
        firsts.append(first)
        seconds.append(second)
    return torch.stack(firsts), torch.stack(seconds)


def literal_ocn(model: OCN, x: Tensor, matrix: Tensor, pairs: Tensor) -> Tensor:
    first, second = literal_orders(matrix, pairs)
    share = model.alpha.sigmoid()
    hidden = (
        share[0] * model.first_branch(first @ x)
        + share[0] * share[1] * model.second_branch(second @ x)
        + model.beta * model.pair_branch(x[pairs[0]] * x[pairs[1]])
    )
    return model.head(hidden).squeeze(-1)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("masked", [False, True])
def test_score_and_gradients_against_the_equation(
    options: dict, masked: bool, graph: CSRGraph, x: Tensor, pairs: Tensor, adjacency
) -> None:
    if masked:
        graph = graph.without_edges(torch.arange(0, graph.num_edges, 4))
    model = OCN(6, **options).double()
    with torch.no_grad():
        for parameter in model.parameters():  # so that norms are not the identity
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    x.requires_grad_()
    found = model(x, graph, pairs)
    expected = literal_ocn(model, x, adjacency(graph), pairs)
    torch.testing.assert_close(found, expected)
    inputs = [x, *model.parameters()]
    grad = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(found, inputs, grad), torch.autograd.grad(expected, inputs, grad)
    )


def test_gradcheck(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = OCN(6, layer_norm=False).double()
    assert torch.autograd.gradcheck(lambda h: model(h, graph, pairs[:, :9]), x.requires_grad_())


def test_a_score_is_the_same_alone_in_any_company_and_from_either_end(
    graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    model = OCN(6).double().eval()
    together = model(x, graph, pairs)
    alone = torch.cat([model(x, graph, pair) for pair in torch.split(pairs, 1, dim=1)])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(model(x, graph, pairs.flip(1)), together.flip(0))
    torch.testing.assert_close(model(x, graph, pairs.flip(0)), together)


def test_as_published_a_score_changes_with_its_company(
    graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    model = OCN(6, as_published=True).double().eval()
    together = model(x, graph, pairs)
    alone = torch.cat([model(x, graph, pair) for pair in torch.split(pairs, 1, dim=1)])
    assert float((together - alone).detach().abs().max()) > 0.01


def test_relabeled_nodes_have_the_same_scores(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = OCN(6).double().eval()
    order = torch.randperm(24)
    place = torch.argsort(order)
    turned = CSRGraph.from_edge_index(place[graph.edge_pairs()], 24)
    torch.testing.assert_close(model(x[order], turned, place[pairs]), model(x, graph, pairs))


def test_edges_are_dropped_in_training_alone(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = OCN(6, edge_dropout=0.5).double()
    assert not torch.equal(model(x, graph, pairs), model(x, graph, pairs))
    model.eval()
    assert torch.equal(model(x, graph, pairs), model(x, graph, pairs))


def test_orthogonal_lists_are_orthogonal(graph: CSRGraph) -> None:
    generator = torch.Generator().manual_seed(2)
    dense = []
    lists = []
    for _ in range(2):
        shown = torch.rand(30, 12, generator=generator) < 0.4
        rows, nodes = shown.nonzero().unbind(1)
        rowptr = torch.cat([torch.zeros(1, dtype=torch.int64), shown.sum(1).cumsum(0)])
        weight = torch.rand(nodes.numel(), dtype=torch.float64, generator=generator)
        lists.append((NeighborLists(rowptr, nodes), weight))
        whole = torch.zeros(30, 12, dtype=torch.float64)
        whole[rows, nodes] = weight
        dense.append(whole)
    made, weight = orthogonal(*lists[0], *lists[1], 12)
    found = torch.zeros(30, 12, dtype=torch.float64)
    found.index_put_((made.rows(), made.node), weight, accumulate=True)
    first, second = dense
    torch.testing.assert_close((found * first).sum(1), torch.zeros(30, dtype=torch.float64))
    # What was taken away lies along the first.
    away = second - found
    factor = (away * first).sum(1) / (first * first).sum(1).clamp(min=1e-300)
    torch.testing.assert_close(away, factor[:, None] * first)


def test_bad_options_and_input(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    with pytest.raises(InputTypeError, match="^as_published is 'no': expected True or False$"):
        OCN(6, as_published="no")  # type: ignore[arg-type]
    for name in ("layer_norm", "final_linear", "two_layer_head"):
        with pytest.raises(InputTypeError, match=f"^{name} is 1: expected True or False$"):
            OCN(6, **{name: 1})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^single_weight is 0.5 and as_published is off"):
        OCN(6, single_weight=0.5)
    with pytest.raises(InputError, match="dropout"):
        OCN(6, dropout=1.5)
    with pytest.raises(InputError, match="shape"):
        OCN(5).double()(x, graph, pairs)


def test_no_pairs_and_no_edges(x: Tensor) -> None:
    bare = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64), 24)
    for published in (False, True):
        model = OCN(6, as_published=published).double()
        assert model(x, bare, torch.zeros(2, 0, dtype=torch.int64)).shape == (0,)
        assert bool(model(x, bare, torch.tensor([[0, 1], [2, 2]])).isfinite().all())
