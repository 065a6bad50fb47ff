"""What node ids are: integers, or text.

Ids stay as they are written. ``3`` is an integer; ``007`` and ``+49`` would come back as ``7`` and
``49``, so one such id makes the ids of its file text, and a file that writes one number in two ways
is refused, because nobody can tell whether it means one node or two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from graphlearn.data.edge_list_names import COMMENTS, NamedPairs
from graphlearn.errors import InputError

_INTEGER = re.compile(r"[+-]?[0-9]+")
_PLAIN = re.compile(r"0|[1-9][0-9]*")
_MOST_DIGITS = 40  # Python takes long to read very long numbers, and refuses the longest.

TEXT_IDS = "pass --text-ids (text_ids=True) to fit, to take ids as text"
"""The mend of whatever ids as text mend."""


def as_integer(text: str) -> int | None:
    """The integer that a text is, of ASCII digits with or without a sign; None if it is none.

    A number of more than 40 digits counts as 2**64 or its negative: out of range, in any case.

    Example:
        >>> as_integer("-07"), as_integer("1_0"), as_integer("٣")
        (-7, None, None)
    """
    if not _INTEGER.fullmatch(text):
        return None
    if len(text) > _MOST_DIGITS and len(text.lstrip("+-0")) > _MOST_DIGITS:
        return -(2**64) if text[0] == "-" else 2**64
    return int(text.lstrip("+-0") or "0") * (-1 if text[0] == "-" else 1)


def integer_ids(
    names: Sequence[str], place: Callable[[int], str], *, any_form: bool = False
) -> list[int] | None:
    """The integers that ids are, or None if they are text.

    Args:
        names: Distinct ids.
        place: Where each stands, for the error text: such as ``"a.csv, line 3"``.
        any_form: Take ``07`` and ``+7`` for 7, where ids are known to be numbers of nodes.

    Raises:
        InputError: If all are integers and one is negative or too large, or two of them are one
            number.

    Example:
        >>> integer_ids(["10", "2"], "line {}".format)
        [10, 2]
        >>> integer_ids(["00501", "10001"], "line {}".format) is None
        True
    """
    values = []
    for name in names:
        value = as_integer(name)
        if value is None:
            return None
        values.append(value)
    below = next((i for i, name in enumerate(names) if name.startswith("-")), None)
    if below is not None:
        raise InputError(
            f"{place(below)}, holds node id {names[below]}", expected="ids >= 0", mend=TEXT_IDS
        )
    if any_form or all(_PLAIN.fullmatch(name) for name in names):
        above = next((i for i, value in enumerate(values) if value >= 2**63), None)
        if above is not None:
            raise InputError(
                f"{place(above)}, holds node id {_short(names[above])}",
                expected="ids below 2**63",
                mend=TEXT_IDS,
            )
        return values
    known: dict[int, str] = {}
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        other = known.setdefault(value, name)
        if other != name and value < 2**64:
            raise InputError(
                f"{place(i)}, holds node id {name}, which stands elsewhere as {other}",
                expected="each number written in one way",
                mend="mend the file, or " + TEXT_IDS,
            )
    return None


def _short(name: str) -> str:
    return name if len(name) <= _MOST_DIGITS else f"{name[:_MOST_DIGITS]}..."


def integers_or_names(
    where: str, found: NamedPairs, *, any_form: bool = False, row: str = "line"
) -> np.ndarray | NamedPairs:
    """Decide what the ids of a file are, from their text, once all are known.

    Args:
        where: What to call the file.
        found: What was read.
        any_form: Take ``07`` for 7.
        row: What ``found.lines`` counts.

    Raises:
        InputError: If they are numbers that cannot be ids (negative, too large, not whole, one
            number written in two ways), or a comment stands among pairs of integers.

    Example:
        >>> found = NamedPairs(np.array([[0, 1]]), ["7", "3"], [1, 1])
        >>> integers_or_names("a.csv", found)
        array([[7, 3]])
    """

    def place(number: int) -> str:
        return f"{where}, {row} {found.lines[number]}"

    values = integer_ids(found.names, place, any_form=any_form)
    if values is not None:
        numbered: np.ndarray = np.array(values, dtype=np.int64)[found.pairs]
        return numbered
    if all(_is_number(name) for name in found.names):
        if all(_INTEGER.fullmatch(name) for name in found.names):
            return found
        number = next(i for i, name in enumerate(found.names) if not _INTEGER.fullmatch(name))
        raise InputError(
            f"{place(number)}, holds node id {found.names[number]}",
            expected="whole numbers or names",
            mend="write the ids without a decimal point, or " + TEXT_IDS,
        )
    if row == "line":
        _refuse_late_comment(where, found)
    return found


def refuse_mixed(where: str, names: Sequence[str]) -> None:
    """Refuse ids of which some are integers and others are not.

    Raises:
        InputError: If they are.

    Example:
        >>> refuse_mixed("a.csv", ["ann", "bob"])
    """
    integer = next((name for name in names if _INTEGER.fullmatch(name)), None)
    name = next((name for name in names if not _INTEGER.fullmatch(name)), None)
    if integer is not None and name is not None:
        raise InputError(
            f"{where} mixes integers such as {integer!r} and text such as {name!r} as node ids",
            expected="one type of ids",
            mend="mend the file, or " + TEXT_IDS,
        )


def _refuse_late_comment(where: str, found: NamedPairs) -> None:
    """Among pairs of integers a line such as ``# 12 nodes`` is no edge."""
    integer = np.array([_INTEGER.fullmatch(name) is not None for name in found.names])
    whole = integer[found.pairs].all(axis=1)
    if not whole.any():
        return
    odd = found.pairs[~whole]
    if all(found.names[first].startswith(COMMENTS) for first in np.unique(odd[:, 0]).tolist()):
        first, second = odd[0].tolist()
        line = found.lines[first if not integer[first] else second]
        raise InputError(
            f"{where}, line {line}, starts with {found.names[first][0]!r} among pairs of integers",
            expected="comments before the first edge alone",
            mend="leave the line out",
        )


def _is_number(name: str) -> bool:
    if not name.isascii() or "_" in name:  # which Python's own reading of numbers takes
        return False
    try:
        float(name)
    except ValueError:
        return False
    return True
