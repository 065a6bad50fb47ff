from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from graphlearn.bench.analysis import MEASURES, PERFORMANCE, NodeAnalysis
from graphlearn.bench.analysis_report import (
    analysis_figure,
    analysis_html,
    check_parquet,
    shift_text,
    worst_table,
    write_analysis,
)
from graphlearn.bench.recipe import Recipe
from graphlearn.errors import InputError, OutputError, UnknownNameError
from graphlearn.metrics import Shift


@pytest.fixture
def analysis(heuristic: Recipe) -> NodeAnalysis:
    rng = np.random.default_rng(0)
    nodes = {"node": np.arange(40), "test_links": np.full(40, 2), "candidates": np.full(40, 99.0)}
    nodes |= {name: rng.random(40) for name in (*PERFORMANCE, *MEASURES)}
    return NodeAnalysis(heuristic, 0, nodes, 1, sampled=False)


def test_files(analysis: NodeAnalysis, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    page, table = write_analysis(analysis, tmp_path / "new", metric="hits@10")
    assert (page.name, table.name) == ("analysis.html", "nodes.parquet")
    found = pandas.read_parquet(table)
    assert list(found) == list(analysis.nodes)
    for name, values in analysis.nodes.items():
        np.testing.assert_array_equal(found[name], values)
    assert page.read_text(encoding="utf-8") == analysis_html(analysis, "hits@10")
    with pytest.raises(OutputError):
        write_analysis(analysis, page)


def test_the_page_holds_everything_and_needs_nothing(analysis: NodeAnalysis) -> None:
    page = analysis_html(analysis)
    assert "cn on digits-knn, seed 0: node by node" in page
    assert page.count("<table>") == len(PERFORMANCE) + 1
    assert 'src="data:image/png;base64,' in page
    assert "Served worst, by mrr" in page
    assert "http" not in page
    with pytest.raises(UnknownNameError, match="did you mean 'hits@10'"):
        analysis_html(analysis, "hits@11")


def test_the_worst_nodes(analysis: NodeAnalysis) -> None:
    table = worst_table(analysis, "mrr", 5)
    assert len(table.cells) == 5
    assert table.cells[0][0] == str(int(np.argmin(analysis.nodes["mrr"])))


def test_the_figure(analysis: NodeAnalysis) -> None:
    axes = analysis_figure(analysis, "mrr").axes
    assert len(axes) == 6
    assert axes[0].get_xlabel() == MEASURES["tc"]


def test_a_shift_is_said_where_it_is_certain() -> None:
    assert shift_text(Shift(0.2, 0.1, 0.5, 1e-6, 90)).startswith("Warning: ")
    assert shift_text(Shift(0.2, 0.19, 0.02, 0.6, 90)).startswith("No shift beyond chance.")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pyarrow" else find(name)
    )
    with pytest.raises(InputError, match=r"without pyarrow.*pyg-graphlearn\[parquet\]"):
        check_parquet()
