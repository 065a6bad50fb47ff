"""What a training that stands ready will cost, from figures measured on these devices."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter

import torch
import torch.distributed as dist

from graphlearn.pipeline.cost_model import predict
from graphlearn.pipeline.cost_prediction import CostPrediction
from graphlearn.pipeline.place import Place
from graphlearn.pipeline.trainer import PipelineTrainer

_PROBE_BYTES = 2**20
_OVERHEAD = 1e-4
"""Seconds of a layer's turn, forward and back, that are taken for the fixed cost of its calls."""
_FORWARD = 1 / 3
"""The share of a layer's turn that is the way forward."""


def measure_link(place: Place, *, repeats: int = 5) -> tuple[float, float]:
    """Bytes a second and seconds a message between processes; every process has to call it.

    A message of one number and one of a MiB go from the first process to all others; the least
    time of some counts. With many processes it says too little rather than too much.

    Args:
        place: Of this process, among others.
        repeats: How often.

    Raises:
        PeerLostError: If another process died or hangs.
    """
    device = "cuda" if place.mesh is not None and place.mesh.device_type == "cuda" else "cpu"
    least = []
    for size in (1, _PROBE_BYTES):
        message = torch.zeros(size, dtype=torch.uint8, device=device)
        seconds = float("inf")
        for _ in range(repeats):
            place.wait()
            begin = time.perf_counter()
            with place.failures.waiting_for(place.failures.others):
                dist.broadcast(message, src=0)
                if device == "cuda":
                    torch.cuda.synchronize()
            seconds = min(seconds, time.perf_counter() - begin)
        least.append(seconds)
    told = [pair for pair in place.gather(tuple(least)) if isinstance(pair, tuple)]
    latency, longer = (max(values) for values in zip(*told, strict=True))
    return _PROBE_BYTES / max(longer - latency, 1e-9), latency


def shared_cores(place: Place) -> tuple[int, int]:
    """How many cores the processes of a training have together, and how many threads each starts.

    Every process has to call it. Of several machines that differ, it is as if all had as few cores
    for each process as the scarcest.

    Args:
        place: Of this process, among others.

    Raises:
        PeerLostError: If another process died or hangs.

    Example:
        >>> min(shared_cores(Place(1, 1))) >= 1
        True
    """
    told = place.gather((socket.gethostname(), _own_cores(), torch.get_num_threads()))
    cores: dict[str, set[int]] = {}
    processes: Counter[str] = Counter()
    threads = 1
    for one in told:
        assert isinstance(one, tuple)
        cores.setdefault(one[0], set()).update(one[1])
        processes[one[0]] += 1
        threads = max(threads, one[2])
    found = min(len(told) * len(own) // processes[name] for name, own in cores.items())
    return max(1, found), threads


def _own_cores() -> list[int]:
    """The numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))  # macOS has no such call


def forecast(trainer: PipelineTrainer) -> CostPrediction | None:
    """Foretell a training with several processes; every process has to call it.

    Layers were timed when the trainer was made with ``costs="measure"``, each on one chunk, forward
    twice with ``recompute``; what of that is the fixed cost of calls is an estimate. Links are
    timed here. Processes that compute on CPUs share the cores of their machine.

    Args:
        trainer: The training, before its first epoch.

    Returns:
        The same on every process; None for a process alone, which has nothing to choose.

    Raises:
        PeerLostError: If another process died or hangs.
    """
    place, layout = trainer.place, trainer.layout
    if place.mesh is None:
        return None
    bandwidth, latency = measure_link(place)
    cores, threads = shared_cores(place)
    readers = [number for number, reads in enumerate(trainer.reads_halo) if reads]
    if not readers:
        return None
    cells = layout.num_chunks * layout.num_ways
    widths = Counter(trainer.widths[number].rows for number in readers)
    # Of a chunk's turn, once forward and back: recomputing and fixed costs are added by predict().
    turns = [trainer.costs[number] / (1 + _FORWARD * trainer.recompute) for number in readers]
    overhead = min(_OVERHEAD, *turns)
    return predict(
        layout,
        channels=widths.most_common(1)[0][0],
        num_layers=len(readers),
        stages=min(place.stages, len(readers)),
        layer_seconds=[(seconds - overhead) * cells for seconds in turns],
        bandwidth=bandwidth,
        latency=latency,
        overhead=overhead,
        forward_share=_FORWARD,
        recompute=trainer.recompute,
        carried=any(trainer.widths[number].count > 1 for number in readers),
        itemsize=trainer.widths[0].dtype.itemsize,
        cores=cores if trainer.device.type == "cpu" else None,
        threads=threads,
    )
