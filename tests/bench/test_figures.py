from __future__ import annotations

from graphlearn.bench.figures import curve_figure, data_address, png_bytes
from graphlearn.bench.seed_result import Curves, SeedResult


def row(model: str, seed: int, dataset: str = "cora") -> SeedResult:
    return SeedResult(model, dataset, seed, "", "", "", {"auc": 0.7}, {"auc": 0.6})


def curve(*losses: float) -> Curves:
    return [
        {"epoch": i, "loss": loss, "valid": {"auc": 0.5} if i != 2 else {}}
        for i, loss in enumerate(losses, start=1)
    ]


def test_lines_are_means_over_seeds() -> None:
    figure = curve_figure(
        [row("ncn", 0), row("ncn", 1), row("cn", 0)], [curve(1.0, 0.8, 0.6), curve(2.0, 1.0), []]
    )
    loss, auc = figure.axes
    (line,) = loss.lines
    assert list(line.get_xdata()) == [1, 2, 3]
    assert list(line.get_ydata()) == [1.5, 0.9, 0.6]
    assert [line.get_label() for line in auc.lines] == ["ncn", "cn"]
    assert list(auc.lines[0].get_xdata()) == [1, 3]
    assert auc.lines[1].get_linestyle() == "--"


def test_data_sets_are_told_apart() -> None:
    figure = curve_figure([row("ncn", 0), row("ncn", 0, "ddi")], [curve(1.0), curve(2.0)])
    assert [line.get_label() for line in figure.axes[0].lines] == ["ncn on cora", "ncn on ddi"]


def test_nothing_trained() -> None:
    figure = curve_figure([row("cn", 0)], [[]])
    assert figure.axes[0].texts[0].get_text() == "nothing was trained"


def test_png() -> None:
    png = png_bytes(curve_figure([row("ncn", 0)], [curve(1.0, 0.5)]))
    assert png.startswith(b"\x89PNG")
    assert data_address(png).startswith("data:image/png;base64,iVBOR")


def test_errors_are_drawn_as_they_are_and_further_tests_have_the_test_s_curve() -> None:
    test = {"mae": 0.3, "mae/large": 0.9}
    made = SeedResult("gin", "zinc", 0, "", "", "", test, {"mae": 0.25})
    entries: Curves = [{"epoch": 1, "loss": 1.0, "valid": {"mae": 0.25}, "test": test}]
    loss, mae, large = curve_figure([made], [entries]).axes
    assert (loss.get_title(), mae.get_title()) == ("training loss", "validation mae")
    assert list(mae.lines[0].get_ydata()) == [0.25]
    assert (large.get_title(), list(large.lines[0].get_ydata())) == ("test mae/large", [0.9])


def test_further_tests_of_an_untrained_model_are_level_lines() -> None:
    made = SeedResult("cn", "cora", 0, "", "", "", {"auc": 0.7, "auc/new": 0.4}, {"auc": 0.6})
    *_, new = curve_figure([made], [[]]).axes
    assert list(new.lines[0].get_ydata()) == [40.0, 40.0]


def test_many_panels_stand_in_two_columns_without_an_empty_one() -> None:
    test = {"auc": 0.7} | {f"auc/{n}": 0.4 for n in range(3)}
    figure = curve_figure([SeedResult("cn", "cora", 0, "", "", "", test, {"auc": 0.6})], [[]])
    assert len(figure.axes) == 5
    assert len({round(axes.get_subplotspec().colspan.start) for axes in figure.axes}) == 2


def test_a_sweep_of_many_settings_has_no_legend() -> None:
    rows = [
        SeedResult("gcn", "cora", 0, str(n), "", "", {"auc": 0.7}, {"auc": 0.7}, swept={"a.b": n})
        for n in range(21)
    ]
    assert curve_figure(rows[:20], [[]] * 20).axes[1].get_legend() is not None
    figure = curve_figure(rows, [[]] * 21)
    assert figure.axes[1].get_legend() is None
    assert [len(axes.texts) for axes in figure.axes] == [1, 0]
