from __future__ import annotations

import json

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LambdaLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from graphlearn.errors import CheckpointError, InputTypeError
from graphlearn.pipeline.place import Place
from graphlearn.pipeline.update import WeightUpdate, adam

ALONE = Place(1, 1)

SCHEDULES = [
    lambda optimizer: StepLR(optimizer, 2, gamma=0.3),
    lambda optimizer: CosineAnnealingLR(optimizer, 7, eta_min=1e-4),
    lambda optimizer: LambdaLR(optimizer, lambda epoch: 0.9**epoch),
    lambda optimizer: OneCycleLR(optimizer, 0.1, total_steps=12),
    lambda optimizer: SequentialLR(
        optimizer, [LinearLR(optimizer, 0.1, total_iters=3), StepLR(optimizer, 2)], [3]
    ),
]


def run(update: WeightUpdate, weight: nn.Parameter, epochs: range) -> list[float]:
    for epoch in epochs:
        weight.grad = torch.full_like(weight, 1.0 + epoch)
        update.step(ALONE)
    return weight.detach().tolist()


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("done", [1, 4])
def test_it_goes_on_from_its_state_to_the_same_bits(schedule, done) -> None:
    whole = nn.Parameter(torch.ones(3, dtype=torch.float64))
    wanted = run(WeightUpdate([whole], adam, schedule), whole, range(10))
    weight = nn.Parameter(torch.ones(3, dtype=torch.float64))
    first = WeightUpdate([weight], adam, schedule)
    run(first, weight, range(done))
    state = json.loads(json.dumps(first.state()))
    again = WeightUpdate([weight], adam, schedule)
    again.optimizer.state[weight] = first.optimizer.state[weight]
    again.check(state)
    again.load(state)
    assert run(again, weight, range(done, 10)) == wanted
    assert again.state() == json.loads(json.dumps(again.state()))


def test_groups_have_settings_of_their_own() -> None:
    weights = [nn.Parameter(torch.ones(1)) for _ in range(2)]

    def grouped(parameters):
        one, two = parameters
        return torch.optim.SGD(
            [{"params": [one], "weight_decay": 0.1}, {"params": [two]}], lr=0.5, momentum=0.9
        )

    update = WeightUpdate(weights, grouped)
    update.optimizer.param_groups[1]["lr"] = 0.25
    state = update.state()
    assert [(group["lr"], group["weight_decay"]) for group in state["groups"]] == [
        (0.5, 0.1),
        (0.25, 0),
    ]
    assert (state["schedule"], state["schedule_state"]) == (None, None)
    other = WeightUpdate(weights, grouped)
    other.load(state)
    assert other.state() == state


def test_a_stage_without_weights_has_nothing_to_update() -> None:
    update = WeightUpdate([], adam, SCHEDULES[0])
    assert (update.optimizer, update.scheduler, update.state()) == (None, None, None)
    update.zero()
    update.step(ALONE)
    state = WeightUpdate([nn.Parameter(torch.ones(1))], adam).state()
    update.check(state)
    update.load(state)


def test_gradients_are_forgotten() -> None:
    weight = nn.Parameter(torch.ones(1))
    update = WeightUpdate([weight], adam)
    weight.grad = torch.ones(1)
    update.zero()
    assert weight.grad is None


def momentum(parameters):
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)


@pytest.mark.parametrize(
    ("optimizer", "schedule", "text"),
    [
        (momentum, SCHEDULES[0], "optimizer = 'Adam': expected 'SGD'"),
        (adam, SCHEDULES[1], "schedule = 'StepLR': expected 'CosineAnnealingLR'"),
        (adam, None, "schedule = 'StepLR': expected None"),
    ],
)
def test_the_state_of_another_one_is_refused(optimizer, schedule, text) -> None:
    state = WeightUpdate([nn.Parameter(torch.ones(1))], adam, SCHEDULES[0]).state()
    with pytest.raises(CheckpointError, match=text):
        WeightUpdate([nn.Parameter(torch.ones(1))], optimizer, schedule).check(state)


def test_another_number_of_groups_is_refused() -> None:
    weights = [nn.Parameter(torch.ones(1)) for _ in range(2)]
    state = WeightUpdate(weights, adam).state()
    update = WeightUpdate(weights, lambda all_: adam([{"params": [one]} for one in all_]))
    with pytest.raises(CheckpointError, match="groups = 1: expected 2"):
        update.check(state)


@pytest.mark.parametrize(
    ("optimizer", "schedule", "text"),
    [
        (lambda parameters: None, None, "optimizer makes a NoneType: expected a torch.optim"),
        (adam, lambda optimizer: 3, "schedule makes a int: expected a torch.optim.lr_scheduler"),
        (adam, ReduceLROnPlateau, "schedule makes a ReduceLROnPlateau.*by epochs alone"),
        (
            adam,
            lambda optimizer: MultiStepLR(optimizer, [2, 4]),
            "state.milestones of MultiStepLR is a Counter, which a checkpoint cannot hold",
        ),
    ],
)
def test_what_no_checkpoint_could_hold_is_refused_at_once(optimizer, schedule, text) -> None:
    with pytest.raises(InputTypeError, match=text):
        WeightUpdate([nn.Parameter(torch.ones(1))], optimizer, schedule)


def test_weights_that_no_way_gave_a_gradient_are_not_decayed() -> None:
    frozen = nn.Parameter(torch.ones(2), requires_grad=False)
    unused, used = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    update = WeightUpdate(
        [frozen, unused, used], lambda weights: torch.optim.Adam(weights, lr=0.1, weight_decay=0.5)
    )
    used.grad = torch.ones(2)
    update.step(Place(1, 2))
    assert frozen.tolist() == unused.tolist() == [1, 1]
    assert max(used.tolist()) < 1


def test_another_step_size_is_another_training() -> None:
    one, other = (
        WeightUpdate([nn.Parameter(torch.ones(1))], lambda w, lr=lr: torch.optim.SGD(w, lr=lr))
        for lr in (0.1, 0.2)
    )
    with pytest.raises(CheckpointError, match=r"settings\[0\].lr = 0.1 .*expected 0.2"):
        other.check(one.state())


def test_a_setting_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(InputTypeError, match="lr of the optimizer is a Tensor"):
        WeightUpdate(
            [nn.Parameter(torch.ones(1))], lambda w: torch.optim.Adam(w, lr=torch.tensor(0.1))
        )
