"""Runs in a database file, read back by MLflow's own client."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from graphlearn.bench.runs import run
from graphlearn.bench.trackers.mlflow import MLflowTracker, mlflow_name
from graphlearn.bench.trackers.protocol import TrackedSeed
from graphlearn.errors import InputError

# SQLAlchemy 2.1 finds fault with how MLflow declares its tables.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

FINAL = {"test/hits@20": 0.5, "best_valid/hits@20": 0.75}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mlflow", "sqlalchemy", "alembic"):
        pytest.importorskip(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)


def stored(out: Path, experiment: str = "graphlearn") -> list[Any]:
    """The runs of a folder's database, the first made first."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{out / 'mlflow.db'}")
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    return list(reversed(client.search_runs([found.experiment_id])))


def history(out: Path, run_id: str, name: str) -> list[tuple[int, float]]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{out / 'mlflow.db'}")
    return [(metric.step, metric.value) for metric in client.get_metric_history(run_id, name)]


def test_seeds_side_by_side(tmp_path: Path, seeds: list[TrackedSeed]) -> None:
    tracker = MLflowTracker(tmp_path)
    for seed in seeds:
        tracker.start(seed)
    for step in (1, 2, 3):
        for number, seed in enumerate(seeds):
            tracker.log(seed, step, {"loss": step + 10.0 * number, "valid/hits@20": 0.25})
    tracker.end(seeds[0], "finished", FINAL)
    tracker.end(seeds[1], "failed", {})
    tracker.close()
    runs = {found.info.run_name: found for found in stored(tmp_path)}
    first, second = (runs[seed.label] for seed in seeds)
    assert (first.info.status, second.info.status) == ("FINISHED", "FAILED")
    assert history(tmp_path, first.info.run_id, "loss") == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert history(tmp_path, second.info.run_id, "loss") == [(1, 11.0), (2, 12.0), (3, 13.0)]
    assert history(tmp_path, first.info.run_id, "test/hits_at_20") == [(3, 0.5)]
    assert first.data.params["train.epochs"] == "3"
    assert first.data.params["metrics"] == '["hits@20"]'
    assert first.data.tags["graphlearn.recipe_folder"] == "ncn-cora-0a1b2c3d"


def test_a_resumed_seed_goes_on_in_its_run(tmp_path: Path, seeds: list[TrackedSeed]) -> None:
    seed = seeds[0]
    states = []
    for steps, outcome in (((1, 2, 3), "killed"), ((2, 3, 4), None), ((4, 5), "finished")):
        tracker = MLflowTracker(tmp_path)
        tracker.start(seed)
        for step in steps:
            tracker.log(seed, step, {"loss": float(step)})
        if outcome is not None:
            tracker.end(seed, outcome, {})
        else:
            tracker._send(tracker._seeds[seed.path])  # then a kill without warning
        states.append(stored(tmp_path)[0].info.status)
    (found,) = stored(tmp_path)
    assert states == ["KILLED", "RUNNING", "FINISHED"]
    assert history(tmp_path, found.info.run_id, "loss") == [(n, float(n)) for n in range(1, 6)]


def test_a_run_that_is_gone_is_replaced(tmp_path: Path, seeds: list[TrackedSeed]) -> None:
    from mlflow.tracking import MlflowClient

    for out in ("a", "b", "b"):
        (tmp_path / out).mkdir(exist_ok=True)
        tracker = MLflowTracker(tmp_path / out)
        tracker.start(seeds[0])
        tracker.end(seeds[0], "killed", {})
    (found,) = stored(tmp_path / "b")
    MlflowClient(f"sqlite:///{tmp_path / 'b' / 'mlflow.db'}").delete_run(found.info.run_id)
    tracker = MLflowTracker(tmp_path / "b")
    tracker.start(seeds[0])
    tracker.close()
    (other,) = stored(tmp_path / "b")
    assert other.info.run_id != found.info.run_id
    assert other.info.status == "KILLED"


def test_short_epochs_are_sent_together(
    tmp_path: Path, seeds: list[TrackedSeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    tracker = MLflowTracker(tmp_path, clock=lambda: now[0])
    tracker.start(seeds[0])
    (found,) = stored(tmp_path)
    send = tracker._client.log_batch

    def slow(*arguments: Any, **options: Any) -> None:
        now[0] += 0.15
        send(*arguments, **options)

    monkeypatch.setattr(tracker._client, "log_batch", slow)
    counts = []
    for step in range(1, 7):
        tracker.log(seeds[0], step, {"loss": 1.0})
        now[0] += 0.75
        counts.append(len(history(tmp_path, found.info.run_id, "loss")))
    assert counts == [1, 1, 3, 3, 5, 5]
    for step in range(7, 1500):
        tracker.log(seeds[0], step, {"loss": 1.0})
    tracker.end(seeds[0], "finished", {})
    assert len(history(tmp_path, found.info.run_id, "loss")) == 1499


def test_places_by_the_environment(
    tmp_path: Path, seeds: list[TrackedSeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    tracker = MLflowTracker(tmp_path / "out")
    tracker.start(seeds[0])
    tracker.end(seeds[0], "finished", {})
    assert len(stored(tmp_path, "mine")) == 1
    assert not (tmp_path / "out").exists()


@pytest.fixture
def nowhere() -> str:
    """The address of a server that is not there."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_server_that_is_not_there_is_said_before_work(
    tmp_path: Path, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", nowhere)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(InputError, match="MLflow cannot be used"):
        run("cn", "digits-knn", seeds=1, out=tmp_path, progress=False, track="mlflow")
    assert not (tmp_path / "ledger.jsonl").exists()


def test_a_server_that_goes_away_stops_nothing(
    tmp_path: Path, nowhere: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tracker = MLflowTracker(tmp_path)
    tracker._client = MlflowClient(nowhere)
    result = run("cn", "digits-knn", seeds=2, out=tmp_path, progress=False, track=[tracker])
    assert len(result.rows) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("graphlearn: MLflowTracker failed, going on without it (MlflowException")


def test_its_patience_is_short_unless_told_otherwise(
    tmp_path: Path, nowhere: str, seeds: list[TrackedSeed]
) -> None:
    from mlflow.tracking import MlflowClient

    tracker = MLflowTracker(tmp_path)
    tracker._client = MlflowClient(nowhere)
    begin = time.monotonic()
    with pytest.raises(Exception, match="Max retries exceeded"):
        tracker.start(seeds[0])
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("valid/hits@20", "valid/hits_at_20"), ("a=b|c", "a_b_c"), ("train.epochs", "train.epochs")],
)
def test_names(name: str, allowed: str) -> None:
    assert mlflow_name(name) == allowed


def test_a_run_s_figures_are_those_of_its_rows(tmp_path: Path) -> None:
    settings = {"train.epochs": 2, "encoder.hidden_channels": 4}
    result = run(
        ["cn", "gcn"], "digits-knn", seeds=1, set=settings, out=tmp_path, progress=False,
        track=["mlflow"],
    )  # fmt: skip
    runs = {found.info.run_name: found for found in stored(tmp_path)}
    assert set(runs) == {job.label for job in result.jobs}
    for job, row, curves in zip(result.jobs, result.rows, result.curves(), strict=True):
        found = runs[job.label]
        assert found.info.status == "FINISHED"
        for metric, value in row.test.items():
            assert found.data.metrics[mlflow_name(f"test/{metric}")] == pytest.approx(value)
        losses = history(tmp_path, found.info.run_id, "loss") if curves else []
        assert losses == [(c["epoch"], pytest.approx(c["loss"])) for c in curves]
