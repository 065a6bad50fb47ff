"""Output that is whole or not there, whatever happens in between."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphlearn.errors import InputError, InputTypeError, OutputError
from graphlearn.serve.whole_output import (
    check_file_free,
    check_folder_free,
    check_path,
    others_in,
    whole_file,
    whole_folder,
)


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


def test_a_folder_that_is_there_stays_and_its_files_come_by_name(tmp_path: Path) -> None:
    """It may be a mount point, and what it is in may not be writable."""
    target = tmp_path / "model"
    target.mkdir()
    (target / "lost+found").mkdir()
    number = target.stat().st_ino
    for files in ("ab", "ac"):
        with whole_folder(target, lambda found: True, last="a") as name:
            assert name.parent == target
            for file in files:
                (name / file).write_text(files)
    assert target.stat().st_ino == number
    assert others_in(target) == ["a", "c"]
    assert (target / "a").read_text() == "ac"
    assert (target / "lost+found").is_dir()


def test_the_last_file_goes_first_and_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in ("a", "card", "z"):
        (tmp_path / file).write_text("")
    replace, moves = Path.replace, []

    def seen(self: Path, other: Path) -> Path:
        moves.append(self.name)
        return replace(self, other)

    monkeypatch.setattr(Path, "replace", seen)
    with whole_folder(tmp_path, lambda found: True, last="card") as name:
        for file in ("a", "card", "z"):
            (name / file).write_text("")
    assert moves[0] == moves[-1] == "card"


@pytest.mark.parametrize("failing", range(1, 7))
def test_a_failed_exchange_leaves_the_former_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    for file in "abc":
        (tmp_path / file).write_text("former")
    replace, moves = Path.replace, []

    def one_fails(self: Path, other: Path) -> Path:
        moves.append(other)
        if len(moves) == failing:
            raise OSError(5, "Input/output error")
        return replace(self, other)

    monkeypatch.setattr(Path, "replace", one_fails)

    def write() -> None:
        with whole_folder(tmp_path, lambda found: True, "a") as name:
            for file in "abc":
                (name / file).write_text("new")

    with pytest.raises(OutputError):
        write()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "b", "c"]
    assert {entry.read_text() for entry in tmp_path.iterdir()} == {"former"}


def test_what_killed_writers_of_a_folder_left_goes(tmp_path: Path) -> None:
    target = tmp_path / "model"
    for _ in range(2):  # a new folder, then one that is there
        left = [tmp_path / ".model.0f0f0f0f.partial"]
        left += [target / ".0f0f0f0f.partial"] if target.exists() else []
        for folder in left:
            folder.mkdir()
            (folder / "graph.safetensors").write_text("half")
        other = tmp_path / ".other.0f0f0f0f.partial"
        other.mkdir(exist_ok=True)
        with whole_folder(target, lambda found: True) as name:
            (name / "a").write_text("")
        assert [entry.name for entry in target.iterdir()] == ["a"]
        assert sorted(entry.name for entry in tmp_path.iterdir()) == [other.name, "model"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc")
def test_a_place_is_tried_before_work_is_done_for_it(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        check_folder_free("/proc/model", lambda found: True)
    with pytest.raises(OutputError, match="could not be written"):
        check_file_free("/proc/links.csv")
    long = tmp_path / ("a" * 250)
    for check in (check_file_free, lambda path: check_folder_free(path, lambda found: True)):
        with pytest.raises(OutputError, match="name too long"):
            check(long)
        check(tmp_path / "b" / "c")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="cannot mount")
def test_a_mount_point(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", target], capture_output=True)
    if mounted.returncode:
        pytest.skip("cannot mount")
    try:
        for text in ("one", "two"):
            with whole_folder(target, lambda found: True) as name:
                (name / "card").write_text(text)
        assert (target / "card").read_text() == "two"
    finally:
        subprocess.run(["umount", target], check=True)


def test_paths() -> None:
    assert check_path("a/b", name="out") == Path("a/b")
    with pytest.raises(InputTypeError, match="out is a int: expected a path"):
        check_path(5, name="out")
    with pytest.raises(InputError, match="out is"):
        check_path("a\0", name="out")
