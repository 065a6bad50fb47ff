from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from graphlearn.bench.yaml_lines import YamlDocument, parse_yaml, read_yaml
from graphlearn.errors import DataNotFoundError, InputError

TEXT = "name: a\ntrain:\n  epochs: 5\n  rates: [1, 2]\n"


def test_values_are_those_of_safe_load() -> None:
    assert parse_yaml(TEXT).value == yaml.safe_load(TEXT)


def test_lines_of_nested_keys() -> None:
    document = parse_yaml(TEXT, source="a.yaml")
    assert document.lines[("train", "epochs")] == 3
    assert document.where(("train", "rates")) == "a.yaml, line 4"


def test_where_falls_back_to_the_parent_and_to_the_file() -> None:
    document = parse_yaml(TEXT, source="a.yaml")
    assert document.where(("train", "missing")) == "a.yaml, line 2"
    assert document.where(("missing",)) == "a.yaml"
    assert YamlDocument({}).where(("missing",)) == ""


def test_notes_come_before_lines() -> None:
    document = YamlDocument({"a": 1}, "a.yaml", {("a",): 1}, {("a",): "--set a=1"})
    assert document.where(("a",)) == "--set a=1"


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 1e-3), ("5e3", 5e3), ("-2E+2", -200.0), ("1.5e-3", 1.5e-3)]
)
def test_exponents_without_a_dot_are_numbers(text: str, value: float) -> None:
    assert parse_yaml(text).value == value


def test_plain_yaml_is_left_as_it_was() -> None:
    parse_yaml("1e-3")
    assert yaml.safe_load("1e-3") == "1e-3"


def test_repeated_key_is_refused_with_both_lines() -> None:
    with pytest.raises(InputError, match=r"a\.yaml, line 3: key 'x' repeats line 1"):
        parse_yaml("x: 1\ny: 2\nx: 3\n", source="a.yaml")


def test_a_python_object_is_refused() -> None:
    with pytest.raises(InputError, match="line 1: could not determine a constructor"):
        parse_yaml("x: !!python/object/apply:os.system ['true']", source="a.yaml")


def test_broken_yaml_names_the_line() -> None:
    with pytest.raises(InputError, match=r"a\.yaml, line 2"):
        parse_yaml("x: [1,\ny: 2", source="a.yaml")


def test_self_reference_ends() -> None:
    assert "a" in parse_yaml("&x {a: {b: *x}}").value


def test_empty_text_is_nothing() -> None:
    assert parse_yaml("").value is None


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="No such file"):
        read_yaml(tmp_path / "a.yaml")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not text"):
        read_yaml(tmp_path / "a.yaml")


def test_a_bottomless_document_is_refused() -> None:
    with pytest.raises(InputError, match="nested too deeply"):
        parse_yaml("[" * 3000)
