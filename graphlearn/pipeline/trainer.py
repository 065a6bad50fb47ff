"""Trains a stack of layers on a whole graph, its layers spread over devices (GNNPipe)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlearn.errors import InputError
from graphlearn.pipeline.checks import (
    check_costs,
    check_data,
    check_stack,
    check_unshared,
    warn_of_few_chunks,
)
from graphlearn.pipeline.finite import FiniteWatch, check_gradients, check_rows
from graphlearn.pipeline.held_rows import HeldRows
from graphlearn.pipeline.identity import check_agreement, layout_digest, tensor_digest
from graphlearn.pipeline.layer_rows import Alone, Exchange, LayerRows
from graphlearn.pipeline.layout import Layout
from graphlearn.pipeline.links import StageLink, WayExchange
from graphlearn.pipeline.loss_watch import LossWatch
from graphlearn.pipeline.message_weights import Normalization
from graphlearn.pipeline.place import Place
from graphlearn.pipeline.records import PipelineEpoch, Turn
from graphlearn.pipeline.schedule import chunk_order, split_layers
from graphlearn.pipeline.stage import Passing, Stage
from graphlearn.pipeline.widths import LayerWidth, layer_widths
from graphlearn.validate import check_flag, check_number, check_size

Loss = Callable[[Tensor, Tensor], Tensor]
MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


def _adam(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=0.01)


def _summed_cross_entropy(out: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(out, target, reduction="sum")


class PipelineTrainer:
    """Trains deep stacks on whole graphs by stages of layers, chunk after chunk.

    After "GNNPipe: Scaling Deep GNN Training with Pipelined Model Parallelism"
    (https://arxiv.org/abs/2308.10087). The nodes are cut into K chunks, the layers into S stages,
    one a process. All chunks go forward through the stages, then back in the reverse order, then
    the weights are updated once: no weight is ever stale. What is old are rows of chunks that have
    not had their turn yet; they come from a snapshot. With K = 1 this is full-graph training
    exactly.

    With ``ways`` above 1 each stage is W processes, each with a part of every chunk (graph
    parallelism inside the stage); S = 1 and K = 1 is plain graph parallelism. Alone in a process,
    with S = W = 1, nothing of torch.distributed is needed; else start the script by ``torchrun``
    and call ``torch.distributed.init_process_group`` first. Every process is given the same stack,
    data and arguments, and keeps its layers.

    A layer is called ``layer(x, chunk)`` with a :class:`GraphChunk`, and returns rows for the
    chunk's own nodes. ``layer.reads_halo = False`` says that it reads these alone;
    ``sets_initial`` that its result travels along for layers that say ``takes_initial`` and get it
    as ``initial``. Layers must not mix nodes otherwise (no batch norm).

    Cost of an epoch: the layers' work, once more forward with ``recompute``; 2 (S - 1) N C numbers
    sent between stages. Memory of a stage: three rows a node and layer, what goes into it, and one
    chunk's activations (with ``recompute=False`` those of all chunks).

    Args:
        stack: The layers.
        data: With ``x``, ``edge_index``, ``y`` and ``train_mask``.
        stages: S.
        chunks: K; more keep stages busier (K / (K + S - 1) of the time), fewer read less history.
        ways: W.
        layout: Chunks made before, in place of ``chunks``, ``ways`` and ``normalization``.
        normalization: Of message weights: ``"gcn"``, ``"mean"``, or None for none.
        gamma: The factor of gradients that flow to other chunks: 2 makes up for the half of them
            that come in the wrong order; 1 is the exact gradient of what was computed forward.
        refresh: After how many epochs the history is renewed.
        shuffle: Whether chunks come in another order each epoch.
        recompute: Whether activations are computed again on the way back instead of kept.
        loss: Of the output and the target of some nodes, summed; cross entropy by default.
        optimizer: Makes one of parameters; Adam with a step size of 0.01 by default.
        costs: What each layer costs, to balance the stages by; equal if None.
        watch: Ends a training that runs away; one with its defaults if None.
        seed: Of the order of chunks and of what layers draw.

    Raises:
        InputTypeError: If the stack is no sequence of modules, or features are no floats.
        InputError: If there are more stages than layers, another number of processes than stages x
            ways, data without what is needed, or an option out of range.

    Example:
        >>> from torch_geometric.nn import SAGEConv
        >>> class Layer(nn.Module):
        ...     def __init__(self, channels, out_channels):
        ...         super().__init__()
        ...         self.conv = SAGEConv(channels, out_channels)
        ...     def forward(self, x, chunk):
        ...         return self.conv((x, x[: chunk.num_nodes]), chunk.edge_index)
        >>> _ = torch.manual_seed(0)
        >>> edge_index = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
        >>> data = Data(x=torch.eye(4), edge_index=edge_index, y=torch.tensor([0, 1, 0, 1]))
        >>> data.train_mask = torch.ones(4, dtype=torch.bool)
        >>> trainer = PipelineTrainer([Layer(4, 8), Layer(8, 2)], data, chunks=2)
        >>> losses = [trainer.train_epoch().loss for _ in range(20)]
        >>> losses[-1] < 0.1 < losses[0], trainer.predict().shape
        (True, torch.Size([4, 2]))
    """

    def __init__(
        self,
        stack: Sequence[nn.Module],
        data: Data,
        *,
        stages: int = 1,
        chunks: int = 4,
        ways: int = 1,
        layout: Layout | None = None,
        normalization: Normalization | None = None,
        gamma: float = 2.0,
        refresh: int = 1,
        shuffle: bool = True,
        recompute: bool = True,
        loss: Loss = _summed_cross_entropy,
        optimizer: MakeOptimizer = _adam,
        costs: Sequence[float] | None = None,
        watch: LossWatch | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        layers = check_stack(stack)
        self.device = torch.device(device)
        if layout is not None:
            ways = layout.num_ways
        self.place = Place.find(stages, ways, self.device.type)
        with self.place.failures.telling():
            x, self._y, self._train = check_data(data)
            if layout is None:
                layout = Layout(
                    data.edge_index,
                    x.size(0),
                    chunks,
                    ways,
                    normalization=normalization,
                    dtype=x.dtype,
                    seed=seed,
                )
            if layout.num_nodes != x.size(0):
                raise InputError(
                    f"the layout is of {layout.num_nodes} nodes", expected=f"{x.size(0)}, as data.x"
                )
            self.layout = layout
            if layout.num_chunks < self.place.stages and self.place.rank == 0:
                warn_of_few_chunks(layout.num_chunks, self.place.stages)
            self.gamma = check_number(gamma, name="gamma")
            self.refresh = check_size(refresh, name="refresh")
            self.shuffle, self.seed = check_flag(shuffle, name="shuffle"), int(seed)
            self._loss = loss
            self.watch = LossWatch() if watch is None else watch
            self.num_layers = len(layers)
            self._layer_names = [type(layer).__name__ for layer in layers]
            costs = check_costs(costs, len(layers))
            self.layer_ranges = split_layers(costs, self.place.stages)
            check_unshared(layers, self.layer_ranges)
            self._widths = widths = layer_widths(layers, x)
            mine = self.layer_ranges[self.place.stage]
            self.layers = nn.ModuleDict({str(number): layers[number] for number in mine})
            self.layers.to(self.device)
            way = self.place.way
            numbers = range(layout.num_chunks)
            self._chunks = [layout.chunk(number, way).to(self.device) for number in numbers]
            held = HeldRows(self._chunks, layout.chunk_of.to(self.device))
            self._exchange = self._make_exchange(held)
            self._stage = Stage(
                [layers[number] for number in mine],
                mine.start,
                self._chunks,
                held,
                [width.rows for width in widths],
                dtype=x.dtype,
                device=self.device,
                gamma=self.gamma,
                recompute=check_flag(recompute, name="recompute"),
                exchange=self._exchange,
                seed=self.seed,
                way=self.place.way,
            )
            self._inputs = [x[chunk.nodes.cpu()].to(self.device) for chunk in self._chunks]
            if not self.place.is_first:
                self._inputs = []
            self._before, self._after = self._make_links()
            self._in, self._out = widths[mine.start], widths[mine.stop]
            parameters = list(self.layers.parameters())
            self.optimizer = optimizer(parameters) if parameters else None
            self._finite = FiniteWatch(self.place.stage, self.place.stages)
            self.epoch = 0
            self._has_history = False
            targets = tensor_digest(self._y, self._train)
            weights = [tensor_digest(*layer.state_dict().values()) for layer in layers]
            check_agreement(self.place.gather(self.identity() | {"y": targets, "weights": weights}))

    # Setting up ##################################################################################

    def _make_exchange(self, held: HeldRows) -> Exchange:
        if self.place.ways == 1:
            return Alone()
        stage, way = self.place.stage, self.place.way

        def places(listing: Callable[[int, int], dict[int, Tensor]]) -> list[dict[int, Tensor]]:
            return [
                {
                    self.place.rank_of(stage, other): held.find(ids.to(self.device))
                    for other, ids in listing(way, chunk).items()
                }
                for chunk in range(self.layout.num_chunks)
            ]

        return WayExchange(
            places(self.layout.sends),
            places(self.layout.receives),
            self.place.other_ways,
            self.place.failures,
        )

    def _make_links(self) -> tuple[StageLink | None, StageLink | None]:
        found: list[StageLink | None] = []
        for step, is_end in ((-1, self.place.is_first), (1, self.place.is_last)):
            rank = self.place.rank_of(self.place.stage + step, self.place.way)
            found.append(None if is_end else StageLink(rank, self.device, self.place.failures))
        return found[0], found[1]

    # Training ####################################################################################

    def train_epoch(self) -> PipelineEpoch:
        """One pass over all chunks, forward and back, and one update of the weights.

        Raises:
            DivergedError: If the loss has run away, or something is not finite: on all processes,
                with the name of the stage that had it first. Weights are as before the epoch.
            PeerLostError: If another process died or hangs.
        """
        with self.place.failures.telling():
            return self._train_epoch()

    def _train_epoch(self) -> PipelineEpoch:
        if not self._has_history:
            self.renew_history()
        began = time.perf_counter()
        sent_before = self._sent()
        self.layers.train()
        order = chunk_order(
            self.layout.num_chunks, self.epoch, seed=self.seed, shuffle=self.shuffle
        )
        self._stage.begin_epoch(self.epoch, order)
        self._finite.begin_epoch()
        turns: list[Turn] = []
        losses = self._forward(order, turns, began)
        if self.optimizer is not None:
            self.optimizer.zero_grad(set_to_none=True)
        self._backward(order, turns, began)
        self._finite.see_gradients(parameter.grad for parameter in self.layers.parameters())
        counted = [now - then for now, then in zip(self._sent(), sent_before, strict=True)]
        total = self.place.sum_all([losses, *map(float, counted), *self._finite.flags()])
        loss = total[0] / max(1, int(self._train.sum()))
        check_rows(total[3:], self.layer_ranges)
        self.watch.see(loss)
        check_gradients(total[3:], self.layer_ranges)
        self._update()
        if (self.epoch + 1) % self.refresh == 0:
            self._stage.refresh()
        seconds = time.perf_counter() - began
        self.epoch += 1
        return PipelineEpoch(self.epoch - 1, loss, seconds, (int(total[1]), int(total[2])), turns)

    def _sent(self) -> tuple[int, int]:
        links = [link.sent_bytes for link in (self._before, self._after) if link is not None]
        between = self._exchange.sent_bytes if isinstance(self._exchange, WayExchange) else 0
        return sum(links), between

    def _forward(self, order: list[int], turns: list[Turn], began: float) -> float:
        losses = 0.0
        for chunk, given in zip(order, self._incoming(order), strict=True):
            begin = time.perf_counter()
            result = self._stage.forward(chunk, given)
            self._finite.see_rows(result.rows)
            if self._after is not None:
                self._after.send(result.parts()[: self._out.count])
            else:
                losses += float(self._chunk_loss(chunk, result.rows).detach())
            turns.append(Turn(chunk, True, begin - began, time.perf_counter() - began))
        self._flush()
        return losses

    def _incoming(self, order: list[int]) -> Iterator[Passing]:
        if self._before is None:
            for chunk in order:
                yield Passing(self._inputs[chunk])
            return
        for parts in self._before.receive(order, self._shapes(self._in), self._in.dtype):
            yield Passing(*parts)

    def _shapes(self, width: LayerWidth) -> Callable[[int], list[tuple[int, ...]]]:
        def shapes(chunk: int) -> list[tuple[int, ...]]:
            nodes = self._chunks[chunk].num_nodes
            return [(nodes, channels) for channels in width.channels]

        return shapes

    def _chunk_loss(self, chunk: int, out: Tensor) -> Tensor:
        nodes = self._chunks[chunk].nodes.cpu()
        chosen = self._train[nodes]
        if not bool(chosen.any()):
            return out.sum() * 0.0
        return self._loss(out[chosen.to(self.device)], self._y[nodes[chosen]].to(self.device))

    def _backward(self, order: list[int], turns: list[Turn], began: float) -> None:
        back = order[::-1]
        scale = 1.0 / max(1, int(self._train.sum()))
        for chunk, (begin, gradients) in zip(back, self._gradients(back, scale), strict=True):
            down = self._stage.backward(chunk, gradients)
            self._finite.see_gradients(down)
            if self._before is not None:
                shapes = self._shapes(self._in)(chunk)
                parts = [
                    torch.zeros(shape, dtype=self._in.dtype, device=self.device)
                    if part is None
                    else part
                    for shape, part in zip(shapes, down, strict=True)
                ]
                self._before.send(parts)
            turns.append(Turn(chunk, False, begin - began, time.perf_counter() - began))
        self._flush()

    def _gradients(
        self, back: list[int], scale: float
    ) -> Iterator[tuple[float, list[Tensor | None]]]:
        """The gradients of what each chunk gave, from the loss or from the next stage.

        With the time when work on them began: the loss is work, a message is waited for.
        """
        if self._after is None:
            for chunk in back:
                begin = time.perf_counter()
                result = self._stage.outcome(chunk)
                with torch.enable_grad():
                    value = self._chunk_loss(chunk, result.rows) * scale
                (gradient,) = torch.autograd.grad(value, result.rows, retain_graph=True)
                yield begin, [gradient]
            return
        for parts in self._after.receive(back, self._shapes(self._out), self._out.dtype):
            yield time.perf_counter(), [*parts]

    def _flush(self) -> None:
        for link in (self._before, self._after):
            if link is not None:
                link.flush()

    def _update(self) -> None:
        for parameter in self.layers.parameters():
            # Every way takes part, also one whose part of the graph gave it nothing.
            if parameter.grad is None and self.place.ways > 1:
                parameter.grad = torch.zeros_like(parameter)
            if parameter.grad is not None:
                self.place.sum_ways(parameter.grad)
        if self.optimizer is not None:
            self.optimizer.step()

    # Evaluation ##################################################################################

    def renew_history(self) -> None:
        """Fill the history with what the layers give for the whole graph now."""
        self.layers.train()
        with self.place.failures.telling():
            self._whole_pass()
        self._stage.refresh()
        self._has_history = True

    def predict(self) -> Tensor:
        """The output of the whole stack on the whole graph, nothing old in it, ``[N, C]``.

        On the processes of the last stage; rows of other ways' nodes are zero there, and all rows
        are elsewhere.

        Raises:
            PeerLostError: If another process died or hangs.
        """
        self.layers.eval()
        with self.place.failures.telling():
            outputs = self._whole_pass()
        out = torch.zeros(
            self.layout.num_nodes, self._widths[-1].rows, dtype=self._widths[-1].dtype
        )
        if self.place.is_last:
            for chunk, rows in zip(self._chunks, outputs, strict=True):
                out[chunk.nodes.cpu()] = rows.cpu()
        return out

    @torch.no_grad()
    def _whole_pass(self) -> list[Tensor]:
        """Layer by layer over all chunks, so that every halo is fresh."""
        order = list(range(self.layout.num_chunks))
        self._stage.begin_epoch(self.epoch, order, all_fresh=True)
        passing = list(self._incoming(order))
        for i in range(len(self._stage.layers)):
            rows = self._stage.rows[i]
            if rows is not None:
                for chunk, given in enumerate(passing):
                    rows.store(chunk, given.rows)
            passing = [
                self._stage.run_layer(i, chunk, given, store=False)
                for chunk, given in enumerate(passing)
            ]
        if self._after is not None:
            for given in passing:
                self._after.send(given.parts()[: self._out.count])
        self._flush()
        return [given.rows for given in passing]

    def accuracy(self, mask: Tensor) -> float:
        """The share of some nodes whose class is right; the same on every process.

        Args:
            mask: Which nodes, ``[N]`` bool.
        """
        out = self.predict()
        right = count = 0
        if self.place.is_last:
            mine = torch.zeros(self.layout.num_nodes, dtype=torch.bool)
            for chunk in self._chunks:
                mine[chunk.nodes.cpu()] = True
            chosen = mask.cpu() & mine
            right = int((out[chosen].argmax(1) == self._y[chosen]).sum())
            count = int(chosen.sum())
        total = self.place.sum_all([float(right), float(count)])
        return total[0] / max(1.0, total[1])

    # State #######################################################################################

    def identity(self) -> dict[str, object]:
        """What this training is; the number of stages does not belong to it."""
        return {
            "num_layers": self.num_layers,
            "layers": self._layer_names,
            "widths": [width.channels for width in self._widths],
            "dtype": str(self._widths[0].dtype).removeprefix("torch."),
            "num_nodes": self.layout.num_nodes,
            "num_edges": self.layout.num_edges,
            "num_chunks": self.layout.num_chunks,
            "num_ways": self.place.ways,
            "layout": layout_digest(self.layout.chunk_of, self.layout.way_of, self.layout.degree),
            "gamma": self.gamma,
            "refresh": self.refresh,
            "shuffle": self.shuffle,
            "seed": self.seed,
        }

    def layer_rows(self, number: int) -> LayerRows | None:
        """What a layer of this stage remembers, by its number in the stack."""
        return self._stage.rows[number - self._stage.first]

    def optimizer_settings(self) -> list[dict[str, object]]:
        """The optimizer's numbers, such as the step size, for each group of parameters."""
        groups = [] if self.optimizer is None else self.optimizer.param_groups
        return [
            {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in group.items()
                if name != "params" and isinstance(value, (int, float, bool, tuple, type(None)))
            }
            for group in groups
        ]

    def load_optimizer_settings(self, settings: list[dict[str, object]]) -> None:
        """Take up what :meth:`optimizer_settings` gave."""
        groups = [] if self.optimizer is None else self.optimizer.param_groups
        for group, given in zip(groups, settings, strict=False):
            for name, value in given.items():
                group[name] = tuple(value) if isinstance(value, list) else value

    def go_on_from(self, epoch: int) -> None:
        """Say that so many epochs are done, and the history is filled."""
        self.epoch = epoch
        self._has_history = True

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.num_layers} layers, stages={self.place.stages}, "
            f"chunks={self.layout.num_chunks}, ways={self.place.ways}, gamma={self.gamma:g}, "
            f"refresh={self.refresh})"
        )
