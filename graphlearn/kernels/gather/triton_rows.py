"""Row gather for a GPU that reads the table over PCIe, where it lies: in page-locked host memory.

The bus carries whole lines of 128 bytes. A row that starts inside a line is therefore read from the
line's beginning, with what lies before the row masked: each group of threads then asks for whole
lines, and for none twice. Rows are read as integer words, so every dtype comes out bit for bit, and
places are counted in 64 bits: a table may hold more than 2^31 words.
"""

from __future__ import annotations

import importlib.util
import math

from torch import Tensor

from graphlearn.errors import MissingExtraError
from graphlearn.kernels.gather.words import as_words, common_word

if importlib.util.find_spec("triton") is not None:
    import triton
    import triton.language as tl
else:  # a platform without a wheel of it
    triton = tl = None

_LINE_BYTES = 128
_TILE_WORDS = 1024  # of one program at a time: 8 for each of its threads
_MAX_BLOCK = 256  # words of one row
_THREADS = 128  # of one program


# No annotations but the constants': Triton compiles what it reads here, annotations too.
def _copy_rows(  # type: ignore[no-untyped-def]
    table,
    index,
    order,
    out,
    count,
    width,
    before,
    HAS_ORDER: tl.constexpr,
    STARTS_LINE: tl.constexpr,
    LINE: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """One program takes ``ROWS`` rows after the other; all sizes are in words.

    ``before`` is how far inside a line the table starts.
    """
    lane = tl.arange(0, BLOCK)
    stride = tl.num_programs(0) * ROWS
    for first in range(tl.program_id(0) * ROWS, count, stride):
        place = first + tl.arange(0, ROWS)
        is_row = place < count
        source = tl.load(index + place, mask=is_row, other=0).to(tl.int64) * width
        if HAS_ORDER:
            target = tl.load(order + place, mask=is_row, other=0).to(tl.int64) * width
        else:
            target = place.to(tl.int64) * width
        for block in range(0, width + (0 if STARTS_LINE else LINE - 1), BLOCK):
            column = (block + lane)[None, :]
            if not STARTS_LINE:
                column = column - ((source + before) % LINE)[:, None]
            inside = is_row[:, None] & (column >= 0) & (column < width)
            words = tl.load(table + source[:, None] + column, mask=inside)
            tl.store(out + target[:, None] + column, words, mask=inside)


_kernel = None if triton is None else triton.jit(_copy_rows)


def gather(
    table: Tensor,
    index: Tensor,
    out: Tensor,
    *,
    order: Tensor | None = None,
    max_threads: int = 6144,
) -> None:
    """``out[i] = table[index[i]]``, or ``out[order[i]] = table[index[i]]``, run by a GPU.

    Indices are trusted: one out of range reads memory that is not the table's.

    Args:
        table: ``[N, ...]``, contiguous, on the device or in page-locked memory that it can read.
        index: ``[B]``, int32 or int64, contiguous, on the device.
        out: ``[B, ...]``, contiguous, on the device, with rows of as many bytes as the table's.
        order: ``[B]``, a permutation on the device: where each row goes. With it the rows can be
            asked for in the order in which they lie, and still come out in another.
        max_threads: How many threads read at once. A few thousand fill the bus, and leave the rest
            of the GPU to whoever computes at the same time.

    Raises:
        MissingExtraError: If Triton is not installed.
    """
    if _kernel is None:
        raise MissingExtraError(
            "the package triton is not installed",
            expected="triton, which comes with CUDA builds of torch",
            mend="install such a build, or pass method='view'",
        )
    count = index.numel()
    assert count < 2**31
    if count == 0 or out.numel() == 0:
        return
    row_bytes = out.numel() // count * out.element_size()
    assert row_bytes == math.prod(table.shape[1:]) * table.element_size()
    word = common_word(table, out)
    width, line = row_bytes // word, _LINE_BYTES // word
    before = table.data_ptr() % _LINE_BYTES // word
    starts_line = before == 0 and width % line == 0
    span = width if starts_line else width + line - 1
    block = min(_MAX_BLOCK, 1 << (span - 1).bit_length())
    rows = max(1, _TILE_WORDS // block)
    programs = max(1, min(-(-count // rows), max_threads // _THREADS))
    _kernel[(programs,)](
        as_words(table, word),
        index,
        index if order is None else order,
        as_words(out, word),
        count,
        width,
        before,
        HAS_ORDER=order is not None,
        STARTS_LINE=starts_line,
        LINE=line,
        ROWS=rows,
        BLOCK=block,
        num_warps=_THREADS // 32,
        enable_fp_fusion=False,  # nothing to fuse in a copy; Triton 3.9 warns if it is not said
    )
