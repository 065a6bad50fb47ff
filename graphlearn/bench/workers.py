"""Seeds side by side in processes of their own.

Each worker is a fresh interpreter (spawned, not forked: threads and CUDA do not survive a fork)
that gets one job at a time through a pipe and sends back what it hears from training. The main
process alone writes the ledger.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import torch

from graphlearn import errors
from graphlearn.allocator import keep_freed_memory
from graphlearn.bench.listener import Epoch, Listener
from graphlearn.bench.plan import Job
from graphlearn.bench.recipe_yaml import recipe_from_text, recipe_text
from graphlearn.bench.run_folder import RunFolder
from graphlearn.bench.seed_result import Curves, SeedResult
from graphlearn.bench.seed_run import run_seed
from graphlearn.bench.split_source import SplitSources
from graphlearn.errors import GraphLearnError, InputError

Record = Callable[[int, SeedResult], None]


def run_in_workers(
    jobs: dict[int, Job],
    *,
    workers: int,
    threads: int,
    data_root: str | None,
    listener: Listener,
    record: Record,
) -> None:
    """Run jobs in ``workers`` processes, each with ``threads`` threads.

    A seed's result is the same as in this process with as many threads: nothing is shared but the
    folder.

    Args:
        jobs: Job number to job.
        workers: How many processes, at most one a job.
        threads: CPU threads of each.
        data_root: Folder of the data.
        listener: Hears of every step.
        record: Called in this process with each finished job's number and result.

    Raises:
        GraphLearnError: The first error that a worker met.
        InputError: If a worker died, for want of memory for example.
    """
    workers = min(workers, len(jobs))
    waiting = sorted(jobs)
    with _processes(workers, threads) as pipes:
        busy: dict[Connection, int] = {}

        def give(pipe: Connection) -> None:
            if not waiting:
                pipe.send(None)
                return
            number = waiting.pop(0)
            job = jobs[number]
            pipe.send((recipe_text(job.recipe), job.seed, str(job.folder.path), data_root))
            busy[pipe] = number
            listener.started(number)

        for pipe in pipes:
            give(pipe)
        while busy:
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                number = busy[ready]
                try:
                    kind, *values = ready.recv()
                except EOFError:
                    listener.failed(number)
                    raise InputError(
                        f"{jobs[number].label}: its process died",
                        expected="enough memory for every worker",
                        mend="use fewer workers, then run the same command again",
                    ) from None
                if kind == "epoch":
                    listener.epoch(number, Epoch(*values))
                elif kind == "finished":
                    del busy[ready]
                    result = SeedResult.from_mapping(values[0])
                    record(number, result)
                    listener.finished(number, result)
                    give(ready)
                else:
                    listener.failed(number)
                    _raise(kind, *values)


@contextlib.contextmanager
def _processes(workers: int, threads: int) -> Iterator[list[Connection]]:
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    processes: list[BaseProcess] = []
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, threads), daemon=True)
            process.start()
            theirs.close()  # so that a worker's death closes the pipe
            pipes.append(ours)
            processes.append(process)
        yield pipes
    finally:
        # Every file is written atomically, so a worker may be stopped at any moment.
        for started in processes:
            started.terminate()
        for started in processes:
            started.join()
        for pipe in pipes:
            pipe.close()


def _serve(pipe: Connection, threads: int) -> None:
    # Ctrl-C reaches the whole group; the main process alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    keep_freed_memory()
    os.environ["OMP_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)
    sources = SplitSources()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # killed main
        _serve_jobs(pipe, sources)


def _end_with_parent() -> None:
    """End at once when the main process is killed: whoever resumes its seeds must be alone."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _serve_jobs(pipe: Connection, sources: SplitSources) -> None:
    while (message := pipe.recv()) is not None:
        text, seed, folder, data_root = message
        try:
            result, _ = _run(text, seed, folder, data_root, sources, pipe)
        except GraphLearnError as error:
            pipe.send((type(error).__name__, error.given, error.expected, error.mend))
            return
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception:  # noqa: BLE001 - the main process shows it; here nobody would see it
            pipe.send(("crashed", traceback.format_exc()))
            return
        pipe.send(("finished", result.to_mapping()))


def _run(
    text: str,
    seed: int,
    folder: str,
    data_root: str | None,
    sources: SplitSources,
    pipe: Connection,
) -> tuple[SeedResult, Curves]:
    recipe = recipe_from_text(text)
    assert recipe.dataset is not None
    source = sources.of(recipe, data_root)

    def tell(epoch: Epoch) -> None:
        pipe.send(("epoch", epoch.number, epoch.loss, epoch.valid))

    split = source.make(seed)
    return run_seed(recipe, split, seed, RunFolder(folder), tell, data_root=data_root)


def _raise(kind: str, given: str, expected: str = "", mend: str = "") -> None:
    if kind == "crashed":
        raise RuntimeError(f"a worker failed:\n{given}")
    cls: type[GraphLearnError] = getattr(errors, kind)
    raise cls(given, expected=expected, mend=mend)
