from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from graphlearn.errors import InputTypeError
from graphlearn.metrics import LinkEvaluator
from graphlearn.train import TrainConfig
from graphlearn.train.identity import run_identity


def test_what_decides_the_result_is_in_it(
    make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    split, model = make_split(), make_model()
    evaluator, config = LinkEvaluator(["auc"]), TrainConfig()

    def identity(**changes: Any) -> dict[str, Any]:
        given = {"model": model, "split": split, "config": config, "seed": 0}
        given |= {"evaluator": evaluator, "extra": {"recipe": "a"}}
        return run_identity(**(given | changes))

    first = identity()
    assert first == identity()
    assert identity(config=replace(config, checkpoint_seconds=0.0)) == first
    changes = {
        "seed": {"seed": 1},
        "metrics": {"evaluator": LinkEvaluator(["ap"])},
        "metrics.ties": {"evaluator": LinkEvaluator(["auc"], ties="mean")},
        "config.epochs": {"config": replace(config, epochs=3)},
        "extra.recipe": {"extra": {"recipe": "b"}},
        "split.digest": {"split": make_split(seed=1)},
        "parameter.encoder.weight": {"model": make_model(5)},
    }
    for key, change in changes.items():
        other = identity(**change)
        assert [k for k in first if other.get(k) != first[k]] == [key]
    frozen = make_model().requires_grad_(False)
    assert identity(model=frozen)["parameter.encoder.weight"] == "float32[60, 8] frozen"


def test_an_identity_that_cannot_be_stored_is_refused(
    make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    arguments = (make_model(), make_split(), TrainConfig(), 0, LinkEvaluator(["auc"]))
    for value in (object(), float("nan")):
        with pytest.raises(InputTypeError, match="identity cannot be stored"):
            run_identity(*arguments, {"recipe": value})
    # Tuples come out as JSON has them, so that a file's identity compares equal.
    assert run_identity(*arguments, {"a": (1, 2)})["extra.a"] == [1, 2]
