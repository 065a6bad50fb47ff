from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import (
    NCN,
    DotPredictor,
    GCNEncoder,
    HadamardPredictor,
    LinkModel,
    ReweightedEncoder,
)
from graphlearn.topology import reweighted_messages


def drawn(nodes: int = 24) -> tuple[CSRGraph, Tensor]:
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(nodes - 2, (2, 60), generator=generator)
    return CSRGraph.from_edge_index(edges, nodes), torch.randn(nodes, 5, generator=generator)


def made(graph: CSRGraph, encoder: object = None, **options: object) -> ReweightedEncoder:
    torch.manual_seed(1)
    return ReweightedEncoder(
        5,
        {"name": "gcn", "hidden_channels": 8} if encoder is None else encoder,  # type: ignore[arg-type]
        num_nodes=graph.num_nodes,
        num_entries=graph.col.numel(),
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("form", ["gcn", "sage"])
@pytest.mark.parametrize("predictor", [HadamardPredictor(8), DotPredictor(8)])
def test_weights_are_the_algorithms(form, predictor) -> None:
    graph, x = drawn()
    encoder = made(graph, alpha=2.0, form=form)
    encoder.update(predictor, x, graph)
    with torch.no_grad():
        h = encoder.encoder.eval()(x, graph)
        row, col = graph.edge_index()
        adjacency = torch.eye(24)
        adjacency[row, col] = 1
        degree = adjacency.sum(1)
        plain = (
            adjacency / (degree[:, None] * degree).sqrt()
            if form == "gcn"
            else adjacency / degree[:, None]
        )
        around = plain @ h
        entries = predictor.score_vectors(around[row], h[col]).sigmoid()
        loops = predictor.score_vectors(around, h).sigmoid()
    expected = reweighted_messages(graph, entries, loops, alpha=2.0, form=form)
    torch.testing.assert_close(encoder.weight, expected.weight)
    torch.testing.assert_close(encoder.loop_weight, expected.loop_weight)
    weighted = graph.with_weights(encoder.weight, encoder.loop_weight)
    torch.testing.assert_close(encoder(x, graph), encoder.encoder(x, weighted))


def test_until_the_first_update_it_is_the_encoder_it_wraps() -> None:
    graph, x = drawn()
    encoder = made(graph)
    torch.testing.assert_close(encoder(x, graph), encoder.encoder(x, graph))
    encoder.update(DotPredictor(8), x, graph)
    assert not torch.allclose(encoder(x, graph), encoder.encoder(x, graph))
    encoder.reset_parameters()
    torch.testing.assert_close(encoder(x, graph), encoder.encoder(x, graph))


def test_the_next_update_starts_from_the_plain_weights() -> None:
    graph, x = drawn()
    encoder = made(graph, alpha=3.0, form="sage")
    for _ in range(3):
        encoder.update(DotPredictor(8), x, graph)
    total = encoder.loop_weight.index_add(0, graph.entry_row.long(), encoder.weight)
    torch.testing.assert_close(total, torch.full((24,), 4.0))


def test_as_published_exchanges_the_directions() -> None:
    graph, x = drawn()
    one, other = made(graph), made(graph, as_published=True)
    for encoder in (one, other):
        encoder.update(DotPredictor(8), x, graph)
    torch.testing.assert_close(one.weight[graph.reverse_entry], other.weight)
    assert not torch.allclose(one.weight, other.weight)


def test_ncn_scores_its_own_edges() -> None:
    graph, x = drawn()
    predictor = NCN(8).eval()
    encoder = made(graph)
    encoder.update(predictor, x, graph)
    with torch.no_grad():
        h = encoder.encoder.eval()(x, graph)
        entries = predictor(h, graph, graph.edge_index()).sigmoid()
        loops = predictor(h, graph, torch.arange(24).repeat(2, 1)).sigmoid()
    expected = reweighted_messages(graph, entries, loops, alpha=1.0)
    torch.testing.assert_close(encoder.weight, expected.weight)


def test_updates_draw_nothing_and_leave_modes_and_gradients_alone() -> None:
    graph, x = drawn()
    inner = GCNEncoder(5, 8, dropout=0.5)
    encoder = made(graph, encoder=inner)
    predictor = HadamardPredictor(8, dropout=0.5)
    predictor.eval()
    state = torch.get_rng_state()
    encoder.update(predictor, x, graph)
    first = encoder.weight.clone()
    encoder.is_weighted.fill_(False)
    encoder.update(predictor, x, graph)
    assert torch.equal(first, encoder.weight)
    assert torch.equal(state, torch.get_rng_state())
    assert (encoder.training, inner.training, predictor.training) == (True, True, False)
    assert not encoder.weight.requires_grad
    encoder(x, graph).sum().backward()
    assert inner.input.linear.weight.grad is not None


def test_epochs_of_warm_up_and_between_updates() -> None:
    graph, x = drawn()
    model = LinkModel(made(graph, warm_up=4, interval=3), DotPredictor(8))
    updated = []
    for epoch in range(1, 11):
        model.encoder.is_weighted.fill_(False)
        model.encoder.after_epoch(epoch, model, x, graph)
        if model.encoder.is_weighted:
            updated.append(epoch)
    assert updated == [6, 9]


def test_weights_are_saved_with_the_model() -> None:
    graph, x = drawn()
    encoder = made(graph)
    encoder.update(DotPredictor(8), x, graph)
    other = made(graph)
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(encoder(x, graph), other(x, graph))
    assert torch.equal(copy.deepcopy(encoder)(x, graph), encoder(x, graph))


def test_removed_links_send_nothing() -> None:
    graph, x = drawn()
    encoder = made(graph).eval()
    encoder.update(DotPredictor(8), x, graph)
    ids = torch.arange(0, graph.num_edges, 2)
    other = x.clone()
    u, v = graph.edge_pairs()[:, 0]
    other[v] += 1.0
    alone = graph.without_edges(torch.arange(graph.num_edges))
    assert torch.equal(encoder(x, alone)[u], encoder(other, alone)[u])
    assert not torch.equal(encoder(x, graph), encoder(x, graph.without_edges(ids)))


def test_relabelling_nodes_relabels_the_result() -> None:
    graph, x = drawn()
    order = torch.randperm(24, generator=torch.Generator().manual_seed(2))
    turned = CSRGraph.from_edge_index(order[graph.edge_pairs()], 24)
    moved = torch.empty_like(x)
    moved[order] = x
    one, other = made(graph).double(), made(turned).double()
    for encoder, data, features in ((one, graph, x), (other, turned, moved)):
        encoder.update(DotPredictor(8), features.double(), data)
    torch.testing.assert_close(
        one(x.double(), graph), other(moved.double(), turned)[order], rtol=1e-9, atol=1e-9
    )


def test_graphs_without_edges() -> None:
    none = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64), 3)
    encoder = made(none)
    encoder.update(DotPredictor(8), torch.ones(3, 5), none)
    assert encoder(torch.ones(3, 5), none).isfinite().all()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"alpha": -1.0}, InputError, "alpha is -1"),
        ({"form": "gat"}, UnknownNameError, "form"),
        ({"warm_up": 0}, InputError, "warm_up is 0"),
        ({"interval": 0}, InputError, "interval is 0"),
        ({"as_published": 1}, InputTypeError, "as_published is 1"),
        ({"encoder": "gnc"}, UnknownNameError, "did you mean 'gcn'"),
    ],
)
def test_bad_options(options, error, text) -> None:
    with pytest.raises(error, match=text):
        made(drawn()[0], **options)


def test_another_graph_is_refused() -> None:
    graph, x = drawn()
    more = CSRGraph.from_edge_index(
        torch.cat([graph.edge_pairs(), torch.tensor([[22], [23]])], dim=1), 24
    )
    with pytest.raises(InputError, match="the graph has .* entries"):
        made(graph)(x, more)
