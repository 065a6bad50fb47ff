from __future__ import annotations

from typing import Any, Literal

import pytest

from graphlearn.bench.plain_values import conform, describe
from graphlearn.errors import InputTypeError


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (1, int, 1),
        (1, float, 1.0),
        (0.5, float, 0.5),
        (True, bool, True),
        ("a", str, "a"),
        (None, int | None, None),
        (3, int | None, 3),
        (3, float | int, 3),
        ("sum", Literal["sum", "gcn"], "sum"),
        (["a", "b"], tuple[str, ...], ("a", "b")),
        ([1, 2], tuple[int, int], (1, 2)),
        ([1, 2], list[float], [1.0, 2.0]),
        ([1], int | tuple[int, ...], (1,)),
        ({"a": 1}, dict[str, float], {"a": 1.0}),
        ({"x": []}, Any, {"x": []}),
    ],
)
def test_fits(value: Any, annotation: Any, expected: Any) -> None:
    result = conform(value, annotation, name="key")
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (True, int),
        (True, float),
        (1, bool),
        (1.5, int),
        ("1", int),
        (1, str),
        (None, int),
        ("mean", Literal["sum", "gcn"]),
        (1, Literal[True]),
        (["a", 1], tuple[str, ...]),
        ([1], tuple[int, int]),
        ("ab", tuple[str, ...]),
        ({1: 2.0}, dict[str, float]),
        ({"a": "b"}, dict[str, float]),
        (1, object),
    ],
)
def test_does_not_fit(value: Any, annotation: Any) -> None:
    with pytest.raises(InputTypeError):
        conform(value, annotation, name="key")


def test_the_error_names_place_key_value_and_type() -> None:
    with pytest.raises(InputTypeError) as caught:
        conform("five", int | None, name="train.epochs", where="a.yaml, line 3")
    assert str(caught.value) == (
        "a.yaml, line 3: train.epochs is 'five' (text): expected an integer or null"
    )


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (bool, "true or false"),
        (tuple[str, ...], "a list of texts"),
        (tuple[int, ...], "a list of integers"),
        (dict[str, float], "a mapping of names to values"),
        (Literal["a", "b"], "one of a, b"),
        (bytes, "a bytes, which a recipe cannot hold"),
    ],
)
def test_describe(annotation: Any, words: str) -> None:
    assert describe(annotation) == words
