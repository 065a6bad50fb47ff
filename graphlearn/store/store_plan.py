"""A plan of feature storage: figures, and how they read as text."""

from __future__ import annotations

from dataclasses import dataclass


def show_bytes(size: float) -> str:
    """Write a number of bytes with three or four digits.

    Example:
        >>> show_bytes(512), show_bytes(1.5 * 2**30), show_bytes(0)
        ('512 B', '1.50 GiB', '0 B')
    """
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    if unit == "B":
        return f"{size:.0f} B"
    return f"{size:.{2 if size < 10 else 1 if size < 100 else 0}f} {unit}"


@dataclass(frozen=True)
class PlannedTier:
    """One place that rows lie in.

    Args:
        name: ``"gpu"``, ``"pinned"``, ``"memory"`` or ``"disk"``.
        rows: How many rows lie there.
        batch_rows: How many of a batch's rows come from there, on average.
        batch_bytes: Bytes moved for them; for ``"disk"`` those of whole pages, read at random.
    """

    name: str
    rows: int
    batch_rows: float
    batch_bytes: float


@dataclass(frozen=True)
class StorePlan:
    """What :func:`graphlearn.store.plan_stores` found; ``str(plan)`` is a table.

    Args:
        store: ``"gpu"``, ``"pinned"``, ``"memory"`` or ``"disk"``, where all rows lie; ``"tiered"``
            (a :class:`graphlearn.store.TieredStore`); or ``"disk-packed"``, the same with each
            batch's cold rows packed beforehand.
        reason: Why.
        basis: What the figures of a batch rest on: the graph, or an assumption.
        num_nodes: Rows.
        num_edges: Edges.
        row_bytes: Bytes of a row.
        batch_size: Seeds a batch.
        batches: Batches an epoch.
        batch_rows: Distinct nodes a batch holds, on average.
        batch_edges: Edges of each hop of a batch.
        tiers: Where rows lie, the nearest first.
        packed_bytes: An epoch's rows from the disk, packed by batch.

    Example:
        >>> tiers = (PlannedTier("memory", 1, 3.0, 12.0), PlannedTier("disk", 9, 1.0, 4096.0))
        >>> plan = StorePlan("tiered", "", "", 10, 20, 4, 2, 5, 4.0, (3.0, 4.0), tiers, 20.0)
        >>> plan.hit_rate, plan.row_file_bytes, plan.map_bytes, plan.graph_bytes
        (0.75, 40, 40, 168)
    """

    store: str
    reason: str
    basis: str
    num_nodes: int
    num_edges: int
    row_bytes: int
    batch_size: int
    batches: int
    batch_rows: float
    batch_edges: tuple[float, ...]
    tiers: tuple[PlannedTier, ...]
    packed_bytes: float

    @property
    def hit_rate(self) -> float:
        """Share of a batch's rows that come from above the last tier.

        With one tier all of them, or none if that is the disk.
        """
        if len(self.tiers) < 2:
            return 0.0 if self.tiers and self.tiers[0].name == "disk" else 1.0
        if not self.batch_rows:
            return 1.0
        return 1.0 - self.tiers[-1].batch_rows / self.batch_rows

    @property
    def row_file_bytes(self) -> int:
        """Bytes of all rows, which is what their file takes on the disk."""
        return self.num_nodes * self.row_bytes

    @property
    def map_bytes(self) -> int:
        """Bytes of the map from rows to tiers, in memory beside the rows; 0 with one tier."""
        return 0 if len(self.tiers) < 2 else self.num_nodes * _id_bytes(self.num_nodes)

    @property
    def graph_bytes(self) -> int:
        """Bytes of the graph that a sampler reads, in memory beside the rows."""
        return 8 * (self.num_nodes + 1) + self.num_edges * _id_bytes(self.num_nodes)

    def __str__(self) -> str:
        size = show_bytes(self.batch_rows * self.row_bytes)
        batch = (
            f"{self.batch_size:,} seeds: {self.batch_rows:,.0f} rows ({size}), "
            f"{sum(self.batch_edges):,.0f} edges; {self.batches:,} batches an epoch"
        )
        facts = [
            ("store", f"{self.store}: {self.reason}"),
            ("basis", self.basis),
            (
                "rows",
                f"{self.num_nodes:,} of {show_bytes(self.row_bytes)}: "
                f"{show_bytes(self.row_file_bytes)}",
            ),
            ("a batch", batch),
            ("hit rate", f"{100 * self.hit_rate:.1f} % of a batch's rows, before the last tier"),
            (
                "beside rows",
                f"{show_bytes(self.map_bytes)} for the map of rows, "
                f"{show_bytes(self.graph_bytes)} for the graph",
            ),
        ]
        if any(tier.name == "disk" for tier in self.tiers):
            space = f"row file {show_bytes(self.row_file_bytes)}"
            if self.store == "disk-packed":
                space += f", packed epoch {show_bytes(self.packed_bytes)}"
            facts.append(("disk space", space))
        lines = [f"{name:11s}  {text}" for name, text in facts]
        return "\n".join([*lines, "", *self._tier_lines()])

    def _tier_lines(self) -> list[str]:
        cells = [("tier", "rows", "of all", "rows a batch", "of a batch", "bytes a batch")]
        packed = self.store == "disk-packed"
        for tier in self.tiers:
            size = tier.batch_bytes
            if packed and tier.name == "disk":
                size = tier.batch_rows * self.row_bytes
            cells.append(
                (
                    tier.name + (" (packed)" if packed and tier.name == "disk" else ""),
                    f"{tier.rows:,}",
                    f"{100 * tier.rows / max(1, self.num_nodes):.1f} %",
                    f"{tier.batch_rows:,.0f}",
                    f"{100 * tier.batch_rows / max(1e-300, self.batch_rows):.1f} %",
                    show_bytes(size),
                )
            )
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return [
            "  ".join(
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]


def _id_bytes(num_nodes: int) -> int:
    return 4 if num_nodes < 2**31 - 1 else 8
