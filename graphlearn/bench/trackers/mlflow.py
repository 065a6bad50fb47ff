"""MLflow: a run for each seed, on the tracking server or in a database in the run's folder."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphlearn.bench.trackers.protocol import Outcome, TrackedSeed
from graphlearn.bench.trackers.remembered import recall, remember
from graphlearn.errors import InputError
from graphlearn.extras import import_extra

EXPERIMENT = "graphlearn"
"""The experiment of runs, where ``MLFLOW_EXPERIMENT_NAME`` names no other."""

DATABASE_NAME = "mlflow.db"
"""The database in the run's folder, where ``MLFLOW_TRACKING_URI`` names no server."""

_PURPOSE = "tracking with MLflow"
_STATUS: dict[Outcome, str] = {"finished": "FINISHED", "failed": "FAILED", "killed": "KILLED"}
# Short epochs are sent together: what a sending took comes ten times before the next, at most 2 s.
_PAUSE, _MOST_SECONDS = 10, 2.0
_MOST_PARAMS, _MOST_METRICS = 100, 1000  # of one request, as MLflow's API has it
# MLflow's own patience with a server that is gone is four minutes, which a seed should not wait.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}


class MLflowTracker:
    """Makes a run of each seed, with its settings as parameters.

    Metrics are named as MLflow allows: ``valid/hits_at_20``. A seed that was killed without warning
    may lack what it told in the last two seconds.

    Args:
        out: The run's folder; without ``MLFLOW_TRACKING_URI`` runs go to ``out/mlflow.db``.
        clock: Seconds that never go back.

    Raises:
        MissingExtraError: If mlflow is not installed, or for a database what it needs for that.
        InputError: If the server is not reached, or the experiment cannot be made.

    Example:
        >>> mlflow_name("valid/hits@20")
        'valid/hits_at_20'
    """

    def __init__(self, out: Path | str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.check()
        out = Path(out).resolve()
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{out / DATABASE_NAME}"
        place = None
        if "MLFLOW_TRACKING_URI" not in os.environ:
            place = (out / "mlflow-artifacts").as_uri()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
        self._clock = clock
        self._seeds: dict[str, _Open] = {}
        try:
            with _impatient(), _few_words():
                self._client: Any = _mlflow().tracking.MlflowClient(uri, registry_uri=uri)
                found = self._client.get_experiment_by_name(name)
                self._experiment = (
                    self._client.create_experiment(name, artifact_location=place)
                    if found is None
                    else found.experiment_id
                )
        except Exception as error:
            text = " ".join(str(error).split())
            raise InputError(
                f"MLflow cannot be used ({text[:300]})",
                expected="a tracking server that answers, in MLFLOW_TRACKING_URI, or none there",
            ) from error

    @staticmethod
    def check() -> None:
        """Raise unless the packages are installed.

        Raises:
            MissingExtraError: If one is not.
        """
        _mlflow()
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            for package in ("sqlalchemy", "alembic"):
                import_extra(package, extra="mlflow", purpose=f"{_PURPOSE} without a server")

    def start(self, seed: TrackedSeed) -> None:
        """Start a run, or go on with the one that the seed's folder remembers."""
        with _impatient():
            known = recall(seed, "mlflow").get("run")
            last = None if known is None else self._reopened(str(known))
            if known is None or last is None:
                known, last = self._new_run(seed), 0
                remember(seed, "mlflow", run=known)
        self._seeds[seed.path] = _Open(str(known), last, sent=self._clock())

    def log(self, seed: TrackedSeed, step: int, values: Mapping[str, float]) -> None:
        """Keep the values, unless the run has them; send what is kept, but not too often."""
        found = self._seeds[seed.path]
        if step <= found.last:
            return
        found.last = step
        found.add(values, step)
        if self._clock() - found.sent >= found.pause:
            self._send(found)

    def end(self, seed: TrackedSeed, outcome: Outcome, values: Mapping[str, float]) -> None:
        """Send what is left and the final values, and give the run its status."""
        found = self._seeds.pop(seed.path, None)
        if found is None:  # interrupted while it started
            return
        found.add(values, found.last)
        self._send(found)
        with _impatient():
            self._client.set_terminated(found.run, status=_STATUS[outcome])

    def close(self) -> None:
        """Give runs of seeds that did not end their status."""
        while self._seeds:
            _, found = self._seeds.popitem()
            self._send(found)
            with _impatient():
                self._client.set_terminated(found.run, status=_STATUS["killed"])

    def _new_run(self, seed: TrackedSeed) -> str:
        tags = {"graphlearn.recipe_folder": seed.group}
        run = self._client.create_run(self._experiment, run_name=seed.label, tags=tags)
        found = str(run.info.run_id)
        param = _mlflow().entities.Param
        params = [param(mlflow_name(name), str(value)) for name, value in seed.config.items()]
        for begin in range(0, len(params), _MOST_PARAMS):
            self._client.log_batch(found, params=params[begin : begin + _MOST_PARAMS])
        return found

    def _reopened(self, run: str) -> int | None:
        """The last step of a run that goes on; None if there is no such run (any more)."""
        try:
            found = self._client.get_run(run)
        except _mlflow().exceptions.MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":  # another server than before
                return None
            raise
        if found.info.lifecycle_stage == "deleted":
            return None
        self._client.update_run(run, status="RUNNING")
        return max((m.step for m in self._client.get_metric_history(run, "loss")), default=0)

    def _send(self, found: _Open) -> None:
        metric = _mlflow().entities.Metric
        metrics = [metric(*values) for values in found.kept]
        begun = self._clock()
        with _impatient():
            for begin in range(0, len(metrics), _MOST_METRICS):
                self._client.log_batch(found.run, metrics=metrics[begin : begin + _MOST_METRICS])
        found.kept.clear()
        found.sent = self._clock()
        found.pause = min(_MOST_SECONDS, _PAUSE * (found.sent - begun))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


@dataclass
class _Open:
    """A run that goes on: its id, its last step, when and how often to send, what is not sent."""

    run: str
    last: int
    sent: float
    pause: float = 0.0
    kept: list[tuple[str, float, int, int]] = field(default_factory=list)

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Keep values with the time at which they came."""
        now = int(1000 * time.time())
        self.kept += [(mlflow_name(name), float(v), now, step) for name, v in values.items()]


def _mlflow() -> Any:
    modules = ("entities", "exceptions", "tracking")
    return import_extra("mlflow", *modules, extra="mlflow", purpose=_PURPOSE)


def mlflow_name(name: str) -> str:
    """Return a metric's name in the letters that MLflow allows.

    Args:
        name: The name.

    Example:
        >>> mlflow_name("test/all-bits/n20"), mlflow_name("train.epochs")
        ('test/all-bits/n20', 'train.epochs')
    """
    return re.sub(r"[^\w./ -]", "_", name.replace("@", "_at_"))


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Let MLflow give up on a server soon, unless the environment says how soon.

    The environment is the only place where its client looks for that.
    """
    added = [name for name in _PATIENCE if name not in os.environ]
    os.environ.update({name: _PATIENCE[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextlib.contextmanager
def _few_words() -> Iterator[None]:
    """Keep MLflow from telling of the tables that it makes in a new database."""
    loggers = [logging.getLogger(name) for name in ("mlflow.store.db.utils", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
