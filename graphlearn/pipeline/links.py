"""Messages between stages and between ways, and how many bytes they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from graphlearn.pipeline.failures import Failures
from graphlearn.pipeline.held_rows import HeldRows
from graphlearn.pipeline.layer_rows import Alone, Exchange
from graphlearn.pipeline.layout import Layout
from graphlearn.pipeline.place import Place

Shapes = Sequence[tuple[int, ...]]


def run_messages(
    operations: list[dist.P2POp], ranks: Sequence[int], failures: Failures
) -> list[dist.Work]:
    """Start messages; nothing if there are none.

    Args:
        operations: What to send and receive.
        ranks: With whom.
        failures: Knows who failed first.

    Raises:
        PeerLostError: If the connection is gone.
    """
    if not operations:
        return []
    with failures.waiting_for(ranks):
        return list(dist.batch_isend_irecv(operations))


def wait_for(works: list[dist.Work], ranks: Sequence[int], failures: Failures) -> None:
    """Wait for messages.

    Raises:
        PeerLostError: If a peer is gone, or did not answer within the group's time-out.
    """
    with failures.waiting_for(ranks):
        for work in works:
            work.wait()


class StageLink:
    """Carries what chunks give from one stage to a neighboring one, while both compute.

    One message is received ahead of its use, and up to two that were sent may be under way.

    Args:
        peer: The neighbor's rank.
        device: Where tensors lie.
        failures: Knows who failed first.

    Example:
        >>> link = StageLink(1, torch.device("cpu"), Failures())
        >>> list(link.receive([], lambda chunk: [(3, 2)], torch.float32)), link.sent_bytes
        ([], 0)
    """

    def __init__(self, peer: int, device: torch.device, failures: Failures) -> None:
        self.peer, self.device, self._failures = peer, device, failures
        self.sent_bytes = 0
        self._under_way: deque[tuple[list[dist.Work], list[Tensor]]] = deque()

    def send(self, tensors: Sequence[Tensor]) -> None:
        """Start to send; the tensors must not be written to any more."""
        parts = [tensor.detach().contiguous() for tensor in tensors]
        works = self._run([dist.P2POp(dist.isend, part, self.peer) for part in parts])
        self.sent_bytes += sum(part.numel() * part.element_size() for part in parts)
        self._under_way.append((works, parts))
        while len(self._under_way) > 2:
            self._wait(self._under_way.popleft()[0])

    def flush(self) -> None:
        """Wait until all that was sent has arrived."""
        while self._under_way:
            self._wait(self._under_way.popleft()[0])

    def _run(self, operations: list[dist.P2POp]) -> list[dist.Work]:
        return run_messages(operations, [self.peer], self._failures)

    def _wait(self, works: list[dist.Work]) -> None:
        wait_for(works, [self.peer], self._failures)

    def receive(
        self, order: Sequence[int], shapes: Callable[[int], Shapes], dtype: torch.dtype
    ) -> Iterator[list[Tensor]]:
        """What the neighbor sends for every chunk, in order; the next one is received meanwhile."""

        def begin(chunk: int) -> tuple[list[dist.Work], list[Tensor]]:
            parts = [torch.empty(s, dtype=dtype, device=self.device) for s in shapes(chunk)]
            return self._run([dist.P2POp(dist.irecv, part, self.peer) for part in parts]), parts

        coming = begin(order[0]) if order else None
        for place in range(len(order)):
            assert coming is not None
            works, parts = coming
            self._wait(works)
            coming = begin(order[place + 1]) if place + 1 < len(order) else None
            yield parts


class WayExchange:
    """Carries rows of a chunk that other ways of the stage read, and their gradients back.

    Args:
        sends: For each chunk and each other way's rank, where the rows are that it reads.
        receives: Likewise where those rows go that this way reads.
        ranks: Of the other ways.
        failures: Knows who failed first.

    Example:
        >>> ways = WayExchange([{}], [{}], [], Failures())  # nobody reads anything of others
        >>> ways.publish(0, torch.ones(2, 1))
        >>> ways.sent_bytes
        0
    """

    def __init__(
        self,
        sends: Sequence[Mapping[int, Tensor]],
        receives: Sequence[Mapping[int, Tensor]],
        ranks: Sequence[int],
        failures: Failures,
    ) -> None:
        self._sends, self._receives = list(sends), list(receives)
        self._ranks, self._failures = list(ranks), failures
        self.sent_bytes = 0

    def publish(self, chunk: int, rows: Tensor) -> None:
        """Send the rows of a chunk that others read, and write theirs to where they go."""
        came = self._swap(rows, self._sends[chunk], self._receives[chunk])
        for rank, where in self._receives[chunk].items():
            rows[where] = came[rank]

    def return_gradients(self, chunk: int, gradients: Tensor) -> None:
        """Send the gradients of others' rows, and add those of this way's own."""
        came = self._swap(gradients, self._receives[chunk], self._sends[chunk])
        for rank, where in self._sends[chunk].items():
            gradients.index_add_(0, where, came[rank])

    def _swap(
        self, rows: Tensor, go: Mapping[int, Tensor], come: Mapping[int, Tensor]
    ) -> dict[int, Tensor]:
        sent = {rank: rows[where] for rank, where in go.items() if where.numel()}
        came = {
            rank: rows.new_empty(where.numel(), *rows.shape[1:]) for rank, where in come.items()
        }
        operations = [dist.P2POp(dist.isend, part, rank) for rank, part in sent.items()]
        operations += [
            dist.P2POp(dist.irecv, part, rank) for rank, part in came.items() if part.size(0)
        ]
        works = run_messages(operations, self._ranks, self._failures)
        wait_for(works, self._ranks, self._failures)
        self.sent_bytes += sum(part.numel() * part.element_size() for part in sent.values())
        return came


def make_exchange(place: Place, layout: Layout, held: HeldRows, device: torch.device) -> Exchange:
    """The exchange of a process with the other ways of its stage.

    Args:
        place: Of this process.
        layout: Knows which nodes other ways read.
        held: Where this way holds them.
        device: Where the rows lie.

    Example:
        >>> layout = Layout(torch.tensor([[0], [1]]), 2, 1)
        >>> held = HeldRows([layout.chunk(0)], layout.chunk_of)
        >>> type(make_exchange(Place(1, 1), layout, held, torch.device("cpu"))).__name__
        'Alone'
    """
    if place.ways == 1:
        return Alone()

    def places(listing: Callable[[int, int], dict[int, Tensor]]) -> list[dict[int, Tensor]]:
        return [
            {
                place.rank_of(place.stage, other): held.find(ids.to(device))
                for other, ids in listing(place.way, chunk).items()
            }
            for chunk in range(layout.num_chunks)
        ]

    return WayExchange(
        places(layout.sends), places(layout.receives), place.other_ways, place.failures
    )
