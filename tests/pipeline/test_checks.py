from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline import Layout, LossWatch
from graphlearn.pipeline.checks import (
    check_costs,
    check_data,
    check_options,
    check_stack,
    check_step,
    check_trainable,
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


def test_a_model_that_holds_its_layers_is_told_to_hand_them_over() -> None:
    model = nn.Module()
    model.layers = nn.ModuleList([nn.Linear(1, 1)])
    with pytest.raises(InputTypeError, match=r"a Module: .*; pass list\(model.layers\); a model"):
        check_stack(model)
    model.layers = nn.Linear(1, 1)
    with pytest.raises(InputTypeError, match=r"list\); a model whose forward"):
        check_stack(model)


def test_layers_that_mix_the_nodes_of_a_chunk_are_refused() -> None:
    one = nn.Linear(1, 1)
    inside = nn.Sequential(one, nn.Sequential(nn.BatchNorm1d(1)))
    with pytest.raises(
        InputError, match=r"layer 1 \(Sequential\) holds a BatchNorm1d, which makes"
    ):
        check_stack([one, inside])
    with pytest.raises(InputError, match="layer 0 is a SyncBatchNorm, .*use torch.nn.LayerNorm"):
        check_stack([nn.SyncBatchNorm(1)])
    assert len(check_stack([nn.Sequential(one, nn.LayerNorm(1))])) == 1


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
        ("train_mask", torch.ones(40, 2).bool(), InputError, r"shape \[40, 2\]: expected \[40\]"),
        ("x", torch.ones(40, 2).requires_grad_(), InputError, r"pass data.x.detach\(\)"),
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


RIGHT = {"loss": nn.MSELoss(reduction="sum"), "optimizer": torch.optim.SGD}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("loss", None, "loss is None: expected a function of the output"),
        ("loss", "mse", "loss is a str"),
        ("optimizer", None, "optimizer is None: .*torch.optim.Adam"),
        ("optimizer", torch.optim.SGD([torch.zeros(1)], lr=1.0), "optimizer is a SGD"),
        ("schedule", 3, "schedule is a int: .*StepLR"),
        ("watch", 3, "watch is a int: expected a graphlearn.pipeline.LossWatch"),
        ("layout", [1], "layout is a list: expected a graphlearn.pipeline.Layout"),
    ],
)
def test_options_of_another_type_are_refused(name, value, text) -> None:
    with pytest.raises(InputTypeError, match=text):
        check_options(**RIGHT | {name: value})


def test_options_of_the_right_types() -> None:
    check_options(**RIGHT)
    layout = Layout(torch.tensor([[0], [1]]), 2, 1)
    check_options(**RIGHT, schedule=lambda made: None, watch=LossWatch(), layout=layout)


def test_a_stack_has_a_weight_to_train() -> None:
    frozen = nn.Linear(1, 1).requires_grad_(False)
    check_trainable([frozen, nn.Linear(1, 1), nn.Identity()])
    with pytest.raises(InputError, match=r"no weight to train; 2 are frozen.*requires_grad_\(\)"):
        check_trainable([nn.Identity(), frozen])
    with pytest.raises(InputError, match="no weight to train: .*add a layer that has weights"):
        check_trainable([nn.Identity()])


def test_an_optimizer_that_computes_the_loss_again_is_refused() -> None:
    weight = nn.Parameter(torch.zeros(1))
    with pytest.raises(InputError, match="the step of LBFGS wants a closure: expected .*Adam"):
        check_step(torch.optim.LBFGS([weight]))
    for kind in (torch.optim.SGD, torch.optim.AdamW, torch.optim.Rprop):
        made = kind([weight], lr=0.1)
        check_step(made)
        StepLR(made, 1)  # wraps the step
        check_step(made)
