"""Rows in tiers: the hottest on the GPU, the next in memory, the others where they came from."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store.buffer_pool import BufferPool
from graphlearn.store.disk import DiskStore
from graphlearn.store.memory import MemoryStore
from graphlearn.store.pinned import PinnedStore
from graphlearn.store.row_places import RowPlaces, check_scores, rows_in_budget
from graphlearn.store.row_store import RowStore

_BLOCK_BYTES = 32 << 20  # of rows that are copied into a tier at once


@dataclass(frozen=True)
class _Tier:
    """A place that rows come from.

    Args:
        name: What it counts its traffic as.
        store: Its rows, by slot; of the last tier all rows, by row number.
        fills: Whether reading one row again and again costs next to nothing.
    """

    name: str
    store: RowStore
    fills: bool = False


class _DeviceRows(RowStore):
    """Rows in a tensor on any device."""

    def __init__(self, table: Tensor) -> None:
        super().__init__(len(table), tuple(table.shape[1:]), table.dtype, table.device)
        self._table = table

    def _gather(self, index: Tensor, out: Tensor) -> None:
        torch.index_select(self._table, 0, index.to(self.device), out=out)


class TieredStore(RowStore):
    """Rows of any store, the hottest of them held nearer.

    From `"Graph Neural Network Training with Data Tiering" <https://arxiv.org/abs/2111.05894>`_:
    rows with the largest scores lie on the GPU (``gpu_bytes`` of them), those that follow in
    memory (``host_bytes``; pinned and read by the GPU itself where the device is one), and the
    rest is read from the source, a :class:`DiskStore` or any other. Which row lies where is one
    int32 a row, :attr:`index_bytes` in all, beside the budgets.

    A gather reads the slots of its rows, splits them by tier and reads each tier once; the tier
    that holds most of them writes straight to the result. Work and memory are proportional to the
    batch. Rows are the same bits as the source's.

    ``traffic`` counts by ``"gpu"``, ``"pinned"`` or ``"memory"``, and the source's ``"disk"`` (or
    ``"pinned"``, ``"memory"``; ``"source"`` for another store or if a tier has its name). Bytes
    moved from the source are what its own ``traffic`` says; who reads it elsewhere at the same
    time is counted here too.

    Args:
        source: All rows. It stays open and is not closed with this store; a tensor is taken as a
            :class:`MemoryStore`. A copy by pickle has a copy of the source and of all tiers.
        scores: How often each row will be read, in any unit; see
            :func:`graphlearn.store.inclusion_probability`. Of equal scores the first row is taken.
        gpu_bytes: Bytes of rows on the GPU.
        host_bytes: Bytes of rows in memory.
        device: Where gathered rows lie; CUDA if ``gpu_bytes`` is not 0, else the CPU.
        buffers: Where results on the CPU come from. (default: a pool of its own)

    Shapes:
        - **scores**: ``[N]``

    Raises:
        InputTypeError: If the source is no store, or the scores are no numbers.
        InputError: If scores and rows differ in number, a score is negative, infinite or NaN, a
            budget is below one row, or there is no such device.

    Example:
        >>> table = torch.arange(8.0).view(4, 2)
        >>> store = TieredStore(table, torch.tensor([0.1, 0.9, 0.2, 0.7]), host_bytes=16)
        >>> store.gather(torch.tensor([1, 3, 0, 1]))[:, 0].tolist()
        [2.0, 6.0, 0.0, 2.0]
        >>> store.hit_rate, store.tier_rows
        (0.75, {'memory': 2, 'source': 2})
    """

    def __init__(
        self,
        source: RowStore | Tensor,
        scores: Tensor,
        *,
        gpu_bytes: int = 0,
        host_bytes: int = 0,
        device: torch.device | str | None = None,
        buffers: BufferPool | None = None,
    ) -> None:
        if isinstance(source, Tensor):
            source = MemoryStore(source)
        if not isinstance(source, RowStore):
            raise InputTypeError(
                f"source is a {type(source).__name__}", expected="a store or a tensor [N, ...]"
            )
        budgets = {"gpu": gpu_bytes, "host": host_bytes}
        sizes = {
            name: rows_in_budget(size, source.row_bytes, source.num_rows, name=f"{name}_bytes")
            for name, size in budgets.items()
        }
        if not any(sizes.values()):
            raise InputError(
                "gpu_bytes and host_bytes are 0",
                expected=f"a budget of at least one row, {source.row_bytes} bytes",
                mend="read the source itself if nothing may be held",
            )
        where = _check_device(device, on_gpu=sizes["gpu"] > 0)
        super().__init__(source.num_rows, source.row_shape, source.dtype, where)
        values = check_scores(scores, source.num_rows)
        sizes = {name: size for name, size in sizes.items() if size}
        self._places = RowPlaces(values, list(sizes.values()))
        self._tiers = [
            self._make_tier(name, source, torch.from_numpy(rows))
            for name, rows in zip(sizes, self._places.rows, strict=True)
        ]
        name = _KINDS.get(type(source), "source")
        taken = name in [tier.name for tier in self._tiers]
        self._tiers.append(_Tier("source" if taken else name, source))
        self.buffers = BufferPool() if buffers is None else buffers
        self._is_own_pool = buffers is None
        self._lock = threading.Lock()
        self._moved_before = _moved_bytes(source)

    def _make_tier(self, name: str, source: RowStore, rows: Tensor) -> _Tier:
        on_gpu = name == "gpu"
        table = _copy_rows(source, rows, self.device if on_gpu else torch.device("cpu"))
        if on_gpu:
            return _Tier("gpu", _DeviceRows(table), fills=True)
        if self.device.type == "cpu":
            return _Tier("memory", MemoryStore(table), fills=True)
        return _Tier("pinned", PinnedStore(table, self.device))

    @property
    def tier_rows(self) -> dict[str, int]:
        """How many rows lie in each tier; the last one's are those of no other."""
        sizes = [len(rows) for rows in self._places.rows]
        sizes.append(self.num_rows - sum(sizes))
        return {tier.name: size for tier, size in zip(self._tiers, sizes, strict=True)}

    @property
    def index_bytes(self) -> int:
        """Bytes of the map from rows to slots."""
        return self._places.num_bytes

    @property
    def hit_rate(self) -> float:
        """Share of the rows asked for so far that did not have to come from the source."""
        asked = self.traffic.rows
        return 1.0 - self.traffic.share(self._tiers[-1].name) if asked else 0.0

    def _empty(self, shape: tuple[int, ...]) -> Tensor:
        if self.device.type == "cpu":
            return self.buffers.empty(shape, self.dtype)
        return super()._empty(shape)

    def _release(self) -> None:
        for tier in self._tiers[:-1]:  # the last is the source, which stays open
            tier.store.close()
        self._tiers = []
        if self._is_own_pool:
            self.buffers.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()
        if self._tiers:  # a source that was opened anew counts anew
            self._moved_before = _moved_bytes(self._tiers[-1].store)

    def _gather(self, index: Tensor, out: Tensor) -> None:
        index = index.cpu()
        slots = self._places.slots(index)
        parts = self._split(slots)
        largest = max(range(len(parts)), key=lambda number: parts[number].numel())
        for number in sorted(range(len(parts)), key=lambda number: number != largest):
            tier, positions = self._tiers[number], parts[number]
            count = positions.numel()
            if count == 0:
                continue
            begin, end = self._range(number)
            own = index if end is None else slots - begin
            if count == len(index):
                self._read(tier, own.contiguous(), out)
            elif number == largest and tier.fills and end is not None:
                # All positions, so that rows go where they belong without a second copy; those of
                # other tiers read a neighbor of theirs in vain and are written over below.
                self._read(tier, own.clamp_(0, end - begin - 1), out)
            else:
                rows = self._read(tier, own.index_select(0, positions), None)
                out.index_copy_(0, positions.to(self.device), rows)
            self._count(tier, count)

    def _range(self, number: int) -> tuple[int, int | None]:
        """The slots of a tier; None as the end of the source's, which has none."""
        bounds = self._places.bounds
        return bounds[number], bounds[number + 1] if number + 1 < len(bounds) else None

    def _split(self, slots: Tensor) -> list[Tensor]:
        """The positions of each tier's rows in the batch."""
        parts = []
        for number in range(len(self._tiers)):
            begin, end = self._range(number)
            inside = slots >= begin
            if end is not None:
                inside &= slots < end
            parts.append(inside.nonzero().flatten())
        return parts

    def _read(self, tier: _Tier, rows: Tensor, out: Tensor | None) -> Tensor:
        if out is None or tier.store.device == out.device:
            return tier.store.gather(rows, out).to(self.device)
        return out.copy_(tier.store.gather(rows))

    def _count(self, tier: _Tier, rows: int) -> None:
        useful = rows * self.row_bytes
        with self._lock:
            moved = useful
            if tier is self._tiers[-1]:
                before, self._moved_before = self._moved_before, _moved_bytes(tier.store)
                moved = max(0, self._moved_before - before)
            self.traffic.add(tier.name, rows=rows, useful_bytes=useful, moved_bytes=moved)


_KINDS: dict[type[RowStore], str] = {
    DiskStore: "disk",
    MemoryStore: "memory",
    PinnedStore: "pinned",
}


def _moved_bytes(store: RowStore) -> int:
    return sum(tier.moved_bytes for tier in store.traffic.tiers().values())


def _check_device(device: torch.device | str | None, *, on_gpu: bool) -> torch.device:
    try:
        found = torch.device(("cuda" if on_gpu else "cpu") if device is None else device)
    except RuntimeError as problem:
        raise InputError(f"device is {device!r}", expected="cpu, cuda or cuda:0") from problem
    if found.type == "cpu":
        if on_gpu:
            raise InputError(
                "gpu_bytes is not 0 and device is cpu",
                expected="a GPU for rows that lie on one",
                mend="pass gpu_bytes=0 and give their bytes to host_bytes",
            )
        return found
    if found.type == "cuda" and torch.cuda.is_available():
        with contextlib.suppress(RuntimeError):  # of a number that no GPU has
            return torch.empty(0, device=found).device
    raise InputError(
        f"device is {found}, and torch finds no such GPU here",
        expected="cpu, or a CUDA device of this machine",
        mend="pass gpu_bytes=0 and device='cpu'",
    )


def _copy_rows(source: RowStore, rows: Tensor, device: torch.device) -> Tensor:
    """A table of some rows of the source, ascending, read a block at a time."""
    table = torch.empty((rows.numel(), *source.row_shape), dtype=source.dtype, device=device)
    step = max(1, _BLOCK_BYTES // max(1, source.row_bytes))
    for begin in range(0, rows.numel(), step):
        part, target = rows[begin : begin + step], table[begin : begin + step]
        if source.device == device:
            source.gather(part, target)
        else:
            target.copy_(source.gather(part))
    return table
