from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from graphlearn.bench.search_space import Space
from graphlearn.bench.study_journal import (
    JOURNAL_NAME,
    Journal,
    OpenTrial,
    Trial,
    TrialPruned,
    import_optuna,
)
from graphlearn.errors import CheckpointError, InputError, MissingExtraError, OutputError

optuna = pytest.importorskip("optuna")

SEARCH = {
    "b.rate": Space("log", 1e-4, 1e-1),
    "a.layers": Space("int", 1, 4),
    "c.fan_out": Space("choice", values=([15, 10], [5, 5], None)),
}


def journal(folder: Path, **changes: Any) -> Journal:
    given: dict[str, Any] = {"search": SEARCH, "identity": {"recipe": "r"}, "maximize": True}
    return Journal(folder / JOURNAL_NAME, **{**given, "seed": 0, "warm_up": 2, **changes})


def worth(settings: dict[str, Any]) -> float:
    return settings["a.layers"] - abs(settings["b.rate"] - 0.01) + len(settings["c.fan_out"] or [])


def step(study: Journal) -> OpenTrial:
    """A trial whose every third runs away, and the others of which may be pruned."""
    trial = study.ask()
    value = worth(trial.settings)
    try:
        for epoch in range(1, 5):
            study.report(trial, epoch, value * epoch)
        if trial.settings["a.layers"] == 3:
            study.fail(trial, "ran away", 0.5)
        else:
            study.finish(trial, [value, value + 1], 1.5)
    except TrialPruned:
        study.prune(trial, 0.25)
    return trial


def outcomes(study: Journal) -> list[Any]:
    return [
        (trial.state, trial.settings, trial.value, trial.seed_values)
        for trial in study.trials()
        if trial.counts
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    """A study of 25 trials that nothing disturbed."""
    study = journal(tmp_path_factory.mktemp("whole"))
    for _ in range(25):
        step(study)
    return study


def test_trials_are_kept_with_all_that_is_known_of_them(whole: Journal) -> None:
    trials = whole.trials()
    assert {trial.state for trial in trials} == {"finished", "pruned", "failed"}
    for number, trial in enumerate(trials):
        assert trial.number == number
        assert all(SEARCH[key].contains(value) for key, value in trial.settings.items())
        assert list(trial.settings) == sorted(SEARCH)
        if trial.state == "finished":
            value = worth(trial.settings)
            assert trial.value == pytest.approx(value + 0.5)
            assert (trial.seed_values, trial.seconds) == ((value, value + 1), 1.5)
        else:
            assert trial.value is None
            reason = "ran away" if trial.state == "failed" else ""
            assert (trial.reason, trial.seconds) == (reason, 0.5 if reason else 0.25)
    assert journal(whole.path.parent).trials() == trials


def test_a_seed_decides_the_trials(whole: Journal, tmp_path: Path) -> None:
    (tmp_path / "same").mkdir()
    same = journal(tmp_path / "same", search=dict(reversed(SEARCH.items())))
    for _ in range(25):
        step(same)
    assert outcomes(same) == outcomes(whole)
    other = journal(tmp_path, seed=1)
    assert other.ask().settings != whole.trials()[0].settings


@pytest.mark.parametrize("killed", [[0], [3, 4], [12, 12, 20]])
def test_a_study_killed_at_any_trial_goes_on_as_if_it_had_not_been(
    whole: Journal, tmp_path: Path, killed: list[int]
) -> None:
    study = journal(tmp_path)
    kills = list(killed)
    while len(outcomes(study)) < 25:
        done = len(outcomes(study))
        if kills and kills[0] == done:
            kills.pop(0)
            trial = study.ask()
            study.report(trial, 1, 0.5)
            assert study.trials()[-1].state == "running"
            with study.path.open("ab") as file:  # the process died inside a line
                file.write(b'{"op_code":7,"wor')
            study.path.with_name(JOURNAL_NAME + ".lock").touch()  # and inside optuna's lock
            study = journal(tmp_path)
            assert study.trials()[-1].state == "killed"
            continue
        step(study)
    assert outcomes(study) == outcomes(whole)
    assert [trial.state for trial in study.trials()].count("killed") == len(killed)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.5, 0.77, 1.0])
def test_a_journal_cut_anywhere_goes_on_to_the_same_trials(
    whole: Journal, tmp_path: Path, share: float
) -> None:
    content = whole.path.read_bytes()
    (tmp_path / JOURNAL_NAME).write_bytes(content[: int(share * len(content))])
    study = journal(tmp_path)
    assert all(trial.state != "running" for trial in study.trials())
    while len(outcomes(study)) < 25:
        step(study)
    assert outcomes(study) == outcomes(whole)


def test_a_prolonged_study_is_the_longer_one(whole: Journal, tmp_path: Path) -> None:
    for _ in range(10):
        step(journal(tmp_path))
    for _ in range(15):
        step(journal(tmp_path))
    assert outcomes(journal(tmp_path)) == outcomes(whole)


def test_the_sampler_learns(whole: Journal, tmp_path: Path) -> None:
    values = [worth(trial.settings) for trial in whole.trials()]
    assert sum(values[15:]) / 10 > sum(values[:10]) / 10
    low = journal(tmp_path, maximize=False)
    for _ in range(25):
        step(low)
    falling = [worth(trial.settings) for trial in low.trials()]
    assert sum(falling[15:]) / 10 < sum(falling[:10]) / 10


def test_pruning_waits_and_can_be_left_out(tmp_path: Path) -> None:
    def pruned_at(study: Journal) -> str:
        for _ in range(6):
            trial = study.ask()
            for epoch in range(1, 5):
                study.report(trial, epoch, 1.0)
            study.finish(trial, [1.0])
        trial = study.ask()
        for epoch in range(1, 5):
            try:
                study.report(trial, epoch, 0.5)
            except TrialPruned as ended:
                return str(ended)
        return "to its end"

    for name, warm_up, said in (
        ("a", 0, "below the median at epoch 1"),
        ("b", 3, "below the median at epoch 3"),
        ("c", None, "to its end"),
    ):
        (tmp_path / name).mkdir()
        assert pruned_at(journal(tmp_path / name, warm_up=warm_up)) == said


def test_the_file_is_small_and_can_be_read(whole: Journal) -> None:
    lines = whole.path.read_text(encoding="utf-8").splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert any("[15,10]" in line for line in lines)
    assert whole.path.stat().st_size / 25 < 4000
    assert [path.name for path in whole.path.parent.iterdir()] == [JOURNAL_NAME]


def test_another_study_s_journal_is_refused(whole: Journal, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a study with recipe = 'r': expected 'other'"):
        journal(whole.path.parent, identity={"recipe": "other"})
    with pytest.raises(InputError, match="a study with more = None"):
        journal(whole.path.parent, identity={"recipe": "r", "more": [1]})
    narrow = {**SEARCH, "c.fan_out": Space("choice", values=([1],))}
    with pytest.raises(CheckpointError, match="has values of another search"):
        journal(whole.path.parent, search=narrow).trials()


@pytest.mark.parametrize("content", ['{"op_code":99}\n', "[1]\n", "hello\n{}\n", '{"a":1}\n{}\n'])
def test_a_file_that_is_no_journal(tmp_path: Path, content: str) -> None:
    (tmp_path / JOURNAL_NAME).write_text(content)
    with pytest.raises(CheckpointError, match="is not the journal of a study"):
        journal(tmp_path)


def test_a_full_disk_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = journal(tmp_path)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(optuna.storages.journal.JournalFileBackend, "append_logs", full)
    with pytest.raises(OutputError, match="study.jsonl could not be written .No space"):
        study.ask()


def test_importances(whole: Journal, tmp_path: Path) -> None:
    shares = whole.importances()
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert shares["a.layers"] + shares["c.fan_out"] > 0.8
    assert whole.importances() == shares
    few = journal(tmp_path)
    assert few.importances() == {}
    for _ in range(5):
        few.finish(few.ask(), [1.0])
    assert few.importances() == {}  # nothing to explain


def test_optuna_says_nothing_and_keeps_its_voice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = optuna.logging.get_verbosity()
    step(journal(tmp_path))
    assert optuna.logging.get_verbosity() == before == logging.INFO
    assert capsys.readouterr() == ("", "")


def test_without_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r'needs optuna.*pip install "pyg-graphlearn\[tune'):
        import_optuna()


def test_what_counts() -> None:
    states = ("finished", "pruned", "failed", "killed", "running")
    assert [Trial(0, state, {}).counts for state in states] == [True] * 3 + [False] * 2
