from __future__ import annotations

import dataclasses
import math

import pytest

from graphlearn.bench.recipe import Published
from graphlearn.bench.seed_result import SeedResult
from graphlearn.bench.table import Table, results_table, show, spread, standard_errors

ROW = SeedResult("ncn", "cora", 0, "ab", "cd", "ncn-planetoid", {"auc": 0.9}, seconds=2.0)
OTHER = dataclasses.replace(ROW, seed=1, test={"auc": 0.8})
TABLE = Table(("a", "b"), (("<1>", "22"), ("333", "4")), "what it is")


def test_plain() -> None:
    assert TABLE.plain() == str(TABLE) == "a    b\n<1>  22\n333  4\nwhat it is"


def test_markdown() -> None:
    assert TABLE.markdown().splitlines()[:3] == ["| a | b |", "| --- | --- |", "| <1> | 22 |"]


def test_html_escapes() -> None:
    assert "&lt;1&gt;" in TABLE.html()
    assert "<1>" not in TABLE.html()
    assert TABLE._repr_html_() == TABLE.html()


def test_rich() -> None:
    assert TABLE.rich().row_count == 2


def test_mean_and_sample_deviation() -> None:
    found = results_table([ROW, OTHER])
    assert found.header == ("model", "dataset", "n", "auc", "time")
    assert found.cells == (("ncn", "cora", "2", "85.00 ± 7.07", "4 s"),)


def test_one_seed_has_no_deviation() -> None:
    assert spread([0.5], "auc") == "50.00"
    assert spread([], "auc") == "–"


def test_metrics_of_several_data_sets() -> None:
    other = dataclasses.replace(ROW, dataset="ddi", test={"hits@20": 0.5})
    assert [cells[3:5] for cells in results_table([ROW, other]).cells] == [
        ("90.00", "–"),
        ("–", "50.00"),
    ]


def test_different_recipes_under_one_name_are_not_averaged() -> None:
    other = dataclasses.replace(OTHER, recipe_digest="0123456789")
    found = results_table([ROW, other])
    assert [cells[2] for cells in found.cells] == ["1", "1"]
    assert "recipe" in found.header
    assert found.cells[1][found.header.index("recipe")] == "01234567"


def test_different_versions_are_not_averaged() -> None:
    other = dataclasses.replace(OTHER, versions={"graphlearn": "9"})
    assert len(results_table([ROW, other]).cells) == 2


def test_published_beside_measured() -> None:
    figure = Published("auc", 80.0, "a paper", std=3.0, runs=9)
    found = results_table([ROW, OTHER], {("ncn", "cora"): figure})
    # 5 / sqrt(50 / 2 + 9 / 9)
    assert found.cells[0][4:6] == ("80.00 ± 3.00", f"+5.00 (+{5 / math.sqrt(26):.1f} s.e.)")
    assert "standard errors" in found.caption


def test_published_figures_of_other_models_add_no_column() -> None:
    figure = Published("auc", 80.0, "a paper")
    assert "published" not in results_table([ROW], {("cn", "cora"): figure}).header


def test_published_without_spread_or_with_another_metric() -> None:
    cells = results_table([ROW], {("ncn", "cora"): Published("auc", 80.0, "a paper")}).cells[0]
    assert cells[4:6] == ("80.00", "+10.00")
    cells = results_table([ROW], {("ncn", "cora"): Published("mrr", 80.0, "a paper")}).cells[0]
    assert cells[4:6] == ("80.00", "–")


@pytest.mark.parametrize(
    ("scores", "std", "runs", "expected"),
    [
        ([0.9, 0.9], None, None, None),
        ([0.9], None, None, None),
        ([0.9], 2.0, 4, 10.0),
        ([0.9], 2.0, None, None),
        ([0.8, 1.0], None, None, 1.0),
    ],
)
def test_standard_errors(
    scores: list[float], std: float | None, runs: int | None, expected: float | None
) -> None:
    found = standard_errors(scores, Published("auc", 80.0, "a paper", std, runs))
    assert found == (expected if expected is None else pytest.approx(expected))


def test_errors_are_not_percent_and_have_three_digits() -> None:
    rows = [
        SeedResult("gin", "zinc", seed, "", "", "", {"mae": value})
        for seed, value in enumerate((0.1, 0.2))
    ]
    published = {("gin", "zinc"): Published("mae", 0.1, "a paper", std=0.01, runs=4)}
    table = results_table(rows, published)
    assert table.cells[0][3:6] == ("0.150 ± 0.071", "0.100 ± 0.010", "+0.050 (+1.0 s.e.)")
    assert "(shares in percent)" in table.caption
    assert show("mae", 0.12345) == "0.123"


def test_rows_of_a_sweep_are_named_by_what_differs() -> None:
    small = dataclasses.replace(ROW, recipe_digest="1", swept={"train.batch_size": 512})
    large = dataclasses.replace(ROW, recipe_digest="2", swept={"train.batch_size": 1152})
    found = results_table([small, large, dataclasses.replace(small, seed=1)])
    assert [cells[:3] for cells in found.cells] == [
        ("ncn (batch_size=512)", "cora", "2"),
        ("ncn (batch_size=1152)", "cora", "1"),
    ]
    assert "recipe" not in found.header  # the names tell them apart


def test_a_seed_that_ran_before_the_sweep_joins_its_row() -> None:
    later = dataclasses.replace(OTHER, swept={"train.batch_size": 512})
    assert results_table([ROW, later]).cells[0][:3] == ("ncn (batch_size=512)", "cora", "2")


def test_sweeps_over_like_keys_are_told_apart() -> None:
    rows = [
        dataclasses.replace(ROW, recipe_digest=str(number), swept=swept)
        for number, swept in enumerate([{"encoder.dropout": 0.1}, {"predictor.dropout": 0.1}])
    ]
    names = [cells[0] for cells in results_table(rows).cells]
    assert names == ["ncn (encoder.dropout=0.1)", "ncn (predictor.dropout=0.1)"]


def test_a_published_figure_stands_beside_every_row_of_a_sweep() -> None:
    rows = [
        dataclasses.replace(ROW, recipe_digest=str(epochs), swept={"train.epochs": epochs})
        for epochs in (5, 6)
    ]
    found = results_table(rows, {("ncn", "cora"): Published("auc", 90.0, "a paper")})
    assert [cells[found.header.index("published")] for cells in found.cells] == ["90.00"] * 2
