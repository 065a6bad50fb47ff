from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.metrics.history import (
    EpochRecord,
    FitResult,
    best_record,
    has_run_out_of_patience,
    plateaus,
    summarize,
)


def record(epoch: int, valid: dict[str, float] | None = None) -> EpochRecord:
    valid = valid or {}
    return EpochRecord(epoch, 1.0, valid, {k: v + epoch for k, v in valid.items()}, 0.25, 0.5)


def test_the_first_of_equal_epochs_is_the_best() -> None:
    history = [record(1, {"auc": 0.5}), record(2, {"auc": 0.7}), record(3), record(4, {"auc": 0.7})]
    assert best_record(history, "auc") is history[1]
    assert best_record(history, "mrr") is None
    assert best_record([], "auc") is None


def test_patience_counts_epochs_up_to_the_last_evaluation() -> None:
    history = [record(1), record(2, {"auc": 0.9}), record(3), record(4, {"auc": 0.8}), record(5)]
    assert has_run_out_of_patience(history, "auc", 2)
    assert not has_run_out_of_patience(history, "auc", 3)
    assert not has_run_out_of_patience(history, "auc", None)
    assert not has_run_out_of_patience(history[:1], "auc", 1)


def test_plateaus_are_those_of_torchs_schedule() -> None:
    values = [0.5, 0.9, 0.9, 0.8, 0.7, 0.95, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    for patience in (1, 2, 3):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, "max", factor=0.5, patience=patience, threshold=0.0
        )
        history = []
        for epoch, value in enumerate(values, 1):
            schedule.step(value)
            history.append(record(epoch, {"auc": value}))
            halvings = plateaus(history, "auc", patience)
            assert optimizer.param_groups[0]["lr"] == 0.5**halvings
    assert plateaus([record(1), record(2, {"mae": 1.0}), record(9, {"mae": 2.0})], "mae", 6) == 1


def test_each_metric_is_taken_at_its_own_best_epoch() -> None:
    history = [record(1, {"a": 0.1, "b": 0.9}), record(2, {"a": 0.3, "b": 0.2}), record(3)]
    assert summarize(7, history) == FitResult(
        seed=7,
        best_epoch=2,
        valid={"a": 0.3, "b": 0.9},
        test={"a": 2.3, "b": 1.9},
        history=history,
        seconds=2.25,
        best_epochs={"a": 2, "b": 1},
    )


def test_a_record_is_plain_and_no_evaluation_is_an_error() -> None:
    assert EpochRecord(**record(3, {"auc": 0.5}).as_dict()) == record(3, {"auc": 0.5})
    with pytest.raises(InputError, match="no epoch was evaluated"):
        summarize(0, [record(1)])


def test_the_last_evaluated_epoch_is_kept_where_nothing_may_choose() -> None:
    history = [record(1, {"auc": 0.9}), record(2, {"auc": 0.5}), record(3)]
    kept = summarize(0, history, keeps_last=True)
    assert (kept.best_epoch, kept.best_epochs, kept.valid) == (2, {"auc": 2}, {"auc": 0.5})


def test_one_metric_may_choose_the_epoch_of_all() -> None:
    history = [record(1, {"a": 0.1, "mae": 0.2}), record(2, {"a": 0.3, "mae": 0.9})]
    assert summarize(0, history, select_by="mae").best_epochs == {"a": 1, "mae": 1}
    assert summarize(0, history, select_by="mae").test["a"] == pytest.approx(1.1)
