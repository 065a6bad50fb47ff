"""Why a run ended: the first process that failed, named by all others."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch.distributed as dist
from torch.distributed import distributed_c10d

from graphlearn.errors import GraphLearnError

_FIRST = "first"
_LATE = re.compile(r"time[d\- ]*out", re.IGNORECASE)


class PeerLostError(GraphLearnError, RuntimeError):
    """Another process of the run died, hangs, or ended with an error of its own."""


def rank_name(rank: int, ways: int) -> str:
    """What a rank is called in errors.

    Example:
        >>> rank_name(5, ways=2)
        'rank 5 (stage 2, way 1)'
    """
    return f"rank {rank} (stage {rank // ways}, way {rank % ways})"


@runtime_checkable
class Store(Protocol):
    """What is asked of a store of torch.distributed."""

    def set(self, key: str, value: str) -> None:
        """Write."""

    def get(self, key: str) -> bytes:
        """Read."""

    def check(self, keys: list[str]) -> bool:
        """Whether all of them are there."""

    def compare_set(self, key: str, expected: str, desired: str) -> bytes:
        """Write if it is not there and nothing is expected; what is there afterwards."""


class Failures:
    """The notes that processes leave in the group's store when they end, or give up waiting.

    A process that ends closes its connections, and then its neighbors end, and theirs. Each knows
    its neighbor alone, so notes tell who was first. A process with an error of its own writes it as
    the first cause, unless there is one. A process whose message fails writes for whom it waits,
    and then waits a little for a first cause, or for notes of those it waits for, and of those that
    they wait for. Who is among these and writes nothing is the first cause: it was killed, or
    hangs. On Linux, processes of one machine see which of them is no more; across machines several
    may be named where one is meant, if the others are busy and yet to notice.

    Args:
        rank: Of this process.
        ranks: How many there are.
        ways: W, for names.
        store: Of the group; None for a process alone, which has nobody to tell.
        key: Under which notes stand in the store, the same in all processes.

    Example:
        >>> import torch.distributed as dist
        >>> store = dist.HashStore()
        >>> one, two = (Failures(rank, 2, ways=1, store=store) for rank in range(2))
        >>> try:
        ...     with one.telling():
        ...         raise ValueError("no more")
        ... except ValueError:
        ...     pass
        >>> try:
        ...     with two.waiting_for([0]):
        ...         raise RuntimeError("Connection closed by peer")
        ... except PeerLostError as error:
        ...     print(error.given)
        rank 0 (stage 0, way 0) failed with ValueError (no more)
    """

    def __init__(
        self,
        rank: int = 0,
        ranks: int = 1,
        *,
        ways: int = 1,
        store: Store | None = None,
        key: str = "failures",
    ) -> None:
        self.rank, self.ranks, self.ways, self.key = rank, ranks, ways, key
        self._store = store

    @classmethod
    def of_group(cls, ways: int) -> Failures:
        """Those of the default process group; every process of it has to ask, equally often."""
        store = distributed_c10d._get_default_store()
        rank = dist.get_rank()
        # A failure that was dealt with is none of the next training's in the same group.
        turn = store.add(f"graphlearn/{rank}/turn", 1)
        key = f"graphlearn/{turn}"
        found = cls(rank, dist.get_world_size(), ways=ways, store=store, key=key)
        found.say_where()
        return found

    @property
    def others(self) -> list[int]:
        """All ranks but this one."""
        return [rank for rank in range(self.ranks) if rank != self.rank]

    def name_of(self, *ranks: int) -> str:
        """What ranks are called in errors."""
        return ", ".join(rank_name(rank, self.ways) for rank in ranks)

    def say_where(self) -> None:
        """Write which process this is, for those of the same machine."""
        if self._store is not None:
            where = [_machine(), os.getpid()]
            self._store.set(self._key(f"where-{self.rank}"), json.dumps(where))

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """Let others know of an error inside; it goes on from here as it is."""
        try:
            yield
        except PeerLostError:
            raise
        except BaseException as problem:
            text = f"{type(problem).__name__} ({_first_line(problem)})"
            with contextlib.suppress(RuntimeError):  # no store, no matter: the error goes on
                self._write_first(f"{self.name_of(self.rank)} failed with {text}")
            raise

    @contextlib.contextmanager
    def waiting_for(self, ranks: Sequence[int]) -> Iterator[None]:
        """Turn an error of torch.distributed inside into one that says who failed first.

        Args:
            ranks: Whose messages are waited for.

        Raises:
            PeerLostError: In its place.
        """
        began = time.monotonic()
        try:
            yield
        except PeerLostError:
            raise
        except RuntimeError as problem:
            raise self._lost(ranks, problem, time.monotonic() - began) from problem

    def _lost(self, ranks: Sequence[int], problem: RuntimeError, waited: float) -> PeerLostError:
        line = _first_line(problem)
        own = f"no message from or to {self.name_of(*ranks)} ({line})"
        try:
            first = self._find_first(ranks, waited, late=bool(_LATE.search(line)))
        except RuntimeError as lost:  # whoever keeps the store is gone too
            first = f"{own}, nor from the store ({_first_line(lost)})"
        return PeerLostError(
            first or own,
            expected="every process alive and answering within the time-out",
            mend="look for the error of that process; the last checkpoint can be resumed",
        )

    # Notes #######################################################################################

    def _find_first(self, ranks: Sequence[int], waited: float, *, late: bool) -> str:
        if self._store is None:
            return ""
        note = {"for": list(ranks), "waited": waited if late else 0.0}
        self._store.set(self._key(_rank(self.rank)), json.dumps(note))
        began = time.monotonic()
        while True:
            first = self._read(_FIRST)
            if first is not None:
                return str(first)
            silent, longest = self._silent(ranks)
            gone = [rank for rank in silent if self._is_gone(rank)]
            if gone:
                break
            # Some began to wait later than this process, and give up later. Of several that are
            # silent most may be busy, and yet to notice.
            patience = min(60.0, max(1.0 if len(silent) == 1 else 5.0, longest / 4))
            if not silent or time.monotonic() - began > patience:
                break
            time.sleep(0.05)
        if not silent:
            return ""
        if gone:
            silent, text = gone, "is gone without a word: it was killed"
        elif late or longest:
            text = f"did not answer within {longest:.0f} s: it hangs, or the time-out is too short"
        else:
            text = "is gone without a word: it was killed, or its connection is lost"
        one_of = "one of " if len(silent) > 1 and not gone else ""
        return self._write_first(f"{one_of}{self.name_of(*silent)} {text}")

    def _silent(self, ranks: Sequence[int]) -> tuple[list[int], float]:
        """Who is waited for, by this process or by those it waits for, and has left no note.

        Also the longest time that one of them has waited.
        """
        met, silent = {self.rank}, []
        own = self._read(_rank(self.rank))
        longest = own["waited"] if own else 0.0
        ahead = list(ranks)
        while ahead:
            rank = ahead.pop()
            if rank in met:
                continue
            met.add(rank)
            note = self._read(_rank(rank))
            if note is None:
                silent.append(rank)
            else:
                longest = max(longest, note["waited"])
                ahead += note["for"]
        return sorted(silent), longest

    def _is_gone(self, rank: int) -> bool:
        where = self._read(f"where-{rank}")
        return where is not None and where[0] == _machine() != "" and _has_ended(where[1])

    def _key(self, name: str) -> str:
        return f"{self.key}/{name}"

    def _read(self, name: str) -> Any:
        assert self._store is not None
        key = self._key(name)
        return json.loads(self._store.get(key)) if self._store.check([key]) else None

    def _write_first(self, text: str) -> str:
        """Say what was first, and return what somebody else has said before."""
        if self._store is None:
            return text
        found = self._store.compare_set(self._key(_FIRST), "", json.dumps(text))
        return str(json.loads(found))


def _rank(rank: int) -> str:
    return f"rank-{rank}"


def _machine() -> str:
    """Which machine this is, and which numbers its processes go by; empty if unknown."""
    try:
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _has_ended(process: int) -> bool:
    """Whether there is no such process, or only what its parent has yet to take note of."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state in ("Z", "X")


def _first_line(problem: BaseException) -> str:
    return str(problem).strip().partition("\n")[0][:300]
