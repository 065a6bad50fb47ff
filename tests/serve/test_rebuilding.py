"""Parts of a model that were damaged, or made to harm, with right checksums: one line each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from graphlearn.errors import CheckpointError, DataNotFoundError
from graphlearn.serve import LinkRecommender, load_link_model
from graphlearn.serve.model_folder import CARD, read_folder, write_folder
from graphlearn.serve.rebuilding import ModelParts, rebuild

Tensors = dict[str, dict[str, Tensor]]


@pytest.fixture(scope="module")
def saved(timed_model: LinkRecommender, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    timed_model.save(folder)
    return folder


def test_there_and_back(saved: Path, timed_model: LinkRecommender) -> None:
    parts = rebuild(*read_folder(saved))
    assert isinstance(parts, ModelParts)
    again = LinkRecommender(*parts, timed_model.card)
    assert list(again.recommend_all(3)) == list(timed_model.recommend_all(3))


def changed(name: str, change: Callable[[Tensor], Tensor]) -> Callable[[Any, Tensors], None]:
    def apply(card: Any, files: Tensors) -> None:
        file, tensor = name.split("/")
        files[file][tensor] = change(files[file][tensor]).contiguous()

    return apply


def described(*keys: str, value: Any) -> Callable[[Any, Tensors], None]:
    def apply(card: Any, files: Tensors) -> None:
        for key in keys[:-1]:
            card = card[key]
        card[keys[-1]] = value

    return apply


def first_is(value: float) -> Callable[[Tensor], Tensor]:
    def change(tensor: Tensor) -> Tensor:
        copy = tensor.clone()
        copy.view(-1)[0] = value
        return copy

    return change


def unsorted(tensor: Tensor) -> Tensor:
    return torch.cat([tensor[:2].flip(0), tensor[2:]])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (changed("graph/rowptr", lambda t: t[:0]), "rows are inconsistent"),
        (changed("graph/rowptr", Tensor.double), "rowptr is torch.float64"),
        (changed("graph/rowptr", lambda t: t[None]), "rowptr is"),
        (changed("graph/rowptr", first_is(1)), "rows are inconsistent"),
        (changed("graph/col", Tensor.float), "col is torch.float32"),
        (changed("graph/col", Tensor.short), "col is torch.int16"),
        (changed("graph/col", first_is(-1)), "links to no node"),
        (changed("graph/col", unsorted), "rows are not sorted"),
        (changed("graph/activity", lambda t: t[:, :0]), "activity is"),
        (changed("graph/activity", first_is(float("nan"))), "activity holds NaN"),
        (changed("graph/entry", lambda t: t[:10]), "entry is"),
        (changed("graph/entry", Tensor.double), "entry is torch.float64"),
        (lambda card, files: files["graph"].pop("entry"), "KeyError: 'entry'"),
        (changed("model/vectors", first_is(float("inf"))), "vectors holds NaN or infinity"),
        (changed("model/vectors", lambda t: t[:, :0]), "vectors has no columns"),
        (changed("model/vectors", Tensor.half), "vectors is torch.float16"),
        (changed("model/calibration.weights", lambda t: t[:2]), "calibration.weights is"),
        (changed("model/calibration.weights", first_is(float("nan"))), "weights holds NaN"),
        (changed("model/calibration.weights", first_is(-1.0)), "turns lists around"),
        (changed("model/calibration.knots", lambda t: torch.ones(5).double()), "values is"),
        (changed("ids/integers", lambda t: t * 0), "120 nodes have 1 ids"),
        (changed("ids/integers", Tensor.float), "integers is torch.float32"),
        (changed("ids/integers", lambda t: t[:-1]), "integers is"),
        (described("quality", value=[]), "TypeError"),
        (described("quality", "test", value={"ra": 1}), "TypeError"),
        (lambda card, files: card.pop("quality"), "KeyError: 'quality'"),
        (described("candidates", "best", value="x"), "best is 'x'"),
        (described("candidates", "nearest", value=-5), "nearest is -5"),
        (described("candidates", "popular", value=10**9), "are many"),
        (described("candidates", "budget", value=2**70), "budget is"),
        (described("candidates", "other", value=1), "TypeError"),
        (described("scorer", value=None), "TypeError"),
    ],
)
def test_one_line_each(
    saved: Path, tmp_path: Path, change: Callable[[Any, Tensors], None], expected: str
) -> None:
    card = json.loads((saved / CARD).read_text())
    files = {name: load_file(saved / f"{name}.safetensors") for name in ("graph", "ids", "model")}
    change(card, files)
    card = {key: value for key, value in card.items() if key not in ("format", "files")}
    write_folder(tmp_path / "model", card, files)
    with pytest.raises(CheckpointError) as problem:
        load_link_model(tmp_path / "model")
    assert expected in str(problem.value)
    assert len(str(problem.value).splitlines()) == 1


@pytest.mark.parametrize(
    "ids",
    [
        {"text": torch.zeros(9, dtype=torch.uint8), "end": torch.full((120,), 10**9)},
        {"text": torch.zeros(120, dtype=torch.uint8), "end": torch.arange(1, 121)},
        {"text": torch.full((120,), 255, dtype=torch.uint8), "end": torch.arange(1, 121)},
        {"text": torch.zeros(120, dtype=torch.uint8), "end": torch.arange(120, 0, -1)},
    ],
)
def test_names(saved: Path, tmp_path: Path, ids: dict[str, Tensor]) -> None:
    card, files = read_folder(saved)
    card = {key: value for key, value in card.items() if key not in ("format", "files")}
    write_folder(tmp_path / "model", card, {**files, "ids": ids})
    with pytest.raises(CheckpointError):
        load_link_model(tmp_path / "model")


@pytest.mark.parametrize(
    ("scorer", "expected"),
    [
        ({"name": "linear mixture", "columns": 3, "hidden": 0}, "reads 3 numbers"),
        ({"name": "mixture", "columns": 10**13, "hidden": 0}, "numbers"),
        ({"name": "mixture", "columns": 21, "hidden": 10**9}, "hidden is 1000000000"),
        ({"name": "mixture", "columns": 21, "hidden": "x"}, "hidden is 'x'"),
        ({"name": "mixture", "columns": 21, "hidden": 1234}, "RuntimeError"),
        ({"name": "nc", "columns": None, "hidden": None}, "scorer is 'nc'"),
    ],
)
def test_scorers(saved: Path, tmp_path: Path, scorer: dict[str, Any], expected: str) -> None:
    card, files = read_folder(saved)
    card = {key: value for key, value in card.items() if key not in ("format", "files")}
    write_folder(tmp_path / "model", card | {"scorer": scorer}, files)
    with pytest.raises(CheckpointError) as problem:
        load_link_model(tmp_path / "model")
    assert expected in str(problem.value)
    assert len(str(problem.value).splitlines()) == 1


def test_a_folder_of_a_long_name(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no model at"):
        load_link_model(tmp_path / ("a" * 5000))
