"""What each layer costs, by the clock: to balance stages, and to foretell a training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from statistics import median

import torch
import torch.distributed as dist
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.pipeline.checks import check_costs, check_stack
from graphlearn.pipeline.chunk import GraphChunk
from graphlearn.pipeline.held_rows import HeldRows
from graphlearn.pipeline.identity import check_agreement
from graphlearn.pipeline.layer_rows import Alone, LayerRows, with_halo
from graphlearn.pipeline.layout import Layout
from graphlearn.pipeline.place import Place
from graphlearn.pipeline.stage import apply_layer, reads_halo, seeded
from graphlearn.pipeline.widths import layer_device
from graphlearn.validate import check_features, check_flag, check_size

_ALIKE = 1.5  # times as long as another


def measure_costs(
    stack: Sequence[nn.Module],
    chunk: GraphChunk,
    x: Tensor,
    *,
    repeats: int = 3,
    recompute: bool = False,
    seed: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Seconds that each layer takes for a chunk, forward and back: the least of some turns.

    :class:`PipelineTrainer` takes them as ``costs``, or measures by itself. Where processes are
    joined, the first one measures and all get its figures, so that they cut the stack in the same
    places; all have to call it. Weights, their gradients and torch's random state stay as they are.
    One turn more comes before those that count: it compiles what is compiled on first use.

    To store rows and to read the halo is part of a layer that reads it. Halo rows of layers after
    the first are copies of the chunk's own rows: what they hold costs nothing, that they are there
    does. Layers of one class and size are given their median if none took half as long again as
    another.

    Args:
        stack: The layers, on the device of the chunk.
        chunk: A chunk.
        x: Features of all nodes of the graph, on any device.
        repeats: Turns.
        recompute: Count the way forward twice, as a stage goes it with ``recompute``.
        seed: Of what the layers draw.
        clock: Tells seconds; ``time.process_time`` where other work shares the cores.

    Shapes:
        - **x**: ``[N, C]``

    Returns:
        One number a layer.

    Raises:
        InputTypeError: If the stack is no sequence of modules, or ``x`` no floating-point tensor.
        InputError: If the chunk has nodes that ``x`` has not, or none.

    Example:
        >>> from graphlearn.pipeline.layout import Layout
        >>> class Sum(nn.Module):
        ...     def forward(self, x, chunk):
        ...         source, target = chunk.edge_index
        ...         return torch.zeros(chunk.num_nodes, 1).index_add(0, target, x[source])
        >>> layout = Layout(torch.tensor([[0, 1], [1, 0]]), num_nodes=2, chunks=1)
        >>> costs = measure_costs([Sum(), Sum()], layout.chunk(0), torch.ones(2, 1))
        >>> len(costs), min(costs) > 0
        (2, True)
    """
    layers = check_stack(stack)
    rows = check_features(x)
    turns = check_size(repeats, name="repeats")
    twice = check_flag(recompute, name="recompute")
    if not chunk.num_nodes:
        raise InputError("the chunk has no nodes", expected="one at least")
    ids = torch.cat([chunk.nodes, chunk.halo])
    last = int(ids.max())
    if last >= rows.size(0):
        raise InputError(
            f"x has {rows.size(0)} rows and the chunk has node {last}",
            expected="the features of all nodes of the graph",
        )
    joined = dist.is_available() and dist.is_initialized()
    found: list[object] = [None]
    if not joined or dist.get_rank() == 0:
        x = rows[ids.to(rows.device)].to(ids.device)
        found = [_measure(layers, chunk, x, turns, twice, seed, clock)]
    if joined:
        dist.broadcast_object_list(found, src=0)
    costs = found[0]
    assert isinstance(costs, list)
    return costs


def agree_on_costs(
    given: Sequence[float] | str | None,
    layers: Sequence[nn.Module],
    layout: Layout,
    x: Tensor,
    place: Place,
    *,
    device: torch.device,
    recompute: bool,
    seed: int,
) -> list[float]:
    """What each layer costs, the same on every process; all have to call it.

    ``"measure"`` lets the first process take the time of every layer on the largest chunk: four
    times forward and back through the whole stack, while the others wait.

    Args:
        given: A number for each layer, None for equal ones, or ``"measure"``.
        layers: The whole stack; on ``device`` while it is measured, and back afterwards.
        layout: Of the graph.
        x: Features of all nodes.
        place: Of this process.
        device: Where it computes.
        recompute: Whether stages go the way forward twice.
        seed: Of what the layers draw.

    Raises:
        InputTypeError: If it is no sequence of numbers.
        InputError: If it is another text, not a number for each layer, or not the same everywhere.

    Example:
        >>> layout = Layout(torch.tensor([[0], [1]]), 2, 1)
        >>> options = {"device": torch.device("cpu"), "recompute": True, "seed": 0}
        >>> agree_on_costs([1, 2], [None] * 2, layout, torch.ones(2, 1), Place(1, 1), **options)
        [1.0, 2.0]
    """
    asked = isinstance(given, str) and given == "measure"
    costs = check_costs(None if asked else given, len(layers))
    if asked and place.rank == 0:
        parts = product(range(layout.num_chunks), range(layout.num_ways))
        chunk = max((layout.chunk(*part) for part in parts), key=lambda part: part.num_nodes)
        rows = x[torch.cat([chunk.nodes, chunk.halo]).to(x.device)].to(device)
        chunk = chunk.to(device)
        homes = [layer_device(layer, device) for layer in layers]
        try:
            for layer in layers:
                layer.to(device)
            costs = _measure(layers, chunk, rows, 3, recompute, seed, time.perf_counter)
        finally:
            for layer, home in zip(layers, homes, strict=True):
                layer.to(home)
    told = place.gather((asked, costs))
    said = [one for one in told if isinstance(one, tuple)]
    check_agreement([{"costs": "measure" if one[0] else one[1]} for one in said])
    found: list[float] = said[0][1]
    return found


def _measure(
    layers: Sequence[nn.Module],
    chunk: GraphChunk,
    x: Tensor,
    repeats: int,
    twice: bool,
    seed: int,
    clock: Callable[[], float],
) -> list[float]:
    training = [layer.training for layer in layers]
    best = [float("inf")] * len(layers)
    held = _hold(chunk)
    try:
        for layer in layers:
            layer.train()
        for turn in range(repeats + 1):
            with seeded(seed, turn, device=x.device), torch.enable_grad():
                for number, seconds in enumerate(_turn(layers, chunk, held, x, twice, clock)):
                    if turn:
                        best[number] = min(best[number], seconds)
    finally:
        for layer, was_training in zip(layers, training, strict=True):
            layer.train(was_training)
    return _evened_out(best, layers)


def _turn(
    layers: Sequence[nn.Module],
    chunk: GraphChunk,
    held: HeldRows,
    x: Tensor,
    twice: bool,
    clock: Callable[[], float],
) -> list[float]:
    """Seconds of each layer and of its halo, each on what the layer before gave."""

    def now() -> float:
        if x.is_cuda:  # it has to have done what it was asked for
            torch.cuda.synchronize(x.device)
        return clock()

    own, found = chunk.num_nodes, []
    rows, halo = x[:own], x[own:]
    initial: Tensor | None = None
    for number, layer in enumerate(layers):
        given = rows.detach().requires_grad_(number > 0)
        start = None if initial is None else initial.detach().requires_grad_()
        memory = None
        if reads_halo(layer):
            memory = LayerRows(held, rows.size(1), rows.dtype, x.device, 2.0, Alone())
            memory.begin_epoch([1, 0])
            memory.store(1, halo)
        begin = now()
        full = given if memory is None else with_halo(given, memory, 0)
        result = apply_layer(layer, full, chunk, start, number=number)
        forward = now() - begin
        wanted = [t for t in (given, start, *layer.parameters()) if t is not None]
        wanted = [tensor for tensor in wanted if tensor.requires_grad]
        begin = now()
        if result.rows.requires_grad and wanted:
            ones = torch.ones_like(result.rows)
            torch.autograd.grad(result.rows, wanted, ones, allow_unused=True)
        found.append(forward * (1 + twice) + now() - begin)
        rows, initial = result.rows.detach(), result.initial
        halo = rows[torch.arange(chunk.halo.numel(), device=x.device) % own]
    return found


def _hold(chunk: GraphChunk) -> HeldRows:
    """The chunk, and as another one, which had its turn before, the nodes of its halo."""
    none = chunk.halo[:0]
    other = replace(chunk, number=1, nodes=chunk.halo, halo=none)
    chunk_of = chunk.nodes.new_zeros(int(torch.cat([chunk.nodes, chunk.halo]).max()) + 1)
    chunk_of[chunk.halo] = 1
    return HeldRows([chunk, other], chunk_of)


def _evened_out(costs: list[float], layers: Sequence[nn.Module]) -> list[float]:
    """Layers of one class and size that took about the same took their median: the rest is noise.

    Else noise decides where a stack of equal layers is cut, and a stage with one layer more than
    the others makes all of them wait.
    """
    alike: dict[object, list[int]] = {}
    for number, layer in enumerate(layers):
        sizes = tuple((name, *value.shape) for name, value in layer.state_dict().items())
        alike.setdefault((type(layer), sizes), []).append(number)
    for numbers in alike.values():
        own = [costs[number] for number in numbers]
        if max(own) <= _ALIKE * min(own):
            for number in numbers:
                costs[number] = median(own)
    return costs
