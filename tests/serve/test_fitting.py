"""A whole fit: what it chooses, reports and repeats."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import graphlearn
from graphlearn.errors import InputError, InputTypeError
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
    assert len(quality_lines(found)) == 5 + len(found["test"])
    assert found["measured_links"] == found["test_links"] == found["next_links"] == 55
    assert found["measured_sources"] > 60
    assert len(found["calibration"]) == 10


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


def test_steps_and_how_much_of_them_is_done(pairs: np.ndarray) -> None:
    told: list[str] = []
    done: dict[str, list[tuple[int, int, str]]] = {}
    fit(pairs, say=told.append, advance=lambda *how: done.setdefault(told[-1], []).append(how))
    assert told[1:] == [
        "training NCN",
        "finding candidates",
        "learning to mix scores",
        "choosing and measuring",
        "reading the whole graph",
    ]
    assert list(done) == ["training NCN", "learning to mix scores"]
    for how in done.values():
        counts = [count for count, _, _ in how]
        assert counts == sorted(set(counts))
        assert len({(total, what) for _, total, what in how}) == 1
        assert counts[0] == 1
        assert counts[-1] <= how[0][1]
    assert [count for count, _, _ in done["training NCN"]][:3] == [1, 2, 3]
    assert done["learning to mix scores"][0] == (1, 48, "epochs")


def test_probabilities_hold_for_all_that_are_served() -> None:
    """Most nodes get no new link: fitted to those that do, probabilities were twice too high."""
    generator = np.random.default_rng(0)
    # Late links are among few nodes, as in most graphs that grow.
    busy = generator.integers(0, 60, (3000, 2))
    early = generator.integers(0, 600, (1500, 2))
    links = [tuple(sorted(pair)) for pair in np.concatenate([early, busy]).tolist()]
    distinct = [pair for pair in dict.fromkeys(links) if pair[0] != pair[1]]
    model = fit(distinct, time=list(range(len(distinct))))
    tenths = np.array(model.quality["calibration"])
    assert 0.6 < tenths[:, 0].mean() / tenths[:, 1].mean() < 1.4
    assert math.isclose(
        model.quality["calibration_error"], np.abs(tenths[:, 0] - tenths[:, 1]).mean()
    )


def test_a_late_repetition_changes_nothing_and_is_noted(pairs: np.ndarray) -> None:
    times = np.arange(float(len(pairs)))
    said: list[str] = []
    one = fit(pairs, time=times)
    other = fit(np.concatenate([pairs, pairs[:1]]), time=np.append(times, 1e9), say=said.append)
    assert "is its time right?" in said[0]
    assert any("is its time right?" in note for note in other.card["notes"])
    assert list(one.recommend_all(5)) == list(other.recommend_all(5))


def test_a_star_does_not_link_its_leaves() -> None:
    """All that was ever held out was a link to the middle."""
    model = fit([(0, leaf) for leaf in range(1, 80)])
    assert model.recommend(0) == []
    assert max(link.probability for link in model.recommend(5, 3)) < 0.1


def test_a_nearly_complete_graph_does_without_ncn() -> None:
    said: list[str] = []
    every = [(i, j) for i in range(12) for j in range(i)]
    model = fit(every[:-1], say=said.append)
    assert "NCN is left out: of 66 pairs of nodes only 1 is not linked" in said[0]
    assert model.recommend(11) == [(11, 10, model.recommend(10)[0].probability)]


def test_seeds(pairs: np.ndarray) -> None:
    assert fit(pairs[:100], seed=2**64 - 1).card["seed"] == 2**64 - 1
    with pytest.raises(InputError, match="below 2"):
        fit(pairs, seed=2**64)


def test_out_is_no_path(pairs: np.ndarray) -> None:
    with pytest.raises(InputTypeError, match="out is a int"):
        fit(pairs, out=5)
