"""Trains a stack of layers on a whole graph, its layers spread over devices (GNNPipe)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch_geometric.data import Data

from graphlearn.errors import InputError
from graphlearn.pipeline.borders import Borders
from graphlearn.pipeline.checks import (
    check_data,
    check_options,
    check_stack,
    check_trainable,
    check_unshared,
    warn_of_few_chunks,
)
from graphlearn.pipeline.costs import agree_on_costs
from graphlearn.pipeline.evaluation import check_mask, spread_rows, whole_pass
from graphlearn.pipeline.finite import FiniteWatch, check_gradients, check_rows
from graphlearn.pipeline.held_rows import HeldRows
from graphlearn.pipeline.identity import (
    check_agreement,
    layer_options,
    layout_identity,
    stack_identity,
    tensor_digest,
)
from graphlearn.pipeline.layer_rows import LayerRows
from graphlearn.pipeline.layout import Layout
from graphlearn.pipeline.links import WayExchange, make_exchange
from graphlearn.pipeline.loss_watch import LossWatch
from graphlearn.pipeline.message_weights import Normalization
from graphlearn.pipeline.passes import Passes
from graphlearn.pipeline.place import Place
from graphlearn.pipeline.records import PipelineEpoch
from graphlearn.pipeline.schedule import chunk_order, split_layers
from graphlearn.pipeline.stage import Stage, reads_halo
from graphlearn.pipeline.targets import Loss, Targets, check_targets, summed_cross_entropy
from graphlearn.pipeline.update import MakeOptimizer, Schedule, WeightUpdate, adam
from graphlearn.pipeline.weights import LayerWeights, copy_weights, gather_weights, load_weights
from graphlearn.pipeline.widths import layer_widths
from graphlearn.validate import check_device, check_flag, check_number, check_size


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
    sent between stages. Memory of a stage: for every layer three rows of each node that another
    chunk or way reads, what goes into the stage, and one chunk's activations (with
    ``recompute=False`` those of all chunks).

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
        schedule: Makes a scheduler of an optimizer, which goes on by one step after each epoch's
            update; None for none.
        costs: What each layer costs, to balance the stages by; equal if None. ``"measure"`` lets
            the first process take the time of four turns of one chunk through the whole stack.
        watch: Ends a training that runs away; one with its defaults if None.
        seed: Of the order of chunks and of what layers draw.
        device: Where this process computes; the layers of its stage are moved there.

    Attributes:
        layers: Those of this process, by their numbers in the stack as texts.
        layer_ranges: The numbers of every stage's layers.
        costs: By which they were shared out.
        widths: What goes into every layer of the stack, and out of the last.
        reads_halo: Of every layer of the stack.
        epoch: How many epochs are done.
        optimizer: None on a stage without weights.
        scheduler: Likewise, and without a schedule.

    Raises:
        InputTypeError: If the stack is no sequence of modules, features are no floats, or a
            schedule's state is nothing that a checkpoint can hold.
        InputError: If there are more stages than layers, another number of processes than stages x
            ways, data without what is needed or with targets that the loss cannot take, an option
            out of range, or processes were given different stacks, data or options.

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
        loss: Loss = summed_cross_entropy,
        optimizer: MakeOptimizer = adam,
        schedule: Schedule | None = None,
        costs: Sequence[float] | Literal["measure"] | None = None,
        watch: LossWatch | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        layers = check_stack(stack)
        check_options(loss=loss, optimizer=optimizer, schedule=schedule, watch=watch, layout=layout)
        self.device = check_device(device)
        if layout is not None:
            ways = layout.num_ways
        self.place = place = Place.find(stages, ways, self.device.type)
        with place.failures.telling():
            x, y, mask = check_data(data)
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
            if layout.num_chunks < place.stages and place.rank == 0:
                warn_of_few_chunks(layout.num_chunks, place.stages)
            self.gamma = check_number(gamma, name="gamma")
            if self.gamma < 0:
                raise InputError(f"gamma is {gamma}", expected="a number >= 0")
            self.refresh = check_size(refresh, name="refresh")
            self.shuffle, self.seed = check_flag(shuffle, name="shuffle"), int(seed)
            self.recompute = check_flag(recompute, name="recompute")
            self.watch = LossWatch() if watch is None else watch
            self.num_layers = len(layers)
            options = [layer_options(layer) for layer in layers]  # before any of them is called
            self.widths = widths = layer_widths(layers, x)
            self.reads_halo = [reads_halo(layer) for layer in layers]
            check_targets(y, mask, widths[-1].rows, loss)
            check_trainable(layers)
            self.costs = agree_on_costs(
                costs,
                layers,
                layout,
                x,
                place,
                device=self.device,
                recompute=self.recompute,
                seed=self.seed,
            )
            self.layer_ranges = split_layers(self.costs, place.stages)
            check_unshared(layers, self.layer_ranges)
            mine = self.layer_ranges[place.stage]
            self.layers = nn.ModuleDict({str(number): layers[number] for number in mine})
            self.layers.to(self.device)
            numbers = range(layout.num_chunks)
            self._chunks = [layout.chunk(number, place.way).to(self.device) for number in numbers]
            sent = [ids for k in numbers for ids in layout.sends(place.way, k).values()]
            held = HeldRows(
                self._chunks,
                layout.chunk_of.to(self.device),
                torch.cat(sent).to(self.device) if sent else None,
            )
            self._exchange = make_exchange(place, layout, held, self.device)
            self._stage = Stage(
                [layers[number] for number in mine],
                mine.start,
                self._chunks,
                held,
                [width.rows for width in widths],
                dtype=x.dtype,
                device=self.device,
                gamma=self.gamma,
                recompute=self.recompute,
                exchange=self._exchange,
                seed=self.seed,
                way=place.way,
            )
            self._borders = Borders(
                place,
                self._chunks,
                before=widths[mine.start],
                after=widths[mine.stop],
                x=x,
                device=self.device,
            )
            self._targets = Targets(y, mask, loss)
            if place.is_last:
                self._targets.place(self._chunks, self.device)
            self._finite = FiniteWatch(place.stage, place.stages)
            self._passes = Passes(
                self._stage, self._borders, self._targets if place.is_last else None, self._finite
            )
            self.update = WeightUpdate(self.layers.parameters(), optimizer, schedule)
            self.epoch = 0
            self._has_history = False
            self._identity = {
                **stack_identity(layers, [width.channels for width in widths], options, x.dtype),
                **layout_identity(layout),
                "gamma": self.gamma,
                "refresh": self.refresh,
                "shuffle": self.shuffle,
                "seed": self.seed,
                "loss": getattr(loss, "__qualname__", type(loss).__name__),
                "x": tensor_digest(x),
                "y": tensor_digest(y, mask),
            }
            agreed = {
                "weights": [tensor_digest(*layer.state_dict().values()) for layer in layers],
                "layer_ranges": [[own.start, own.stop] for own in self.layer_ranges],
                "update": self.update.state(),
            }
            check_agreement(place.gather(self._identity | agreed))

    @property
    def optimizer(self) -> Optimizer | None:
        """Of this stage's weights; None if it has none."""
        return self.update.optimizer

    @property
    def scheduler(self) -> LRScheduler | None:
        """Of the optimizer's step size; None without a schedule."""
        return self.update.scheduler

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
        self._passes.begin_epoch(self.epoch, order, began)
        self._passes.forward()
        self.update.zero()
        losses = self._passes.backward()
        self._finite.see_gradients(parameter.grad for parameter in self.layers.parameters())
        counted = [now - then for now, then in zip(self._sent(), sent_before, strict=True)]
        total = self.place.sum_all([losses, *map(float, counted), *self._finite.flags()])
        loss = total[0] / self._targets.count
        check_rows(total[3:], self.layer_ranges)
        self.watch.see(loss)
        check_gradients(total[3:], self.layer_ranges)
        self.update.step(self.place)
        if (self.epoch + 1) % self.refresh == 0:
            self._stage.refresh()
        self.epoch += 1
        return PipelineEpoch(
            epoch=self.epoch - 1,
            loss=loss,
            seconds=time.perf_counter() - began,
            sent_bytes=(int(total[1]), int(total[2])),
            turns=self._passes.turns,
        )

    def _sent(self) -> tuple[int, int]:
        between = self._exchange.sent_bytes if isinstance(self._exchange, WayExchange) else 0
        return self._borders.sent_bytes, between

    # Evaluation ##################################################################################

    def renew_history(self) -> None:
        """Fill the history with what the layers give for the whole graph now."""
        self.layers.train()
        with self.place.failures.telling():
            whole_pass(self._stage, self._borders, self.epoch)
        self._stage.refresh()
        self._has_history = True

    def predict(self) -> Tensor:
        """The output of the whole stack on the whole graph, nothing old in it, ``[N, C]``.

        On the processes of the last stage; rows of other ways' nodes are zero there, and all rows
        are elsewhere. Every process has to call it.

        Raises:
            PeerLostError: If another process died or hangs.
        """
        return self._output()[0]

    def _output(self) -> tuple[Tensor, Tensor]:
        """The output, and for which nodes this process has it."""
        self.layers.eval()
        with self.place.failures.telling():
            outputs = whole_pass(self._stage, self._borders, self.epoch)
        nodes = self.layout.num_nodes
        if self.place.is_last:
            return spread_rows(outputs, self._chunks, nodes)
        out = torch.zeros(nodes, self.widths[-1].rows, dtype=self.widths[-1].dtype)
        return out, torch.zeros(nodes, dtype=torch.bool)

    def accuracy(self, mask: Tensor) -> float:
        """The share of some nodes whose class is right; the same on every process.

        Every process has to call it.

        Args:
            mask: Which nodes, ``[N]`` bool.

        Raises:
            InputTypeError: If the mask is no such tensor.
            InputError: If it is of another number of nodes.
        """
        check_mask(mask, self.layout.num_nodes)
        out, known = self._output()
        right, count = self._targets.count_right(out, mask.cpu() & known)
        total = self.place.sum_all([float(right), float(count)])
        return total[0] / max(1.0, total[1])

    # State #######################################################################################

    def layer_weights(self) -> dict[int, dict[str, Tensor]]:
        """The state dicts of this process's layers as they are now, by number, on the CPU."""
        return copy_weights(self._numbered())

    def load_layer_weights(self, weights: LayerWeights) -> None:
        """Take up what :meth:`layer_weights` gave, such as that of the best epoch so far.

        Args:
            weights: By number, of this process's layers.

        Raises:
            InputTypeError: If it is no such dictionary.
            InputError: If it does not fit the layers; they are as before then.
        """
        load_weights(weights, self._numbered())

    def gather_weights(self, per_layer: Mapping[int, Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The weights of the whole stack, of every process's for its own layers.

        They are named as ``nn.ModuleList(stack).state_dict()`` has them, and on the CPU, on every
        process. Every process has to call it.

        Args:
            per_layer: As :meth:`layer_weights` gave them.

        Raises:
            PeerLostError: If another process died or hangs.
        """
        with self.place.failures.telling():
            return gather_weights(self.place, per_layer)

    def state_dict(self) -> dict[str, Tensor]:
        """The weights of the whole stack as they are now; see :meth:`gather_weights`."""
        return self.gather_weights(self.layer_weights())

    def identity(self) -> dict[str, object]:
        """What this training is; the number of stages does not belong to it."""
        return dict(self._identity)

    def layer_rows(self, number: int) -> LayerRows | None:
        """What a layer of this stage remembers, by its number in the stack."""
        return self._stage.rows[number - self._stage.first]

    def go_on_from(self, epoch: int) -> None:
        """Say that so many epochs are done; the history is filled after the first."""
        self.epoch = epoch
        self._has_history = epoch > 0

    def _numbered(self) -> dict[int, nn.Module]:
        return {int(number): layer for number, layer in self.layers.items()}

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.num_layers} layers, stages={self.place.stages}, "
            f"chunks={self.layout.num_chunks}, ways={self.place.ways}, gamma={self.gamma:g}, "
            f"refresh={self.refresh})"
        )
