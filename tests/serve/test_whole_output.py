"""Output that is whole or not there, whatever happens in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphlearn.errors import InputError, OutputError
from graphlearn.serve.whole_output import check_folder_free, whole_file, whole_folder


def test_a_file_that_fails_leaves_the_former_one(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with whole_file(path) as name:
        name.write_text("old")

    def fail() -> None:
        with whole_file(path) as name:
            name.write_text("half")
            raise KeyError("no")

    with pytest.raises(KeyError):
        fail()
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["old"]


def test_what_killed_writers_left_goes(tmp_path: Path) -> None:
    (tmp_path / ".a.csv.0f0f0f0f.partial").write_text("half")
    with whole_file(tmp_path / "a.csv") as name:
        name.write_text("whole")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


def test_a_folder_appears_whole_and_replaces_only_its_own(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with whole_folder(tmp_path / "model", lambda folder: True) as name:
            (name / "a").write_text(text)
    assert (tmp_path / "model" / "a").read_text() == "two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]
    with pytest.raises(InputError, match="exists and is no model"):
        check_folder_free(tmp_path / "model", lambda folder: False)

    def fail() -> None:
        with whole_folder(tmp_path / "model", lambda folder: True) as name:
            (name / "a").write_text("half")
            raise KeyError("no")

    with pytest.raises(KeyError):
        fail()
    assert (tmp_path / "model" / "a").read_text() == "two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_places_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        check_folder_free(tmp_path / "file", lambda folder: True)
    with pytest.raises(OutputError, match="could not be written"):
        check_folder_free(tmp_path / "file" / "model", lambda folder: True)
    with pytest.raises(InputError, match="is a folder"), whole_file(tmp_path):
        pass
    with pytest.raises(OutputError), whole_file(tmp_path / "file" / "a.csv"):
        pass


def test_a_former_folder_comes_back_when_the_new_one_cannot_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "card.json").write_text("former")
    replace, moves = Path.replace, []

    def second_fails(self: Path, other: Path) -> Path:
        moves.append(other)
        if len(moves) == 2:
            raise OSError(28, "No space left on device")
        return replace(self, other)

    monkeypatch.setattr(Path, "replace", second_fails)
    with pytest.raises(OutputError), whole_folder(target, lambda found: True) as name:
        (name / "card.json").write_text("new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]
    assert (target / "card.json").read_text() == "former"
