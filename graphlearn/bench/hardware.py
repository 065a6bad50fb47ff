"""What a machine is, in a few words, for tables that name their hardware."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_MEMORY_INFO = Path("/proc/meminfo")


def cpu_name(info: Path = _CPU_INFO) -> str:
    """Return the processor's name, or its kind where the system does not tell.

    Args:
        info: The file in which Linux tells it.

    Example:
        >>> cpu_name() != ""
        True
    """
    try:
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return " ".join(names[0].split()) if names else platform.processor() or platform.machine()


def usable_cores() -> int:
    """How many cores this process may use.

    Example:
        >>> usable_cores() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes(info: Path = _MEMORY_INFO) -> int | None:
    """Return how much memory new work may take, or None where the system does not tell.

    Args:
        info: The file in which Linux tells it.

    Example:
        >>> memory_bytes(Path("no/such/file")) is None
        True
    """
    try:
        text = info.read_text(encoding="utf-8")
    except OSError:
        return None
    found = {line.split(":")[0]: line.split()[1] for line in text.splitlines() if ":" in line}
    free = found.get("MemAvailable", "")
    return 1024 * int(free) if free.isdigit() else None
