from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GCNConv, GraphConv
from torch_geometric.transforms import Compose, ToUndirected

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import GCNEncoder, PropagationEncoder, SAGEEncoder
from graphlearn.topology import topological_concentration
from graphlearn.transforms import TopologicalReweight


def graph_data(seed: int = 0) -> Data:
    generator = torch.Generator().manual_seed(seed)
    edges = torch.randint(30, (2, 90), generator=generator)
    graph = CSRGraph.from_edge_index(edges, 32)
    both = graph.edge_index()
    both = both[:, torch.randperm(both.size(1), generator=generator)]
    return Data(x=torch.randn(32, 5, generator=generator), edge_index=both, num_nodes=32)


@pytest.mark.parametrize("measure", ["tc", "atc"])
@pytest.mark.parametrize("form", ["gcn", "sage"])
def test_stock_layers_and_our_graph_agree(measure, form) -> None:
    data, transform = graph_data(), TopologicalReweight(2.0, form=form, measure=measure, hops=2)
    graph = transform.weigh(CSRGraph.from_edge_index(data.edge_index, 32))
    weighted = transform(data.clone())
    conv = GCNConv(5, 4, normalize=False, add_self_loops=False)
    encoder = GCNEncoder(5, 4, num_layers=1)
    with torch.no_grad():
        encoder.input.linear.bias.zero_()
        both_maps = encoder.convolutions[0].lin.weight @ encoder.input.linear.weight.t()
        conv.lin.weight.copy_(both_maps)
        conv.bias.copy_(encoder.convolutions[0].bias)
    torch.testing.assert_close(
        conv(weighted.x, weighted.edge_index, weighted.edge_weight), encoder(data.x, graph)
    )


def test_columns_keep_their_order_and_loops_come_last() -> None:
    data = graph_data()
    weighted = TopologicalReweight()(data.clone())
    assert torch.equal(weighted.edge_index[:, :-32], data.edge_index)
    assert torch.equal(weighted.edge_index[:, -32:], torch.arange(32).repeat(2, 1))
    assert torch.equal(weighted.x, data.x)


def test_weights_of_a_target_sum_to_one_plus_alpha() -> None:
    weighted = TopologicalReweight(0.5, form="sage")(graph_data())
    sums = torch.zeros(32).index_add(0, weighted.edge_index[1], weighted.edge_weight)
    torch.testing.assert_close(sums, torch.full((32,), 1.5))


def test_the_neighbor_that_shares_more_is_heard_more() -> None:
    # Node 0 is in a triangle with 1 and 2, and has the leaf 3.
    edges = torch.tensor([[0, 1, 2, 0], [1, 2, 0, 3]])
    data = ToUndirected()(Data(edge_index=edges, num_nodes=4))
    for measure in ("tc", "atc"):
        weighted = TopologicalReweight(form="sage", measure=measure)(data.clone())
        heard = {
            tuple(edge): weight
            for edge, weight in zip(
                weighted.edge_index.t().tolist(), weighted.edge_weight.tolist(), strict=True
            )
        }
        assert heard[1, 0] > heard[3, 0]
        assert heard[0, 0] > heard[1, 0]


def test_the_scores_average_to_tc() -> None:
    data = graph_data()
    graph = CSRGraph.from_edge_index(data.edge_index, 32)
    scores = TopologicalReweight(hops=2)._scores(graph)
    mean = torch.zeros(32).index_add(0, graph.entry_row.long(), scores)
    mean /= graph.degree().clamp(min=1)
    torch.testing.assert_close(mean.double(), topological_concentration(graph, hops=2))


def test_relabelling_nodes_relabels_the_weights() -> None:
    data = graph_data()
    order = torch.randperm(32, generator=torch.Generator().manual_seed(1))
    turned = Data(edge_index=order[data.edge_index], num_nodes=32)
    one, other = TopologicalReweight(hops=2)(data), TopologicalReweight(hops=2)(turned)
    torch.testing.assert_close(one.edge_weight[:-32], other.edge_weight[:-32])
    torch.testing.assert_close(one.edge_weight[-32:], other.edge_weight[-32:][order])


@pytest.mark.parametrize("encoder", [GCNEncoder, SAGEEncoder, PropagationEncoder])
def test_every_encoder_reads_the_weights(encoder) -> None:
    data = graph_data()
    graph = CSRGraph.from_edge_index(data.edge_index, 32)
    built = encoder(5, 4, num_layers=2).eval()
    plain, weighted = built(data.x, graph), built(data.x, TopologicalReweight().weigh(graph))
    assert plain.shape == weighted.shape
    assert not torch.allclose(plain, weighted)
    masked = TopologicalReweight().weigh(graph).without_edges(torch.arange(graph.num_edges))
    alone = built(data.x, masked)
    assert alone.isfinite().all()


def test_without_alpha_encoders_give_what_they_give_without_weights() -> None:
    data = graph_data()
    graph = CSRGraph.from_edge_index(data.edge_index, 32)
    for encoder in (GCNEncoder(5, 4), PropagationEncoder(5, 4)):
        encoder.eval()
        weighted = TopologicalReweight(0.0).weigh(graph)
        torch.testing.assert_close(encoder(data.x, graph), encoder(data.x, weighted))


def test_it_composes_and_works_with_graph_conv() -> None:
    data = Data(x=torch.randn(4, 3), edge_index=torch.tensor([[0, 1, 2], [1, 2, 3]]))
    made = Compose([ToUndirected(), TopologicalReweight()])(data)
    out = GraphConv(3, 2)(made.x, made.edge_index, made.edge_weight)
    assert out.isfinite().all()


def test_graphs_without_edges() -> None:
    none = Data(edge_index=torch.empty(2, 0, dtype=torch.int64), num_nodes=3)
    for measure in ("tc", "atc"):
        weighted = TopologicalReweight(measure=measure)(none.clone())
        assert weighted.edge_weight.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"alpha": -1.0}, InputError, "alpha is -1"),
        ({"form": "gat"}, UnknownNameError, "form"),
        ({"measure": "tcc"}, UnknownNameError, "did you mean 'tc'"),
        ({"hops": 0}, InputError, "hops is 0"),
        ({"hops": 2, "beta": [1.0]}, InputError, "beta has 1 weights"),
        ({"beta": -1.0}, InputError, "beta holds -1"),
        ({"dim": 0}, InputError, "dim is 0"),
        ({"seed": -1}, InputError, "seed is -1"),
    ],
)
def test_bad_options(options, error, text) -> None:
    with pytest.raises(error, match=text):
        TopologicalReweight(**options)


def test_bad_data() -> None:
    edges = torch.tensor([[0, 1], [1, 2]])
    with pytest.raises(InputError, match=r"both directions .* apply .*ToUndirected"):
        TopologicalReweight()(Data(edge_index=edges, num_nodes=3))
    both = torch.cat([edges, edges.flip(0)], dim=1)
    with pytest.raises(InputError, match="both directions of every edge, once each"):
        TopologicalReweight()(Data(edge_index=torch.cat([edges, edges], 1), num_nodes=3))
    with pytest.raises(InputError, match="data has edge_attr"):
        TopologicalReweight()(Data(edge_index=both, edge_attr=torch.ones(4, 1), num_nodes=3))
    with pytest.raises(InputError, match="both directions"):
        TopologicalReweight()(Data(edge_index=torch.cat([both, both], 1), num_nodes=3))
    with pytest.raises(InputError, match="no edge_index"):
        TopologicalReweight()(Data(x=torch.ones(3, 1)))
    with pytest.raises(InputError, match="data has edge_type"):
        TopologicalReweight()(Data(edge_index=both, edge_type=torch.ones(4), num_nodes=3))
    batch = Batch.from_data_list([Data(edge_index=both, num_nodes=3)] * 2)
    with pytest.raises(InputTypeError, match="data is a Batch.*each graph before"):
        TopologicalReweight()(batch)
    with pytest.raises(InputError, match="directed"):
        TopologicalReweight(measure="atc").weigh(CSRGraph.from_edge_index(both, undirected=False))
    with pytest.raises(InputTypeError, match="data is a dict"):
        TopologicalReweight()({})
    with pytest.raises(InputError, match="node id 9"):
        TopologicalReweight()(Data(edge_index=both + 7, num_nodes=9))
