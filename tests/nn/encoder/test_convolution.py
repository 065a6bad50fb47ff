from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv, GraphConv, SAGEConv

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import ConvolutionEncoder, GCNEncoder, SAGEEncoder

KINDS = [(GCNEncoder, GCNConv), (SAGEEncoder, SAGEConv)]


@pytest.mark.parametrize(("kind", "stock"), KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {"num_layers": 1},
        {},
        {"num_layers": 3, "residual": True},
        {"num_layers": 3, "layer_norm": True, "jumping_knowledge": True},
        {"num_layers": 2, "residual": True, "layer_norm": True, "jumping_knowledge": True},
    ],
)
@pytest.mark.parametrize("masked", [False, True])
def test_equals_stock_layers(
    kind, stock, options: dict, masked: bool, graph: CSRGraph, features: Tensor
) -> None:
    encoder = kind(15, 5, **options).double().eval()
    num_layers = options.get("num_layers", 2)
    convolutions = [stock(5, 5).double() for _ in range(num_layers)]
    for mine, theirs in zip(encoder.convolutions, convolutions, strict=True):
        assert type(mine) is stock
        theirs.load_state_dict(mine.state_dict())
    edge_index = torch.cat([graph.edge_pairs(), graph.edge_pairs().flip(0)], dim=1)
    if masked:
        ids = torch.arange(0, graph.num_edges, 3)
        keep = torch.ones(graph.num_edges, dtype=torch.bool)
        keep[ids] = False
        edge_index, graph = edge_index[:, keep.repeat(2)], graph.without_edges(ids)
    h = features @ encoder.input.linear.weight + encoder.input.linear.bias
    layers = []
    for i, convolution in enumerate(convolutions):
        out = convolution(h, edge_index)
        if i < num_layers - 1:
            if options.get("layer_norm"):
                out = nn.functional.layer_norm(out, (5,))
            out = out.relu()
        h = out + h if options.get("residual") else out
        layers.append(h)
    if options.get("jumping_knowledge"):
        h = sum(layers)
    torch.testing.assert_close(encoder(features, graph), h)


def test_any_convolution_of_pyg(graph: CSRGraph, features: Tensor) -> None:
    class GraphConvEncoder(ConvolutionEncoder):
        convolution = GraphConv

    encoder = GraphConvEncoder(15, 5, num_layers=1).double()
    h = features @ encoder.input.linear.weight + encoder.input.linear.bias
    expected = encoder.convolutions[0](h, graph.edge_index())
    torch.testing.assert_close(encoder(features, graph), expected)


@pytest.mark.parametrize(("kind", "stock"), KINDS)
def test_without_features(kind, stock, graph: CSRGraph) -> None:
    encoder = kind(None, 5, 1, num_embeddings=24)
    theirs = stock(5, 5)
    theirs.load_state_dict(encoder.convolutions[0].state_dict())
    expected = theirs(encoder.input.embedding.weight, graph.edge_index())
    torch.testing.assert_close(encoder(None, graph), expected)


def test_edge_dropout_in_training_alone(graph: CSRGraph, features: Tensor) -> None:
    encoder = GCNEncoder(15, 5, edge_dropout=0.5).double()
    torch.manual_seed(1)
    found = encoder(features, graph)
    torch.manual_seed(1)
    expected = encoder.eval()(features, graph.drop_entries(0.5))
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(encoder(features, graph), expected)


def test_dropout_in_training_alone(graph: CSRGraph, features: Tensor) -> None:
    encoder = SAGEEncoder(15, 50, output_dropout=0.5).double()
    exact = encoder.eval()(features, graph)
    out = encoder.train()(features, graph)
    assert float((out == 0).double().mean()) == pytest.approx(0.5, abs=0.06)
    torch.testing.assert_close(out[out != 0], 2 * exact[out != 0])
    between = SAGEEncoder(15, 50, dropout=0.5).double()
    assert not torch.equal(between(features, graph), between(features, graph))


def test_gradients_reach_every_parameter(graph: CSRGraph, features: Tensor) -> None:
    encoder = GCNEncoder(15, 5, 3, jumping_knowledge=True, layer_norm=True).double()
    encoder(features, graph).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("kind", [GCNEncoder, SAGEEncoder])
def test_bad_input(kind, graph: CSRGraph) -> None:
    with pytest.raises(InputError, match="^num_layers is 0: expected an integer >= 1$"):
        kind(4, 4, 0)
    encoder = kind(4, 4)
    with pytest.raises(InputError, match=r"^x has shape \[24, 3\]: expected shape \[N, 4\]$"):
        encoder(torch.ones(24, 3), graph)
    with pytest.raises(InputError, match="^x has 9 rows: expected 24, one for each node of"):
        encoder(torch.ones(9, 4), graph)
    with pytest.raises(InputError, match="^x is None"):
        encoder(None, graph)


@pytest.mark.parametrize("edge_dropout", [-0.1, 1.5])
def test_bad_edge_dropout_is_refused_when_the_encoder_is_made(edge_dropout: float) -> None:
    with pytest.raises(InputError, match="edge_dropout"):
        GCNEncoder(4, 4, edge_dropout=edge_dropout)


def test_repr_shows_the_stock_layers() -> None:
    assert "(0-1): 2 x GCNConv(5, 5)" in repr(GCNEncoder(4, 5))
    assert "2 x SAGEConv(5, 5, aggr=mean)" in repr(SAGEEncoder(4, 5))
