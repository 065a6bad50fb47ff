"""Before training: what stages, ways or one device would take, send and hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from graphlearn.errors import InputError
from graphlearn.kernels.partition import halo_size
from graphlearn.pipeline.cost_prediction import CostChoice, CostPrediction
from graphlearn.pipeline.layout import Layout
from graphlearn.pipeline.partition import partition_nodes
from graphlearn.pipeline.schedule import split_layers
from graphlearn.pipeline.timeline import simulate_turns
from graphlearn.pipeline.volume import hybrid_bytes
from graphlearn.typing import EdgeIndex
from graphlearn.validate import check_flag, check_number, check_size


def predict(
    layout: Layout,
    *,
    channels: int,
    num_layers: int,
    stages: int,
    layer_seconds: float | Sequence[float],
    bandwidth: float,
    latency: float = 2e-5,
    overhead: float = 1e-4,
    forward_share: float = 1 / 3,
    recompute: bool = True,
    carried: bool = False,
    itemsize: int = 4,
    kept_rows: float = 4.0,
    memory_limit: int | None = None,
    replicas: Mapping[int, int] | None = None,
    cores: int | None = None,
    threads: int = 1,
) -> CostPrediction:
    r"""Foretell a pipelined training, and what could be done with the same devices instead.

    Compared are: as many stages and ways as asked for; fewer stages; every other share of the
    devices between stages and ways, down to graph parallelism without stages; and one device.

    **Time.** A layer takes :math:`o + f t` seconds for a share f of the graph: a fixed cost o of
    its calls, and t for the whole. A chunk's turn on a stage is the sum over the stage's layers
    with :math:`f = 1 / (K W)`; with W > 1 each layer waits for the rows of other ways, forward and
    back. Turns are then played by :func:`graphlearn.pipeline.timeline.simulate_turns`, with
    messages between stages under way meanwhile. Without stages there is one chunk and nothing is
    recomputed. Chunks and ways are taken as even. Small graphs lose by o: K chunks pay it K times.

    **Bytes.** :func:`graphlearn.pipeline.volume.hybrid_bytes`, exactly.

    **Memory** of one device of a stage with :math:`L_s` layers of C channels, in numbers:

    .. math::
        \underbrace{3 L_s M C}_\text{rows} + \underbrace{(1 + \text{carried}) \tfrac{N}{W} C
        }_\text{inputs} + \underbrace{a L_s R C}_\text{activations}, \qquad
        M = \frac{B + \alpha N}{W}

    with M rows held (fresh, old, gradients) of the B nodes that another chunk or way reads, R rows
    of one chunk and its halo on a way (of all chunks without ``recompute``), and a = ``kept_rows``,
    rows that a layer keeps for its way back. Weights, the optimizer and the features are not in it.

    Args:
        layout: Of the graph; tells N, K, W and what is cut.
        channels: C, between layers.
        num_layers: L, those that read their neighbors; the two ends of a stack are left out.
        stages: S.
        layer_seconds: t of each layer, forward and back once, on the whole graph and one device;
            see :func:`graphlearn.pipeline.costs.measure_costs`, times K for a chunk's.
        bandwidth: Bytes a second that a device sends.
        latency: Seconds of a message, however small.
        overhead: o of a layer, forward and back.
        forward_share: The share of t and o that is the way forward.
        recompute: Whether stages compute activations again.
        carried: Whether a second tensor goes along between stages, as in GCNII.
        itemsize: Bytes of a number.
        kept_rows: a.
        memory_limit: Bytes of a device; what needs more is not advised.
        replicas: alpha N for numbers of ways. What is missing is measured: the graph is cut by the
            built-in partitioner, O(E) each.
        cores: CPU cores that all devices share, if they are processes of one machine: where more
            threads compute than there are cores, each computes that much longer. None if each
            device computes by itself.
        threads: Of each such process.

    Raises:
        InputTypeError: If an argument is of a wrong type.
        InputError: If one is out of range, or there are more stages than layers.

    Example:
        >>> ring = torch.stack([torch.arange(1000), torch.arange(1000).roll(1)])
        >>> layout = Layout(ring, 1000, chunks=16)
        >>> found = predict(
        ...     layout, channels=64, num_layers=32, stages=4, layer_seconds=1e-4, bandwidth=1e10
        ... )
        >>> found.asked.sent_bytes, found.pays, found.best.name
        (1536000, False, 'graph parallelism, 4 ways')
    """
    layers = check_size(num_layers, name="num_layers")
    given: Any = layer_seconds
    seconds = [given] * layers if isinstance(given, (int, float)) else list(given)
    if len(seconds) != layers:
        raise InputError(
            f"layer_seconds has {len(seconds)} numbers", expected=f"{layers}, one for each layer"
        )
    seconds = [_positive(value, "layer_seconds", zero=True) for value in seconds]
    asked = (check_size(stages, name="stages"), layout.num_ways)
    split_layers(seconds, asked[0])
    known = {1: 0, layout.num_ways: layout.num_replicas, **(replicas or {})}
    model = _Model(
        layout=layout,
        channels=check_size(channels, name="channels"),
        seconds=seconds,
        bandwidth=_positive(bandwidth, "bandwidth"),
        latency=_positive(latency, "latency", zero=True),
        overhead=_positive(overhead, "overhead", zero=True),
        forward=_positive(forward_share, "forward_share", zero=True),
        recompute=check_flag(recompute, name="recompute"),
        carried=check_flag(carried, name="carried"),
        itemsize=check_size(itemsize, name="itemsize"),
        kept_rows=_positive(kept_rows, "kept_rows", zero=True),
        cores=None if cores is None else check_size(cores, name="cores"),
        threads=check_size(threads, name="threads"),
    )
    if model.forward > 1:
        raise InputError(f"forward_share is {model.forward}", expected="a number in [0, 1]")
    edges: EdgeIndex | None = None
    choices = []
    for stage_count, ways in _alternatives(*asked, layers, layout.num_nodes):
        if ways not in known:
            edges = _edges(layout) if edges is None else edges
            part = partition_nodes(edges, layout.num_nodes, ways)
            known[ways] = halo_size(edges[0], edges[1], part, ways)
        choices.append(model.choice(stage_count, ways, known[ways]))
    limit = None if memory_limit is None else check_size(memory_limit, name="memory_limit")
    return CostPrediction(
        choices[0],
        tuple(choices),
        limit,
        recompute=model.recompute,
        sharing=model.sharing(choices[0].devices),
    )


class _Model:
    """The numbers of a training, apart from how devices share it."""

    def __init__(
        self,
        *,
        layout: Layout,
        channels: int,
        seconds: list[float],
        bandwidth: float,
        latency: float,
        overhead: float,
        forward: float,
        recompute: bool,
        carried: bool,
        itemsize: int,
        kept_rows: float,
        cores: int | None,
        threads: int,
    ) -> None:
        self.layout, self.channels, self.seconds = layout, channels, seconds
        self.bandwidth, self.latency, self.overhead = bandwidth, latency, overhead
        self.forward, self.recompute, self.carried = forward, recompute, carried
        self.itemsize, self.kept_rows = itemsize, kept_rows
        self.cores, self.threads = cores, threads

    def slowdown(self, devices: int) -> float:
        """How many times as long as one device alone each computes, as they share cores."""
        if self.cores is None:
            return 1.0
        return max(self.cores, devices * self.threads) / max(self.cores, self.threads)

    def sharing(self, devices: int) -> str:
        """That devices share too few cores; empty if they do not."""
        if self.slowdown(devices) == 1.0:
            return ""
        each = "" if self.threads == 1 else f" of {self.threads} threads"
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        return f"{devices} processes{each} share {cores}"

    def choice(self, stages: int, ways: int, replicas: int) -> CostChoice:
        """The figures of so many stages and ways."""
        nodes, row = self.layout.num_nodes, self.channels * self.itemsize
        chunks = 1 if stages == 1 else self.layout.num_chunks
        again = self.recompute and stages > 1
        cells = chunks * ways
        slower = self.slowdown(stages * ways)
        exchange = 0.0 if ways == 1 else self.latency + replicas * row / cells / self.bandwidth
        ranges = split_layers(self.seconds, stages)
        share = {True: self.forward, False: 1 - self.forward + (self.forward if again else 0.0)}
        turns: dict[bool, list[list[float]]] = {True: [], False: []}
        for way_forward, table in turns.items():
            for part in ranges:
                work = slower * sum(self.overhead + self.seconds[i] / cells for i in part)
                table.append([share[way_forward] * work + len(part) * exchange] * chunks)
        message = (1 + self.carried) * nodes * row / cells / self.bandwidth
        timeline = simulate_turns(turns[True], turns[False], latency=self.latency, transfer=message)
        fixed = len(self.seconds) * self.overhead
        work = fixed + sum(self.seconds) / cells
        largest = max(len(part) for part in ranges)
        rows = self._chunk_rows(chunks, ways, replicas)
        kept = rows if again else rows * chunks
        return CostChoice(
            stages=stages,
            ways=ways,
            chunks=chunks,
            seconds=timeline.seconds,
            sent_bytes=hybrid_bytes(
                nodes,
                replicas,
                self.channels,
                len(self.seconds),
                stages,
                itemsize=self.itemsize,
                carried=self.carried,
            ),
            efficiency=timeline.efficiency,
            overhead=fixed / work if work > 0 else 0.0,
            row_bytes=round(3 * largest * self._held_rows(chunks, replicas) / ways * row),
            input_bytes=round((1 + self.carried) * nodes / ways * row),
            activation_bytes=round(self.kept_rows * largest * kept * row),
        )

    def _held_rows(self, chunks: int, replicas: int) -> int:
        """Nodes that another chunk or way reads, and on how many other ways they are held."""
        # One chunk is read by other ways alone.
        border: int = self.layout.border_nodes
        return (border if chunks > 1 else min(border, replicas)) + replicas

    def _chunk_rows(self, chunks: int, ways: int, replicas: int) -> float:
        """Rows of a chunk on a way, with its halo."""
        nodes = self.layout.num_nodes
        halo = replicas
        if chunks > 1:
            # Of other numbers of ways: what the chunks read of each other stays, ways add theirs.
            within = self.layout.halo_rows - self.layout.num_replicas
            halo = max(0, within) + replicas
        return (nodes + halo) / (chunks * ways)


def _alternatives(stages: int, ways: int, layers: int, nodes: int) -> list[tuple[int, int]]:
    """What was asked, then fewer stages, the same devices shared otherwise, and one device."""
    devices = stages * ways
    found = [(stages, ways)]
    found += [(fewer, ways) for fewer in range(stages - 1, 1, -1)]
    found += [
        (count, devices // count)
        for count in range(min(devices, layers), 0, -1)
        if devices % count == 0 and devices // count <= max(1, nodes)
    ]
    return list(dict.fromkeys([*found, (1, 1)]))


def _edges(layout: Layout) -> EdgeIndex:
    """The edges of a layout's messages in ids of the whole graph, in the order they were given."""
    parts, numbers = [], []
    for number in range(layout.num_chunks):
        for way in range(layout.num_ways):
            chunk = layout.chunk(number, way)
            source, target = chunk.edge_index
            ids = torch.cat([chunk.nodes, chunk.halo])
            parts.append(torch.stack([ids[source], chunk.nodes[target]]))
            numbers.append(chunk.edge)
    edge = torch.cat(numbers)
    order = edge.argsort()
    given = edge[order] < layout.num_edges  # without self-loops that were added
    return torch.cat(parts, dim=1)[:, order[given]]


def _positive(value: Any, name: str, *, zero: bool = False) -> float:
    number = check_number(value, name=name)
    if number < 0 or (number == 0 and not zero):
        raise InputError(f"{name} is {value}", expected=f"a number {'>=' if zero else '>'} 0")
    return number
