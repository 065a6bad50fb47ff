from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch_geometric.data import Data

from graphlearn.errors import CheckpointError, InputError, InputTypeError
from graphlearn.metrics import PredictionEvaluator
from graphlearn.metrics.history import best_record
from graphlearn.pipeline import Layout, save_checkpoint, train
from graphlearn.pipeline.checkpoint_files import MANIFEST
from graphlearn.pipeline.config import NodeTrainConfig
from graphlearn.pipeline.fit import NodeFit, fit_nodes, make_node_trainer

BOTH = ("accuracy", "cross-entropy")


def plain_fit(workers, kind: str, epochs: int, *, lr=0.01, decay=0.0, ends=0.0, cosine=False):
    """Full-graph training with autograd and no chunks: loss, metrics and weights of every epoch."""
    stack, data, masks = workers.make_stack(kind), workers.make_data(), workers.make_masks()
    options = {"normalization": workers.normalization(kind), "dtype": torch.float64}
    graph = Layout(data.edge_index, workers.NODES, 1, **options).chunk(0)
    outer = [*stack[0].parameters(), *stack[-1].parameters()]
    inner = [weight for layer in stack[1:-1] for weight in layer.parameters()]
    groups = [
        {"params": outer, "weight_decay": ends},
        {"params": inner, "weight_decay": decay},
    ]
    optimizer = torch.optim.Adam(groups, lr=lr)
    evaluate, done = PredictionEvaluator(BOTH), []
    for epoch in range(epochs):
        if cosine:
            share = (1 + math.cos(math.pi * epoch / epochs)) / 2
            for group in optimizer.param_groups:
                group["lr"] = lr * (0.01 + 0.99 * share)
        stack.train()
        optimizer.zero_grad()
        out = workers.run_layers(stack, data.x, graph)
        loss = workers.summed_loss(out, torch.arange(workers.NODES), data)
        loss.backward()
        optimizer.step()
        stack.eval()
        with torch.no_grad():
            out = workers.run_layers(stack, data.x, graph)
        scores = {part: evaluate([(out[m], data.y[m, None])]) for part, m in masks.items()}
        weights = {name: value.clone() for name, value in stack.state_dict().items()}
        done.append({"loss": float(loss.detach()), "scores": scores, "weights": weights})
    return done


def as_tensors(told: dict) -> dict[str, torch.Tensor]:
    weights = told["same"]["weights"]
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in weights.items()}


# Against full-graph training #####################################################################


@pytest.mark.parametrize("kind", ["mixed", "gcn", "gcnii"])
@pytest.mark.parametrize(
    ("settings", "plain"),
    [
        ({}, {}),
        ({"weight_decay": 0.5}, {"decay": 0.5, "ends": 0.5}),
        ({"weight_decay": 0.5, "ends_weight_decay": 0.0}, {"decay": 0.5}),
        ({"ends_weight_decay": 0.5, "learning_rate": 0.03}, {"ends": 0.5, "lr": 0.03}),
        ({"schedule": "cosine", "learning_rate": 0.05}, {"cosine": True, "lr": 0.05}),
    ],
)
def test_one_chunk_is_a_full_graph_loop(workers, kind, settings, plain) -> None:
    wanted = plain_fit(workers, kind, 12, **plain)
    told = workers.fit_and_tell(kind, epochs=12, metrics=BOTH, **settings)
    result = told["fit"].result
    assert [record.epoch for record in result.history] == told["seen"] == list(range(1, 13))
    for record, expected in zip(result.history, wanted, strict=True):
        assert record.loss == pytest.approx(expected["loss"], abs=1e-12)
        for part in ("valid", "test"):
            found = getattr(record, part)
            assert found == pytest.approx(expected["scores"][part], abs=1e-12)
    best = max(range(12), key=lambda epoch: wanted[epoch]["scores"]["valid"]["accuracy"])
    assert result.best_epoch == best + 1
    assert result.valid["accuracy"] == wanted[best]["scores"]["valid"]["accuracy"]
    assert result.test["accuracy"] == wanted[best]["scores"]["test"]["accuracy"]
    # Each metric has an epoch of its own; the weights are those of the first metric's.
    lowest = min(range(12), key=lambda epoch: wanted[epoch]["scores"]["valid"]["cross-entropy"])
    assert result.best_epochs == {"accuracy": best + 1, "cross-entropy": lowest + 1}
    expected = wanted[lowest]["scores"]["test"]["cross-entropy"]
    assert result.test["cross-entropy"] == pytest.approx(expected, abs=1e-12)
    weights = as_tensors(told)
    assert weights.keys() == wanted[best]["weights"].keys()
    for name, value in weights.items():
        torch.testing.assert_close(value, wanted[best]["weights"][name], rtol=0, atol=1e-12)


def test_the_best_epoch_of_the_first_metric_is_kept(workers) -> None:
    wanted = plain_fit(workers, "mixed", 40, lr=0.05)
    epochs = {}
    for metrics in (BOTH, BOTH[::-1]):
        told = workers.fit_and_tell(epochs=40, learning_rate=0.05, metrics=metrics)
        result = told["fit"].result
        epochs[metrics[0]] = result.best_epoch
        assert list(result.valid) == list(result.test) == list(metrics)
        for name, value in as_tensors(told).items():
            expected = wanted[result.best_epoch - 1]["weights"][name]
            torch.testing.assert_close(value, expected, rtol=0, atol=1e-9)
    assert len({*epochs.values(), 40}) == 3  # or nothing has been seen


def test_select_by_chooses_the_epoch_of_every_metric(workers) -> None:
    wanted = plain_fit(workers, "mixed", 40, lr=0.05)
    own = workers.fit_and_tell(epochs=40, learning_rate=0.05)["fit"].result
    told = workers.fit_and_tell(epochs=40, learning_rate=0.05, select_by="cross-entropy")
    result = told["fit"].result
    best = best_record(result.history, "cross-entropy")
    assert best.epoch != own.best_epoch
    assert result.best_epoch == best.epoch
    assert result.best_epochs == {"accuracy": best.epoch}  # what was not asked for is not told
    assert result.valid == {"accuracy": best.valid["accuracy"]}
    assert result.test == {"accuracy": best.test["accuracy"]}
    assert all(set(record.valid) == set(BOTH) for record in result.history)
    for name, value in as_tensors(told).items():
        expected = wanted[best.epoch - 1]["weights"][name]
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-9)
    both = workers.fit_and_tell(
        epochs=40, learning_rate=0.05, metrics=BOTH, select_by="cross-entropy"
    )
    assert both["fit"].result.best_epochs == dict.fromkeys(BOTH, best.epoch)


@pytest.mark.parametrize("patience", [1, 4, 9])
@pytest.mark.parametrize("select_by", [None, "cross-entropy"])
def test_patience_ends_it(workers, patience, select_by) -> None:
    options = {"learning_rate": 0.05, "select_by": select_by}
    long = workers.fit_and_tell(epochs=60, **options)["same"]
    sign = 1 if select_by is None else -1
    values = [sign * valid[select_by or "accuracy"] for _, _, valid, _ in long["history"]]
    best = last = 0
    while last - best < patience:  # epochs from 0
        last += 1
        if values[last] > values[best]:
            best = last
    told = workers.fit_and_tell(epochs=60, patience=patience, **options)["same"]
    assert told["history"] == long["history"][: last + 1]
    assert told["best"][0] == best + 1


def test_epochs_between_evaluations_have_no_metrics_and_the_last_one_has(workers) -> None:
    whole = workers.fit_and_tell(epochs=7)["same"]["history"]
    told = workers.fit_and_tell(epochs=7, evaluate_every=3)
    history = told["same"]["history"]
    assert [epoch for epoch, _, valid, _ in history if valid] == [3, 6, 7]
    for record, full in zip(history, whole, strict=True):
        assert record[:2] == full[:2]
        assert record[2:] == (full[2:] if record[0] in (3, 6, 7) else ({}, {}))
    assert told["records"] == told["fit"].result.history
    assert told["fit"].result.best_epoch in (3, 6, 7)
    times = {record.epoch: record.evaluation_seconds for record in told["fit"].result.history}
    assert [epoch for epoch, seconds in times.items() if seconds > 0] == [3, 6, 7]


def test_no_test_nodes_give_nan_and_no_validation_nodes_are_refused(workers) -> None:
    masks, config = workers.make_masks(), workers.node_settings("mixed", epochs=2)
    nothing, y = torch.zeros(workers.NODES, dtype=torch.bool), workers.make_data().y
    trainer = workers.node_trainer("mixed", epochs=2)
    with pytest.raises(InputError, match="valid_mask chooses no node"):
        fit_nodes(trainer, y, nothing, masks["test"], config)
    fit = fit_nodes(trainer, y, masks["valid"], nothing, config)
    assert isinstance(fit, NodeFit)
    assert math.isnan(fit.result.test["accuracy"])
    assert not math.isnan(fit.result.valid["accuracy"])


def test_the_profile_is_of_an_epoch_that_was_trained(workers) -> None:
    profile = workers.fit_and_tell(epochs=5, chunks=4)["fit"].profile
    assert 1 <= profile.epoch < 5
    assert len(profile.timeline.turns[0]) == 2 * 4


# The trainer #####################################################################################


def test_settings_reach_the_trainer(workers) -> None:
    trainer = workers.node_trainer(
        "mixed", chunks=4, gamma=1.5, refresh=3, shuffle=False, recompute=True, learning_rate=0.2
    )
    assert (trainer.layout.num_chunks, trainer.layout.normalization) == (4, "gcn")
    assert (trainer.gamma, trainer.refresh, trainer.shuffle) == (1.5, 3, False)
    assert trainer.recompute
    assert trainer.scheduler is None
    assert {group["lr"] for group in trainer.optimizer.param_groups} == {0.2}
    assert isinstance(trainer.optimizer, torch.optim.Adam)


def test_cosine_falls_to_a_hundredth(workers) -> None:
    trainer = workers.node_trainer("mixed", epochs=5, schedule="cosine", learning_rate=0.2)
    rates = []
    for _ in range(5):
        rates.append(trainer.optimizer.param_groups[0]["lr"])
        trainer.train_epoch()
    assert rates == pytest.approx(
        [0.002 + 0.198 * (1 + math.cos(math.pi * epoch / 5)) / 2 for epoch in range(5)]
    )
    assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(0.002)


@pytest.mark.parametrize(
    ("settings", "ends", "middle"),
    [
        ({}, 0.0, 0.0),
        ({"weight_decay": 0.1}, 0.1, 0.1),
        ({"weight_decay": 0.1, "ends_weight_decay": 0.0}, 0.0, 0.1),
        ({"ends_weight_decay": 0.3}, 0.3, 0.0),
    ],
)
def test_the_ends_alone_have_a_decay_of_their_own(workers, settings, ends, middle) -> None:
    found = workers.decays_of_layers(**settings)
    assert found == {0: {ends}, **{number: {middle} for number in range(1, 5)}, 5: {ends}}


def test_a_layer_alone_is_both_ends(workers) -> None:
    config = NodeTrainConfig(weight_decay=0.1, ends_weight_decay=0.3)
    trainer = make_node_trainer(
        [workers.Last(workers.FEATURES, workers.CLASSES)], workers.make_data(), config
    )
    groups = trainer.optimizer.param_groups
    assert [(len(group["params"]), group["weight_decay"]) for group in groups] == [
        (2, 0.3),
        (0, 0.1),
    ]


def test_features_may_be_sparse_of_another_dtype_and_made_to_sum_to_one(workers) -> None:
    generator = torch.Generator().manual_seed(4)
    counts = torch.randint(4, (workers.NODES, workers.FEATURES), generator=generator)
    counts[0] = 0
    data, losses = workers.make_data(), {}
    for form in ("float", "int", "sparse", "scaled"):
        data.x = {
            "float": counts.double(),
            "int": counts,
            "sparse": counts.float().to_sparse(),
            "scaled": counts.double() / counts.sum(1, keepdim=True).clamp(min=1),
        }[form]
        before = data.clone()
        for scaling in (False, True):
            config = workers.node_settings("mixed", normalize_features=scaling)
            trainer = make_node_trainer(list(workers.make_stack("mixed")), data, config)
            losses[form, scaling] = trainer.train_epoch().loss
        assert torch.equal(data.x.to_dense(), before.x.to_dense())  # the caller's
        assert data.x.dtype == before.x.dtype
    assert len({losses[form, False] for form in ("float", "int", "sparse")}) == 1
    assert len({losses[form, True] for form in ("float", "int", "sparse")}) == 1
    assert losses["float", True] == losses["scaled", False] != losses["float", False]


def without(name: str) -> Data:
    data = Data(x=torch.eye(3), edge_index=torch.tensor([[0], [1]]), y=torch.tensor([0, 1, 1]))
    data.train_mask = torch.ones(3, dtype=torch.bool)
    del data[name]
    return data


@pytest.mark.parametrize("name", ["x", "edge_index", "y", "train_mask"])
def test_data_that_lack_something_are_refused(workers, name) -> None:
    with pytest.raises(InputError, match=f"data has no {name}"):
        make_node_trainer([workers.Last(3, 2)], without(name), NodeTrainConfig())


@pytest.mark.parametrize(
    ("stack", "data", "options", "error", "text"),
    [
        ([], without("x"), {}, InputError, "the stack is empty"),
        (nn.Linear(1, 1), without("x"), {}, InputTypeError, "the stack is a Linear"),
        ([nn.Identity()], None, {}, InputTypeError, "data is a NoneType"),
        ([nn.Identity()], without("x"), {"stages": 2}, InputError, "1 processes for 2 stages"),
        ([nn.Identity()], without("x"), {"ways": "2"}, InputTypeError, "ways is '2'"),
    ],
)
def test_what_the_trainer_refuses_is_refused(stack, data, options, error, text) -> None:
    with pytest.raises(error, match=text):
        make_node_trainer(stack, data, NodeTrainConfig(), **options)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"metrics": ["auc"]}, InputError, "unknown metric of nodes 'auc'"),
        ({"metrics": BOTH * 2}, InputError, "each once"),
        ({"target": torch.full((40,), 3)}, InputError, "is of class 3"),
        ({"target": torch.zeros(40, 1).long()}, InputError, r"target has shape \[40, 1\]"),
        ({"valid_mask": torch.ones(39).bool()}, InputError, "'valid' has shape"),
        ({"test_mask": torch.ones(40).long()}, InputTypeError, "'test' has dtype"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_epoch(workers, changes, error, text) -> None:
    masks, config = workers.make_masks(), workers.node_settings("mixed", epochs=2)
    given = {
        "target": workers.make_data().y,
        "valid_mask": masks["valid"],
        "test_mask": masks["test"],
        "config": config,
    }
    trainer = workers.node_trainer("mixed", epochs=2)
    with pytest.raises(error, match=text):
        fit_nodes(trainer, **(given | changes))
    assert trainer.epoch == 0


def test_a_trainer_that_has_trained_is_refused(workers) -> None:
    masks, config = workers.make_masks(), workers.node_settings("mixed", epochs=2)
    given = (workers.make_data().y, masks["valid"], masks["test"], config)
    trainer = workers.node_trainer("mixed", epochs=2)
    fit_nodes(trainer, *given)
    with pytest.raises(InputError, match="the trainer has trained 2 epochs.*make_node_trainer"):
        fit_nodes(trainer, *given)


# Stop and resume #################################################################################

RUN = {"kind": "dropping", "chunks": 4, "refresh": 2, "learning_rate": 0.05}


@pytest.fixture
def stopped(workers, tmp_path):
    """``stopped(at, **settings)``: the folder of a run that ended in an error after that epoch."""

    def run(at: int, **settings):
        folder = str(tmp_path / "run")
        told = workers.fit_and_tell(**RUN, **settings, folder=folder, stop=at)
        assert told == {"seen": list(range(1, at + 1))}
        return folder

    return run


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"schedule": "cosine"},
        {"select_by": "cross-entropy", "weight_decay": 0.1, "ends_weight_decay": 0.0},
        {"evaluate_every": 3},
        {"patience": 6},
    ],
)
@pytest.mark.parametrize(("at", "saved"), [(1, 0), (4, 3), (9, 6)])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    workers, stopped, settings, at, saved
) -> None:
    settings = settings | {"epochs": 12, "checkpoint_every": 3}
    whole = workers.fit_and_tell(**RUN, **settings)
    folder = stopped(at, **settings)
    told = workers.fit_and_tell(**RUN, **settings, folder=folder)
    assert told["seen"][0] == saved + 1
    assert told["same"] == whole["same"]
    assert told["fit"].profile.epoch >= saved
    again = workers.fit_and_tell(**RUN, **settings, folder=folder)  # nothing is left to do
    assert again["seen"] == []
    assert again["fit"].profile is None
    assert again["same"] == whole["same"]


@pytest.mark.parametrize("recompute", [False, True])
def test_more_epochs_go_on_to_the_same_bits(workers, tmp_path, recompute) -> None:
    whole = workers.fit_and_tell(**RUN, epochs=7)
    first = workers.fit_and_tell(**RUN, epochs=3, folder=str(tmp_path))
    assert first["same"]["history"] == whole["same"]["history"][:3]
    # Settings that change no result may be others.
    second = workers.fit_and_tell(
        **RUN, epochs=7, folder=str(tmp_path), recompute=recompute, checkpoint_every=2
    )
    assert second["seen"] == [4, 5, 6, 7]
    assert second["same"] == whole["same"]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_best_weights_may_be_from_before_the_break(workers, stopped, schedule) -> None:
    settings = {
        "epochs": 30,
        "checkpoint_every": 20,
        "select_by": "cross-entropy",
        "schedule": schedule,
    }
    whole = workers.fit_and_tell(**RUN, **settings)
    assert whole["fit"].result.best_epoch < 20  # or nothing has been seen
    told = workers.fit_and_tell(**RUN, **settings, folder=stopped(25, **settings))
    assert told["seen"][0] == 21
    assert told["same"] == whole["same"]


def test_the_times_of_before_the_break_stay(workers, stopped) -> None:
    settings = {"epochs": 4, "checkpoint_every": 2}
    folder = stopped(3, **settings)
    manifest = json.loads(Path(folder, "epoch-000002", MANIFEST).read_text())
    kept = manifest["extra"]["history"]
    result = workers.fit_and_tell(**RUN, **settings, folder=folder)["fit"].result
    assert [record.as_dict() for record in result.history[:2]] == kept
    assert result.seconds == pytest.approx(
        sum(r.train_seconds + r.evaluation_seconds for r in result.history)
    )


def test_an_epoch_that_is_the_last_one_now_is_evaluated(workers, stopped) -> None:
    long = {"epochs": 20, "evaluate_every": 4, "checkpoint_every": 3}
    folder = stopped(4, **long)  # epoch 3, which has not been evaluated, was saved
    settings = long | {"epochs": 3}
    told = workers.fit_and_tell(**RUN, **settings, folder=folder)
    assert told["seen"] == []
    assert told["same"] == workers.fit_and_tell(**RUN, **settings)["same"]


def test_without_a_folder_nothing_is_written(workers, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    workers.fit_and_tell(**RUN, epochs=2)
    assert list(tmp_path.iterdir()) == []


# Checkpoints of another training #################################################################


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"learning_rate": 0.01}, r"settings\[0\].lr = 0.05 of its optimizer: expected 0.01"),
        ({"weight_decay": 0.1}, r"settings\[\d\].weight_decay = 0.0 .*: expected 0.1"),
        ({"ends_weight_decay": 0.1}, r"settings\[\d\].weight_decay = 0.0 .*: expected 0.1"),
        ({"select_by": "accuracy"}, "select_by = None: expected 'accuracy'"),
        ({"metrics": BOTH}, r"metrics = \['accuracy'\]: expected \['accuracy', 'cross-entropy'\]"),
        ({"metrics": BOTH[1:]}, r"metrics = \['accuracy'\]: expected \['cross-entropy'\]"),
        ({"evaluate_every": 2}, "evaluate_every = 1: expected 2"),
        ({"normalize_features": True}, "is of a training with another x: expected the same bits"),
        ({"schedule": "cosine"}, "schedule = None: expected 'CosineAnnealingLR'"),
        ({"chunks": 5}, "num_chunks = 4: expected 5"),
        ({"refresh": 3}, "refresh = 2: expected 3"),
        ({"epochs": 1}, "is of epoch 2: expected 1 at most.*pass epochs=2 or more"),
    ],
)
def test_other_settings_are_refused(workers, stopped, changes, text) -> None:
    folder = stopped(2, epochs=4, checkpoint_every=1, patience=3)
    # At epoch 2 it ended before that one was saved; the run after it saves it.
    run = RUN | {"epochs": 2, "checkpoint_every": 1, "folder": folder}
    assert workers.fit_and_tell(**run)["seen"] == [2]
    with pytest.raises(CheckpointError, match=text):
        workers.fit_and_tell(**(run | changes))


def test_another_number_of_epochs_is_another_cosine(workers, stopped) -> None:
    folder = stopped(3, epochs=6, checkpoint_every=1, schedule="cosine")
    with pytest.raises(CheckpointError, match="epochs = 6: expected 7"):
        workers.fit_and_tell(**RUN, epochs=7, schedule="cosine", folder=folder)


@pytest.mark.parametrize("extra", [None, {}, [], "text", {"history": [], "settings": {}}])
def test_a_checkpoint_without_a_history_is_refused(workers, tmp_path, extra) -> None:
    trainer = workers.node_trainer(**RUN)
    for _ in range(2):
        trainer.train_epoch()
    save_checkpoint(trainer, tmp_path, extra=extra, best=trainer.layer_weights())
    with pytest.raises(CheckpointError, match="no history of a training for nodes.*another folder"):
        workers.fit_and_tell(**RUN, epochs=4, folder=str(tmp_path))


def test_that_of_the_plain_loop_is_refused(workers, tmp_path) -> None:
    train(workers.node_trainer(**RUN), 2, folder=tmp_path)
    with pytest.raises(CheckpointError, match="expected one that fit_nodes wrote"):
        workers.fit_and_tell(**RUN, epochs=4, folder=str(tmp_path))


def shorter(extra: dict) -> None:
    extra["history"].pop()


def unknown(extra: dict) -> None:
    extra["history"][0]["more"] = 1


def no_settings(extra: dict) -> None:
    del extra["settings"]


def not_evaluated(extra: dict) -> None:
    for record in extra["history"]:
        record["valid"] = {}


@pytest.mark.parametrize("change", [shorter, unknown, no_settings, not_evaluated])
def test_a_history_that_does_not_fit_the_checkpoint_is_refused(workers, tmp_path, change) -> None:
    workers.fit_and_tell(**RUN, epochs=2, folder=str(tmp_path))
    path = tmp_path / "epoch-000002" / MANIFEST
    manifest = json.loads(path.read_text())
    change(manifest["extra"])
    path.write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match="no history of a training for nodes"):
        workers.fit_and_tell(**RUN, epochs=4, folder=str(tmp_path))


# Several processes ###############################################################################


def test_two_processes(workers, results, tmp_path) -> None:
    run = RUN | {"epochs": 7, "checkpoint_every": 3, "select_by": "cross-entropy"}
    pipeline, parallel = run | {"stages": 2}, run | {"ways": 2}
    whole = workers.fit_and_tell(**run)["same"]
    one, other, ways = (str(tmp_path / name) for name in ("one", "other", "ways"))
    workers.fit_and_tell(**run, folder=other, stop=5)
    decays = {"stages": 2, "chunks": 4, "weight_decay": 0.1, "ends_weight_decay": 0.3}
    came = results(
        2,
        [
            ("fit_and_tell", pipeline),
            ("fit_and_tell", pipeline | {"folder": one, "stop": 5}),
            ("fit_and_tell", pipeline | {"folder": other}),
            ("fit_and_tell", parallel),
            ("fit_and_tell", parallel | {"folder": ways, "stop": 5}),
            ("fit_and_tell", parallel | {"folder": ways}),
            ("fit_and_tell", parallel | {"folder": ways}),
            ("decays_of_layers", decays),
        ],
    )
    pipelined, _, taken_up, parallel_whole, _, parallel_again, finished, found = came
    for told in (*pipelined, *taken_up):  # to the last bit on any number of stages
        assert told["same"] == whole
    assert taken_up[0]["seen"] == [4, 5, 6, 7]
    assert workers.fit_and_tell(**run, folder=one)["same"] == whole
    for told in (*parallel_whole, *parallel_again, *finished):
        assert told["same"] == parallel_whole[0]["same"]
    assert finished[0]["seen"] == []
    profiles = [told["fit"].profile for told in pipelined]
    assert profiles[0] == profiles[1]
    assert (profiles[0].stages, profiles[0].ways, len(profiles[0].timeline.turns)) == (2, 1, 2)
    # All processes know what the first one measured of epochs that were trained before.
    times = [[r.as_dict() for r in told["fit"].result.history] for told in finished]
    assert times[0] == times[1]
    assert found[0] | found[1] == {
        number: {0.3 if number in (0, 5) else 0.1} for number in range(6)
    }
    assert not set(found[0]) & set(found[1])


def test_an_error_of_one_process_is_named_by_the_other(start, tmp_path) -> None:
    came = start(2, [("fit_and_fail", {"folder": str(tmp_path)})], seconds=20)
    assert came[0][0][0] == "raised"
    kind, (text, _) = came[1][0]
    assert kind == "PeerLostError"
    assert "rank 0 (stage 0, way 0) failed with ValueError (no more)" in text


@pytest.mark.parametrize("select_by", [None, "cross-entropy"])
def test_without_test_nodes_no_test_metric_is_computed(workers, select_by) -> None:
    masks, y = workers.make_masks(), workers.make_data().y
    settings = {"epochs": 3, "select_by": select_by}
    config = workers.node_settings("mixed", **settings)
    fits = [
        fit_nodes(workers.node_trainer("mixed", **settings), y, masks["valid"], mask, config)
        for mask in (masks["test"], None)
    ]
    assert fits[1].result.test == {}
    assert all(record.test == {} for record in fits[1].result.history)
    assert fits[1].result.valid == fits[0].result.valid
    assert fits[1].result.best_epochs == fits[0].result.best_epochs
