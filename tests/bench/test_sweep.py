from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graphlearn.bench.leaderboard import leaderboard
from graphlearn.bench.ledger import Ledger
from graphlearn.bench.ogb_recipes import pick_recipes
from graphlearn.bench.recipe_yaml import load_recipe
from graphlearn.bench.resume import resume_run
from graphlearn.bench.run_result import RunResult
from graphlearn.bench.runs import resolve_recipes, run
from graphlearn.bench.sweep import (
    MOST_COMBINATIONS,
    combinations,
    parse_sweep,
    split_values,
    swept_recipes,
)
from graphlearn.bench.table import results_table
from graphlearn.errors import GraphLearnError, InputError, InputTypeError, UnknownNameError

TINY = {"train.epochs": 2, "metrics": ["auc"], "encoder.hidden_channels": 4}
NAMES = ["gcn (batch_size=512)", "gcn (batch_size=4096)"]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A run of two settings on two seeds; its first setting's first seed ran without the sweep."""
    out = tmp_path_factory.mktemp("swept")
    alone = {**TINY, "train.batch_size": 512}
    run("gcn", "digits-knn", seeds=1, set=alone, out=out, progress=False)
    sweep = {"train.batch_size": [512, 4096, 512]}
    return run("gcn", "digits-knn", seeds=2, set=TINY, sweep=sweep, out=out, progress=False)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("512", ["512"]),
        ("512, 1152", ["512", "1152"]),
        ("[15,10]", ["[15,10]"]),
        ("[15,10],[5,5]", ["[15,10]", "[5,5]"]),
        ("{name: lcm, shuffle: true},max", ["{name: lcm, shuffle: true}", "max"]),
        ("'a,b','it''s, c'", ["'a,b'", "'it''s, c'"]),
        (r'"a,\",b",c', [r'"a,\",b"', "c"]),
        ("don't, won't", ["don't", "won't"]),
        ("[a, 'b],c'],d", ["[a, 'b],c']", "d"]),
        ("a],b", ["a]", "b"]),
        ("[a,b", ["[a,b"]),
        ("a,,b,", ["a", "", "b", ""]),
    ],
)
def test_commas_that_nothing_protects_split(text: str, parts: list[str]) -> None:
    assert split_values(text) == parts


def test_values_are_read_as_yaml() -> None:
    texts = ["a=1", "b=0.5", "c=true", "d=null", "e=[x, y]", "f=1e-3", "g=a=b", "h=", " i = x "]
    assert parse_sweep(texts) == (
        {"a": 1, "b": 0.5, "c": True, "d": None, "e": ["x", "y"], "f": 1e-3, "g": "a=b", "h": None,
         "i": "x"},
        {},
    )  # fmt: skip
    assert parse_sweep(["a=1e-3,null", "b='x, y',2"]) == ({}, {"a": [1e-3, None], "b": ["x, y", 2]})


def test_of_a_key_given_twice_the_last_counts() -> None:
    assert parse_sweep(["a=1,2", "a=3"]) == ({"a": 3}, {})
    assert parse_sweep(["a=3", "a=1,2"]) == ({}, {"a": [1, 2]})


@pytest.mark.parametrize("text", ["train.epochs", "=3", "a=[1", "a=1,", "a=,", "a=1,,2", "a=1,[2"])
def test_malformed(text: str) -> None:
    with pytest.raises(InputError, match="--set"):
        parse_sweep([text])


def test_all_combinations_in_order() -> None:
    found = combinations({"x": 0}, {"a": [1, 2], "b": (3, 4)})
    assert [(one["x"], one["a"], one["b"]) for one in found] == [
        (0, 1, 3), (0, 1, 4), (0, 2, 3), (0, 2, 4),
    ]  # fmt: skip
    assert combinations({"x": 0}, None) == combinations({"x": 0}, {}) == [{"x": 0}]


@pytest.mark.parametrize(
    ("settings", "sweep", "error", "said"),
    [
        ({}, [1], InputTypeError, r"sweep is \[1\]: expected a mapping"),
        ({}, {"a": 1}, InputTypeError, "sweep has 'a': 1: expected a list.*with set"),
        ({}, {"a": "12"}, InputTypeError, "sweep has 'a': '12'"),
        ({}, {"a": []}, InputError, "no value for 'a'"),
        ({"a": 1}, {"a": [1]}, InputError, "a is in set and in sweep"),
        ({}, {"seeds": [0, 3]}, InputError, "seeds cannot be swept.*use --seeds 0,3"),
        ({}, {"title": ["a", "b"]}, InputError, "title cannot be swept over.*quote a text"),
        ({}, {"published.value": [1, 2]}, InputError, "published.value cannot be swept"),
        ({}, {"a": range(40), "b": range(40)}, InputError, "40 x 40 = 1,600 comb.*at most 1,000"),
    ],
)
def test_what_is_no_sweep(
    settings: dict[str, Any], sweep: Any, error: type[GraphLearnError], said: str
) -> None:
    with pytest.raises(error, match=said):
        combinations(settings, sweep)


def test_as_many_as_allowed() -> None:
    assert len(combinations({}, {"a": range(MOST_COMBINATIONS)})) == MOST_COMBINATIONS


def test_each_combination_is_a_recipe_of_its_own() -> None:
    sweep = {"train.batch_size": [512, 1152], "predictor.dropout": [0.05, 0.3]}
    recipes = resolve_recipes("ncn/cora", sweep=sweep, set={"train.epochs": 5})
    assert [recipe.swept_values for recipe in recipes] == [
        {"train.batch_size": 512, "predictor.dropout": 0.05},
        {"train.batch_size": 512, "predictor.dropout": 0.3},
        {"train.batch_size": 1152, "predictor.dropout": 0.05},
        {"train.batch_size": 1152, "predictor.dropout": 0.3},
    ]
    assert len({recipe.digest() for recipe in recipes}) == 4
    assert recipes[0].label == "ncn (batch_size=512, dropout=0.05) on cora"
    assert all(recipe.train.epochs == 5 for recipe in recipes if recipe.train)


def test_the_name_of_a_sweep_decides_nothing() -> None:
    swept = resolve_recipes("ncn/cora", sweep={"train.epochs": [5, 6]})
    (plain,) = resolve_recipes("ncn/cora", set={"train.epochs": 5})
    assert swept[0].digest() == plain.digest()
    assert plain.swept == ()


def test_the_same_recipe_twice_counts_once() -> None:
    sweep = {"predictor.dropout": [0, 0.0, 0.3], "train.batch_size": [512, 512]}
    recipes = resolve_recipes("ncn/cora", sweep=sweep)
    # What does not differ is not shown.
    assert [recipe.swept_values for recipe in recipes] == [
        {"predictor.dropout": 0.0},
        {"predictor.dropout": 0.3},
    ]


def test_a_model_without_the_key_runs_once_and_a_key_that_none_has_is_refused() -> None:
    recipes = resolve_recipes(["cn", "ncn"], "cora", sweep={"train.epochs": [5, 6]})
    assert [recipe.shown_name for recipe in recipes] == ["cn", "ncn (epochs=5)", "ncn (epochs=6)"]
    with pytest.raises(UnknownNameError, match="'train.epoch'.*did you mean 'train.epochs'"):
        resolve_recipes(["cn", "ncn"], "cora", sweep={"train.epoch": [5, 6]})


def test_names_of_components_and_their_options() -> None:
    sweep = {"encoder.name": ["gcn", "sage"], "model.encoder.dropout": [0.1, 0.2]}
    recipes = resolve_recipes("gcn/digits-knn", sweep=sweep)
    assert recipes[3].shown_name == "gcn (encoder.name=sage, dropout=0.2)"
    assert recipes[3].model.encoder is not None
    assert recipes[3].model.encoder.name == "sage"


def test_data_sets_have_a_column_of_their_own() -> None:
    recipes = resolve_recipes("ncn/default", sweep={"dataset": ["cora", "citeseer"]})
    assert [recipe.label for recipe in recipes] == ["ncn on cora", "ncn on citeseer"]


def test_a_value_that_one_recipe_refuses_is_named() -> None:
    with pytest.raises(InputError, match="--set train.epochs=0: epochs is 0"):
        resolve_recipes("ncn/cora", sweep={"train.epochs": [5, 0]})


def test_without_a_sweep_the_recipe_is_found_once() -> None:
    (recipe,) = resolve_recipes("ncn/cora")
    found = swept_recipes(lambda settings: (recipe, None, set(settings)), {"a": 1}, None)
    assert found == ([recipe], [None], {"a"})


def test_table_report_and_figure_tell_the_rows_apart(swept: RunResult) -> None:
    assert [cells[:3] for cells in swept.table().cells] == [
        (name, "digits-knn", "2") for name in NAMES
    ]
    assert swept.report is not None
    page = swept.report.read_text(encoding="utf-8")
    assert "<title>gcn on digits-knn</title>" in page
    for name in NAMES:
        assert page.count(f"<td>{name}</td>") >= 3  # in the table, and a line a seed
    legend = swept.plot().axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == NAMES


def test_the_ledger_tells_them_apart_later_and_a_leaderboard_does(swept: RunResult) -> None:
    rows = Ledger(swept.jobs[0].folder.path.parent / "ledger.jsonl").rows()
    assert len(rows) == 4
    assert rows[0].swept == {}  # it ran before
    assert rows[1].swept == {"train.batch_size": 512}
    assert [cells[0] for cells in results_table(rows).cells] == NAMES
    assert {entry.method for entry in leaderboard([swept]).entries} == set(NAMES)


def test_each_combination_has_its_folder_which_resumes_under_its_name(swept: RunResult) -> None:
    first, second = swept.jobs[0].folder, swept.jobs[2].folder
    assert first.path != second.path
    assert load_recipe(first.path / "recipe.yaml").swept == ("train.batch_size",)
    (second.path / "seed-1" / "result.json").unlink()
    result = resume_run(second.path, progress=False)
    assert [cells[0] for cells in result.table().cells] == NAMES[1:]


def test_another_sweep_has_another_report(swept: RunResult) -> None:
    out = swept.jobs[0].folder.path.parent
    sweep = {"train.batch_size": [512, 4096], "train.epochs": [2]}
    settings = {k: v for k, v in TINY.items() if k != "train.epochs"}
    options: dict[str, Any] = {"seeds": 1, "set": settings, "out": out, "progress": False}
    same = run("gcn", "digits-knn", sweep=sweep, **options)
    assert same.report == swept.report  # of the same recipes
    other = run("gcn", "digits-knn", sweep={**sweep, "train.epochs": [1, 2]}, **options)
    assert other.report != swept.report


def test_workers_know_the_sweep(tmp_path: Path) -> None:
    sweep = {"train.batch_size": [512, 4096]}
    result = run(
        "gcn", "digits-knn", seeds=1, set=TINY, sweep=sweep, out=tmp_path, workers=2, progress=False
    )
    assert [row.shown_name for row in result.rows] == NAMES
    assert [row.shown_name for row in Ledger(tmp_path / "ledger.jsonl").rows()] != ["gcn", "gcn"]


def test_a_bad_sweep_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="batch_size is 0"):
        run("gcn", "digits-knn", sweep={"train.batch_size": [512, 0]}, out=tmp_path / "runs")
    assert list(tmp_path.iterdir()) == []


def test_names_of_ogb_are_swept_too() -> None:
    sweep = {"encoder.dropout": [0.1, 0.2]}
    found = pick_recipes(["ogbl-ddi"], ["cn", "gcn"], seeds=1, sweep=sweep)
    assert [recipe.shown_name for recipe in found["ogbl-ddi"]] == [
        "cn", "gcn (dropout=0.1)", "gcn (dropout=0.2)",
    ]  # fmt: skip
