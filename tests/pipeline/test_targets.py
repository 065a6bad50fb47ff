from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline import Layout
from graphlearn.pipeline.targets import Targets, check_targets, summed_cross_entropy

NODES, CLASSES = 6, 3
MASK = torch.tensor([True, False, True, True, False, False])


def chunks() -> list:
    layout = Layout(
        torch.zeros(2, 0, dtype=torch.int64),
        NODES,
        3,
        chunk_of=torch.tensor([0, 0, 1, 0, 2, 2]),
    )
    return [layout.chunk(number) for number in range(3)]


def test_losses_of_chunks_add_up_to_that_of_the_training_nodes() -> None:
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    targets = Targets(y, MASK, summed_cross_entropy)
    targets.place(chunks(), "cpu")
    out = torch.randn(NODES, CLASSES, dtype=torch.float64, generator=torch.Generator())
    losses = [
        float(targets.chunk_loss(number, out[chunk.nodes])) for number, chunk in enumerate(chunks())
    ]
    assert losses[2] == 0.0  # it has no training node
    whole = F.cross_entropy(out[MASK], y[MASK], reduction="sum")
    assert sum(losses) == pytest.approx(float(whole), rel=1e-12)
    assert targets.count == 3


def test_a_chunk_without_training_nodes_has_a_gradient_too() -> None:
    targets = Targets(torch.zeros(NODES).long(), MASK, summed_cross_entropy)
    targets.place(chunks(), "cpu")
    out = torch.ones(2, CLASSES, requires_grad=True)
    targets.chunk_loss(2, out).backward()
    assert torch.equal(out.grad, torch.zeros(2, CLASSES))


def test_right_classes_are_counted() -> None:
    targets = Targets(torch.tensor([0, 1, 2, 0, 1, 2]), MASK, summed_cross_entropy)
    out = F.one_hot(torch.tensor([0, 1, 1, 0, 0, 2]), CLASSES).float()
    assert targets.count_right(out, torch.ones(NODES).bool()) == (4, 6)
    assert targets.count_right(out, MASK) == (2, 3)
    assert targets.count_right(out, torch.zeros(NODES).bool()) == (0, 0)


def detached(out: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(out.detach(), target)


@pytest.mark.parametrize(
    ("loss", "error", "text"),
    [
        (lambda out, y: 1.0, InputTypeError, "loss gives a float: expected a tensor of one"),
        (lambda out, y: None, InputTypeError, "loss gives None"),
        (lambda out, y: out, InputError, r"loss gives a tensor of shape \[2, 3\].*sum"),
        (detached, InputError, "loss gives a number that does not depend on the output.*detach"),
        (lambda out, y: (out.argmax(1) != y).sum(), InputError, "does not depend on the output"),
    ],
)
def test_a_loss_gives_a_number_with_a_gradient(loss, error, text) -> None:
    targets = Targets(torch.zeros(NODES).long(), MASK, loss)
    targets.place(chunks(), "cpu")
    out = torch.ones(3, CLASSES, requires_grad=True)
    with pytest.raises(error, match=text):
        targets.chunk_loss(0, out)


def test_without_a_gradient_to_come_a_loss_may_be_any_number() -> None:
    targets = Targets(torch.zeros(NODES).long(), MASK, detached)
    targets.place(chunks(), "cpu")
    out = torch.ones(3, CLASSES, requires_grad=True)
    assert targets.chunk_loss(0, out.detach()) > 0
    with torch.no_grad():
        assert targets.chunk_loss(0, out) > 0


def classes(**changes: int) -> torch.Tensor:
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    for name, value in changes.items():
        y[int(name.removeprefix("node"))] = value
    return y


def squared(out: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return ((out - target) ** 2).sum()


@pytest.mark.parametrize(
    ("y", "error", "text"),
    [
        (
            classes(node2=3),
            InputError,
            r"y of training node 2 is class 3: expected classes in \[0, 3\), as the last layer "
            "gives 3 channels; give the last layer as many",
        ),
        (classes(node3=-1), InputError, "y of training node 3 is class -1.*out of train_mask"),
        (classes(node0=-100), InputError, "class -100"),  # torch would leave it out of the mean
        (classes().int(), InputTypeError, r"y has dtype torch.int32.*pass y.long\(\)"),
        (classes() > 0, InputTypeError, "y has dtype torch.bool"),
        (classes()[:, None], InputError, r"y has shape \[6, 1\].*pass y.flatten\(\)"),
        (torch.zeros(6, 3).long(), InputError, r"y has shape \[6, 3\].*pass a loss that takes"),
        (torch.zeros(6), InputError, r"y has shape \[6\].*probabilities \[N, 3\]"),
        (torch.zeros(6, 2), InputError, r"y has shape \[6, 2\]"),
        (torch.full((6, 3), float("nan")), InputError, "y of training node 0 holds nan"),
    ],
)
def test_targets_that_cross_entropy_cannot_take_are_refused(y, error, text) -> None:
    with pytest.raises(error, match=text):
        check_targets(y, MASK, CLASSES, summed_cross_entropy)


def test_what_is_not_trained_on_may_be_anything() -> None:
    check_targets(classes(node1=-1, node4=99), MASK, CLASSES, summed_cross_entropy)
    y = torch.full((NODES, CLASSES), 1 / 3)
    y[1] = float("nan")
    check_targets(y, MASK, CLASSES, summed_cross_entropy)
    check_targets(y[:, 0], MASK, CLASSES, squared)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_loss_can_take_what_is_not_finite(value) -> None:
    y = torch.zeros(NODES, 2)
    y[3, 1] = value
    with pytest.raises(InputError, match=f"y of training node 3 holds {value}: expected finite"):
        check_targets(y, MASK, 2, squared)
    check_targets(classes(node0=-7), MASK, 2, squared)  # its own affair
