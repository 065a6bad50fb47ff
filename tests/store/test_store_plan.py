from __future__ import annotations

import pytest

from graphlearn.store import PlannedTier, StorePlan
from graphlearn.store.store_plan import show_bytes


def plan_of(store: str, *tiers: PlannedTier) -> StorePlan:
    return StorePlan(
        store, "a reason", "a basis", 1000, 5000, 512, 10, 7, 40.0, (30.0, 50.0), tiers, 9e6
    )


MEMORY = PlannedTier("memory", 200, 30.0, 15_360.0)
DISK = PlannedTier("disk", 800, 10.0, 40_960.0)


def test_table_of_a_tiered_plan() -> None:
    plan = plan_of("tiered", MEMORY, DISK)
    assert str(plan).splitlines() == [
        "store        tiered: a reason",
        "basis        a basis",
        "rows         1,000 of 512 B: 500 KiB",
        "a batch      10 seeds: 40 rows (20.0 KiB), 80 edges; 7 batches an epoch",
        "hit rate     75.0 % of a batch's rows, before the last tier",
        "beside rows  3.91 KiB for the map of rows, 27.4 KiB for the graph",
        "disk space   row file 500 KiB",
        "",
        "tier    rows  of all  rows a batch  of a batch  bytes a batch",
        "memory   200  20.0 %            30      75.0 %       15.0 KiB",
        "disk     800  80.0 %            10      25.0 %       40.0 KiB",
    ]


def test_packed_rows_are_read_without_the_rest_of_their_pages() -> None:
    text = str(plan_of("disk-packed", MEMORY, DISK))
    assert "packed epoch 8.58 MiB" in text
    words = " ".join(text.splitlines()[-1].split())
    assert words == "disk (packed) 800 80.0 % 10 25.0 % 5.00 KiB"


def test_one_tier() -> None:
    plan = plan_of("memory", PlannedTier("memory", 1000, 40.0, 20_480.0))
    assert (plan.hit_rate, plan.map_bytes) == (1.0, 0)
    assert plan_of("disk", DISK).hit_rate == 0
    assert "disk" not in str(plan)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (2**30 * 20, "20.0 GiB"),
        (2**52, "4096 TiB"),
    ],
)
def test_bytes(size: int, text: str) -> None:
    assert show_bytes(size) == text
