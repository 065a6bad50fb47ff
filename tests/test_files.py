from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from graphlearn.errors import InputError, OutputError
from graphlearn.files import (
    append_line_durably,
    atomic_write_bytes,
    atomic_write_text,
    make_folder,
    mend_json_lines,
    output_error,
    read_json_lines,
    remove_partial_files,
    sole_use,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_write_makes_its_folders_and_leaves_only_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "report.html"
    atomic_write_text(path, "größer\r\n")
    assert path.read_bytes() == "größer\r\n".encode()
    atomic_write_bytes(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert names(path.parent) == ["report.html"]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    atomic_write_text(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"]
    assert modes[0] == modes[1]


def test_a_link_keeps_pointing_at_the_file_that_is_replaced(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "file"
    atomic_write_text(real, "old")
    link = tmp_path / "link"
    link.symlink_to(real)
    atomic_write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


@pytest.mark.parametrize("function", ["replace", "fsync"])
def test_a_write_that_fails_leaves_the_former_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    path = tmp_path / "checkpoint"
    atomic_write_bytes(path, b"former")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, function, full)
    with pytest.raises(OutputError, match=r"checkpoint could not be written .*free some space"):
        atomic_write_bytes(path, b"latter")
    monkeypatch.undo()
    assert path.read_bytes() == b"former"
    assert names(tmp_path) == ["checkpoint"]


def test_an_interrupt_in_the_write_leaves_no_partial_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic_write_bytes(tmp_path / "a", b"x")
    assert names(tmp_path) == []


def test_a_disk_that_fills_leaves_the_former_file_and_ledger(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    program = """
import resource, sys
from pathlib import Path
from graphlearn.errors import OutputError
from graphlearn.files import append_line_durably, atomic_write_bytes
folder = Path(sys.argv[1])
atomic_write_bytes(folder / "file", b"former")
append_line_durably(folder / "ledger", '{"seed": 0}')
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for write in (
    lambda: atomic_write_bytes(folder / "file", bytes(5000)),
    lambda: append_line_durably(folder / "ledger", '{"text": "' + "x" * 5000 + '"}'),
):
    try:
        write()
    except OutputError as problem:
        print(problem)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("could not be written") == 2, done.stdout
    assert (tmp_path / "file").read_bytes() == b"former"
    assert (tmp_path / "ledger").read_text() == '{"seed": 0}\n'
    assert names(tmp_path) == ["file", "ledger"]


def test_a_folder_under_a_file_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        make_folder(tmp_path / "file" / "run")
    with pytest.raises(OutputError, match="could not be written"):
        make_folder(tmp_path / "file")
    with pytest.raises(OutputError, match="choose a file name that is not a folder's"):
        atomic_write_bytes(tmp_path, b"x")


def test_a_folder_without_permission_is_an_output_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *arguments: False)  # root may write everywhere
    with pytest.raises(OutputError, match="choose a folder that you may write to"):
        make_folder(tmp_path)


def test_output_error_keeps_an_error_without_a_number() -> None:
    assert str(output_error("a", OSError("odd"))) == "a could not be written (odd)"


def test_partial_files_of_this_path_alone_are_removed(tmp_path: Path) -> None:
    for name in (".a.0123abcd.partial", ".a.89abcdef.partial"):
        (tmp_path / name).write_text("")
    kept = [".a.notes.partial", ".ab.0123abcd.partial", "a", "a.0123abcd.partial"]
    for name in kept:
        (tmp_path / name).write_text("")
    assert remove_partial_files(tmp_path / "a") == 2
    assert names(tmp_path) == kept
    assert remove_partial_files(tmp_path / "missing" / "a") == 0


def test_a_ledger_torn_anywhere_keeps_its_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    records = [{"seed": 0, "name": "é"}, {"seed": 1, "nested": {"a": [1, 2]}}]
    for record in records:
        append_line_durably(path, json.dumps(record, ensure_ascii=False))
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        # A line that lacks its newline alone is whole.
        whole = records[: (cut >= first - 1) + (cut >= len(content) - 1)]
        assert read_json_lines(path) == whole
        assert path.read_bytes() == content[:cut]  # reading changes nothing
        append_line_durably(path, '{"seed": 2}')
        assert read_json_lines(path) == [*whole, {"seed": 2}]
        assert path.read_bytes().endswith(b'\n{"seed": 2}\n') or not whole


def test_a_long_torn_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(b'{"seed": 0}\n{"text": "' + b"x" * 200_000)
    append_line_durably(path, '{"seed": 1}')
    assert path.read_bytes() == b'{"seed": 0}\n{"seed": 1}\n'


def test_a_torn_line_is_cut_off_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    mend_json_lines(path)
    assert names(tmp_path) == []
    for torn, mended in ((b'{"a": 1}\n{"b"', b'{"a": 1}\n'), (b'{"a"', b""), (b'{"a": 1}\n',) * 2):
        path.write_bytes(torn)
        mend_json_lines(path)
        assert path.read_bytes() == mended


def test_a_damaged_line_inside_a_ledger_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_text('{"seed": 0}\n\n{"seed"\n{"seed": 2}\n')
    with pytest.raises(InputError, match="line 3"):
        read_json_lines(path)
    path.write_text("[1]\n")
    with pytest.raises(InputError, match="line 1"):
        read_json_lines(path)


def test_a_missing_ledger_is_empty_and_a_folder_is_refused(tmp_path: Path) -> None:
    assert read_json_lines(tmp_path / "none") == []
    with pytest.raises(InputError, match="could not be read"):
        read_json_lines(tmp_path)
    with pytest.raises(OutputError, match="could not be written"):
        append_line_durably(tmp_path, "{}")


@pytest.mark.parametrize("line", ["", "1", "[1]", '{"a": 1}\n', '{"a":\r1}', '{"a"'])
def test_only_one_json_object_is_a_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match="one JSON object without a newline"):
        append_line_durably(tmp_path / "ledger", line)
    assert names(tmp_path) == []


def test_appends_from_many_threads_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "ledger"

    def append(writer: int) -> None:
        for number in range(10):
            append_line_durably(path, json.dumps({"writer": writer, "number": number}))

    threads = [threading.Thread(target=append, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = read_json_lines(path)
    assert len(records) == 40
    for writer in range(4):
        numbers = [record["number"] for record in records if record["writer"] == writer]
        assert numbers == list(range(10))


def test_a_folder_in_use_is_refused_and_free_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "seed-0"
    message = f"{folder} is in use by another run"
    with sole_use(folder):
        with pytest.raises(InputError, match=f"^{re.escape(message)}"), sole_use(folder):
            pass
        with sole_use(tmp_path / "seed-1"):
            pass
    with sole_use(folder):
        pass
    assert list(folder.iterdir()) == []


def test_a_folder_is_free_when_its_process_was_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from graphlearn.files import sole_use\n"
        "with sole_use(sys.argv[1]): print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="in use"), sole_use(tmp_path):
            pass
        process.kill()
    with sole_use(tmp_path):
        pass
