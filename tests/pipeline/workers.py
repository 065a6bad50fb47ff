"""Small stacks and what processes do with them; run as ``worker`` it is one of these processes.

Loaded by its path (see ``conftest.py``), in the tests as in the processes that they start.
"""

from __future__ import annotations

import os
import pickle
import signal
import time
import traceback
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR, StepLR
from torch_geometric.data import Data

from graphlearn.errors import GraphLearnError
from graphlearn.kernels import spmm
from graphlearn.metrics.history import EpochRecord
from graphlearn.nn.deep import deep_stack
from graphlearn.pipeline import (
    GraphChunk,
    Layout,
    PipelineEpoch,
    PipelineTrainer,
    load_checkpoint,
    save_checkpoint,
    simulate_epoch,
    train,
)
from graphlearn.pipeline.borders import Borders
from graphlearn.pipeline.config import NodeTrainConfig
from graphlearn.pipeline.fit import fit_nodes, make_node_trainer
from graphlearn.pipeline.forecast import forecast, measure_link
from graphlearn.pipeline.links import StageLink, WayExchange
from graphlearn.pipeline.node_scores import score_nodes
from graphlearn.pipeline.place import Place
from graphlearn.pipeline.profile import PipelineProfile, gather_profile
from graphlearn.pipeline.records import Turn
from graphlearn.pipeline.schedule import chunk_order
from graphlearn.pipeline.stage import Passing, apply_layer, reads_halo, seeded
from graphlearn.pipeline.widths import LayerWidth

NODES, FEATURES, HIDDEN, CLASSES = 40, 6, 8, 3


# Layers that say in a line what they are ########################################################


class First(nn.Linear):
    """Each node by itself; what it gives travels along."""

    reads_halo = False
    sets_initial = True

    def forward(self, x: Tensor, chunk: GraphChunk) -> Tensor:
        return super().forward(x).relu()


class Last(nn.Linear):
    """Each node by itself."""

    reads_halo = False

    def forward(self, x: Tensor, chunk: GraphChunk) -> Tensor:
        return super().forward(x)


class Sum(nn.Linear):
    """Sums over neighbors."""

    def forward(self, x: Tensor, chunk: GraphChunk) -> Tensor:
        return super().forward(spmm(chunk.rowptr, chunk.col, x, chunk.weight)).tanh()


class Mixed(Sum):
    """Sums over neighbors, drops, and adds what the first layer gave."""

    takes_initial = True
    dropout = 0.0

    def forward(self, x: Tensor, chunk: GraphChunk, initial: Tensor) -> Tensor:  # type: ignore[override]
        out = F.dropout(super().forward(x, chunk), self.dropout, self.training)
        return out + x[: chunk.num_nodes] + 0.1 * initial


class Dropping(Mixed):
    dropout = 0.3


class Poison(Last):
    """Computes NaN, or a gradient of NaN, from some call in training on."""

    def __init__(self, size: int, what: str, after: int = 0) -> None:
        super().__init__(size, size)
        self.what, self.left = what, after

    def forward(self, x: Tensor, chunk: GraphChunk) -> Tensor:
        out = super().forward(x, chunk)
        self.left -= self.training
        if self.left >= 0:
            return out
        if self.what == "rows":
            return out + float("nan")
        if self.what == "gradients":  # the derivative of the root is infinite at 0
            return out + (out * 0.0).abs().sqrt()
        raise ValueError("no more")


class Trouble(Last):
    """Dies or hangs in the middle of an epoch, on the process that has it."""

    def __init__(self, size: int, what: str, after: int, mark: str) -> None:
        super().__init__(size, size)
        self.what, self.left, self.mark = what, after, mark

    def forward(self, x: Tensor, chunk: GraphChunk) -> Tensor:
        self.left -= self.training
        if self.left < 0:
            Path(self.mark).write_text(str(time.time()))
            if self.what == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.what == "raise":
                raise ValueError("no more")
            time.sleep(60)
        return super().forward(x, chunk)


class Bare(nn.Module):
    """Sums over neighbors without weights."""

    def forward(self, x: Tensor, chunk: GraphChunk) -> Tensor:
        return spmm(chunk.rowptr, chunk.col, x, chunk.weight)


def make_stack(
    kind: str, dtype: torch.dtype = torch.float64, draw: int = 0, **options: Any
) -> nn.ModuleList:
    """A stack by name, the same in every process."""
    torch.manual_seed(draw)
    if kind == "bare":
        inner = [First(FEATURES, HIDDEN), Last(HIDDEN, CLASSES)]
        return nn.ModuleList([Bare(), *inner, Bare()]).to(dtype)
    toys = {"sum": Sum, "mixed": Mixed, "dropping": Dropping}
    if kind == "ends":
        middle = []
    elif kind in toys:
        middle = [toys[kind](HIDDEN, HIDDEN) for _ in range(4)]
    elif kind == "early":  # the first rows are wanted by the second layer, and no more
        middle = [Mixed(HIDDEN, HIDDEN), *(Sum(HIDDEN, HIDDEN) for _ in range(3))]
    elif kind.startswith(("rows", "gradients")):
        middle = [Sum(HIDDEN, HIDDEN) for _ in range(3)]
        middle.insert(2, Poison(HIDDEN, kind, **options))
    elif kind in ("kill", "hang", "raise"):
        middle = [Sum(HIDDEN, HIDDEN), Trouble(HIDDEN, kind, **options)]
    else:
        return deep_stack(kind, FEATURES, HIDDEN, CLASSES, num_layers=4, **options).to(dtype)
    stack = [First(FEATURES, HIDDEN), *middle, Last(HIDDEN, CLASSES)]
    return nn.ModuleList(stack).to(dtype)


def make_data(dtype: torch.dtype = torch.float64) -> Data:
    """Loops and repeated edges are likely, two nodes have none, half of them are trained on."""
    generator = torch.Generator().manual_seed(1)
    data = Data(
        x=torch.randn(NODES, FEATURES, generator=generator, dtype=torch.float64).to(dtype),
        edge_index=torch.randint(NODES - 2, (2, 150), generator=generator),
        y=torch.randint(CLASSES, (NODES,), generator=generator),
    )
    data.train_mask = torch.rand(NODES, generator=generator) < 0.5
    return data


def normalization(kind: str) -> str | None:
    """Own layers take the chunk's weights; those of graphlearn.nn.deep have rules of their own."""
    return "gcn" if kind in ("sum", "mixed", "dropping", "early", "bare") else None


SCHEDULES = {
    "step": lambda optimizer: StepLR(optimizer, 2, gamma=0.3),
    "cosine": lambda optimizer: CosineAnnealingLR(optimizer, 7, eta_min=1e-4),
    "warm": lambda optimizer: SequentialLR(
        optimizer, [LinearLR(optimizer, 0.1, total_iters=3), StepLR(optimizer, 2)], [3]
    ),
}


def make_trainer(
    kind: str,
    *,
    dtype: torch.dtype = torch.float64,
    draw: int = 0,
    lr: float = 0.01,
    layer: dict | None = None,
    schedule: str | None = None,
    **options: Any,
) -> PipelineTrainer:
    stack = make_stack(kind, dtype, draw, **(layer or {}))
    options.setdefault("optimizer", lambda parameters: torch.optim.Adam(parameters, lr=lr))
    options["schedule"] = SCHEDULES.get(schedule)
    return PipelineTrainer(stack, make_data(dtype), normalization=normalization(kind), **options)


# Oracles ########################################################################################


def summed_loss(out: Tensor, nodes: Tensor, data: Data) -> Tensor:
    """The sum over training nodes among some, over their number in the whole graph."""
    chosen = data.train_mask[nodes]
    if not chosen.any():
        return out.sum() * 0.0
    value = F.cross_entropy(out[chosen], data.y[nodes[chosen]], reduction="sum")
    return value * (1.0 / int(data.train_mask.sum()))


def run_layers(layers: nn.ModuleList, x: Tensor, chunk: GraphChunk) -> Tensor:
    """A stack on a graph that is one chunk: what plain training calls."""
    initial = None
    for layer in layers:
        more = (initial,) if getattr(layer, "takes_initial", False) else ()
        x = layer(x, chunk, *more)
        if getattr(layer, "sets_initial", False):
            initial = x
    return x


def train_plainly(kind: str, epochs: int, dtype: torch.dtype = torch.float64) -> list[dict]:
    """Full-graph training with autograd, no chunks, no pipeline: loss and gradients an epoch."""
    stack, data = make_stack(kind, dtype), make_data(dtype)
    graph = Layout(data.edge_index, NODES, 1, normalization=normalization(kind), dtype=dtype)
    optimizer = torch.optim.Adam(stack.parameters(), lr=0.01)
    epochs_done = []
    for _ in range(epochs):
        optimizer.zero_grad()
        out = run_layers(stack, data.x, graph.chunk(0))
        loss = summed_loss(out, torch.arange(NODES), data)
        loss.backward()
        epochs_done.append({"loss": float(loss.detach()), "gradients": gradients_of(stack)})
        optimizer.step()
    return epochs_done


def simulate(
    kind: str,
    epochs: int,
    *,
    chunks: int,
    ways: int = 1,
    gamma: float = 2.0,
    refresh: int = 1,
    shuffle: bool = True,
    dtype: torch.dtype = torch.float64,
) -> list[dict]:
    """Training by the simulator; with more ways the chunks are those of a layout with these."""
    stack, data = make_stack(kind, dtype), make_data(dtype)
    options: dict[str, Any] = {"normalization": normalization(kind), "dtype": dtype}
    chunk_of = Layout(data.edge_index, NODES, chunks, ways, seed=0, **options).chunk_of
    layout = Layout(data.edge_index, NODES, chunks, chunk_of=chunk_of, **options)
    parts = [layout.chunk(number) for number in range(chunks)]
    optimizer = torch.optim.Adam(stack.parameters(), lr=0.01)
    history = first_history(stack, parts, data.x)
    epochs_done = []
    for epoch in range(epochs):
        optimizer.zero_grad()
        simulated = simulate_epoch(
            stack,
            parts,
            data.x,
            lambda out, nodes: summed_loss(out, nodes, data),
            order=chunk_order(chunks, epoch, seed=0, shuffle=shuffle),
            history=history,
            gamma=gamma,
            epoch=epoch,
        )
        simulated.loss.backward()
        if (epoch + 1) % refresh == 0:
            history = simulated.inputs
        epochs_done.append(
            {
                "loss": float(simulated.loss.detach()),
                "gradients": gradients_of(stack),
                "history": history,
            }
        )
        optimizer.step()
    return epochs_done


@torch.no_grad()
def first_history(stack: nn.ModuleList, parts: list[GraphChunk], x: Tensor) -> list[Tensor | None]:
    """What goes into every layer of the whole graph, layer by layer."""
    rows, initial = [x[part.nodes] for part in parts], [None] * len(parts)
    history: list[Tensor | None] = []
    for number, layer in enumerate(stack):
        given = rows
        history.append(None)
        if reads_halo(layer):
            whole = x.new_zeros(NODES, rows[0].size(1))
            for part, own in zip(parts, rows, strict=True):
                whole[part.nodes] = own
            history[-1] = whole
            given = [torch.cat([r, whole[p.halo]]) for r, p in zip(rows, parts, strict=True)]
        for k, part in enumerate(parts):
            with seeded(0, 0, number, k, 0):
                passing = apply_layer(layer, given[k], part, initial[k])
            rows[k], initial[k] = passing.rows, passing.initial  # type: ignore[call-overload]
        rows = list(rows)
    return history


def gradients_of(stack: nn.Module) -> dict[str, Tensor]:
    return {name: weight.grad.clone() for name, weight in stack.named_parameters()}


def worst(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> float:
    """The largest difference of any number of ``found``."""
    return max(float((value - wanted[name]).abs().max()) for name, value in found.items())


# What processes are asked to do #################################################################


def train_and_tell(
    kind: str, epochs: int = 4, predict: bool = False, **options: Any
) -> dict[str, Any]:
    """Train, and return all that a test may want to know."""
    trainer = make_trainer(kind, **options)
    told: dict[str, Any] = {"epochs": [], "ranges": trainer.layer_ranges, "costs": trainer.costs}
    for _ in range(epochs):
        record = trainer.train_epoch()
        told["epochs"].append(
            {
                "loss": record.loss,
                "sent": record.sent_bytes,
                "gradients": gradients_of(trainer.layers),
                "order": [turn.chunk for turn in record.turns],
            }
        )
    told["weights"] = {name: w.detach().clone() for name, w in trainer.layers.named_parameters()}
    told["replicas"] = trainer.layout.num_replicas
    if predict:
        told["out"] = trainer.predict() if trainer.place.is_last else trainer.predict() * 0
        told["accuracy"] = trainer.accuracy(make_data().train_mask)
    return told


def train_and_gather(epochs: int, **options: Any) -> dict[str, dict[str, Tensor]]:
    """The weights of the whole stack, before the last epoch and after it."""
    trainer = make_trainer(**options)
    for _ in range(epochs - 1):
        trainer.train_epoch()
    kept = trainer.layer_weights()
    trainer.train_epoch()
    return {"kept": trainer.gather_weights(kept), "state": trainer.state_dict()}


def train_and_warn(**options: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make_trainer(**options)
    return [str(one.message) for one in caught if "chunks" in str(one.message)]


def train_and_save(folder: str, epochs: int, every: int = 2, **options: Any) -> list[float]:
    trainer = make_trainer(**options)
    records = train(trainer, epochs, folder=folder, every=every)
    return [record.loss for record in records]


def save_once(folder: str, **options: Any) -> None:
    trainer = make_trainer(**options)
    trainer.train_epoch()
    save_checkpoint(trainer, folder)


def save_best(folder: str, only: int | None = None, **options: Any) -> dict[str, Tensor]:
    """Keep the weights of the first epoch in the second one's checkpoint; those of all stages."""
    trainer = make_trainer(**options)
    trainer.train_epoch()
    best = trainer.layer_weights()
    trainer.train_epoch()
    rank = trainer.place.rank
    save_checkpoint(
        trainer, folder, extra={"rank": rank}, best=best if only in (None, rank) else None
    )
    return trainer.gather_weights(best)


def load_best(folder: str, **options: Any) -> tuple[int, Any, list[int], dict[str, Tensor]]:
    trainer = make_trainer(**options)
    found = load_checkpoint(trainer, folder)
    assert found.best is not None
    return found.epoch, found.extra, sorted(found.best), trainer.gather_weights(found.best)


def load_once(folder: str, **options: Any) -> int:
    return load_checkpoint(make_trainer(**options), folder).epoch


def train_other(**options: Any) -> None:
    """Each process is given something else by its rank."""
    rank = dist.get_rank()
    train_and_tell(**{name: value[rank] for name, value in options.items()})


def echo(sizes: list[int]) -> tuple[list[list[float]], int]:
    """Rank 0 sends a message for each chunk, rank 1 returns it doubled."""
    place = Place.find(stages=2, ways=1)
    link = StageLink(1 - place.rank, torch.device("cpu"), place.failures)
    order = list(range(len(sizes)))

    def shapes(chunk: int) -> list[tuple[int, ...]]:
        return [(sizes[chunk], 2), (sizes[chunk], 1)]

    if place.rank == 0:
        for chunk in order:
            first = torch.full((sizes[chunk], 2), float(chunk))
            link.send([first, first[:, :1] + 0.5])
    came = []
    for parts in link.receive(order, shapes, torch.float32):
        came.append([float(part.sum()) for part in parts])
        if place.rank == 1:
            link.send([part * 2 for part in parts])
    link.flush()
    return came, link.sent_bytes


def exchange() -> tuple[list[float], list[float], int]:
    """Two ways of one chunk, which share row 0 of the first and row 2 of the second."""
    place = Place.find(stages=1, ways=2)
    me, other = place.rank, 1 - place.rank
    mine, theirs = (torch.tensor([0]), torch.tensor([2]))[:: 1 if me == 0 else -1]
    ways = WayExchange([{other: mine}], [{other: theirs}], place.other_ways, place.failures)
    rows = torch.arange(3.0)[:, None] + 10 * me
    ways.publish(0, rows)
    gradients = torch.ones(3, 1) * (me + 1)
    ways.return_gradients(0, gradients)
    return rows.flatten().tolist(), gradients.flatten().tolist(), ways.sent_bytes


def pass_borders() -> dict[str, Any]:
    """Two chunks and back: the second stage doubles, and has no gradients of initial rows."""
    place = Place.find(stages=2, ways=1)
    layout = Layout(torch.tensor([[0], [1]]), 3, 2, chunk_of=torch.tensor([0, 1, 1]))
    width = LayerWidth(1, 1, torch.float32)
    x, order = torch.tensor([[1.0], [3.0], [4.0]]), [1, 0]
    chunks = [layout.chunk(0), layout.chunk(1)]
    borders = Borders(place, chunks, before=width, after=width, x=x, device=x.device)
    if place.is_first:
        for given in borders.incoming(order):
            borders.hand_on(Passing(given.rows, given.rows * 10))
        came = list(borders.gradients(order))
    else:
        came = [given.parts() for given in borders.incoming(order)]
        for chunk, (rows, _) in zip(order, came, strict=True):
            borders.hand_back(chunk, [rows * 2, None])
    borders.flush()
    rows, initial = ([part.tolist() for part in parts] for parts in zip(*came, strict=True))
    return {"rows": rows, "initial": initial, "sent": borders.sent_bytes}


def talk() -> dict[str, Any]:
    """What a place says of itself, and what it adds up."""
    place = Place.find(stages=2, ways=2)
    return {
        "stage": place.stage,
        "way": place.way,
        "first": place.is_first,
        "last": place.is_last,
        "other_ways": place.other_ways,
        "ways": place.sum_ways(torch.tensor([10.0**place.rank])).tolist(),
        "all": place.sum_all([1.0, float(place.rank)]),
        "gathered": place.gather(place.rank),
        "waited": place.wait(),
    }


def make_masks() -> dict[str, Tensor]:
    """Nodes that are not trained on, for validation and for the test."""
    rest = ~make_data().train_mask
    valid = rest & (torch.rand(NODES, generator=torch.Generator().manual_seed(2)) < 0.5)
    return {"valid": valid, "test": rest & ~valid}


def node_settings(kind: str, **settings: Any) -> NodeTrainConfig:
    settings = {"normalization": normalization(kind), "dtype": "float64", **settings}
    return NodeTrainConfig(**settings)


def node_trainer(
    kind: str, *, stages: int = 1, ways: int = 1, draw: int = 0, **settings: Any
) -> PipelineTrainer:
    stack, config = list(make_stack(kind, draw=draw)), node_settings(kind, **settings)
    return make_node_trainer(stack, make_data(), config, stages=stages, ways=ways)


class Stopped(Exception):
    """As if the run had been killed."""


def fit_and_tell(
    kind: str = "mixed",
    *,
    stages: int = 1,
    ways: int = 1,
    folder: str | None = None,
    metrics: tuple[str, ...] = ("accuracy",),
    stop: int | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Fit, or stop after some epoch; all that is the same in the undisturbed run."""
    trainer = node_trainer(kind, stages=stages, ways=ways, **settings)
    records: list[EpochRecord] = []

    def on_epoch(record: EpochRecord) -> None:
        records.append(record)
        if record.epoch == stop:
            raise Stopped

    masks, config = make_masks(), node_settings(kind, **settings)
    try:
        fit = fit_nodes(
            trainer,
            make_data().y,
            masks["valid"],
            masks["test"],
            config,
            metrics=metrics,
            folder=folder,
            on_epoch=on_epoch,
        )
    except Stopped:
        return {"seen": [record.epoch for record in records]}
    result = fit.result
    same = {
        "history": [(r.epoch, r.loss, r.valid, r.test) for r in result.history],
        "best": (result.best_epoch, result.best_epochs, result.valid, result.test),
        "weights": {name: value.tolist() for name, value in trainer.state_dict().items()},
    }
    seen = [record.epoch for record in records]
    return {"seen": seen, "records": records, "same": same, "fit": fit}


def fit_and_fail(**options: Any) -> None:
    """One process has an error of its own after an epoch, the other has none."""
    trainer, masks = node_trainer("mixed", stages=2, chunks=4), make_masks()
    config = node_settings("mixed", chunks=4, epochs=5)

    def on_epoch(record: EpochRecord) -> None:
        if trainer.place.rank == 0 and record.epoch == 2:
            raise ValueError("no more")

    given = (make_data().y, masks["valid"], masks["test"], config)
    fit_nodes(trainer, *given, on_epoch=on_epoch, **options)


def decays_of_layers(**options: Any) -> dict[int, set[float]]:
    """The L2 penalties that the optimizer has for the weights of each layer of this process."""
    trainer = node_trainer("mixed", **options)
    assert trainer.optimizer is not None
    groups = trainer.optimizer.param_groups
    decay = {id(weight): group["weight_decay"] for group in groups for weight in group["params"]}
    return {
        int(number): {decay[id(weight)] for weight in layer.parameters()}
        for number, layer in trainer.layers.items()
    }


def score_parts(
    kind: str, parts: dict[str, Tensor], names: tuple[str, ...], **options: Any
) -> dict[str, dict[str, float]]:
    return score_nodes(make_trainer(kind, **options), make_data().y, parts, names)


def profile_made_up(seconds: list[list[float]], **options: Any) -> PipelineProfile | None:
    """Of epochs whose seconds each process has its own of, and one turn a process, that says so."""
    trainer = make_trainer("sum", **options)
    rank = trainer.place.rank
    epochs = [
        PipelineEpoch(number, 1.0, took, (number, 2 * number), [Turn(number, True, rank, rank + 1)])
        for number, took in enumerate(seconds[rank])
    ]
    return gather_profile(trainer, epochs)


def foretell(costs: list[float] | None = None, **options: Any) -> dict[str, Any]:
    """A forecast, with figures in place of those that were measured if costs are given."""
    trainer = node_trainer(**options)
    told = {"costs": trainer.costs}
    if costs is None:
        link = measure_link(trainer.place, repeats=2)
        return told | {"link": link, "forecast": forecast(trainer)}
    trainer.costs = costs
    with mock.patch("graphlearn.pipeline.forecast.measure_link", return_value=(1e9, 1e-5)):
        return told | {"forecast": forecast(trainer)}


def main(request: dict[str, Any], pipe: Any) -> None:
    """Do what is asked, one thing after another, and send back what came of each."""
    torch.set_num_threads(1)
    rank = request["rank"]
    dist.init_process_group(
        "gloo",
        init_method=f"file://{request['file']}",
        rank=rank,
        world_size=request["processes"],
        timeout=timedelta(seconds=request["seconds"]),
    )
    dist.barrier()  # one that ends at once must not do so while others still connect
    came: list[tuple[str, Any]] = []
    for name, options in request["tasks"]:
        try:
            came.append(("done", globals()[name](**options)))
        except GraphLearnError as problem:
            came.append((type(problem).__name__, (str(problem), time.time())))
        except Exception as problem:  # noqa: BLE001
            wanted = str(problem) == "no more"
            came.append(("raised" if wanted else "bug", traceback.format_exc()))
    pipe.send_bytes(pickle.dumps(came))
    # Not destroy_process_group(): that of a process whose peer died waits for it.
    os._exit(0)


if __name__ == "worker":
    main(REQUEST, PIPE)  # type: ignore[name-defined]  # noqa: F821
