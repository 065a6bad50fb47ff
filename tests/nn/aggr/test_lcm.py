from __future__ import annotations

import copy
import math
import pickle
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch_geometric.nn import SAGEConv
from torch_geometric.nn.aggr import DegreeScalerAggregation, MultiAggregation
from torch_geometric.nn.aggr import LCMAggregation as PyGLCMAggregation

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.nn.aggr import LCMAggregation


class Concatenating(nn.Module):
    """An operator that is neither commutative nor associative."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.map = nn.Linear(2 * channels, channels)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return torch.tanh(self.map(torch.cat([left, right], dim=-1)))


def layer(channels: int = 4, **options) -> LCMAggregation:
    torch.manual_seed(0)
    made = LCMAggregation(channels, channels, project=False, **options).double()
    nn.init.normal_(made.identity)
    return made


def rows_and_index(
    lengths: list[int], channels: int = 4, *, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Rows of sets of these sizes, mixed up."""
    generator = torch.Generator().manual_seed(seed)
    index = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths, dtype=torch.int64))
    index = index[torch.randperm(len(index), generator=generator)]
    return torch.randn(len(index), channels, dtype=torch.float64, generator=generator), index


VARIANTS = {
    "gru": {},
    "chain": {"tree": "chain"},
    "padded": {"pad_odd": True},
    "operator": {"operator": Concatenating(4)},
    "one order": {"operator": Concatenating(4), "symmetrize": False},
}


@pytest.mark.parametrize("variant", VARIANTS)
@given(lengths=st.lists(st.integers(0, 17), min_size=1, max_size=6), seed=st.integers(0, 3))
def test_a_set_depends_on_its_own_rows_alone(variant, lengths, seed) -> None:
    aggr = layer(**VARIANTS[variant]).eval()
    x, index = rows_and_index(lengths, seed=seed)
    out = aggr(x, index, dim_size=len(lengths))
    for number in range(len(lengths)):
        own = index == number
        alone = aggr(x[own], torch.zeros(int(own.sum()), dtype=torch.int64), dim_size=1)
        torch.testing.assert_close(out[number], alone[0], rtol=1e-12, atol=1e-12)


def test_the_gradient_of_a_set_stays_in_it() -> None:
    aggr = layer()
    x, index = rows_and_index([5, 1, 9, 0, 3])
    x.requires_grad_()
    aggr(x, index, dim_size=5)[2].sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad.abs().sum(dim=1) > 0, index == 2)


@pytest.mark.parametrize("degree", [2, 4, 8, 16])
@pytest.mark.parametrize("project", [False, True])
def test_uniform_power_of_two_sets_give_what_pyg_gives(degree, project) -> None:
    theirs = PyGLCMAggregation(6, 4 if project else 6, project=project).double()
    ours = LCMAggregation(6, 4 if project else 6, project=project).double()
    assert ours.load_state_dict(theirs.state_dict()).missing_keys == []
    x = torch.randn(7 * degree, 6, dtype=torch.float64)
    index = torch.arange(7).repeat_interleave(degree)
    ptr = torch.arange(0, 7 * degree + 1, degree)
    torch.testing.assert_close(ours(x, index), theirs(x, index), rtol=0, atol=1e-10)
    torch.testing.assert_close(ours(x, ptr=ptr), theirs(x, index), rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [(torch.add, "sum"), (torch.maximum, "amax"), (torch.minimum, "amin")],
)
def test_exact_monoids_give_the_reduction_in_any_order(operator, expected) -> None:
    aggr = LCMAggregation(4, 4, project=False, operator=operator, symmetrize=False)
    x, index = rows_and_index([13, 1, 0, 8, 30])
    x = x.float()
    out = aggr(x, index, dim_size=5)
    at = index[:, None].expand(-1, 4)
    wanted = torch.zeros(5, 4).scatter_reduce(0, at, x, expected, include_self=False)
    torch.testing.assert_close(out, wanted, rtol=0, atol=1e-6)
    order = torch.randperm(len(x))
    again = aggr(x[order], index[order], dim_size=5)
    torch.testing.assert_close(again, out, rtol=0, atol=1e-6)
    assert aggr.associativity_loss() < 1e-10
    assert aggr.commutativity_loss() == 0


@pytest.mark.parametrize("variant", ["gru", "operator"])
def test_pairs_may_come_in_either_order(variant) -> None:
    aggr = layer(**VARIANTS[variant])
    x, index = rows_and_index([2, 2, 2, 1])
    torch.testing.assert_close(aggr(x.flip(0), index.flip(0)), aggr(x, index))


def test_an_empty_set_is_the_identity_and_teaches_it() -> None:
    aggr = layer()
    x, index = rows_and_index([2, 0, 1, 0])
    out = aggr(x, index, dim_size=4)
    assert torch.equal(out[1], aggr.identity)
    assert torch.equal(out[2], x[index == 2][0])
    out.sum().backward()
    assert aggr.identity.grad is not None
    assert aggr.identity.grad.tolist() == [2.0] * 4


def test_nothing_at_all_is_no_error() -> None:
    aggr = layer()
    nothing = torch.empty(0, dtype=torch.int64)
    assert aggr(torch.empty(0, 4).double(), nothing).shape == (0, 4)
    out = aggr(torch.empty(0, 4).double(), nothing, dim_size=3)
    assert torch.equal(out, aggr.identity.expand(3, 4))
    assert aggr(torch.randn(1, 4).double()).shape == (1, 4)
    assert aggr.associativity_loss() == 0


def test_one_hub_among_leaves() -> None:
    aggr = layer()
    x, index = rows_and_index([5000, *[1] * 500])
    out = aggr(x, index)
    assert out.shape == (501, 4)
    assert torch.equal(out[1:], x[index.argsort(stable=True)][5000:])


def test_sorted_unsorted_and_pointers_are_one() -> None:
    aggr = layer().eval()
    x, index = rows_and_index([3, 0, 8, 5])
    order = index.argsort(stable=True)
    ptr = torch.tensor([0, 3, 3, 11, 16])
    expected = aggr(x, index)
    torch.testing.assert_close(aggr(x[order], index[order]), expected)
    torch.testing.assert_close(aggr(x[order], ptr=ptr), expected)
    torch.testing.assert_close(aggr(x, index.int()), expected)


def test_other_axes_ride_along() -> None:
    aggr = layer().eval()
    x, index = rows_and_index([3, 1, 8, 5], channels=2 * 3 * 4)
    rows_first = x.view(17, 2, 3, 4)
    out = aggr(rows_first, index, dim=0)
    assert out.shape == (4, 2, 3, 4)
    torch.testing.assert_close(out[:, 1, 2], aggr(rows_first[:, 1, 2], index))
    batched = aggr(x.view(17, 6, 4).movedim(1, 0), index)
    torch.testing.assert_close(batched[5], out[:, 1, 2])


def test_gradients_are_exact() -> None:
    for options in (*VARIANTS.values(), {"tree": "chain", "operator": Concatenating(4)}):
        aggr = layer(**options)
        x, index = rows_and_index([5, 0, 1, 2])
        parameters = dict(aggr.named_parameters())

        def call(x: Tensor, *values: Tensor, aggr=aggr, parameters=parameters) -> Tensor:
            given = dict(zip(parameters, values, strict=True))
            return torch.func.functional_call(aggr, given, (x, index))  # noqa: B023

        inputs = (x.requires_grad_(), *(p.detach().requires_grad_() for p in parameters.values()))
        assert torch.autograd.gradcheck(call, inputs)


def test_shuffles_in_training_alone_and_follow_the_generator() -> None:
    def run(seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return layer(shuffle=True, generator=generator)(x, index)

    x, index = rows_and_index([9, 30, 1])
    assert torch.equal(run(1), run(1))
    assert not torch.allclose(run(1), run(2))
    calm = layer(shuffle=True).eval()
    assert torch.equal(calm(x, index), layer()(x, index))


def test_shuffling_follows_torchs_seed_without_a_generator() -> None:
    aggr = layer(shuffle=True)
    x, index = rows_and_index([9, 30, 1])
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(aggr(x, index))
    assert torch.equal(results[0], results[1])
    assert not torch.allclose(results[0], results[2])


def test_the_number_of_threads_changes_nothing_that_matters() -> None:
    aggr = layer(shuffle=True, generator=torch.Generator())
    x, index = rows_and_index([700, 300, *[3] * 500])
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            aggr.generator.manual_seed(0)
            results.append(aggr(x, index))
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(*results, rtol=0, atol=1e-12)


def brute_force_triples(rows: list[Tensor], aggr: LCMAggregation) -> list[Tensor]:
    """Mean squares of (a b) c - a (b c) wherever a balanced tree merges a b with c."""

    def merge(left: Tensor, right: Tensor) -> Tensor:
        return aggr.merge(torch.stack([left, right])[None])[0]

    nodes: list[tuple[Tensor, tuple[Tensor, Tensor] | None]] = [(row, None) for row in rows]
    found = []
    while len(nodes) > 1:
        above: list[tuple[Tensor, tuple[Tensor, Tensor] | None]] = []
        for (left, parts), (right, _) in zip(nodes[::2], nodes[1::2], strict=False):
            if parts is not None:
                a, b = parts
                other = merge(a, merge(b, right))
                found.append((merge(left, right) - other).square().mean())
            above.append((merge(left, right), (left, right)))
        if len(nodes) % 2:
            above.append((nodes[-1][0], None))
        nodes = above
    return found


def test_the_associativity_loss_is_the_mean_over_the_trees_triples() -> None:
    aggr = layer()
    lengths = [5, 0, 1, 2, 8, 13]
    x, index = rows_and_index(lengths)
    aggr(x, index, dim_size=6)
    loss = aggr.associativity_loss()
    triples = [
        distance
        for number in range(6)
        for distance in brute_force_triples(list(x[index == number]), aggr)
    ]
    assert len(triples) > 8
    torch.testing.assert_close(loss, torch.stack(triples).mean())
    loss.backward()
    assert all(p.grad is not None for p in aggr.gru_cell.parameters())


def test_training_on_the_loss_makes_the_operator_associative() -> None:
    aggr = layer(operator=Concatenating(4), shuffle=True, generator=torch.Generator())
    optimizer = torch.optim.Adam(aggr.parameters(), lr=0.01)
    x, index = rows_and_index([9, 30, 16])
    first = None
    for _ in range(60):
        out = aggr(x, index)
        # Without a loss of their own the results would shrink to one point.
        loss = aggr.associativity_loss()
        first = loss.item() if first is None else first
        optimizer.zero_grad()
        (loss + (out.square().mean() - 0.1).square()).backward()
        optimizer.step()
    assert loss.item() < first / 5


def test_the_commutativity_loss_is_of_one_order() -> None:
    operator = Concatenating(4).double()
    aggr = layer(operator=operator, symmetrize=False)
    x, index = rows_and_index([2, 2, 2])
    out = aggr(x, index)
    loss = aggr.commutativity_loss()
    left, right = (
        torch.stack([x[index == number][side] for number in range(3)]) for side in (0, 1)
    )
    torch.testing.assert_close(out, operator(left, right))
    expected = (operator(left, right) - operator(right, left)).square().mean()
    torch.testing.assert_close(loss, expected)
    loss.backward()
    for symmetric in (layer(), layer(operator=operator)):
        symmetric(x, index)
        assert symmetric.commutativity_loss() == 0


def test_a_loss_before_any_training_pass_is_refused() -> None:
    aggr = layer()
    with pytest.raises(InputError, match="no forward pass in training"):
        aggr.associativity_loss()
    aggr.eval()
    aggr(*rows_and_index([3]))
    with pytest.raises(InputError, match="no forward pass in training"):
        aggr.commutativity_loss()


def test_plugs_into_pyg() -> None:
    x, edge_index = torch.randn(10, 6), torch.randint(10, (2, 40))
    conv = SAGEConv(6, 5, aggr=LCMAggregation(6, 6))
    assert conv(x, edge_index).shape == (10, 5)
    several = MultiAggregation(["mean", LCMAggregation(6, 6)], mode="cat")
    assert several(x, edge_index[1, :10], dim_size=10).shape == (10, 12)
    scaled = DegreeScalerAggregation(
        ["max", LCMAggregation(6, 6)], ["identity", "amplification"], deg=torch.tensor([0, 3, 9])
    )
    assert scaled(x, edge_index[1, :10], dim_size=10).shape == (10, 24)
    by_list = SAGEConv(6, 5, aggr=["mean", LCMAggregation(6, 6)])
    assert by_list(x, edge_index).shape == (10, 5)


def test_a_fixed_graph_is_planned_once(monkeypatch) -> None:
    from graphlearn.nn.aggr import plan_cache

    calls = []
    plan = plan_cache.plan_tree
    monkeypatch.setattr(plan_cache, "plan_tree", lambda *given: calls.append(1) or plan(*given))
    x, edge_index = torch.randn(10, 6), torch.randint(10, (2, 40))
    conv = SAGEConv(6, 5, aggr=LCMAggregation(6, 6))
    for _ in range(3):
        conv(x, edge_index)
    assert len(calls) == 1


def test_copies_and_pickles_in_the_middle_of_training() -> None:
    aggr = layer()
    x, index = rows_and_index([3, 5])
    expected = aggr(x, index)
    for twin in (copy.deepcopy(aggr), pickle.loads(pickle.dumps(aggr))):
        assert torch.equal(twin(x, index), expected)


def test_state_dicts_keep_the_identity() -> None:
    aggr = layer()
    twin = layer()
    nn.init.zeros_(twin.identity)
    twin.load_state_dict(aggr.state_dict())
    assert torch.equal(twin.identity, aggr.identity)
    stranger = aggr.state_dict()
    del stranger["gru_cell.weight_ih"]
    with pytest.raises(RuntimeError, match="gru_cell.weight_ih"):
        twin.load_state_dict(stranger)


def test_autocast() -> None:
    aggr = LCMAggregation(6, 4)
    x, index = rows_and_index([5, 0, 9], channels=6)
    x = x.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = aggr(x, index)
    torch.testing.assert_close(out.float(), aggr(x, index), rtol=0.1, atol=0.05)


def test_reset_draws_new_weights_and_forgets_the_identity() -> None:
    aggr = layer()
    before = aggr.gru_cell.weight_ih.clone()
    aggr.reset_parameters()
    assert not torch.equal(aggr.gru_cell.weight_ih, before)
    assert aggr.identity.eq(0).all()


def test_repr_is_pygs_with_what_departs_from_it() -> None:
    assert repr(LCMAggregation(16, 32)) == "LCMAggregation(16, 32, project=True)"
    text = repr(LCMAggregation(4, 4, False, tree="chain", shuffle=True, operator=torch.add))
    assert text.startswith("LCMAggregation(4, 4, project=False, operator=<built-in method add")
    assert text.endswith("symmetrize=True, tree='chain', shuffle=True)")


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"out_channels": 5, "project": False}, InputError, "must be projected if they differ"),
        ({"out_channels": 0}, InputError, "out_channels is 0: expected an integer >= 1"),
        ({"out_channels": 4, "tree": "chian"}, UnknownNameError, "did you mean 'chain'"),
        ({"out_channels": 4, "operator": "gru"}, InputTypeError, "operator is a str"),
    ],
)
def test_bad_options_are_refused(options, error, said) -> None:
    with pytest.raises(error, match=re.escape(said)):
        LCMAggregation(4, **options)


@pytest.mark.parametrize(
    ("x", "given", "said"),
    [
        ((3, 4), {"index": torch.tensor([0, 1, 5]), "dim_size": 2}, "index holds 5 at row 2"),
        ((3, 4), {"index": torch.tensor([0, -1, 1]), "dim_size": 2}, "index holds -1 at row 1"),
        ((3, 4), {"index": torch.tensor([0, 1])}, "index has 2 entries: expected 3"),
        ((3, 4), {"ptr": torch.tensor([0, 2, 1, 3])}, "ptr falls from 2 to 1"),
        ((3, 4), {"ptr": torch.tensor([0, 2])}, "ptr runs from 0 to 2: expected from 0 to 3"),
        ((3, 5), {"index": torch.tensor([0, 1, 1])}, "x has shape [3, 5]"),
        ((4,), {"index": torch.tensor([0]), "dim": 0}, "x has shape [4]"),
        ((4, 3), {"index": torch.tensor([0, 1, 1]), "dim": 1}, "aggregated along axis 1"),
    ],
)
def test_bad_input_is_refused_in_one_line(x, given, said) -> None:
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        layer()(torch.randn(*x).double(), **given)
    assert "\n" not in str(caught.value)


def test_rows_of_another_dtype_or_with_nan_are_refused() -> None:
    x, index = rows_and_index([2, 1])
    with pytest.raises(InputTypeError, match=r"x has dtype torch.float32: expected torch.float64"):
        layer()(x.float(), index)
    x[1, 2] = math.nan
    with pytest.raises(InputError, match="1 values that are NaN or infinite"):
        layer()(x, index)
    with pytest.raises(InputError, match=r"returned shape \[1, 2\] for left .* \[1, 4\]"):
        layer(operator=lambda left, right: left[:, :2])(x.nan_to_num(), index)
    with pytest.raises(InputError, match="the operator returned None"):
        layer(operator=lambda left, right: None)(x.nan_to_num(), index)


def test_a_gradient_penalty_reaches_every_weight() -> None:
    aggr = LCMAggregation(4, 4).double()
    x, index = rows_and_index([5, 3])
    x.requires_grad_()
    (grad,) = torch.autograd.grad(aggr(x, index).sum(), x, create_graph=True)
    grad.square().sum().backward()
    assert all(p.grad is not None for n, p in aggr.named_parameters() if n != "identity")
    assert x.grad is not None
    assert x.grad.norm() > 0


def test_validation_in_inference_mode_does_not_break_training() -> None:
    aggr = layer().eval()
    x, index = rows_and_index([5, 3])
    with torch.inference_mode():
        aggr(x, index)
    aggr.train()
    aggr(x, index).sum().backward()


def test_a_trained_operator_keeps_its_weights() -> None:
    operator = nn.Bilinear(4, 4, 4)
    before = operator.weight.clone()
    aggr = LCMAggregation(4, 4, project=False, operator=operator)
    assert torch.equal(operator.weight, before)
    aggr.reset_parameters()
    assert not torch.equal(operator.weight, before)


def test_autocast_gives_one_dtype_whatever_the_sets() -> None:
    aggr = LCMAggregation(4, 4, project=False)
    x = torch.randn(4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for index in ([0, 0, 1, 1], [0, 0, 1, 2], [0, 1, 2, 3]):
            assert aggr(x, torch.tensor(index)).dtype == torch.bfloat16


def test_the_auxiliary_loss_is_of_passes_that_were_made_and_once() -> None:
    aggr = layer(associativity_weight=2.0)
    assert aggr.auxiliary_loss() == 0
    x, index = rows_and_index([9])
    aggr(x, index)
    expected = 2 * aggr.associativity_loss()
    torch.testing.assert_close(aggr.auxiliary_loss(), expected)
    assert aggr.auxiliary_loss() == 0
    with pytest.raises(InputError, match="associativity_weight is -1"):
        layer(associativity_weight=-1)


def test_a_partial_state_dict_leaves_the_identity() -> None:
    aggr = layer()
    before = aggr.identity.detach().clone()
    state = {name: value for name, value in aggr.state_dict().items() if name != "identity"}
    aggr.load_state_dict(state)
    assert torch.equal(aggr.identity, before)


def test_an_axis_of_length_zero_beside_the_rows() -> None:
    aggr = layer()
    out = aggr(torch.zeros(3, 0, 4).double(), torch.tensor([0, 0, 1]), dim=0)
    assert out.shape == (2, 0, 4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shuffle": "yes"}, "shuffle is 'yes'"),
        ({"project": "no"}, "project is 'no'"),
        ({"generator": 3}, "generator is 3"),
    ],
)
def test_options_of_a_wrong_type_are_refused(options, said) -> None:
    with pytest.raises(InputTypeError, match=said):
        LCMAggregation(4, 4, **options)
    with pytest.raises(UnknownNameError, match="tree shape 3"):
        LCMAggregation(4, 4, tree=3)
