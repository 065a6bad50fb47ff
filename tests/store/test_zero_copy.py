"""The choice is tested on the CPU, where both ways work on tensors in main memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.store import host_memory, zero_copy
from graphlearn.store.zero_copy import Choice, Reader, choose_reader, triton_reader, view_reader

CPU = torch.device("cpu")
TABLE = torch.arange(80, dtype=torch.uint8).view(10, 8)


@pytest.fixture(autouse=True)
def pretended(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, float]]:
    """Views are the memory itself, and each way takes the seconds that a test gives it."""
    seconds = {"triton": 1.0, "view": 2.0}
    made: list[str] = []

    def reader(name: str) -> Reader:
        made.append(name)
        return view_reader(TABLE)

    def timed(device: torch.device, call: Callable[[], object]) -> float:
        call()
        return seconds[made[-1]]

    monkeypatch.setattr(host_memory, "cuda_view", lambda table, device: table)
    monkeypatch.setattr(host_memory, "seconds_on", timed)
    monkeypatch.setattr(zero_copy, "triton_reader", lambda table, threads: reader("triton"))
    monkeypatch.setattr(zero_copy, "view_reader", lambda view: reader("view"))
    return seconds


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int16, torch.bool])
@pytest.mark.parametrize("index_dtype", [torch.int32, torch.int64])
def test_a_view_is_read_in_any_order(dtype: torch.dtype, index_dtype: torch.dtype) -> None:
    index = torch.tensor([7, 0, 3, 7])
    out = torch.zeros(4, 8 // dtype.itemsize, dtype=dtype)
    view_reader(TABLE)(index.to(index_dtype), None, out)
    assert torch.equal(out.view(torch.uint8), TABLE[index])
    rows, order = index.to(index_dtype).sort()
    out.zero_()
    view_reader(TABLE)(rows, order, out)
    assert torch.equal(out.view(torch.uint8), TABLE[index])


def test_the_faster_way_is_taken(pretended: dict[str, float]) -> None:
    choice = choose_reader(TABLE, CPU)
    assert isinstance(choice, Choice)
    assert choice.method == "triton"
    assert choice.reason == "triton 0.0 GB/s; view 0.0 GB/s"
    pretended["view"] = 1e-9
    choice = choose_reader(TABLE, CPU)
    assert (choice.method, choice.reason) == ("view", "triton 0.0 GB/s; view 80.0 GB/s")
    out = torch.zeros(2, 8, dtype=torch.uint8)
    choice.read(torch.tensor([9, 1]), None, out)
    assert torch.equal(out, TABLE[[9, 1]])


def test_the_way_that_was_asked_for_is_taken() -> None:
    assert choose_reader(TABLE, CPU, method="view").method == "view"


@pytest.mark.parametrize("problem", [RuntimeError("no C compiler\nin PATH"), OSError("no space")])
def test_a_way_that_does_not_work_is_left_out_and_said(
    problem: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(table: Tensor, threads: int) -> Reader:
        raise problem

    monkeypatch.setattr(zero_copy, "triton_reader", broken)
    choice = choose_reader(TABLE, CPU)
    assert choice.method == "view"
    reason = str(problem).partition("\n")[0]
    assert choice.reason == f"triton does not work here: {reason}; view 0.0 GB/s"
    with pytest.raises(
        InputError, match=rf"cpu cannot read page-locked memory \(triton .*{reason}"
    ):
        choose_reader(TABLE, CPU, method="triton")


def test_a_way_that_brings_wrong_rows_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        zero_copy, "triton_reader", lambda table, threads: view_reader(table.flip(0))
    )
    monkeypatch.setattr(host_memory, "seconds_on", lambda device, call: call() or 1.0)
    choice = choose_reader(TABLE, CPU)
    assert choice.method == "view"
    assert "triton does not work here: it brings other rows than the CPU reads" in choice.reason


def test_triton_is_not_imported_before_it_is_used() -> None:
    name = "graphlearn.kernels.gather.triton_rows"
    code = f"import sys, graphlearn.store; print({name!r} in sys.modules)"
    command = [sys.executable, "-W", "ignore", "-c", code]
    assert subprocess.run(command, check=True, capture_output=True).stdout.strip() == b"False"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_both_ways_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    device = host_memory.cuda_device("cuda", use="a test")
    table = torch.randint(256, (3000, 100), dtype=torch.uint8).pin_memory()
    index = torch.randint(3000, (2000,))
    rows, order = index.to(device).sort()
    readers = [triton_reader(table, 6144), view_reader(host_memory.cuda_view(table, device))]
    for read in readers:
        out = torch.zeros(2000, 25, device=device)
        read(rows, order, out)
        assert torch.equal(out.cpu().view(torch.uint8), table[index])
