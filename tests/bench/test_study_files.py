from __future__ import annotations

import csv
import io
from pathlib import Path

from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import load_recipe
from graphlearn.bench.study_files import (
    best_trial,
    study_figure,
    trials_text,
    write_figure,
    write_trials,
)
from graphlearn.bench.study_journal import Trial

SETTINGS = {"train.batch_size": 512, "train.fan_out": [15, 10]}
TRIALS = (
    Trial(0, "finished", SETTINGS, 0.5, (0.25, 0.75), 1.0),
    Trial(1, "pruned", SETTINGS, seconds=0.5),
    Trial(2, "failed", SETTINGS, reason='a, "b"'),
    Trial(3, "killed", {}),
    Trial(4, "finished", SETTINGS, 0.625, (0.5, 0.75), 1.0),
    Trial(5, "finished", SETTINGS, 0.625, (0.5, 0.75), 1.0),
)


def test_the_best_by_the_metric_s_direction() -> None:
    assert best_trial(TRIALS, "auc") is TRIALS[4]
    assert best_trial(TRIALS, "mae") is TRIALS[0]
    assert best_trial(TRIALS[1:4], "auc") is None
    assert best_trial((), "auc") is None


def test_the_table_of_trials_reads_back() -> None:
    rows = list(csv.DictReader(io.StringIO(trials_text(TRIALS))))
    assert [row["state"] for row in rows] == [trial.state for trial in TRIALS]
    assert rows[0] == {
        "trial": "0", "state": "finished", "value": "0.5", "train.batch_size": "512",
        "train.fan_out": "[15,10]", "seed_values": "0.25 0.75", "seconds": "1.0", "reason": "",
    }  # fmt: skip
    assert rows[2]["reason"] == 'a, "b"'
    assert rows[3]["train.batch_size"] == ""
    assert trials_text([]) == "trial,state,value,seed_values,seconds,reason\n"


def test_files(trained: Recipe, tmp_path: Path) -> None:
    write_trials(TRIALS, None, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["trials.csv"]
    write_trials(TRIALS, trained, tmp_path)
    assert load_recipe(tmp_path / "best.yaml") == trained
    path = write_figure(TRIALS, "auc", {}, tmp_path)
    assert path.read_bytes()[1:4] == b"PNG"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best.yaml", "history.png", "trials.csv",
    ]  # fmt: skip


def test_the_figure_draws_shares_in_percent_and_the_best_so_far() -> None:
    figure = study_figure(TRIALS, "auc", {"train.batch_size": 0.75, "train.fan_out": 0.25})
    values, best, pruned = figure.axes[0].lines
    assert list(values.get_xdata()) == [0, 4, 5]
    assert list(best.get_ydata()) == [50.0, 62.5, 62.5]
    assert list(pruned.get_xdata()) == [1]
    labels = [text.get_text() for text in figure.axes[1].get_yticklabels()]
    assert labels == ["train.fan_out", "train.batch_size"]  # the first stands on top
    falling = study_figure(TRIALS, "mae", {})
    assert list(falling.axes[0].lines[1].get_ydata()) == [0.5, 0.5, 0.5]
    assert falling.axes[0].get_title() == "validation mae, of each trial"


def test_a_study_of_which_no_trial_finished_can_be_drawn() -> None:
    assert len(study_figure(TRIALS[1:2], "auc", {}).axes) == 1
