"""Downloads from a server on this machine: whole and checked, or not there at all."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import http.server
import io
import os
import shutil
import threading
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphlearn.data import DatasetCard, Download, SplitRule
from graphlearn.data.download import (
    RECORD,
    UNPACKED_LEAST,
    check_members,
    check_unpacked_size,
    ensure_files,
    recorded_checksums,
)
from graphlearn.errors import DataNotFoundError, GraphLearnError, OutputError, UnsafeFileError

EDGES = b"0,1\n1,2\n"
SHA256 = "sha256:" + hashlib.sha256(EDGES).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # So that closing it waits until every socket is closed.


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None: ...

    def do_GET(self) -> None:
        if self.path == "/short.csv":
            self.answer(200, {"Content-Length": "1000"}, EDGES)
        elif self.path == "/length.csv":
            self.answer(200, {"Content-Length": "abc"}, EDGES)
        elif self.path == "/large.csv":
            self.answer(200, {"Content-Length": str(10**17)}, EDGES)
        elif self.path == "/loop.csv":
            self.answer(302, {"Location": "/loop.csv", "Content-Length": "0"})
        elif self.path == "/ftp.csv":
            self.answer(302, {"Location": "ftp://127.0.0.1:1/edges.csv", "Content-Length": "0"})
        elif self.path == "/nowhere.csv":
            self.answer(302, {"Location": "http://[nowhere/", "Content-Length": "0"})
        else:
            super().do_GET()

    def answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def served(tmp_path, monkeypatch) -> Iterator[tuple[Path, str]]:
    """A folder and the address that it is served at."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "edges.csv").write_bytes(EDGES)
    handler = functools.partial(Handler, directory=str(folder))
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def make_card(url: str, checksum: str | None = SHA256, member: str = "") -> DatasetCard:
    to = "tiny" if member else "tiny/edges.csv"
    return DatasetCard(
        name="tiny",
        title="",
        reader="edge-list",
        licence="MIT",
        source="https://example.org",
        split=SplitRule("random"),
        metric="auc",
        files={"tiny/edges.csv": checksum},
        downloads=(Download(url, to, member),),
    )


def contents(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def test_a_missing_file_is_fetched_checked_and_put_in_place(tmp_path, served) -> None:
    root = tmp_path / "new" / "root"
    ensure_files(make_card(f"{served[1]}/edges.csv"), root)
    assert (root / "tiny/edges.csv").read_bytes() == EDGES
    assert contents(root) == ["tiny/edges.csv"]
    assert [p.name for p in root.iterdir()] == ["tiny"]  # No temporary folder is left.


def test_present_files_are_not_fetched_and_the_root_is_not_written_to(tmp_path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/edges.csv").write_bytes(EDGES)
    before = tmp_path.stat().st_mtime_ns
    ensure_files(make_card("http://127.0.0.1:1/nobody-listens"), tmp_path)
    assert tmp_path.stat().st_mtime_ns == before


def test_wrong_content_is_refused_and_not_kept(tmp_path, served) -> None:
    (served[0] / "edges.csv").write_bytes(b"0,1\n1,3\n")
    root = tmp_path / "root"
    with pytest.raises(UnsafeFileError, match=r"what was fetched for tiny/edges\.csv has sha256"):
        ensure_files(make_card(f"{served[1]}/edges.csv"), root)
    assert contents(root) == []


def test_an_unknown_checksum_is_said_and_recorded(tmp_path, served) -> None:
    root = tmp_path / "root"
    with pytest.warns(UserWarning, match=r"no checksum is known for tiny/edges\.csv"):
        ensure_files(make_card(f"{served[1]}/edges.csv", checksum=None), root)
    assert (root / RECORD).read_text() == f"{SHA256.removeprefix('sha256:')}  tiny/edges.csv\n"
    assert (root / "tiny/edges.csv").read_bytes() == EDGES


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/none.csv", "HTTP Error 404"),
        ("/short.csv", "IncompleteRead"),
        ("/length.csv", "its Content-Length is 'abc'"),
        ("/loop.csv", "infinite loop. The last 30x error message was: Found"),
        ("/ftp.csv", "it leads to ftp://127.0.0.1:1/edges.csv, which is no http:// or https://"),
        ("/nowhere.csv", r"302: it leads to what is no address \("),
    ],
)
def test_what_the_server_does_not_give_whole_is_not_found(tmp_path, served, path, reason) -> None:
    with pytest.raises(DataNotFoundError, match=reason) as caught:
        ensure_files(make_card(served[1] + path), tmp_path / "root")
    kept = [name for name in contents(tmp_path / "root") if not name.startswith(".partial-")]
    assert kept == []
    assert "\n" not in str(caught.value)


def test_without_network_one_line_says_where_what_and_how(tmp_path) -> None:
    with pytest.raises(DataNotFoundError) as caught:
        ensure_files(make_card("http://127.0.0.1:1/edges.csv"), tmp_path)
    text = str(caught.value)
    assert f"tiny: tiny/edges.csv not in {tmp_path}, and fetching it failed" in text
    assert f"put http://127.0.0.1:1/edges.csv at {tmp_path / 'tiny/edges.csv'}" in text
    assert "--data-root" in text
    assert "\n" not in text


def test_a_card_without_an_address_says_so_and_makes_nothing(tmp_path) -> None:
    card = dataclasses.replace(make_card("http://127.0.0.1:1"), downloads=())
    with pytest.raises(DataNotFoundError, match="its card names no address"):
        ensure_files(card, tmp_path / "root")
    assert not (tmp_path / "root").exists()


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_wanted_members_of_an_archive_are_put_in_place(tmp_path, served) -> None:
    write_zip(served[0] / "t.zip", {"inside/edges.csv": EDGES, "inside/processed/data.pt": b"?"})
    root = tmp_path / "root"
    ensure_files(make_card(f"{served[1]}/t.zip", member="inside"), root)
    assert contents(root) == ["tiny/edges.csv"]


def test_an_archive_without_the_member_or_that_is_none(tmp_path, served) -> None:
    card = make_card(f"{served[1]}/t.zip", member="inside")
    write_zip(served[0] / "t.zip", {"elsewhere/edges.csv": EDGES})
    with pytest.raises(DataNotFoundError, match=r"holds no inside/edges\.csv"):
        ensure_files(card, tmp_path / "root")
    (served[0] / "t.zip").write_bytes(b"<html>moved</html>")
    with pytest.raises(DataNotFoundError, match="not a zip file"):
        ensure_files(card, tmp_path / "root")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "inside/../../evil", "C:evil"])
def test_an_archive_that_would_leave_its_folder_is_refused(tmp_path, served, name) -> None:
    write_zip(served[0] / "t.zip", {"inside/edges.csv": EDGES, name: b"evil"})
    with pytest.raises(UnsafeFileError, match="the archive .* holds"):
        ensure_files(make_card(f"{served[1]}/t.zip", member="inside"), tmp_path / "root")
    assert contents(tmp_path / "root") == []


def test_links_in_an_archive_are_refused() -> None:
    entry = zipfile.ZipInfo("inside/edges.csv")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        archive.writestr(entry, "/etc/passwd")
        with pytest.raises(UnsafeFileError, match="plain files inside"):
            check_members(archive, "https://example.org/t.zip")


def test_a_root_that_cannot_be_written_to(tmp_path) -> None:
    (tmp_path / "file").touch()  # A folder below a file can be made by nobody, root included.
    with pytest.raises(DataNotFoundError, match="cannot be written to"):
        ensure_files(make_card("http://127.0.0.1:1/edges.csv"), tmp_path / "file" / "root")


def test_a_full_disk_is_an_output_error(tmp_path, served, monkeypatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("graphlearn.data.download.shutil.copyfileobj", full)
    with pytest.raises(OutputError, match=r"tiny/edges\.csv could not be written \(No space"):
        ensure_files(make_card(f"{served[1]}/edges.csv"), tmp_path / "root")
    assert contents(tmp_path / "root") == []


def test_what_the_disk_has_no_room_for_is_not_begun(tmp_path, served) -> None:
    with pytest.raises(
        OutputError, match="is 100,000,000,000,000,000 bytes more, and .* free; free"
    ):
        ensure_files(make_card(f"{served[1]}/large.csv"), tmp_path / "root")
    assert contents(tmp_path / "root") == []


def test_what_came_first_is_what_must_come_later(tmp_path, served) -> None:
    root, card = tmp_path / "root", make_card(f"{served[1]}/edges.csv", checksum=None)
    with pytest.warns(UserWarning, match="is trusted: what is fetched later must be the same"):
        ensure_files(card, root)
    first = (root / RECORD).read_text()
    (root / "tiny/edges.csv").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ensure_files(card, root)  # the same again: nothing to say
    assert (root / RECORD).read_text() == first

    (root / "tiny/edges.csv").unlink()
    (served[0] / "edges.csv").write_bytes(b"0,1\n1,3\n")
    with pytest.raises(
        UnsafeFileError, match=rf"expected {SHA256}, as .*{RECORD} recorded"
    ) as caught:
        ensure_files(card, root)
    assert "\n" not in str(caught.value)
    assert contents(root) == [RECORD]
    assert (root / RECORD).read_text() == first

    (root / RECORD).unlink()
    with pytest.warns(UserWarning, match="no checksum is known"):
        ensure_files(card, root)


def test_a_record_holds_each_file_and_passes_over_what_is_none(tmp_path, served) -> None:
    root = tmp_path / "root"
    root.mkdir()
    other = f"{'1' * 64}  other/edges.csv"
    (root / RECORD).write_bytes(b"\xff torn\n" + f"{other}\n{other[::-1]}\n0".encode())
    assert recorded_checksums(root) == {"other/edges.csv": "1" * 64}
    with pytest.warns(UserWarning, match="no checksum is known"):
        ensure_files(make_card(f"{served[1]}/edges.csv", checksum=None), root)
    wanted = {"other/edges.csv": "1" * 64, "tiny/edges.csv": SHA256.removeprefix("sha256:")}
    assert recorded_checksums(root) == wanted


def test_what_could_not_be_installed_is_not_recorded(tmp_path, served) -> None:
    root = tmp_path / "root"
    (root / "tiny" / "edges.csv").mkdir(parents=True)
    with pytest.raises(OutputError, match="Is a directory"):
        ensure_files(make_card(f"{served[1]}/edges.csv", checksum=None), root)
    assert contents(root) == []


def test_what_could_not_be_recorded_is_not_installed(tmp_path, served) -> None:
    root = tmp_path / "root"
    (root / RECORD).mkdir(parents=True)
    with pytest.raises(OutputError, match="could not be written"):
        ensure_files(make_card(f"{served[1]}/edges.csv", checksum=None), root)
    assert contents(root) == []


def test_an_archive_that_would_grow_without_measure_is_refused(tmp_path, served) -> None:
    with zipfile.ZipFile(served[0] / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside/edges.csv", bytes(UNPACKED_LEAST + 1))
    with pytest.raises(
        UnsafeFileError, match="would become 67,108,865: expected at most 67,108,864"
    ):
        ensure_files(make_card(f"{served[1]}/t.zip", member="inside"), tmp_path / "root")
    assert contents(tmp_path / "root") == []


def test_an_archive_must_fit_on_the_disk(tmp_path) -> None:
    check_unpacked_size(UNPACKED_LEAST, 10, tmp_path, "t.zip")
    with pytest.raises(
        OutputError, match=r"t\.zip becomes 10,000,000,000,000,000 bytes, and .* free"
    ):
        check_unpacked_size(10**16, 10**15, tmp_path, "t.zip")


def test_an_encrypted_archive_is_refused(tmp_path, served) -> None:
    write_zip(served[0] / "t.zip", {"inside/edges.csv": EDGES})
    content = bytearray((served[0] / "t.zip").read_bytes())
    content[6] |= 1  # the flag that says so, of the member and of the list at the end
    content[content.find(b"PK\x01\x02") + 8] |= 1
    (served[0] / "t.zip").write_bytes(content)
    with pytest.raises(UnsafeFileError, match=r"'inside/edges\.csv', which is encrypted"):
        ensure_files(make_card(f"{served[1]}/t.zip", member="inside"), tmp_path / "root")


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_damaged_archive_is_never_more_than_one_line(tmp_path, served, packing) -> None:
    with zipfile.ZipFile(served[0] / "t.zip", "w", packing) as archive:
        archive.writestr("inside/edges.csv", EDGES * 20)
    whole = (served[0] / "t.zip").read_bytes()
    card = make_card(
        f"{served[1]}/t.zip", "sha256:" + hashlib.sha256(EDGES * 20).hexdigest(), "inside"
    )
    root = tmp_path / "root"
    for place in range(0, len(whole), 3):
        (served[0] / "t.zip").write_bytes(
            whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        )
        said = "whole"
        try:
            ensure_files(card, root)
        except GraphLearnError as problem:
            said = str(problem)
        assert "\n" not in said
        assert contents(root) == (["tiny/edges.csv"] if said == "whole" else [])
        shutil.rmtree(root)
