"""The command that plans feature storage: a graph by name or file, sizes as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

from torch_geometric.data import Data

from graphlearn.bench.tasks import is_file_dataset
from graphlearn.data import load_dataset, read_edge_list, read_graph, read_seal_mat
from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.registry import unknown_name
from graphlearn.store import StorePlan, plan_stores
from graphlearn.store.graph_estimate import Assumption
from graphlearn.store.row_store import DTYPES

_READERS: dict[str, Callable[[Path], Data]] = {".mat": read_seal_mat, ".safetensors": read_graph}
_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SIZE = re.compile(r"(\d+\.?\d*|\.\d+)(e\+?\d+)?\s*(?:([kmgt]?)(i?)b)?", re.IGNORECASE)


def parse_bytes(text: str, name: str) -> int:
    """Read a size such as ``2GiB`` (2^30 bytes each), ``512MB`` (10^6 bytes each) or ``10e9``.

    Raises:
        InputError: If it is none.

    Example:
        >>> parse_bytes("2GiB", "--gpu-bytes"), parse_bytes("1.5 kB", "x"), parse_bytes("10e9", "x")
        (2147483648, 1500, 10000000000)
    """
    found = _SIZE.fullmatch(text.strip().replace("_", ""))
    if found is None or (found[4] and not found[3]):
        raise InputError(f"{name} {text}", expected="a size such as 2GiB, 512MB or 10e9")
    unit = (1024 if found[4] else 1000) ** _UNITS[(found[3] or "").lower()]
    return _whole(float(found[1] + (found[2] or "")) * unit, text, name)


def parse_count(text: str, name: str) -> int:
    """Read a count such as ``2000000``, ``2_000_000`` or ``2e6``.

    Raises:
        InputError: If it is none.

    Example:
        >>> parse_count("2e6", "--nodes"), parse_count("12", "--nodes")
        (2000000, 12)
    """
    found = _SIZE.fullmatch(text.strip().replace("_", ""))
    number = math.nan if found is None or text.strip()[-1] in "bB" else float(found[0])
    if not math.isfinite(number) or number != int(number):
        raise InputError(f"{name} {text}", expected="a count such as 2000000 or 2e6")
    return _whole(number, text, name)


def _whole(number: float, text: str, name: str) -> int:
    if not number < 2**62:
        raise InputError(f"{name} {text}", expected="less than 2^62")
    return int(number)


def parse_fan_out(text: str) -> list[int]:
    """Read fan-outs such as ``15,10``; -1 is all neighbors.

    Raises:
        InputError: If they are no integers.

    Example:
        >>> parse_fan_out("15,10")
        [15, 10]
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--fanout {text}", expected="one integer a hop, such as 15,10") from None


def plan_command(
    *,
    graph: str | None,
    nodes: str | None,
    edges: str | None,
    dim: str | None,
    dtype: str,
    gpu_bytes: str,
    host_bytes: str | None,
    fan_out: str,
    batch_size: str,
    train_nodes: str | None,
    assume: Assumption,
    data_root: Path | str | None = None,
) -> StorePlan:
    """Plan what the command line asks for.

    Args:
        graph: A data set's name, or a file; its links are sampled in both directions. None for
            sizes alone.
        nodes: Number of nodes, without a graph.
        edges: Number of edges, without a graph; both directions of a link count.
        dim: Numbers a row; that of the graph's own features if None.
        dtype: What rows are made of, by name.
        gpu_bytes: GPU memory for rows.
        host_bytes: Memory for rows; has to be given, be it as 0.
        fan_out: Neighbors a hop.
        batch_size: Seeds a batch.
        train_nodes: How many nodes are seeds; all if None.
        assume: What graph sizes alone stand for.
        data_root: Folder of the data.

    Raises:
        UnknownNameError: If there is no such data set or dtype.
        DataNotFoundError: If a file is missing.
        InputError: If a value cannot be used, is missing, or stands beside one it contradicts.

    Example:
        >>> plan = plan_command(
        ...     graph="digits-knn", nodes=None, edges=None, dim=None, dtype="float32",
        ...     gpu_bytes="0", host_bytes="1MiB", fan_out="5,5", batch_size="64", train_nodes="100",
        ...     assume="uniform",
        ... )
        >>> plan.store, plan.num_nodes, plan.row_bytes
        ('memory', 1797, 256)
    """
    if dtype not in DTYPES:
        raise unknown_name("dtype", dtype, DTYPES)
    if host_bytes is None:
        raise InputError(
            "--host-bytes is not given",
            expected="how much memory rows may take, such as 8GiB; 0 for none",
        )
    width = None if dim is None else parse_count(dim, "--dim")
    rows: CSRGraph | None = None
    if graph is not None:
        for name, value in (("--nodes", nodes), ("--edges", edges)):
            if value is not None:
                raise InputError(
                    f"{name} {value} stands beside --graph {graph}",
                    expected="one of them: a graph has sizes of its own",
                )
        data = _read(graph, data_root)
        rows = CSRGraph.from_edge_index(data.edge_index, data.num_nodes)
        if width is None and data.get("x") is not None:
            width = int(data.x.size(1))
    if width is None:
        raise InputError("--dim is not given", expected="how many numbers a row has")
    if graph is None and (nodes is None or edges is None):
        raise InputError(
            f"{'--nodes' if nodes is None else '--edges'} is not given",
            expected="--nodes and --edges, or --graph",
        )
    return plan_stores(
        dim=width,
        dtype=DTYPES[dtype],
        fan_out=parse_fan_out(fan_out),
        graph=rows,
        num_nodes=None if nodes is None else parse_count(nodes, "--nodes"),
        num_edges=None if edges is None else parse_count(edges, "--edges"),
        train_nodes=None if train_nodes is None else parse_count(train_nodes, "--train-nodes"),
        batch_size=parse_count(batch_size, "--batch-size"),
        gpu_bytes=parse_bytes(gpu_bytes, "--gpu-bytes"),
        host_bytes=parse_bytes(host_bytes, "--host-bytes"),
        assumption=assume,
    )


def _read(graph: str, data_root: Path | str | None) -> Data:
    if is_file_dataset(graph):
        path = Path(graph).expanduser()
        return _READERS.get(path.suffix.lower(), read_edge_list)(path)
    return load_dataset(graph, data_root).data
