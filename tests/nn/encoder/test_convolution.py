from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv, GraphConv, SAGEConv

from graphlearn.errors import InputError, InputTypeError
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
        {"num_layers": 2, "residual": True, "output_norm": True},
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
        last = i == num_layers - 1
        if options.get("output_norm" if last else "layer_norm"):
            out = nn.functional.layer_norm(out, (5,))
        out = out if last else out.relu()
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


@pytest.mark.parametrize(("kind", "stock"), KINDS)
@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.parametrize("normalize_features", [False, True])
def test_without_an_input_map_the_first_convolution_takes_the_features(
    kind, stock, layout: str, normalize_features: bool, graph: CSRGraph, features: Tensor
) -> None:
    encoder = kind(15, 5, input_map=False, normalize_features=normalize_features).double()
    given = features.to_sparse_csr() if layout == "sparse" else features
    first, second = stock(15, 5).double(), stock(5, 5).double()
    first.load_state_dict(encoder.convolutions[0].state_dict())
    second.load_state_dict(encoder.convolutions[1].state_dict())
    h = features
    if normalize_features:
        h = features / features.sum(1, keepdim=True).clamp(min=1e-9)
    edge_index = graph.edge_index()
    expected = second(first(h, edge_index).relu(), edge_index)
    found = encoder(given, graph)
    torch.testing.assert_close(found, expected)
    assert not list(encoder.input.parameters())
    found.square().sum().backward()
    expected.square().sum().backward()
    for mine, theirs in zip(
        encoder.convolutions.parameters(),
        [*first.parameters(), *second.parameters()],
        strict=True,
    ):
        torch.testing.assert_close(mine.grad, theirs.grad)


@pytest.mark.parametrize(("kind", "stock"), KINDS)
def test_weights_of_the_graph_with_sparse_features(
    kind, stock, graph: CSRGraph, features: Tensor
) -> None:
    encoder = kind(15, 5, input_map=False).double()
    weighted = graph.with_weights(
        torch.rand(graph.col.numel()).double(), torch.rand(graph.num_nodes).double()
    )
    torch.testing.assert_close(
        encoder(features.to_sparse_csr(), weighted), encoder(features, weighted)
    )


@pytest.mark.parametrize("kind", [GCNEncoder, SAGEEncoder])
def test_any_convolution_takes_sparse_features_as_they_are_or_dense(
    kind, graph: CSRGraph, features: Tensor
) -> None:
    class GraphConvEncoder(ConvolutionEncoder):
        convolution = GraphConv

    encoder = GraphConvEncoder(15, 5, input_map=False).double()
    torch.testing.assert_close(encoder(features.to_sparse_csr(), graph), encoder(features, graph))
    wide = kind(5, 5, input_map=False, residual=True).double()
    few = features[:, :5]
    torch.testing.assert_close(wide(few.to_sparse_csr(), graph), wide(few, graph))


def test_unit_length_is_that_of_stock_sage(graph: CSRGraph, features: Tensor) -> None:
    encoder = SAGEEncoder(15, 5, 1, input_map=False, unit_length=True).double()
    theirs = SAGEConv(15, 5, normalize=True).double()
    theirs.load_state_dict(encoder.convolutions[0].state_dict())
    torch.testing.assert_close(encoder(features, graph), theirs(features, graph.edge_index()))


@pytest.mark.parametrize(("kind", "stock"), KINDS)
def test_messages_go_along_the_edges_of_a_directed_graph(kind, stock, features: Tensor) -> None:
    edge_index = torch.tensor([[0, 1, 2, 2], [1, 2, 3, 5]])
    graph = CSRGraph.from_edge_index(edge_index, 24, undirected=False)
    encoder = kind(15, 5, 1, input_map=False).double()
    theirs = stock(15, 5).double()
    theirs.load_state_dict(encoder.convolutions[0].state_dict())
    torch.testing.assert_close(encoder(features, graph), theirs(features, edge_index))


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


def test_a_residual_needs_as_many_features_as_channels(graph: CSRGraph, features: Tensor) -> None:
    with pytest.raises(InputError, match="^residual with 15 features and 5 hidden channels: "):
        GCNEncoder(15, 5, input_map=False, residual=True)


def test_features_of_another_dtype_are_refused(graph: CSRGraph, features: Tensor) -> None:
    for given in (features, features.to_sparse_csr()):
        with pytest.raises(InputTypeError, match=r"^x has dtype torch.float64: expected torch.f"):
            GCNEncoder(15, 5, input_map=False)(given, graph)


@pytest.mark.parametrize("edge_dropout", [-0.1, 1.5])
def test_bad_edge_dropout_is_refused_when_the_encoder_is_made(edge_dropout: float) -> None:
    with pytest.raises(InputError, match="edge_dropout"):
        GCNEncoder(4, 4, edge_dropout=edge_dropout)


def test_repr_shows_the_stock_layers() -> None:
    assert "(0-1): 2 x GCNConv(5, 5)" in repr(GCNEncoder(4, 5))
    assert "2 x SAGEConv(5, 5, aggr=mean)" in repr(SAGEEncoder(4, 5))


@pytest.mark.parametrize("kind", [GCNEncoder, SAGEEncoder])
def test_sparse_features_without_a_map_under_autocast(
    kind, graph: CSRGraph, features: Tensor
) -> None:
    encoder, sparse = kind(15, 5, input_map=False), features.float().to_sparse_csr()
    expected = encoder(sparse, graph)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = encoder(sparse, graph)
    torch.testing.assert_close(found.float(), expected, rtol=0.05, atol=0.05)


def test_weights_of_a_directed_graph_are_refused() -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), 2, undirected=False)
    weighted = graph.with_weights(torch.ones(1), torch.ones(2))
    with pytest.raises(InputError, match="^the graph is directed and has weights"):
        GCNEncoder(1, 1)(torch.ones(2, 1), weighted)


@pytest.mark.parametrize(
    "name", ["residual", "input_map", "unit_length", "layer_norm", "output_norm"]
)
def test_switches_are_true_or_false(name: str) -> None:
    with pytest.raises(InputTypeError, match=f"^{name} is 'no': expected True or False$"):
        GCNEncoder(5, 5, **{name: "no"})
