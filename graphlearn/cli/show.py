"""What commands print."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphlearn.bench import Recipe, RunResult


def print_recipes(recipes: Sequence[Recipe]) -> None:
    """Print recipes as YAML documents, ready to be run."""
    from graphlearn.bench import recipe_text

    print("---\n".join(recipe_text(recipe) for recipe in recipes), end="")


def print_result(result: RunResult) -> None:
    """Print the table of a run and the places of its report, figure and best model."""
    from rich.console import Console

    from graphlearn.bench.run_result import best_row

    output: Any = sys.stdout
    if output.isatty():
        Console().print(result.table().rich())
    else:
        print(result.table().plain())
    print(f"report: {result.report}")
    print(f"figure: {result.image}")
    job = result.jobs[best_row(result.rows)]
    # A fold keeps its last epoch's weights: without a validation part nothing chooses among them.
    kept = (
        "the last epoch's"
        if result.rows[best_row(result.rows)].fold_scores
        else "best in validation"
    )
    print(f"model:  {job.folder.seed(job.seed)} ({job.label}: {kept})")


def say(line: str) -> None:
    """Print a line on standard error at once."""
    print(line, file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """Join the lines of a text by spaces."""
    return " ".join(line.strip() for line in text.splitlines() if line.strip())
