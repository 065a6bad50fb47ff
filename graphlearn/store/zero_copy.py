"""Two ways for a GPU to read rows of page-locked memory, and the choice between them."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from graphlearn.errors import GraphLearnError, InputError
from graphlearn.kernels.gather.words import as_words, common_word
from graphlearn.store import host_memory

Reader = Callable[[Tensor, "Tensor | None", Tensor], None]
"""``read(rows, order, out)``: ``out[order[i]] = table[rows[i]]``, all three on the GPU."""

_PROBE_BYTES = 1 << 25
_PROBE_DRAWS = 4  # more than a GPU's cache holds, so that none finds the rows of the last
# So much faster the view has to be: the kernel leaves most of the GPU to whoever computes beside.
_MARGIN = 1.1
# What can be met where Triton cannot build or start a kernel: no compiler, no access, no Triton.
_REFUSALS = (GraphLearnError, RuntimeError, ValueError, OSError, subprocess.SubprocessError)


class Choice(NamedTuple):
    """How a table is read: the way's name, why it was taken, and the function."""

    method: str
    reason: str
    read: Reader


def triton_reader(table: Tensor, max_threads: int) -> Reader:
    """Read with the package's own kernel, whose threads go over the bus line by line.

    Args:
        table: Bytes ``[N, W]`` in page-locked memory.
        max_threads: How many threads read at once.
    """

    from graphlearn.kernels.gather import triton_rows  # it imports Triton: not before it is used

    def read(rows: Tensor, order: Tensor | None, out: Tensor) -> None:
        triton_rows.gather(table, rows, out, order=order, max_threads=max_threads)

    return read


def view_reader(view: Tensor) -> Reader:
    """Read with ``index_select`` of torch.

    Args:
        view: Bytes ``[N, W]``, a CUDA tensor over page-locked memory.
    """

    def read(rows: Tensor, order: Tensor | None, out: Tensor) -> None:
        word = common_word(view, out)
        source, target = as_words(view, word), as_words(out, word)
        if order is None:
            torch.index_select(source, 0, rows, out=target)
        else:
            target.index_copy_(0, order, source.index_select(0, rows))

    return read


def choose_reader(
    table: Tensor, device: torch.device, *, method: str = "auto", max_threads: int = 6144
) -> Choice:
    """Try the ways to read a table on random rows of it, and take the fastest that is right.

    The kernel is taken unless the view is a tenth faster: it leaves most of the GPU to others.

    Args:
        table: Bytes ``[N, W]`` in page-locked memory, at least one.
        device: The GPU that reads.
        method: ``"triton"`` or ``"view"`` to try that one alone, ``"auto"`` for both.
        max_threads: For :func:`triton_reader`.

    Raises:
        InputError: If none works here; it says for each what it met.
    """
    makers: dict[str, Callable[[], Reader]] = {
        "triton": lambda: triton_reader(table, max_threads),
        "view": lambda: view_reader(host_memory.cuda_view(table, device)),
    }
    count = max(1, min(table.size(0), _PROBE_BYTES // table.size(1)))
    generator = torch.Generator().manual_seed(0)
    index = torch.randint(table.size(0), (_PROBE_DRAWS, count), generator=generator).sort()[0]
    expected = table.index_select(0, index[0])
    rows, out = index.to(device), torch.zeros_like(expected, device=device)
    found: dict[str, tuple[float, Reader]] = {}
    notes = []
    for name in makers if method == "auto" else (method,):
        try:
            read = makers[name]()
            seconds = host_memory.seconds_on(device, _call(read, rows, out))
            read(rows[0], None, out)
            if not torch.equal(out.cpu(), expected):
                raise InputError("it brings other rows than the CPU reads")
        except _REFUSALS as problem:
            notes.append(f"{name} does not work here: {str(problem).partition(chr(10))[0]}")
            continue
        found[name] = seconds, read
        notes.append(f"{name} {out.numel() / seconds / 1e9:.1f} GB/s")
        out.zero_()
    if not found:
        raise InputError(
            f"{device} cannot read page-locked memory ({'; '.join(notes)})",
            expected="one way that works",
            mend="use a MemoryStore and copy what it gathers",
        )
    best = min(found, key=lambda name: found[name][0] * (_MARGIN if name == "view" else 1.0))
    return Choice(best, "; ".join(notes), found[best][1])


def _call(read: Reader, draws: Tensor, out: Tensor) -> Callable[[], None]:
    """Reads the rows of one draw after the other."""
    turns = itertools.cycle(draws)
    return lambda: read(next(turns), None, out)
