"""Kill a training run with SIGKILL at random moments, resume it each time, and compare the bits.

    python tests/crash/kill_and_resume.py --kills 20

One run is left alone. Another, of the same settings, is killed again and again at seeded random
moments, a checkpoint being written after every epoch, and resumed until it is done; then another
one, until the wanted number of kills has met a live run. At the end of each, the weights file must
be the uninterrupted one's byte for byte, and every tensor of the checkpoint (last and best weights,
optimizer, generators) and every loss and metric of every epoch must be equal to the last bit.
Prints one line of JSON; exits with 1 at the first difference.

The worker is a process of its own that trains NCNC through the package's public loop.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import signal
import sys
import tempfile
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch_geometric.data import Data

from graphlearn.data import LinkSplit, compact_features, random_link_split
from graphlearn.files import atomic_write_text
from graphlearn.nn import NCNC, LinkModel, PropagationEncoder
from graphlearn.train import (
    CHECKPOINT_NAME,
    WEIGHTS_NAME,
    LinkTrainer,
    TrainConfig,
    fit_links,
    load_checkpoint,
)

METRICS = ("hits@20", "mrr", "auc")


def make_split() -> LinkSplit:
    """300 nodes in 15 groups, about 2,000 links, sparse features."""
    generator = torch.Generator().manual_seed(0)
    u, v = torch.triu_indices(300, 300, offset=1)
    chance = torch.where(u // 20 == v // 20, 0.5, 0.01)
    chosen = torch.rand(u.numel(), generator=generator) < chance
    x = (torch.rand(300, 200, generator=generator) < 0.05).float()
    x[torch.arange(300), torch.arange(300) // 20] = 1.0
    edge_index = torch.stack([u, v])[:, chosen]
    return random_link_split(Data(x=compact_features(x), edge_index=edge_index), seed=0)


def make_model() -> LinkModel:
    """NCNC with everything on that draws at random: every kind of dropout."""
    return LinkModel(
        PropagationEncoder(
            200,
            64,
            feature_dropout=0.3,
            dropout=0.2,
            output_dropout=0.1,
            edge_dropout=0.1,
            jumping_knowledge=True,
        ),
        NCNC(64, edge_dropout=0.2, dropout=0.1),
    )


def train(folder: Path, epochs: int, events: Connection) -> None:
    """The worker: says when it begins to train and when each epoch is done; or is killed."""
    torch.set_num_threads(1)
    split = make_split()
    config = TrainConfig(
        epochs=epochs,
        batch_size=256,
        encoder_learning_rate=0.01,
        predictor_learning_rate=0.01,
        checkpoint_seconds=0.0,
    )
    # Loads the compiled kernels, so that the moments fall into training and not into that.
    fit_links(make_model(), split, replace(config, epochs=1), seed=0, metrics=METRICS)
    torch.manual_seed(0)
    trainer = LinkTrainer(
        make_model(),
        split,
        config,
        seed=1,
        metrics=METRICS,
        run_dir=folder,
        on_epoch=lambda record: events.send(record.epoch),
    )
    events.send("training")
    result = trainer.fit()
    metrics = {"best_epoch": result.best_epoch, "valid": result.valid, "test": result.test}
    atomic_write_text(folder / "metrics.json", json.dumps(metrics))


def attempt(folder: Path, epochs: int, kill_after: float | None, in_save: bool = False) -> int:
    """Run the worker once, and kill it so many epochs (with a fraction) after it began to train.

    With ``in_save`` it then waits until a file is being written, and kills at once.
    Counting its epochs instead of seconds spreads the moments over the run on a busy machine too.
    Returns its exit code, which is negative if it was killed.
    """
    context = multiprocessing.get_context("forkserver")
    # Each worker is forked from a clean process that has imported this much and run nothing.
    context.set_forkserver_preload(["graphlearn.data", "graphlearn.nn", "graphlearn.train"])
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=train, args=(folder, epochs, there), daemon=True)
    process.start()
    there.close()
    try:
        here.recv()
        begin = time.perf_counter()
        passed = 0
        while kill_after is None or passed < int(kill_after):
            here.recv()
            passed += 1
        seconds = (time.perf_counter() - begin) / passed if passed else 0.05
        process.join(seconds * (kill_after - passed))
        while in_save and process.exitcode is None and not any(folder.glob(".*.partial")):
            pass
        process.kill()
    except EOFError:
        pass  # it ended before its moment came
    process.join()
    return process.exitcode or 0


def difference(whole: Path, other: Path) -> str:
    """What differs between two finished runs; empty if nothing does."""
    for name in (WEIGHTS_NAME, "metrics.json"):
        if (whole / name).read_bytes() != (other / name).read_bytes():
            return name
    first, second = (load_checkpoint(folder / CHECKPOINT_NAME) for folder in (whole, other))
    for group in ("model", "best", "optimizer", "rng"):
        there, here = getattr(first, group), getattr(second, group)
        if there.keys() != here.keys():
            return f"names of {group}"
        for name in there:
            if not torch.equal(there[name], here[name]):
                return f"{group}.{name}"
    for one, two in zip(first.history, second.history, strict=True):
        if (one.epoch, one.loss, one.valid, one.test) != (two.epoch, two.loss, two.valid, two.test):
            return f"record of epoch {one.epoch}"
    return ""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args(arguments)
    moments = random.Random(options.seed)
    kills = in_a_save = before_any_checkpoint = finished = 0
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole"
        if attempt(whole, options.epochs, None) != 0:
            print("the uninterrupted run failed")
            return 1
        while kills < options.kills:
            run = Path(scratch) / f"run-{finished}"
            code = -signal.SIGKILL
            while code == -signal.SIGKILL:
                # First early, so that there may be no checkpoint yet; then up to a quarter of the
                # epochs at a time, so that it takes several kills to get through. One in four
                # waits for a save to be under way.
                moment = moments.uniform(0.0, options.epochs / 4 if run.exists() else 2.0)
                in_save = moments.random() < 0.25
                wanted = kills < options.kills
                code = attempt(run, options.epochs, moment if wanted else None, in_save)
                if code == -signal.SIGKILL:
                    kills += 1
                    in_a_save += any(run.glob(".*.partial"))
                    before_any_checkpoint += not (run / CHECKPOINT_NAME).exists()
            if code != 0:
                print(f"a resumed run failed with exit code {code}")
                return 1
            finished += 1
            found = difference(whole, run)
            if found:
                print(f"after {kills} kills the resumed run differs in {found}")
                return 1
            if any(run.glob(".*.partial")):
                print("a partial file of a killed run was left behind")
                return 1
        metrics = json.loads((whole / "metrics.json").read_text())
    print(
        json.dumps(
            {
                "kills": kills,
                "in_a_save": in_a_save,
                "before_any_checkpoint": before_any_checkpoint,
                "runs_compared": finished,
                "epochs": options.epochs,
                "bit_identical": True,
                "test": metrics["test"],
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
