from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph, NeighborLists, sample_lists
from graphlearn.nn import NCN, NCNC
from graphlearn.nn.predictor import ncnc as module
from graphlearn.train import LoopConfig


def neighbors(matrix: Tensor, node: int) -> set[int]:
    return set(matrix[node].nonzero().flatten().tolist())


def literal_ncnc(
    model: NCNC, x: Tensor, matrix: Tensor, pairs: Tensor, depth: int, weight: Tensor | None = None
) -> Tensor:
    """Equation 12 pair by pair: Python sets, a recursion for every residual neighbor."""
    mapped = x if model.node_map is None else x + model.node_map(x)
    if weight is not None:
        mapped = mapped * weight[:, None]
    inner_x = mapped if model.as_published else x
    scores = []
    for i, j in pairs.t().tolist():
        of_i, of_j = neighbors(matrix, i), neighbors(matrix, j)
        pooled = x.new_zeros(x.size(1))
        for u in sorted(of_i & of_j):
            pooled = pooled + mapped[u]
        if depth > 0:
            prior = torch.tensor(model.prior, dtype=x.dtype)
            if model.prior_branch is not None:
                prior = torch.sigmoid(model.prior_branch((x[i] * x[j])[None])).squeeze()
            for here, there, end, other in ((of_i, of_j, i, j), (of_j, of_i, j, i)):
                left = sorted(here - there - {i, j})
                share = 1.0
                if model.max_residual is not None and left:
                    lists = NeighborLists(torch.tensor([0, len(left)]), torch.tensor(left))
                    kept, shares = sample_lists(
                        lists,
                        torch.tensor([end]),
                        torch.tensor([other]),
                        model.max_residual,
                        seed=0,
                    )
                    left, share = kept.tolist()[0], float(shares[0])
                for u in left:
                    with torch.no_grad():
                        inner = torch.tensor([[other], [u]])
                        logit = literal_ncnc(model, inner_x, matrix, inner, depth - 1, weight)
                        p0 = torch.sigmoid(model.scale * (logit.squeeze() - model.offset))
                    p = model.alpha * prior * p0 / (prior * p0 + 1 - p0)
                    pooled = pooled + share * p * mapped[u]
        image = model.set_branch(pooled[None])
        product = model.pair_branch((x[i] * x[j])[None])
        scores.append(model.head(model.beta * image + product).squeeze())
    return torch.stack(scores) if scores else x.new_zeros(0)


def likely(**options) -> NCNC:
    """A model whose completed neighbors count: even odds lie where its scores are."""
    model = NCNC(6, **({"scale": 2.0, "offset": 0.0} | options)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return model


OPTIONS = [
    {},
    {"prior": 0.1, "alpha": 0.6, "scale": 5.0, "offset": 0.3},
    {"depth": 2},
    {"depth": 2, "learn_prior": True, "final_linear": True},
    {"learn_prior": True, "alpha": 1.05},
    {"node_map": False, "two_layer_head": True},
    {"as_published": True},
    {"as_published": True, "depth": 2},
    {"as_published": True, "node_map": False},
    {"max_residual": 2},
    {"max_residual": 3, "depth": 2},
    {"layer_norm": False, "hidden_channels": 4, "beta": -0.6},
    {"prior": 1.0},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("masked", [False, True])
def test_score_and_gradients_against_brute_force(
    options: dict, masked: bool, graph: CSRGraph, x: Tensor, pairs: Tensor, adjacency
) -> None:
    if masked:
        graph = graph.without_edges(torch.arange(0, graph.num_edges, 4))
    # Depth 2 asks for the neighbors of neighbors of neighbors: a few pairs do.
    pairs = pairs[:, -8:] if options.get("depth") == 2 else pairs[:, -20:]
    model = likely(**options).eval()
    x.requires_grad_()
    found = model(x, graph, pairs)
    expected = literal_ncnc(model, x, adjacency(graph), pairs, model.depth)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
    plain = NCN.score(model, x, graph, pairs)
    assert not torch.allclose(found, plain, atol=1e-3)  # completion does something here
    inputs = [x, *model.parameters()]
    grad = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(found, inputs, grad),
        torch.autograd.grad(expected, inputs, grad),
        rtol=1e-6,
        atol=1e-9,
    )


@pytest.mark.parametrize("node_weight", ["adamic-adar", "resource-allocation"])
def test_node_weights_multiply_completed_neighbors_too(
    node_weight: str, graph: CSRGraph, x: Tensor, pairs: Tensor, adjacency
) -> None:
    model = likely(node_weight=node_weight).eval()
    degree = graph.degree().double()
    weight = torch.where(degree > 0, 1 / degree, 0.0)
    if node_weight == "adamic-adar":
        weight = torch.where(degree > 1, 1 / degree.log(), 0.0)
    expected = literal_ncnc(model, x, adjacency(graph), pairs, 1, weight)
    torch.testing.assert_close(model(x, graph, pairs), expected, rtol=1e-6, atol=1e-9)


def test_the_gradient_does_not_pass_through_the_inner_score(
    graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    model = likely().eval()
    seen: list[bool] = []
    score = NCN.score

    class Watched(NCNC):
        def score(self, *args, **options):
            seen.append(torch.is_grad_enabled())
            return super().score(*args, **options)

    model.__class__ = Watched
    model(x.requires_grad_(), graph, pairs)
    assert seen == [True, False]
    assert NCN.score is score


@pytest.mark.parametrize("training", [False, True])
def test_a_tiny_alpha_leaves_ncn(training: bool, graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = likely(alpha=1e-30).train(training)
    ncn = NCN(6).double().train(training)
    ncn.load_state_dict(model.state_dict())
    torch.testing.assert_close(model(x, graph, pairs), ncn(x, graph, pairs))


def test_what_is_left_out_as_negligible_would_not_have_counted(
    graph: CSRGraph, x: Tensor, pairs: Tensor, adjacency
) -> None:
    # Probabilities from far below rounding to nearly 1.
    model = likely(scale=40.0, offset=0.2).eval()
    expected = literal_ncnc(model, x, adjacency(graph), pairs, 1)
    torch.testing.assert_close(model(x, graph, pairs), expected, rtol=1e-6, atol=1e-9)
    single = model.float()(x.float(), graph, pairs)
    torch.testing.assert_close(single.double(), expected, rtol=1e-3, atol=1e-3)


def test_unlikely_neighbors_are_left_out(
    graph: CSRGraph, x: Tensor, pairs: Tensor, adjacency, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = likely(min_probability=0.2).eval()
    seen: list[Tensor] = []
    combine = NCN.combine

    def watched(self, x, pairs, neighbors, entry_weight):
        if entry_weight is not None:
            seen.append(entry_weight)
        return combine(self, x, pairs, neighbors, entry_weight)

    monkeypatch.setattr(NCN, "combine", watched)
    found = model(x, graph, pairs)
    completed = seen[-1][seen[-1] < 1.0]
    assert completed.numel() > 0
    assert float(completed.min()) > 0.2
    model.min_probability = 0.0
    every = model(x, graph, pairs)
    assert (seen[-1] < 0.2).any()
    assert not torch.allclose(found, every)


def test_another_limit_in_training(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = likely(max_residual_training=1)
    whole = likely()
    whole.load_state_dict(model.state_dict())
    assert not torch.allclose(model(x, graph, pairs), whole(x, graph, pairs))
    torch.testing.assert_close(model.eval()(x, graph, pairs), whole.eval()(x, graph, pairs))


@pytest.mark.parametrize("chunk", [1, 7])
def test_inner_pairs_in_chunks(
    chunk: int, graph: CSRGraph, x: Tensor, pairs: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = likely().eval()
    whole = model(x, graph, pairs)
    monkeypatch.setattr(module, "_INNER_CHUNK", chunk)
    torch.testing.assert_close(model(x, graph, pairs), whole)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("limit", [None, 2])
def test_a_link_that_edge_dropout_hides_is_not_completed(
    depth: int,
    limit: int | None,
    graph: CSRGraph,
    x: Tensor,
    pairs: Tensor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = likely(edge_dropout=0.5, depth=depth, max_residual=limit)
    calls = calls_of(model, monkeypatch)
    removed = graph.without_edges(torch.arange(0, graph.num_edges, 5))
    model(x, removed, pairs)
    asked = torch.cat([call[-1] for call in calls[1:]], dim=1)
    assert asked.numel() > 0
    assert not removed.has_entries(asked).any()
    assert graph.has_entries(asked).any()  # a target link that was removed is not there at all
    calls.clear()
    model.as_published = True
    model(x, removed, pairs)
    assert removed.has_entries(torch.cat([call[-1] for call in calls[1:]], dim=1)).any()


def test_a_learned_prior_gets_a_gradient(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = likely(learn_prior=True)
    model(x, graph, pairs).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_a_learned_prior_that_vanishes_leaves_finite_gradients(
    graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    # prior * p0 and 1 - p0 both round to 0.
    model = likely(learn_prior=True, scale=3000.0, offset=-5.0)
    with torch.no_grad():
        model.prior_branch[-1].bias.fill_(-1000.0)
    scores = model(x, graph, pairs)
    assert scores.isfinite().all()
    scores.sum().backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.isfinite().all(), name


def test_residuals_of_any_size_when_the_limit_is_no_limit(
    graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    model = likely().eval()
    whole = model(x, graph, pairs)
    model.max_residual = 1000
    torch.testing.assert_close(model(x, graph, pairs), whole)
    model.max_residual = 1
    assert not torch.allclose(model(x, graph, pairs), whole)


def test_sampling_is_fixed_in_evaluation_and_drawn_in_training(
    graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    model = likely(max_residual=1)
    torch.manual_seed(1)
    one, two = model(x, graph, pairs), model(x, graph, pairs)
    torch.manual_seed(1)
    assert torch.equal(model(x, graph, pairs), one)
    assert not torch.allclose(one, two)
    model.eval()
    assert torch.equal(model(x, graph, pairs), model(x, graph, pairs))


def test_sampled_completion_is_unbiased_in_the_pooled_sum(
    graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    model = likely(node_map=False, layer_norm=False)
    # A linear model, so that the mean over samples shows in the score.
    del model.set_branch[1:]
    model.head = nn.Sequential(nn.Linear(6, 1)).double()
    model.eval()
    exact = model(x, graph, pairs)
    model.max_residual = 2
    model.training = True  # the seed is drawn; the parts stay in evaluation
    with torch.no_grad():
        draws = torch.stack([model(x, graph, pairs) for _ in range(300)])
    error = draws.std(dim=0) / 300**0.5
    # The inner scores are sampled sums too only from depth 2 on, so here the mean is exact.
    assert ((draws.mean(dim=0) - exact).abs() <= 5 * error + 1e-9).all()
    assert float(error.max()) > 0


def calls_of(model: NCNC, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What each inner call sees: (depth, training, x, graph)."""
    calls: list[tuple] = []
    inner = NCNC.score

    def score(self, x, graph, pairs, depth=None, whole=None):
        calls.append((depth, self.training, self.head.training, x, graph, pairs))
        return inner(self, x, graph, pairs, depth, whole)

    monkeypatch.setattr(NCNC, "score", score)
    return calls


def test_the_sound_inner_call(
    graph: CSRGraph, x: Tensor, pairs: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = likely(dropout=0.3, edge_dropout=0.3)
    calls = calls_of(model, monkeypatch)
    model(x, graph, pairs)
    outer, *inner = calls
    assert outer[:3] == (None, True, True)
    assert [call[:3] for call in inner] == [(0, False, False)]
    for call in inner:
        assert call[3] is x  # the unmapped representations
        assert call[4] is outer[4]  # the graph as the outer call sees it
    assert all(part.training for part in model.modules())


def test_the_published_inner_call(
    graph: CSRGraph, x: Tensor, pairs: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = likely(dropout=0.3, edge_dropout=0.3, as_published=True)
    calls = calls_of(model, monkeypatch)
    model(x, graph, pairs)
    outer, *inner = calls
    assert [call[:3] for call in inner] == [(0, True, True)]
    for call in inner:
        assert not torch.equal(call[3], x)  # mapped already, and to be mapped again
        dropped, again = outer[4].keep, call[4].keep
        assert not (again & ~dropped).any()  # edges dropped again, from what was left
        assert int(again.sum()) < int(dropped.sum())


def test_modes_are_restored_part_by_part(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = likely(dropout=0.3)
    model.head.eval()
    modes = [part.training for part in model.modules()]
    model(x, graph, pairs)
    assert [part.training for part in model.modules()] == modes

    class Broken(nn.Module):
        def forward(self, _: Tensor) -> Tensor:
            raise ZeroDivisionError

    model.head = Broken()
    modes = [part.training for part in model.modules()]
    with pytest.raises(ZeroDivisionError):
        model(x, graph, pairs)
    assert [part.training for part in model.modules()] == modes


def test_removing_targets_equals_a_graph_built_without_them(graph: CSRGraph, x: Tensor) -> None:
    model = likely().eval()
    ids = torch.arange(0, graph.num_edges, 3)
    kept = torch.ones(graph.num_edges, dtype=torch.bool)
    kept[ids] = False
    rebuilt = CSRGraph.from_edge_index(graph.edge_pairs()[:, kept], 24)
    links = graph.edge_pairs()[:, ids]
    found = model(x, graph.without_edges(ids), links)
    torch.testing.assert_close(found, model(x, rebuilt, links))
    assert not torch.allclose(found, model(x, graph, links))


def test_without_neighbors_it_is_ncn(x: Tensor) -> None:
    bare = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64), 24)
    pairs = torch.combinations(torch.arange(24)).t()
    model = likely(depth=2).eval()
    torch.testing.assert_close(model(x, bare, pairs), NCN.score(model, x, bare, pairs))


@pytest.mark.parametrize("options", [{}, {"max_residual": 2}, {"learn_prior": True}])
def test_half_precision(options: dict, graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    model = NCNC(6, scale=2.0, offset=0.0, **options).double().eval()
    exact = model(x, graph, pairs)
    found = model.bfloat16()(x.bfloat16(), graph, pairs)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), exact, atol=0.3, rtol=0.3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prior": 0.0}, r"^prior is 0\.0: expected a number in \(0, 1\]$"),
        ({"prior": 1.5}, r"^prior is 1\.5: "),
        ({"prior": float("nan")}, "^prior is nan: "),
        ({"depth": 0}, "^depth is 0: expected an integer >= 1$"),
        ({"depth": 1.5}, "^depth is 1.5: expected an integer >= 1$"),
        ({"max_residual": 0}, "^max_residual is 0: expected an integer >= 1$"),
        ({"max_residual_training": -3}, "^max_residual_training is -3: expected an integer >= 1$"),
        (
            {"min_probability": -0.1},
            r"^min_probability is -0\.1: expected .* \[0, alpha\)",
        ),
        ({"min_probability": 0.5, "alpha": 0.5}, r"^min_probability is 0\.5: .*alpha is 0\.5"),
        ({"node_weight": "none "}, "^unknown node weight 'none '"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises((InputError, InputTypeError), match=message):
        NCNC(6, **options)


@pytest.mark.parametrize(
    "options",
    [{"alpha": -1.0}, {"alpha": float("nan")}, {"scale": float("inf")}, {"offset": float("nan")}],
)
def test_options_that_would_turn_completion_off_in_silence(options: dict) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        NCNC(6, **options)


def test_repr() -> None:
    text = repr(NCNC(6, prior=0.1, depth=2, max_residual=8, as_published=True))
    assert (
        "6, edge_dropout=0.0, node_weight='none', depth=2, prior=0.1, scale=5.0, offset=3.0, "
        "alpha=1.0, max_residual=8, max_residual_training=None, min_probability=0.0, "
        "as_published=True"
    ) in text


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("make", [NCNC, lambda size: NCN(size, node_weight="adamic-adar")])
def test_autocast_with_more_sets_than_nodes(make, dtype: torch.dtype) -> None:
    node = torch.arange(60).repeat_interleave(4)
    step = torch.tensor([1, 2, 3, 7]).repeat(60)
    graph = CSRGraph.from_edge_index(torch.stack([node, (node + step) % 60]), 60)
    pairs = torch.randint(0, 60, (2, 200))
    model = make(16)
    x = torch.randn(60, 16)
    exact = model.eval()(x, graph, pairs)
    with torch.autocast("cpu", torch.bfloat16):
        found = model(x.to(dtype), graph, pairs)
    torch.testing.assert_close(found.float(), exact, rtol=0.1, atol=0.1)


def test_every_weight_learns_under_the_trainers_autocast(
    graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    # The inner score meets the weights first, under no_grad: a cast of there has no gradient.
    model = NCNC(x.size(1)).train()
    with LoopConfig(autocast="bfloat16").training_precision():
        model(x.float(), graph, pairs).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_many_unlikely_neighbors_count_in_half_precision_too() -> None:
    torch.manual_seed(0)
    # Together about 10 common neighbors' worth, each less than bfloat16's rounding of 1.
    leaves = torch.arange(2, 2002)
    graph = CSRGraph.from_edge_index(torch.stack([torch.zeros_like(leaves), leaves]), 2002)
    model = NCNC(16, offset=1.0, scale=5.0, layer_norm=False).eval()
    x, pair = torch.randn(2002, 16), torch.tensor([[0], [1]])
    bare = NCN(16, layer_norm=False).eval()
    bare.load_state_dict(model.state_dict())
    with torch.no_grad():
        exact, alone = model(x, graph, pair), bare(x, graph, pair)
        half = model.bfloat16()(x.bfloat16(), graph, pair)
    assert abs(float(exact - alone)) > 1e-2
    assert abs(float(half.float() - exact)) < 0.5 * abs(float(exact - alone))
