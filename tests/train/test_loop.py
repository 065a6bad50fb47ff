from __future__ import annotations

import pytest
import torch
from torch import nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.train import LoopConfig, Trainer, loop


class Scripted(Trainer):
    """Trains nothing; its validation results are given."""

    def __init__(self, results: list[float], metric: str = "auc", **options) -> None:
        self.results = results
        options.setdefault("seed", 0)
        config = options.pop("config", LoopConfig(epochs=len(results)))
        super().__init__(nn.Linear(1, 1), config, metrics=(metric,), **options)

    def _train_epoch(self, progress, epoch: int) -> float:
        torch.rand(3)  # as dropout would
        with torch.no_grad():
            self.model.weight.fill_(epoch)
        return 1.0 / epoch

    def _evaluate(self, model, epoch):
        value = {self.metrics[0]: self.results[epoch - 1]}
        return value, {**value, f"{self.metrics[0]}/large": float(epoch)}


@pytest.mark.parametrize(("metric", "best"), [("auc", 2), ("mae", 3)])
def test_the_best_epoch_is_kept_whichever_way_the_metric_goes(metric, best) -> None:
    trainer = Scripted([0.5, 0.9, 0.1, 0.7], metric)
    result = trainer.fit()
    assert result.best_epoch == best
    assert trainer.model.weight.item() == best
    assert result.test == {metric: trainer.results[best - 1], f"{metric}/large": float(best)}


def test_patience_counts_from_the_best() -> None:
    config = LoopConfig(epochs=6, patience=2)
    result = Scripted([0.5, 0.9, 0.1, 0.7, 1.0, 1.0], config=config).fit()
    assert len(result.history) == 4


def test_the_callers_random_stream_is_left_alone() -> None:
    trainer = Scripted([0.1, 0.2])
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    trainer.fit()
    assert torch.equal(torch.rand(1), expected)


def test_autocast_where_the_hardware_has_no_instructions_for_it_is_warned_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "multiplies_bfloat16", lambda kind: False)
    with pytest.warns(UserWarning, match="^autocast is bfloat16, for which this CPU has no instr"):
        Scripted([0.1], config=LoopConfig(autocast="bfloat16"))
    monkeypatch.setattr(loop, "multiplies_bfloat16", lambda kind: True)
    Scripted([0.1], config=LoopConfig(autocast="bfloat16"))  # warnings are errors here


def test_bad_seeds_are_refused() -> None:
    with pytest.raises(InputError, match="seed is -1"):
        Scripted([0.1], seed=-1)
    with pytest.raises(InputTypeError, match="seed is True"):
        Scripted([0.1], seed=True)
