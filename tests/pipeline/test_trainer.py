from __future__ import annotations

import time
import warnings

import pytest
import torch
from torch import nn
from torch_geometric.data import Data

from graphlearn.errors import DivergedError, InputError, InputTypeError
from graphlearn.pipeline import GraphChunk, Layout, LossWatch, PipelineTrainer, train
from graphlearn.pipeline.schedule import chunk_order
from graphlearn.pipeline.volume import graph_parallel_bytes, hybrid_bytes, pipeline_bytes

KINDS = ["gcn", "sage", "gcnii", "resgcn+"]
EXACT, ROUNDED = 1e-12, 1e-5


def check(workers, told, task, tolerance=EXACT) -> None:
    """What processes tell of a training agrees with the simulator, gradients and losses."""
    options = {
        name: value
        for name, value in task.items()
        if name in ("chunks", "ways", "gamma", "refresh", "shuffle", "dtype")
    }
    wanted = workers.simulate(task["kind"], 4, **options)
    met = set()
    for one in told:
        for epoch, expected in zip(one["epochs"], wanted, strict=True):
            assert abs(epoch["loss"] - expected["loss"]) <= tolerance, task
            if epoch["gradients"]:
                difference = workers.worst(epoch["gradients"], expected["gradients"])
                assert difference <= tolerance, (task, difference)
            met |= epoch["gradients"].keys()
    assert met == wanted[0]["gradients"].keys()  # each weight is on some stage


# One process #####################################################################################


@pytest.mark.parametrize("recompute", [True, False])
@pytest.mark.parametrize("kind", [*KINDS, "sum"])
def test_one_chunk_is_full_graph_training_to_the_last_bit(workers, kind, recompute) -> None:
    plain = workers.train_plainly(kind, 4)
    told = workers.train_and_tell(kind, chunks=1, recompute=recompute)
    for epoch, expected in zip(told["epochs"], plain, strict=True):
        assert epoch["loss"] == pytest.approx(expected["loss"], rel=1e-15)
        for name, gradient in epoch["gradients"].items():
            assert torch.equal(gradient, expected["gradients"][name]), name


@pytest.mark.parametrize("kind", [*KINDS, "dropping"])
@pytest.mark.parametrize(
    ("chunks", "gamma", "refresh", "shuffle"),
    [(2, 2.0, 1, True), (5, 1.0, 2, True), (5, 1.5, 3, False), (40, 2.0, 1, True)],
)
def test_chunks_agree_with_the_simulator(workers, kind, chunks, gamma, refresh, shuffle) -> None:
    task = {
        "kind": kind,
        "chunks": chunks,
        "gamma": gamma,
        "refresh": refresh,
        "shuffle": shuffle,
    }
    check(workers, [workers.train_and_tell(**task)], task)


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_agrees_to_rounding(workers, kind) -> None:
    task = {"kind": kind, "chunks": 4, "dtype": torch.float32}
    check(workers, [workers.train_and_tell(**task)], task, ROUNDED)


def test_recomputing_changes_no_bit(workers) -> None:
    kept, again = (
        workers.train_and_tell("dropping", chunks=5, recompute=recompute)
        for recompute in (False, True)
    )
    for name, weight in kept["weights"].items():
        assert torch.equal(weight, again["weights"][name])


@pytest.mark.parametrize("refresh", [1, 2])
def test_history_is_that_of_the_last_refresh(workers, refresh) -> None:
    trainer = workers.make_trainer("sum", chunks=5, refresh=refresh)
    for expected in workers.simulate("sum", 5, chunks=5, refresh=refresh):
        trainer.train_epoch()
        for number, history in enumerate(expected["history"]):
            rows = trainer.layer_rows(number)
            assert (rows is None) == (history is None)
            if rows is not None:
                wanted = history[rows.held.nodes]
                torch.testing.assert_close(rows.history, wanted, rtol=0, atol=EXACT)


@pytest.mark.parametrize("kind", [*KINDS, "dropping"])
def test_predictions_are_those_of_the_whole_graph(workers, kind) -> None:
    trainer = workers.make_trainer(kind, chunks=5)
    trainer.train_epoch()
    data, layers = workers.make_data(), nn.ModuleList(trainer.layers.values()).eval()
    options = {"normalization": workers.normalization(kind), "dtype": data.x.dtype}
    graph = Layout(data.edge_index, workers.NODES, 1, **options).chunk(0)
    with torch.no_grad():
        wanted = workers.run_layers(layers, data.x, graph)
    torch.testing.assert_close(trainer.predict(), wanted, rtol=0, atol=EXACT)
    right = (wanted.argmax(1) == data.y)[data.train_mask].double().mean()
    assert trainer.accuracy(data.train_mask) == pytest.approx(float(right))
    with torch.random.fork_rng():  # training goes on as if nothing had been predicted
        again = workers.make_trainer(kind, chunks=5)
        for _ in range(2):
            expected = again.train_epoch().loss
    assert trainer.train_epoch().loss == expected


def test_training_leaves_torchs_generator_alone(workers) -> None:
    trainer = workers.make_trainer("dropping", chunks=3)
    before = torch.get_rng_state()
    trainer.train_epoch()
    assert torch.equal(torch.get_rng_state(), before)


def test_an_epoch_tells_turns_and_bytes(workers) -> None:
    trainer = workers.make_trainer("sum", chunks=3)
    begin = time.perf_counter()
    record = trainer.train_epoch()
    assert record.epoch == 0
    assert record.sent_bytes == (0, 0)
    order = chunk_order(3, 0, seed=0)
    assert [turn.chunk for turn in record.turns] == order + order[::-1]
    assert [turn.forward for turn in record.turns] == [True] * 3 + [False] * 3
    times = [time for turn in record.turns for time in (turn.begin, turn.end)]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= record.seconds <= time.perf_counter() - begin
    assert "turns" not in repr(record)


def test_gradients_flow_through_the_layers_that_hold_no_weight(workers) -> None:
    class Plain(nn.Module):
        def forward(self, x, chunk):
            return torch.zeros_like(x[: chunk.num_nodes]).index_add(
                0, chunk.edge_index[1], x[chunk.edge_index[0]]
            )

    torch.manual_seed(0)
    stack = [Plain(), workers.Last(workers.FEATURES, workers.CLASSES).double(), Plain()]
    trainer = PipelineTrainer(stack, workers.make_data(), chunks=3)
    losses = [trainer.train_epoch().loss for _ in range(30)]
    assert losses[-1] < losses[0]


def test_any_loss_and_optimizer(workers) -> None:
    data = workers.make_data()
    data.y = torch.randn(workers.NODES, workers.CLASSES, dtype=torch.float64)
    trainer = PipelineTrainer(
        workers.make_stack("sum"),
        data,
        chunks=3,
        loss=lambda out, target: ((out - target) ** 2).sum(),
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9),
    )
    losses = [trainer.train_epoch().loss for _ in range(30)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("schedule", ["step", "cosine", "warm"])
def test_a_schedule_goes_on_after_each_update(workers, schedule) -> None:
    trainer = workers.make_trainer("sum", chunks=3, schedule=schedule)
    weight = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.Adam([weight], lr=0.01)
    wanted = workers.SCHEDULES[schedule](optimizer)
    for _ in range(6):
        assert trainer.optimizer.param_groups[0]["lr"] == wanted.get_last_lr()[0]
        trainer.train_epoch()
        optimizer.step()
        wanted.step()
    assert trainer.scheduler.last_epoch == 6
    assert workers.make_trainer("sum").scheduler is None


def test_measured_costs_change_no_bit(workers) -> None:
    trainer = workers.make_trainer("dropping", chunks=3, costs="measure")
    assert len(trainer.costs) == 6
    assert min(trainer.costs) > 0
    assert workers.make_trainer("dropping").costs == [1.0] * 6
    again = workers.make_trainer("dropping", chunks=3)
    for _ in range(2):
        assert trainer.train_epoch().loss == again.train_epoch().loss


def test_weights_are_kept_and_taken_up_again(workers) -> None:
    trainer = workers.make_trainer("mixed", chunks=3)
    trainer.train_epoch()
    out, best = trainer.predict(), trainer.layer_weights()
    trainer.train_epoch()
    assert not torch.equal(trainer.predict(), out)
    whole = trainer.state_dict()
    trainer.load_layer_weights(best)
    assert torch.equal(trainer.predict(), out)
    assert trainer.gather_weights(best).keys() == whole.keys()
    assert list(whole) == list(workers.make_stack("mixed").state_dict())
    with pytest.raises(InputError, match="has nothing for bias of layer 0"):
        trainer.load_layer_weights(best | {0: {"weight": best[0]["weight"]}})


def test_a_layout_made_before_is_taken(workers) -> None:
    data = workers.make_data()
    layout = Layout(data.edge_index, workers.NODES, 3, normalization="gcn", dtype=torch.float64)
    trainer = PipelineTrainer(workers.make_stack("sum"), data, layout=layout)
    other = workers.make_trainer("sum", chunks=3)
    assert trainer.train_epoch().loss == other.train_epoch().loss
    assert repr(trainer) == (
        "PipelineTrainer(6 layers, stages=1, chunks=3, ways=1, gamma=2, refresh=1)"
    )


# What ends a training ############################################################################


def test_a_loss_that_runs_away_ends_the_training_with_advice(workers) -> None:
    def steep(parameters):
        return torch.optim.SGD(parameters, lr=1e4)

    trainer = workers.make_trainer(
        "sum", chunks=3, optimizer=steep, watch=LossWatch(factor=2.0, patience=1)
    )
    with pytest.raises(DivergedError, match=r"the loss is .* in the first epoch.*refresh=1"):
        train(trainer, 20)


@pytest.mark.parametrize("what", ["rows", "gradients"])
def test_what_is_not_finite_ends_it_and_leaves_the_weights(workers, what) -> None:
    trainer = workers.make_trainer(what, chunks=3, layer={"after": 3})
    before = {name: weight.detach().clone() for name, weight in trainer.layers.named_parameters()}
    with pytest.raises(DivergedError, match=rf"{what} that stage 0 \(layers 0 to 5\)"):
        trainer.train_epoch()
    assert trainer.epoch == 0
    for name, weight in trainer.layers.named_parameters():
        assert torch.equal(weight, before[name])


# Bad input #######################################################################################


class Batchwise(nn.Module):
    """Gives a row for the halo too."""

    def forward(self, x, chunk):
        return torch.cat([x, x])


def bad_data(workers, **changes) -> Data:
    data = workers.make_data()
    for name, value in changes.items():
        data[name] = value
    return data


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"stages": 2}, InputError, "1 processes for 2 stages x 1 ways.*nproc-per-node 2"),
        ({"ways": 3}, InputError, "expected 3 processes"),
        ({"stages": 0}, InputError, "stages is 0"),
        ({"chunks": 41}, InputError, "chunks is 41 and there are 40 nodes"),
        ({"refresh": 0}, InputError, "refresh is 0"),
        ({"gamma": float("nan")}, InputError, "gamma"),
        ({"recompute": 1}, InputTypeError, "recompute"),
        ({"costs": [1.0, 2.0]}, InputError, "costs are 2 numbers: expected 6"),
        ({"costs": [-1.0] * 6}, InputError, "expected numbers >= 0"),
        ({"costs": "measured"}, InputError, "costs is 'measured': expected 'measure'"),
        ({"schedule": lambda optimizer: None}, InputTypeError, "schedule makes a NoneType"),
        ({"optimizer": lambda parameters: None}, InputTypeError, "optimizer makes a NoneType"),
        ({"layout": Layout(torch.zeros(2, 1).long(), 3, 1)}, InputError, "3 nodes: expected 40"),
    ],
)
def test_options_out_of_range_are_refused(workers, options, error, text) -> None:
    with pytest.raises(error, match=text):
        PipelineTrainer(workers.make_stack("sum"), workers.make_data(), **options)


@pytest.mark.parametrize(
    ("stack", "error", "text"),
    [
        (nn.Linear(2, 2), InputTypeError, "the stack is a Linear.*cannot be cut"),
        ([], InputError, "the stack is empty"),
        (
            [nn.Linear(6, 2, dtype=torch.float64)],
            InputError,
            r"layer 0 \(Linear\) cannot be called",
        ),
        ([Batchwise()], InputError, "gives no row for the chunk's one node"),
        ("layers", InputTypeError, "the stack is a str"),
    ],
)
def test_a_model_that_is_no_stack_is_refused(workers, stack, error, text) -> None:
    with pytest.raises(error, match=text):
        PipelineTrainer(stack, workers.make_data())


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"y": None}, InputError, "data has no y"),
        ({"y": torch.zeros(3).long()}, InputError, "y has 3 rows"),
        ({"train_mask": torch.zeros(40).bool()}, InputError, "chooses no node"),
        ({"edge_index": torch.tensor([[0], [40]])}, InputError, "40"),
        ({"y": torch.full((40,), 3)}, InputError, r"is class 3: expected classes in \[0, 3\)"),
        ({"y": torch.full((40,), -1)}, InputError, "is class -1.*leave nodes without a class"),
        ({"y": torch.full((40, 3), float("nan"))}, InputError, "holds nan: expected finite"),
        ({"y": torch.zeros(40)}, InputError, r"y has shape \[40\]"),
        ({"x": torch.full((40, 6), float("inf"))}, InputError, "240 values that are NaN or inf"),
    ],
)
def test_data_that_do_not_fit_are_refused(workers, changes, error, text) -> None:
    with pytest.raises(error, match=text):
        PipelineTrainer(workers.make_stack("sum"), bad_data(workers, **changes))


# Two and four processes ##########################################################################

HIDDEN_BORDERS = [0.1, 1, 1, 1, 1, 0.1]  # no stage begins at a layer that is wider or narrower


def tasks_of(stages: int, ways: int) -> list[dict]:
    """Each kind of stack once, in turn with other settings."""
    settings = [
        {"chunks": 6, "gamma": 2.0, "refresh": 1},
        {"chunks": 5, "gamma": 1.0, "refresh": 3, "recompute": False},
        {"chunks": 4, "gamma": 1.5, "refresh": 2, "shuffle": False},
        {"chunks": 1 if stages == 1 else 8, "gamma": 2.0, "refresh": 1},
    ]
    shape = {"stages": stages, "ways": ways, "costs": HIDDEN_BORDERS}
    return [{"kind": kind, **shape, **more} for kind, more in zip(KINDS, settings, strict=True)]


def wanted_bytes(told: dict, task: dict) -> tuple[int, int]:
    shape = {"channels": 8, "itemsize": 8}
    nodes, replicas, carried = 40, told["replicas"], task["kind"] == "gcnii"
    stages = task.get("stages", 1)
    between = pipeline_bytes(nodes, stages=stages, carried=carried, **shape)
    within = graph_parallel_bytes(replicas, layers=4, **shape) if replicas else 0
    if replicas:
        total = hybrid_bytes(nodes, replicas, layers=4, stages=stages, carried=carried, **shape)
        assert total == between + within
    return between, within


def test_two_processes(workers, results) -> None:
    tasks = tasks_of(2, 1) + tasks_of(1, 2)
    tasks.append({"kind": "dropping", "stages": 2, "chunks": 5})
    tasks.append({"kind": "dropping", "stages": 2, "chunks": 5, "recompute": False})
    tasks.append({"kind": "early", "stages": 2, "chunks": 3})
    single = {"kind": "gcnii", "stages": 2, "chunks": 4, "dtype": torch.float32}
    came = results(2, [("train_and_tell", task) for task in [*tasks, single]])
    for task, told in zip(tasks, came, strict=False):
        check(workers, told, task)
        if "costs" in task:
            for epoch in range(4):
                sent = {one["epochs"][epoch]["sent"] for one in told}
                assert sent == {wanted_bytes(told[0], task)}, task
    check(workers, came[-1], single, ROUNDED)
    again, kept = came[len(tasks_of(2, 1)) * 2 :][:2]
    for one, other in zip(again, kept, strict=True):  # recomputed or not
        for name, weight in one["weights"].items():
            assert torch.equal(weight, other["weights"][name])


def test_four_processes(workers, results) -> None:
    pipeline, hybrid, parallel = tasks_of(4, 1), tasks_of(2, 2), tasks_of(1, 4)
    tasks = [task | {"predict": True} for task in pipeline + hybrid + parallel]
    tasks.append({"kind": "early", "stages": 4, "chunks": 6})  # no later stage takes the initial
    tasks.append({"kind": "dropping", "stages": 4, "chunks": 6})
    came = results(4, [("train_and_tell", task) for task in tasks])
    for task, told in zip(tasks, came, strict=True):
        check(workers, told, task)
        assert len({str(one["ranges"]) for one in told}) == 1
        shuffle = task.get("shuffle", True)
        for epoch in range(4):
            order = chunk_order(task["chunks"], epoch, seed=0, shuffle=shuffle)
            for one in told:  # the same on every stage
                assert one["epochs"][epoch]["order"] == order + order[::-1]
            if "costs" in task:
                sent = {one["epochs"][epoch]["sent"] for one in told}
                assert sent == {wanted_bytes(told[0], task)}, task
        if "predict" in task:
            layers = workers.make_stack(task["kind"]).eval()
            weights = {name: w for one in told for name, w in one["weights"].items()}
            layers.load_state_dict(weights)
            data = workers.make_data()
            graph = Layout(data.edge_index, workers.NODES, 1, dtype=torch.float64).chunk(0)
            with torch.no_grad():
                wanted = workers.run_layers(layers, data.x, graph)
            found = sum(one["out"] for one in told)
            torch.testing.assert_close(found, wanted, rtol=0, atol=EXACT)
            right = (wanted.argmax(1) == data.y)[data.train_mask].double().mean()
            assert [one["accuracy"] for one in told] == [pytest.approx(float(right))] * 4


def test_fewer_chunks_than_stages_are_warned_of_once(start) -> None:
    warned, silent = start(2, [("train_and_warn", {"kind": "sum", "stages": 2, "chunks": 1})])
    (text,) = warned[0][1]
    assert text.startswith("1 chunks for 2 stages: each stage works 50% of the time at best")
    assert silent == [("done", [])]


def refused(came, error: str) -> str:
    """All processes end with this error; its text."""
    assert [[kind for kind, _ in done] for done in came] == [[error]] * len(came)
    assert len({done[0][1][0] for done in came}) == 1
    return came[0][0][1][0]


@pytest.mark.parametrize(
    ("task", "error", "text"),
    [
        (
            ("train_and_tell", {"kind": "rows", "stages": 2, "chunks": 3, "layer": {"after": 3}}),
            "DivergedError",
            "rows that stage 1 (layers 3 to 5) computed are not finite",
        ),
        (
            ("train_and_tell", {"kind": "gradients", "stages": 2, "chunks": 3}),
            "DivergedError",
            "gradients that stage 1 (layers 3 to 5) computed are not finite",
        ),
        (
            ("train_and_tell", {"kind": "sum", "stages": 2, "ways": 2}),
            "InputError",
            "there are 2 processes for 2 stages x 2 ways: expected 4 processes",
        ),
        (
            ("train_other", {"kind": ["sum", "mixed"], "stages": [2, 2]}),
            "InputError",
            "ranks 0 and 1 were given different layers[1]: 'Sum' and 'Mixed'",
        ),
        (
            ("train_other", {"kind": ["gcn"] * 2, "stages": [2, 2], "draw": [0, 1]}),
            "InputError",
            "ranks 0 and 1 were given different weights[0]: expected the same stack",
        ),
        (
            (
                "train_other",
                {"kind": ["gcnii"] * 2, "stages": [2, 2], "layer": [{}, {"alpha": 0.2}]},
            ),
            "InputError",
            "ranks 0 and 1 were given different options[1].alpha: '0.1' and '0.2'",
        ),
        (
            ("train_other", {"kind": ["sum"] * 2, "stages": [2, 2], "lr": [0.01, 0.1]}),
            "InputError",
            "ranks 0 and 1 were given different update.groups[0].lr: 0.01 and 0.1",
        ),
        (
            (
                "train_other",
                {"kind": ["sum"] * 2, "stages": [2, 2], "costs": [[1] * 6, [1] * 5 + [9]]},
            ),
            "InputError",
            "ranks 0 and 1 were given different costs[5]: 1.0 and 9.0",
        ),
        (
            ("train_other", {"kind": ["sum"] * 2, "stages": [2, 2], "costs": ["measure", None]}),
            "InputError",
            "ranks 0 and 1 were given different costs: 'measure' and [1.0, ",
        ),
        (
            ("train_other", {"kind": ["sum"] * 2, "stages": [2, 2], "gamma": [1.0, 2.0]}),
            "InputError",
            "ranks 0 and 1 were given different gamma: 1.0 and 2.0",
        ),
    ],
)
def test_processes_end_together(start, task, error, text) -> None:
    assert text in refused(start(2, [task]), error)


def test_more_stages_than_layers_and_weights_on_two_stages(workers) -> None:
    from graphlearn.pipeline.checks import check_unshared
    from graphlearn.pipeline.schedule import split_layers

    with pytest.raises(InputError, match="stages is 7 for 6 layers.*pass stages=6 or fewer"):
        split_layers([1.0] * 6, 7)
    layer = workers.Last(2, 2)
    with pytest.raises(InputError, match="layers 0 and 1 share a weight"):
        check_unshared([layer, layer], [range(1), range(1, 2)])


def test_a_layer_is_told_its_chunk(workers) -> None:
    met = []

    class Listening(workers.Last):
        def forward(self, x, chunk):
            assert isinstance(chunk, GraphChunk)
            met.append((chunk.number, x.size(0) == chunk.num_nodes))
            return super().forward(x, chunk)

    stack = [Listening(workers.FEATURES, workers.CLASSES).double()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer = PipelineTrainer(stack, workers.make_data(), chunks=3)
    met.clear()
    trainer.predict()
    assert met == [(0, True), (1, True), (2, True)]


@pytest.mark.parametrize(
    ("mask", "error"),
    [
        (torch.ones(3, dtype=torch.bool), InputError),
        (torch.ones(60, dtype=torch.int64), InputTypeError),
        ([True], InputTypeError),
    ],
)
def test_accuracy_wants_a_mask_of_all_nodes(workers, mask, error) -> None:
    with pytest.raises(error, match="the mask "):
        workers.make_trainer("sum", chunks=2).accuracy(mask)


@pytest.mark.parametrize("device", ["gpu", "meta", "cuda:99"])
def test_a_device_that_is_not_there_is_named(workers, device) -> None:
    with pytest.raises(InputError, match=f"device is '{device}'"):
        workers.make_trainer("sum", chunks=2, device=device)
