from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.segment import (
    Segments,
    reduce,
    segment_max,
    segment_mean,
    segment_softmax,
    segment_sum,
)
from graphlearn.kernels.segment.reference import (
    segment_reduce_reference,
    segment_softmax_reference,
)

FUNCTIONS = {
    "sum": segment_sum,
    "mean": segment_mean,
    "max": segment_max,
    "softmax": segment_softmax,
}


def reference(values: Tensor, segments: Segments, name: str) -> Tensor:
    if name == "softmax":
        return segment_softmax_reference(values, segments)
    return segment_reduce_reference(values, segments, name)


@pytest.fixture(params=["compiled", "tensor"])
def path(request, monkeypatch) -> str:
    """Both ways to compute: what other devices run is tested on the CPU too."""
    if request.param == "tensor":
        monkeypatch.setattr(reduce, "_compiled", lambda values: False)
    return request.param


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_the_reference(grouping, name, dtype, path) -> None:
    segments = Segments.from_index(*grouping)
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(segments.num_rows, 5, dtype=dtype, generator=generator).requires_grad_()
    out, expected = FUNCTIONS[name](values, segments), reference(values, segments, name)
    torch.testing.assert_close(out, expected)
    if segments.num_rows:
        grad = torch.randn(out.shape, dtype=dtype, generator=generator)
        ours, theirs = (torch.autograd.grad(o, values, grad)[0] for o in (out, expected))
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_exact(name, path) -> None:
    segments = Segments.from_index(torch.tensor([1, 0, 1, 3, 1]), 5)
    values = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: FUNCTIONS[name](x, segments), values)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_further_axes_ride_along(name, path) -> None:
    segments = Segments.from_index(torch.tensor([1, 0, 1, 3, 1]), 4)
    values = torch.randn(5, 2, 3)
    out = FUNCTIONS[name](values, segments)
    assert out.shape == (5 if name == "softmax" else 4, 2, 3)
    assert torch.equal(out[:, 1], FUNCTIONS[name](values[:, 1], segments))
    assert torch.equal(out[:, 0, 0], FUNCTIONS[name](values[:, 0, 0], segments))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_number_of_threads_changes_no_bit(name) -> None:
    index = torch.randint(3000, (40_000,), generator=torch.Generator().manual_seed(0))
    segments = Segments.from_index(index, 3000)
    values = torch.randn(40_000, 24)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 4):
            torch.set_num_threads(threads)
            rows = values.clone().requires_grad_()
            out = FUNCTIONS[name](rows, segments)
            out.square().sum().backward()
            results.append((out.detach(), rows.grad))
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


def test_of_equals_the_first_gets_the_gradient(path) -> None:
    segments = Segments.from_index(torch.tensor([1, 0, 1, 0]), 2)
    values = torch.tensor([[2.0], [3.0], [2.0], [3.0]], requires_grad=True)
    segment_max(values, segments).sum().backward()
    assert values.grad is not None
    assert values.grad.flatten().tolist() == [1.0, 1.0, 0.0, 0.0]


def test_not_a_number_is_not_hidden(path) -> None:
    segments = Segments.from_index(torch.tensor([0, 0, 0, 1]), 2)
    values = torch.tensor([1.0, torch.nan, 2.0, 5.0])
    for name, function in FUNCTIONS.items():
        out = function(values, segments)
        assert out[0].isnan(), name
        assert not out[-1].isnan(), name


def test_a_softmax_survives_large_values_and_full_masks(path) -> None:
    segments = Segments.from_ptr(torch.tensor([0, 2, 4, 6]), 6)
    inf = torch.inf
    values = torch.tensor([1e30, 1e30, -inf, -inf, -inf, 3.0])
    assert segment_softmax(values, segments).tolist() == [0.5, 0.5, 0.5, 0.5, 0.0, 1.0]


def test_half_precision_runs() -> None:
    segments = Segments.from_index(torch.tensor([0, 1, 0]), 3)
    values = torch.tensor([1.0, 2.0, 3.0], dtype=torch.bfloat16)
    assert segment_sum(values, segments).tolist() == [4.0, 2.0, 0.0]
    assert segment_mean(values, segments).dtype == torch.bfloat16


def test_values_that_do_not_fit_are_refused() -> None:
    segments = Segments.from_index(torch.tensor([0, 1, 0]))
    for function in FUNCTIONS.values():
        with pytest.raises(InputError, match=r"^values has shape \[2\]: expected 3 rows"):
            function(torch.zeros(2), segments)
        with pytest.raises(InputTypeError, match=r"^values is torch\.int64"):
            function(torch.zeros(3, dtype=torch.int64), segments)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_gradients_are_exact(name, path) -> None:
    segments = Segments.from_index(torch.tensor([1, 0, 1, 3, 1]), 5)
    values = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: FUNCTIONS[name](x, segments), values)


def test_a_hub_of_a_million_rows_has_the_right_sum() -> None:
    rows = 10**6
    segments = Segments.from_ptr(torch.tensor([0, rows]), rows)
    mean = segment_mean(torch.full((rows, 1), 0.1), segments).item()
    assert mean == pytest.approx(0.1, rel=1e-5)
    half = torch.full((10_000,), 10.0, dtype=torch.float16)
    assert segment_mean(half, Segments.from_ptr(torch.tensor([0, 10_000]), 10_000)).item() == 10.0


@pytest.mark.parametrize("rows", [255, 256, 257, 511, 512, 513, 1000])
def test_sums_around_the_block_of_rows(rows) -> None:
    values = torch.randn(rows + 3, 2, dtype=torch.float64)
    segments = Segments.from_ptr(torch.tensor([0, 3, 3 + rows]), rows + 3)
    expected = torch.stack([values[:3].sum(0), values[3:].sum(0)])
    torch.testing.assert_close(segment_sum(values, segments), expected)


def test_a_bare_index_is_refused_with_the_mend() -> None:
    for function in FUNCTIONS.values():
        with pytest.raises(InputTypeError, match=r"pass Segments\.from_index"):
            function(torch.zeros(3), torch.tensor([0, 1, 0]))


def test_no_channels_and_no_rows() -> None:
    empty = Segments.from_index(torch.empty(0, dtype=torch.int64), 3)
    assert segment_sum(torch.zeros(0, 0), empty).shape == (3, 0)
    assert segment_max(torch.zeros(0, 2), empty).tolist() == [[0, 0]] * 3
