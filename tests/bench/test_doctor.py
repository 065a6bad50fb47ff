from __future__ import annotations

from pathlib import Path

import pytest

from graphlearn.bench import doctor
from graphlearn.bench.doctor import examine


def test_lines() -> None:
    lines = dict(examine().cells)
    assert {"torch", "numba", "CUDA", "GPU kernels", "kernel threads", "data root"} <= set(lines)
    assert lines["CPU kernels"].startswith("on: numba")
    assert lines["pooling, sparse"].startswith("gather (")
    assert lines["pooling, dense"].startswith("dense (")
    assert "ncn" in lines["predictors"]


def test_an_unusable_data_root_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRAPHLEARN_DATA", str(tmp_path / "none"))
    assert dict(examine().cells)["data root"].startswith("UNUSABLE")


def test_a_broken_gru_merge_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._gru_merge().startswith("compiled")
    monkeypatch.setattr(doctor, "gru_merge", lambda pairs, *weights: pairs[:, 0])
    assert doctor._gru_merge().startswith("BROKEN")


def test_what_triton_is_used_for_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found: object = None
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: found)
    assert "Triton, with its own way to read them, absent" in doctor._gpu_kernels()
    found = object()
    monkeypatch.setattr(doctor, "package_version", lambda name: "3.9.0")
    assert doctor._gpu_kernels() == (
        "Triton 3.9.0 reads rows of page-locked memory; plain torch operations for the rest"
    )
