from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store.row_store import DTYPES, RowStore, check_dtype, check_index


class Doubled(RowStore):
    """Row ``i`` holds ``2 i`` everywhere; notes what it was asked."""

    def __init__(self, num_rows: int = 5, row_shape: tuple[int, ...] = (3,)) -> None:
        super().__init__(num_rows, row_shape, torch.int64)
        self.asked: list[list[int]] = []
        self.is_closed = False

    def _gather(self, index: Tensor, out: Tensor) -> None:
        self.asked.append(index.tolist())
        out.copy_((2 * index.long()).view(-1, *[1] * len(self.row_shape)).expand_as(out))

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_rows_come_in_the_order_of_the_index(dtype: torch.dtype) -> None:
    out = Doubled().gather(torch.tensor([4, 0, 4], dtype=dtype))
    assert out.tolist() == [[8, 8, 8], [0, 0, 0], [8, 8, 8]]


def test_sizes() -> None:
    store = Doubled(7, (3, 2))
    assert (len(store), store.row_bytes, store.num_bytes) == (7, 48, 336)
    assert repr(store) == "Doubled(7 rows of 3×2 int64, cpu)"
    assert (Doubled(7, ()).row_bytes, repr(Doubled(7, ()))) == (
        8,
        "Doubled(7 rows of 1 int64, cpu)",
    )


def test_out_is_written_and_returned() -> None:
    out = torch.full((2, 3), -1)
    assert Doubled().gather(torch.tensor([1, 2]), out) is out
    assert out.tolist() == [[2, 2, 2], [4, 4, 4]]


def test_the_store_is_not_asked_for_nothing() -> None:
    store = Doubled()
    assert store.gather(torch.empty(0, dtype=torch.int64)).shape == (0, 3)
    assert Doubled(0).gather(torch.empty(0, dtype=torch.int32)).shape == (0, 3)
    narrow = Doubled(5, (0,))
    assert narrow.gather(torch.tensor([1])).shape == (1, 0)
    assert store.asked == narrow.asked == []


def test_blocks_of_rows() -> None:
    store = Doubled()
    assert store.read(1, 3).tolist() == [[2, 2, 2], [4, 4, 4]]
    assert store.read(2, 2).shape == (0, 3)
    with pytest.raises(InputError, match=r"index holds 5: expected rows in \[0, 5\)"):
        store.read(3, 6)


def test_with_closes_it() -> None:
    with Doubled() as store:
        assert not store.is_closed
    assert store.is_closed


@pytest.mark.parametrize("bad", [-1, 5, 2**40])
def test_a_row_out_of_range_is_refused_before_the_store_is_asked(bad: int) -> None:
    store = Doubled()
    with pytest.raises(InputError, match=rf"index holds {bad}: expected rows in \[0, 5\)"):
        store.gather(torch.tensor([0, bad]))
    assert store.asked == []


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        ([0], InputTypeError, "index has list: expected an int32 or int64 tensor"),
        (torch.tensor([0.0]), InputTypeError, "index has dtype torch.float32"),
        (torch.tensor([True]), InputTypeError, "index has dtype torch.bool"),
        (torch.tensor(0), InputError, r"index has shape \[\]: expected shape \[B\]"),
        (torch.tensor([[0]]), InputError, r"index has shape \[1, 1\]"),
    ],
)
def test_what_is_no_index(index: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_index(index, 3)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ([[0]], InputTypeError, "out is a list: expected a tensor of torch.int64"),
        (torch.zeros(2, 3), InputTypeError, "out is a torch.float32: expected a tensor of"),
        (torch.zeros(2, 4).long(), InputError, r"out has shape \[2, 4\] on cpu: expected a contig"),
        (torch.zeros(3, 2).long().t(), InputError, "not contiguous"),
        (torch.zeros(2, 3, device="meta").long(), InputError, r"on meta: .*\[2, 3\] on cpu"),
    ],
)
def test_an_out_that_does_not_fit(out: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Doubled().gather(torch.tensor([0, 1]), out)


def test_dtypes() -> None:
    assert all(check_dtype(dtype) == dtype for dtype in DTYPES.values())
    assert all(str(dtype) == f"torch.{name}" for name, dtype in DTYPES.items())
    for bad in (torch.complex64, "float32", None):
        with pytest.raises(InputTypeError, match=f"dtype is {bad}: expected one of float16, "):
            check_dtype(bad)


@pytest.mark.parametrize(
    ("num_rows", "row_shape", "message"),
    [(-1, (), "num_rows is -1"), (3, (2, -4), "row_shape is -4"), (1.5, (), "num_rows is 1.5")],
)
def test_sizes_that_are_none(num_rows: Any, row_shape: tuple[int, ...], message: str) -> None:
    with pytest.raises((InputError, InputTypeError), match=message):
        Doubled(num_rows, row_shape)
