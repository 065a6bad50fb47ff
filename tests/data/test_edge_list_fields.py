"""Fields of whole pieces of text are those that a line-by-line reader finds."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.data.edge_list_fields import BadLine, FieldBounds, find_fields, require


def fields(text: str, delimiter: str | None, places: list[int], **options: bool) -> list[list[str]]:
    array = np.frombuffer(text.encode(), dtype=np.uint8)
    found = find_fields(array, delimiter, places, **options)
    assert isinstance(found, FieldBounds)
    return [
        [text[a:b] for a, b in zip(start, end, strict=True)]
        for start, end in zip(found.start.T.tolist(), found.end.T.tolist(), strict=True)
    ]


@given(
    st.lists(st.text(alphabet='ab1 \t,;#"', max_size=12), max_size=8),
    st.sampled_from([None, ",", ";", "\t"]),
    st.lists(st.integers(0, 3), min_size=1, max_size=3),
)
def test_as_line_by_line(lines, delimiter, places) -> None:
    text = "".join(line + "\n" for line in lines)
    expected: list[list[str]] | None = []
    kept = [line for line in text.splitlines(keepends=True) if line.strip()]
    split = csv.reader(kept, delimiter=delimiter) if delimiter else map(str.split, kept)
    for row in split:
        if expected is not None and len(row) > max(places):
            expected.append([row[place].strip() for place in places])
        else:
            expected = None
    try:
        found = fields(text, delimiter, places)
    except BadLine:
        assert expected is None or '"' in text
    else:
        assert found == expected


def test_comments_come_first() -> None:
    text = "# a\n\n % b\n1 2\n#3 4\n"
    assert fields(text, None, [1, 0], comments=True) == [["2", "1"], ["4", "#3"]]
    assert fields("# a\n% b\n", None, [0], comments=True) == []
    assert fields("# a\n", None, [0]) == [["#"]]


def test_long_runs_of_spaces() -> None:
    assert fields(" " * 500 + "1," + " " * 500 + "2\n", ",", [0, 1]) == [["1", "2"]]
    with pytest.raises(BadLine):
        fields("1" + " " * 500 + ",2\n", ",", [0, 1])


def test_the_first_bad_line() -> None:
    with pytest.raises(BadLine) as caught:
        require(np.array([True, False, False]), np.array([2, 5, 7]))
    assert caught.value.line == 5
    with pytest.raises(BadLine) as caught:
        fields('1,2\n"3,4\n', ",", [0])
    assert caught.value.line == 1
