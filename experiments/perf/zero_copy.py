"""Rows of page-locked memory read by a GPU over PCIe, against gathering on the CPU and copying.

    python experiments/perf/zero_copy.py [--gib 8] [--batch 200000] [--repeats 9] [--threads 8]

For rows of 128 bytes to 4 KiB: both ways to read without a copy (Triton's kernel, and torch's
``index_select`` over a view), in the order of the batch and sorted; with the hottest tenth of the
rows on the GPU; and beside matrix products on another stream. Against them, in the same turns:

- a copy of as many bytes from page-locked memory in one piece, which nothing here can beat;
- rows gathered on the CPU into page-locked memory by ``index_select(out=)``, then copied;
- the same into ordinary memory.

Prints GB/s of useful bytes and ratios to the copy and to the first CPU gather. Times end when the
rows are on the GPU, and begin with an index on the CPU. Without a GPU it says so and ends.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.kernels import gather_rows
from graphlearn.store import PinnedStore

Call = Callable[[], object]
HOT_SHARE = 0.1


def best_of(calls: dict[str, Call], repeats: int) -> dict[str, float]:
    """Least seconds of calls that take turns, each made once more to warm what it needs."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(repeats):
        for name, call in calls.items():
            call()
            torch.cuda.synchronize()
            begin = time.perf_counter()
            call()
            torch.cuda.synchronize()
            best[name] = min(best[name], time.perf_counter() - begin)
    return best


def draw(rows: int, batch: int, *, hits: float = HOT_SHARE) -> Tensor:
    """Rows of a batch, a share ``hits`` of them among the first tenth, as after a ranking."""
    share = torch.rand(batch, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    share = share ** (math.log(HOT_SHARE) / math.log(hits))
    return (share * rows).long().clamp_(max=rows - 1)


def copied(
    table: Tensor, index: Tensor, staging: Tensor, out: Tensor, gather: Callable[..., object]
) -> None:
    """Gather on the CPU into ``staging``, then copy."""
    gather(table, index, staging)
    out.copy_(staging, non_blocking=True)
    torch.cuda.synchronize()  # before staging is written again


def by_torch(table: Tensor, index: Tensor, out: Tensor) -> None:
    """The peer: torch's gather into memory that was written before."""
    torch.index_select(table, 0, index, out=out)


def split(store: PinnedStore, hot: Tensor, index: Tensor, out: Tensor) -> None:
    """The first rows from a copy of them on the GPU, the others over the bus."""
    is_hot = index < hot.size(0)
    for part, read in ((is_hot, None), (~is_hot, store)):
        place = part.nonzero().flatten()
        wanted = index[place]
        rows = hot.index_select(0, wanted.to(out.device)) if read is None else read.gather(wanted)
        out.index_copy_(0, place.to(out.device), rows)


def overlapped(gather: Call, compute: Call, stream: torch.cuda.Stream) -> None:
    """Both at once, on two streams."""
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        gather()
    compute()
    torch.cuda.current_stream().wait_stream(stream)


def measure(row_bytes: int, gib: float, batch: int, repeats: int, hits: float) -> None:
    """All ways for rows of one length."""
    device = torch.device("cuda", torch.cuda.current_device())
    channels = row_bytes // 4
    rows = int(gib * 2**30) // row_bytes
    batch = min(batch, rows)
    table = torch.arange(rows, dtype=torch.float32)[:, None].expand(rows, channels).contiguous()
    index = draw(rows, batch)
    skewed = draw(rows, batch, hits=hits)
    # It locks the table; the stores below find it locked, and are not read after it is closed.
    with PinnedStore(table, device) as store:
        print(f"\nrows of {row_bytes} bytes, {rows} of them, {batch} a batch: {store}")
        out = torch.empty(batch, channels, device=device)
        pinned, pageable = torch.empty(out.shape, pin_memory=True), torch.empty(out.shape)
        ways: dict[str, Call] = {
            "one copy, page-locked": partial(out.copy_, pinned, non_blocking=True),
            "one copy, pageable": partial(out.copy_, pageable),
            "CPU index_select + copy": partial(copied, table, index, pinned, out, by_torch),
            "CPU gather_rows + copy": partial(copied, table, index, pinned, out, gather_rows),
            "... pageable": partial(copied, table, index, pageable, out, by_torch),
        }
        for method in ("triton", "view"):
            for sort in (False, True):
                name = f"zero-copy, {method}{', sorted' if sort else ''}"
                try:
                    one = PinnedStore(table, device, method=method, sort=sort)
                except InputError as problem:
                    print(f"  {name}: {problem}")
                    continue
                check(one, table, index)
                ways[name] = partial(one.gather, index, out)
                if not sort:
                    ready = index.sort()[0].to(device)
                    ways[f"zero-copy, {method}, sorted index there"] = partial(
                        one.gather, ready, out
                    )
        hot = table[: max(1, int(rows * HOT_SHARE))].to(device)
        share = float((skewed < hot.size(0)).float().mean())
        ways["skewed: zero-copy alone"] = partial(store.gather, skewed, out)
        ways[f"skewed: {share:.0%} of rows on the GPU"] = partial(split, store, hot, skewed, out)
        report(best_of(ways, repeats), out.numel() * 4)
        beside_products(store, index, out, repeats)


def check(store: PinnedStore, table: Tensor, index: Tensor) -> None:
    assert torch.equal(store.gather(index).cpu(), table[index]), f"{store} brings other rows"


def report(best: dict[str, float], num_bytes: int) -> None:
    copy, cpu = best["one copy, page-locked"], best["CPU index_select + copy"]
    print(f"  {'':38s} {'ms':>8s} {'GB/s':>7s} {'of copy':>8s} {'x CPU':>7s}")
    for name, seconds in best.items():
        print(
            f"  {name:38s} {seconds * 1e3:8.2f} {num_bytes / seconds / 1e9:7.2f}"
            f" {copy / seconds:8.2f} {cpu / seconds:7.2f}"
        )


def beside_products(store: PinnedStore, index: Tensor, out: Tensor, repeats: int) -> None:
    """The gather on a stream of its own, beside products that take about as long."""
    gather = partial(store.gather, index, out)
    x = torch.ones(2048, 2048, device=out.device)
    y = torch.empty_like(x)

    def products(count: int) -> None:
        for _ in range(count):
            torch.mm(x, x, out=y)

    alone = best_of({"gather": gather, "product": partial(products, 1)}, repeats)
    compute = partial(products, max(1, round(alone["gather"] / alone["product"])))
    stream = torch.cuda.Stream()
    best = best_of(
        {
            "gather": gather,
            "products": compute,
            "both": partial(overlapped, gather, compute, stream),
        },
        repeats,
    )
    longer = max(best["gather"], best["products"])
    print(
        f"  beside products: gather {best['gather'] * 1e3:.2f} ms, products"
        f" {best['products'] * 1e3:.2f} ms, both at once {best['both'] * 1e3:.2f} ms:"
        f" {best['both'] / longer:.2f} of the longer,"
        f" {best['both'] / (best['gather'] + best['products']):.2f} of the sum"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=8.0, help="size of the table")
    parser.add_argument("--batch", type=int, default=200_000, help="rows of a batch")
    parser.add_argument(
        "--row-bytes", type=int, nargs="*", default=[128, 256, 400, 512, 1024, 4096]
    )
    parser.add_argument(
        "--hits", type=float, default=0.84, help="share of rows that the hottest tenth serves"
    )
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU here: nothing to measure")
        return
    torch.set_num_threads(args.threads)
    name = torch.cuda.get_device_name()
    print(f"{name}, torch {torch.__version__}, {args.threads} CPU threads, {args.gib} GiB")
    for row_bytes in args.row_bytes:
        measure(row_bytes, args.gib, args.batch, args.repeats, args.hits)


if __name__ == "__main__":
    main()
