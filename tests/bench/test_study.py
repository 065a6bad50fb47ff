from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import networkx
import pytest

from graphlearn.bench import study
from graphlearn.bench.ledger import Ledger
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import load_recipe
from graphlearn.bench.runs import run
from graphlearn.bench.study import StudyResult, tune
from graphlearn.bench.study_journal import Trial
from graphlearn.bench.study_trial import StudySplits
from graphlearn.errors import (
    DivergedError,
    GraphLearnError,
    InputError,
    InputTypeError,
    UnknownNameError,
)
from graphlearn.files import sole_use

pytest.importorskip("optuna")

TINY = {"train.epochs": 3, "encoder.hidden_channels": 4, "metrics": ["auc", "hits@20"]}
SEARCH = {
    "train.encoder_learning_rate": "log(1e-4,1e-1)",
    "encoder.num_layers": "int(1,2)",
    "train.batch_size": [1024, 4096],
}


def search(out: Path, **changes: Any) -> StudyResult:
    given: dict[str, Any] = {"search": SEARCH, "set": TINY, "out": out, "progress": False}
    return tune("gcn", "digits-knn", **{**given, "trials": 4, "warm_up": 1, **changes})


def outcomes(found: StudyResult) -> list[Any]:
    return [(t.state, t.settings, t.value, t.reason) for t in found.trials if t.counts]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """A real study of a small recipe on two seeds."""
    return search(tmp_path_factory.mktemp("found"), seeds=2)


def test_the_best_settings_and_what_lies_in_the_folder(found: StudyResult) -> None:
    assert len(found.trials) == 4
    assert found.metric == "auc"
    assert set(found.best_settings) == set(SEARCH)
    assert found.best_value == max(trial.value or 0 for trial in found.trials)
    assert found.best_value == pytest.approx(sum(found.best.seed_values) / 2)
    assert found.test is None
    assert sorted(path.name for path in found.folder.iterdir()) == [
        "best.yaml", "history.png", "study.jsonl", "trials.csv",
    ]  # fmt: skip
    paths = (found.best_path, found.trials_path, found.figure_path)
    assert all(path.is_file() for path in paths)
    assert load_recipe(found.best_path) == found.recipe
    assert found.recipe.name == "gcn-tuned"
    assert found.recipe.seeds == (0, 1)
    assert len(found.trials_path.read_text().splitlines()) == 5


def test_a_run_of_the_best_recipe_has_the_study_s_validation_values(
    found: StudyResult, tmp_path: Path
) -> None:
    result = run(found.best_path, out=tmp_path, progress=False)
    assert [row.valid["auc"] for row in result.rows] == pytest.approx(found.best.seed_values)
    assert all(row.test for row in result.rows)


def test_the_same_call_does_nothing_again_and_can_have_the_best_tested(
    found: StudyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = found.folder.parent
    lines: list[str] = []
    monkeypatch.setattr(study, "run_trial", None)
    again = search(out, seeds=2, progress=lines.append)
    assert again == found
    assert lines == [f"{found.folder}: 4 of 4 trials were done before"]
    assert not (out / "ledger.jsonl").exists()
    tested = search(out, seeds=2, test=True)
    assert tested.test is not None
    assert [row.model for row in Ledger(out / "ledger.jsonl").rows()] == ["gcn-tuned"] * 2
    assert [row.valid["auc"] for row in tested.test.rows] == pytest.approx(found.best.seed_values)


def test_no_file_of_the_study_holds_a_test_metric(found: StudyResult) -> None:
    for name in ("study.jsonl", "trials.csv", "best.yaml"):
        assert "test" not in (found.folder / name).read_text(encoding="utf-8")


def test_one_seed_gives_the_same_study(found: StudyResult, tmp_path: Path) -> None:
    assert outcomes(search(tmp_path, seeds=2)) == outcomes(found)
    assert outcomes(search(tmp_path, seeds=2, study_seed=1, trials=1)) != outcomes(found)[:1]


KILLED = f"""
import os, signal, sys
from graphlearn.bench import study
train, trials = study.run_trial, []

def deadly(recipe, splits, report):
    def shot(epoch, value):
        report(epoch, value)
        os.kill(os.getpid(), signal.SIGKILL)

    trials.append(recipe)
    return train(recipe, splits, shot if len(trials) == 3 else report)

study.run_trial = deadly
study.tune(
    "gcn", "digits-knn", search={SEARCH!r}, set={TINY!r}, out=sys.argv[1], trials=4, warm_up=1,
    seeds=2, progress=False,
)
"""


def test_a_study_that_was_killed_goes_on_to_the_same_trials(
    found: StudyResult, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    (folder,) = tmp_path.iterdir()
    assert folder.name == found.folder.name
    assert load_recipe(folder / "best.yaml").name == "gcn-tuned"  # the best so far
    lines: list[str] = []
    resumed = search(tmp_path, seeds=2, progress=lines.append)
    assert lines[0].endswith("2 of 4 trials were done before")
    assert outcomes(resumed) == outcomes(found)
    assert [trial.state for trial in resumed.trials].count("killed") == 1


class Fake:
    """In place of training: a value of the settings, or what is to go wrong."""

    def __init__(self, *wrong: BaseException) -> None:
        self.wrong, self.calls = list(wrong), 0

    def __call__(self, recipe: Recipe, splits: StudySplits, report: Any) -> list[float]:
        self.calls += 1
        if self.wrong:
            raise self.wrong.pop(0)
        assert recipe.train is not None
        value = 1 / recipe.train.batch_size
        for epoch in range(1, recipe.train.epochs + 1):
            report(epoch, value * epoch)
        return [value] * len(recipe.seeds)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DivergedError("the loss is nan", mend="lower\nit"), "the loss is nan; lower it"),
        (MemoryError(), "out of memory: on the CPU"),
        (RuntimeError("CUDA out of memory. Tried to\nallocate"), "CUDA out of memory. Tried to"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out of memory: Default"),
        (InputError("heads is 3", expected="a divisor of 64"), "heads is 3: expected a divisor"),
    ],
)
def test_a_trial_that_fails_is_not_the_end(
    error: Exception, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "run_trial", Fake(error))
    lines: list[str] = []
    result = search(tmp_path, trials=3, progress=lines.append)
    assert [trial.state for trial in result.trials] == ["failed", "finished", "finished"]
    assert reason in result.trials[0].reason
    assert "\n" not in result.trials[0].reason
    assert "failed: " in lines[0]
    assert result.counts == "1 failed, 2 finished"
    assert result.trials[0].reason.split(",")[0] in result.trials_path.read_text()


def test_a_value_that_is_no_number_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, given = Fake(), [[float("nan")], [float("inf")]]
    monkeypatch.setattr(study, "run_trial", lambda *a: given.pop() if given else fake(*a))
    result = search(tmp_path, trials=3)
    assert result.counts == "2 failed, 1 finished"
    assert [trial.reason for trial in result.trials[:2]] == [
        "the validation value is inf", "the validation value is nan",
    ]  # fmt: skip


def test_a_real_loss_that_runs_away(tmp_path: Path) -> None:
    wild = {"train.encoder_learning_rate": [1e38, 0.01]}
    result = search(tmp_path, search=wild, trials=4)
    assert {trial.state for trial in result.trials} == {"failed", "finished"}
    assert result.best_settings == {"train.encoder_learning_rate": 0.01}


def test_a_study_of_failures_alone_says_why_and_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "run_trial", Fake(*[DivergedError("loss is nan")] * 2))
    with pytest.raises(DivergedError, match="none of 2 trials finished, the last one for: loss is"):
        search(tmp_path, trials=2)
    (folder,) = tmp_path.iterdir()
    assert (folder / "trials.csv").is_file()
    assert not (folder / "best.yaml").exists()
    assert len(search(tmp_path, trials=3).trials) == 3


def test_an_error_of_the_package_s_own_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "run_trial", Fake(RuntimeError("shape mismatch")))
    with pytest.raises(RuntimeError, match="shape mismatch"):
        search(tmp_path)


def test_ctrl_c_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake()
    monkeypatch.setattr(study, "run_trial", fake)
    whole = search(tmp_path / "whole", trials=5)
    lines: list[str] = []

    def stop(line: str) -> None:
        lines.append(line)
        if line.startswith("trial 1"):
            fake.wrong.append(KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "stopped", trials=5, progress=stop)
    assert lines[-1].endswith("stopped; the same command goes on")
    assert outcomes(search(tmp_path / "stopped", trials=5)) == outcomes(whole)


def test_settings_that_were_tried_are_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Fake()
    monkeypatch.setattr(study, "run_trial", fake)
    lines: list[str] = []
    few = {"train.batch_size": [1024, 4096]}
    result = search(tmp_path, search=few, trials=8, prune=False, progress=lines.append)
    assert fake.calls == 2
    assert len([trial for trial in result.trials if trial.value is not None]) == 8
    assert sum("as in trial" in line for line in lines) == 6


def test_a_trial_without_prospects_is_pruned_unless_none_shall_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "run_trial", Fake())
    wide = {"train.batch_size": "int(1,4096)"}
    lines: list[str] = []
    result = search(tmp_path, search=wide, trials=15, progress=lines.append)
    assert "pruned" in result.counts
    assert any("pruned, below the median at epoch 1" in line for line in lines)
    free = search(tmp_path, search=wide, trials=15, prune=False)
    assert free.counts == "15 finished"
    assert free.folder != result.folder


def test_a_line_a_trial_names_settings_value_and_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "run_trial", Fake())
    lines: list[str] = []
    search(tmp_path, search={"train.batch_size": [2]}, trials=1, progress=lines.append)
    assert len(lines) == 1
    assert lines[0].startswith("trial 0 (batch_size=2): valid auc 50.00 in ")
    assert lines[0].endswith(" s (best 50.00, trial 0)")


def test_lines_go_to_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(study, "run_trial", Fake())
    search(tmp_path, trials=2, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(" ")[:2] for line in err.splitlines()] == [["trial", "0"], ["trial", "1"]]


def test_a_graph_of_one_s_own(tmp_path: Path) -> None:
    graph = networkx.watts_strogatz_graph(80, 6, 0.1, seed=0)
    result = tune(
        "gcn", graph, search={"encoder.num_layers": [1, 2]}, trials=1, out=tmp_path,
        set={"train.epochs": 2, "encoder.hidden_channels": 4}, test=True, progress=False,
    )  # fmt: skip
    assert result.metric == "auc"
    assert result.test is not None
    assert result.recipe.dataset is not None
    assert Path(result.recipe.dataset).is_file()


def test_two_at_once_are_refused(found: StudyResult) -> None:
    with sole_use(found.folder), pytest.raises(InputError, match="in use by another run"):
        search(found.folder.parent, seeds=2)


@pytest.mark.parametrize(
    ("model", "changes", "error", "said"),
    [
        ("gcn", {"trials": 0}, InputError, "trials is 0"),
        ("gcn", {"trials": 2.5}, InputTypeError, "trials is 2.5"),
        ("gcn", {"study_seed": -1}, InputError, "study_seed is -1"),
        ("gcn", {"warm_up": -1}, InputError, "warm_up is -1"),
        ("gcn", {"prune": 1}, InputTypeError, "prune is 1"),
        ("gcn", {"search": {}}, InputError, "nothing is searched over"),
        ("gcn", {"search": {"train.epoch": "int(1,2)"}}, UnknownNameError, "'train.epochs'"),
        ("gcn", {"search": {"train.epochs": "log(0,2)"}}, InputError, "bound above 0"),
        ("gcn", {"search": {"encoder.dropout": "uniform(0,7)"}}, InputError, "dropout is 7"),
        ("gcn", {"set": {"train.epoch": 1}}, UnknownNameError, "unknown setting"),
        ("gcn", {"seeds": 0}, InputError, "seeds is 0"),
        ("gcn", {"device": "no"}, InputError, "device is 'no'"),
        ("gnc", {}, UnknownNameError, "unknown model 'gnc'"),
        ("cn", {"set": {}}, InputError, "a formula that is not trained"),
        (["gcn", "sage"], {}, InputTypeError, "expected one model"),
    ],
)
def test_bad_input_leaves_nothing_behind(
    model: Any, changes: dict[str, Any], error: type[GraphLearnError], said: str, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"search": SEARCH, "set": TINY, "out": tmp_path / "runs"}
    with pytest.raises(error, match=said) as caught:
        tune(model, "digits-knn", **{**given, "progress": False, **changes})
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_of_equal_trials_the_first_is_the_best(trained: Recipe) -> None:
    trials = tuple(Trial(n, "finished", {"a": n}, v, (v,)) for n, v in enumerate((0.1, 0.3, 0.3)))
    result = StudyResult(Path("a"), "auc", trained, trials)
    assert result.best_settings == {"a": 1}
    assert dataclasses.replace(result, metric="cross-entropy").best_settings == {"a": 0}
    assert json.dumps(result.best_settings) == '{"a": 1}'
