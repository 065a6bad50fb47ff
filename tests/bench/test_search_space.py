from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.bench.search_space import Space, as_spaces, parse_search, parse_space
from graphlearn.errors import GraphLearnError, InputError, InputTypeError, UnknownNameError

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)


@pytest.mark.parametrize(
    ("text", "space"),
    [
        ("uniform(0,0.7)", Space("uniform", 0, 0.7)),
        (" log( 1e-4 , 1e-1 ) ", Space("log", 1e-4, 0.1)),
        ("int(1,4)", Space("int", 1, 4)),
        ("int(4,4)", Space("int", 4, 4)),
        ("uniform(-1,1)", Space("uniform", -1, 1)),
        ("choice(512,1152,2048)", Space("choice", values=(512, 1152, 2048))),
        ("choice([15,10],[5,5])", Space("choice", values=([15, 10], [5, 5]))),
        ("choice(true,null,1,1.0)", Space("choice", values=(True, None, 1, 1.0))),
        ("choice({name: lcm, shuffle: true}, max)",
         Space("choice", values=({"name": "lcm", "shuffle": True}, "max"))),
        ("choice('a, b',c)", Space("choice", values=("a, b", "c"))),
        ("choice(gcn)", Space("choice", values=("gcn",))),
    ],
)  # fmt: skip
def test_spaces_are_read(text: str, space: Space) -> None:
    assert parse_space(text) == space


def test_values_that_are_written_alike_cannot_be_told_apart() -> None:
    with pytest.raises(InputError, match="none twice"):
        parse_space("choice(1,'1')")


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("", InputError, r"'': expected uniform\(low,high\)"),
        ("5", InputError, "'5': expected uniform"),
        ("log(1,2", InputError, "expected uniform"),
        ("log 1,2", InputError, "expected uniform"),
        ("log(1,2) x", InputError, "expected uniform"),
        ("log(1,)", InputError, "expected uniform"),
        ("choice()", InputError, "expected uniform"),
        ("choice(1,,2)", InputError, "expected uniform"),
        ("log(1)", InputError, r"has 1 bounds: expected log\(low,high\)"),
        ("int(1,2,3)", InputError, "has 3 bounds"),
        ("unifrom(0,1)", UnknownNameError, "'unifrom'.*did you mean 'uniform'"),
        ("log(0,1)", InputError, r"log\(0,1\): expected a lower bound above 0; use uniform\(0,1\)"),
        ("log(-1,1)", InputError, "lower bound above 0"),
        ("uniform(2,1)", InputError, r"the lower bound first; use uniform\(1,2\)"),
        ("int(2,1)", InputError, "the lower bound first"),
        ("int(1.5,2)", InputTypeError, "has the bound 1.5: expected integers"),
        ("int(1,1e3)", InputTypeError, "has the bound 1000.0: expected integers"),
        ("int(true,2)", InputTypeError, "has the bound True"),
        ("uniform(a,2)", InputTypeError, "has the bound 'a': expected numbers"),
        ("uniform([1],2)", InputTypeError, r"has the bound \[1\]"),
        ("uniform(0,.inf)", InputError, "has the bound inf: expected finite"),
        ("uniform(.nan,1)", InputError, "has the bound nan"),
        ("choice(1,1)", InputError, "none twice"),
        ("choice([1)", InputError, "YAML"),
    ],
)
def test_what_is_no_space(text: str, error: type[GraphLearnError], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        parse_space(text)
    assert "\n" not in str(caught.value)
    with pytest.raises(error, match="--search a.b: "):
        parse_search([f"a.b={text}"])


@given(FINITE, FINITE)
def test_its_text_is_exact(one: float, two: float) -> None:
    space = Space("uniform", min(one, two), max(one, two))
    assert parse_space(str(space)) == space
    assert space.contains(one)
    assert space.contains(two)


def test_values_in_and_out() -> None:
    assert Space("int", 1, 4).contains(4)
    assert not Space("int", 1, 4).contains(2.0)
    assert not Space("int", 1, 4).contains(5)
    assert not Space("uniform", 0, 1).contains(True)
    assert not Space("uniform", 0, 1).contains("x")
    assert Space("choice", values=([1], None)).contains([1])
    assert not Space("choice", values=(1,)).contains(True)


def test_outermost_values_are_of_the_kind_that_trials_get() -> None:
    assert list(map(type, Space("uniform", 0, 1).ends)) == [float, float]
    assert list(map(type, Space("int", 0, 1).ends)) == [int, int]
    assert Space("choice", values=(3, "a")).ends == [3, "a"]


def test_what_optuna_is_asked_for_and_back() -> None:
    class Kinds(SimpleNamespace):
        def __getattr__(self, name: str) -> Any:
            return lambda *given, **options: (name.removesuffix("Distribution"), *given, options)

    optuna = SimpleNamespace(distributions=Kinds())
    assert Space("log", 1, 2).distribution(optuna) == ("Float", 1, 2, {"log": True})
    assert Space("uniform", 1, 2).distribution(optuna) == ("Float", 1, 2, {"log": False})
    assert Space("int", 1, 2).distribution(optuna) == ("Int", 1, 2, {})
    choice = Space("choice", values=([15, 10], None, 512, "max"))
    assert choice.distribution(optuna) == ("Categorical", ["[15,10]", "null", "512", "max"], {})
    assert [choice.value(text) for text in ("[15,10]", "null", "512")] == [[15, 10], None, 512]
    assert Space("int", 1, 2).value(2) == 2


def test_searches_of_the_command_line() -> None:
    found = parse_search(["model.encoder.dropout=uniform(0,1)", " train.epochs = int(1,2)"])
    assert list(found) == ["encoder.dropout", "train.epochs"]
    for texts, said in (
        (["train.epochs"], "--search train.epochs: expected key=space"),
        (["=int(1,2)"], "expected key=space"),
        (["a=int(1,2)", "model.a=int(1,3)", "a=int(1,2)"], "--search names a twice"),
    ):
        with pytest.raises(InputError, match=said):
            parse_search(texts)


def test_searches_of_python() -> None:
    given: dict[str, Any] = {"a": "int(1,2)", "b": [1, 2], "c": (3,), "model.d": Space("int", 1, 2)}
    assert [str(space) for space in as_spaces(given).values()] == [
        "int(1,2)", "choice(1,2)", "choice(3)", "int(1,2)",
    ]  # fmt: skip
    for search, error, said in (
        ({}, InputError, "nothing is searched over"),
        ([1], InputTypeError, "search is"),
        ({"a": 3}, InputTypeError, "search has 'a': 3"),
        ({"a": "int(2,1)"}, InputError, "--search a: "),
        ({"a": []}, InputError, "one value at least"),
    ):
        with pytest.raises(error, match=said):
            as_spaces(search)
    with pytest.raises(UnknownNameError, match="unknown search space 'gauss'"):
        Space("gauss", 0, 1)  # type: ignore[arg-type]
