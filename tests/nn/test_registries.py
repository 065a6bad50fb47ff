"""What every registered encoder and predictor owes its caller."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from graphlearn.errors import UnknownNameError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import ENCODERS, NCNC, PREDICTORS, CNMix
from graphlearn.nn.reset import reset

LEARNED = ("cnmix", "hadamard", "ncn", "ncn-count", "ncnc", "ocn")
MEMBERS = {"cnmix": 3}
"""Predictors that give in training a row of scores for each member, and one for their mix."""
NO_PAIRS = torch.empty(2, 0, dtype=torch.int64)


def test_names() -> None:
    assert ENCODERS.names() == ["gcn", "propagation", "reweighted", "sage"]
    assert PREDICTORS.names() == [
        "aa", "cn", "cnmix", "dot", "hadamard", "katz", "ncn", "ncn-count", "ncnc", "ocn", "ppr",
        "ra",
    ]  # fmt: skip


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'hadamard'"):
        PREDICTORS.get("hadamart")
    with pytest.raises(UnknownNameError, match="did you mean 'propagation'"):
        ENCODERS.get("propagate")


def test_predictor_gives_one_score_a_pair(
    predictor_name: str, make_predictor, states_for, graph: CSRGraph, pairs: Tensor
) -> None:
    predictor = make_predictor(predictor_name).double()
    predictor.train(predictor_name not in MEMBERS)
    scores = predictor(states_for(predictor_name), graph, pairs)
    assert scores.shape == (pairs.size(1),)
    assert scores.dtype == torch.float64
    assert scores.isfinite().all()


def test_predictor_takes_an_edge_index(
    predictor_name: str, make_predictor, states_for, graph: CSRGraph, pairs: Tensor
) -> None:
    predictor = make_predictor(predictor_name).double().eval()
    states = states_for(predictor_name)
    # A heuristic has no x to tell how many nodes there are, so the last node must be linked.
    linked = torch.cat([graph.edge_pairs(), torch.tensor([[22], [23]])], dim=1)
    both = [
        predictor(states, form, pairs) for form in (linked, CSRGraph.from_edge_index(linked, 24))
    ]
    torch.testing.assert_close(*both)


@pytest.mark.parametrize("training", [False, True])
def test_predictor_without_pairs_edges_or_nodes(
    predictor_name: str, training: bool, make_predictor, states_for, graph: CSRGraph
) -> None:
    options = {"dropout": 0.5} if predictor_name.startswith("ncn") else {}
    predictor = make_predictor(predictor_name, **options).double().train(training)
    states = states_for(predictor_name)
    rows = (MEMBERS[predictor_name] + 1,) if training and predictor_name in MEMBERS else ()
    assert predictor(states, graph, NO_PAIRS).shape == (*rows, 0)
    bare = CSRGraph.from_edge_index(NO_PAIRS, 24)
    assert predictor(states, bare, torch.zeros(2, 40, dtype=torch.int64)).shape == (*rows, 40)
    nothing = None if states is None else states[:0]
    assert predictor(nothing, NO_PAIRS, NO_PAIRS).shape == (*rows, 0)


@pytest.mark.parametrize("name", ["dot", *LEARNED])
def test_predictor_backward_without_pairs(
    name: str, make_predictor, x: Tensor, graph: CSRGraph
) -> None:
    x.requires_grad_()
    make_predictor(name).double()(x, graph, NO_PAIRS).sum().backward()
    assert not x.grad.any()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
def test_predictor_takes_pairs_of_any_integer_width(
    predictor_name: str, dtype, make_predictor, states_for, graph: CSRGraph, pairs: Tensor
) -> None:
    predictor, states = make_predictor(predictor_name).double().eval(), states_for(predictor_name)
    found = predictor(states, graph, pairs.to(dtype))
    torch.testing.assert_close(found, predictor(states, graph, pairs))


def test_predictor_scores_in_single_precision(
    predictor_name: str, make_predictor, states_for, graph: CSRGraph, pairs: Tensor
) -> None:
    predictor, states = make_predictor(predictor_name).eval(), states_for(predictor_name)
    narrow = predictor(None if states is None else states.float(), graph, pairs)
    wide = predictor.double()(states, graph, pairs)
    torch.testing.assert_close(narrow.double(), wide, atol=1e-4, rtol=1e-4)


def test_encoder_gives_one_row_a_node(encoder_name: str, graph: CSRGraph, features) -> None:
    encoder = ENCODERS.get(encoder_name)(15, 5).double()
    out = encoder(features, graph)
    assert out.shape == (24, 5)
    assert out.isfinite().all()
    assert encoder.out_channels == 5
    torch.testing.assert_close(encoder(features, graph.edge_index()), out)
    assert encoder(features[:0], NO_PAIRS).shape == (0, 5)
    assert encoder(features, CSRGraph.from_edge_index(NO_PAIRS, 24)).shape == (24, 5)


def modules(channels: int = 6) -> dict[str, Callable[[], nn.Module]]:
    made: dict[str, Callable[[], nn.Module]] = {}
    for name in ENCODERS.names():
        if name == "reweighted":  # wraps another; its own tests say what it owes
            continue
        kind = ENCODERS.get(name)
        made[name] = partial(kind, 4, channels, jumping_knowledge=True)
        made[f"{name} by node id"] = partial(kind, None, channels, num_embeddings=9)
    for name in LEARNED:
        kind = PREDICTORS.get(name)
        options = {} if name == "cnmix" else {"two_layer_head": True}
        made[name] = partial(kind, channels, **options)
    made["cnmix with completion"] = partial(CNMix, channels, completion=True)
    made["ncnc with a prior"] = partial(NCNC, channels, learn_prior=True)
    return made


# These start from fixed values, not from draws.
FIXED = (
    "alpha", "beta", "jumping_knowledge.weight",
    "factors", "mix_weight", "mix_bias", "completion_scale", "completion_offset",
)  # fmt: skip


@pytest.mark.parametrize("name", modules())
def test_reset_parameters_draws_anew(name: str) -> None:
    module = modules()[name]()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    module.reset_parameters()
    after = module.state_dict()
    norms = {
        f"{prefix}.{key}"
        for prefix, part in module.named_modules()
        if isinstance(part, nn.LayerNorm)
        for key in ("weight", "bias")
    }
    zero_biases = {key for key, value in before.items() if not value.any()}  # PyG's GCNConv
    fixed = {*norms, *zero_biases, *(key for key in before if key in FIXED)}
    for key in before:
        assert torch.equal(before[key], after[key]) == (key in fixed), key


@pytest.mark.parametrize("name", modules())
def test_reset_parameters_takes_back_what_was_learned(name: str) -> None:
    module = modules()[name]()
    shifted = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in shifted.parameters():
            parameter.fill_(77.0)
    shifted.reset_parameters()
    for parameter in shifted.parameters():
        assert not (parameter == 77.0).any()


@pytest.mark.parametrize("name", modules())
def test_reset_parameters_follows_the_default_generator(name: str) -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(11)
        states.append(modules()[name]().state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@pytest.mark.parametrize("name", modules())
def test_state_dict_holds_tensors_and_round_trips(name: str) -> None:
    module, other = modules()[name](), modules()[name]()
    state = module.state_dict()
    assert all(isinstance(value, Tensor) for value in state.values())
    assert set(state) == {key for key, _ in module.named_parameters()}  # nothing hidden in buffers
    other.load_state_dict(state, strict=True)
    assert all(torch.equal(value, state[key]) for key, value in other.state_dict().items())


def test_a_copy_scores_the_same(
    predictor_name: str, make_predictor, states_for, graph: CSRGraph, pairs: Tensor
) -> None:
    predictor, states = make_predictor(predictor_name).double().eval(), states_for(predictor_name)
    copied = copy.deepcopy(predictor)
    assert torch.equal(copied(states, graph, pairs), predictor(states, graph, pairs))


def test_evaluation_draws_nothing(
    predictor_name: str, make_predictor, states_for, graph: CSRGraph, pairs: Tensor
) -> None:
    options = {"dropout": 0.5, "edge_dropout": 0.5} if predictor_name.startswith("ncn") else {}
    predictor = make_predictor(predictor_name, **options).double().eval()
    state = torch.random.get_rng_state()
    predictor(states_for(predictor_name), graph, pairs)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_repr_names_class_and_options(predictor_name: str, make_predictor) -> None:
    predictor = make_predictor(predictor_name)
    text = repr(predictor)
    assert text.startswith(f"{type(predictor).__name__}(")
    reset(predictor)  # of a heuristic too, which has nothing to reset
    assert repr(predictor) == text
