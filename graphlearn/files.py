"""Files that are either whole or not there: atomic writes, and a ledger that survives a torn line.

A process can be killed, and a disk can fill, at any instruction. A file written in place is then
half old and half new; a file written beside its name, synced, and renamed onto it is one or the
other. The folder is synced too, since a rename is an entry in the folder.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import sys
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

from graphlearn.errors import InputError, OutputError

if sys.platform != "win32":
    import fcntl

_SUFFIX = ".partial"
_MENDS = {
    errno.ENOSPC: "free some space, or choose another disk",
    errno.EDQUOT: "free some space, or ask for a larger quota",
    errno.EFBIG: "raise the limit on file size (ulimit -f), or choose another disk",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that is not read-only",
    errno.ENOTDIR: "choose a folder whose parents are folders, not files",
    errno.EEXIST: "choose a folder whose parents are folders, not files",
    errno.EISDIR: "choose a file name that is not a folder's",
}


def output_error(path: Path | str, problem: OSError) -> OutputError:
    """Turn what the operating system said about writing ``path`` into one clear line.

    Args:
        path: What was to be written.
        problem: The error that was met.

    Example:
        >>> str(output_error("runs/a", OSError(30, "Read-only file system")))
        'runs/a could not be written (Read-only file system); choose a folder that is not read-only'
    """
    reason = problem.strerror or str(problem)
    mend = _MENDS.get(problem.errno or 0, "")
    return OutputError(f"{path} could not be written ({reason})", mend=mend)


def make_folder(path: Path | str) -> Path:
    """Make a folder and its parents if they are missing, and check that it can be written to.

    Args:
        path: The folder.

    Raises:
        OutputError: If it cannot be made, or is not writable.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     make_folder(Path(folder) / "runs" / "seed-0").is_dir()
        True
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise output_error(folder, problem) from problem
    if not os.access(folder, os.W_OK | os.X_OK):
        raise output_error(folder, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    return folder


def sync_folder(folder: Path) -> None:
    """Make a new entry of ``folder`` outlast a power cut, where folders can be synced.

    Args:
        folder: The folder.

    Raises:
        OSError: If the system could, and did not.
    """
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as problem:
        # Some network and user-space file systems cannot sync a folder and say so with these.
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def atomic_write_bytes(path: Path | str, data: bytes) -> None:
    """Write ``data`` to ``path`` so that the file is the old or the new, whenever the process dies.

    Missing parent folders are made. One process at a time writes a given path.

    Args:
        path: Where to write; if it is a link, the file it points to is replaced.
        data: The whole content.

    Raises:
        OutputError: If it could not be written. What was there before is then untouched, and the
            temporary file is gone.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     atomic_write_bytes(Path(folder) / "a", b"whole")
        ...     (Path(folder) / "a").read_bytes()
        b'whole'
    """
    target = Path(os.path.realpath(path))
    make_folder(target.parent)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_SUFFIX}")
    try:
        try:
            # "x" with the default mode gives the permissions the user's umask asks for, which
            # tempfile's private 0600 would not.
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(target.parent)
    except OSError as problem:
        raise output_error(path, problem) from problem


def atomic_write_text(path: Path | str, text: str) -> None:
    r"""Write ``text`` as UTF-8 with the newlines it has; otherwise as :func:`atomic_write_bytes`.

    Args:
        path: Where to write.
        text: The whole content.

    Raises:
        OutputError: If it could not be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     atomic_write_text(Path(folder) / "a.md", "one\n")
        ...     (Path(folder) / "a.md").read_text()
        'one\n'
    """
    atomic_write_bytes(path, text.encode("utf-8"))


def remove_partial_files(path: Path | str) -> int:
    """Remove what killed writers of ``path`` left beside it, and return how many files that was.

    Call it before the first write to ``path``, never while another process may be writing it.

    Args:
        path: The file whose unfinished copies should go; the file itself is left alone.

    Raises:
        OutputError: If one cannot be removed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / ".a.0f0f0f0f.partial").write_bytes(b"hal")
        ...     remove_partial_files(Path(folder) / "a")
        1
    """
    target = Path(os.path.realpath(path))
    prefix, removed = f".{target.name}.", 0
    if not target.parent.is_dir():
        return 0
    for entry in target.parent.iterdir():
        token = entry.name.removeprefix(prefix).removesuffix(_SUFFIX)
        if entry.name == f"{prefix}{token}{_SUFFIX}" and len(token) == 8:
            try:
                entry.unlink()
            except OSError as problem:
                raise output_error(entry, problem) from problem
            removed += 1
    return removed


@contextlib.contextmanager
def _locked(file: FileIO) -> Iterator[None]:
    """Hold other appenders off while a line is written and, if need be, taken back."""
    if sys.platform == "win32":
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


@contextlib.contextmanager
def sole_use(folder: Path | str, *, wait: bool = False) -> Iterator[None]:
    """Keep other processes that ask the same out of a folder; the system frees it if this one dies.

    Nothing is left in the folder. On Windows, and on file systems without locks, nobody is kept
    out.

    Args:
        folder: The folder; made if it is missing.
        wait: Wait for whoever has it, where that can only be a moment.

    Raises:
        InputError: If another process, or an earlier call in this one, has it; not with ``wait``.
        OutputError: If it cannot be made.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, sole_use(folder):
        ...     pass  # write files here
    """
    place = make_folder(folder)
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(place, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise InputError(
                f"{place} is in use by another run",
                expected="one run at a time for each seed of a recipe",
                mend="wait for it, or choose another folder with --out",
            ) from None
        except OSError as problem:
            if problem.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOLCK):
                raise output_error(place, problem) from problem
        yield
    finally:
        os.close(descriptor)


def _json_object(text: bytes | str) -> dict[str, Any] | None:
    """Return the JSON object that ``text`` spells, or None if it spells none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _repair_tail(file: FileIO) -> None:
    """Mend a last line that has no newline.

    A line whose writer was killed is cut off. A prefix of a JSON object is never one itself, so a
    tail that is an object lacks its newline alone (an editor's doing), and is kept.
    """
    start = file.seek(0, os.SEEK_END)
    tail = b""
    while start > 0 and b"\n" not in tail:
        step = min(start, 65536)
        start = file.seek(start - step)
        tail = file.read(step) + tail
    cut = tail.rfind(b"\n") + 1
    tail, start = tail[cut:], start + cut
    if not tail:
        return
    if _json_object(tail) is not None:
        file.write(b"\n")
    else:
        file.truncate(start)


def mend_json_lines(path: Path | str) -> None:
    r"""Cut off the torn last line that a killed writer left in a file of JSON lines, if any.

    For files that others append to, who would write behind what is torn.

    Args:
        path: The file; a missing one is left missing.

    Raises:
        OutputError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.jsonl"
        ...     _ = path.write_text('{"seed": 0}\n{"seed": 1')
        ...     mend_json_lines(path)
        ...     path.read_text()
        '{"seed": 0}\n'
    """
    if not Path(path).is_file():
        return
    try:
        with Path(path).open("r+b", buffering=0) as file, _locked(file):
            _repair_tail(file)
            os.fsync(file.fileno())
    except OSError as problem:
        raise output_error(path, problem) from problem


def append_line_durably(path: Path | str, line: str) -> None:
    """Append one line of JSON to a ledger: one write, then synced to the disk.

    A torn last line, left by a writer that was killed, is cut off first. Several processes may
    append to one ledger.

    Args:
        path: The ledger; made, with its folders, if it is missing.
        line: A JSON object on one line, without the newline.

    Raises:
        InputError: If ``line`` is not a JSON object, or holds a newline.
        OutputError: If it could not be written; the ledger then has the lines it had.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     append_line_durably(Path(folder) / "ledger.jsonl", '{"seed": 0}')
        ...     read_json_lines(Path(folder) / "ledger.jsonl")
        [{'seed': 0}]
    """
    if "\n" in line or "\r" in line or _json_object(line) is None:
        raise InputError(f"line is {line[:80]!r}", expected="one JSON object without a newline")
    target = Path(os.path.realpath(path))
    make_folder(target.parent)
    whole = line.encode("utf-8") + b"\n"
    try:
        is_new = not target.exists()
        with target.open("a+b", buffering=0) as file, _locked(file):
            _repair_tail(file)
            end = file.seek(0, os.SEEK_END)
            try:
                if file.write(whole) != len(whole):  # the disk or a quota ended inside the line
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(end)
                raise
        if is_new:
            sync_folder(target.parent)
    except OSError as problem:
        raise output_error(path, problem) from problem


def read_json_lines(path: Path | str) -> list[dict[str, Any]]:
    r"""Read the whole lines of a ledger; a torn last line is left out, a missing file has none.

    Args:
        path: The ledger.

    Raises:
        InputError: If a line before the last is not a JSON object, or the file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "a.jsonl").write_text('{"seed": 0}\n{"seed": 1')
        ...     read_json_lines(Path(folder) / "a.jsonl")
        [{'seed': 0}]
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise InputError(f"{path} could not be read ({problem.strerror})") from problem
    lines = content.split(b"\n")
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        is_last = number == len(lines)  # not ended by a newline: whole only if it parses
        record = _json_object(line)
        if record is not None:
            records.append(record)
        elif not is_last:
            raise InputError(
                f"{path}, line {number}, is {line[:60].decode('utf-8', 'replace')!r}",
                expected="a JSON object on each line",
                mend="mend or delete that line",
            )
    return records
