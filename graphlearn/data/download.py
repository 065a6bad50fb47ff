"""Fetching the missing files of a card: into a temporary folder, checked, then renamed into place.

Nothing half-fetched or unchecked is ever seen under its final name, and a complete data root is
never written to. A download that was cut off goes on where it was
(:mod:`graphlearn.data.transfer`), and nothing ever asks.
"""

from __future__ import annotations

import http.client
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
from graphlearn.errors import DataNotFoundError, GraphLearnError, UnsafeFileError
from graphlearn.files import output_error, sole_use

_FETCH_PROBLEMS = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    zipfile.BadZipFile,
    zlib.error,
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
"""File under the data root that records what files without a known checksum turned out to be."""


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
        UnsafeFileError: If what was fetched is not what the card states, or an archive holds a
            path outside its folder.
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
        for path in wanted:
            member = download.member + path.removeprefix(download.to.rstrip("/"))
            try:
                source = archive.open(member)
            except KeyError:
                raise DataNotFoundError(
                    f"{download.url} holds no {member}", expected=f"the file for {path}"
                ) from None
            extracted = folder / "member"
            with source, extracted.open("wb") as file:
                shutil.copyfileobj(source, file)
            _install(card, path, extracted, root)


def check_members(archive: zipfile.ZipFile, url: str) -> None:
    """Refuse an archive with a member that would leave its folder, or that is a link.

    Args:
        archive: The open archive.
        url: Where it came from, for the error text.

    Raises:
        UnsafeFileError: If a member is absolute, climbs with ``..``, or is a symbolic link.

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


def _install(card: DatasetCard, path: str, fetched: Path, root: Path) -> None:
    checksum = card.files[path]
    check_file(fetched, checksum, shown_as=f"what was fetched for {path}")
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if checksum is None:
        found = file_checksum(fetched).removeprefix("sha256:")
        with (root / RECORD).open("a", encoding="utf-8") as record:
            record.write(f"{found}  {path}\n")
        warnings.warn(
            f"{card.name}: no checksum is known for {path}; fetched sha256 {found}, recorded in "
            f"{root / RECORD}",
            UserWarning,
            stacklevel=2,
        )
    fetched.replace(target)


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
