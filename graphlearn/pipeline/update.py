"""The one update of a stage's weights in an epoch: its optimizer, its schedule, and their state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from graphlearn.errors import CheckpointError, InputTypeError
from graphlearn.pipeline.checks import check_step
from graphlearn.pipeline.identity import first_difference
from graphlearn.pipeline.place import Place

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]
Schedule = Callable[[Optimizer], LRScheduler]


def adam(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """The optimizer of a trainer that is given none: Adam with a step size of 0.01.

    Example:
        >>> adam(nn.Linear(1, 1).parameters()).param_groups[0]["lr"]
        0.01
    """
    return torch.optim.Adam(parameters, lr=0.01)


class WeightUpdate:
    """The optimizer of a stage's weights and what changes its step size from epoch to epoch.

    A stage without weights has neither; the state of the others' is the same on all stages, but for
    what the optimizer keeps of each weight.

    Args:
        parameters: Of the stage's layers.
        optimizer: Makes an optimizer of them.
        schedule: Makes its scheduler; None for none.

    Raises:
        InputTypeError: If one of them makes something else, or a scheduler that wants to be told a
            metric, or one whose state is more than numbers, texts and lists.

    Example:
        >>> weight = nn.Parameter(torch.ones(1))
        >>> halving = lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
        >>> update = WeightUpdate([weight], adam, halving)
        >>> weight.grad = torch.ones(1)
        >>> update.step(Place(1, 1))
        >>> update.state()["schedule"], update.state()["groups"][0]["lr"]
        ('StepLR', 0.005)
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        optimizer: MakeOptimizer,
        schedule: Schedule | None = None,
    ) -> None:
        self._parameters = list(parameters)
        self._first: list[dict[str, Any]] = []
        self.optimizer: Optimizer | None = None
        self.scheduler: LRScheduler | None = None
        if not self._parameters:
            return
        self.optimizer = _check_optimizer(optimizer(self._parameters))
        # As they were given: a schedule changes the step size, and what is resumed overrides it.
        self._first = [_settings(group) for group in self.optimizer.param_groups]
        if schedule is not None:
            self.scheduler = _check_scheduler(schedule(self.optimizer))

    def zero(self) -> None:
        """Forget the gradients."""
        if self.optimizer is not None:
            self.optimizer.zero_grad(set_to_none=True)

    def step(self, place: Place) -> None:
        """Add up the gradients of all ways, change the weights, and then the step size.

        Args:
            place: Of this process.
        """
        if place.ways > 1:
            self._add_up(place)
        if self.optimizer is not None:
            self.optimizer.step()
        if self.scheduler is not None:
            self.scheduler.step()

    def _add_up(self, place: Place) -> None:
        # A way whose part of the graph gave a weight nothing takes part with zeros. A weight that
        # got nothing on any way keeps no gradient: with zeros it would be decayed.
        got = torch.tensor([float(weight.grad is not None) for weight in self._parameters])
        got = place.sum_ways(got.to(self._parameters[0].device) if self._parameters else got)
        for weight, ways in zip(self._parameters, got.tolist(), strict=True):
            if not ways:
                continue
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            place.sum_ways(weight.grad)

    # State #######################################################################################

    def state(self) -> dict[str, Any] | None:
        """All but what belongs to single weights, as JSON has it; None on a stage without any.

        Raises:
            InputTypeError: If a setting of the optimizer is nothing that JSON can hold.
        """
        if self.optimizer is None:
            return None
        name, values = None, None
        if self.scheduler is not None:
            name, values = type(self.scheduler).__name__, _plain(self.scheduler.state_dict(), name)
        return {
            "optimizer": type(self.optimizer).__name__,
            "groups": [_settings(group) for group in self.optimizer.param_groups],
            "settings": self._first,
            "schedule": name,
            "schedule_state": values,
        }

    def check(self, state: Mapping[str, Any]) -> None:
        """Raise unless :meth:`load` could take up this state.

        Args:
            state: What :meth:`state` gave, on another stage maybe.

        Raises:
            CheckpointError: If it is of another optimizer or schedule.
        """
        own = self.state()
        if own is None:
            return
        own["groups"], given = len(own["groups"]), dict(state)
        given["groups"] = len(given["groups"])
        for name in ("optimizer", "schedule", "groups"):
            if given[name] != own[name]:
                raise CheckpointError(
                    f"the checkpoint is of a training with {name} = {given[name]!r}",
                    expected=f"{own[name]!r}",
                    mend="choose the folder of this training, or an empty one",
                )
        found = first_difference("settings", given["settings"], own["settings"])
        if found is not None:
            where, one, other = found
            raise CheckpointError(
                f"the checkpoint is of a training with {where} = {one} of its optimizer",
                expected=other,
                mend="choose the folder of this training, or an empty one",
            )

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up what :meth:`state` gave."""
        if self.optimizer is None:
            return
        for group, given in zip(self.optimizer.param_groups, state["groups"], strict=True):
            for name, value in given.items():
                group[name] = tuple(value) if isinstance(value, list) else value
        if self.scheduler is not None:
            self.scheduler.load_state_dict(dict(state["schedule_state"]))


def _check_optimizer(made: Any) -> Optimizer:
    if not isinstance(made, Optimizer):
        raise InputTypeError(
            f"optimizer makes a {type(made).__name__}", expected="a torch.optim.Optimizer"
        )
    check_step(made)
    return made


def _check_scheduler(made: Any) -> LRScheduler:
    if not isinstance(made, LRScheduler) or isinstance(made, ReduceLROnPlateau):
        raise InputTypeError(
            f"schedule makes a {type(made).__name__}",
            expected="a torch.optim.lr_scheduler.LRScheduler that goes by epochs alone",
            mend="pass schedule=lambda optimizer: StepLR(optimizer, ...)",
        )
    _plain(made.state_dict(), type(made).__name__)
    return made


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a group of weights, such as its step size."""
    return {
        name: _plain(value, "the optimizer", name)
        for name, value in group.items()
        if name != "params"
    }


def _plain(value: Any, of: str | None, where: str = "state") -> Any:
    """A scheduler's state as JSON has it, so that it comes back as it was."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(each, of, f"{where}[{i}]") for i, each in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {name: _plain(each, of, f"{where}.{name}") for name, each in value.items()}
    raise InputTypeError(
        f"{where} of {of} is a {type(value).__name__}, which a checkpoint cannot hold",
        expected="numbers, texts and lists of them",
        mend="take another one (Adam with a number as its step size; StepLR, CosineAnnealingLR)",
    )
