"""Dropout from a counter-based hash: no mask is stored, and threads need not share a stream.

torch draws its CPU dropout masks one after the other from a Mersenne twister, which takes as long
as the linear map before it (3.2 ms against 3.2 ms for 2,304 x 256 on one thread); hashing the
element's number vectorises and takes a tenth of that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.kernels.threads import run_chunks, thread_count

Array = NDArray[Any]
_BLOCK = 1 << 16  # elements that share a key; a multiple of every vector width
_HASHES = 4294967296.0
_HALF = (torch.float16, torch.bfloat16)
_DTYPES = (torch.float32, torch.float64, *_HALF)


@njit(nogil=True, cache=True)
def _apply(
    x: Array, out: Array, scale: Any, seed: int, threshold: int, begin: int, end: int
) -> None:
    """``out = x * scale`` where the hash of (seed, position) reaches the threshold, else 0."""
    size = x.shape[0]
    zero = x.dtype.type(0)
    limit = np.uint32(threshold)
    for block in range(begin, end):
        key = np.uint64(seed) + np.uint64(block) * np.uint64(0x9E3779B97F4A7C15)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        key ^= key >> np.uint64(31)
        first, second = np.uint32(key & np.uint64(0xFFFFFFFF)), np.uint32(key >> np.uint64(32))
        start = block * _BLOCK
        source, target = x[start : start + _BLOCK], out[start : start + _BLOCK]
        for i in range(min(_BLOCK, size - start)):
            h = np.uint32(np.uint32(i) ^ first)
            h = np.uint32(h ^ (h >> np.uint32(16)))
            h = np.uint32(h * np.uint32(0x7FEB352D))
            h = np.uint32(np.uint32(h ^ (h >> np.uint32(15))) + second)
            h = np.uint32(h * np.uint32(0x846CA68B))
            h = np.uint32(h ^ (h >> np.uint32(16)))
            target[i] = source[i] * scale if h >= limit else zero


def _run(x: Tensor, seed: int, threshold: int) -> Tensor:
    x = x.contiguous()
    out = torch.empty_like(x)
    scale = _HASHES / (_HASHES - threshold)  # by the share that is really kept: an exact mean
    source, target = x.view(-1), out.view(-1)
    half = x.dtype in _HALF
    if half:  # numpy has no bfloat16: its bits are kept or cleared, and torch scales them
        source, target = source.view(torch.int16), target.view(torch.int16)
    before, after = source.numpy(), target.numpy()
    factor = before.dtype.type(1 if half else scale)
    blocks = -(-x.numel() // _BLOCK)
    threads = thread_count(x.numel())
    run_chunks(
        lambda _, begin, end: _apply(before, after, factor, seed, threshold, begin, end),
        [blocks * part // threads for part in range(threads + 1)],
    )
    return out.mul_(scale) if half else out


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, seed: int, threshold: int) -> Tensor:
        ctx.seed, ctx.threshold = seed, threshold
        return _run(x.detach(), seed, threshold)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return _run(grad, ctx.seed, ctx.threshold), None, None


def hashed_dropout(x: Tensor, probability: float, seed: int) -> Tensor:
    """Set each entry to 0 with the given probability and scale the others, by a hash of its place.

    The same seed gives the same mask whatever the thread count. The backward pass hashes again, so
    nothing is stored: O(numel) time, no memory beside the output.

    Args:
        x: A floating-point CPU tensor; differentiable.
        probability: Chance of an entry to become 0, in [0, 1).
        seed: Chooses the mask; any non-negative 63-bit integer.

    Shapes:
        - **x**, **output**: any, the same

    Raises:
        InputError: If the probability is outside [0, 1), or the tensor is not float on the CPU.

    Example:
        >>> import torch
        >>> out = hashed_dropout(torch.ones(100_000), 0.25, seed=7)
        >>> out.unique().tolist()
        [0.0, 1.3333333730697632]
        >>> round(float((out == 0).float().mean()), 2)
        0.25
    """
    if not 0.0 <= probability < 1.0:
        raise InputError(f"probability is {probability}", expected="a number in [0, 1)")
    if x.device.type != "cpu" or x.dtype not in _DTYPES:
        raise InputError(
            f"x is {x.dtype} on {x.device}",
            expected="a floating-point tensor on the CPU",
            mend="use torch.nn.functional.dropout elsewhere",
        )
    if probability == 0.0 or x.numel() == 0:
        return x
    result: Tensor = _Dropout.apply(  # type: ignore[no-untyped-call]
        x, seed, int(probability * _HASHES)
    )
    return result
