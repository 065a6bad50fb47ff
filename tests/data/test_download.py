"""Downloads from a server on this machine: whole and checked, or not there at all."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import http.server
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphlearn.data import DatasetCard, Download, SplitRule
from graphlearn.data.download import RECORD, check_members, ensure_files
from graphlearn.errors import DataNotFoundError, OutputError, UnsafeFileError

EDGES = b"0,1\n1,2\n"
SHA256 = "sha256:" + hashlib.sha256(EDGES).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # So that closing it waits until every socket is closed.


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None: ...

    def do_GET(self) -> None:
        if self.path != "/short.csv":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(EDGES)


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
    ("path", "reason"), [("/none.csv", "HTTP Error 404"), ("/short.csv", "IncompleteRead")]
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
