"""Small stacks, and processes that train them together."""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import pickle
import runpy
import sys
import time
from collections.abc import Callable
from multiprocessing import connection
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_FILE = Path(__file__).with_name("workers.py")


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pipeline_workers", _FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_WORKERS = _load()

Tasks = list[tuple[str, dict[str, Any]]]
Came = list[list[tuple[str, Any]] | None]

_LONGEST = 240.0  # seconds, of all tasks of one start


@pytest.fixture
def workers() -> ModuleType:
    """The module ``workers.py``: stacks, data, oracles."""
    return _WORKERS


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Came]:
    """``start(processes, tasks, seconds=60, hanging=0)``: what came of each task, by rank.

    A task is the name of a function of ``workers.py`` and its arguments; what came of it is
    ``("done", its result)``, or an error's class, its text and when it came; None for a process
    that died, or is one of so many ``hanging`` ones. ``seconds`` is the time-out of messages.
    """
    context = multiprocessing.get_context("forkserver")
    # Processes are forked from a clean one that has imported this much and run nothing: that takes
    # a tenth of a second, and a fresh interpreter several.
    context.set_forkserver_preload(["graphlearn.pipeline.fit", "graphlearn.nn.deep"])

    def run(processes: int, tasks: Tasks, seconds: float = 60, hanging: int = 0) -> Came:
        file = tmp_path / f"init-{time.monotonic_ns()}"
        started = []
        for rank in range(processes):
            here, there = context.Pipe(duplex=False)
            request = {
                "rank": rank,
                "processes": processes,
                "file": str(file),
                "seconds": seconds,
                "tasks": tasks,
            }
            names = {"REQUEST": request, "PIPE": there}
            process = context.Process(
                target=runpy.run_path, args=(str(_FILE), names, "worker"), daemon=True
            )
            process.start()
            there.close()
            started.append((process, here))
        end = time.monotonic() + _LONGEST
        came: Came = [None] * processes
        waiting = {here: rank for rank, (_, here) in enumerate(started)}
        try:
            while len(waiting) > hanging and time.monotonic() < end:
                for here in connection.wait(list(waiting), timeout=1.0):
                    rank = waiting.pop(here)
                    with contextlib.suppress(EOFError):  # it died
                        came[rank] = pickle.loads(here.recv_bytes())
        finally:
            for process, _ in started:
                process.kill()
                process.join()
        bugs = [text for tasks in came for kind, text in tasks or [] if kind == "bug"]
        assert not bugs, bugs[0]
        return came

    return run


@pytest.fixture
def results(start: Callable[..., Came]) -> Callable[..., list[list[Any]]]:
    """``results(processes, tasks)``: of each task what each process returned; none may fail."""

    def run(processes: int, tasks: Tasks, **options: Any) -> list[list[Any]]:
        came = start(processes, tasks, **options)
        for rank, done in enumerate(came):
            assert done is not None, f"rank {rank} died or hangs"
            for (kind, value), task in zip(done, tasks, strict=True):
                assert kind == "done", f"rank {rank}, {task}: {kind} {value}"
        return [[done[i][1] for done in came if done is not None] for i in range(len(tasks))]

    return run
