from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.kernels import CSRGraph, common_neighbors, second_order_neighbors
from graphlearn.nn import CNMix
from graphlearn.nn.predictor.node_weights import second_order_rarity
from graphlearn.nn.predictor.structure import structural_sums

OPTIONS: list[dict[str, Any]] = [
    {},
    {"completion": True},
    {"completion": True, "node_weight": "resource-allocation", "hidden_channels": 9},
    {"second_order": False, "pair_layers": 3},
    {"pair": False, "layer_norm": False},
    {"structure": False, "learn_mix": False, "node_weight": "adamic-adar"},
    {"neighborhood": False},
    {"neighborhood": False, "pair": False},
    {"pooling": "lcm", "completion": True},
]


def perturbed(**options: Any) -> CNMix:
    """A model whose norms are not the identity and whose mix is no mean."""
    model = CNMix(6, **options).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return model


def literal_neighborhood(
    model: CNMix, x: Tensor, matrix: Tensor, pairs: Tensor, graph: CSRGraph
) -> Tensor:
    """The member of neighborhoods with dense vectors over the nodes, pair by pair."""
    rows = x + model.node_map(x)
    degree = matrix.sum(1)
    of_node = torch.ones_like(degree)
    if model.node_weight == "resource-allocation":
        of_node = torch.where(degree > 0, 1 / degree, 0.0)
    if model.node_weight == "adamic-adar":
        of_node = torch.where(degree > 1, 1 / degree.log(), 0.0)
    firsts = []
    for i, j in pairs.t().tolist():
        weight = matrix[i] * matrix[j]
        if model.completion:
            assert model.pair is not None
            for near, far in ((i, j), (j, i)):
                nodes = torch.arange(24)
                logit = model.pair.score_vectors(x[far].expand(24, -1), x[nodes]).detach()
                chance = (model.completion_scale * logit - model.completion_offset).sigmoid()
                alone = matrix[near] * (1 - matrix[far])
                alone[[i, j]] = 0
                weight = weight + alone * chance
        firsts.append(weight * of_node)
    first = torch.stack(firsts)
    hidden = model.factors[0] * model.pair_branch(x[pairs[0]] * x[pairs[1]])
    hidden = hidden + model.factors[1] * model.first_branch(first @ rows)  # type: ignore[misc]
    if model.second_branch is not None:
        lists, paths = second_order_neighbors(graph, pairs)
        second = torch.zeros_like(first)
        second[lists.rows(), lists.node.long()] = paths.sum(1).double()
        second = second * second_order_rarity(graph, torch.float64)
        along = first.detach()
        square = (along * along).sum(1)
        inner = (along * second).sum(1)
        factor = torch.where(square > 0, inner / square.clamp(min=1e-300), 0.0)
        second = second - factor[:, None] * along
        hidden = hidden + model.factors[2] * model.second_branch(second @ rows)
    return model.head(hidden).squeeze(-1)


@pytest.mark.parametrize("options", [o for o in OPTIONS if "pooling" not in o])
@pytest.mark.parametrize("masked", [False, True])
def test_members_and_mix_against_their_definitions(
    options: dict[str, Any], masked: bool, graph: CSRGraph, x: Tensor, pairs: Tensor, adjacency
) -> None:
    if masked:
        graph = graph.without_edges(torch.arange(0, graph.num_edges, 4))
    model = perturbed(**options)
    x.requires_grad_()
    expected = []
    if model.pair is not None:
        expected.append(model.pair(x, graph, pairs))
    if model.neighborhood:
        expected.append(literal_neighborhood(model, x, adjacency(graph), pairs, graph))
    if model.structure is not None:
        second = second_order_neighbors(graph, pairs)
        first = common_neighbors(graph, pairs)
        sums = structural_sums(graph, pairs, first, *second, torch.float64)
        expected.append(model.structure(sums).squeeze(-1))
    members = torch.stack(expected)
    fixed = members.detach()
    mix = fixed.mean(0)
    if model.learn_mix:
        mix = model.mix_weight.exp() @ fixed + model.mix_bias
    wanted = torch.cat([members, mix[None]])
    found = model(x, graph, pairs)
    torch.testing.assert_close(found, wanted)
    inputs = [x, *model.parameters()]
    grad = torch.randn_like(wanted)
    torch.testing.assert_close(
        torch.autograd.grad(found, inputs, grad, allow_unused=True),
        torch.autograd.grad(wanted, inputs, grad, allow_unused=True),
    )
    model.eval()
    torch.testing.assert_close(model(x, graph, pairs), mix)


def test_the_mix_teaches_its_own_weights_alone(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = perturbed(completion=True)
    model(x, graph, pairs)[-1].sum().backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    taught = {name for name, grad in gradients.items() if grad is not None and bool(grad.any())}
    assert taught == {"mix_weight", "mix_bias"}


def test_members_teach_each_other_nothing(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = perturbed(completion=True)
    model(x, graph, pairs)[1].sum().backward()  # completion asks the pair's member, no more
    assert model.pair is not None
    assert not any(bool(parameter.grad.any()) for parameter in model.pair.parameters())  # type: ignore[union-attr]
    assert bool(model.completion_offset.grad)


@pytest.mark.parametrize("options", OPTIONS)
def test_a_score_is_the_same_alone_in_any_company_and_from_either_end(
    options: dict[str, Any], graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    model = perturbed(**options).eval()
    together = model(x, graph, pairs)
    assert together.shape == (pairs.size(1),)
    alone = torch.cat([model(x, graph, pair) for pair in torch.split(pairs, 1, dim=1)])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(model(x, graph, pairs.flip(0)), together)
    if "pooling" in options:  # a binary operator over a tree sees the order of the nodes
        return
    order = torch.randperm(24)
    place = torch.argsort(order)
    turned = CSRGraph.from_edge_index(place[graph.edge_pairs()], 24)
    torch.testing.assert_close(model(x[order], turned, place[pairs]), together)


def test_it_begins_as_the_members_mean(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = CNMix(6).double()
    rows = model(x, graph, pairs)
    torch.testing.assert_close(rows[-1], rows[:-1].mean(0))


def test_a_neighbor_that_only_dropped_edges_hide_is_not_completed(x: Tensor) -> None:
    # A triangle with a tail: of the pair (0, 1), 2 is a common neighbor and 3 one of 0 alone.
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 0, 0], [2, 2, 1, 3]]), 24)
    model = CNMix(6, completion=True, edge_dropout=0.5).double()
    asked: list[Tensor] = []
    inner = model._inner_logit

    def note(x: Tensor, pairs: Tensor) -> Tensor:
        asked.append(pairs)
        return inner(x, pairs)

    model._inner_logit = note  # type: ignore[method-assign]
    for _ in range(40):
        model(x, graph, torch.tensor([[0], [1]]))
    every = set(map(tuple, torch.cat(asked, dim=1).t().tolist()))
    assert every == {(1, 3)}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"pair": False, "neighborhood": False, "structure": False},
            InputError,
            "pair, neighborhood and structure are all off: expected a member at least",
        ),
        ({"completion": True, "pair": False}, InputError, "completion is on with pair False"),
        ({"neighborhood": False, "pooling": "lcm"}, InputError, "neighborhood is off with pooling"),
        (
            {"pair_layers": 2, "hidden_channels": 9},
            InputError,
            "pair_layers is 2, hidden_channels 9",
        ),
        ({"structure": "no"}, InputTypeError, "structure is 'no': expected True or False"),
        ({"node_weight": "adamic"}, UnknownNameError, "unknown node weight 'adamic'"),
        ({"pair_layers": 0}, InputError, "pair_layers is 0"),
        ({"pair_layers": 3, "pair": False}, InputError, "pair_layers is 3 with pair False"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CNMix(6, **options)


def test_no_pairs_and_no_edges(x: Tensor) -> None:
    bare = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64), 24)
    model = CNMix(6, completion=True).double()
    assert model(x, bare, torch.zeros(2, 0, dtype=torch.int64)).shape == (4, 0)
    assert bool(model(x, bare, torch.tensor([[0, 1], [2, 2]])).isfinite().all())
