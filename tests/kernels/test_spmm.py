from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph, Transposed, spmm
from graphlearn.kernels.spmm import spmm_reference


def ragged(
    rows: int, nodes: int, entries: int, seed: int, index: torch.dtype = torch.int64
) -> tuple[Tensor, Tensor]:
    """Random lists, some of them empty, with repeated entries."""
    generator = torch.Generator().manual_seed(seed)
    owner = torch.randint(max(rows, 1), (entries,), generator=generator).sort().values
    counts = torch.bincount(owner, minlength=rows)[:rows]
    rowptr = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
    return rowptr.to(index), torch.randint(nodes, (entries,), generator=generator).to(index)


def transposed(rowptr: Tensor, col: Tensor, nodes: int) -> Transposed:
    row = torch.repeat_interleave(torch.arange(len(rowptr) - 1), rowptr.diff())
    order = torch.argsort(col, stable=True)
    by_column = torch.zeros(nodes + 1, dtype=torch.int64)
    by_column[1:] = torch.bincount(col, minlength=nodes).cumsum(0)
    return Transposed(by_column, row[order], order)


def draw(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@given(
    rows=st.integers(0, 8),
    nodes=st.integers(1, 8),
    entries=st.integers(0, 30),
    channels=st.integers(0, 20),
    weighted=st.booleans(),
    seed=st.integers(0, 5),
)
def test_against_the_reference(
    rows: int, nodes: int, entries: int, channels: int, weighted: bool, seed: int
) -> None:
    rowptr, col = ragged(rows, nodes, entries if rows else 0, seed)
    x = draw(nodes, channels, seed=seed).requires_grad_()
    weight = draw(len(col), seed=seed + 1).requires_grad_() if weighted else None
    inputs = [x] if weight is None else [x, weight]
    out, expected = spmm(rowptr, col, x, weight), spmm_reference(rowptr, col, x, weight)
    torch.testing.assert_close(out, expected)
    grad = draw(*out.shape, seed=seed + 2)
    wanted = torch.autograd.grad(expected, inputs, grad)
    for turned in (None, transposed(rowptr, col, nodes)):
        again = spmm(rowptr, col, x, weight, transposed=turned)
        torch.testing.assert_close(torch.autograd.grad(again, inputs, grad), wanted)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("index", [torch.int32, torch.int64])
def test_dtypes(dtype: torch.dtype, index: torch.dtype) -> None:
    rowptr, col = ragged(9, 12, 60, 3, index)
    x, weight = draw(12, 5).to(dtype).requires_grad_(), draw(60).to(dtype).requires_grad_()
    out = spmm(rowptr, col, x, weight)
    assert out.dtype == dtype
    out.sum().backward()  # an expanded gradient, which is not contiguous
    exact_x, exact_weight = (t.detach().double().requires_grad_() for t in (x, weight))
    exact = spmm_reference(rowptr, col, exact_x, exact_weight)
    exact.sum().backward()
    coarse = {"atol": 0.15, "rtol": 0.05} if dtype.itemsize == 2 else {"atol": 1e-5, "rtol": 1e-5}
    torch.testing.assert_close(out.double(), exact, **coarse)
    torch.testing.assert_close(x.grad.double(), exact_x.grad, **coarse)
    torch.testing.assert_close(weight.grad.double(), exact_weight.grad, **coarse)


@pytest.mark.parametrize("turned", [False, True])
def test_gradcheck(turned: bool) -> None:
    rowptr, col = ragged(6, 5, 17, 1)
    other = transposed(rowptr, col, 5) if turned else None
    x, weight = draw(5, 3).requires_grad_(), draw(17, seed=1).requires_grad_()

    def weighted(x: Tensor, weight: Tensor) -> Tensor:
        return spmm(rowptr, col, x, weight, transposed=other)

    assert torch.autograd.gradcheck(weighted, (x, weight))
    assert torch.autograd.gradcheck(lambda x: weighted(x, weight.detach()), (x,))
    assert torch.autograd.gradcheck(lambda w: weighted(x.detach(), w), (weight,))
    assert torch.autograd.gradcheck(lambda x: spmm(rowptr, col, x, transposed=other), (x,))


def test_lists_that_are_their_own_transpose() -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2, 0], [1, 2, 3, 3]]))
    itself = Transposed(graph.rowptr, graph.col, None)
    x = draw(4, 3).requires_grad_()
    symmetric = draw(graph.num_edges)[graph.edge_id.long()]
    assert torch.autograd.gradcheck(
        lambda x: spmm(graph.rowptr, graph.col, x, symmetric, transposed=itself), (x,)
    )
    # Weights that differ by direction: the entries of the transpose are the reverse ones.
    weight = draw(graph.col.numel(), seed=2).requires_grad_()
    reverse = Transposed(graph.rowptr, graph.col, graph.reverse_entry)
    assert torch.autograd.gradcheck(
        lambda x, w: spmm(graph.rowptr, graph.col, x, w, transposed=reverse), (x, weight)
    )


def test_an_entry_of_weight_zero_costs_nothing_and_spreads_no_nan() -> None:
    x = torch.tensor([[1.0], [float("nan")], [3.0]], requires_grad=True)
    rowptr, col = torch.tensor([0, 3]), torch.tensor([0, 1, 2])
    out = spmm(rowptr, col, x, torch.tensor([2.0, 0.0, 1.0]))
    assert out.tolist() == [[5.0]]
    out.sum().backward()
    assert x.grad.tolist() == [[2.0], [0.0], [1.0]]


def test_nan_and_infinity_keep_their_meaning() -> None:
    x = torch.tensor([[float("inf")], [float("-inf")], [float("nan")], [1.0]])
    out = spmm(torch.tensor([0, 1, 3, 4, 5]), torch.tensor([0, 0, 1, 2, 3]), x).flatten()
    assert out[0] == float("inf")
    assert out[1:3].isnan().all()
    assert out[3] == 1.0


def test_inputs_that_are_not_contiguous() -> None:
    rowptr, col = ragged(6, 5, 20, 4)
    x, weight = draw(3, 10)[:, ::2].t(), draw(40)[::2]
    torch.testing.assert_close(
        spmm(rowptr, col, x, weight), spmm_reference(rowptr, col, x.contiguous(), weight)
    )


@pytest.mark.parametrize("turned", [False, True])
def test_same_for_every_thread_count(
    one_and_two_threads: Callable[..., list[object]], turned: bool
) -> None:
    rowptr, col = ragged(3000, 2000, 20_000, 5)
    rowptr[1:] = rowptr[1:].clamp(min=4000)  # a hub in the first row
    other = transposed(rowptr, col, 2000) if turned else None

    def everything() -> list[Tensor]:
        x = draw(2000, 40, dtype=torch.float32).requires_grad_()
        weight = draw(20_000, dtype=torch.float32).requires_grad_()
        out = spmm(rowptr, col, x, weight, transposed=other)
        return [out, *torch.autograd.grad(out, (x, weight), torch.cos(out))]

    one, two = one_and_two_threads(everything)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_saves_x_only_for_the_gradient_of_weight() -> None:
    saved: list[Tensor] = []
    rowptr, col = ragged(4, 5, 9, 6)
    x, weight = draw(5, 2).requires_grad_(), draw(9)

    def note(t: Tensor) -> Tensor:
        saved.append(t)
        return t

    with torch.autograd.graph.saved_tensors_hooks(note, lambda t: t):
        spmm(rowptr, col, x, weight)
    assert all(t.shape != x.shape for t in saved)


@pytest.mark.parametrize(
    ("changed", "kind", "message"),
    [
        ({"x": torch.ones(3, 2, dtype=torch.int64)}, InputTypeError,
         "x has dtype torch.int64: expected a floating-point tensor [N, C]"),
        ({"x": torch.ones(3)}, InputError, "x has shape [3]: expected shape [N, C]"),
        ({"rowptr": torch.zeros(0, dtype=torch.int64)}, InputError,
         "rowptr has shape [0] and col [2]: expected [R + 1] and [K]"),
        ({"col": torch.zeros(1, 2, dtype=torch.int64)}, InputError,
         "rowptr has shape [2] and col [1, 2]: expected [R + 1] and [K]"),
        ({"weight": torch.ones(3)}, InputError, "weight has shape [3]: expected [2], as col"),
        ({"weight": torch.ones(2, dtype=torch.float64)}, InputTypeError,
         "weight has dtype torch.float64: expected torch.float32, as x"),
    ],
)  # fmt: skip
def test_bad_input(changed: dict[str, Tensor], kind, message: str) -> None:
    good = {
        "rowptr": torch.tensor([0, 2]),
        "col": torch.tensor([0, 1]),
        "x": torch.ones(3, 2),
        "weight": torch.ones(2),
    }
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        spmm(**(good | changed))


def test_rows_that_end_beyond_the_entries_are_refused() -> None:
    # Three entries are in memory, so that reading beyond the one that is given stays harmless.
    col = torch.zeros(3, dtype=torch.int64)[:1]
    with pytest.raises(InputError, match="rowptr"):
        spmm(torch.tensor([0, 3]), col, torch.ones(2, 1))


def test_float_columns_are_refused() -> None:
    with pytest.raises(InputTypeError, match="col has dtype torch.float32"):
        spmm(torch.tensor([0, 1]), torch.tensor([0.0]), torch.ones(2, 1))
