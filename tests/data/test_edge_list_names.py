"""Names, quotes, comments and line numbers of the general path."""

from __future__ import annotations

import pytest

from graphlearn.data.edge_list_names import (
    NamedPairs,
    data_lines,
    read_name_columns,
    read_name_pairs,
    rows,
)
from graphlearn.errors import InputError


def write(tmp_path, text: str | bytes):
    path = tmp_path / "edges.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_names_are_numbered_in_order_of_appearance(tmp_path) -> None:
    found = read_name_pairs(write(tmp_path, "cem ann 3\nann bob\n"), delimiter=None)
    assert isinstance(found, NamedPairs)
    assert found.names == ["cem", "ann", "bob"]
    assert found.pairs.tolist() == [[0, 1], [1, 2]]
    assert found.lines == [1, 1, 2]


def test_quotes_spaces_and_other_scripts(tmp_path) -> None:
    text = '\ufeff# note\n"Doe, Ann" , Zoë\nZoë,李\r\n'
    found = read_name_pairs(write(tmp_path, text), delimiter=",")
    assert found.names == ["Doe, Ann", "Zoë", "李"]


def test_line_numbers_count_comments_and_blank_lines(tmp_path) -> None:
    path = write(tmp_path, "# note\n% more\nann,bob\n\ncem,dan\n")
    assert list(rows(path, ",")) == [(3, ["ann", "bob"]), (5, ["cem", "dan"])]
    assert [number for number, _ in data_lines(path)] == [3, 5]
    assert read_name_pairs(path, delimiter=",", skip_lines=3).names == ["cem", "dan"]


def test_hashtags_after_the_first_line_are_ids(tmp_path) -> None:
    path = write(tmp_path, "# a comment\nsource,target\n#cats,ann\n%,#cats\n")
    assert [number for number, _ in data_lines(path)] == [2, 3, 4]
    assert read_name_pairs(path, delimiter=",", skip_lines=2).names == ["#cats", "ann", "%"]
    with pytest.raises(InputError, match="line 2, holds .*write comments before the first edge"):
        read_name_pairs(write(tmp_path, "ann,bob\n# a comment\n"), delimiter=",")


def test_columns_in_any_place_and_times(tmp_path) -> None:
    path = write(tmp_path, "2,bob,x,ann\n2.5,cem,y,bob\n")
    found, times = read_name_columns(path, delimiter=",", ends=(3, 1), time=0)
    assert (found.names, found.pairs.tolist()) == (["ann", "bob", "cem"], [[0, 1], [1, 2]])
    assert times.tolist() == [2.0, 2.5]
    with pytest.raises(InputError, match="line 1, has no time"):
        read_name_columns(path, delimiter=",", ends=(3, 1), time=4)


@pytest.mark.parametrize(
    ("text", "where"),
    [("ann,bob\ncem\n", "line 2"), ("ann,\n", "line 1"), ("# x\n,bob\n", "line 2")],
)
def test_missing_names_are_refused_with_the_line(tmp_path, text, where) -> None:
    with pytest.raises(InputError, match=f"{where}, holds .*expected two node ids"):
        read_name_pairs(write(tmp_path, text), delimiter=",")


def test_bytes_that_are_no_text_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="expected text in UTF-8"):
        read_name_pairs(write(tmp_path, b"\xff\xfeann\x00"), delimiter=None)
    huge = b'"' + b"a" * 200_000 + b'",b\n'
    with pytest.raises(InputError, match="line 1, cannot be read"):
        read_name_pairs(write(tmp_path, huge), delimiter=",")
