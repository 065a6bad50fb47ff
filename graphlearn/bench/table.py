"""Results as a table: one row a model and data set, mean ± standard deviation over the seeds."""

from __future__ import annotations

import html
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphlearn.bench.cross_validation import CAPTION as FOLDS
from graphlearn.bench.cross_validation import one_epoch
from graphlearn.bench.labels import shown_name
from graphlearn.bench.recipe import Published
from graphlearn.bench.seed_result import SeedResult
from graphlearn.metrics import lower_is_better, shown_value

CAPTION = (
    "Test scores in percent, mean ± sample standard deviation over n seeds, each at its best "
    "validation epoch."
)
DIFFERENCE = (
    " Difference: measured minus published, in standard errors of that difference (of the "
    "measured mean alone where the paper gives no spread)."
)


@dataclass(frozen=True)
class Table:
    """Header, cells and caption, printable in several forms.

    Args:
        header: Column titles.
        cells: Rows of text.
        caption: What the figures are.

    Example:
        >>> print(Table(("model", "n"), (("cn", "3"),)).plain())
        model  n
        cn     3
    """

    header: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    caption: str = ""

    def plain(self) -> str:
        """Return aligned columns of plain text."""
        widths = [max(map(len, column)) for column in zip(self.header, *self.cells, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (self.header, *self.cells)
        ]
        return "\n".join(lines + ([self.caption] if self.caption else []))

    def markdown(self) -> str:
        """Return a Markdown table."""
        rule = ("---",) * len(self.header)
        lines = ["| " + " | ".join(row) + " |" for row in (self.header, rule, *self.cells)]
        return "\n".join(lines + (["", self.caption] if self.caption else []))

    def html(self) -> str:
        """Return an HTML ``<table>``."""

        def cells(row: Sequence[str], tag: str) -> str:
            return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)

        body = "".join(f"<tr>{cells(row, 'td')}</tr>\n" for row in self.cells)
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        return (
            f"<table>{caption}<thead><tr>{cells(self.header, 'th')}</tr></thead>\n"
            f"<tbody>\n{body}</tbody></table>"
        )

    def rich(self) -> Any:
        """Return a ``rich.table.Table`` for a terminal."""
        from rich import box
        from rich.table import Table as RichTable

        table = RichTable(box=box.SIMPLE_HEAD, caption=self.caption, caption_justify="left")
        for index, title in enumerate(self.header):
            table.add_column(title, justify="left" if index < 2 else "right", no_wrap=True)
        for row in self.cells:
            table.add_row(*row)
        return table

    def _repr_html_(self) -> str:
        return self.html()

    def __str__(self) -> str:
        return self.plain()


def results_table(
    rows: Iterable[SeedResult], published: Mapping[tuple[str, str], Published] | None = None
) -> Table:
    """Summarize seeds by model and data set.

    Args:
        rows: Finished seeds; rows of one model and data set but of different recipes, splits or
            package versions are never averaged together. A sweep's are named with their settings.
        published: ``(model, dataset)`` to the figure to stand beside; adds two columns.

    Raises:
        InputError: If folds of one recipe have no evaluated epoch in common.

    Example:
        >>> row = SeedResult("cn", "cora", 0, "ab", "cd", "ncn-planetoid", {"auc": 0.71})
        >>> results_table([row]).cells
        (('cn', 'cora', '1', '71.00', '0 s'),)
    """
    groups: dict[tuple[str, ...], list[SeedResult]] = {}
    for row in rows:
        version = row.versions.get("graphlearn", "")
        same = (row.model, row.dataset, row.recipe_digest, row.split_rule, version)
        groups.setdefault(same, []).append(row)
    metrics = list(dict.fromkeys(m for group in groups.values() for m in group[0].test))
    shown = {k: v for k, v in (published or {}).items() if any(g[:2] == k for g in groups)}
    header = ["model", "dataset", "n", *metrics]
    if shown:
        header += ["published", "difference"]
    names = _names(groups)
    labels = [(names[key], key[1]) for key in groups]
    repeated = len(set(labels)) < len(labels)
    if repeated:
        header.append("recipe")
    cells: list[tuple[str, ...]] = []
    chosen: list[str] = []
    for key, group in groups.items():
        scores = {m: [r.test[m] for r in group if m in r.test] for m in metrics}
        if group[0].fold_scores:
            folds = {metric: one_epoch(group, metric) for metric in group[0].fold_scores}
            scores |= {metric: values for metric, (_, values) in folds.items()}
            epochs = ", ".join(f"{epoch} ({metric})" for metric, (epoch, _) in folds.items())
            chosen.append(f"{names[key]} on {key[1]}, {len(group)} folds: epoch {epochs}.")
        line: list[str] = [names[key], key[1], str(len(group))]
        line += [spread(values, metric) for metric, values in scores.items()]
        if shown:
            line += _comparison(shown.get((key[0], key[1])), scores)
        if repeated:
            line.append(key[2][:8])
        cells.append((*line, f"{sum(row.seconds for row in group):.0f} s"))
    header.append("time")
    shares = not any(lower_is_better(metric) for metric in metrics)
    caption = CAPTION if shares else CAPTION.replace("in percent", "(shares in percent)")
    if chosen:
        others = any(not group[0].fold_scores for group in groups.values())
        caption = (caption + " " if others else "") + " ".join([FOLDS, *chosen])
    return Table(tuple(header), tuple(cells), caption + (DIFFERENCE if shown else ""))


def _names(groups: Mapping[tuple[str, ...], Sequence[SeedResult]]) -> dict[tuple[str, ...], str]:
    """What each group is called: a seed that ran before the sweep did knows nothing of it."""
    swept = {key: next((r.swept for r in rows if r.swept), {}) for key, rows in groups.items()}
    among: dict[str, set[str]] = {}
    for key, values in swept.items():
        among.setdefault(key[0], set()).update(values)
    return {key: shown_name(key[0], values, among[key[0]]) for key, values in swept.items()}


def spread(scores: Sequence[float], metric: str) -> str:
    """Return ``mean ± std``, of shares in percent; the mean alone for one score.

    Example:
        >>> spread([0.88, 0.90], "hits@100"), spread([0.25], "mae")
        ('89.00 ± 1.41', '0.250')
    """
    if not scores:
        return "–"
    shown = [shown_value(metric, score) for score in scores]
    mean = show(metric, statistics.fmean(shown))
    return mean if len(scores) == 1 else f"{mean} ± {show(metric, statistics.stdev(shown))}"


def show(metric: str, shown: float) -> str:
    """Write a value of a table: shares with two digits, errors with three.

    Example:
        >>> show("auc", 91.5), show("mae", 0.12345)
        ('91.50', '0.123')
    """
    return f"{shown:.3f}" if lower_is_better(metric) else f"{shown:.2f}"


def standard_errors(scores: Sequence[float], published: Published) -> float | None:
    """Return (measured - published) in standard errors of that difference.

    The published spread counts where the paper gives it with its number of runs. ``None`` where
    there is no spread to measure with.

    Args:
        scores: Measured scores, shares as fractions.
        published: The figure; a share in percent.

    Example:
        >>> figure = Published("auc", 90.0, "a paper", std=1.0, runs=4)
        >>> round(standard_errors([0.91, 0.91, 0.91], figure), 1)
        2.0
    """
    variance = 0.0
    shown = [shown_value(published.metric, score) for score in scores]
    if len(scores) > 1:
        variance += statistics.variance(shown) / len(scores)
    if published.std is not None and published.runs:
        variance += published.std**2 / published.runs
    if variance == 0 or not scores:
        return None
    return (statistics.fmean(shown) - published.value) / math.sqrt(variance)


def _comparison(published: Published | None, scores: Mapping[str, Sequence[float]]) -> list[str]:
    if published is None:
        return ["–", "–"]
    figure = show(published.metric, published.value)
    if published.std is not None:
        figure += f" ± {show(published.metric, published.std)}"
    measured = scores.get(published.metric, ())
    errors = standard_errors(measured, published)
    if not measured:
        return [figure, "–"]
    mean = statistics.fmean(shown_value(published.metric, score) for score in measured)
    digits = 3 if lower_is_better(published.metric) else 2
    # Adding zero turns a rounded -0.0 into 0.0.
    difference = round(mean - published.value, digits) + 0.0
    text = f"{difference:+.{digits}f}"
    return [figure, text + ("" if errors is None else f" ({errors:+.1f} s.e.)")]
