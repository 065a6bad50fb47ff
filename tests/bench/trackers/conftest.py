"""Two seeds as trackers know them, and figures that one of them ends with."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphlearn.bench.trackers.protocol import TrackedSeed

FINAL = {"test/hits@20": 0.5, "best_valid/hits@20": 0.75, "epochs": 3.0}


@pytest.fixture
def seeds(tmp_path: Path) -> list[TrackedSeed]:
    return [
        TrackedSeed(
            f"ncn on cora, seed {seed}",
            f"ncn-cora-0a1b2c3d/seed-{seed}",
            {"seed": seed, "train.epochs": 3, "train.patience": None, "metrics": '["hits@20"]'},
            tmp_path / "ncn-cora-0a1b2c3d" / f"seed-{seed}",
            f"key-{seed}",
        )
        for seed in (0, 1)
    ]
