"""What is installed, and which fast paths are on here."""

from __future__ import annotations

import importlib.util
import os
import platform
import time

import torch

import graphlearn
from graphlearn.allocator import can_keep_freed_memory
from graphlearn.bench.table import Table
from graphlearn.bench.versions import PACKAGES, package_version
from graphlearn.data import dataset_names, find_data_root
from graphlearn.errors import GraphLearnError
from graphlearn.kernels import CSRGraph, common_neighbors, multiplies_bfloat16, plan_pooling
from graphlearn.kernels.gru import gru_merge, gru_merge_reference
from graphlearn.nn import AGGREGATORS, ENCODERS, NETWORKS, PREDICTORS

_MORE_PACKAGES = ("safetensors", "pyyaml", "scikit-learn", "cyclopts", "rich", "matplotlib")
_EXTRAS = ("ogb", "pyarrow", "triton")


def examine() -> Table:
    """Return what is installed and switched on, one line each.

    Example:
        >>> examine().cells[0][0]
        'graphlearn'
    """
    lines = [("graphlearn", graphlearn.__version__), ("python", platform.python_version())]
    lines += [(name, package_version(name)) for name in (*PACKAGES, *_MORE_PACKAGES)]
    lines += [(f"{name} (optional)", package_version(name)) for name in _EXTRAS]
    lines += [
        ("platform", platform.platform()),
        ("CPU cores", str(os.cpu_count())),
        ("kernel threads", f"{torch.get_num_threads()}, numba's too; runs take --threads (1)"),
        ("CPU kernels", _cpu_kernels()),
        ("freed memory", _freed_memory()),
        ("pooling, sparse", _pooling(num_nodes=1000, degree=4)),
        ("pooling, dense", _pooling(num_nodes=200, degree=150)),
        ("GRU merge", _gru_merge()),
        ("bfloat16", _bfloat16()),
        ("CUDA", _cuda()),
        ("GPU kernels", _gpu_kernels()),
        ("data root", _data_root()),
        ("datasets", str(len(dataset_names()))),
        ("encoders", ", ".join(ENCODERS.names())),
        ("predictors", ", ".join(PREDICTORS.names())),
        ("networks", ", ".join(NETWORKS.names())),
        ("aggregators", ", ".join(AGGREGATORS.names())),
    ]
    return Table(("what", "state"), tuple(lines))


def _circle(num_nodes: int, degree: int) -> CSRGraph:
    """Each node linked to the ``degree`` after it; made, not drawn, so always the same."""
    node = torch.arange(num_nodes).repeat_interleave(degree)
    step = torch.arange(1, degree + 1).repeat(num_nodes)
    return CSRGraph.from_edge_index(torch.stack([node, (node + step) % num_nodes]), num_nodes)


def _cpu_kernels() -> str:
    graph = _circle(10, 2)
    begin = time.perf_counter()
    found = common_neighbors(graph, torch.tensor([[0], [2]])).tolist()
    seconds = time.perf_counter() - begin
    if found != [[1]]:
        return f"BROKEN: common neighbors of 0 and 2 in a small circle are {found}, not [[1]]"
    return f"on: numba {package_version('numba')}, first call {seconds:.2f} s"


def _freed_memory() -> str:
    if can_keep_freed_memory():
        return "kept for the next batch in runs and workers (glibc)"
    return "given back after each batch: another C library than glibc, or MALLOC_ settings are set"


def _pooling(*, num_nodes: int, degree: int) -> str:
    graph = _circle(num_nodes, degree)
    pairs = torch.stack([torch.arange(num_nodes), (torch.arange(num_nodes) + 1) % num_nodes])
    plan = plan_pooling(graph, pairs, 256, needs_grad=True)
    return f"{plan.path} ({plan.reason})"


def _gru_merge() -> str:
    weight, bias = torch.linspace(-1, 1, 12).view(6, 2), torch.linspace(-1, 1, 6)
    weights = [weight, weight.flip(0), bias, bias.flip(0)]  # made, not drawn
    pairs = torch.linspace(-1, 1, 8).view(2, 2, 2)
    fused = gru_merge(pairs, *weights)
    if not torch.allclose(fused, gru_merge_reference(pairs, *weights), atol=1e-6):
        return "BROKEN: the compiled merge of two rows is not that of two GRU cells"
    return "compiled, in blocks (CPU, float32 and float64); plain torch operations elsewhere"


def _bfloat16() -> str:
    kinds = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    return "; ".join(
        f"{kind} multiplies matrices of it: train.autocast pays where they are most of the work"
        if multiplies_bfloat16(kind)
        else f"{kind} has no instructions for it: train.autocast would be slower than float32"
        for kind in kinds
    )


def _cuda() -> str:
    if torch.version.cuda is None:
        return "this torch was built without it"
    if not torch.cuda.is_available():
        return f"built for {torch.version.cuda}, no device found"
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return f"{torch.version.cuda}: {', '.join(names)}"


def _gpu_kernels() -> str:
    rows = "rows of page-locked memory"
    if importlib.util.find_spec("triton") is None:
        return f"plain torch operations; {rows} too (Triton, with its own way to read them, absent)"
    return f"Triton {package_version('triton')} reads {rows}; plain torch operations for the rest"


def _data_root() -> str:
    try:
        root = find_data_root()
    except GraphLearnError as error:
        return f"UNUSABLE: {error}"
    return f"{root} ({'there' if root.is_dir() else 'made by the first download'})"
