"""The processes that a launcher started to train one seed together: the first leads them."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from graphlearn.errors import InputError
from graphlearn.pipeline.failures import Failures, PeerLostError
from graphlearn.validate import check_number, check_size

_PATIENCE = datetime.timedelta(days=7)
"""For the next order: what the first process prepares between seeds takes as long as it takes."""


@dataclass(frozen=True)
class Order:
    """What the first process asks the others to train with it.

    Args:
        recipe: As YAML text, filled in.
        seed: Which seed.
        folder: The seed's folder.
        data_root: Folder of the data.
    """

    recipe: str
    seed: int
    folder: str
    data_root: str | None


class Crew:
    """Stages x ways processes, of which the first plans, prints and writes results.

    Made by :meth:`assemble` inside a script that ``torchrun`` started; a process that started alone
    is a crew of one, for which nothing of torch.distributed is needed.

    Args:
        stages: S.
        ways: W.
        rank: Of this process.
        local_rank: Among those of its machine: the number of its GPU.

    Example:
        >>> crew = Crew()
        >>> crew.size, crew.leads, crew.device("cpu")
        (1, True, 'cpu')
    """

    def __init__(
        self, stages: int = 1, ways: int = 1, *, rank: int = 0, local_rank: int = 0
    ) -> None:
        self.stages, self.ways, self.rank, self.local_rank = stages, ways, rank, local_rank
        self._training = False
        self._failures = Failures()
        self._orders: Any = None

    @classmethod
    @contextlib.contextmanager
    def assemble(
        cls,
        ways: int = 1,
        *,
        timeout: float = 1800.0,
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[Crew]:
        """Join the processes of a launcher, and part from them afterwards.

        Args:
            ways: W; the number of stages is what is left of the processes.
            timeout: Seconds after which a process that does not answer counts as lost, while they
                train.
            environment: What the launcher set; the process's own by default.

        Raises:
            InputError: If the number of processes is no multiple of ``ways``, or the launcher left
                out a variable.
            PeerLostError: If another process did not start.
        """
        given = os.environ if environment is None else environment
        ways = check_size(ways, name="ways")
        if check_number(timeout, name="timeout") <= 0:
            raise InputError(f"timeout is {timeout}", expected="a number of seconds > 0")
        world, rank, local = (
            _integer(given, name, default)
            for name, default in (("WORLD_SIZE", 1), ("RANK", 0), ("LOCAL_RANK", 0))
        )
        if world % ways:
            raise InputError(
                f"there are {world} processes for {ways} ways",
                expected="a multiple of the ways: stages x ways processes",
                mend=f"start {ways * max(1, world // ways)} processes, or pass --ways 1",
            )
        crew = cls(world // ways, ways, rank=rank, local_rank=local)
        if world == 1:
            yield crew
            return
        on_gpus = torch.cuda.is_available() and dist.is_nccl_available()
        if on_gpus:
            torch.cuda.set_device(local % torch.cuda.device_count())
        try:
            with _joining():
                dist.init_process_group(
                    "cpu:gloo,cuda:nccl" if on_gpus else "gloo",
                    timeout=datetime.timedelta(seconds=timeout),
                )
                crew._failures = Failures.of_group(ways)
                # Whose leader is gone is told at once, as its connections are closed.
                crew._orders = dist.new_group(backend="gloo", timeout=_PATIENCE)
            with crew._dismissing():
                yield crew
        finally:
            # A group that is broken may not part in peace: what broke it is to be told.
            with contextlib.suppress(RuntimeError):
                if dist.is_initialized():
                    dist.destroy_process_group()

    @property
    def size(self) -> int:
        """How many processes."""
        return self.stages * self.ways

    @property
    def leads(self) -> bool:
        """Whether this process is the first."""
        return self.rank == 0

    def device(self, name: str) -> str:
        """The device of this process where a recipe says ``name``: each has a GPU of its own."""
        if name == "cuda" and self.size > 1:
            return f"cuda:{self.local_rank % torch.cuda.device_count()}"
        return name

    @contextlib.contextmanager
    def training(self, order: Order) -> Iterator[None]:
        """On the first process: let the others train ``order``, and train it inside.

        If training fails it fails on all of them, so that there is nobody to dismiss.

        Raises:
            PeerLostError: If one of them is gone.
        """
        self._tell(order)
        self._training = True
        yield
        self._training = False

    def hear(self) -> Order | None:
        """On the others: what to train next; None when all is done.

        Raises:
            PeerLostError: If the first process is gone.
        """
        return self._tell(None)

    @contextlib.contextmanager
    def _dismissing(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self.leads and not self._training:
                with contextlib.suppress(RuntimeError):  # who is gone need not be told
                    self._tell(None)

    def _tell(self, order: Order | None) -> Order | None:
        if self.size == 1:
            return order
        told: list[Any] = [order]
        with self._failures.waiting_for(self._failures.others):
            dist.broadcast_object_list(told, src=0, group=self._orders)
        found: Order | None = told[0]
        return found


@contextlib.contextmanager
def _joining() -> Iterator[None]:
    try:
        yield
    except RuntimeError as problem:
        raise PeerLostError(
            f"the processes did not come together ({str(problem).partition(chr(10))[0][:300]})",
            expected="every process that the launcher was asked for",
            mend="look for the error of the one that did not start",
        ) from problem


def _integer(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdigit():
        raise InputError(
            f"the environment variable {name} is {text!r}",
            expected="what torchrun sets",
            mend="start the processes by torchrun",
        )
    return int(text)
