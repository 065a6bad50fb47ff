from __future__ import annotations

import inspect
import pickle

import pytest

from graphlearn import errors
from graphlearn.errors import (
    CheckpointError,
    DataNotFoundError,
    DivergedError,
    GraphLearnError,
    InconsistentScoresError,
    InputError,
    InputTypeError,
    LeakError,
    MissingExtraError,
    OutputError,
    UnknownNameError,
    UnsafeFileError,
)

FAMILY = [
    c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__
]


@pytest.mark.parametrize("cls", FAMILY)
def test_one_family(cls: type[GraphLearnError]) -> None:
    assert issubclass(cls, GraphLearnError)
    error = cls("given", expected="this", mend="do that")
    assert str(error) == "given: expected this; do that"
    assert (error.given, error.expected, error.mend) == ("given", "this", "do that")


@pytest.mark.parametrize(
    ("expected", "mend", "text"),
    [
        ("", "", "k is 0"),
        ("k >= 1", "", "k is 0: expected k >= 1"),
        ("", "pass k=1", "k is 0; pass k=1"),
        ("k >= 1", "pass k=1", "k is 0: expected k >= 1; pass k=1"),
    ],
)
def test_text_leaves_out_what_is_not_said(expected: str, mend: str, text: str) -> None:
    assert str(InputError("k is 0", expected=expected, mend=mend)) == text


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (InputError, ValueError),
        (InputTypeError, TypeError),
        (UnknownNameError, ValueError),
        (LeakError, ValueError),
        (InconsistentScoresError, ValueError),
        (UnsafeFileError, ValueError),
        (CheckpointError, ValueError),
        (DataNotFoundError, FileNotFoundError),
        (OutputError, OSError),
        (MissingExtraError, ImportError),
        (DivergedError, ArithmeticError),
    ],
)
def test_existing_except_clauses_keep_working(cls: type[GraphLearnError], builtin: type) -> None:
    with pytest.raises(builtin, match="^given: expected this$"):
        raise cls("given", expected="this")


@pytest.mark.parametrize("cls", FAMILY)
def test_survives_pickling(cls: type[GraphLearnError]) -> None:
    """An error raised in a worker process reaches the parent with its text."""
    error = pickle.loads(pickle.dumps(cls("given", expected="this", mend="do that")))
    assert type(error) is cls
    assert str(error) == "given: expected this; do that"
