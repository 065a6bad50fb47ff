from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from graphlearn.allocator import can_keep_freed_memory

GLIBC = platform.libc_ver()[0] == "glibc"
FAULTS = """
import resource, torch
from graphlearn.allocator import keep_freed_memory
print(keep_freed_memory())
for _ in range(10):
    torch.ones(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(**environment: str) -> tuple[bool, int]:
    """Whether memory is kept, and page faults of ten tensors of 64 MiB (16,384 pages each)."""
    done = subprocess.run(
        [sys.executable, "-c", FAULTS],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    kept, count = done.stdout.split()
    return kept == "True", int(count)


@pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
def test_a_tensor_reuses_the_pages_of_the_one_before() -> None:
    kept, count = faults()
    assert kept
    assert count < 16_384


@pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
def test_settings_of_the_users_own_stay() -> None:
    # Transparent huge pages make the default's count small on some systems: it is not compared.
    assert not faults(MALLOC_MMAP_THRESHOLD_="4096")[0]
    assert not faults(GLIBC_TUNABLES="glibc.malloc.trim_threshold=4096")[0]


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("musl", "1.2"))
    assert not can_keep_freed_memory()
