"""Keep freed memory for the next batch instead of giving it back to the system."""

from __future__ import annotations

import ctypes
import os
import platform

# Numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_OWN_SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_")


def can_keep_freed_memory() -> bool:
    """Whether :func:`keep_freed_memory` has something to set here; changes nothing.

    Example:
        >>> can_keep_freed_memory() in (True, False)
        True
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    tuned = "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    return not tuned and not any(name in os.environ for name in _OWN_SETTINGS)


def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed; return whether it will.

    Torch asks the C library for every CPU tensor. By default glibc takes each block above some
    megabytes fresh from the system and gives it back when it is freed, so that every batch pays a
    page fault for every 4 KiB that it touches: on ogbl-ddi, with tensors of hundreds of megabytes,
    that was 45 % of all CPU time (8.4 s of 18.7 s for six batches of NCN; 0.04 s of 9.5 s with
    this). In return the process keeps its peak: 2.3 GiB there, where it would fall between
    batches and peak at 1.6.

    It holds for the whole process and cannot be undone, so the package calls it in processes of
    its own (the command line, workers) and never in yours: call it yourself in a training script.
    Settings of your own (``MALLOC_TRIM_THRESHOLD_`` and its like, ``GLIBC_TUNABLES``) stay as they
    are, and so do other C libraries; the answer is then False.

    Example:
        >>> keep_freed_memory() in (True, False)
        True
    """
    if not can_keep_freed_memory():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # No block of its own for a large request, and no trimming of the heap's free end.
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))
