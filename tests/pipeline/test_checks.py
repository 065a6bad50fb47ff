from __future__ import annotations

import pytest
import torch
from torch import nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.checks import (
    check_costs,
    check_data,
    check_stack,
    check_unshared,
    warn_of_few_chunks,
)


def test_a_stack_is_any_sequence_of_modules() -> None:
    one, two = nn.Linear(1, 1), nn.Identity()
    for stack in ([one, two], (one, two), nn.ModuleList([one, two]), nn.Sequential(one, two)):
        assert check_stack(stack) == [one, two]
    for other in (one, {"a": one}, [one, None], "layers", None):
        with pytest.raises(InputTypeError, match="the stack is a .*cannot be cut"):
            check_stack(other)
    with pytest.raises(InputError, match="empty"):
        check_stack(nn.ModuleList())


@pytest.mark.parametrize(
    ("name", "value", "error", "text"),
    [
        ("x", None, InputError, "data has no x"),
        ("train_mask", None, InputError, "data has no train_mask"),
        ("x", torch.ones(40, 2).long(), InputTypeError, "x has dtype torch.int64"),
        ("x", torch.full((40, 2), float("nan")), InputError, "NaN"),
        ("x", torch.eye(40).to_sparse(), InputTypeError, r"torch.sparse_coo.*to_dense\(\)"),
        ("y", torch.zeros(39), InputError, "y has 39 rows: expected 40"),
        ("y", 3, InputTypeError, "y is a int"),
        ("train_mask", torch.ones(40), InputTypeError, "train_mask has dtype torch.float32"),
        ("train_mask", torch.zeros(40).bool(), InputError, "chooses no node"),
    ],
)
def test_data_without_what_is_needed_are_refused(workers, name, value, error, text) -> None:
    data = workers.make_data()
    assert check_data(data)[0] is data.x
    data[name] = value
    with pytest.raises(error, match=text):
        check_data(data)


def test_data_of_another_class_are_refused() -> None:
    with pytest.raises(InputTypeError, match="data is a dict: expected a PyG Data"):
        check_data({"x": torch.ones(2, 2)})


def test_costs_are_one_for_each_layer() -> None:
    assert check_costs([1, 2], 2) == [1.0, 2.0]
    with pytest.raises(InputError, match="costs are 2 numbers: expected 3"):
        check_costs([1, 2], 3)


def test_a_weight_that_two_stages_would_train_apart_is_refused() -> None:
    one, two = nn.Linear(2, 2), nn.Linear(2, 2)
    two.bias = one.bias
    check_unshared([one, two, one], [range(3)])
    with pytest.raises(InputError, match="layers 0 and 1 share a weight and are on two stages"):
        check_unshared([one, two], [range(1), range(1, 2)])


def test_fewer_chunks_than_stages_are_warned_of() -> None:
    with pytest.warns(UserWarning, match=r"2 chunks for 4 stages: .* 40% .* chunks=16 \(84%\)"):
        warn_of_few_chunks(2, 4)
