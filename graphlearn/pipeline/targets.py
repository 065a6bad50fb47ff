"""What the last stage compares its output with, on which nodes, and by which loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.chunk import GraphChunk

Loss = Callable[[Tensor, Tensor], Tensor]

_OTHER_LOSS = "pass a loss that takes such targets"


def summed_cross_entropy(out: Tensor, target: Tensor) -> Tensor:
    """The loss of a trainer that is given none.

    Shapes:
        - **out**: ``[n, C]``; **target**: ``[n]`` classes, or ``[n, C]`` probabilities

    Example:
        >>> round(float(summed_cross_entropy(torch.zeros(2, 4), torch.tensor([0, 3]))), 3)
        2.773
    """
    return F.cross_entropy(out, target, reduction="sum")


class Targets:
    """Targets and training nodes of a graph, found chunk by chunk.

    Args:
        y: Target of every node.
        mask: Which nodes are trained on.
        loss: Of the output and the targets of some nodes, summed.

    Shapes:
        - **y**: ``[N]`` or ``[N, ...]``; **mask**: ``[N]`` bool

    Example:
        >>> from graphlearn.pipeline.layout import Layout
        >>> mask = torch.tensor([True, False, True])
        >>> targets = Targets(torch.tensor([0, 1, 1]), mask, summed_cross_entropy)
        >>> targets.place([Layout(torch.tensor([[0], [1]]), 3, chunks=1).chunk(0)], "cpu")
        >>> round(float(targets.chunk_loss(0, torch.zeros(3, 2))), 3), targets.count
        (1.386, 2)
    """

    def __init__(self, y: Tensor, mask: Tensor, loss: Loss) -> None:
        self.y, self.mask, self.loss = y, mask, loss
        self.count = max(1, int(mask.sum()))
        self._chosen: list[tuple[Tensor, Tensor]] = []

    def place(self, chunks: Sequence[GraphChunk], device: torch.device | str) -> None:
        """Bring what the chunks need to where the output will be."""
        for chunk in chunks:
            nodes = chunk.nodes.cpu()
            rows = self.mask[nodes].nonzero().flatten()
            self._chosen.append((rows.to(device), self.y[nodes[rows]].to(device)))

    def chunk_loss(self, chunk: int, out: Tensor) -> Tensor:
        """The loss of a chunk, summed over its training nodes; 0 where it has none.

        Args:
            chunk: Which one.
            out: What the stack gave for its own nodes, ``[n, C]``.

        Raises:
            InputTypeError: If the loss gives no tensor.
            InputError: If it gives more than one number, or one that no gradient comes from.
        """
        rows, target = self._chosen[chunk]
        if not rows.numel():
            return out.sum() * 0.0
        given: Any = self.loss(out.index_select(0, rows), target)
        _check_loss(given, wants_gradient=out.requires_grad and torch.is_grad_enabled())
        found: Tensor = given
        return found

    def count_right(self, out: Tensor, mask: Tensor) -> tuple[int, int]:
        """Of some nodes, how many have the right class, and how many they are.

        Args:
            out: Output of all nodes, ``[N, C]``.
            mask: Which nodes, ``[N]`` bool.
        """
        return int((out[mask].argmax(1) == self.y[mask]).sum()), int(mask.sum())


def check_targets(y: Tensor, mask: Tensor, channels: int, loss: Loss) -> None:
    """Raise unless the targets of training nodes are what the loss can take.

    Nodes that are not trained on may have any, such as -1 for a class that is not known.

    Args:
        y: Target of every node.
        mask: Which nodes are trained on.
        channels: C of the stack's output.
        loss: Cross entropy is known to want classes in ``[0, C)``, or C probabilities; another one
            is only kept from NaN and infinity.

    Shapes:
        - **y**: ``[N]`` or ``[N, ...]``; **mask**: ``[N]`` bool

    Raises:
        InputTypeError: If cross entropy is given no int64, nor probabilities.
        InputError: If a target is not finite, or no class of the stack's output.

    Example:
        >>> everywhere = torch.ones(2, dtype=torch.bool)
        >>> try:
        ...     check_targets(torch.tensor([0, 7]), everywhere, 3, summed_cross_entropy)
        ... except InputError as error:
        ...     print(error.given)
        y of training node 1 is class 7
    """
    if y.is_floating_point():
        _check_finite(y, mask)
    if loss is not summed_cross_entropy:
        return
    wanted = f"int64 classes [N], or probabilities [N, {channels}]"
    if y.is_floating_point():
        if list(y.shape[1:]) != [channels]:
            raise InputError(f"y has shape {list(y.shape)}", expected=wanted, mend=_OTHER_LOSS)
        return
    if y.dtype != torch.int64:
        raise InputTypeError(f"y has dtype {y.dtype}", expected=wanted, mend="pass y.long()")
    if y.dim() != 1:
        flat = list(y.shape[1:]) == [1]
        raise InputError(
            f"y has shape {list(y.shape)}",
            expected=wanted,
            mend="pass y.flatten()" if flat else _OTHER_LOSS,
        )
    wrong = mask & ((y < 0) | (y >= channels))
    if bool(wrong.any()):
        node = int(wrong.nonzero()[0])
        raise InputError(
            f"y of training node {node} is class {int(y[node])}",
            expected=f"classes in [0, {channels}), as the last layer gives {channels} channels",
            mend="leave nodes without a class out of train_mask"
            if int(y[node]) < 0
            else "give the last layer as many channels as there are classes",
        )


def _check_loss(given: Any, *, wants_gradient: bool) -> None:
    expected = "a tensor of one number, the sum over some nodes"
    if not isinstance(given, Tensor):
        raise InputTypeError(
            f"loss gives {'None' if given is None else f'a {type(given).__name__}'}",
            expected=expected,
            mend="return it as torch computes it, without .item()",
        )
    if given.numel() != 1:
        raise InputError(
            f"loss gives a tensor of shape {list(given.shape)}",
            expected=expected,
            mend='pass reduction="sum", or add .sum()',
        )
    if wants_gradient and not given.requires_grad:
        raise InputError(
            "loss gives a number that does not depend on the output, as far as autograd knows",
            expected="one that a gradient comes from",
            mend="compute it of the output without .detach(), .argmax() or torch.no_grad()",
        )


def _check_finite(y: Tensor, mask: Tensor) -> None:
    wrong = mask & ~torch.isfinite(y.reshape(y.size(0), -1)).all(dim=1)
    if bool(wrong.any()):
        node = int(wrong.nonzero()[0])
        values = y[node].flatten()
        value = float(values[~torch.isfinite(values)][0])
        raise InputError(
            f"y of training node {node} holds {value}",
            expected="finite targets",
            mend="leave nodes without a target out of train_mask",
        )
