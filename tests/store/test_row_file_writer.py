from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.errors import InputError, OutputError
from graphlearn.store import DiskStore, RowFile, write_rows


def read(path: Path) -> torch.Tensor:
    with RowFile(path) as file:
        file.verify()
    with DiskStore(path) as store:
        return store.read(0, store.num_rows)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("block_bytes", [1, 1000, 64 << 20])
def test_blocks_of_any_size_make_the_same_file(tmp_path: Path, block_bytes: int) -> None:
    table = torch.randn(3000, 100, generator=torch.Generator().manual_seed(0))
    write_rows(tmp_path / "a", table, block_bytes=block_bytes)
    write_rows(tmp_path / "b", table)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert torch.equal(read(tmp_path / "a"), table)


def test_the_header_is_returned_and_the_number_of_rows_need_not_be_known(tmp_path: Path) -> None:
    blocks = (torch.full((number, 2), number) for number in range(5))
    header = write_rows(tmp_path / "x", blocks)
    assert (header.num_rows, header.row_shape, header.dtype) == (10, (2,), torch.int64)
    assert read(tmp_path / "x")[:, 0].tolist() == [1, 2, 2, 3, 3, 3, 4, 4, 4, 4]


def test_what_is_no_finite_number_is_stored_as_it_is(tmp_path: Path) -> None:
    table = torch.tensor([[float("nan"), float("inf")], [-0.0, 1.0]])
    write_rows(tmp_path / "x", table)
    assert torch.equal(read(tmp_path / "x").view(torch.int32), table.view(torch.int32))


def test_rows_are_converted_on_the_way(tmp_path: Path) -> None:
    write_rows(tmp_path / "x", np.arange(6.0).reshape(3, 2), dtype=torch.bfloat16)
    assert read(tmp_path / "x").dtype == torch.bfloat16
    assert read(tmp_path / "x").tolist() == [[0, 1], [2, 3], [4, 5]]


def test_columns_of_parquet_become_rows(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"a": np.arange(5.0), "b": np.arange(5.0) * 2, "name": list("abcde")})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    write_rows(tmp_path / "x", tmp_path / "x.parquet", columns=["b", "a"], dtype=torch.float32)
    assert read(tmp_path / "x").tolist() == [[2.0 * i, i] for i in range(5)]


@pytest.mark.parametrize("num_rows", [3, 5])
def test_another_number_of_rows_than_promised_keeps_the_old_file(tmp_path, num_rows: int) -> None:
    write_rows(tmp_path / "x", torch.zeros(4, 2), num_rows=4)
    for source in (torch.ones(4, 2), (torch.ones(2, 2) for _ in range(2))):
        with pytest.raises(InputError, match=f"rows: expected num_rows={num_rows}"):
            write_rows(tmp_path / "x", source, num_rows=num_rows)
    assert read(tmp_path / "x").sum() == 0
    assert names(tmp_path) == ["x"]


def test_a_source_that_fails_midway_keeps_the_old_file(tmp_path: Path) -> None:
    def failing() -> Iterator[torch.Tensor]:
        yield torch.ones(1000, 10)
        raise RuntimeError("the crawler stopped")

    write_rows(tmp_path / "x", torch.zeros(4, 2))
    with pytest.raises(RuntimeError, match="the crawler stopped"):
        write_rows(tmp_path / "x", failing())
    assert read(tmp_path / "x").shape == (4, 2)
    assert names(tmp_path) == ["x"]


def test_a_file_may_be_written_from_itself(tmp_path: Path) -> None:
    write_rows(tmp_path / "x", torch.arange(10))
    with DiskStore(tmp_path / "x") as store:
        write_rows(tmp_path / "x", store, dtype=torch.float32)
        assert store.gather(torch.tensor([3])).dtype == torch.int64  # the old file, still open
    assert read(tmp_path / "x").tolist() == list(range(10))


def test_a_disk_that_fills_keeps_the_old_file(tmp_path: Path) -> None:
    write_rows(tmp_path / "x", torch.zeros(4, 2))
    code = """
import resource, signal, sys, torch
from graphlearn.errors import OutputError
from graphlearn.store import write_rows
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_rows(sys.argv[1], (torch.ones(100, 10) for _ in range(100)))
except OutputError as problem:
    print(problem)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "x")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "could not be written (File too large); raise the limit on file size" in run.stdout
    assert read(tmp_path / "x").shape == (4, 2)
    assert names(tmp_path) == ["x"]


def test_a_folder_without_permission_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be written"):
        write_rows(tmp_path / "file" / "x", torch.zeros(3))


def test_memory_is_bounded_by_the_block(tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("the system does not say how much memory a process has")
    table = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (1 << 19, 64))
    table[:] = 1  # 128 MiB
    table.flush()
    del table
    code = """
import pathlib, sys, threading, torch
from graphlearn.store import write_rows
def used():  # anonymous memory: pages of files are the system's to take back
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) // 1024
write_rows(sys.argv[2], torch.zeros(3))
start, most, done = used(), 0, threading.Event()
def watch():
    global most
    while not done.wait(0.001):
        most = max(most, used())
thread = threading.Thread(target=watch)
thread.start()
write_rows(sys.argv[2], sys.argv[1], block_bytes=4 << 20)
done.set()
thread.join()
print(most - start)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "x.npy"), str(tmp_path / "x")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(run.stdout) < 32
