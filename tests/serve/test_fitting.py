"""A whole fit: what it chooses, reports and repeats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import graphlearn
from graphlearn.errors import InputError
from graphlearn.serve import LinkRecommender, fit, quality_lines
from graphlearn.serve.fitting import FitSizes
from graphlearn.serve.own_links import OwnLinks
from graphlearn.serve.scorer import HEURISTICS


@pytest.mark.parametrize("name", ["model", "timed_model"])
def test_quality_beside_the_heuristics(name: str, request: pytest.FixtureRequest) -> None:
    model: LinkRecommender = request.getfixturevalue(name)
    found = model.quality
    assert found["split"] == ("by time" if name == "timed_model" else "random")
    assert set(HEURISTICS) < set(found["test"])
    for figures in found["test"].values():
        assert set(figures) == {"hit_rate", "mrr", "auc"}
        assert all(0 <= value <= 1 for value in figures.values())
    best = max(found["valid"][heuristic]["hit_rate"] for heuristic in HEURISTICS)
    assert found["valid"][found["chosen"]]["hit_rate"] >= best
    assert len(quality_lines(found)) == 3 + len(found["test"])


def test_the_same_seed_gives_the_same_model(pairs: np.ndarray, tmp_path: Path) -> None:
    assert graphlearn.fit is fit
    for name in "ab":
        fit(pairs, seed=3, out=tmp_path / name)
    for entry in (tmp_path / "a").iterdir():
        assert entry.read_bytes() == (tmp_path / "b" / entry.name).read_bytes()


def test_features_of_isolated_nodes(tmp_path: Path, pairs: np.ndarray) -> None:
    edges, table = tmp_path / "edges.csv", tmp_path / "nodes.csv"
    edges.write_text("".join(f"n{a},n{b}\n" for a, b in pairs.tolist()))
    rows = [f"n{i},{i % 10},{i % 7}\n" for i in range(130)]
    table.write_text("id,x,y\n" + "".join(rows))
    said: list[str] = []
    model = fit(edges, features=table, say=said.append)
    assert "130 nodes" in said[0]
    assert len(model.recommend("n129", 4)) == 4  # it has no links


def test_what_is_refused_leaves_nothing(tmp_path: Path, pairs: np.ndarray) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("...")
    with pytest.raises(InputError, match="is no model"):
        fit(pairs, out=tmp_path / "mine")
    with pytest.raises(InputError, match="at least 30"):
        fit(pairs[:20], out=tmp_path / "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


def test_sizes() -> None:
    small = FitSizes.of(OwnLinks(torch.arange(10), torch.tensor([[0], [1]])))
    large = FitSizes.of(OwnLinks(torch.arange(300_000), torch.tensor([[0], [1]])))
    assert small.learnt
    assert not large.learnt
    assert large.dim < small.dim
