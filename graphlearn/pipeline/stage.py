"""Consecutive layers of a stack on one device, run chunk by chunk, forward and back."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels.sample import mix_keys
from graphlearn.pipeline.chunk import GraphChunk
from graphlearn.pipeline.held_rows import HeldRows
from graphlearn.pipeline.layer_rows import Exchange, LayerRows, with_halo

_LEAF_CHANGED = re.compile(r"leaf Variable that requires grad .*in-place operation")


@dataclass(frozen=True)
class Passing:
    """What goes from layer to layer for the nodes of a chunk.

    Args:
        rows: The representations.
        initial: Those that a layer further down takes too; None where none does.
    """

    rows: Tensor
    initial: Tensor | None = None

    def parts(self) -> list[Tensor]:
        """The tensors, one or two."""
        return [self.rows] if self.initial is None else [self.rows, self.initial]


class Draws:
    """Lets torch draw by keys, and go on afterwards as if nothing had been drawn.

    What a layer drops for a chunk then depends on neither the number of stages nor on whether it is
    computed a second time.

    Args:
        device: Of a tensor, where is drawn too, beside the CPU.

    Example:
        >>> draws = Draws()
        >>> with draws.kept():
        ...     draws.seed(0, 1)
        ...     first = torch.rand(1)
        ...     draws.seed(0, 1)
        ...     torch.equal(torch.rand(1), first)
        True
    """

    def __init__(self, device: torch.device | None = None) -> None:
        # torch.random.fork_rng touches every GPU there is, and torch.manual_seed takes 0.3 ms.
        self._generators: list[torch.Generator] = [torch.default_generator]
        if device is not None and device.type == "cuda":
            self._generators.append(torch.cuda.default_generators[device.index])

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Bring the generators back at the end to where they are now."""
        states = [generator.get_state() for generator in self._generators]
        try:
            yield
        finally:
            for generator, state in zip(self._generators, states, strict=True):
                generator.set_state(state)

    def seed(self, *key: int) -> None:
        """Draw by a key from here on.

        Args:
            *key: Any integers.
        """
        seed = mix_keys(*key) >> 1
        for generator in self._generators:
            generator.manual_seed(seed)


@contextlib.contextmanager
def seeded(*key: int, device: torch.device | None = None) -> Iterator[None]:
    """Let torch draw by one key inside; see :class:`Draws`.

    Args:
        *key: Any integers.
        device: Of a tensor, where is drawn too, beside the CPU.
    """
    draws = Draws(device)
    with draws.kept():
        draws.seed(*key)
        yield


@dataclass
class _Kept:
    """Of one chunk, between its turn forward and its turn back."""

    given: Passing
    result: Passing | None


class Stage:
    """Layers ``first`` to ``first + len(layers)`` of a stack, on one way's part of every chunk.

    Args:
        layers: The layers; each is called ``layer(x, chunk)``, see :mod:`graphlearn.pipeline`.
        first: The number of the first of them in the stack.
        chunks: The way's part of every chunk.
        held: Which rows they read.
        widths: Channels of every layer's input, of the whole stack's.
        gamma: The factor of gradients to other chunks.
        recompute: Keep only what goes into the stage for each chunk, and compute the rest again.
        exchange: With the other ways.
        seed: Of what the layers draw.
        way: Which way this is.

    Example:
        >>> from graphlearn.pipeline.layer_rows import Alone
        >>> from graphlearn.pipeline.layout import Layout
        >>> class Double(nn.Module):
        ...     def forward(self, x, chunk):
        ...         return 2 * x[: chunk.num_nodes]
        >>> layout = Layout(torch.tensor([[0, 1], [1, 0]]), 2, chunks=1)
        >>> stage = Stage(
        ...     [Double()],
        ...     1,
        ...     [layout.chunk(0)],
        ...     HeldRows([layout.chunk(0)], layout.chunk_of),
        ...     [1, 1, 1],
        ...     dtype=torch.float32,
        ...     device=torch.device("cpu"),
        ...     gamma=2.0,
        ...     recompute=True,
        ...     exchange=Alone(),
        ...     seed=0,
        ... )
        >>> stage.begin_epoch(0, [0])
        >>> stage.forward(0, Passing(torch.ones(2, 1))).rows.flatten().tolist()
        [2.0, 2.0]
        >>> stage.backward(0, [torch.ones(2, 1)])[0].flatten().tolist()
        [2.0, 2.0]
    """

    def __init__(
        self,
        layers: Sequence[nn.Module],
        first: int,
        chunks: Sequence[GraphChunk],
        held: HeldRows,
        widths: Sequence[int],
        *,
        dtype: torch.dtype,
        device: torch.device,
        gamma: float,
        recompute: bool,
        exchange: Exchange,
        seed: int,
        way: int = 0,
    ) -> None:
        self.layers, self.first, self.chunks = list(layers), first, list(chunks)
        self.recompute, self.seed, self.way = recompute, seed, way
        self.rows: list[LayerRows | None] = [
            LayerRows(held, widths[first + i], dtype, device, gamma, exchange)
            if reads_halo(layer)
            else None
            for i, layer in enumerate(self.layers)
        ]
        self._kept: dict[int, _Kept] = {}
        self._draws = Draws(device)
        self._epoch = 0

    def begin_epoch(self, epoch: int, order: list[int], *, all_fresh: bool = False) -> None:
        """Get ready for an epoch's chunks."""
        self._epoch = epoch
        self._kept.clear()
        for rows in self._remembered():
            rows.begin_epoch(order, all_fresh=all_fresh)

    def refresh(self) -> None:
        """Make this epoch's rows the history."""
        for rows in self._remembered():
            rows.refresh()

    def _remembered(self) -> Iterator[LayerRows]:
        return (rows for rows in self.rows if rows is not None)

    def forward(self, chunk: int, given: Passing) -> Passing:
        """A chunk's turn forward."""
        if self.recompute:
            with torch.no_grad():
                result = self._run(chunk, given, store=True)
            self._kept[chunk] = _Kept(given, None)
            return result
        leaf = _leaf(given, self.first)
        with torch.enable_grad():
            result = self._run(chunk, leaf, store=True)
        self._kept[chunk] = _Kept(leaf, result)
        return Passing(*(part.detach() for part in result.parts()))

    def outcome(self, chunk: int) -> Passing:
        """What a chunk's turn gave, with its history for autograd; computed again if need be."""
        kept = self._kept[chunk]
        if kept.result is None:
            kept.given = _leaf(kept.given, self.first)
            with torch.enable_grad():
                kept.result = self._run(chunk, kept.given, store=False)
        return kept.result

    def backward(self, chunk: int, gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
        """A chunk's turn back: from the gradients of what it gave to those of what it got.

        There is none of initial rows that no later stage takes.
        """
        result = self.outcome(chunk)
        pairs = [
            (part, gradient)
            for part, gradient in zip(result.parts(), gradients, strict=False)
            if gradient is not None and part.requires_grad
        ]
        torch.autograd.backward([part for part, _ in pairs], [gradient for _, gradient in pairs])
        return [part.grad for part in self._kept.pop(chunk).given.parts()]

    def _run(self, chunk: int, given: Passing, *, store: bool) -> Passing:
        with self._draws.kept():  # once for all layers: it copies five thousand bytes
            for i in range(len(self.layers)):
                given = self._run_layer(i, chunk, given, store=store)
        return given

    def run_layer(self, i: int, chunk: int, given: Passing, *, store: bool) -> Passing:
        """One layer of the stage on one chunk."""
        with self._draws.kept():
            return self._run_layer(i, chunk, given, store=store)

    def _run_layer(self, i: int, chunk: int, given: Passing, *, store: bool) -> Passing:
        layer, rows = self.layers[i], self.rows[i]
        x = given.rows if rows is None else with_halo(given.rows, rows, chunk, store=store)
        self._draws.seed(self.seed, self._epoch, self.first + i, chunk, self.way)
        return apply_layer(layer, x, self.chunks[chunk], given.initial, number=self.first + i)


def reads_halo(layer: nn.Module) -> bool:
    """Whether a layer reads rows of other chunks; so it is unless its ``reads_halo`` is False."""
    return bool(getattr(layer, "reads_halo", True))


def apply_layer(
    layer: nn.Module,
    x: Tensor,
    chunk: GraphChunk,
    initial: Tensor | None,
    *,
    number: int | None = None,
) -> Passing:
    """Call a layer, and keep its result as the initial representation if it says so.

    Args:
        layer: The layer.
        x: Its input.
        chunk: Of which chunk.
        initial: The initial representation.
        number: Of the layer in the stack; with it, what the layer may not do is looked for.

    Raises:
        InputError: If the layer changed its input in place: that spoils the features that are
            kept, the rows that are sent, and what is computed a second time.
    """
    extra: dict[str, Any] = {}
    if getattr(layer, "takes_initial", False):
        extra["initial"] = initial
    if number is None:
        out = layer(x, chunk, **extra)
    else:
        given = [x] if initial is None else [x, initial]
        before = [_version(part) for part in given]
        try:
            out = layer(x, chunk, **extra)
        except RuntimeError as problem:
            # What comes into a stage is a leaf, and autograd itself refuses to change that.
            if not _LEAF_CHANGED.search(str(problem)):
                raise
            raise _changed(layer, number, "its input or a weight") from problem
        for part, version in zip(given, before, strict=True):
            if _version(part) != version:
                raise _changed(layer, number, "its input" if part is x else "the initial rows")
    return Passing(out, out if getattr(layer, "sets_initial", False) else initial)


def _version(tensor: Tensor) -> int:
    """How often a tensor was changed in place; one of inference mode does not count."""
    return 0 if tensor.is_inference() else tensor._version


def _changed(layer: nn.Module, number: int, what: str) -> InputError:
    return InputError(
        f"layer {number}, a {type(layer).__name__}, changed {what} in place",
        expected="a new tensor",
        mend="leave out inplace=True, and take x = x * 2 for x.mul_(2) or x *= 2",
    )


def _leaf(given: Passing, first: int) -> Passing:
    """What comes in, cut off from where it came from; no gradient goes to the features."""
    if first == 0:
        return given
    return Passing(*(part.detach().requires_grad_() for part in given.parts()))
