from __future__ import annotations

import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import gather_rows
from graphlearn.kernels.gather import gather_rows_reference

DTYPES = [
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.bool,
    torch.complex64,
]


def draw(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-99, 99, shape, generator=generator).to(dtype)


@pytest.mark.parametrize("index_dtype", [torch.int32, torch.int64])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype(dtype: torch.dtype, index_dtype: torch.dtype) -> None:
    table, index = draw(30, 5, dtype=dtype), draw(40, seed=1).abs().to(index_dtype) % 30
    out = gather_rows(table, index)
    assert out.dtype == dtype
    assert torch.equal(out, table[index.long()])


@given(
    rows=st.integers(1, 40),
    count=st.integers(0, 60),
    row_shape=st.sampled_from([(), (1,), (33,), (2, 3), (0,), (4, 0), (1, 1, 5)]),
    seed=st.integers(0, 5),
)
def test_against_the_reference(
    rows: int, count: int, row_shape: tuple[int, ...], seed: int
) -> None:
    table = draw(rows, *row_shape, seed=seed)
    index = draw(count, dtype=torch.int64, seed=seed + 1) % rows
    assert torch.equal(gather_rows(table, index), gather_rows_reference(table, index))


def test_bits_are_kept() -> None:
    """Signed zeros and the payload of a NaN, which a conversion would lose."""
    bits = torch.tensor([[0x7FC12345, -0x80000000], [0x7F812345, 0]], dtype=torch.int32)
    out = gather_rows(bits.view(torch.float32), torch.tensor([1, 0]))
    assert torch.equal(out.view(torch.int32), bits.flip(0))


def test_out_is_written_and_returned() -> None:
    table, out = draw(5, 3), torch.empty(2, 3)
    assert gather_rows(table, torch.tensor([4, 4]), out) is out
    assert torch.equal(out, table[[4, 4]])


def test_an_index_with_gaps_in_memory() -> None:
    table, index = draw(10, 3), torch.arange(10)[::3]
    assert torch.equal(gather_rows(table, index), table[::3])


def test_an_empty_table_has_no_rows_to_give() -> None:
    assert gather_rows(torch.empty(0, 3), torch.empty(0, dtype=torch.int64)).shape == (0, 3)
    with pytest.raises(InputError, match=r"index holds 0: expected rows in \[0, 0\)"):
        gather_rows(torch.empty(0, 3), torch.tensor([0]))


def test_no_gradient_flows() -> None:
    table = torch.ones(3, 2, requires_grad=True)
    assert not gather_rows(table, torch.tensor([1])).requires_grad


def test_one_and_two_threads_give_the_same(one_and_two_threads) -> None:
    table, index = draw(500, 64), draw(20_000, dtype=torch.int64, seed=1) % 500
    one, two = one_and_two_threads(lambda: gather_rows(table, index))
    assert torch.equal(one, table[index])
    assert torch.equal(two, one)


def test_several_callers_at_once() -> None:
    table = draw(500, 64)
    wrong: list[int] = []

    def call(seed: int) -> None:
        index = draw(5000, dtype=torch.int64, seed=seed) % 500
        if not torch.equal(gather_rows(table, index), table[index]):
            wrong.append(seed)

    callers = [threading.Thread(target=call, args=(seed,)) for seed in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert wrong == []


@pytest.mark.parametrize("bad", [-1, 3, 2**40, -(2**62)])
def test_a_row_out_of_range_is_refused_before_anything_is_read(bad: int) -> None:
    out = torch.zeros(2, 2)
    with pytest.raises(InputError, match=rf"index holds {bad}: expected rows in \[0, 3\)"):
        gather_rows(torch.ones(3, 2), torch.tensor([0, bad]), out)
    assert not out.any()


@pytest.mark.parametrize(
    ("table", "index", "message"),
    [
        ([[1.0]], torch.tensor([0]), "table is a list: expected a tensor"),
        (torch.ones(3), [0], "index has list: expected an int32 or int64 tensor"),
        (torch.ones(3), torch.tensor([0.0]), "index has dtype torch.float32"),
        (torch.ones(3), torch.tensor([True]), "index has dtype torch.bool"),
    ],
)
def test_wrong_types(table, index, message: str) -> None:
    with pytest.raises(InputTypeError, match=message):
        gather_rows(table, index)


@pytest.mark.parametrize(
    ("table", "index", "message"),
    [
        (torch.tensor(1.0), torch.tensor([0]), r"table has shape \[\]"),
        (torch.ones(3, 2).t(), torch.tensor([0]), r"not contiguous.*pass table.contiguous\(\)"),
        (torch.ones(3), torch.tensor([[0]]), r"index has shape \[1, 1\]: expected shape \[B\]"),
        (torch.ones(3), torch.ones(2, device="meta").long(), "lie on cpu and meta: expected one"),
    ],
)
def test_wrong_shapes_and_places(table: Tensor, index: Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        gather_rows(table, index)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ([0.0], InputTypeError, "out is a list"),
        (torch.ones(2, 2).half(), InputTypeError, "out is a torch.float16: expected a tensor of"),
        (torch.ones(2, 3), InputError, r"out has shape \[2, 3\]: expected a contiguous \[2, 2\]"),
        (torch.ones(2, 2).t(), InputError, "not contiguous"),
        (torch.ones(2, 2, device="meta"), InputError, "lie on cpu and meta: expected one"),
    ],
)
def test_an_out_that_does_not_fit(out, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        gather_rows(torch.ones(3, 2), torch.tensor([0, 1]), out)
