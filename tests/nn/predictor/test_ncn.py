from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from graphlearn.errors import InputError, UnknownNameError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import NCN, Dropout, LCMAggregation, NCNCount
from graphlearn.nn.predictor import set_branch as module

OPTIONS = [
    {},
    {"node_map": False},
    {"final_linear": True},
    {"two_layer_head": True, "hidden_channels": 9},
    {"layer_norm": False, "beta": -0.7},
    {"node_weight": "adamic-adar"},
    {"node_weight": "resource-allocation", "node_map": False, "hidden_channels": 4},
    {"node_weight": "batch-frequency"},
]


def literal_ncn(
    model: NCN, x: Tensor, matrix: Tensor, pairs: Tensor, weight: Tensor | None = None
) -> Tensor:
    """Equation 9 with dense matrices: every pair by itself, nothing shared, nothing left out."""
    mapped = x if model.node_map is None else x + model.node_map(x)
    if weight is not None:
        mapped = mapped * weight[:, None]
    common = matrix[pairs[0]] * matrix[pairs[1]]
    image = model.set_branch(common @ mapped)
    product = model.pair_branch(x[pairs[0]] * x[pairs[1]])
    return model.head(model.beta * image + product).squeeze(-1)


def literal_weight(name: str, matrix: Tensor, pairs: Tensor) -> Tensor | None:
    degree = matrix.sum(dim=1)
    if name == "adamic-adar":
        return torch.where(degree > 1, 1 / degree.log(), 0.0)
    if name == "resource-allocation":
        return torch.where(degree > 0, 1 / degree, 0.0)
    if name == "batch-frequency":
        count = (matrix[pairs[0]] * matrix[pairs[1]]).sum(dim=0)
        return torch.where(count > 0, 1 / count, 0.0)
    return None


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("masked", [False, True])
def test_score_and_gradients_against_the_equation(
    options: dict, masked: bool, graph: CSRGraph, x: Tensor, pairs: Tensor, adjacency
) -> None:
    if masked:
        graph = graph.without_edges(torch.arange(0, graph.num_edges, 4))
    model = NCN(6, **options).double()
    with torch.no_grad():
        for parameter in model.parameters():  # so that norms are not the identity
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    matrix = adjacency(graph)
    counts = (matrix[pairs[0]] * matrix[pairs[1]]).sum(dim=1)
    assert {0.0, 1.0, 2.0} <= set(counts.tolist())  # with common neighbors and without
    weight = literal_weight(options.get("node_weight", "none"), matrix, pairs)
    x.requires_grad_()
    found = model(x, graph, pairs)
    expected = literal_ncn(model, x, matrix, pairs, weight)
    torch.testing.assert_close(found, expected)
    inputs = [x, *model.parameters()]
    grad = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(found, inputs, grad), torch.autograd.grad(expected, inputs, grad)
    )


@pytest.mark.parametrize("kind", ["all empty", "none empty", "dense", "few nodes"])
def test_sets_of_every_kind(kind: str, x: Tensor, adjacency) -> None:
    clique = torch.combinations(torch.arange(24)).t()
    if kind == "all empty":
        graph, pairs = CSRGraph.from_edge_index(clique[:, :1], 24), clique
    elif kind == "few nodes":  # two common neighbors in all: f runs on them alone
        graph = CSRGraph.from_edge_index(torch.tensor([[0, 0, 1, 1], [4, 5, 4, 5]]), 24)
        pairs = torch.tensor([[0, 1], [1, 0]])
    else:
        graph = CSRGraph.from_edge_index(clique, 24)
        pairs = clique if kind == "dense" else clique[:, :3]
    model = NCN(6).double()
    x.requires_grad_()
    found, expected = model(x, graph, pairs), literal_ncn(model, x, adjacency(graph), pairs)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), x), torch.autograd.grad(expected.sum(), x)
    )


def test_the_node_map_runs_on_the_nodes_that_occur(
    graph: CSRGraph, x: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = NCN(6).double()
    rows: list[int] = []
    model.node_map.register_forward_hook(lambda _, inputs, __: rows.append(len(inputs[0])))
    triangle = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2], [1, 2, 0]]), 24)
    model(x, triangle, torch.tensor([[0, 0], [1, 9]]))
    assert rows == [1]


def test_removing_targets_equals_a_graph_built_without_them(graph: CSRGraph, x: Tensor) -> None:
    for model in (NCN(6).double().eval(), NCNCount(6).double().eval()):
        ids = torch.arange(0, graph.num_edges, 3)
        kept = torch.ones(graph.num_edges, dtype=torch.bool)
        kept[ids] = False
        rebuilt = CSRGraph.from_edge_index(graph.edge_pairs()[:, kept], 24)
        links = graph.edge_pairs()[:, ids]
        found = model(x, graph.without_edges(ids), links)
        torch.testing.assert_close(found, model(x, rebuilt, links))
        assert not torch.allclose(found, model(x, graph, links))


def test_a_pair_s_own_link_does_not_show(graph: CSRGraph, x: Tensor) -> None:
    model = NCN(6).double().eval()
    for edge in range(0, graph.num_edges, 5):
        link = graph.edge_pairs()[:, edge : edge + 1]
        removed = graph.without_edges(torch.tensor([edge]))
        assert torch.equal(model(x, graph, link), model(x, removed, link))


class Draws:
    """Mean and spread of many draws of a random vector."""

    def __init__(self, function, times: int) -> None:
        draws = torch.stack([function() for _ in range(times)])
        self.mean, self.error = draws.mean(dim=0), draws.std(dim=0) / times**0.5
        self.spread = draws.std(dim=0)


@pytest.mark.parametrize("node_map", [False, True])
def test_dropout_has_the_distribution_of_the_equation(
    node_map: bool,
    graph: CSRGraph,
    x: Tensor,
    pairs: Tensor,
    adjacency,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_EMPTY_SET_DRAWS", 3)  # fewer than pairs with an empty set
    model = NCN(6, dropout=0.3, node_map=node_map).double()
    matrix = adjacency(graph)
    assert int(((matrix[pairs[0]] * matrix[pairs[1]]).sum(dim=1) == 0).sum()) > 3
    with torch.no_grad():
        ours = Draws(lambda: model(x, graph, pairs), 700)
        theirs = Draws(lambda: literal_ncn(model, x, matrix, pairs), 700)
    assert ours.spread.min() > 0
    assert ((ours.mean - theirs.mean).abs() < 5 * ours.error.hypot(theirs.error)).all()
    torch.testing.assert_close(ours.spread, theirs.spread, rtol=0.25, atol=0)


def test_empty_sets_share_so_many_draws(x: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64), 24)
    pairs = torch.zeros(2, 100, dtype=torch.int64)
    rows: list[int] = []
    model = NCN(6, dropout=0.3).double()
    monkeypatch.setattr(module, "_EMPTY_SET_DRAWS", 32)
    model.set_branch[1].register_forward_hook(lambda _, inputs, __: rows.append(len(inputs[0])))
    model(x, bare, pairs)
    model(x, bare, pairs[:, :5])
    model.eval()(x, bare, pairs)
    NCN.forward(model.train(), x, bare, pairs[:, :0])
    assert rows == [32, 5, 1, 0]
    # All of them are used, in turn (some happen to be equal): one for all would leave one row.
    outer = [part for part in model.set_branch if isinstance(part, Dropout)][-1]
    outer.register_forward_hook(lambda _, inputs, __: rows.append(len(inputs[0].unique(dim=0))))
    model(x, bare, pairs)
    assert 8 < rows[-1] <= 32


@pytest.mark.parametrize("node_map", [False, True])
def test_the_first_layer_is_applied_to_nodes_or_to_sums_with_the_same_result(
    node_map: bool, graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    model = NCN(6, 5, node_map=node_map).double()
    calls: list[int] = []
    model.set_branch[0].register_forward_hook(lambda _, inputs, __: calls.append(len(inputs[0])))
    x.requires_grad_()
    repeated = pairs.repeat(1, 40)  # many more sets than nodes
    of_nodes = model(x, graph, repeated)
    assert calls == []  # applied as a plain product to the rows of the nodes
    of_sums = torch.cat([model(x, graph, pairs[:, b : b + 1]) for b in range(pairs.size(1))])
    assert max(calls) == 1
    torch.testing.assert_close(of_nodes, of_sums.repeat(40))
    for name, first, second in zip(
        ("x", *(name for name, _ in model.named_parameters())),
        torch.autograd.grad(of_nodes.sum(), [x, *model.parameters()], allow_unused=True),
        torch.autograd.grad(of_sums.sum() * 40, [x, *model.parameters()], allow_unused=True),
        strict=True,
    ):
        torch.testing.assert_close(first, second, msg=name)


def test_edge_dropout_hides_entries_in_training_alone(
    graph: CSRGraph, x: Tensor, pairs: Tensor, adjacency
) -> None:
    for kind in (NCN, NCNCount):
        model = kind(6, edge_dropout=0.4).double()
        torch.manual_seed(1)
        found = model(x, graph, pairs)
        torch.manual_seed(1)
        seen = graph.drop_entries(0.4)
        torch.testing.assert_close(found, model.eval()(x, seen, pairs))
        assert not torch.allclose(found, model(x, graph, pairs))


def test_beta_is_learned_from_its_initial_value() -> None:
    model = NCN(6, beta=2.5)
    assert isinstance(model.beta, nn.Parameter)
    assert (model.beta.tolist(), model.beta.shape) == (2.5, ())
    with torch.no_grad():
        model.beta.fill_(9.0)
    model.reset_parameters()
    assert model.beta.tolist() == 2.5


def test_unknown_node_weight() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'resource-allocation'"):
        NCN(6, node_weight="resource")


def test_repr() -> None:
    text = repr(NCN(6, edge_dropout=0.25, node_weight="adamic-adar"))
    assert "6, edge_dropout=0.25, node_weight='adamic-adar'" in text


@pytest.mark.parametrize(
    "options",
    [{}, {"final_linear": True, "two_layer_head": True, "hidden_channels": 9}, {"beta": -0.5}],
)
def test_ncn_count_against_its_equation(
    options: dict, graph: CSRGraph, x: Tensor, pairs: Tensor, adjacency
) -> None:
    model = NCNCount(6, **options).double()
    matrix = adjacency(graph)
    count = (matrix[pairs[0]] * matrix[pairs[1]]).sum(dim=1, keepdim=True)
    product = model.pair_branch(x[pairs[0]] * x[pairs[1]])
    expected = model.head(model.beta * model.count_branch(count) + product).squeeze(-1)
    torch.testing.assert_close(model(x, graph, pairs), expected)


def test_half_precision(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = NCN(6).double()
    exact = model(x, graph, pairs)
    found = model.bfloat16()(x.bfloat16(), graph, pairs)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), exact, atol=0.2, rtol=0.2)


POOLINGS = ["mean", "max", "lcm", "gru", {"name": "lcm", "tree": "chain", "pad_odd": True}]


@pytest.mark.parametrize("options", [{}, {"node_map": False, "node_weight": "resource-allocation"}])
@pytest.mark.parametrize("pooling", POOLINGS, ids=str)
def test_any_aggregation_may_pool(pooling, options, graph, x, pairs, adjacency) -> None:
    model = NCN(6, pooling=pooling, **options).double()
    matrix = adjacency(graph)
    weight = literal_weight(options.get("node_weight", "none"), matrix, pairs)
    mapped = x if model.node_map is None else x + model.node_map(x)
    mapped = mapped if weight is None else mapped * weight[:, None]
    scores = []
    for u, v in pairs.t().tolist():
        rows = mapped[(matrix[u] * matrix[v]).nonzero().flatten()]
        index = torch.zeros(len(rows), dtype=torch.int64)
        image = model.set_branch(model.pooling(rows, index, dim_size=1)[0])
        product = model.pair_branch(x[u] * x[v])
        scores.append(model.head(model.beta * image + product).squeeze(-1))
    torch.testing.assert_close(model(x, graph, pairs), torch.stack(scores))


def test_pooling_by_the_sum_module_is_the_sum(graph, x, pairs) -> None:
    model = NCN(6).double()
    twin = NCN(6, pooling="sum").double()
    twin.load_state_dict(model.state_dict())
    torch.testing.assert_close(twin(x, graph, pairs), model(x, graph, pairs))


def test_a_pair_without_common_neighbors_pools_to_the_identity(graph, x) -> None:
    model = NCN(6, pooling="lcm").double().eval()
    alone = torch.tensor([[22], [23]])
    before = model(x, graph, alone)
    with torch.no_grad():
        model.pooling.identity.add_(1.0)
    assert not torch.equal(model(x, graph, alone), before)


def test_pooling_that_changes_the_channels_is_refused(graph, x, pairs) -> None:
    model = NCN(6, pooling=LCMAggregation(6, 4)).double()
    with pytest.raises(InputError, match=r"pooling gave shape \[\d+, 4\] for \d+ sets"):
        model(x, graph, pairs)
    with pytest.raises(UnknownNameError, match="did you mean 'lcm'"):
        NCN(6, pooling="lmc")


def test_a_trained_pooling_keeps_its_weights() -> None:
    trained = LCMAggregation(6, 6, project=False)
    before = trained.gru_cell.weight_ih.clone()
    model = NCN(6, pooling=trained)
    assert torch.equal(model.pooling.gru_cell.weight_ih, before)
