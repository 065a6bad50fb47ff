from __future__ import annotations

import torch

import graphlearn
from graphlearn.bench.versions import package_version, run_versions


def test_what_a_figure_may_depend_on() -> None:
    versions = run_versions()
    assert versions["graphlearn"] == graphlearn.__version__
    assert versions["threads"] == str(torch.get_num_threads())
    assert versions["device"] == "cpu"
    assert {"python", "torch", "torch_geometric", "numba"} <= set(versions)


def test_package_version() -> None:
    assert package_version("numpy").count(".") == 2
    assert package_version("no-such-package") == "not installed"
