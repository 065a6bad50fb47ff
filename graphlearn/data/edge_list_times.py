"""Times of edges: numbers, or dates as seconds since 1970, a block of rows at once."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlearn.errors import InputError

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_EXPECTED = "a number >= 0, or a date"
# The layouts of dates that numpy reads at once: what stands at each place.
_DATE = "dddd-dd-dd"
_LAYOUTS = {
    len(layout): layout
    for layout in (
        _DATE,
        _DATE + "Tdd:dd",
        _DATE + "Tdd:dd:dd",
        _DATE + "Tdd:dd:dd.ddd",
        _DATE + "Tdd:dd:dd.dddddd",
    )
}


def parse_time(text: str) -> tuple[float, bool]:
    """A time as a number, and whether it was written as a date, which becomes seconds.

    A date without a zone is taken as UTC.

    Raises:
        ValueError: If it is neither a number nor a date in ISO 8601, or is not finite.

    Example:
        >>> parse_time("12.5"), parse_time("1970-01-02")
        ((12.5, False), (86400.0, True))
    """
    if _NUMBER.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(text)
        return value, False
    when = datetime.datetime.fromisoformat(text)
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return when.timestamp(), True


class TimeColumn:
    """Reads the texts of one column, block after block, and holds that they are of one kind.

    Args:
        where: What a row is called in errors, by its number.

    Example:
        >>> read = TimeColumn("a.csv, line {}".format)
        >>> read(np.array(["3", "4.5"]), np.array([2, 3])).tolist()
        [3.0, 4.5]
        >>> read(np.array(["2010-02-01"]), np.array([4]))
        Traceback (most recent call last):
        graphlearn.errors.InputError: a.csv, line 4, has the date '2010-02-01' and line 2 the \
number '3': expected numbers or dates in the whole column
    """

    def __init__(self, where: Callable[[int], str]) -> None:
        self.where = where
        self._first: tuple[int, str, bool] | None = None

    def __call__(self, texts: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Read a block.

        Args:
            texts: Bytes or text.
            rows: The number of each one's row, for errors.

        Shapes:
            - **texts**, **rows**: ``[L]``; **output**: ``[L]`` float64

        Raises:
            InputError: If one is missing, negative, neither a number nor a date, or not of the
                kind of the ones before.
        """
        if len(texts) == 0:
            return np.empty(0)
        codes = _ascii(texts)
        values, dates = None if codes is None else _numbers(codes), False
        if values is None and codes is not None:
            values, dates = _dates(codes), True
        if values is None or not np.isfinite(values).all() or (not dates and values.min() < 0):
            return np.array([self._one(_text(t), int(r)) for t, r in zip(texts, rows, strict=True)])
        self._keep_kind(_text(texts[0]), int(rows[0]), dates)
        return values

    def _one(self, text: str, row: int) -> float:
        if not text:
            raise InputError(f"{self.where(row)}, has no time", expected=_EXPECTED)
        try:
            value, is_date = parse_time(text)
        except (ValueError, OverflowError):
            raise InputError(
                f"{self.where(row)}, has the time {text!r}", expected=_EXPECTED
            ) from None
        if value < 0 and not is_date:
            raise InputError(f"{self.where(row)}, has the negative time {text}", expected=_EXPECTED)
        self._keep_kind(text, row, is_date)
        return value

    def _keep_kind(self, text: str, row: int, is_date: bool) -> None:
        if self._first is None:
            self._first = (row, text, is_date)
        first, example, was_date = self._first
        if is_date != was_date:
            kinds = ("number", "date")
            earlier = self.where(first).rpartition(", ")[2]
            raise InputError(
                f"{self.where(row)}, has the {kinds[is_date]} {text!r} and {earlier} the "
                f"{kinds[was_date]} {example!r}",
                expected="numbers or dates in the whole column",
            )


def times_of_values(values: np.ndarray, where: Callable[[int], str]) -> np.ndarray:
    """Times of numbers, dates or texts that are in memory.

    Args:
        values: Integers, floats, ``datetime64``, or objects (texts, dates, None).
        where: What a row is called in errors, by its number from 0.

    Shapes:
        - **values**: ``[L]``; **output**: ``[L]`` float64

    Raises:
        InputError: If a value is missing, a negative number, or no time; or kinds are mixed.

    Example:
        >>> times_of_values(np.array(["1969-12-31"], dtype="datetime64[s]"), "row {}".format)
        array([-86400.])
    """
    if values.dtype.kind == "M":
        missing = np.isnat(values)
        if missing.any():
            row = int(np.flatnonzero(missing)[0])
            raise InputError(f"{where(row)}, has no time", expected=_EXPECTED)
        return values.astype("datetime64[us]").astype(np.int64) / 1e6
    if values.dtype.kind in "iuf":
        times = values.astype(np.float64)
        for wrong, what in (
            (np.isnan(times), "has no time"),
            (np.isinf(times), "has an infinite time"),
            (times < 0, "has the negative time {}"),
        ):
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                raise InputError(f"{where(row)}, {what.format(values[row])}", expected=_EXPECTED)
        return times
    rows = np.arange(len(values))
    texts = np.array([_as_text(value) for value in values.tolist()])
    return TimeColumn(where)(texts, rows)


def _as_text(value: Any) -> str:
    if value is None or value != value or str(value) == "NaT":  # NaN is not itself
        return ""
    is_date = isinstance(value, datetime.date)
    return value.isoformat() if is_date else str(value).strip()


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _ascii(texts: np.ndarray) -> np.ndarray | None:
    try:
        return np.ascontiguousarray(texts if texts.dtype.kind == "S" else texts.astype(bytes))
    except UnicodeEncodeError:
        return None


def _numbers(texts: np.ndarray) -> np.ndarray | None:
    if (texts.view(np.uint8) == ord("_")).any():  # numpy reads 1_0 as 10
        return None
    try:
        return texts.astype(np.float64)
    except ValueError:
        return None


def _dates(texts: np.ndarray) -> np.ndarray | None:
    """Seconds of dates that are all of one layout, or None."""
    width = texts.dtype.itemsize
    codes = texts.view(np.uint8).reshape(len(texts), width)
    if (codes[:, -1] == ord("Z")).all():
        width -= 1
    layout = _LAYOUTS.get(width)
    if layout is None:
        return None
    for place, mark in enumerate(layout):
        code = codes[:, place]
        if mark == "d":
            good = code - np.uint8(ord("0")) <= 9
        elif mark == "T":
            good = (code == ord("T")) | (code == ord(" "))
        else:
            good = code == ord(mark)
        if not good.all():
            return None
    body = np.ascontiguousarray(codes[:, :width]).view(f"S{width}").ravel()
    try:
        return body.astype("datetime64[us]").astype(np.int64) / 1e6
    except ValueError:
        return None
