"""Small recipes on the embedded data set, and a run of them that several tests look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graphlearn.bench import split_source
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import recipe_from_text
from graphlearn.bench.run_result import RunResult
from graphlearn.bench.runs import fill_in, run_recipes
from graphlearn.data import GraphSplit, second_minimum_split

HEURISTIC = "{name: cn, dataset: digits-knn, model: {predictor: cn}, metrics: [auc]}"
TRAINED = """
name: small
dataset: digits-knn
model:
  encoder: {name: gcn, hidden_channels: 4, num_layers: 1, dropout: 0.1}
  predictor: dot
train: {epochs: 3, batch_size: 4096, checkpoint_seconds: 0}
metrics: [auc, hits@20]
seeds: 2
"""


@pytest.fixture(scope="session")
def heuristic() -> Recipe:
    return fill_in(recipe_from_text(HEURISTIC))


@pytest.fixture(scope="session")
def trained() -> Recipe:
    return fill_in(recipe_from_text(TRAINED))


@pytest.fixture(scope="session")
def finished(
    heuristic: Recipe, trained: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> RunResult:
    """A run of both; look at it, do not write into its folder."""
    out = tmp_path_factory.mktemp("finished")
    return run_recipes([heuristic, trained], out=out, progress=False)


@pytest.fixture
def same_figures() -> Any:
    """Compare two results by all but times and dates."""

    def compare(one: RunResult, two: RunResult) -> bool:
        def figures(result: RunResult) -> list[Any]:
            return [(r.model, r.seed, r.test, r.valid, r.best_epoch, r.epochs) for r in result.rows]

        return figures(one) == figures(two)

    return compare


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


NETWORK = """
name: tiny-lcm
dataset: second-minimum
model:
  network: {name: graph-network, hidden_channels: 8, num_layers: 0, readout: lcm}
train: {epochs: 2, batch_size: 32, checkpoint_seconds: 0}
seeds: 2
"""


@pytest.fixture
def network_recipe(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A recipe with a network, on a few sets in place of the data set's thousands."""

    def few(name: str, data_root: object, *, seed: int) -> GraphSplit:
        return second_minimum_split(train=64, valid=16, test=16, larger=(20,), seed=seed)

    monkeypatch.setattr(split_source, "load_graph_split", few)
    return fill_in(recipe_from_text(NETWORK))
