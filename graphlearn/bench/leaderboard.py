"""Results in the form of OGB's leaderboards: what a submission has to state, a row a method."""

from __future__ import annotations

import html
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from graphlearn.bench.ogb_rules import changed_values
from graphlearn.bench.recipe import Published, Recipe
from graphlearn.bench.report import page_html
from graphlearn.bench.run_result import RunResult
from graphlearn.bench.saved_model import load_model
from graphlearn.bench.seed_result import SeedResult
from graphlearn.bench.table import Table, show
from graphlearn.data import load_card
from graphlearn.errors import CheckpointError, DataNotFoundError
from graphlearn.files import atomic_write_text, make_folder
from graphlearn.metrics import shown_value

LeaderboardForm = Literal["text", "markdown", "json", "html"]
SUFFIXES: dict[LeaderboardForm, str] = {
    "text": "txt",
    "markdown": "md",
    "json": "json",
    "html": "html",
}
"""Forms, and how their files end."""

_CAPTION = (
    "Test and validation in percent, mean ± standard deviation (ddof 1) over n seeds, each at its "
    "best validation epoch, by OGB's split and evaluator's rule. Validation links: whether they "
    "join the graph when the test is scored."
)
_TITLE = "OGB leaderboard"


@dataclass(frozen=True)
class LeaderboardEntry:
    """One method on one data set.

    Args:
        dataset: The data set.
        method: The recipe's name.
        metric: What OGB ranks by.
        seeds: The seeds, in order.
        test: The test score of each.
        valid: The validation score of each, at the same epoch.
        parameters: How many numbers are trained; None where the model is no longer there.
        valid_links_at_test: Whether validation links join the graph at test time; None where there
            are no links to predict.
        hardware: Where it ran.
        versions: Package to version, of the first seed.
        seconds: Of all seeds together.
        published: The figure to compare with.
        recipe_digest: Of what was run, as in the ledger.
        changed: By dotted key, what was run otherwise than in the recipe that ships under this
            name; None if none does.

    Example:
        >>> entry = LeaderboardEntry("ogbl-ddi", "cn", "hits@20", (0,), (0.1773,), (0.0947,), 0)
        >>> entry.test_text, entry.test_std
        ('17.73', None)
    """

    dataset: str
    method: str
    metric: str
    seeds: tuple[int, ...]
    test: tuple[float, ...]
    valid: tuple[float, ...]
    parameters: int | None = None
    valid_links_at_test: bool | None = None
    hardware: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    published: Published | None = None
    recipe_digest: str = ""
    changed: dict[str, Any] | None = field(default_factory=dict)

    @property
    def test_text(self) -> str:
        """Mean ± standard deviation as tables show it."""
        return _spread(self.metric, self.test)

    @property
    def valid_text(self) -> str:
        """The same of validation."""
        return _spread(self.metric, self.valid)

    @property
    def test_std(self) -> float | None:
        """Sample standard deviation (ddof 1) of the test scores; None of one."""
        return statistics.stdev(self.test) if len(self.test) > 1 else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: shares as fractions, with means and deviations."""
        return {
            **asdict(self),
            "test_mean": statistics.fmean(self.test),
            "test_std": self.test_std,
            "valid_mean": statistics.fmean(self.valid) if self.valid else None,
            "valid_std": statistics.stdev(self.valid) if len(self.valid) > 1 else None,
            "std_ddof": 1,
        }


@dataclass(frozen=True)
class Leaderboard:
    """Methods on data sets, best first within each.

    Args:
        entries: The methods.

    Example:
        >>> rows = [LeaderboardEntry("ogbl-ddi", m, "hits@20", (0,), (t,), (t,), 0)
        ...         for m, t in (("ra", 0.0623), ("aa", 0.1861))]
        >>> [line.split()[:3] for line in Leaderboard(tuple(rows)).render("text").splitlines()[1:3]]
        [['ogbl-ddi', 'aa', '18.61'], ['ogbl-ddi', 'ra', '6.23']]
    """

    entries: tuple[LeaderboardEntry, ...]

    def __post_init__(self) -> None:
        order = list(dict.fromkeys(entry.dataset for entry in self.entries))
        ranked = sorted(
            self.entries, key=lambda e: (order.index(e.dataset), -statistics.fmean(e.test))
        )
        object.__setattr__(self, "entries", tuple(ranked))

    def table(self) -> Table:
        """Return it as a table."""
        header = (
            "dataset", "method", "test", "validation", "metric", "n", "parameters",
            "validation links", "published", "hardware", "time",
        )  # fmt: skip
        lines = tuple(
            (
                entry.dataset,
                entry.method if entry.changed == {} else f"{entry.method} *",
                entry.test_text,
                entry.valid_text,
                entry.metric,
                str(len(entry.seeds)),
                "–" if entry.parameters is None else f"{entry.parameters:,}",
                {None: "–", True: "used", False: "not used"}[entry.valid_links_at_test],
                _published(entry.published),
                entry.hardware,
                f"{entry.seconds:.0f} s",
            )
            for entry in self.entries
        )
        departs = any(entry.changed != {} for entry in self.entries)
        return Table(
            header, lines, f"{_CAPTION} *: not as the recipe has it." if departs else _CAPTION
        )

    def render(self, form: LeaderboardForm) -> str:
        """Return it as text, Markdown, JSON or one HTML page.

        Args:
            form: Which of them.
        """
        if form == "json":
            entries = [entry.as_dict() for entry in self.entries]
            return json.dumps({"format": "graphlearn-leaderboard", "entries": entries}, indent=1)
        table = self.table()
        notes = [f"Versions: {self._versions()}.", *self._sources(), *self._departures()]
        if form == "html":
            parts = [f"<h1>{_TITLE}</h1>", table.html()]
            return page_html(_TITLE, [*parts, *(f"<p>{html.escape(note)}</p>" for note in notes)])
        between = "\n\n" if form == "markdown" else "\n"
        return between.join([table.markdown() if form == "markdown" else table.plain(), *notes])

    def write(self, folder: Path | str) -> dict[LeaderboardForm, Path]:
        """Write ``leaderboard.txt``, ``.md``, ``.json`` and ``.html``.

        Args:
            folder: Where to; made if missing.

        Returns:
            Form to file.

        Raises:
            OutputError: If they cannot be written.
        """
        place = make_folder(folder)
        written = {form: place / f"leaderboard.{suffix}" for form, suffix in SUFFIXES.items()}
        for form, path in written.items():
            atomic_write_text(path, self.render(form).rstrip("\n") + "\n")
        return written

    def _versions(self) -> str:
        found: dict[str, list[str]] = {}
        for entry in self.entries:
            for name, version in entry.versions.items():
                if name not in ("device", "cpu") and version not in found.setdefault(name, []):
                    found[name].append(version)
        return ", ".join(f"{name} {' and '.join(values)}" for name, values in found.items())

    def _sources(self) -> list[str]:
        return [
            f"Published: {entry.method} on {entry.dataset}: {entry.published.source}."
            for entry in self.entries
            if entry.published is not None
        ]

    def _departures(self) -> list[str]:
        """What makes rows other than their recipes, such as fewer epochs: figures depend on it."""
        notes = []
        for entry in self.entries:
            label = f"{entry.method} on {entry.dataset}"
            if entry.changed is None:
                notes.append(f"Not a recipe that ships: {label}.")
            elif entry.changed:
                listed = ", ".join(f"{key}={value}" for key, value in entry.changed.items())
                notes.append(f"Changed from the recipe: {label}: {listed}.")
        return notes


def leaderboard(results: Sequence[RunResult]) -> Leaderboard:
    """Make the leaderboard of finished runs.

    Args:
        results: What :func:`graphlearn.bench.run_recipes` gave.

    Example:
        >>> leaderboard([])
        Leaderboard(entries=())
    """
    entries = []
    for result in results:
        groups: dict[int, list[int]] = {}
        for number, job in enumerate(result.jobs):
            groups.setdefault(id(job.recipe), []).append(number)
        entries += [_entry(result, numbers) for numbers in groups.values()]
    return Leaderboard(tuple(entries))


def _entry(result: RunResult, numbers: Sequence[int]) -> LeaderboardEntry:
    recipe = result.jobs[numbers[0]].recipe
    rows = [result.rows[number] for number in numbers]
    assert recipe.dataset is not None
    assert recipe.metrics is not None
    ranked_by = load_card(recipe.dataset).metric
    metric = ranked_by if ranked_by in recipe.metrics else recipe.metrics[0]
    return LeaderboardEntry(
        dataset=recipe.dataset_label,
        method=recipe.shown_name,
        metric=metric,
        seeds=tuple(row.seed for row in rows),
        test=tuple(row.test[metric] for row in rows),
        valid=tuple(row.valid[metric] for row in rows if metric in row.valid),
        parameters=_parameters(result, numbers[0]),
        valid_links_at_test=_uses_valid_links(recipe),
        hardware=", ".join(dict.fromkeys(_hardware(row) for row in rows)),
        versions=dict(rows[0].versions),
        seconds=sum(row.seconds for row in rows),
        published=_comparable(recipe, metric),
        recipe_digest=recipe.digest(),
        changed=changed_values(recipe),
    )


def _comparable(recipe: Recipe, metric: str) -> Published | None:
    """The published figure, if it is of the metric that the row shows."""
    figure = recipe.published
    return figure if figure is not None and figure.metric == metric else None


def _parameters(result: RunResult, number: int) -> int | None:
    job = result.jobs[number]
    try:
        model = load_model(job.folder.seed(job.seed))
    except (DataNotFoundError, CheckpointError):  # only the ledger is left
        return None
    return sum(parameter.numel() for parameter in model.parameters())


def _uses_valid_links(recipe: Recipe) -> bool | None:
    if recipe.model.task != "links":
        return None
    assert recipe.dataset is not None
    asked = recipe.split.test_uses_valid_edges
    return load_card(recipe.dataset).split.test_uses_valid_edges if asked is None else asked


def _hardware(row: SeedResult) -> str:
    device = row.versions.get("device", "cpu")
    if device.startswith("cuda"):
        return device
    threads = row.versions.get("threads", "1")
    name = row.versions.get("cpu", "CPU")
    return f"{name}, {threads} {'thread' if threads == '1' else 'threads'}"


def _spread(metric: str, scores: Sequence[float]) -> str:
    if not scores:
        return "–"
    shown = [shown_value(metric, score) for score in scores]
    mean = show(metric, statistics.fmean(shown))
    return mean if len(shown) == 1 else f"{mean} ± {show(metric, statistics.stdev(shown))}"


def _published(figure: Published | None) -> str:
    if figure is None:
        return "–"
    text = show(figure.metric, figure.value)
    return text if figure.std is None else f"{text} ± {show(figure.metric, figure.std)}"
