"""A model's folder: whole, checked byte by byte, and of this version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from graphlearn.errors import CheckpointError, DataNotFoundError, GraphLearnError, UnsafeFileError
from graphlearn.serve.model_folder import CARD, check_place, is_model, read_folder, write_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "model", {"a": 1}, {"graph": {"x": torch.arange(3)}})
    return tmp_path / "model"


def test_there_and_back(folder: Path) -> None:
    card, tensors = read_folder(folder)
    assert card["a"] == 1
    assert tensors["graph"]["x"].tolist() == [0, 1, 2]
    modes = {entry.stat().st_mode for entry in folder.iterdir()}
    assert len(modes) == 1
    assert is_model(folder)
    check_place(folder)


def test_every_changed_byte_is_met(folder: Path) -> None:
    file = folder / "graph.safetensors"
    whole = file.read_bytes()
    for change in (whole[:-1], whole + b"x", whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(change)
        with pytest.raises(UnsafeFileError, match="has changed"):
            read_folder(folder)
    file.unlink()
    with pytest.raises(CheckpointError, match=r"has no graph\.safetensors"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"format_version": 2}, "format_version 2"),
        ({"format": "other"}, "format 'other'"),
        ({"files": {}}, "names no files"),
        ({"files": {"../graph.safetensors": "sha256:0"}}, "names the file"),
        ({"files": {"graph.pickle": "sha256:0"}}, "names the file"),
    ],
)
def test_other_cards(folder: Path, change: dict[str, object], expected: str) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | change))
    with pytest.raises(CheckpointError, match=expected):
        read_folder(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_no_card(folder: Path, text: str) -> None:
    (folder / CARD).write_text(text)
    with pytest.raises(CheckpointError):
        read_folder(folder)
    assert not is_model(folder)
    with pytest.raises(GraphLearnError, match="no model"):
        check_place(folder)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no model at"):
        read_folder(tmp_path / "model")
