"""What a store has read so far, by the place it was read from."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TierTraffic:
    """What came from one place: rows asked for, their bytes, and bytes moved to bring them."""

    rows: int = 0
    useful_bytes: int = 0
    moved_bytes: int = 0

    @property
    def amplification(self) -> float:
        """Bytes moved for each useful one; 0 where nothing was asked for."""
        return self.moved_bytes / self.useful_bytes if self.useful_bytes else 0.0


class Traffic:
    """Counters of a store by tier (``"gpu"``, ``"pinned"``, ``"memory"``, ``"disk"``), thread-safe.

    Example:
        >>> traffic = Traffic()
        >>> traffic.add("memory", rows=3, useful_bytes=12, moved_bytes=12)
        >>> traffic.add("disk", rows=1, useful_bytes=4, moved_bytes=4096)
        >>> traffic.share("memory"), traffic.tier("disk").amplification
        (0.75, 1024.0)
        >>> traffic
        Traffic(memory=3 rows, 12 bytes; disk=1 rows, 4096 bytes)
    """

    def __init__(self) -> None:
        self._tiers: dict[str, TierTraffic] = {}
        self._lock = threading.Lock()

    def add(self, tier: str, *, rows: int, useful_bytes: int, moved_bytes: int) -> None:
        """Count one read."""
        with self._lock:
            old = self._tiers.get(tier, TierTraffic())
            self._tiers[tier] = TierTraffic(
                old.rows + rows, old.useful_bytes + useful_bytes, old.moved_bytes + moved_bytes
            )

    def tier(self, tier: str) -> TierTraffic:
        """What came from one place; zeros for a place that nothing came from."""
        return self._tiers.get(tier, TierTraffic())

    def tiers(self) -> dict[str, TierTraffic]:
        """All places that rows came from."""
        return dict(self._tiers)

    @property
    def rows(self) -> int:
        """Rows asked for in all."""
        return sum(tier.rows for tier in self._tiers.values())

    def share(self, tier: str) -> float:
        """Share of the rows that came from one place; 0 if none were asked for."""
        total = self.rows
        return self.tier(tier).rows / total if total else 0.0

    def reset(self) -> None:
        """Start counting again."""
        with self._lock:
            self._tiers = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"_tiers": self.tiers()}  # a lock stays in its process

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        self._tiers = state["_tiers"]

    def __repr__(self) -> str:
        parts = (f"{k}={t.rows} rows, {t.moved_bytes} bytes" for k, t in self._tiers.items())
        return f"{type(self).__name__}({'; '.join(parts)})"
