"""How many CPU threads a computation takes, set for its time and set back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """Set torch's thread count, which the package's kernels follow, and set it back.

    Matrix products round differently with another number of threads, and where other processes
    want the cores, threads that wait for each other take many times as long as one: two seeds of
    NCN on Cora, two threads on two cores beside other work, took 9 to 12 times as long as one
    thread. Seeds side by side, one thread each, use the cores without either fault.

    Args:
        threads: How many.

    Example:
        >>> before = torch.get_num_threads()
        >>> with computing_with(before + 1):
        ...     torch.get_num_threads() == before + 1
        True
        >>> torch.get_num_threads() == before
        True
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
