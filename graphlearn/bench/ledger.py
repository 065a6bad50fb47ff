"""The append-only record of finished seeds: one JSON object a line, never rewritten."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from graphlearn.bench.seed_result import SeedResult
from graphlearn.errors import DataNotFoundError
from graphlearn.files import append_line_durably, read_json_lines


class Ledger:
    """Finished seeds in a JSON-lines file.

    A last line that a killed writer left torn is passed over in reading and mended in writing; the
    seed it was for then counts as unfinished.

    Args:
        path: The file; it need not exist yet.

    Example:
        >>> import tempfile
        >>> row = SeedResult("cn", "cora", 0, "ab", "cd", "ncn-planetoid", {"auc": 0.7})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ledger = Ledger(Path(folder) / "ledger.jsonl")
        ...     ledger.append(row)
        ...     ledger.rows() == [row]
        True
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def append(self, row: SeedResult) -> None:
        """Add one finished seed, on the disk when this returns.

        Raises:
            OutputError: If it cannot be written.
        """
        append_line_durably(self.path, json.dumps(row.to_mapping(), separators=(",", ":")))

    def rows(self, *, must_exist: bool = False) -> list[SeedResult]:
        """Return every row, oldest first; of rows with one key the first.

        Args:
            must_exist: Whether a missing file is an error rather than an empty ledger.

        Raises:
            InputError: If a line is not a row.
            DataNotFoundError: If the file is missing and must exist.
        """
        if must_exist and not self.path.is_file():
            raise DataNotFoundError(
                f"no ledger at {self.path}", expected="the ledger.jsonl that a run wrote",
                mend="name it with --ledger",
            )  # fmt: skip
        found: dict[tuple[str, str, int, str], SeedResult] = {}
        for number, mapping in enumerate(read_json_lines(self.path), start=1):
            row = SeedResult.from_mapping(mapping, where=f"{self.path}, row {number}")
            found.setdefault(row.key, row)
        return list(found.values())

    def finished(self, keys: Iterable[tuple[str, str, int, str]]) -> list[SeedResult]:
        """Return the rows that already answer any of ``keys``."""
        wanted = set(keys)
        return [row for row in self.rows() if row.key in wanted]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"
