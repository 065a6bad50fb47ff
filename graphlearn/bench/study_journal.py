"""A study's memory: optuna's journal, JSON lines in one file, from which a killed study goes on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from graphlearn.bench.search_space import Space
from graphlearn.bench.study_trial import mean_value
from graphlearn.errors import CheckpointError, InputError
from graphlearn.extras import import_extra
from graphlearn.files import mend_json_lines, output_error
from graphlearn.train.progress import derive_seed

JOURNAL_NAME = "study.jsonl"
_STARTUP_TRIALS = 5
"""How many finished trials a median is worth something from."""

TrialState = Literal["finished", "pruned", "failed", "killed", "running"]
"""What became of a trial; a killed one was running when its process ended, and does not count."""


@dataclass(frozen=True)
class Trial:
    """One trial of a study.

    Args:
        number: Its number in the journal, from 0.
        state: What became of it.
        settings: Dotted key to the value it tried.
        value: Mean over the seeds of the best validation value; None unless it finished.
        seed_values: That of each seed.
        seconds: How long it took.
        reason: Why it failed.

    Example:
        >>> Trial(0, "finished", {"train.epochs": 5}, 0.9).counts
        True
    """

    number: int
    state: TrialState
    settings: dict[str, Any]
    value: float | None = None
    seed_values: tuple[float, ...] = ()
    seconds: float = 0.0
    reason: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is one of the trials that were asked for."""
        return self.state in ("finished", "pruned", "failed")


class TrialPruned(Exception):  # no error: nothing went wrong
    """Ends a trial that stands worse than the median of the finished ones."""


@dataclass(frozen=True)
class OpenTrial:
    """A trial in work.

    Args:
        number: Its number.
        settings: Dotted key to the value it tries.
        handle: optuna's own object.

    Example:
        >>> OpenTrial(3, {"train.epochs": 5}).settings
        {'train.epochs': 5}
    """

    number: int
    settings: dict[str, Any]
    handle: Any = field(default=None, repr=False)


def import_optuna() -> Any:
    """Return optuna.

    Raises:
        MissingExtraError: If it is not installed.
    """
    return import_extra("optuna", "storages.journal", extra="tune", purpose="graphlearn tune")


class Journal:
    """Asks optuna for trials and tells it what came of them.

    The sampler is made anew for every trial, from the study's seed and the number of trials that
    count. What it proposes is therefore decided by these and by the trials before: a study that was
    killed proposes again what was running, and goes on to the trials of an undisturbed one.

    Args:
        path: The file; made if missing. One process at a time.
        search: Dotted key to its space.
        identity: Plain values that the study in the file must agree with.
        maximize: Whether larger values are better.
        seed: Of the sampler (TPE).
        warm_up: Epochs before which no trial is pruned; None prunes none.

    Raises:
        MissingExtraError: If optuna is not installed.
        InputError: If the file is another study's.
        CheckpointError: If it is damaged.
        OutputError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / JOURNAL_NAME
        ...     search = {"train.epochs": Space("int", 1, 9)}
        ...     journal = Journal(path, search, identity={}, maximize=True, seed=0)
        ...     asked = journal.ask()
        ...     journal.finish(asked, [0.5])
        ...     Journal(path, search, identity={}, maximize=True, seed=0).trials()[0].value
        0.5
    """

    def __init__(
        self,
        path: Path,
        search: Mapping[str, Space],
        *,
        identity: Mapping[str, Any],
        maximize: bool,
        seed: int,
        warm_up: int | None = None,
    ) -> None:
        self.path, self.seed = path, seed
        # In an order of their own, so that it is no matter in which they were given.
        self.search = {key: search[key] for key in sorted(search)}
        self._optuna = optuna = import_optuna()
        mend_json_lines(path)
        # Whoever is here is alone: a lock can only be a killed process's.
        path.with_name(path.name + ".lock").unlink(missing_ok=True)
        pruner = optuna.pruners.NopPruner()
        if warm_up is not None:
            pruner = optuna.pruners.MedianPruner(
                n_startup_trials=_STARTUP_TRIALS, n_warmup_steps=warm_up
            )
        lock = optuna.storages.journal.JournalFileOpenLock(str(path))
        with _calling(optuna, path):
            try:
                backend = optuna.storages.journal.JournalFileBackend(str(path), lock_obj=lock)
                self._study = optuna.create_study(
                    storage=optuna.storages.JournalStorage(backend),
                    study_name="study",
                    direction="maximize" if maximize else "minimize",
                    pruner=pruner,
                    sampler=self._sampler(0),
                    load_if_exists=True,
                )
            except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
                raise CheckpointError(
                    f"{path} is not the journal of a study ({type(error).__name__})",
                    expected="the file that graphlearn tune wrote",
                    mend="delete it, or choose another folder with --out",
                ) from error
            self._check(identity, maximize)
            for trial in self._study.get_trials(deepcopy=False):
                if trial.state == optuna.trial.TrialState.RUNNING:
                    self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def _check(self, identity: Mapping[str, Any], maximize: bool) -> None:
        known = self._study.user_attrs
        # Through JSON, as the file has it.
        given = json.loads(json.dumps(dict(identity)))
        for name, value in given.items():
            if name not in known and not self._study.get_trials(deepcopy=False):
                self._study.set_user_attr(name, value)  # a new study, or killed at this place
            elif known.get(name) != value:
                raise InputError(
                    f"{self.path} is the journal of a study with {name} = {known.get(name)!r}",
                    expected=f"{value!r}",
                    mend="delete it, or choose another folder with --out",
                )
        assert (self._study.direction.name == "MAXIMIZE") == maximize, "decided by the identity"

    def _sampler(self, count: int) -> Any:
        seed = derive_seed(self.seed, f"trial {count}") % 2**32
        # One process: no trial runs beside another, so that there is nothing to lie about.
        return self._optuna.samplers.TPESampler(seed=seed, constant_liar=False)

    def ask(self) -> OpenTrial:
        """Begin a trial."""
        self._study.sampler = self._sampler(sum(trial.counts for trial in self.trials()))
        with _calling(self._optuna, self.path):
            trial = self._study.ask(
                {key: space.distribution(self._optuna) for key, space in self.search.items()}
            )
        settings = {key: self.search[key].value(trial.params[key]) for key in self.search}
        return OpenTrial(trial.number, settings, trial)

    def report(self, trial: OpenTrial, epoch: int, value: float) -> None:
        """Say how a trial stands.

        Args:
            trial: What :meth:`ask` gave.
            epoch: After which epoch.
            value: The best value so far.

        Raises:
            TrialPruned: If finished trials stood better at this epoch.
        """
        with _calling(self._optuna, self.path):
            trial.handle.report(value, epoch)
            if trial.handle.should_prune():
                raise TrialPruned(f"below the median at epoch {epoch}")

    def finish(self, trial: OpenTrial, values: list[float], seconds: float = 0.0) -> None:
        """Record that a trial finished.

        Args:
            trial: What :meth:`ask` gave.
            values: The value of each seed.
            seconds: How long it took.
        """
        self._tell(trial, mean_value(values), seed_values=list(values), seconds=seconds)

    def prune(self, trial: OpenTrial, seconds: float = 0.0) -> None:
        """Record that a trial was ended early.

        Args:
            trial: What :meth:`ask` gave.
            seconds: How long it took.
        """
        self._tell(trial, state=self._optuna.trial.TrialState.PRUNED, seconds=seconds)

    def fail(self, trial: OpenTrial, reason: str, seconds: float = 0.0) -> None:
        """Record that a trial failed.

        Args:
            trial: What :meth:`ask` gave.
            reason: Why, in a line.
            seconds: How long it took.
        """
        state = self._optuna.trial.TrialState.FAIL
        self._tell(trial, state=state, reason=reason, seconds=seconds)

    def _tell(
        self, trial: OpenTrial, value: float | None = None, *, state: Any = None, **noted: Any
    ) -> None:
        with _calling(self._optuna, self.path):
            # What is noted comes first: a trial that has its end has everything.
            for name, found in noted.items():
                trial.handle.set_user_attr(name, found)
            self._study.tell(trial.handle, value, state=state)

    def trials(self) -> list[Trial]:
        """Return every trial so far, in order.

        Raises:
            CheckpointError: If one is not of this search.
        """
        states = self._optuna.trial.TrialState
        words: dict[Any, TrialState] = {
            states.COMPLETE: "finished",
            states.PRUNED: "pruned",
            states.RUNNING: "running",
            states.WAITING: "running",
        }
        found = []
        for trial in self._study.get_trials(deepcopy=False):
            noted = trial.user_attrs
            reason = str(noted.get("reason", ""))
            state: TrialState = words.get(trial.state, "failed" if reason else "killed")
            try:
                settings = {
                    key: space.value(trial.params[key])
                    for key, space in self.search.items()
                    if key in trial.params  # a process can be killed between two of them
                }
            except (KeyError, TypeError) as error:
                raise CheckpointError(
                    f"trial {trial.number} of {self.path} has values of another search",
                    expected=", ".join(f"{key}={space}" for key, space in self.search.items()),
                ) from error
            value = float(trial.value) if state == "finished" else None
            found.append(
                Trial(
                    trial.number,
                    state,
                    settings,
                    value,
                    tuple(noted.get("seed_values", ())),
                    float(noted.get("seconds", 0.0)),
                    reason,
                )
            )
        return found

    def importances(self) -> dict[str, float]:
        """Return which share of the values' variance each key explains (fANOVA), largest first.

        Empty where there are too few finished trials to tell, or all have one value.
        """
        finished = [trial for trial in self.trials() if trial.state == "finished"]
        varied = [
            key
            for key in self.search
            if len({json.dumps(trial.settings[key]) for trial in finished}) > 1
        ]
        if len(finished) < 4 or not varied or len({trial.value for trial in finished}) < 2:
            return {}
        importance = import_extra("optuna.importance", extra="tune", purpose="importances")
        evaluator = importance.FanovaImportanceEvaluator(seed=0)
        found = importance.get_param_importances(self._study, evaluator=evaluator, params=varied)
        return {key: float(share) for key, share in found.items()}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"


@contextlib.contextmanager
def _calling(optuna: Any, path: Path) -> Iterator[None]:
    """Keep optuna from printing what the study says itself; a full disk is said in one line."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    except OSError as problem:
        raise output_error(path, problem) from problem
    finally:
        optuna.logging.set_verbosity(before)
