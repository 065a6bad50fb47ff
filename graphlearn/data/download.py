"""Fetching the missing files of a card: into a temporary folder, checked, then renamed into place.

Nothing half-fetched or unchecked is ever seen under its final name, and a complete data root is
never written to. A download that was cut off goes on where it was
(:mod:`graphlearn.data.transfer`), and nothing ever asks.
"""

from __future__ import annotations

import http.client
import lzma
import re
import shutil
import tempfile
import urllib.error
import warnings
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from graphlearn.data.card import DatasetCard, Download, load_card
from graphlearn.data.checksum import check_file, file_checksum
from graphlearn.data.transfer import Transfer
from graphlearn.errors import (
    DataNotFoundError,
    GraphLearnError,
    OutputError,
    UnsafeFileError,
)
from graphlearn.files import atomic_write_text, output_error, sole_use

_FETCH_PROBLEMS = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,  # a member that ends too early
    UnicodeDecodeError,  # a name in an archive that is none
    NotImplementedError,  # a zip packed in a way that zipfile does not know
)
_CUT_OFF = (
    http.client.IncompleteRead,
    urllib.error.URLError,
    ConnectionError,
    TimeoutError,
    KeyboardInterrupt,
)
"""After these the next try goes on with what has come."""

RECORD = "SHA256SUMS"
"""File under the data root that records what files without a known checksum turned out to be when
they first came; what comes later under the same name must be the same."""

_RECORDED = re.compile(r"([0-9a-f]{64}) [ *](.+)")

UNPACKED_RATIO = 100
"""How many times an archive's size what is unpacked of it may be. OGB's archives hold text that is
packed already, and numbers of which a fifth is left: under 10. Deflate alone reaches 1032."""

UNPACKED_LEAST = 64 << 20
"""Bytes that may always be unpacked."""


def present_card(card: DatasetCard, root: Path) -> DatasetCard:
    """Return the card whose files lie under the data root: this one, or what it names otherwise.

    Args:
        card: The dataset's card.
        root: The data root.

    Returns:
        The card itself where no other's files are all there instead.

    Example:
        >>> present_card(load_card("ogbg-molhiv"), Path("no/such/folder")).reader
        'ogb-graphs'
    """
    if not card.otherwise or all((root / path).is_file() for path in card.files):
        return card
    other = load_card(card.otherwise)
    return other if all((root / path).is_file() for path in other.files) else card


def ensure_files(card: DatasetCard, root: Path) -> None:
    """Make sure that every file of a card lies under the data root, fetching what does not.

    Args:
        card: The dataset's card.
        root: The data root; it is created if a download needs it.

    Raises:
        DataNotFoundError: If a file is missing and cannot be fetched.
        UnsafeFileError: If what was fetched is not what the card states, or not what came the
            first time, or an archive holds a path outside its folder, or far more than its size.
        OutputError: If writing fails on the way, for lack of space for instance.

    Example:
        >>> from graphlearn.data.card import load_card
        >>> ensure_files(load_card("digits-knn"), Path("."))
    """
    missing = [path for path in card.files if not (root / path).is_file()]
    if not missing:
        return
    if not any(_serves(download, path) for download in card.downloads for path in missing):
        raise _not_found(card, root, missing, ", and its card names no address for it")
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".download-", dir=root))
    except OSError as problem:
        blocked = f", and that folder cannot be written to ({problem.strerror})"
        raise _not_found(card, root, missing, blocked) from problem
    try:
        with sole_use(root, wait=True):  # another process may be fetching the same
            for download in card.downloads:
                wanted = [path for path in missing if _serves(download, path)]
                wanted = [path for path in wanted if not (root / path).is_file()]
                if wanted:
                    _fetch(card, download, wanted, root, folder)
    except _FETCH_PROBLEMS as problem:
        if isinstance(problem, urllib.error.HTTPError):
            problem.close()  # It holds the connection.
            reason: object = problem
        else:
            reason = getattr(problem, "reason", problem)
        reason = " ".join((str(reason) or type(problem).__name__).split())
        raise _not_found(card, root, missing, f", and fetching it failed ({reason})") from problem
    except GraphLearnError:
        raise
    except OSError as problem:
        raise output_error(root / missing[0], problem) from problem
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    left = [path for path in card.files if not (root / path).is_file()]
    if left:
        raise _not_found(card, root, left, ", and its card names no address for it")


def _serves(download: Download, path: str) -> bool:
    if download.member:
        return path.startswith(download.to.rstrip("/") + "/")
    return path == download.to


def _fetch(
    card: DatasetCard, download: Download, wanted: list[str], root: Path, folder: Path
) -> None:
    transfer = Transfer(download.url, root)
    try:
        fetched = transfer.fetch()
        _unpack(card, download, wanted, root, folder, fetched)
    except BaseException as problem:
        cut_off = isinstance(problem, _CUT_OFF) and not isinstance(problem, urllib.error.HTTPError)
        if not (cut_off and transfer.content.is_file()):
            transfer.forget()
        raise
    transfer.forget()


def _unpack(
    card: DatasetCard,
    download: Download,
    wanted: list[str],
    root: Path,
    folder: Path,
    fetched: Path,
) -> None:
    if not download.member:
        _install(card, wanted[0], fetched, root)
        return
    with zipfile.ZipFile(fetched) as archive:
        check_members(archive, download.url)
        entries: dict[str, zipfile.ZipInfo] = {}
        for path in wanted:
            member = download.member + path.removeprefix(download.to.rstrip("/"))
            try:
                entries[path] = archive.getinfo(member)
            except KeyError:
                raise DataNotFoundError(
                    f"{download.url} holds no {member}", expected=f"the file for {path}"
                ) from None
        total = sum(entry.file_size for entry in entries.values())
        check_unpacked_size(total, fetched.stat().st_size, root, download.url)
        for path, entry in entries.items():
            extracted = folder / "member"
            # zipfile gives no more of a member than its entry says.
            with archive.open(entry) as source, extracted.open("wb") as file:
                shutil.copyfileobj(source, file)
            _install(card, path, extracted, root)


def check_unpacked_size(unpacked: int, packed: int, root: Path, url: str) -> None:
    """Refuse an archive that would become too large.

    Args:
        unpacked: Bytes of all that is wanted of it.
        packed: Its own size.
        root: The data root, where there must be room.
        url: Where it came from, for the error text.

    Raises:
        UnsafeFileError: If it is more than ``UNPACKED_LEAST`` bytes, and more than
            ``UNPACKED_RATIO`` times the archive's size.
        OutputError: If the disk has no room for it.

    Example:
        >>> check_unpacked_size(10 << 30, 1 << 20, Path("."), "https://example.org/ddi.zip")
        Traceback (most recent call last):
        graphlearn.errors.UnsafeFileError: the archive https://example.org/ddi.zip of 1,048,576 \
bytes would become 10,737,418,240: expected at most 104,857,600, 100 times its size
    """
    most = max(UNPACKED_LEAST, UNPACKED_RATIO * packed)
    if unpacked > most:
        raise UnsafeFileError(
            f"the archive {url} of {packed:,} bytes would become {unpacked:,}",
            expected=f"at most {most:,}"
            + (f", {UNPACKED_RATIO} times its size" if most > UNPACKED_LEAST else ""),
        )
    free = shutil.disk_usage(root).free
    if unpacked > free:
        raise OutputError(
            f"{url} becomes {unpacked:,} bytes, and {root} has {free:,} free",
            mend="free some space, or choose another disk",
        )


def check_members(archive: zipfile.ZipFile, url: str) -> None:
    """Refuse an archive with a member that would leave its folder, is a link, or is encrypted.

    Args:
        archive: The open archive.
        url: Where it came from, for the error text.

    Raises:
        UnsafeFileError: If a member is absolute, climbs with ``..``, is a symbolic link, or needs
            a password.

    Example:
        >>> import io
        >>> with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        ...     archive.writestr("ddi/raw/edge.csv", "0,1")
        ...     check_members(archive, "https://example.org/ddi.zip")
    """
    for entry in archive.infolist():
        name = entry.filename
        inside = not name.startswith("/") and ".." not in PurePosixPath(name).parts
        is_link = (entry.external_attr >> 16) & 0o170000 == 0o120000
        if not inside or "\\" in name or ":" in name or is_link:
            raise UnsafeFileError(
                f"the archive {url} holds {name!r}", expected="plain files inside its own folder"
            )
        if entry.flag_bits & 1:
            raise UnsafeFileError(
                f"the archive {url} holds {name!r}, which is encrypted", expected="plain files"
            )


def _install(card: DatasetCard, path: str, fetched: Path, root: Path) -> None:
    """Put a file in place if it is what the card says, or what it was when it first came."""
    checksum = card.files[path]
    check_file(fetched, checksum, shown_as=f"what was fetched for {path}")
    found = known = ""
    if checksum is None:
        found = file_checksum(fetched).removeprefix("sha256:")
        known = recorded_checksums(root).get(path, "")
        if known not in ("", found):
            raise UnsafeFileError(
                f"what was fetched for {path} has sha256:{found}",
                expected=f"sha256:{known}, as {root / RECORD} recorded when it first came",
                mend="delete its line there if the new content is right",
            )
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    fetched.replace(target)
    if checksum is not None or known:
        return
    try:
        _record(root, path, found)
    except BaseException:
        target.unlink()  # what stands there must have been recorded
        raise
    warnings.warn(
        f"{card.name}: no checksum is known for {path}; fetched sha256 {found}, recorded in "
        f"{root / RECORD}, is trusted: what is fetched later must be the same",
        UserWarning,
        stacklevel=2,
    )


def recorded_checksums(root: Path) -> dict[str, str]:
    """Return what files without a known checksum were when they first came: path -> SHA-256.

    Args:
        root: The data root.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, RECORD).write_text(f"{'0' * 64}  tiny/edges.csv\\n")
        ...     recorded_checksums(Path(folder))["tiny/edges.csv"][:8]
        '00000000'
    """
    recorded: dict[str, str] = {}
    for line in _record_text(root).splitlines():
        entry = _RECORDED.fullmatch(line)
        if entry is not None:
            recorded.setdefault(entry[2], entry[1])
    return recorded


def _record_text(root: Path) -> str:
    try:
        return (root / RECORD).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _record(root: Path, path: str, checksum: str) -> None:
    text = _record_text(root)
    if text and not text.endswith("\n"):
        text += "\n"
    atomic_write_text(root / RECORD, f"{text}{checksum}  {path}\n")


def _not_found(card: DatasetCard, root: Path, missing: list[str], reason: str) -> DataNotFoundError:
    others = f" and {len(missing) - 1} other files" if len(missing) > 1 else ""
    mend = "name the folder that holds it with --data-root (data_root=) or GRAPHLEARN_DATA"
    for download in card.downloads:
        if _serves(download, missing[0]):
            part = f"the folder {download.member} of " if download.member else ""
            mend = f"put {part}{download.url} at {root / download.to}, or {mend}"
            break
    return DataNotFoundError(
        f"{card.name}: {missing[0]}{others} not in {root}{reason}",
        expected=f"the files of {card.source}",
        mend=mend,
    )
