from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from graphlearn.bench.store_plan import parse_bytes, parse_count, parse_fan_out, plan_command
from graphlearn.data import write_graph
from graphlearn.errors import DataNotFoundError, InputError

DEFAULTS: dict[str, Any] = {
    "graph": None,
    "nodes": "1e6",
    "edges": "20e6",
    "dim": "128",
    "dtype": "float32",
    "gpu_bytes": "0",
    "host_bytes": "100MiB",
    "fan_out": "15,10",
    "batch_size": "1e3",
    "train_nodes": "10_000",
    "assume": "uniform",
}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("12", 12),
        ("12B", 12),
        ("10e9", 10**10),
        ("1.5e3", 1500),
        ("2GiB", 2**31),
        ("2 gib", 2**31),
        ("512MB", 512 * 10**6),
        ("0.5KiB", 512),
        (".5kB", 500),
        ("1_000", 1000),
        ("3TB", 3 * 10**12),
    ],
)
def test_bytes(text: str, size: int) -> None:
    assert parse_bytes(text, "--host-bytes") == size


@pytest.mark.parametrize(
    "text", ["", "many", "-1", "2G", "2iB", "1e-3", "GiB", "1,5GB", "nan", "inf", "1e40", "2 PiB"]
)
def test_bad_bytes(text: str) -> None:
    with pytest.raises(InputError, match="--host-bytes"):
        parse_bytes(text, "--host-bytes")


def test_counts() -> None:
    assert [parse_count(text, "--nodes") for text in ("7", "2e6", "2_000")] == [7, 2000000, 2000]


@pytest.mark.parametrize("text", ["", "1.5", "2kB", "12B", "-3", "x", "1e400"])
def test_bad_counts(text: str) -> None:
    with pytest.raises(InputError, match="--nodes"):
        parse_count(text, "--nodes")


def test_fan_outs() -> None:
    assert parse_fan_out("15, 10,-1") == [15, 10, -1]
    for text in ("", "15;10", "1.5", "15,"):
        with pytest.raises(InputError, match="--fanout"):
            parse_fan_out(text)


def test_sizes_alone() -> None:
    plan = plan_command(**DEFAULTS)
    assert (plan.num_nodes, plan.num_edges, plan.row_bytes) == (10**6, 2 * 10**7, 512)
    assert plan.batches == 10
    assert plan.basis.startswith("an estimate: a uniform random graph is assumed; ")


def test_a_data_set_brings_sizes_and_features() -> None:
    options = {**DEFAULTS, "graph": "digits-knn", "nodes": None, "edges": None, "train_nodes": None}
    plan = plan_command(**{**options, "dim": None})
    assert (plan.num_nodes, plan.row_bytes) == (1797, 4 * 64)
    assert plan.basis.startswith("the graph, with all nodes as training nodes; averages of 6")
    assert plan_command(**{**options, "dim": "8", "dtype": "float16"}).row_bytes == 16


def test_files(tmp_path: Path) -> None:
    (tmp_path / "ring.csv").write_text("".join(f"{i},{(i + 1) % 50}\n" for i in range(50)))
    options = {**DEFAULTS, "nodes": None, "edges": None, "train_nodes": "5"}
    plan = plan_command(**{**options, "graph": str(tmp_path / "ring.csv")})
    assert (plan.num_nodes, plan.num_edges) == (50, 100)  # links are read in both directions
    data = Data(edge_index=torch.tensor([[0, 1], [1, 2]]), x=torch.eye(3))
    write_graph(data, tmp_path / "own.safetensors")
    options |= {"graph": str(tmp_path / "own.safetensors"), "dim": None, "train_nodes": "1"}
    assert plan_command(**options).row_bytes == 12


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"dim": None}, "--dim is not given"),
        ({"nodes": None}, "--nodes is not given"),
        ({"edges": None}, "--edges is not given"),
        ({"graph": "cora"}, "--nodes 1e6 stands beside --graph cora"),
        ({"graph": "cora", "nodes": None}, "--edges 20e6 stands beside --graph cora"),
        ({"graph": "corra", "nodes": None, "edges": None}, "did you mean 'cora'"),
        ({"dtype": "float23"}, "unknown dtype 'float23'"),
        ({"dim": "0"}, "dim is 0"),
        ({"batch_size": "0"}, "batch_size is 0"),
        ({"fan_out": "0"}, "fan_out is 0"),
        ({"train_nodes": "2e6"}, "train_nodes is 2000000"),
        ({"host_bytes": "lots"}, "--host-bytes lots"),
        ({"gpu_bytes": "-1"}, "--gpu-bytes -1"),
        ({"host_bytes": None}, "--host-bytes is not given: expected how much memory rows may take"),
        ({"host_bytes": "10"}, "host_bytes is 10: expected at least one row, 512 bytes, or 0"),
        ({"gpu_bytes": "511"}, "gpu_bytes is 511: expected at least one row, 512 bytes, or 0"),
        ({"dim": "9" * 20}, "--dim 99999999999999999999: expected less than 2^62"),
        (
            {"dim": "1e15", "host_bytes": "0"},
            "dim is 1000000000000000: expected fewer than 2^62 bytes in all rows",
        ),
        ({"batch_size": "1.5"}, "--batch-size 1.5: expected a count such as 2000000 or 2e6"),
    ],
)
def test_bad_input(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        plan_command(**{**DEFAULTS, **changes})
    assert text in str(caught.value)


def test_no_such_file() -> None:
    with pytest.raises(DataNotFoundError, match=r"no file none\.csv"):
        plan_command(**{**DEFAULTS, "graph": "none.csv", "nodes": None, "edges": None})
