"""What a layer remembers of all nodes between chunks: fresh rows, old rows, gradients to come."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from graphlearn.pipeline.held_rows import HeldRows


class Exchange(Protocol):
    """Carries rows of a chunk between the ways of one stage."""

    def publish(self, chunk: int, rows: Tensor) -> None:
        """Bring others the rows of a chunk that they read, and take theirs into ``rows``."""

    def return_gradients(self, chunk: int, gradients: Tensor) -> None:
        """Add to the gradients of a chunk's own rows what others have collected for them."""


class Alone:
    """The exchange of a stage that has one way: there is nobody to exchange with.

    Example:
        >>> rows = torch.ones(2, 1)
        >>> Alone().publish(0, rows)
        >>> rows.flatten().tolist()
        [1.0, 1.0]
    """

    def publish(self, chunk: int, rows: Tensor) -> None:
        """Do nothing."""

    def return_gradients(self, chunk: int, gradients: Tensor) -> None:
        """Do nothing."""


class LayerRows:
    """Rows of one layer's input on one stage: what its neighbors read, chunk after chunk.

    When a chunk's turn comes, its rows are stored; rows of chunks whose turn came before in this
    epoch are read fresh, all others from the history, which is a snapshot without gradients
    (GNNPipe, arXiv 2308.10087). Going back, the gradient of a fresh row of another chunk is kept,
    ``gamma`` times, until that chunk's turn comes.

    Memory: three rows for every node that another chunk or way reads, ``3 M C`` numbers.

    Args:
        held: Which rows are held, and where.
        channels: C.
        dtype: Of the rows.
        device: Where they lie.
        gamma: The factor of gradients that flow to other chunks.
        exchange: With the other ways of the stage.

    Example:
        >>> from graphlearn.pipeline.layout import Layout
        >>> layout = Layout(torch.tensor([[0, 1], [1, 0]]), 2, 2, chunk_of=torch.tensor([0, 1]))
        >>> held = HeldRows([layout.chunk(0), layout.chunk(1)], layout.chunk_of)
        >>> rows = LayerRows(held, 1, torch.float32, torch.device("cpu"), 2.0, Alone())
        >>> rows.begin_epoch([1, 0])
        >>> with_halo(torch.tensor([[5.0]]), rows, 1).tolist()  # node 0 is old
        [[5.0], [0.0]]
        >>> with_halo(torch.tensor([[4.0]]), rows, 0).tolist()
        [[4.0], [5.0]]
    """

    def __init__(
        self,
        held: HeldRows,
        channels: int,
        dtype: torch.dtype,
        device: torch.device,
        gamma: float,
        exchange: Exchange,
    ) -> None:
        self.held, self.gamma, self.exchange = held, gamma, exchange
        held_rows = held.num_rows
        # One behind the other, so that one gather reads fresh and old rows alike.
        self._both = torch.zeros(2 * held_rows, channels, dtype=dtype, device=device)
        self.fresh, self.history = self._both[:held_rows], self._both[held_rows:]
        self.gradient = torch.zeros(held_rows, channels, dtype=dtype, device=device)
        self._order = tuple(range(held.num_chunks))
        self.all_fresh = False  # every row is fresh: for evaluation and the first history

    def begin_epoch(self, order: list[int], *, all_fresh: bool = False) -> None:
        """Forget the gradients, and take the epoch's order of chunks."""
        self.gradient.zero_()
        self.all_fresh = all_fresh
        self._order = tuple(order)

    def refresh(self) -> None:
        """Make the rows of this epoch the history of those to come."""
        self.history.copy_(self.fresh)

    def store(self, chunk: int, rows: Tensor) -> None:
        """Keep the rows of a chunk for those who read them."""
        own, border = self.held.own(chunk), self.held.border(chunk)
        if border is None:
            self.fresh[own] = rows.detach()
        else:
            torch.index_select(rows.detach(), 0, border, out=self.fresh[own])
        self.exchange.publish(chunk, self.fresh)

    def read(self, chunk: int, out: Tensor | None = None) -> Tensor:
        """The rows of a chunk's halo, fresh where their chunk had its turn; into ``out`` if given.

        Args:
            chunk: Which chunk.
            out: Rows to write to, ``[h, C]``.
        """
        if self.all_fresh:
            return torch.index_select(self.fresh, 0, self.held.halo(chunk), out=out)
        source = self.held.reading(chunk, self._order).source
        return torch.index_select(self._both, 0, source, out=out)

    def give(self, chunk: int, gradient: Tensor) -> None:
        """Keep the gradients of a chunk's halo for the chunks that its fresh rows are of."""
        reading = self.held.reading(chunk, self._order)
        if not reading.fresh.numel():
            return
        mine, gamma = gradient.index_select(0, reading.fresh), self.gamma
        if reading.same is not None:  # of this very chunk, on another way
            factor = torch.where(reading.same, 1.0, gamma).to(mine.dtype)
            mine, gamma = mine * factor[:, None], 1.0
        self.gradient.index_add_(0, reading.held, mine, alpha=gamma)

    def collect(self, chunk: int, own: Tensor) -> Tensor:
        """A chunk's own gradients and what later chunks have kept for its rows, added up.

        Args:
            chunk: Which chunk.
            own: What the chunk itself gives, ``[n, C]``.
        """
        self.exchange.return_gradients(chunk, self.gradient)
        kept, border = self.gradient[self.held.own(chunk)], self.held.border(chunk)
        return own + kept if border is None else own.index_add(0, border, kept)


class _WithHalo(torch.autograd.Function):
    """A chunk's rows with its halo's behind them; see :class:`LayerRows`."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, kept: LayerRows, chunk: int, store: bool) -> Tensor:
        ctx.kept, ctx.chunk, ctx.own = kept, chunk, rows.size(0)
        if store:
            kept.store(chunk, rows)
        own, halo = rows.size(0), kept.held.halo(chunk).numel()
        out = rows.new_empty(own + halo, rows.size(1))
        out[:own] = rows
        kept.read(chunk, out[own:])
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        own, halo = gradients[0][: ctx.own], gradients[0][ctx.own :]
        ctx.kept.give(ctx.chunk, halo)
        return ctx.kept.collect(ctx.chunk, own), None, None, None


def with_halo(rows: Tensor, kept: LayerRows, chunk: int, *, store: bool = True) -> Tensor:
    """A chunk's rows, and behind them those of its halo, ``[n + h, C]``.

    Args:
        rows: Of the chunk's own nodes, ``[n, C]``.
        kept: The layer's memory; takes the rows, gives the halo's.
        chunk: Which chunk.
        store: False where the rows are computed again and are there already.
    """
    out: Tensor = _WithHalo.apply(rows, kept, chunk, store)  # type: ignore[no-untyped-call]
    return out
