"""Studies by the command line, and how the best is tested."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., tuple[int, str, str]]

TINY = ["--set", "train.epochs=2", "--set", "encoder.hidden_channels=4", "--set", "metrics=[auc]"]
STUDY = [
    "tune", "gcn/digits-knn", *TINY, "--trials", "2",
    "--search", "train.batch_size=choice(1024,4096)",
    "--search", "train.encoder_learning_rate=log(1e-3,1e-1)",
]  # fmt: skip


def test_a_study_from_search_to_test(call: Cli) -> None:
    pytest.importorskip("optuna")
    code, out, err = call(*STUDY)
    assert (code, len(err.splitlines())) == (0, 2)
    assert err.startswith("trial 0 (batch_size=")
    lines = out.splitlines()
    assert lines[0] == "2 trials: 2 finished"
    assert lines[1].startswith("best: trial ")
    assert lines[1].endswith(" (1 seed)")
    assert lines[2].startswith("  train.batch_size=")
    places = dict(line.split(": ", 1) for line in lines[4:])
    for name in ("recipe", "trials", "figure"):
        assert Path(places[name]).is_file()
    assert places["to test it"] == f"graphlearn run {places['recipe']} --seeds 10"
    words = places["to test it"].split()[1:]
    code, out, _ = call(*words[:-1], "2", "--quiet")
    assert code == 0
    assert out.splitlines()[1].split()[:3] == ["gcn-tuned", "digits-knn", "2"]


def test_the_best_is_tested_when_asked_for(call: Cli) -> None:
    pytest.importorskip("optuna")
    assert call(*STUDY, "--quiet")[2] == ""
    code, out, err = call(*STUDY, "--test", "--seeds", "1", "--no-prune")
    assert code == 0
    assert "test auc" in err
    assert "gcn-tuned" in out
    assert "to test it" not in out


def test_help_names_the_spaces(call: Cli) -> None:
    code, out, _ = call("tune", "--help")
    assert code == 0
    for word in ("log(1e-4,1e-1)", "uniform(0,0.7)", "int(1,4)", "choice(512,1152)", "--no-prune"):
        assert word in " ".join(out.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing is searched over"),
        (["--search", "train.epochs"], "--search train.epochs: expected key=space"),
        (["--search", "train.epochs=log(0,9)"], "log(0,9): expected a lower bound above 0"),
        (["--search", "train.epochs=int(9,1)"], "the lower bound first; use int(1,9)"),
        (["--search", "train.epochs=int(1.5,2)"], "expected integers"),
        (["--search", "train.epochs=choise(1,2)"], "did you mean 'choice'"),
        (["--search", "train.epoch=int(1,2)"], "did you mean 'train.epochs'"),
        (["--search", "train.epochs=int(1,2)", "--trials", "0"], "trials is 0"),
        (["--search", "train.epochs=int(1,2)", "--trials", "x"], "trials"),
        (
            ["--search", "train.epochs=int(1,2)", "--set", "train.batch_size=512,1152"],
            "--search train.batch_size=choice(512,1152)",
        ),
        (["--search", "a=int(1,2)", "--search", "a=int(1,2)"], "--search names a twice"),
    ],
)
def test_bad_words_are_one_line_and_leave_nothing(
    call: Cli, words: list[str], said: str, tmp_path: Path
) -> None:
    pytest.importorskip("optuna")
    code, out, err = call("tune", "gcn/digits-knn", *words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert said in err
    assert list(tmp_path.iterdir()) == []


def test_a_formula_is_refused(call: Cli) -> None:
    pytest.importorskip("optuna")
    code, _, err = call("tune", "cn/digits-knn", "--search", "train.epochs=int(1,2)")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "formula that is not trained" in err


def test_without_optuna(call: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    code, _, err = call(*STUDY)
    assert (code, len(err.splitlines())) == (2, 1)
    assert 'pip install "pyg-graphlearn[tune]"' in err
    assert list(tmp_path.iterdir()) == []
