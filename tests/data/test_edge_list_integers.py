"""The array parser reads what a line-by-line one reads, and refuses what is no pair of integers."""

from __future__ import annotations

import gzip
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.data.edge_list_integers import (
    NotIntegerPairs,
    parse_integer_pairs,
    read_integer_columns,
    read_integer_pairs,
)
from graphlearn.data.text_chunks import line_chunks


def by_hand(text: str, delimiter: str | None, form: str = "[0-9]{1,18}") -> list[list[int]] | None:
    """What the lines hold, one at a time; None if one is no pair of integers."""
    pairs = []
    for line in text.split("\n"):
        line = line.strip(" \t\r")
        if not line or (line[0] in "#%" and not pairs):
            continue
        fields = [f.strip(" \t\r") for f in (line.split(delimiter) if delimiter else line.split())]
        if len(fields) < 2 or not all(re.fullmatch(form, field) for field in fields[:2]):
            return None
        pairs.append([int(field) for field in fields[:2]])
    return pairs


@given(
    st.lists(st.text(alphabet="0123 \t,;#%x-.", max_size=12), max_size=8),
    st.sampled_from([None, ",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_any_text_is_read_as_by_hand(lines, delimiter, newline, keep_form) -> None:
    text = newline.join(lines) + newline
    form = "0|[1-9][0-9]{0,17}" if keep_form else "[0-9]{1,18}"
    expected = by_hand(text, delimiter, form)
    try:
        found = parse_integer_pairs([text.encode()], delimiter=delimiter, keep_form=keep_form)
    except NotIntegerPairs:
        assert expected is None
    else:
        assert found.tolist() == expected


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**18 - 1), st.integers(0, 99), st.sampled_from(["", "x", "0.5"])
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([None, ",", ";", "\t"]),
    st.integers(5, 60),
)
def test_well_formed_files_are_read_whatever_the_piece_length(rows, delimiter, size) -> None:
    mark = delimiter or " "
    lines = [mark.join([str(u), str(v), *([extra] if extra else [])]) for u, v, extra in rows]
    content = "\n".join(["# a comment", *lines]).encode()
    pieces = [content[i : i + size] for i in range(0, len(content), size)]

    class File:
        def read(self, _: int) -> bytes:
            return pieces.pop(0) if pieces else b""

    found = parse_integer_pairs(line_chunks(File(), size), delimiter=delimiter)  # type: ignore[arg-type]
    assert found.tolist() == [[u, v] for u, v, _ in rows]


@pytest.mark.parametrize(
    ("text", "delimiter", "line"),
    [
        ("0 1\n2\n", None, 2),
        ("# note\n0 1\n\n2 a\n", None, 4),
        ("0 1\n#3 4\n", None, 2),
        ("0,1\n2,3\r4,5\n", ",", 2),  # to other readers a line of its own
        ('0,1\n"2",3\n', ",", 2),
        ('0,1,a\n2,3,"b\n4,5"\n', ",", 2),
        ("0,1\n2,,3\n", ",", 2),
        ("0,1\n,2,3\n", ",", 2),
        ("0,1\n1 2,3\n", ",", 2),
        ("0,1\n1,2 3\n", ",", 2),
        ("0 1\n-1 2\n", None, 2),
        ("0 1\n1.0 2\n", None, 2),
        ("0 1\n1234567890123456789 2\n", None, 2),
        ("0 1\n٣ 2\n", None, 2),
    ],
)
def test_the_first_bad_line_is_named(text, delimiter, line) -> None:
    with pytest.raises(NotIntegerPairs, match=f"text, line {line}, does not hold"):
        parse_integer_pairs([text.encode()], delimiter=delimiter)


def test_lines_are_counted_across_pieces_and_after_skipped_ones() -> None:
    with pytest.raises(NotIntegerPairs, match="line 5"):
        parse_integer_pairs([b"a b\n0 1\n", b"0 2\n0 3\n", b"x y\n"], delimiter=None, skip_lines=1)
    found = parse_integer_pairs([b"a b\n", b"c d\n0 1\n"], delimiter=None, skip_lines=2)
    assert found.tolist() == [[0, 1]]


def test_a_byte_order_mark_and_an_empty_text() -> None:
    assert parse_integer_pairs([b"\xef\xbb\xbf0 1\n"], delimiter=None).tolist() == [[0, 1]]
    assert parse_integer_pairs([], delimiter=None).shape == (0, 2)
    assert parse_integer_pairs([b"\n \n"], delimiter=None).shape == (0, 2)
    assert parse_integer_pairs([b"# only\n% comments\n"], delimiter=None).shape == (0, 2)


def test_columns_in_any_place_and_times(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('t,to,from,what\n 2.5 ,7, 5,"a, b"\r\n3,9,7,\n')
    pairs, times = read_integer_columns(path, delimiter=",", skip_lines=1, ends=(2, 1), time=0)
    assert (pairs.tolist(), times.tolist()) == ([[5, 7], [7, 9]], [2.5, 3.0])
    path.write_text("5 7 1\n5 9 \n")
    with pytest.raises(NotIntegerPairs, match="line 2"):
        read_integer_columns(path, delimiter=None, skip_lines=0, ends=(0, 1), time=2)


def test_what_is_not_written_as_it_would_come_back(tmp_path) -> None:
    assert parse_integer_pairs([b"07 0\n"], delimiter=None).tolist() == [[7, 0]]
    with pytest.raises(NotIntegerPairs):
        parse_integer_pairs([b"07 0\n"], delimiter=None, keep_form=True)


def test_compressed_files(tmp_path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"0,1,9.5\r\n1,2,1e3"))
    assert read_integer_pairs(path, delimiter=",").tolist() == [[0, 1], [1, 2]]
