"""A model's folder: whole, checked byte by byte, and of this version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from graphlearn.errors import (
    CheckpointError,
    DataNotFoundError,
    GraphLearnError,
    InputError,
    InputTypeError,
    OutputError,
    UnsafeFileError,
)
from graphlearn.serve import model_folder
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
    assert check_place(folder) == folder


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
        ({"format_version": 99}, "format_version 99"),
        ({"format": "other"}, "format 'other'"),
        ({"files": {}}, "names no files"),
        ({"files": {"../graph.safetensors": "sha256:0"}}, "names the file"),
        ({"files": {"graph.pickle": "sha256:0"}}, "names the file"),
        ({"files": {"a" * 5000 + ".safetensors": "sha256:0"}}, "names the file"),
        ({"files": {"a\0.safetensors": "sha256:0"}}, "names the file"),
        ({"files": 5}, "names no files"),
    ],
)
def test_other_cards(folder: Path, change: dict[str, object], expected: str) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | change))
    with pytest.raises(CheckpointError, match=expected):
        read_folder(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", "[" * 200_000])
def test_no_card(folder: Path, text: str) -> None:
    (folder / CARD).write_text(text)
    with pytest.raises(CheckpointError):
        read_folder(folder)
    assert not is_model(folder)
    with pytest.raises(GraphLearnError, match="no model"):
        assert check_place(folder) == folder


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no model at"):
        read_folder(tmp_path / "model")


def test_what_a_user_put_beside_a_model_is_not_deleted(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "notes" / "thesis.tex").write_text("...")
    for call in (check_place, lambda place: write_folder(place, {}, {"x": {"x": torch.ones(1)}})):
        with pytest.raises(InputError, match="holds 'notes' beside a model"):
            call(folder)
    assert (folder / "notes" / "thesis.tex").read_text() == "..."
    assert read_folder(folder)[0]["a"] == 1


def test_what_came_beside_a_model_while_it_was_written_is_not_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = model_folder.save_file

    def meanwhile(*given: object) -> None:
        (folder / "late.txt").write_text("...")
        save(*given)

    monkeypatch.setattr(model_folder, "save_file", meanwhile)
    with pytest.raises(InputError, match=r"holds 'late\.txt' beside a model"):
        write_folder(folder, {"a": 2}, {"graph": {"x": torch.ones(1)}})
    assert read_folder(folder)[0]["a"] == 1
    assert sorted(entry.name for entry in folder.iterdir()) == [
        CARD, "graph.safetensors", "late.txt"
    ]  # fmt: skip


def test_a_model_of_other_files_is_replaced(folder: Path) -> None:
    write_folder(folder, {"a": 2}, {"other": {"x": torch.ones(1)}})
    assert sorted(entry.name for entry in folder.iterdir()) == [CARD, "other.safetensors"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I/O error: No space left on device (os error 28)", "No space left on device.; free some"),
        ("no number", "no number"),
    ],
)
def test_a_full_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    def fail(content: object, file: Path) -> None:
        file.write_bytes(b"half")
        raise SafetensorError(text)

    monkeypatch.setattr(model_folder, "save_file", fail)
    for place in (folder, folder.with_name("new")):
        with pytest.raises(OutputError, match=expected):
            write_folder(place, {"a": 2}, {"graph": {"x": torch.ones(1)}})
    assert [entry.name for entry in folder.parent.iterdir()] == ["model"]
    assert read_folder(folder)[0]["a"] == 1


def test_no_paths() -> None:
    for call in (check_place, read_folder, lambda place: write_folder(place, {}, {})):
        for place in (5, None, b"model"):
            with pytest.raises(InputTypeError, match="expected a path"):
                call(place)
