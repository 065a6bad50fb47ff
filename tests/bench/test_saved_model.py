from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from graphlearn.bench.build import build, build_model
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.saved_model import load_model, save_model
from graphlearn.bench.sizes import model_sizes
from graphlearn.bench.split_source import SplitSource
from graphlearn.errors import CheckpointError, DataNotFoundError


@pytest.fixture
def saved(tmp_path: Path, trained: Recipe) -> Path:
    model = build_model(trained.model, in_channels=3, num_nodes=5, seed=4)
    return save_model(model, trained, tmp_path / "model", {"in_channels": 3, "num_nodes": 5})


def test_rebuilds_the_same_model(saved: Path, trained: Recipe) -> None:
    model = build_model(trained.model, in_channels=3, num_nodes=5, seed=4)
    found = load_model(saved)
    assert not found.training
    assert found.state_dict().keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, found.state_dict()[name])


def test_heuristics_too(tmp_path: Path, heuristic: Recipe) -> None:
    model = build_model(heuristic.model, in_channels=None, num_nodes=5, seed=0)
    save_model(model, heuristic, tmp_path, {"in_channels": None, "num_nodes": 5})
    assert type(load_model(tmp_path).predictor) is type(model.predictor)


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_truncated(saved: Path, name: str) -> None:
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError):
        load_model(saved)


def test_weights_of_another_model(saved: Path) -> None:
    config = json.loads((saved / "model.json").read_text())
    config["model"]["encoder"]["hidden_channels"] = 6
    (saved / "model.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError):
        load_model(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "other"},
        {"format_version": 9},
        {"model": {"predictor": "no-such"}},
        {"in_channels": "three"},
        {"dtype": "int8"},
    ],
)
def test_foreign_description(saved: Path, changes: dict[str, object]) -> None:
    config = json.loads((saved / "model.json").read_text())
    (saved / "model.json").write_text(json.dumps({**config, **changes}))
    with pytest.raises(CheckpointError):
        load_model(saved)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no saved model"):
        load_model(tmp_path)


def test_networks_too(tmp_path: Path, network_recipe: Recipe) -> None:
    assert network_recipe.dataset is not None
    sizes = model_sizes(SplitSource(network_recipe.dataset).make(0))
    network = build(network_recipe.model, sizes, seed=3)
    save_model(network, network_recipe, tmp_path, sizes)
    found = load_model(tmp_path)
    assert repr(found) == repr(network.eval())
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, found.state_dict()[name])
    config = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**config, "format": "graphlearn-link-model"}))
    with pytest.raises(CheckpointError, match="does not describe a model"):
        load_model(tmp_path)
