from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphlearn.bench.leaderboard import SUFFIXES, Leaderboard, LeaderboardEntry
from graphlearn.bench.recipe import Published

ENTRIES = (
    LeaderboardEntry(
        "ogbl-collab", "ncn", "hits@50", (0, 1), (0.60, 0.62), (0.7, 0.7), 1234, True, "A CPU",
        {"torch": "2.13", "cpu": "A CPU"}, 8.4, Published("hits@50", 64.76, "a <paper>", 0.87, 10),
    ),
    LeaderboardEntry("ogbl-collab", "cn", "hits@50", (0,), (0.65,), (0.5,), 0, False),
    LeaderboardEntry("ogbn-arxiv", "gcn", "accuracy", (0,), (0.71,), (0.72,), None, None),
)  # fmt: skip


@pytest.fixture
def board() -> Leaderboard:
    return Leaderboard(ENTRIES)


def test_the_best_stands_first_on_each_data_set(board: Leaderboard) -> None:
    assert [(e.dataset, e.method) for e in board.entries] == [
        ("ogbl-collab", "cn"), ("ogbl-collab", "ncn"), ("ogbn-arxiv", "gcn")
    ]  # fmt: skip
    line = board.table().cells[1]
    assert line == (
        "ogbl-collab", "ncn", "61.00 ± 1.41", "70.00 ± 0.00", "hits@50", "2", "1,234", "used",
        "64.76 ± 0.87", "A CPU", "8 s",
    )  # fmt: skip
    assert [cells[7] for cells in board.table().cells] == ["not used", "used", "–"]
    assert board.table().cells[2][6] == "–"


def test_deviations_divide_by_one_less(board: Leaderboard) -> None:
    entries = json.loads(board.render("json"))["entries"]
    assert entries[1]["test_std"] == pytest.approx(0.02 / 2**0.5)
    assert entries[1]["test_mean"] == pytest.approx(0.61)
    assert entries[1]["std_ddof"] == 1
    assert entries[0]["test_std"] is None
    assert entries[1]["published"]["value"] == 64.76


def test_all_forms_are_written_and_say_the_same(board: Leaderboard, tmp_path: Path) -> None:
    written = board.write(tmp_path / "new")
    assert set(written) == set(SUFFIXES)
    for form, path in written.items():
        text = path.read_text(encoding="utf-8")
        assert text.endswith("\n")
        assert "ncn" in text
        assert form == "json" or "61.00 ± 1.41" in text
        assert form == "json" or "ddof 1" in text
        assert "2.13" in text
    assert "a &lt;paper&gt;" in written["html"].read_text(encoding="utf-8")
    assert "| ogbl-collab | ncn | 61.00 ± 1.41 |" in written["markdown"].read_text(encoding="utf-8")
