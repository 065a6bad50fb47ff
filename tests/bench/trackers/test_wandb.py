"""Runs on disk, off line, read back from the records that ``wandb sync`` would send.

W&B keeps one session a process, so each test that starts runs has a process of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import sys
from pathlib import Path
from graphlearn.bench.trackers.protocol import TrackedSeed
from graphlearn.bench.trackers.wandb import WandbTracker

out = Path("runs")
out.mkdir(exist_ok=True)
seeds = [
    TrackedSeed(f"ncn on cora, seed {n}", f"ncn-cora-0a/seed-{n}", {"seed": n, "train.epochs": 3},
                out / "ncn-cora-0a" / f"seed-{n}", f"key-{n}")
    for n in (0, 1)
]
tracker = WandbTracker(out)
"""


def python(folder: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a folder, with nobody logged in and no terminal to ask."""
    pytest.importorskip("wandb")
    kept = {name: v for name, v in os.environ.items() if not name.startswith("WANDB_")}
    root = str(Path(__file__).parents[3])
    home = {"HOME": str(folder), "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT + code], cwd=folder, env={**kept, **home, **environment},
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def records(path: Path) -> Iterator[Any]:
    """The records of a .wandb file: LevelDB's log format, in blocks of 32 KiB."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, whole = path.read_bytes(), 7, b""  # after the file's header
    while place + 7 <= len(content):
        room = 32768 - place % 32768
        if room < 7:
            place += room
            continue
        size = int.from_bytes(content[place + 4 : place + 6], "little")
        kind = content[place + 6]  # whole, first, middle, last
        whole += content[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):
            record = Record()
            record.ParseFromString(whole)
            yield record
            whole = b""


def read(out: Path) -> list[dict[str, Any]]:
    """What each folder of a run holds: name, group, settings, history, final values, exit code."""
    found = []
    for path in sorted(out.glob("wandb/offline-run-*/*.wandb")):
        seen: dict[str, Any] = {"file": path.name, "history": defaultdict(list), "summary": {}}
        for record in records(path):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                seen["name"], seen["group"] = record.run.display_name, record.run.run_group
                seen["project"] = record.run.project
                config = {u.key: json.loads(u.value_json) for u in record.run.config.update}
                seen["config"] = {**seen.get("config", {}), **config}
            elif kind == "history":
                items = {
                    item.key or "/".join(item.nested_key): json.loads(item.value_json)
                    for item in record.history.item
                }
                for name, value in items.items():
                    if not name.startswith("_"):
                        seen["history"][name].append((items["_step"], value))
            elif kind == "summary":
                for item in record.summary.update:
                    name = item.key or "/".join(item.nested_key)
                    seen["summary"][name] = json.loads(item.value_json)
            elif kind == "exit":
                seen["exit"] = record.exit.exit_code
        found.append(seen)
    return found


def test_seeds_side_by_side(tmp_path: Path) -> None:
    done = python(
        tmp_path,
        """
for seed in seeds:
    tracker.start(seed)
for step in (1, 2, 3):
    for number, seed in enumerate(seeds):
        tracker.log(seed, step, {"loss": step + 10.0 * number, "valid/hits@20": 0.25})
tracker.end(seeds[0], "finished", {"test/hits@20": 0.5})
tracker.end(seeds[1], "failed", {})
tracker.close()
print(tracker)
""",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "WandbTracker(mode='offline')\n"
    first, second = sorted(read(tmp_path / "runs"), key=lambda run: run["name"])
    assert first["name"] == "ncn on cora, seed 0"
    assert (first["group"], first["project"]) == ("ncn-cora-0a", "graphlearn")
    assert first["config"]["train.epochs"] == 3
    assert first["history"]["loss"] == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert second["history"]["loss"] == [(1, 11.0), (2, 12.0), (3, 13.0)]
    assert first["history"]["valid/hits@20"] == [(1, 0.25), (2, 0.25), (3, 0.25)]
    assert first["summary"]["test/hits@20"] == 0.5
    assert (first["exit"], second["exit"]) == (0, 1)


def test_a_resumed_seed_goes_on_in_its_run(tmp_path: Path) -> None:
    for steps, end in (((1, 2, 3), "killed"), ((2, 3, 4), "finished")):
        code = f"""
tracker.start(seeds[0])
for step in {steps}:
    tracker.log(seeds[0], step, {{"loss": float(step)}})
tracker.end(seeds[0], {end!r}, {{}})
"""
        assert python(tmp_path, code).returncode == 0
    first, second = read(tmp_path / "runs")
    assert first["file"] == second["file"]  # one id: `wandb sync` makes one run of both
    assert first["history"]["loss"] == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert second["history"]["loss"] == [(4, 4.0)]
    assert (first["exit"], second["exit"]) == (255, 0)


def test_a_kill_without_warning_loses_little(tmp_path: Path) -> None:
    code = """
import os, signal, time
tracker.start(seeds[0])
for step in (1, 2, 3):
    tracker.log(seeds[0], step, {"loss": float(step)})
    time.sleep(2)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert python(tmp_path, code).returncode == -signal.SIGKILL
    (found,) = read(tmp_path / "runs")
    # W&B writes what it has when it hears the next.
    assert found["history"]["loss"][:2] == [(1, 1.0), (2, 2.0)]
    assert "exit" not in found


def test_what_is_open_at_the_end_is_killed(tmp_path: Path) -> None:
    code = 'tracker.start(seeds[0]); tracker.log(seeds[0], 1, {"loss": 1.0}); tracker.close()'
    assert python(tmp_path, code).returncode == 0
    (found,) = read(tmp_path / "runs")
    assert found["exit"] == 255


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"WANDB_MODE": "online"}, "WANDB_MODE is 'online' and nobody is logged in"),
        ({"WANDB_MODE": "sideways"}, "W&B cannot be used"),
        (
            {"WANDB_API_KEY": 40 * "a", "WANDB_BASE_URL": "http://127.0.0.1:9"},
            "W&B cannot be used",
        ),
    ],
)
def test_refused_before_work_and_without_a_question(
    tmp_path: Path, environment: dict[str, str], words: str
) -> None:
    done = python(tmp_path, "", **environment)
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]


def test_disabled_by_the_environment(tmp_path: Path) -> None:
    code = 'tracker.start(seeds[0]); tracker.log(seeds[0], 1, {"loss": 1.0}); tracker.close()'
    done = python(tmp_path, code, WANDB_MODE="disabled")
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "runs") == []


def test_a_run_with_workers(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        """
import graphlearn
if __name__ == "__main__":
    graphlearn.run("gcn", "digits-knn", seeds=2, workers=2, out="runs", progress=False,
                   set={"train.epochs": 2, "encoder.hidden_channels": 4}, track=["wandb"])
"""
    )
    done = python(tmp_path, "import runpy; runpy.run_path('script.py', run_name='__main__')")
    assert done.returncode == 0, done.stderr
    results = {
        f"gcn on digits-knn, seed {seed}": json.loads(path.read_text())
        for seed in (0, 1)
        for path in (tmp_path / "runs").glob(f"gcn-*/seed-{seed}/result.json")
    }
    found = {seen["name"]: seen for seen in read(tmp_path / "runs")}
    assert set(found) == set(results)
    for name, result in results.items():
        losses = [(c["epoch"], pytest.approx(c["loss"])) for c in result["curves"]]
        assert found[name]["history"]["loss"] == losses
        for metric, value in result["test"].items():
            assert found[name]["summary"][f"test/{metric}"] == pytest.approx(value)
