"""Loss and metric curves over the epochs, one colour a model, a band over its seeds."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from graphlearn.bench.seed_result import Curves, SeedResult
from graphlearn.metrics import lower_is_better, shown_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NAMED = 20  # a legend of more, as a sweep has them, would hide the curves


def curve_figure(rows: Sequence[SeedResult], curves: Sequence[Curves]) -> Figure:
    """Draw the training loss and each validation metric against the epoch.

    Further test sets, such as larger ones than were trained on, have no validation of their own:
    their test scores are drawn. A line is the mean over a model's seeds, its band goes from the
    least to the greatest. Models that are not trained are dashed level lines.

    Args:
        rows: Finished seeds.
        curves: The curves of each row.

    Example:
        >>> row = SeedResult("cn", "cora", 0, "", "", "", {"auc": 0.7}, {"auc": 0.7})
        >>> [axes.get_title() for axes in curve_figure([row], [[]]).axes]
        ['training loss', 'validation auc, %']
    """
    # Without pyplot: it would open a window system and keep every figure in a global list.
    from matplotlib.figure import Figure as MatplotlibFigure

    metrics = list(dict.fromkeys(metric for row in rows for metric in row.test))
    several = len({row.dataset for row in rows}) > 1
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        name = f"{row.shown_name} on {row.dataset}" if several else row.shown_name
        groups.setdefault(name, []).append(number)
    figure = MatplotlibFigure(layout="constrained")
    panels = _panels(figure, 1 + len(metrics))
    for color, (name, members) in enumerate(groups.items()):
        style = f"C{color % 10}"
        own = [curves[number] for number in members if curves[number]]
        _band(panels[0], name, style, [_series(curve, "loss") for curve in own])
        for panel, metric in zip(panels[1:], metrics, strict=True):
            if own:
                _band(panel, name, style, [_series(curve, metric) for curve in own])
                continue
            scores = [getattr(rows[n], _part(metric)) for n in members]
            given = [score[metric] for score in scores if metric in score]
            values = [shown_value(metric, value) for value in given]
            if values:
                panel.axhline(sum(values) / len(values), color=style, linestyle="--", label=name)
    words = {"valid": "validation", "test": "test"}
    titles = [
        f"{words[_part(metric)]} {metric}{'' if lower_is_better(metric) else ', %'}"
        for metric in metrics
    ]
    for panel, title in zip(panels, ["training loss", *titles], strict=True):
        panel.set_title(title)
        panel.set_xlabel("epoch")
        panel.grid(alpha=0.3)
        if panel.get_legend_handles_labels()[1]:
            if len(groups) <= _MOST_NAMED:
                panel.legend(fontsize="small")
        else:
            panel.text(0.5, 0.5, "nothing was trained", ha="center", transform=panel.transAxes)
    return figure


def png_bytes(figure: Figure) -> bytes:
    """Return the figure as PNG.

    Example:
        >>> png_bytes(curve_figure([], []))[1:4]
        b'PNG'
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def data_address(png: bytes) -> str:
    """Return a ``data:`` address that holds the picture itself.

    Example:
        >>> data_address(b"abc")
        'data:image/png;base64,YWJj'
    """
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _panels(figure: Figure, count: int) -> list[Axes]:
    """Up to three beside each other; more stand in two columns, each of them labelled."""
    columns = count if count <= 3 else 2
    lines = -(-count // columns)
    figure.set_size_inches(5.2 * columns, 4.0 * lines)
    grid = figure.subplots(lines, columns, squeeze=False).ravel().tolist()
    for empty in grid[count:]:
        empty.remove()
    return list(grid[:count])


def _part(metric: str) -> str:
    """Which scores to draw: those of ``"name/part"``, a further test set, are the test's."""
    return "test" if "/" in metric else "valid"


def _series(curve: Curves, what: str) -> dict[int, float]:
    """Epoch to value, for the epochs that have one."""
    if what == "loss":
        return {entry["epoch"]: entry["loss"] for entry in curve}
    part = _part(what)
    found = {entry["epoch"]: entry.get(part, {}) for entry in curve}
    return {
        epoch: shown_value(what, scores[what]) for epoch, scores in found.items() if what in scores
    }


def _band(axes: Axes, name: str, color: str, seeds: Sequence[dict[int, float]]) -> None:
    if not seeds:
        return
    # Seeds that stopped early are missing from later epochs; the mean is over those still there.
    epochs: list[Any] = sorted({epoch for series in seeds for epoch in series})
    at = [[series[epoch] for series in seeds if epoch in series] for epoch in epochs]
    marker = "o" if len(epochs) == 1 else None
    axes.plot(epochs, [sum(v) / len(v) for v in at], color=color, label=name, marker=marker)
    if len(seeds) > 1:
        low, high = [min(v) for v in at], [max(v) for v in at]
        axes.fill_between(epochs, low, high, color=color, alpha=0.15, linewidth=0)
