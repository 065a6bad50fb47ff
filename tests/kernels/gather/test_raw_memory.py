from __future__ import annotations

import numpy as np
from numba import njit

from graphlearn.kernels.gather.raw_memory import copy_bytes, prefetch


@njit
def _copy(target: int, source: int, count: int) -> None:
    prefetch(source)
    copy_bytes(target, source, count)


def test_bytes_are_copied_from_address_to_address() -> None:
    source, target = np.arange(10, dtype=np.uint8), np.zeros(10, np.uint8)
    _copy(target.ctypes.data + 2, source.ctypes.data + 3, 5)
    assert target.tolist() == [0, 0, 3, 4, 5, 6, 7, 0, 0, 0]
    _copy(target.ctypes.data, source.ctypes.data, 0)
    assert target.tolist() == [0, 0, 3, 4, 5, 6, 7, 0, 0, 0]


def test_asking_for_a_line_that_is_not_there_does_no_harm() -> None:
    @njit
    def ask(address: int) -> int:
        prefetch(address)
        return address

    assert ask(0) == 0
    assert ask(-64) == -64
