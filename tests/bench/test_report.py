from __future__ import annotations

import re
from pathlib import Path

from graphlearn.bench.report import report_html, seeds_table, write_report
from graphlearn.bench.run_result import RunResult


def test_everything_is_inside(finished: RunResult) -> None:
    text = report_html(finished, b"picture")
    for part in (
        "cn, small on digits-knn",
        finished.table().html(),
        "data:image/png;base64,cGljdHVyZQ==",
        "hidden_channels: 4",
        finished.rows[0].dataset_hash[:16],
        finished.rows[0].versions["torch"],
    ):
        assert part in text


def test_nothing_is_outside(finished: RunResult) -> None:
    text = report_html(finished, b"picture")
    assert re.findall(r'(?:src|href)="(?!data:)', text) == []
    assert "<script" not in text
    assert "http" not in text


def test_files(finished: RunResult, tmp_path: Path) -> None:
    report, image = write_report(finished, tmp_path / "new" / "report.html")
    assert report.read_text().startswith("<!doctype html>")
    assert image.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in report.parent.iterdir()) == ["report.html", "report.png"]


def test_the_run_wrote_its_own(finished: RunResult) -> None:
    assert finished.report is not None
    assert finished.report.name == "cn+small-digits-knn.html"
    assert finished.report.is_file()


def test_seeds_table(finished: RunResult) -> None:
    table = seeds_table(finished.rows)
    assert len(table.cells) == 3
    assert table.header[:3] == ("model", "dataset", "seed")
