"""Which delimiter, and is the first line a header?"""

from __future__ import annotations

from pathlib import Path

import pytest

from graphlearn.data.edge_list_format import (
    EdgeListFormat,
    check_columns,
    detect_delimiter,
    detect_format,
    is_parquet,
)
from graphlearn.errors import InputError


def write(tmp_path, text: str) -> Path:
    path = tmp_path / "edges.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "delimiter", "skip_lines"),
    [
        ("0 1\n", None, 0),
        ("0   1 0.5\n", None, 0),
        ("0\t1\n", "\t", 0),
        ("0,1\n", ",", 0),
        ("0;1\n", ";", 0),
        ("Doe, Ann\tRoe, Bob\n", "\t", 0),
        ("# Nodes: 2, Edges: 1\n# FromNodeId\tToNodeId\n0 1\n", None, 0),
        ("source,target\n0,1\n", ",", 1),
        ("# note\n\nSource,Target,Weight\nann,bob,1\n", ",", 3),
        ("from to\nann bob\n", None, 1),
        ("buyer,seller\n0,1\n", ",", 1),
        ("ann,bob\ncem,dan\n", ",", 0),
        ("ann,1\n0,1\n", ",", 0),
        ("0,1\nann,bob\n", ",", 0),
        ("ann,bob\n", ",", 0),
        ("-1,2\n3,4\n", ",", 0),
    ],
)
def test_layouts(tmp_path, text, delimiter, skip_lines) -> None:
    assert detect_format(write(tmp_path, text)) == EdgeListFormat(delimiter, skip_lines)


def test_what_is_said_is_taken(tmp_path) -> None:
    path = write(tmp_path, "a|b\nb|c\n")
    assert detect_format(path, delimiter="|", header=True) == EdgeListFormat("|", 1)
    assert detect_format(write(tmp_path, "source,target\n0,1\n"), header=False).skip_lines == 0
    assert detect_format(write(tmp_path, "a,b c\n"), delimiter=" ").delimiter is None


@pytest.mark.parametrize("delimiter", ["", ", ", "\n", "1", "a", '"', "#"])
def test_impossible_delimiters_are_refused(tmp_path, delimiter) -> None:
    with pytest.raises(InputError, match="delimiter is"):
        detect_format(write(tmp_path, "0 1\n"), delimiter=delimiter)


def test_no_line_but_comments(tmp_path) -> None:
    with pytest.raises(InputError, match="holds no edges"):
        detect_format(write(tmp_path, "# nothing\n\n"))


@pytest.mark.parametrize("header", [",source,target", "id,source,target", "weight,from,to"])
def test_columns_that_would_be_misread_are_refused(tmp_path, header) -> None:
    with pytest.raises(InputError, match="expected the two ends of an edge in the first two"):
        detect_format(write(tmp_path, f"{header}\n0,5,6\n"))


def test_usual_columns_pass() -> None:
    for names in (["source", "target"], ["a", "b", "c"], ["source", "target", "to"], ["x", ""]):
        check_columns(Path("a.csv"), names)


def test_kinds_of_files(tmp_path) -> None:
    assert is_parquet(Path("a.parquet"))
    assert not is_parquet(Path("a.edges.gz"))
    with pytest.raises(InputError, match="a.xlsx is of an unknown format"):
        is_parquet(Path("a.xlsx"))
    assert detect_delimiter(write(tmp_path, "# a,b\na;b\n")) == ";"
