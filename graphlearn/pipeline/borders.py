"""What passes the two borders of a stage: rows on their way forward, gradients on theirs back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from graphlearn.pipeline.chunk import GraphChunk
from graphlearn.pipeline.links import StageLink
from graphlearn.pipeline.place import Place
from graphlearn.pipeline.stage import Passing
from graphlearn.pipeline.widths import LayerWidth


class Borders:
    """The borders of a stage; the first one's features lie ready, after the last one is nothing.

    Args:
        place: Of this process.
        chunks: The way's part of every chunk, where the stage computes.
        before: What goes into the stage.
        after: What comes out of it.
        x: Features of all nodes; only the first stage keeps its chunks' rows.
        device: Where the stage computes.

    Shapes:
        - **x**: ``[N, C]``

    Example:
        >>> from graphlearn.pipeline.layout import Layout
        >>> layout = Layout(torch.tensor([[0, 1], [1, 0]]), 2, 2, chunk_of=torch.tensor([1, 0]))
        >>> chunks = [layout.chunk(0), layout.chunk(1)]
        >>> width = LayerWidth(1, None, torch.float32)
        >>> x = torch.tensor([[5.0], [6.0]])
        >>> borders = Borders(
        ...     Place(1, 1), chunks, before=width, after=width, x=x, device=torch.device("cpu")
        ... )
        >>> [given.rows.tolist() for given in borders.incoming([1, 0])], borders.sent_bytes
        ([[[5.0]], [[6.0]]], 0)
    """

    def __init__(
        self,
        place: Place,
        chunks: Sequence[GraphChunk],
        *,
        before: LayerWidth,
        after: LayerWidth,
        x: Tensor,
        device: torch.device,
    ) -> None:
        self._chunks, self._in, self._out = list(chunks), before, after
        self._inputs: list[Tensor] = []
        if place.is_first:
            self._inputs = [x[chunk.nodes.to(x.device)].to(device) for chunk in chunks]
        self._before = None if place.is_first else _link(place, -1, device)
        self._after = None if place.is_last else _link(place, 1, device)

    @property
    def sent_bytes(self) -> int:
        """Bytes of all that was sent."""
        return sum(link.sent_bytes for link in self._links())

    def incoming(self, order: Sequence[int]) -> Iterator[Passing]:
        """What goes into the stage for every chunk, in order."""
        if self._before is None:
            for chunk in order:
                yield Passing(self._inputs[chunk])
            return
        for parts in self._before.receive(order, self._shapes_in, self._in.dtype):
            yield Passing(*parts)

    def hand_on(self, result: Passing) -> None:
        """Send what the stage gives for a chunk to the next one, if there is one."""
        if self._after is not None:
            self._after.send(result.parts()[: self._out.count])

    def gradients(self, back: Sequence[int]) -> Iterator[list[Tensor | None]]:
        """The gradients of what the stage gave for every chunk, from the next stage."""
        assert self._after is not None, "the last stage has its gradients from the loss"
        for parts in self._after.receive(back, self._shapes_out, self._out.dtype):
            yield [*parts]

    def hand_back(self, chunk: int, down: Sequence[Tensor | None]) -> None:
        """Send the gradients of what went into the stage to the one before, if there is one.

        Zeros take the place of one that is missing: the other side waits for as many.
        """
        if self._before is None:
            return
        parts = [
            torch.zeros(shape, dtype=self._in.dtype, device=self._before.device)
            if part is None
            else part
            for shape, part in zip(self._shapes_in(chunk), down, strict=True)
        ]
        self._before.send(parts)

    def flush(self) -> None:
        """Wait until all that was sent has arrived."""
        for link in self._links():
            link.flush()

    def _links(self) -> list[StageLink]:
        return [link for link in (self._before, self._after) if link is not None]

    def _shapes_in(self, chunk: int) -> list[tuple[int, ...]]:
        return [(self._chunks[chunk].num_nodes, channels) for channels in self._in.channels]

    def _shapes_out(self, chunk: int) -> list[tuple[int, ...]]:
        return [(self._chunks[chunk].num_nodes, channels) for channels in self._out.channels]


def _link(place: Place, step: int, device: torch.device) -> StageLink:
    return StageLink(place.rank_of(place.stage + step, place.way), device, place.failures)
