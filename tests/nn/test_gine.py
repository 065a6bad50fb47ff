"""OGB's network: its formula by hand, no graph sees another, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Batch, Data

from graphlearn.errors import InputError
from graphlearn.nn import GINE, NETWORKS


def graphs() -> list[Data]:
    generator = torch.Generator().manual_seed(0)
    found = []
    for nodes in (3, 1, 6, 4):
        ends = torch.randint(nodes, (2, 2 * nodes), generator=generator)
        x = torch.randint(5, (nodes, 2), generator=generator)
        kinds = torch.randint(3, (4 * nodes, 2), generator=generator)
        found.append(Data(x=x, edge_index=torch.cat([ends, ends.flip(0)], 1), edge_attr=kinds))
    return found


def network(**options) -> GINE:
    torch.manual_seed(0)
    given = {"num_categories": [5, 5], "num_edge_categories": [3, 3], "num_layers": 3} | options
    model = GINE(None, 8, 3, **given).double().eval()
    for norm in (m for m in model.modules() if isinstance(m, torch.nn.BatchNorm1d)):
        torch.nn.init.uniform_(norm.running_mean)
        torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    for number, conv in enumerate(model.convs, start=1):
        torch.nn.init.constant_(conv.eps, 0.1 * number)
    return model


@pytest.mark.parametrize("virtual_node", [False, True])
def test_it_is_the_formula(virtual_node) -> None:
    model = network(virtual_node=virtual_node)
    data = graphs()[2]
    h = model.input(data.x)
    state = torch.zeros(8, dtype=torch.float64)
    for number, (conv, norm) in enumerate(zip(model.convs, model.norms, strict=True)):
        h = h + state
        e = model.edge_inputs[number](data.edge_attr)
        taken = torch.zeros_like(h)
        for edge, (source, target) in enumerate(data.edge_index.t().tolist()):
            taken[target] += torch.relu(h[source] + e[edge])
        out = norm(conv.nn((1 + 0.1 * (number + 1)) * h + taken))
        if virtual_node and number < 2:
            state = model.virtual[number]((h.sum(0) + state)[None])[0]
        h = torch.relu(out) if number < 2 else out
    torch.testing.assert_close(model(data)[0], model.head(h.mean(0)))


@pytest.mark.parametrize("virtual_node", [False, True])
def test_a_graph_does_not_see_the_others(virtual_node) -> None:
    model = network(virtual_node=virtual_node)
    items = graphs()
    together = model(Batch.from_data_list(items))
    for number, graph in enumerate(items):
        torch.testing.assert_close(model(graph)[0], together[number])


def test_edges_may_have_numbers_or_nothing() -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    data = Data(x=torch.randn(3, 4), edge_index=edges, edge_attr=torch.rand(2, 7))
    assert GINE(4, 8, 2, edge_channels=7)(data).shape == (1, 2)
    assert GINE(4, 8, 2, num_layers=1)(data).shape == (1, 2)
    assert NETWORKS.get("gine") is GINE
    assert "layers=1, dropout=0.5, virtual_node=True" in repr(
        GINE(4, 8, 2, num_layers=1, virtual_node=True)
    )


def test_reset_draws_anew_and_the_virtual_node_starts_at_zero() -> None:
    model = network(virtual_node=True)
    torch.nn.init.ones_(model.virtual_start)
    before = model.head.weight.clone()
    model.reset_parameters()
    assert not torch.equal(before, model.head.weight)
    assert bool((model.virtual_start == 0).all())


def test_bad_sizes_and_batches_are_refused() -> None:
    with pytest.raises(InputError, match="in_channels is None and num_categories None"):
        GINE(None, 8, 2)
    with pytest.raises(InputError, match="num_edge_categories is 3 and edge_channels 7"):
        GINE(4, 8, 2, num_edge_categories=3, edge_channels=7)
    model = GINE(4, 8, 2, edge_channels=7)
    edges = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(InputError, match="the graphs have no edge_index"):
        model(Data(x=torch.zeros(2, 4)))
    with pytest.raises(InputError, match=r"x is of shape \[2, 3\]: expected shape \[N, 4\]"):
        model(Data(x=torch.zeros(2, 3), edge_index=edges))
    with pytest.raises(InputError, match=r"edge_attr is missing: expected shape \[E, 7\]"):
        model(Data(x=torch.zeros(2, 4), edge_index=edges))
    one = Data(x=torch.zeros(1, 4), edge_index=edges[:, :0], edge_attr=torch.zeros(0, 7))
    with pytest.raises(InputError, match="the batch has one node"):
        model(one)
    with pytest.raises(InputError, match="the batch has one graph"):
        GINE(4, 8, 2, virtual_node=True)(Data(x=torch.zeros(2, 4), edge_index=edges))
