from __future__ import annotations

import itertools
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.segment import MergeTrace, Segments, plan_tree, tree_reduce
from graphlearn.kernels.segment.reference import tree_reduce_reference


def lopsided(left: Tensor, right: Tensor) -> Tensor:
    """Neither commutative nor associative: every mistake in the order shows."""
    return torch.tanh(1.3 * left + 0.7 * right.roll(1, -1)) - left * right


def reduced(values: Tensor, segments: Segments, identity: Tensor, shape: str, pad: bool) -> Tensor:
    return tree_reduce(
        values,
        segments,
        lambda pairs: lopsided(pairs[:, 0], pairs[:, 1]),
        identity,
        plan=plan_tree(segments, shape),  # type: ignore[arg-type]
        pad_odd=pad,
    )


def check(index: Tensor, count: int, shape: str, pad: bool, dtype: torch.dtype) -> None:
    segments = Segments.from_index(index, count)
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(index.numel(), 3, dtype=dtype, generator=generator).requires_grad_()
    identity = torch.randn(3, dtype=dtype, generator=generator).requires_grad_()
    out = reduced(values, segments, identity, shape, pad)
    expected = tree_reduce_reference(values, segments, lopsided, identity, shape=shape, pad_odd=pad)
    torch.testing.assert_close(out, expected)
    if count == 0:
        return
    grad = torch.randn(out.shape, dtype=dtype, generator=generator)
    inputs = [values, identity]
    ours = torch.autograd.grad(out, inputs, grad, materialize_grads=True)
    theirs = torch.autograd.grad(expected, inputs, grad, allow_unused=True, materialize_grads=True)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("shape", "pad"), [("balanced", False), ("balanced", True), ("chain", False)]
)
def test_against_one_merge_at_a_time(grouping, shape, pad, dtype) -> None:
    check(*grouping, shape, pad, dtype)


@given(
    lengths=st.lists(st.integers(0, 20), max_size=8),
    shape=st.sampled_from(["balanced", "chain"]),
    pad=st.booleans(),
    seed=st.integers(0, 3),
)
def test_against_one_merge_at_a_time_on_any_lengths(lengths, shape, pad, seed) -> None:
    index = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths, dtype=torch.int64))
    index = index[torch.randperm(len(index), generator=torch.Generator().manual_seed(seed))]
    check(index, len(lengths), shape, pad and shape == "balanced", torch.float64)


def test_gradients_are_exact() -> None:
    segments = Segments.from_index(torch.tensor([1, 0, 1, 1, 3, 1, 1]), 4)
    values = torch.randn(7, 2, dtype=torch.float64, requires_grad=True)
    identity = torch.randn(2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, e: reduced(x, segments, e, "balanced", True), (values, identity)
    )


def test_the_trace_names_triples(grouping) -> None:
    segments = Segments.from_index(*grouping)
    values = torch.randn(segments.num_rows, 3, dtype=torch.float64)
    for shape, pad in (("balanced", False), ("balanced", True), ("chain", False)):
        trace: list[MergeTrace] = []
        merges = 0

        def merge(pairs: Tensor) -> Tensor:
            nonlocal merges
            merges += len(pairs)
            return lopsided(pairs[:, 0], pairs[:, 1])

        tree_reduce(
            values,
            segments,
            merge,
            torch.zeros(3, dtype=torch.float64),
            plan=plan_tree(segments, shape),
            pad_odd=pad,
            trace=trace,
        )
        assert sum(len(level.merged) for level in trace) == merges
        assert all(level.left is None for level in trace[:1])
        for before, level in itertools.pairwise(trace):
            assert level.left is not None
            assert torch.equal(before.merged[level.left], level.pairs[:, 0])


def test_an_operator_that_changes_the_shape_is_refused_with_both() -> None:
    segments = Segments.from_index(torch.tensor([0, 0, 1, 1]))
    said = "the operator returned shape [2, 2] for left and right of shape [2, 3]"
    with pytest.raises(InputError, match=re.escape(said)):
        tree_reduce(torch.randn(4, 3), segments, lambda pairs: pairs[:, 0, :2], torch.zeros(3))


def test_values_that_do_not_fit_are_refused() -> None:
    segments = Segments.from_index(torch.tensor([0, 0]))

    def first(pairs: Tensor) -> Tensor:
        return pairs[:, 0]

    with pytest.raises(InputError, match=r"^values has shape \[3, 2\]: expected \[2, C\]"):
        tree_reduce(torch.randn(3, 2), segments, first, torch.zeros(2))
    with pytest.raises(InputError, match=r"^identity has shape \[3\]: expected \[2\]"):
        tree_reduce(torch.randn(2, 2), segments, first, torch.zeros(3))
    with pytest.raises(InputTypeError, match="int64"):
        tree_reduce(torch.zeros(2, 2, dtype=torch.int64), segments, first, torch.zeros(2))


def test_a_plan_of_other_segments_is_refused() -> None:
    segments = Segments.from_index(torch.tensor([0, 0, 0, 1, 1, 3]))
    for other in ([0, 1, 1, 1, 2, 3], [0] * 6, [0, 1]):
        plan = plan_tree(Segments.from_index(torch.tensor(other)))
        with pytest.raises(InputError, match="the plan is of other segments"):
            tree_reduce(torch.randn(6, 2), segments, lambda p: p.sum(1), torch.zeros(2), plan=plan)


def test_things_that_are_no_tensors_are_refused() -> None:
    segments = Segments.from_index(torch.tensor([0, 0]))
    with pytest.raises(InputTypeError, match="segments is a Tensor"):
        tree_reduce(torch.randn(2, 2), torch.tensor([0, 0]), lambda p: p, torch.zeros(2))
    with pytest.raises(InputTypeError, match="values is a list"):
        tree_reduce([[1.0]], segments, lambda p: p, torch.zeros(1))
    with pytest.raises(InputTypeError, match="the operator returned None"):
        tree_reduce(torch.randn(2, 2), segments, lambda p: None, torch.zeros(2))
