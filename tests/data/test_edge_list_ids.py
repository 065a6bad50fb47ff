"""When ids are integers, when text, and when nobody can tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.data.edge_list_ids import as_integer, integer_ids, integers_or_names, refuse_mixed
from graphlearn.data.edge_list_names import NamedPairs
from graphlearn.errors import InputError

place = "a.csv, line {}".format


@given(st.integers(-(10**30), 10**30))
def test_integers_are_read(value: int) -> None:
    assert as_integer(str(value)) == value
    assert as_integer(f"{value:+d}") == value


@pytest.mark.parametrize("text", ["", "1_0", "1.0", " 1", "１", "٣", "1e3", "--1", "+", "0x1"])
def test_what_is_no_integer(text: str) -> None:
    assert as_integer(text) is None


def test_very_long_numbers_are_out_of_range() -> None:
    assert as_integer("9" * 10_000) == 2**64
    assert as_integer("-" + "9" * 10_000) == -(2**64)
    assert as_integer("0" * 10_000 + "7") == 7


def test_plain_integers_are_integers_and_others_text() -> None:
    assert integer_ids(["10", "0"], place) == [10, 0]
    assert integer_ids(["10", "ann"], place) is None
    for odd in ("007", "+7", "00"):
        assert integer_ids(["10", odd], place) is None
        assert integer_ids(["10", odd], place, any_form=True) == [10, int(odd)]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["3", "-5"], "line 1, holds node id -5: expected ids >= 0; pass --text-ids"),
        (["3", str(2**63)], "expected ids below 2..63; pass --text-ids"),
        (["3", "9" * 5000], "line 1, holds node id 9{40}[.]{3}: "),
        (["3", "5", "003"], "line 2, holds node id 003, which stands elsewhere as 3"),
        (["+3", "3"], "line 1, holds node id 3, which stands elsewhere as [+]3"),
    ],
)
def test_refused(names: list[str], text: str) -> None:
    with pytest.raises(InputError, match=text):
        integer_ids(names, place)


def named(*rows: tuple[str, str]) -> NamedPairs:
    numbers: dict[str, int] = {}
    lines = {}
    for line, row in enumerate(rows, start=1):
        for name in row:
            numbers.setdefault(name, len(numbers))
            lines.setdefault(name, line)
    pairs = np.array([[numbers[name] for name in row] for row in rows])
    return NamedPairs(pairs, list(numbers), list(lines.values()))


def test_files() -> None:
    found = integers_or_names("a.csv", named(("7", "3"), ("3", "9")))
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [[7, 3], [3, 9]]
    for rows in (
        [("ann", "7")],
        [("#a", "1"), ("#a", "2")],
        [("1_0", "2_0")],
        [("00501", "10001")],
    ):
        assert isinstance(integers_or_names("a.csv", named(*rows)), NamedPairs)
    with pytest.raises(InputError, match="line 2, starts with '#' among pairs of integers"):
        integers_or_names("a.csv", named(("1", "2"), ("#", "2"), ("2", "3")))
    with pytest.raises(InputError, match="row 1, holds node id 1.5"):
        integers_or_names("a.parquet", named(("1.5", "2")), row="row")


def test_mixed_ids() -> None:
    refuse_mixed("a.csv", ["007", "8"])
    with pytest.raises(InputError, match="mixes integers such as '8' and text such as 'ann'"):
        refuse_mixed("a.csv", ["8", "ann"])
