from __future__ import annotations

from pathlib import Path

from graphlearn.bench.hardware import cpu_name, memory_bytes, usable_cores
from graphlearn.bench.versions import run_versions


def test_what_linux_tells(tmp_path: Path) -> None:
    (tmp_path / "cpu").write_text("processor : 0\nmodel name : A  fine   CPU\nmodel name : B\n")
    assert cpu_name(tmp_path / "cpu") == "A fine CPU"
    (tmp_path / "mem").write_text("MemTotal: 9 kB\nMemAvailable:    2048 kB\n")
    assert memory_bytes(tmp_path / "mem") == 2 << 20
    (tmp_path / "mem").write_text("MemTotal: 9 kB\n")
    assert memory_bytes(tmp_path / "mem") is None


def test_where_nothing_is_told_there_is_a_name_still(tmp_path: Path) -> None:
    assert cpu_name(tmp_path / "none")
    assert memory_bytes(tmp_path / "none") is None
    assert usable_cores() >= 1
    assert run_versions()["cpu"] == cpu_name()
