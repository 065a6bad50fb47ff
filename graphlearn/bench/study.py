"""Studies: search the settings of a recipe by validation, without a look at the test part."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from graphlearn.bench.labels import shown_name
from graphlearn.bench.own_graph import graph_path, own_graph, stored_graph
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.run_folder import check_writable
from graphlearn.bench.run_result import RunResult
from graphlearn.bench.runs import resolve_recipes, run_recipes
from graphlearn.bench.search_space import Space, as_spaces
from graphlearn.bench.study_files import (
    BEST_NAME,
    FIGURE_NAME,
    TRIALS_NAME,
    best_trial,
    write_figure,
    write_trials,
)
from graphlearn.bench.study_journal import (
    JOURNAL_NAME,
    Journal,
    OpenTrial,
    Trial,
    TrialPruned,
    import_optuna,
)
from graphlearn.bench.study_plan import StudyPlan
from graphlearn.bench.study_trial import StudySplits, is_out_of_memory, mean_value, run_trial
from graphlearn.bench.table import show
from graphlearn.errors import DivergedError, InputError, InputTypeError
from graphlearn.files import make_folder, sole_use
from graphlearn.metrics import lower_is_better, shown_value
from graphlearn.train.threads import computing_with
from graphlearn.validate import check_flag, check_num_nodes, check_size

if TYPE_CHECKING:
    import networkx as nx
    from torch_geometric.data import Data


@dataclass(frozen=True)
class StudyResult:
    """What a study found.

    Args:
        folder: Where journal, best recipe, trials and figure are.
        metric: The first metric of the recipe, whose validation value was searched.
        recipe: The recipe with the best settings.
        trials: Every trial, in order.
        test: The run of the best recipe on the test part, if one was asked for.

    Example:
        >>> from graphlearn.bench.recipe_yaml import recipe_from_text
        >>> recipe = recipe_from_text("{name: a, model: {predictor: cn}}")
        >>> trials = (Trial(0, "finished", {"train.epochs": 5}, 0.9, (0.9,)),)
        >>> result = StudyResult(Path("runs/tune-a"), "auc", recipe, trials)
        >>> result.best_settings, result.best_value, result.counts
        ({'train.epochs': 5}, 0.9, '1 finished')
    """

    folder: Path
    metric: str
    recipe: Recipe
    trials: tuple[Trial, ...]
    test: RunResult | None = field(default=None, repr=False)

    @property
    def best(self) -> Trial:
        """The finished trial with the best value, the first of equals."""
        found = best_trial(self.trials, self.metric)
        assert found is not None, "a study without one ends in an error"
        return found

    @property
    def best_settings(self) -> dict[str, Any]:
        """The best trial's settings by dotted key."""
        return dict(self.best.settings)

    @property
    def best_value(self) -> float:
        """The best trial's value: of a share a fraction, as everywhere outside tables."""
        assert self.best.value is not None
        return self.best.value

    @property
    def counts(self) -> str:
        """How many trials ended how, in words."""
        found = Counter(trial.state for trial in self.trials)
        return ", ".join(f"{count} {state}" for state, count in sorted(found.items()))

    @property
    def best_path(self) -> Path:
        """The best recipe's file, which ``graphlearn run`` takes."""
        return self.folder / BEST_NAME

    @property
    def trials_path(self) -> Path:
        """The trials as CSV."""
        return self.folder / TRIALS_NAME

    @property
    def figure_path(self) -> Path:
        """History and importance of settings as PNG."""
        return self.folder / FIGURE_NAME


def tune(
    model: str | Path = "ncn",
    dataset: str | Path | Data | nx.Graph[Any] | None = None,
    *,
    search: Mapping[str, Space | str | Sequence[Any]],
    trials: int = 50,
    seeds: int | Sequence[int] = 1,
    set: Mapping[str, Any] | None = None,
    data_root: str | Path | None = None,
    device: str | None = None,
    out: str | Path = "runs",
    study_seed: int = 0,
    prune: bool = True,
    warm_up: int = 10,
    threads: int = 1,
    test: bool = False,
    progress: bool | Callable[[str], None] = True,
) -> StudyResult:
    """Search settings of a recipe by its validation value, with optuna (TPE, median pruning).

    The value of a trial is the mean over the seeds of the validation value of the recipe's first
    metric, at the epoch whose weights a run would keep. Trainers of trials are made without the
    test part, so that no test metric is computed before ``test``, or a run of the best recipe.

    The study is kept in a folder of its own under ``out``, named by all that decides its trials.
    The same call goes on where a killed one was: trials that finished, were pruned or failed count
    as done, and what was running is proposed and trained again. On the CPU, with the same versions
    and threads, the trials are those of an undisturbed study; with more ``trials`` it is prolonged.

    Args:
        model: A model's name, a recipe (``"ncn/cora"``), or a recipe file.
        dataset: As in :func:`graphlearn.bench.run`.
        search: Dotted key to its space: ``"log(1e-4,1e-1)"``, ``"uniform(0,0.7)"``, ``"int(1,4)"``,
            ``"choice(512,1152)"``, a list of values to choose from, or a :class:`Space`.
        trials: How many trials the study has in the end, those of earlier calls included.
        seeds: How many seeds, from 0, or which: a trial trains each of them.
        set: Changes to the recipe by dotted key, the same for all trials.
        data_root: Folder of the data.
        device: Where to train.
        out: Folder of all runs.
        study_seed: Seed of the sampler.
        prune: Whether a trial that stands worse than the median ends early; its first seed decides.
        warm_up: Epochs before which none does.
        threads: CPU threads; see :func:`graphlearn.bench.run`.
        test: Whether to run the best recipe in the end, with the study's seeds, and so compute its
            test metrics once.
        progress: Whether to print a line a trial on standard error; or what to call with it.

    Returns:
        The best settings and their value, and all trials.

    Raises:
        MissingExtraError: If optuna is not installed.
        UnknownNameError: For an unknown model, data set, key or kind of space.
        InputError: If nothing can be searched: a heuristic is not trained, folds have no validation
            part, a space holds values that the recipe refuses.
        DivergedError: If every trial failed.
        GraphLearnError: As :func:`graphlearn.bench.run` does.

    Example:
        >>> import tempfile
        >>> quick = {"train.epochs": 2, "encoder.hidden_channels": 4, "metrics": ["auc"]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found = tune("gcn", "digits-knn", search={"train.batch_size": [512, 1024]},
        ...         trials=2, set=quick, out=folder, progress=False)
        >>> len(found.trials), list(found.best_settings)
        (2, ['train.batch_size'])
    """
    trials = check_size(trials, name="trials")
    study_seed = check_num_nodes(study_seed, name="study_seed")
    warm_up = check_num_nodes(warm_up, name="warm_up")
    check_flag(prune, name="prune")
    import_optuna()
    spaces = as_spaces(search)
    if not isinstance(model, (str, Path)):
        raise InputTypeError(f"model is {model!r}", expected="one model or recipe")
    stored: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if not (dataset is None or isinstance(dataset, (str, Path))):
        data = own_graph(dataset)
        dataset = graph_path(data, out)
        stored = stored_graph(data, dataset)
    (base,) = resolve_recipes(model, dataset, seeds=seeds, device=device, set=set)
    settings = {**(set or {}), "seeds": list(base.seeds)}
    if device is not None:
        settings["train.device"] = device
    plan = StudyPlan(model, None if dataset is None else str(dataset), settings, spaces)
    plan.check_keys()
    check_writable(out)
    with stored:
        with computing_with(threads):
            splits = plan.check(data_root)
            study = _Study(plan, splits, _teller(progress))
            found = study.run(
                Path(out), trials, seed=study_seed, warm_up=warm_up if prune else None
            )
        if test:
            run = run_recipes(
                [found.recipe],
                data_root=data_root,
                out=out,
                threads=threads,
                progress=progress is not False,
            )
            found = dataclasses.replace(found, test=run)
    return found


class _Study:
    """A study in work.

    Args:
        plan: What is searched.
        splits: Of the recipe's seeds.
        tell: Told a line a trial.
    """

    def __init__(self, plan: StudyPlan, splits: StudySplits, tell: Callable[[str], None]) -> None:
        self.plan, self.splits, self.tell = plan, splits, tell
        self.metric = plan.metric

    def run(self, out: Path, trials: int, *, seed: int, warm_up: int | None) -> StudyResult:
        """Go on until there are as many trials as asked for."""
        identity = self.plan.identity(sampler="tpe", study_seed=seed, warm_up=warm_up)
        folder = self.plan.folder(identity, out)
        with sole_use(make_folder(folder)):
            journal = Journal(
                folder / JOURNAL_NAME,
                self.plan.search,
                identity=identity,
                maximize=not lower_is_better(self.metric),
                seed=seed,
                warm_up=warm_up,
            )
            known = [trial for trial in journal.trials() if trial.counts]
            if known:
                self.tell(f"{folder}: {len(known)} of {trials} trials were done before")
            try:
                for _ in range(trials - len(known)):
                    self._trial(journal)
                    self._write(journal, folder)
            except KeyboardInterrupt:
                self.tell(f"{folder}: stopped; the same command goes on")
                raise
            found = self._write(journal, folder)
            if found is None:
                last = journal.trials()[-1]
                raise DivergedError(
                    f"none of {len(journal.trials())} trials finished, the last one for: "
                    f"{last.reason or last.state}",
                    expected="one at least",
                    mend=f"narrow the search; all are in {folder / TRIALS_NAME}",
                )
            write_figure(journal.trials(), self.metric, journal.importances(), folder)
            return StudyResult(folder, self.metric, found, tuple(journal.trials()))

    def _trial(self, journal: Journal) -> None:
        trial = journal.ask()
        begin = time.perf_counter()

        def seconds() -> float:
            return round(time.perf_counter() - begin, 3)

        def report(epoch: int, value: float) -> None:
            journal.report(trial, epoch, value)

        same = [
            other
            for other in journal.trials()
            if other.state == "finished" and _text(other.settings) == _text(trial.settings)
        ]
        try:
            if same:  # it would give the same again
                journal.finish(trial, list(same[0].seed_values))
            else:
                values = run_trial(self.plan.recipe(trial.settings), self.splits, report)
                if not math.isfinite(mean_value(values)):
                    raise DivergedError(f"the validation value is {mean_value(values)}")
                journal.finish(trial, values, seconds())
        except TrialPruned as ended:
            journal.prune(trial, seconds())
            self._say(trial, f"pruned, {ended}")
            return
        except (DivergedError, InputError, InputTypeError) as error:
            # Of values that each for itself are fine, some fit no model together.
            reason = " ".join(str(error).split())
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            reason = f"out of memory: {str(error).splitlines()[0] if str(error) else 'on the CPU'}"
        else:
            found = journal.trials()[trial.number]
            assert found.value is not None
            again = f", as in trial {same[0].number}" if same else f" in {found.seconds:.1f} s"
            best = best_trial(journal.trials(), self.metric)
            assert best is not None
            assert best.value is not None
            self._say(
                trial,
                f"valid {self.metric} {self._shown(found.value)}{again} "
                f"(best {self._shown(best.value)}, trial {best.number})",
            )
            return
        torch.cuda.empty_cache()  # nothing where no GPU is in use
        journal.fail(trial, reason, seconds())
        self._say(trial, f"failed: {reason}")

    def _say(self, trial: OpenTrial, what: str) -> None:
        short = {
            key: float(f"{value:.4g}") if isinstance(value, float) else value
            for key, value in trial.settings.items()
        }
        self.tell(f"{shown_name(f'trial {trial.number}', short)}: {what}")

    def _shown(self, value: float) -> str:
        return show(self.metric, shown_value(self.metric, value))

    def _write(self, journal: Journal, folder: Path) -> Recipe | None:
        """Bring the folder's files up to date, and return the best recipe if there is one."""
        trials = journal.trials()
        best = best_trial(trials, self.metric)
        recipe = None
        if best is not None:
            base = self.plan.recipe(best.settings)
            count = sum(trial.counts for trial in trials)
            recipe = dataclasses.replace(
                base,
                name=f"{base.name}-tuned",
                title=f"{base.name}, the best of {count} trials by validation {self.metric}",
            )
        write_trials(trials, recipe, folder)
        return recipe


def _text(settings: Mapping[str, Any]) -> str:
    """Settings to be compared: of Python's values 1, 1.0 and True are equal."""
    return json.dumps(settings, sort_keys=True)


def _teller(progress: bool | Callable[[str], None]) -> Callable[[str], None]:
    """What to call with a line: a console on standard error, or nothing."""
    if not isinstance(progress, bool):
        return progress
    if not progress:
        return lambda line: None
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    return lambda line: console.print(line, markup=False, soft_wrap=True)
