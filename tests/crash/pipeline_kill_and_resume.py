"""Kill a process of a pipelined training at random moments, resume each time, compare the bits.

    python tests/crash/pipeline_kill_and_resume.py --kills 10
    python tests/crash/pipeline_kill_and_resume.py --kills 3 --elastic

One training on four stages is left alone. Another is killed again and again: a random process of
it, by SIGKILL, at a seeded random moment of a random epoch. The others must end by themselves, with
the name of the one that is gone. It is then started again, on four stages or on two, from the last
checkpoint, until it is done. The loss of every epoch, also of those that were trained twice, and
every byte of the last checkpoint must be the undisturbed run's. Prints one line of JSON; exits with
1 at the first difference.

With ``--elastic`` nothing is started again here: ``torchrun --max-restarts`` does it, on two
stages.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from multiprocessing import connection
from pathlib import Path

import torch
import torch.distributed as dist
from torch_geometric.data import Data

from graphlearn.nn.deep import deep_stack
from graphlearn.pipeline import PeerLostError, PipelineEpoch, PipelineTrainer, train

STAGES, ELASTIC_STAGES, EVERY, SECONDS = 4, 2, 3, 120
LOST = 3  # exit code


def make_trainer(stages: int) -> PipelineTrainer:
    """GCNII of eight layers with dropout on 300 nodes; the history is renewed every other epoch."""
    torch.manual_seed(0)
    stack = deep_stack("gcnii", 16, 32, 5, num_layers=8, dropout=0.3)
    generator = torch.Generator().manual_seed(0)
    data = Data(
        x=torch.randn(300, 16, generator=generator),
        edge_index=torch.randint(300, (2, 2000), generator=generator),
        y=torch.randint(5, (300,), generator=generator),
    )
    data.train_mask = torch.rand(300, generator=generator) < 0.5
    return PipelineTrainer(stack, data, stages=stages, chunks=8, refresh=2)


def work(
    rank: int, stages: int, meeting: str, folder: Path, epochs: int, events: connection.Connection
) -> None:
    """One process: tells of each epoch; exits with LOST if another one was killed."""
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{meeting}",
        rank=rank,
        world_size=stages,
        timeout=timedelta(seconds=SECONDS),
    )

    def tell(record: PipelineEpoch) -> None:
        events.send((rank, record.epoch, record.loss))

    code = 0
    try:
        train(make_trainer(stages), epochs, folder=folder, every=EVERY, on_epoch=tell)
    except PeerLostError as error:
        events.send((rank, None, error.given))
        code = LOST
    events.close()
    os._exit(code)


class Fault(Exception):
    """What must not be."""


def attempt(
    folder: Path, stages: int, epochs: int, losses: dict[int, float], kill: tuple[int, float] | None
) -> bool:
    """Train, and kill a rank so many epochs (with a fraction) after the start; whether it was.

    Losses are checked against those of the same epochs that are there, or put there.
    """
    context = multiprocessing.get_context("forkserver")
    # Each process is forked from a clean one that has imported this much and run nothing.
    context.set_forkserver_preload(["graphlearn.pipeline", "graphlearn.nn.deep"])
    meeting = tempfile.mktemp(dir=folder.parent)
    processes, pipes = [], []
    for rank in range(stages):
        here, there = context.Pipe(duplex=False)
        arguments = (rank, stages, meeting, folder, epochs, there)
        processes.append(context.Process(target=work, args=arguments, daemon=True))
        processes[-1].start()
        there.close()
        pipes.append(here)
    done, last, pace = 0, time.perf_counter(), 0.05
    killed = False
    texts: list[str] = []
    while pipes:
        wait = SECONDS * 2.0
        if kill is not None and not killed and done >= int(kill[1]):
            # In the middle of an epoch, by how long the one before it took; or of its save.
            wait = max(0.0, last + pace * (kill[1] % 1) - time.perf_counter())
        ready = connection.wait(pipes, timeout=wait)
        if not ready:
            if kill is None or killed:
                raise Fault("a process hangs")
            processes[kill[0]].kill()
            killed = True
        for pipe in ready:
            try:
                rank, epoch, found = pipe.recv()
            except EOFError:
                pipes.remove(pipe)
                continue
            if epoch is None:
                texts.append(found)
                continue
            if losses.setdefault(epoch, found) != found:
                raise Fault(f"the loss of epoch {epoch} is {found} after {losses[epoch]}")
            if rank == 0:
                now = time.perf_counter()
                done, pace, last = done + 1, now - last, now
    codes = []
    for process in processes:
        process.join()
        codes.append(process.exitcode)
    if not killed or kill is None or codes[kill[0]] == 0:
        if any(codes):
            raise Fault(f"exit codes {codes}")
        return False  # it ended before its moment came
    others = codes[: kill[0]] + codes[kill[0] + 1 :]
    # Who had its last message already may end well.
    if any(code not in (0, LOST) for code in others):
        raise Fault(f"rank {kill[0]} was killed, exit codes {codes}")
    if any(not text.startswith(f"rank {kill[0]} ") for text in texts):
        raise Fault(f"rank {kill[0]} was killed, and others say {texts}")
    return True


def difference(whole: Path, other: Path) -> str:
    """The first file of the last checkpoint that differs; empty if none does."""
    last = max(entry.name for entry in whole.iterdir())
    names = sorted(entry.name for entry in (whole / last).iterdir())
    if not (other / last).is_dir():
        return last
    if names != sorted(entry.name for entry in (other / last).iterdir()):
        return f"names in {last}"
    pairs = ((name, whole / last / name, other / last / name) for name in names)
    return next((name for name, a, b in pairs if a.read_bytes() != b.read_bytes()), "")


# By torchrun #####################################################################################


def elastic_worker(folder: Path, epochs: int) -> None:
    """What torchrun starts: writes its number of the process and of each epoch."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(seconds=SECONDS))
    rank, turn = dist.get_rank(), os.environ["TORCHELASTIC_RESTART_COUNT"]
    mark = folder.parent / f"turn-{turn}-rank-{rank}"

    def tell(record: PipelineEpoch) -> None:
        with mark.open("a") as file:
            file.write(f"{os.getpid()} {record.epoch} {record.loss!r}\n")

    train(make_trainer(dist.get_world_size()), epochs, folder=folder, every=EVERY, on_epoch=tell)
    dist.destroy_process_group()


def run_elastic(
    folder: Path, epochs: int, losses: dict[int, float], kills: int, moments: random.Random
) -> None:
    """One torchrun, in which a random worker is killed after a random epoch, so many times."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
        *(
            f"--nproc-per-node={ELASTIC_STAGES}",
            f"--max-restarts={kills}",
            "--monitor-interval=0.1",
        ),
        *(__file__, "--worker", str(folder), "--epochs", str(epochs)),
    ]
    # Without the variable a restart may meet the old group's store (pytorch issue 135712).
    variables = os.environ | {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True)
    try:
        for turn in range(kills):
            rank = moments.randrange(ELASTIC_STAGES)
            wanted = moments.randint(1, max(1, epochs // (kills + 1)))
            mark = folder.parent / f"turn-{turn}-rank-{rank}"
            end = time.monotonic() + SECONDS
            while len(lines := mark.read_text().split("\n")[:-1] if mark.exists() else []) < wanted:
                if process.poll() is not None or time.monotonic() > end:
                    raise Fault(f"turn {turn}: no epoch")
                time.sleep(0.002)
            time.sleep(moments.uniform(0.0, 0.05))
            os.kill(int(lines[0].split()[0]), signal.SIGKILL)
        _, text = process.communicate(timeout=SECONDS * 2)
    except (ProcessLookupError, subprocess.TimeoutExpired) as problem:
        raise Fault(f"torchrun: {problem}") from problem
    finally:
        process.kill()
    if process.returncode:
        raise Fault(f"torchrun ended with {process.returncode}: {text[-3000:]}")
    for mark in folder.parent.glob("turn-*"):
        for line in mark.read_text().splitlines():
            _, epoch, loss = line.split()
            if losses[int(epoch)] != float(loss):
                raise Fault(f"the loss of epoch {epoch} is {loss} after {losses[int(epoch)]}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--elastic", action="store_true", help="let torchrun start it again")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker is not None:
        elastic_worker(options.worker, options.epochs)
        return 0
    moments = random.Random(options.seed)
    losses: dict[int, float] = {}
    kills = finished = resumed_on_two = 0
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole"
        try:
            attempt(whole, STAGES, options.epochs, losses, None)
            while kills < options.kills:
                run = Path(scratch) / f"run-{finished}"
                if options.elastic:
                    run_elastic(run, options.epochs, losses, options.kills, moments)
                    kills = options.kills
                else:
                    killed, stages = True, STAGES
                    while killed:
                        part = options.epochs / 3  # several kills to get through
                        kill = (moments.randrange(stages), moments.uniform(0.0, part))
                        last = None if kills >= options.kills else kill
                        killed = attempt(run, stages, options.epochs, losses, last)
                        kills += killed
                        stages = moments.choice([2, STAGES])
                        resumed_on_two += killed and stages == 2
                finished += 1
                found = difference(whole, run)
                if found:
                    raise Fault(f"after {kills} kills the resumed run differs in {found}")
        except Fault as fault:
            print(fault)
            return 1
    told = {
        "kills": kills,
        "elastic": options.elastic,
        "resumed_on_two_stages": resumed_on_two,
        "runs_compared": finished,
        "epochs": options.epochs,
        "bit_identical": True,
        "loss": losses[options.epochs - 1],
    }
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
