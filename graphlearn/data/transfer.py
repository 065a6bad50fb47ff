"""One file over HTTP, which goes on where an earlier try was cut off."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import shutil
import urllib.error
import urllib.request
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any

from graphlearn.errors import OutputError

TIMEOUT_SECONDS = 30.0
_AGENT = {"User-Agent": "graphlearn"}
_WHOLE = re.compile("[0-9]{1,18}")


class Transfer:
    """A download in a folder of its own, which keeps what has come so far.

    The folder's name follows from the address, so that the next try finds it. What is there is gone
    on with only if the server says that its file is still the same (``ETag``, or the time of its
    last change), and serves parts; else it begins anew.

    Args:
        url: An ``http://`` or ``https://`` address.
        root: Where the folder is made.

    Example:
        >>> Transfer("https://example.org/a.zip", Path("data")).content.as_posix()
        'data/.partial-c8aaa45458c0feac/content'
    """

    def __init__(self, url: str, root: Path) -> None:
        self.url = url
        name = hashlib.sha256(url.encode()).hexdigest()[:16]
        self.folder = root / f".partial-{name}"
        self.content = self.folder / "content"
        self._state = self.folder / "state.json"

    def fetch(self) -> Path:
        """Fetch what is missing, and return the path of the whole file.

        Raises:
            urllib.error.URLError: If the server cannot be reached, or refuses.
            http.client.IncompleteRead: If it gives less than it says; what came is kept.
            http.client.HTTPException: If it says how much in no number.
            OutputError: If the disk has no room for what it says.
            OSError: If it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        have = self.content.stat().st_size if self.content.is_file() else 0
        validator = self._read_state()
        if not validator:
            have = 0
        headers = dict(_AGENT)
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": validator}
        try:
            reply = self._open(headers)
        except urllib.error.HTTPError as problem:
            if problem.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            problem.close()
            have, reply = 0, self._open(_AGENT)  # of another length by now, or whole already
        with reply:
            goes_on = have and _first_byte(reply) == have
            stated = _stated_length(reply)
            self._check_room(stated or 0, kept=bool(goes_on))
            have = have if goes_on else 0
            self._write_state(reply)
            with self.content.open("ab" if goes_on else "wb") as file:
                shutil.copyfileobj(reply, file)
        found = self.content.stat().st_size
        if stated is not None and have + stated != found:
            raise http.client.IncompleteRead(b"", have + stated - found)
        return self.content

    def forget(self) -> None:
        """Remove what has come."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _open(self, headers: dict[str, str]) -> Any:
        opener = urllib.request.build_opener(_Redirects)
        try:
            request = urllib.request.Request(self.url, headers=headers)
            return opener.open(request, timeout=TIMEOUT_SECONDS)
        except ValueError as problem:  # an address that is none, here or in a redirect
            raise urllib.error.URLError(f"no address: {problem}") from problem

    def _check_room(self, needed: int, *, kept: bool) -> None:
        """Refuse what the disk has no room for before any of it comes."""
        free = shutil.disk_usage(self.folder).free
        if not kept and self.content.is_file():
            free += self.content.stat().st_size  # it will be overwritten
        if needed > free:
            raise OutputError(
                f"{self.url} is {needed:,} bytes more, and {self.folder.parent} has {free:,} free",
                mend="free some space, or choose another disk",
            )

    def _read_state(self) -> str:
        try:
            return str(json.loads(self._state.read_text(encoding="utf-8"))["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _write_state(self, reply: Any) -> None:
        tag = reply.headers.get("ETag") or ""
        # A weak tag promises the same meaning, not the same bytes.
        validator = reply.headers.get("Last-Modified") or "" if tag.startswith("W/") else tag
        validator = validator or reply.headers.get("Last-Modified") or ""
        self._state.write_text(json.dumps({"url": self.url, "validator": validator}) + "\n")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to web addresses alone; urllib by itself also follows to ftp."""

    def http_error_302(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
    ) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError as problem:
            reason = f"it leads to what is no address ({problem})"
            raise urllib.error.HTTPError(req.full_url, code, reason, headers, fp) from problem

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not newurl.lower().startswith(("http://", "https://")):
            reason = f"it leads to {newurl[:200]}, which is no http:// or https:// address"
            raise urllib.error.HTTPError(req.full_url, code, reason, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _stated_length(reply: Any) -> int | None:
    """How many bytes the server says will come; None if it does not say."""
    stated = reply.headers.get("Content-Length")
    if stated is None:
        return None
    if not _WHOLE.fullmatch(stated.strip()):
        raise http.client.HTTPException(f"its Content-Length is {stated[:40]!r}")
    return int(stated)


def _first_byte(reply: Any) -> int:
    """Where a partial reply begins; 0 for a whole one."""
    if reply.status != http.client.PARTIAL_CONTENT:
        return 0
    begin = str(reply.headers.get("Content-Range", "")).removeprefix("bytes ").partition("-")[0]
    return int(begin) if _WHOLE.fullmatch(begin) else 0
