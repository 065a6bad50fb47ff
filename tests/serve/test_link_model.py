"""The fitted model: new links alone, the same each time, saved and loaded."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import graphlearn
from graphlearn.errors import CheckpointError, InputError, InputTypeError, MissingExtraError
from graphlearn.serve import LinkRecommender, NearestNodes, Recommendation, load_link_model
from graphlearn.serve import nearest as nearest_module
from graphlearn.serve.model_folder import CARD, write_folder


@pytest.mark.parametrize("name", ["model", "timed_model"])
def test_new_links_best_first(name: str, pairs: np.ndarray, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(name)
    assert isinstance(model, LinkRecommender)
    known = {tuple(pair) for pair in pairs.tolist()}
    found = list(model.recommend_all(5))
    assert len(found) == 5 * 120
    for source, target, probability in found:
        assert source != target
        assert (source, target) not in known
        assert (target, source) not in known
        assert 0 < probability < 1
    for source in (0, 77):
        own = [link for link in found if link.source == source]
        assert own == model.recommend(source, 5)
        assert isinstance(own[0], Recommendation)
        assert [link.probability for link in own] == sorted(
            (link.probability for link in own), reverse=True
        )
        assert model.recommend(source, 2) == own[:2]


@pytest.mark.parametrize("name", ["model", "timed_model"])
def test_saved_and_loaded(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(name)
    model.save(tmp_path / "model")
    loaded = graphlearn.load(tmp_path / "model")
    assert list(loaded.recommend_all(3)) == list(model.recommend_all(3))
    assert loaded.quality == model.quality
    loaded.save(tmp_path / "again")
    for entry in (tmp_path / "model").iterdir():
        assert entry.read_bytes() == (tmp_path / "again" / entry.name).read_bytes()


def test_files(model: LinkRecommender, tmp_path: Path) -> None:
    assert model.write_links(tmp_path / "a.csv", 2, sources=[5, 4]) == 4
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == "source,rank,target,probability"
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["5", "1"], ["5", "2"], ["4", "1"], ["4", "2"]
    ]  # fmt: skip


def test_refusals(model: LinkRecommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no node 'ann'"):
        model.recommend("ann")
    with pytest.raises(InputError, match="top is 0"):
        model.recommend(0, 0)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError):
        model.write_links(tmp_path / "a.csv", search="hnsw")
    assert not list(tmp_path.iterdir())


def test_no_paths(model: LinkRecommender) -> None:
    for call in (model.save, model.write_links, load_link_model):
        for place in (5, None):
            with pytest.raises(InputTypeError, match="expected a path"):
                call(place)


def test_as_many_as_there_are(model: LinkRecommender) -> None:
    unlinked = 119 - int(model.view.state.degree[3])
    for k in (120, 2**63, 10**30):
        assert len(model.recommend(3, k)) == unlinked
    many = list(model.recommend_all(100, sources=[3, 4]))
    assert len(many) == 200
    assert model.recommend(3, 100) == many[:100]


def test_an_index_recommends_much_the_same(model: LinkRecommender) -> None:
    pytest.importorskip("faiss", reason="the extra ann is not installed")
    exact, index = (list(model.recommend_all(5, search=how)) for how in ("exact", "hnsw"))
    same = {link[:2] for link in exact} & {link[:2] for link in index}
    assert len(same) > 0.95 * len(exact)
    assert NearestNodes is nearest_module.NearestNodes


@pytest.mark.parametrize("wrong", ["col", "rowptr", "vectors", "ids", "scorer", "missing"])
def test_a_folder_whose_parts_do_not_fit(
    model: LinkRecommender, tmp_path: Path, wrong: str
) -> None:
    """With right checksums: whoever writes a card can write these too."""
    model.save(tmp_path / "model")
    card = json.loads((tmp_path / "model" / CARD).read_text())
    files = {
        name: load_file(tmp_path / "model" / f"{name}.safetensors")
        for name in ("graph", "ids", "model")
    }
    if wrong == "col":
        files["graph"]["col"][3] = 10**6
    elif wrong == "rowptr":
        files["graph"]["rowptr"][1] = 10**6
    elif wrong == "vectors":
        files["model"]["vectors"] = files["model"]["vectors"][:-1]
    elif wrong == "ids":
        files["ids"] = {"text": torch.zeros(1, dtype=torch.uint8)}
    elif wrong == "scorer":
        card["scorer"] = {"name": "nc", "columns": None, "hidden": None}
    else:
        del files["model"]["vectors"]
    card = {key: value for key, value in card.items() if key not in ("format", "files")}
    write_folder(tmp_path / "wrong", card, files)
    with pytest.raises(CheckpointError, match="wrong"):
        load_link_model(tmp_path / "wrong")
