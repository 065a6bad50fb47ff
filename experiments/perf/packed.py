"""Rows from a disk: at random through mmap and past the cache, against packed mini-batches.

    python experiments/perf/packed.py [--rows 2000000] [--channels 128] [--folder /tmp]

A table of float32 is made in a temporary folder, and batches of distinct rows are drawn from it at
random. Every way starts with nothing of its file in the page cache. "read" are the bytes that came
from the disk for each useful one, by the system's counter of this process (/proc/self/io);
"counted" is what the store says of itself. The packed ways check every batch; "checksums" is the
time that takes, in the thread that reads ahead.

Gates: packed reads at most 1.1 bytes for each useful one, reads at random 7 or more (for rows of
512 bytes), and packed is 8 times as fast as the fastest of the ways at random.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.store import DiskStore, PackedStore, PackedWriter, RowFile, RowStore, write_rows
from graphlearn.store.packed_file import PackedFile


def drop_cache(path: Path) -> None:
    """Take a file's pages out of the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def bytes_read() -> int | None:
    """Bytes that this process had the disk read so far, where the system says it."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


class Measured:
    """Rows a second and bytes from the disk of one way, from a cold cache."""

    def __init__(self, name: str, path: Path, read: Callable[[], tuple[int, float]]) -> None:
        drop_cache(path)
        before, started = bytes_read(), time.perf_counter()
        self.name = name
        self.rows, counted = read()
        self.seconds = time.perf_counter() - started
        after = bytes_read()
        self.rate = self.rows / self.seconds
        self.counted = counted
        self.read = None if before is None or after is None else after - before

    def line(self, row_bytes: int, fastest: float) -> str:
        useful = self.rows * row_bytes
        read = "-" if self.read is None else f"{self.read / useful:.2f}"
        counted = f"{self.counted:.2f}" if self.counted else "-"
        return (
            f"{self.name:34}{self.rows:>10}{read:>8}{counted:>10}{self.rate / 1000:>14.0f}"
            f"{self.rate / fastest:>10.2f}"
        )


def at_random(store: RowStore, batches: list[Tensor]) -> Callable[[], tuple[int, float]]:
    out = torch.empty(len(batches[0]), *store.row_shape, dtype=store.dtype)

    def read() -> tuple[int, float]:
        for index in batches:
            store.gather(index, out)
        return sum(map(len, batches)), store.traffic.tier("disk").amplification

    return read


def default_mmap(path: Path, batches: list[Tensor]) -> Callable[[], tuple[int, float]]:
    """What ``np.load(mmap_mode="r")`` gives: the system reads ahead of rows nobody asked for."""
    with RowFile(path) as file:
        header = file.header
    shape = (header.num_rows, *header.row_shape)
    table = np.memmap(path, dtype=np.float32, mode="r", offset=header.data_offset, shape=shape)

    def read() -> tuple[int, float]:
        for index in batches:
            table[index.numpy()]
        return sum(map(len, batches)), 0.0

    return read


def packed(store: PackedStore) -> Callable[[], tuple[int, float]]:
    def read() -> tuple[int, float]:
        rows = sum(len(batch.rows) for batch in store.epoch())
        return rows, store.traffic.tier("disk").amplification

    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument("--batch", type=int, default=10_000, help="rows of a batch")
    parser.add_argument("--batches", type=int, default=100, help="batches of an epoch")
    parser.add_argument("--random", type=int, default=4, help="batches that are read at random")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--folder", type=Path, default=None, help="a folder on the disk to measure")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        run(Path(folder), arguments)


def run(folder: Path, arguments: argparse.Namespace) -> None:
    generator = torch.Generator().manual_seed(0)
    rows, channels = arguments.rows, arguments.channels
    table, pack = folder / "x.rows", folder / "epoch.pack"

    def blocks() -> Iterator[Tensor]:
        for begin in range(0, rows, 50_000):
            yield torch.randn(min(50_000, rows - begin), channels, generator=generator)

    started = time.perf_counter()
    header = write_rows(table, blocks(), num_rows=rows)
    print(f"table: {header.file_bytes / 2**30:.2f} GiB in {time.perf_counter() - started:.1f} s")
    batches = [
        torch.randperm(rows, generator=generator)[: arguments.batch]
        for _ in range(arguments.batches)
    ]

    drop_cache(table)
    started = time.perf_counter()
    with (
        DiskStore(table, access="pread", threads=arguments.threads) as source,
        PackedWriter(pack, source) as writer,
    ):
        for index in batches:
            writer.add(index)
        writer.finish()
        moved = source.traffic.tier("disk").moved_bytes / 2**30
    print(
        f"packing: {pack.stat().st_size / 2**30:.2f} GiB in {time.perf_counter() - started:.1f} s, "
        f"{moved:.2f} GiB read from the table"
    )

    few = batches[: arguments.random]
    at_once = [few[0][: len(few[0]) // 4]]  # the system's own reading ahead soon has all of it
    found = [Measured("mmap, default readahead", table, default_mmap(table, at_once))]
    ways = [("mmap", "mmap, MADV_RANDOM", 1), ("mmap", "mmap, MADV_RANDOM", arguments.threads)]
    ways += [("pread", "pread", arguments.threads), ("direct", "O_DIRECT", arguments.threads)]
    for access, name, threads in ways:
        try:
            store = DiskStore(table, access=access, threads=threads)
        except InputError as problem:
            print(problem)
            continue
        with store:
            label = f"{name}, {threads} thread{'s' * (threads > 1)}"
            found.append(Measured(label, table, at_random(store, few)))
    fastest = max(way.rate for way in found)
    sequential = []
    for direct in (False, True):
        try:
            reader = PackedStore(pack, direct=direct)
        except InputError as problem:
            print(problem)
            continue
        with reader:
            name = f"packed, {'O_DIRECT' if direct else 'buffered'}"
            sequential.append(Measured(name, pack, packed(reader)))

    columns = f"{'rows':>10}{'read':>8}{'counted':>10}{'1000 rows/s':>14}{'ratio':>10}"
    print(f"\n{'':34}{columns}")
    for way in found + sequential:
        print(way.line(header.row_bytes, fastest))

    file = PackedFile(pack)
    segment, started, size = file.read(2)[0].numpy(), time.perf_counter(), 0
    for _ in range(20):
        zlib.crc32(segment)
        size += segment.nbytes
    rate = size / (time.perf_counter() - started)
    file.close()
    for way in sequential:
        share = way.rows * header.row_bytes / rate / way.seconds
        print(f"checksums of {way.name}: {rate / 1e9:.1f} GB/s, {share:.0%} of the time")

    least = min(way.counted for way in found if way.counted)
    most = max(way.counted for way in sequential)
    ratio = min(way.rate for way in sequential) / fastest
    print(f"\nbytes read for each useful one: packed {most:.3f} (at most 1.1), ", end="")
    print(f"at random {least:.2f} (7 or more); packed {ratio:.1f} times as fast (8 or more)")


if __name__ == "__main__":
    main()
