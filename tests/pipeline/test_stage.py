from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from graphlearn.errors import InputError
from graphlearn.pipeline import Layout, PipelineTrainer
from graphlearn.pipeline.held_rows import HeldRows
from graphlearn.pipeline.layer_rows import Alone
from graphlearn.pipeline.stage import Draws, Passing, Stage, apply_layer, reads_halo, seeded

CPU = torch.device("cpu")


def make_stage(workers, layers, first=1, recompute=True, chunks=2) -> Stage:
    data = workers.make_data()
    layout = Layout(data.edge_index, workers.NODES, chunks, normalization="gcn", dtype=torch.double)
    parts = [layout.chunk(number) for number in range(chunks)]
    return Stage(
        layers,
        first,
        parts,
        HeldRows(parts, layout.chunk_of),
        [workers.HIDDEN] * (first + len(layers) + 1),
        dtype=torch.float64,
        device=CPU,
        gamma=2.0,
        recompute=recompute,
        exchange=Alone(),
        seed=0,
    )


def given(workers, stage: Stage, chunk: int, initial: bool) -> Passing:
    generator = torch.Generator().manual_seed(chunk)
    shape = (stage.chunks[chunk].num_nodes, workers.HIDDEN)
    parts = [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2)]
    return Passing(*parts[: 1 + initial])


def round_trip(workers, recompute: bool) -> list[torch.Tensor]:
    torch.manual_seed(0)
    layers = [workers.Dropping(workers.HIDDEN, workers.HIDDEN).double() for _ in range(2)]
    stage = make_stage(workers, layers, recompute=recompute)
    stage.begin_epoch(0, [1, 0])
    results = [stage.forward(chunk, given(workers, stage, chunk, True)) for chunk in (1, 0)]
    assert not any(part.requires_grad for result in results for part in result.parts())
    found = [part for result in results for part in result.parts()]
    for chunk in (0, 1):
        ones = torch.ones(stage.chunks[chunk].num_nodes, workers.HIDDEN, dtype=torch.float64)
        found += stage.backward(chunk, [ones, 2 * ones])
        with pytest.raises(KeyError):
            stage.outcome(chunk)  # it is dropped at once
    return found + [weight.grad for layer in layers for weight in layer.parameters()]


def test_what_is_computed_again_is_the_same_to_the_last_bit(workers) -> None:
    for one, other in zip(round_trip(workers, True), round_trip(workers, False), strict=True):
        assert torch.equal(one, other)


def test_the_initial_rows_pass_and_gather_the_gradients_of_all_who_take_them(workers) -> None:
    layer = workers.Mixed(workers.HIDDEN, workers.HIDDEN).double()
    stage = make_stage(workers, [layer, layer])
    stage.begin_epoch(0, [0, 1])
    passing = given(workers, stage, 0, True)
    result = stage.forward(0, passing)
    assert torch.equal(result.initial, passing.initial)
    gradient = torch.full_like(passing.rows, 1.0)
    _, of_initial = stage.backward(0, [torch.zeros_like(gradient), gradient])
    torch.testing.assert_close(of_initial, gradient)
    stage.forward(0, passing)
    # Where no later stage takes them there is no gradient to come.
    _, of_initial = stage.backward(0, [torch.zeros_like(gradient)])
    assert not of_initial.any()


def test_features_get_no_gradient(workers) -> None:
    stage = make_stage(workers, [workers.Last(workers.HIDDEN, 2).double()], first=0)
    stage.begin_epoch(0, [0, 1])
    result = stage.forward(0, given(workers, stage, 0, False))
    assert stage.backward(0, [torch.ones_like(result.rows)]) == [None]


def test_layers_that_set_and_take_the_initial_rows() -> None:
    class Sets(nn.Module):
        sets_initial, reads_halo = True, False

        def forward(self, x, chunk):
            return x + 1

    class Takes(nn.Module):
        takes_initial = True

        def forward(self, x, chunk, initial):
            return x + initial

    x = torch.ones(1, 1)
    chunk = None
    passing = apply_layer(Sets(), x, chunk, None)
    assert passing.rows is passing.initial
    passing = apply_layer(Takes(), passing.rows, chunk, passing.initial)
    assert (float(passing.rows), float(passing.initial)) == (4.0, 2.0)
    assert len(Passing(x).parts()) == 1
    assert [reads_halo(layer) for layer in (Sets(), Takes(), nn.Identity())] == [False, True, True]


class Changing(nn.Module):
    """Calls a function that changes its input."""

    def __init__(self, change, reads_halo=False):
        super().__init__()
        self.change, self.reads_halo = change, reads_halo

    def forward(self, x, chunk):
        return self.change(x, self.training)[: chunk.num_nodes]


CHANGES = [
    lambda x, training: F.dropout(x, 0.5, training, inplace=True),
    lambda x, training: x.mul_(2),
    lambda x, training: (x[:1].zero_(), x * 2)[1],  # by a view of it
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("halo", [False, True])
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("place", [0, 1])
def test_a_layer_that_changes_its_input_is_named(workers, change, halo, recompute, place) -> None:
    stack = [workers.Last(workers.FEATURES, workers.FEATURES).double()]
    stack.insert(place, Changing(change, halo))
    trainer = PipelineTrainer(stack, workers.make_data(), chunks=2, recompute=recompute,
                              loss=lambda out, y: out.sum())  # fmt: skip
    text = f"layer {place}, a Changing, changed its input in place: expected a new tensor"
    with pytest.raises(InputError, match=text):
        trainer.train_epoch()


def test_a_layer_that_changes_what_comes_into_a_stage_is_named(workers) -> None:
    layer = Changing(CHANGES[1])
    stage = make_stage(workers, [layer], recompute=False)
    stage.begin_epoch(0, [0, 1])
    with pytest.raises(InputError, match="layer 1, a Changing, changed its input or a weight in"):
        stage.forward(0, given(workers, stage, 0, False))


def test_a_layer_that_changes_the_initial_rows_is_named(workers) -> None:
    class Takes(nn.Module):
        takes_initial = True

        def forward(self, x, chunk, initial):
            return x + initial.add_(1)

    with pytest.raises(InputError, match="layer 3, a Takes, changed the initial rows in place"):
        apply_layer(Takes(), torch.ones(1, 1), None, torch.ones(1, 1), number=3)


def test_other_errors_of_a_layer_stay_and_inference_mode_does_not_count(workers) -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        apply_layer(workers.Last(2, 3), torch.ones(1, 1), None, None, number=0)
    with torch.inference_mode():
        out = apply_layer(workers.Last(2, 3), torch.ones(1, 2), None, None, number=0)
    assert out.rows.shape == (1, 3)


def test_drawing_depends_on_the_key_alone_and_leaves_no_trace() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    with seeded(0, 1, 2):
        first = torch.rand(4)
    assert torch.equal(torch.rand(2), wanted)
    with seeded(0, 1, 2):
        assert torch.equal(torch.rand(4), first)
    with seeded(0, 2, 1):
        assert not torch.equal(torch.rand(4), first)
    torch.manual_seed(3)
    with pytest.raises(ValueError, match="inside"), seeded(1):
        raise ValueError("inside")
    assert torch.equal(torch.rand(2), wanted)


def test_many_keys_are_drawn_by_within_one_trace() -> None:
    before, draws = torch.get_rng_state(), Draws()
    with draws.kept():
        found = []
        for key in ((0, 1), (0, 2), (0, 1)):
            draws.seed(*key)
            found.append(torch.rand(4))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(found[0], found[2])
    assert not torch.equal(found[0], found[1])
    with seeded(0, 1):
        assert torch.equal(torch.rand(4), found[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_drawing_on_a_gpu_leaves_no_trace_there() -> None:
    device = torch.zeros(1, device="cuda").device
    before = torch.cuda.get_rng_state(device)
    with seeded(0, 1, device=device):
        first = torch.rand(4, device=device)
    assert torch.equal(torch.cuda.get_rng_state(device), before)
    with seeded(0, 1, device=device):
        assert torch.equal(torch.rand(4, device=device), first)
