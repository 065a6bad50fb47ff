from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from graphlearn.errors import (
    CheckpointError,
    DivergedError,
    InputError,
    InputTypeError,
    LeakError,
    OutputError,
    UnknownNameError,
)
from graphlearn.kernels import CSRGraph
from graphlearn.metrics import LinkEvaluator
from graphlearn.train import (
    CHECKPOINT_NAME,
    WEIGHTS_NAME,
    EpochRecord,
    FitResult,
    LinkTrainer,
    TrainConfig,
    evaluate_links,
    fit_links,
    load_checkpoint,
    load_weights,
)

CONFIG = TrainConfig(
    epochs=6,
    batch_size=32,
    encoder_learning_rate=0.05,
    predictor_learning_rate=0.05,
    checkpoint_seconds=0.0,
)


class Killed(Exception):
    """Stands for a kill at the end of an epoch; `tests/crash` kills for real."""


def without_times(history: list[EpochRecord]) -> list[EpochRecord]:
    return [replace(record, train_seconds=0.0, evaluation_seconds=0.0) for record in history]


def outcome(result: FitResult) -> tuple[Any, ...]:
    return (
        *(getattr(result, k) for k in ("seed", "best_epoch", "valid", "test")),
        without_times(result.history),
    )


@pytest.mark.parametrize("features", [None, "dense", "sparse"])
def test_it_learns_and_ends_with_the_best_weights(
    make_split: Callable[..., Any], make_model: Callable[..., Any], features: str | None
) -> None:
    split = make_split(features)
    model = make_model(None if features is None else 20)
    records: list[EpochRecord] = []
    config = replace(CONFIG, epochs=15)
    result = fit_links(
        model, split, config, seed=0, metrics=["auc", "hits@10"], on_epoch=records.append
    )
    assert records == result.history
    assert [record.epoch for record in records] == list(range(1, 16))
    assert records[-1].loss < records[0].loss
    assert result.valid["auc"] > 0.8
    assert result.best_epoch == result.best_epochs["auc"]
    assert result.seconds == pytest.approx(
        sum(record.train_seconds + record.evaluation_seconds for record in records)
    )
    graph = CSRGraph.from_edge_index(split.data.edge_index, 60)
    evaluator = LinkEvaluator(["auc"])
    for pairs, negatives, expected in (
        (split.valid_pairs, split.valid_negatives, result.valid),
        (split.test_pairs, split.test_negatives, result.test),
    ):
        found = evaluate_links(model, split.data.x, graph, pairs, negatives, evaluator)
        assert found["auc"] == expected["auc"]


def test_the_seed_decides_and_the_callers_stream_is_left_alone(
    make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    split = make_split()
    outcomes = []
    for seed, stream in ((0, 0), (0, 1), (1, 0)):
        torch.manual_seed(stream)
        state = torch.get_rng_state()
        outcomes.append(fit_links(make_model(), split, CONFIG, seed=seed, metrics=["auc"]))
        assert torch.equal(torch.get_rng_state(), state)
    first, again, other = (without_times(result.history) for result in outcomes)
    assert first == again
    assert first != other


@pytest.mark.parametrize("averaging", [None, 0.9])
@pytest.mark.parametrize("killed_after", [1, 4, 5, 6])
def test_a_killed_run_goes_on_to_the_same_bits(
    tmp_path: Path,
    make_split: Callable[..., Any],
    make_model: Callable[..., Any],
    killed_after: int,
    averaging: float | None,
) -> None:
    split = make_split("sparse")

    def train(folder: str, seed: int, on_epoch: Callable[[EpochRecord], None] | None) -> Any:
        # Where a checkpoint is continued, the initial weights do not matter.
        model = make_model(20, seed)
        trainer = LinkTrainer(
            model,
            split,
            replace(CONFIG, weight_averaging=averaging),
            seed=3,
            metrics=["auc"],
            run_dir=tmp_path / folder,
            on_epoch=on_epoch,
        )
        return model, trainer.fit()

    def kill(record: EpochRecord) -> None:
        if record.epoch == killed_after:
            raise Killed

    seen: list[EpochRecord] = []
    model, result = train("whole", 0, None)
    with pytest.raises(Killed):
        train("killed", 0, kill)
    resumed_model, resumed = train("killed", 0 if killed_after == 1 else 1, seen.append)
    assert [record.epoch for record in seen] == list(range(killed_after, 7))
    assert outcome(resumed) == outcome(result)
    for name, value in model.state_dict().items():
        assert torch.equal(value, resumed_model.state_dict()[name]), name
    files = [tmp_path / folder / WEIGHTS_NAME for folder in ("whole", "killed")]
    assert files[0].read_bytes() == files[1].read_bytes()
    one, other = (load_checkpoint(path.with_name(CHECKPOINT_NAME)) for path in files)
    for group in ("model", "best", "average", "optimizer", "rng"):
        there, here = getattr(one, group), getattr(other, group)
        assert there.keys() == here.keys()
        assert all(torch.equal(there[name], here[name]) for name in there), group


def test_the_average_of_the_weights_is_what_is_evaluated_and_kept(
    make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    split = make_split("sparse")
    model = make_model(20, 0)
    config = replace(CONFIG, epochs=1, batch_size=10_000, weight_averaging=0.75)
    trainer = LinkTrainer(model, split, config, seed=0, metrics=["auc"])
    trainer.fit()
    once = {name: value.clone() for name, value in model.state_dict().items()}
    # The average begins at the first step's weights, so after one step it is those weights.
    plain = make_model(20, 0)
    LinkTrainer(plain, split, replace(config, weight_averaging=None), seed=0, metrics=["auc"]).fit()
    for name, value in plain.state_dict().items():
        assert torch.equal(value, once[name]), name

    # From there each step moves it a quarter of the way; buffers, such as batch norm's running
    # mean, are the model's own.
    def after(epochs: int, averaging: float | None) -> torch.nn.Module:
        model = make_model(20, 0)
        settings = replace(config, epochs=epochs, weight_averaging=averaging, evaluate_every=epochs)
        LinkTrainer(model, split, settings, seed=0, metrics=["auc"]).fit()
        return model

    first, second, averaged = after(1, None), after(2, None), after(2, 0.75)
    for value, start, end in zip(
        averaged.parameters(), first.parameters(), second.parameters(), strict=True
    ):
        torch.testing.assert_close(value, 0.75 * start + 0.25 * end)
    for value, end in zip(averaged.buffers(), second.buffers(), strict=True):
        assert torch.equal(value, end)


def test_a_finished_run_gives_its_result_without_training(
    tmp_path: Path, make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    split, first, second = make_split(), make_model(), make_model(seed=1)
    options: dict[str, Any] = {"seed": 0, "metrics": ["auc"], "run_dir": tmp_path}
    result = fit_links(first, split, CONFIG, **options)
    seen: list[EpochRecord] = []
    again = fit_links(second, split, CONFIG, on_epoch=seen.append, **options)
    assert seen == []
    assert again == result
    assert torch.equal(first.encoder.weight, second.encoder.weight)
    third = make_model(seed=2)
    state = load_weights(tmp_path / WEIGHTS_NAME, third)
    assert state["epoch"] == result.best_epoch
    assert torch.equal(first.encoder.weight, third.encoder.weight)


def test_another_runs_checkpoint_is_refused(
    tmp_path: Path, make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    options: dict[str, Any] = {"seed": 0, "metrics": ["auc"], "run_dir": tmp_path}
    fit_links(make_model(), make_split(), CONFIG, **options)
    content = (tmp_path / CHECKPOINT_NAME).read_bytes()

    def refused(match: str, split: Any = None, config: TrainConfig = CONFIG, **more: Any) -> None:
        with pytest.raises(CheckpointError, match=match):
            fit_links(make_model(), split or make_split(), config, **(options | more))

    refused(r"config.epochs = 6, this run has config.epochs = 7", config=replace(CONFIG, epochs=7))
    refused("seed = 0, this run has seed = 1", seed=1)
    refused("split.digest", split=make_split(seed=1))
    refused("metrics", metrics=["ap"])
    refused("extra.dropout = nothing", identity={"dropout": 0.5})
    (tmp_path / CHECKPOINT_NAME).write_bytes(content[: len(content) // 2])
    refused("truncated")
    assert (tmp_path / CHECKPOINT_NAME).read_bytes() == content[: len(content) // 2]


def test_patience_stops_and_evaluation_may_be_rare(
    make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    config = replace(
        CONFIG, epochs=40, evaluate_every=3, encoder_learning_rate=0.0, predictor_learning_rate=0.0
    )
    model = make_model()
    model.predictor.norm.momentum = 0.0  # nothing changes, so nothing improves
    result = fit_links(model, make_split(), replace(config, patience=6), seed=0, metrics=["auc"])
    assert [bool(record.valid) for record in result.history] == [False, False, True] * 3
    assert result.best_epoch == 3
    result = fit_links(model, make_split(), replace(config, epochs=4), seed=0, metrics=["auc"])
    assert [bool(record.test) for record in result.history] == [False, False, True, True]


def test_validation_links_help_the_test_alone(
    make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    split, sizes = make_split(), []

    def fit(split: Any) -> FitResult:
        model = make_model()
        model.encoder.register_forward_pre_hook(
            lambda module, inputs: sizes.append((module.training, inputs[1].num_edges))
        )
        return fit_links(model, split, replace(CONFIG, epochs=2), seed=0, metrics=["auc"])

    plain = fit(split)
    assert [size for training, size in sizes if not training] == [split.train_pairs.size(1)] * 2
    sizes.clear()
    helped = fit(replace(split, test_uses_valid_edges=True))
    train = split.train_pairs.size(1)
    more = train + split.valid_pairs.size(1)
    assert [size for training, size in sizes if not training] == [train, more] * 2
    assert [record.valid for record in helped.history] == [r.valid for r in plain.history]
    assert helped.test != plain.test


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_a_dtype_is_used_throughout(
    make_split: Callable[..., Any], make_model: Callable[..., Any], dtype: str
) -> None:
    model = make_model(20)
    config = replace(CONFIG, epochs=2, dtype=dtype)
    result = fit_links(model, make_split("dense"), config, seed=0, metrics=["auc"])
    assert model.encoder.weight.dtype == config.torch_dtype()
    assert 0.0 <= result.test["auc"] <= 1.0


def test_a_score_that_is_not_a_number_stops_the_run(
    tmp_path: Path, make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    model = make_model()

    def spoil(module: Any, inputs: Any, h: Tensor) -> Tensor | None:
        return None if module.training else h * torch.nan

    model.encoder.register_forward_hook(spoil)
    message = "evaluation scores are NaN after epoch 1, seed 4"
    with pytest.raises(DivergedError, match=message):
        fit_links(model, make_split(), CONFIG, seed=4, metrics=["auc"], run_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_diverged_run_keeps_its_last_checkpoint(
    tmp_path: Path, make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    model, epochs = make_model(), []

    def spoil(module: Any, inputs: Any, h: Tensor) -> Tensor | None:
        return h * torch.nan if module.training and len(epochs) == 3 else None

    model.encoder.register_forward_hook(spoil)
    options: dict[str, Any] = {"seed": 4, "metrics": ["auc"], "run_dir": tmp_path}
    with pytest.raises(DivergedError, match="loss is nan in epoch 4, batch 1 of .*, seed 4"):
        fit_links(model, make_split(), CONFIG, on_epoch=epochs.append, **options)
    checkpoint = load_checkpoint(tmp_path / CHECKPOINT_NAME)
    assert len(checkpoint.history) == 3
    assert all(bool(torch.isfinite(value).all()) for value in checkpoint.model.values())


def test_bad_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    split = make_split()

    def refused(error: type[Exception], match: str, model: Any = None, **options: Any) -> None:
        given = {"split": split, "config": CONFIG, "seed": 0, "metrics": ["auc"]}
        with pytest.raises(error, match=match):
            LinkTrainer(model or make_model(), run_dir=tmp_path / "run", **(given | options))
        assert not (tmp_path / "run").exists()

    refused(InputTypeError, "seed is 1.5", seed=1.5)
    refused(InputTypeError, "seed is True", seed=True)
    refused(InputError, "seed is -1", seed=-1)
    refused(InputTypeError, "names is 'auc'", metrics="auc")
    refused(UnknownNameError, "unknown metric 'acu'", metrics=["acu"])
    refused(InputError, "negatives", metrics=["hits@100000"])
    refused(InputError, "empty|no ", split=replace(split, test_negatives=split.test_pairs[:, :0]))
    refused(LeakError, "leaks", split=replace(split, test_pairs=split.valid_pairs))
    refused(InputError, "device is 'cuda:99'", config=replace(CONFIG, device="cuda:99"))
    refused(InputError, "nothing to train", model=make_model().requires_grad_(False))
    refused(
        InputError,
        "drop_last_batch",
        config=replace(CONFIG, batch_size=10**6, drop_last_batch=True),
    )
    refused(InputTypeError, "identity cannot be stored", identity={"a": object()})


def test_an_unwritable_folder_is_refused_before_training(
    tmp_path: Path, make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        fit_links(
            make_model(), make_split(), seed=0, metrics=["auc"], run_dir=tmp_path / "file" / "run"
        )


def test_it_says_what_it_is(make_split: Callable[..., Any], make_model: Callable[..., Any]) -> None:
    trainer = LinkTrainer(make_model(), make_split(), seed=2, metrics=["auc"])
    assert repr(trainer).startswith("LinkTrainer(TinyModel, PreparedSplit(")


def test_without_the_test_part_nothing_of_it_is_kept_or_scored(
    make_split: Callable[..., Any], make_model: Callable[..., Any], tmp_path: Path
) -> None:
    split, options = make_split(), {"seed": 0, "metrics": ["auc", "hits@10"]}
    whole = LinkTrainer(make_model(), split, CONFIG, **options).fit()
    # What is not there cannot be scored: a test part of pairs that no model could take.
    none = torch.empty(2, 0, dtype=torch.int64)
    blind = replace(split, test_pairs=none, test_negatives=none)
    for given in (split, blind, replace(split, test_uses_valid_edges=True)):
        trainer = LinkTrainer(make_model(), given, CONFIG, test=False, **options)
        assert trainer._data.test is None
        assert trainer._data.test_graph is trainer._data.graph
        result = trainer.fit()
        assert result.test == {}
        assert all(record.test == {} for record in result.history)
        assert [record.loss for record in result.history] == [r.loss for r in whole.history]
        assert result.valid == pytest.approx(whole.valid)
        assert result.best_epochs == whole.best_epochs
    with pytest.raises(InputTypeError, match="test"):
        LinkTrainer(make_model(), split, CONFIG, test=1, **options)


def test_a_run_with_the_test_part_does_not_go_on_from_one_without(
    make_split: Callable[..., Any], make_model: Callable[..., Any], tmp_path: Path
) -> None:
    options = {"seed": 0, "metrics": ["auc"], "run_dir": tmp_path}
    LinkTrainer(make_model(), make_split(), CONFIG, test=False, **options).fit()
    assert LinkTrainer(make_model(), make_split(), CONFIG, test=False, **options).fit().test == {}
    with pytest.raises(CheckpointError, match=r"split\.test"):
        LinkTrainer(make_model(), make_split(), CONFIG, **options).fit()
