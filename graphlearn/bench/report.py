"""One HTML file with everything about a run in it: no links, no scripts, nothing beside it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphlearn.bench.figures import data_address, png_bytes
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import recipe_text
from graphlearn.bench.run_result import RunResult
from graphlearn.bench.seed_result import SeedResult
from graphlearn.bench.table import Table, show
from graphlearn.bench.timeline_plot import TIMELINE_NAME
from graphlearn.files import atomic_write_bytes, atomic_write_text
from graphlearn.metrics import shown_value
from graphlearn.pipeline.cost_prediction import show_seconds

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #ddd; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
caption { caption-side: bottom; text-align: left; color: #666; font-size: .85rem; }
img { max-width: 100%; } pre { background: #f6f6f6; padding: .8rem; overflow-x: auto; }
"""

_STAGES_CAPTION = (
    "Of an epoch of median length among the last. Waiting is the share of their time that stages "
    "do not work, and the ideal is that of turns that all take the same, 1 - K / (K + S - 1)."
)


def write_report(result: RunResult, path: Path | str) -> tuple[Path, Path]:
    """Write the report, and its figure as PNG beside it.

    Args:
        result: A finished run.
        path: Where to, ending in ``.html``.

    Returns:
        The places of the report and of the figure.

    Raises:
        OutputError: If they cannot be written.
    """
    path = Path(path)
    png = png_bytes(result.plot())
    atomic_write_bytes(path.with_suffix(".png"), png)
    atomic_write_text(path, report_html(result, png))
    return path, path.with_suffix(".png")


def report_html(result: RunResult, png: bytes) -> str:
    """Return the report's text.

    Args:
        result: A finished run.
        png: The figure.
    """
    recipes = list({id(job.recipe): job.recipe for job in result.jobs}.values())
    datasets = list(dict.fromkeys(recipe.dataset_label for recipe in recipes))
    names = dict.fromkeys(recipe.name for recipe in recipes)
    title = f"{', '.join(names)} on {', '.join(datasets)}"
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        result.table().html(),
        f'<img alt="loss and validation curves" src="{data_address(png)}">',
        "<h2>Seeds</h2>",
        seeds_table(result.rows).html(),
        "<h2>Splits</h2>",
        _splits(result.rows, of_links=any(recipe.model.task == "links" for recipe in recipes)),
        *_pipelines(result),
        "<h2>Versions</h2>",
        _versions(result.rows),
        "<h2>Recipes</h2>",
        *(_recipe(recipe) for recipe in recipes),
    ]
    return page_html(title, parts)


def page_html(title: str, parts: Sequence[str]) -> str:
    """Return a whole page in the style of all reports.

    Args:
        title: Its title, as text.
        parts: Its body, as HTML.

    Example:
        >>> "<p>so</p>" in page_html("a < b", ["<p>so</p>"])
        True
    """
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def seeds_table(rows: Sequence[SeedResult]) -> Table:
    """Return one line a seed.

    Example:
        >>> row = SeedResult("cn", "cora", 0, "", "", "", {"auc": 0.7}, {"auc": 0.6}, seconds=2.0)
        >>> seeds_table([row]).cells
        (('cn', 'cora', '0', '60.00', '70.00', '–', '2.0 s'),)
    """
    metrics = list(dict.fromkeys(metric for row in rows for metric in row.test))
    header = ["model", "dataset", "seed"]
    for metric in metrics:
        header += [f"valid {metric}", f"test {metric}", "at epoch"]
    cells = []
    for row in rows:
        line = [row.shown_name, row.dataset, str(row.seed)]
        for metric in metrics:
            line += [_shown(metric, row.valid), _shown(metric, row.test)]
            line.append(str(row.best_epoch.get(metric.partition("/")[0], "–")))
        cells.append((*line, f"{row.seconds:.1f} s"))
    return Table((*header, "time"), tuple(cells))


def _shown(metric: str, values: Mapping[str, float]) -> str:
    return show(metric, shown_value(metric, values[metric])) if metric in values else "–"


def _pipelines(result: RunResult) -> list[str]:
    """What several processes did, for seeds that they trained together."""
    lines, images = [], []
    for job, row in zip(result.jobs, result.rows, strict=True):
        found: Any = row.pipeline
        if not found:
            continue
        busy = ", ".join(show_seconds(seconds) for seconds in found["stage_seconds"])
        lines.append(
            (
                f"{row.shown_name} on {row.dataset}",
                str(row.seed),
                f"{found['stages']} x {found['ways']}",
                str(found["chunks"]),
                show_seconds(found["epoch_seconds"]),
                busy,
                f"{found['bytes_between_stages']:,}",
                f"{found['bytes_between_ways']:,}",
                f"{100 * found['bubble']:.1f} % ({100 * found['ideal_bubble']:.1f} %)",
            )
        )
        image = job.folder.seed(job.seed) / TIMELINE_NAME
        if image.is_file():
            address = data_address(image.read_bytes())
            images.append(f'<img alt="turns of chunks on stages, {row.seed}" src="{address}">')
    if not lines:
        return []
    header = (
        "recipe", "seed", "stages x ways", "chunks", "an epoch", "stages work",
        "bytes between stages", "between ways", "waiting (ideal)",
    )  # fmt: skip
    return ["<h2>Stages</h2>", Table(header, tuple(lines), _STAGES_CAPTION).html(), *images]


def _splits(rows: Sequence[SeedResult], *, of_links: bool) -> str:
    lines = dict.fromkeys(
        (row.dataset, str(row.seed), row.split_rule, row.dataset_hash[:16]) for row in rows
    )
    caption = (
        "Each split of links was audited before training: no link in two parts, no negative that "
        "is a link."
        if of_links
        else ""
    )
    return Table(("dataset", "seed", "rule", "sha256"), tuple(lines), caption).html()


def _versions(rows: Sequence[SeedResult]) -> str:
    found: dict[str, list[str]] = {}
    for row in rows:
        for name, version in row.versions.items():
            if version not in found.setdefault(name, []):
                found[name].append(version)
    cells = tuple((name, ", ".join(values)) for name, values in found.items())
    return Table(("what", "version or setting"), cells).html()


def _recipe(recipe: Recipe) -> str:
    source = ""
    if recipe.published is not None:
        figure = recipe.published
        spread = "" if figure.std is None else f" ± {show(figure.metric, figure.std)}"
        source = (
            f"<p>Published: {html.escape(figure.metric)} "
            f"{show(figure.metric, figure.value)}{spread} "
            f"({html.escape(figure.source)})</p>"
        )
    heading = f"{recipe.label} ({recipe.digest()[:8]})"
    text = html.escape(recipe_text(recipe))
    return f"<h3>{html.escape(heading)}</h3>{source}<pre>{text}</pre>"
