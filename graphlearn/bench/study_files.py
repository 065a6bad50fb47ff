"""What lies in a study's folder beside its journal: the best recipe, the trials, a figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graphlearn.bench.figures import png_bytes
from graphlearn.bench.labels import shown_setting
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import recipe_text
from graphlearn.bench.study_journal import Trial
from graphlearn.files import atomic_write_bytes, atomic_write_text
from graphlearn.metrics import lower_is_better, shown_value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEST_NAME, TRIALS_NAME, FIGURE_NAME = "best.yaml", "trials.csv", "history.png"


def best_trial(trials: Sequence[Trial], metric: str) -> Trial | None:
    """Return the finished trial with the best value, the first of equals.

    Args:
        trials: Of a study.
        metric: What their values are of.

    Example:
        >>> values = (0.4, 0.8, 0.8)
        >>> trials = [Trial(n, "finished", {}, value) for n, value in enumerate(values)]
        >>> best_trial(trials, "auc").number, best_trial(trials, "mae").number
        (1, 0)
    """
    sign = -1 if lower_is_better(metric) else 1
    finished = [trial for trial in trials if trial.value is not None]
    return max(finished, key=lambda trial: sign * (trial.value or 0.0), default=None)


def write_trials(trials: Sequence[Trial], recipe: Recipe | None, folder: Path) -> None:
    """Write the table of trials and, where a trial finished, the best recipe.

    Args:
        trials: So far.
        recipe: The best trial's, to be run by its file.
        folder: Where to.

    Raises:
        OutputError: If they cannot be written.
    """
    atomic_write_text(folder / TRIALS_NAME, trials_text(trials))
    if recipe is not None:
        atomic_write_text(folder / BEST_NAME, recipe_text(recipe))


def trials_text(trials: Sequence[Trial]) -> str:
    r"""Return the trials as CSV: a column a setting, and values as fractions.

    Example:
        >>> trials_text([Trial(0, "finished", {"train.epochs": 5}, 0.5, (0.5,), 1.25)])
        'trial,state,value,train.epochs,seed_values,seconds,reason\n0,finished,0.5,5,0.5,1.2,\n'
    """
    keys = list(dict.fromkeys(key for trial in trials for key in trial.settings))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", "value", *keys, "seed_values", "seconds", "reason"])
    for trial in trials:
        settings = [
            shown_setting(trial.settings[key]) if key in trial.settings else "" for key in keys
        ]
        seeds = " ".join(map(repr, trial.seed_values))
        value = "" if trial.value is None else repr(trial.value)
        seconds = f"{trial.seconds:.1f}"
        writer.writerow([trial.number, trial.state, value, *settings, seeds, seconds, trial.reason])
    return text.getvalue()


def study_figure(trials: Sequence[Trial], metric: str, importances: Mapping[str, float]) -> Figure:
    """Draw the value of each trial with the best so far, and what the settings matter.

    Args:
        trials: Of a study.
        metric: What their values are of.
        importances: Key to its share; left out where it is empty.

    Example:
        >>> figure = study_figure([Trial(0, "finished", {}, 0.9)], "auc", {"train.epochs": 1.0})
        >>> [axes.get_title() for axes in figure.axes]
        ['validation auc, %, of each trial', 'importance (fANOVA)']
    """
    # Without pyplot: it would open a window system and keep every figure in a global list.
    from matplotlib.figure import Figure as MatplotlibFigure

    figure = MatplotlibFigure(layout="constrained")
    columns = 2 if importances else 1
    figure.set_size_inches(5.2 * columns, 4.0)
    panels = figure.subplots(1, columns, squeeze=False)[0]
    finished = [(trial.number, trial.value) for trial in trials if trial.value is not None]
    numbers = [number for number, _ in finished]
    values = [shown_value(metric, value) for _, value in finished]
    better = min if lower_is_better(metric) else max
    best = [better(values[: count + 1]) for count in range(len(values))]
    panels[0].plot(numbers, values, "o", label="finished trial")
    panels[0].step(numbers, best, where="post", label="best so far")
    pruned = [trial.number for trial in trials if trial.state == "pruned"]
    if pruned:
        bottom = min(values) if values else 0.0
        panels[0].plot(pruned, [bottom] * len(pruned), "|", color="gray", label="pruned")
    unit = "" if lower_is_better(metric) else ", %"
    panels[0].set_title(f"validation {metric}{unit}, of each trial")
    panels[0].set_xlabel("trial")
    panels[0].grid(alpha=0.3)
    panels[0].legend(fontsize="small")
    if importances:
        keys = list(importances)[::-1]
        panels[1].barh(keys, [importances[key] for key in keys])
        panels[1].set_title("importance (fANOVA)")
    return figure


def write_figure(
    trials: Sequence[Trial], metric: str, importances: Mapping[str, float], folder: Path
) -> Path:
    """Write :func:`study_figure` as PNG and return its place.

    Args:
        trials: Of a study.
        metric: What their values are of.
        importances: Key to its share.
        folder: Where to.

    Raises:
        OutputError: If it cannot be written.
    """
    path = folder / FIGURE_NAME
    atomic_write_bytes(path, png_bytes(study_figure(trials, metric, importances)))
    return path
