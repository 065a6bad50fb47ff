"""Which stage and which way a process is."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from graphlearn.errors import InputError
from graphlearn.pipeline.failures import Failures, rank_name
from graphlearn.validate import check_size


@dataclass(frozen=True, eq=False)
class Place:
    """A process's place among stages x ways; rank = stage * ways + way.

    Args:
        stages: S, parts of the stack.
        ways: W, parts of every chunk.
        rank: Of this process.
        mesh: Of the processes, ``[S, W]``; None for a process alone.
        failures: What processes tell each other when they end.

    Example:
        >>> place = Place.find(stages=1, ways=1)
        >>> place.stage, place.way, place.is_last
        (0, 0, True)
    """

    stages: int
    ways: int
    rank: int = 0
    mesh: DeviceMesh | None = None
    failures: Failures = field(default_factory=Failures)

    @classmethod
    def find(cls, stages: int, ways: int, device_type: str = "cpu") -> Place:
        """This process's place; every process of the group has to ask.

        Args:
            stages: S.
            ways: W.
            device_type: Of the devices, ``"cpu"`` or ``"cuda"``.

        Raises:
            InputError: If the group has another number of processes, or there is no group.
        """
        stages, ways = check_size(stages, name="stages"), check_size(ways, name="ways")
        wanted = stages * ways
        started = dist.is_available() and dist.is_initialized()
        world = dist.get_world_size() if started else 1
        if world != wanted:
            raise InputError(
                f"there are {world} processes for {stages} stages x {ways} ways",
                expected=f"{wanted} processes",
                mend=f"start the script by: torchrun --nproc-per-node {wanted} ..."
                if not started
                else "let stages x ways be the number of processes",
            )
        if not started:
            return cls(stages, ways)
        failures = Failures.of_group(ways)
        with failures.waiting_for(failures.others):
            mesh = init_device_mesh(device_type, (stages, ways), mesh_dim_names=("stage", "way"))
        return cls(stages, ways, dist.get_rank(), mesh, failures)

    @property
    def stage(self) -> int:
        """The stage, from 0."""
        return self.rank // self.ways

    @property
    def way(self) -> int:
        """The way, from 0."""
        return self.rank % self.ways

    @property
    def is_first(self) -> bool:
        """Whether features come in here."""
        return self.stage == 0

    @property
    def is_last(self) -> bool:
        """Whether losses come out here."""
        return self.stage == self.stages - 1

    @property
    def other_ways(self) -> list[int]:
        """The ranks of this stage's other ways."""
        ranks = (self.rank_of(self.stage, way) for way in range(self.ways))
        return [rank for rank in ranks if rank != self.rank]

    def rank_of(self, stage: int, way: int) -> int:
        """The rank of another place."""
        return stage * self.ways + way

    def name_of(self, rank: int) -> str:
        """What a rank is called in errors."""
        return rank_name(rank, self.ways)

    def sum_ways(self, tensor: Tensor) -> Tensor:
        """Add a tensor up over the ways of this stage, in place."""
        if self.mesh is not None and self.ways > 1:
            with self.failures.waiting_for(self.other_ways):
                dist.all_reduce(tensor, group=self.mesh.get_group("way"))
        return tensor

    def sum_all(self, values: list[float]) -> list[float]:
        """Add numbers up over all processes."""
        if self.mesh is None:
            return values
        device = "cuda" if self.mesh.device_type == "cuda" else "cpu"
        total = torch.tensor(values, dtype=torch.float64, device=device)
        with self.failures.waiting_for(self.failures.others):
            dist.all_reduce(total)
            found: list[float] = total.tolist()
        return found

    def gather(self, what: object) -> list[object]:
        """What every process has, by rank; on all of them."""
        if self.mesh is None:
            return [what]
        found: list[object] = [None] * (self.stages * self.ways)
        with self.failures.waiting_for(self.failures.others):
            dist.all_gather_object(found, what)
        return found

    def wait(self) -> None:
        """Wait for all processes."""
        if self.mesh is not None:
            with self.failures.waiting_for(self.failures.others):
                dist.barrier()
