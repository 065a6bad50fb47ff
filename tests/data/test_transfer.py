"""Downloads that are cut off and go on, from a server on this machine that serves parts."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from graphlearn.data.transfer import Transfer
from graphlearn.errors import OutputError

CONTENT = bytes(range(256)) * 40


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves ``server.content``, cut off after ``server.most`` bytes a reply."""

    def log_message(self, *args: object) -> None: ...

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        begin = 0
        if asked and self.headers.get("If-Range") == server.tag and server.serves_parts:
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            if begin >= len(server.content):
                self.send_error(416)
                return
            self.send_response(206)
            end = len(server.content) - 1
            self.send_header("Content-Range", f"bytes {begin}-{end}/{end + 1}")
        else:
            self.send_response(200)
        if server.tag:
            self.send_header("ETag", server.tag)
        body = server.content[begin:]
        self.send_header("Content-Length", server.stated or str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.most])


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    content, most, tag, serves_parts = CONTENT, 3000, '"one"', True
    stated = ""
    asked: list[str | None]


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server(("127.0.0.1", 0), Handler) as made:
        made.asked = []
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def transfer(server: Server, root: Path) -> Transfer:
    return Transfer(f"http://127.0.0.1:{server.server_port}/data.zip", root)


def test_it_goes_on_where_it_was_cut_off(server, tmp_path) -> None:
    for _ in range(3):
        with pytest.raises(http.client.IncompleteRead):
            transfer(server, tmp_path).fetch()
    assert transfer(server, tmp_path).fetch().read_bytes() == CONTENT
    assert server.asked == [None, "bytes=3000-", "bytes=6000-", "bytes=9000-"]
    transfer(server, tmp_path).forget()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", [{"tag": '"two"'}, {"serves_parts": False}, {"tag": ""}])
def test_another_file_or_a_server_without_parts_begins_anew(server, tmp_path, change) -> None:
    with pytest.raises(http.client.IncompleteRead):
        transfer(server, tmp_path).fetch()
    server.content, server.most = CONTENT[::-1], len(CONTENT)
    for name, value in change.items():
        setattr(server, name, value)
    assert transfer(server, tmp_path).fetch().read_bytes() == CONTENT[::-1]


def test_a_whole_file_is_not_fetched_twice_over(server, tmp_path) -> None:
    server.most = len(CONTENT)
    transfer(server, tmp_path).fetch()
    assert transfer(server, tmp_path).fetch().read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={len(CONTENT)}-", None]


def test_without_a_mark_of_the_file_nothing_is_gone_on_with(server, tmp_path) -> None:
    server.tag = ""
    with pytest.raises(http.client.IncompleteRead):
        transfer(server, tmp_path).fetch()
    server.most = len(CONTENT)
    assert transfer(server, tmp_path).fetch().read_bytes() == CONTENT
    assert server.asked == [None, None]


def test_a_torn_state_begins_anew(server, tmp_path) -> None:
    with pytest.raises(http.client.IncompleteRead):
        transfer(server, tmp_path).fetch()
    next(tmp_path.glob(".partial-*/state.json")).write_text("{")
    server.most = len(CONTENT)
    assert transfer(server, tmp_path).fetch().read_bytes() == CONTENT


def test_there_must_be_room_for_what_is_left(server, tmp_path, monkeypatch) -> None:
    with pytest.raises(http.client.IncompleteRead):
        transfer(server, tmp_path).fetch()
    free = len(CONTENT) - 3001
    monkeypatch.setattr(
        "graphlearn.data.transfer.shutil.disk_usage", lambda path: SimpleNamespace(free=free)
    )
    left = len(CONTENT) - 3000
    with pytest.raises(OutputError, match=f"is {left:,} bytes more, and .* has {free:,} free"):
        transfer(server, tmp_path).fetch()
    free += 1
    server.most = len(CONTENT)
    assert transfer(server, tmp_path).fetch().read_bytes() == CONTENT
    # The same room is enough to begin anew, since what is there goes.
    server.tag = '"two"'
    assert transfer(server, tmp_path).fetch().read_bytes() == CONTENT


@pytest.mark.parametrize("stated", ["abc", "-5", "1_0", "\xb2", "9" * 5000])
def test_a_length_that_is_no_number_is_refused(server, tmp_path, stated) -> None:
    server.stated = stated
    with pytest.raises(http.client.HTTPException, match="its Content-Length is") as caught:
        transfer(server, tmp_path).fetch()
    assert len(str(caught.value)) < 100
