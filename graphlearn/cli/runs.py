"""``run``, ``reproduce``, ``resume`` and ``table``: recipes, and what came of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from graphlearn.cli.options import (
    DataRoot,
    DatasetName,
    Device,
    Form,
    Models,
    Out,
    PrintConfig,
    Quiet,
    Seeds,
    Settings,
    Threads,
    Track,
    Workers,
)
from graphlearn.cli.show import print_recipes, print_result
from graphlearn.cli.words import recipes_of
from graphlearn.errors import InputError


def run(
    *models: Models,
    dataset: DatasetName = None,
    data_root: DataRoot = None,
    seeds: Seeds = None,
    device: Device = None,
    settings: Settings = (),
    out: Out = Path("runs"),
    workers: Workers = 1,
    threads: Threads = 1,
    print_config: PrintConfig = False,
    track: Track = (),
    quiet: Quiet = False,
) -> None:
    """Train models; print the table; write report and models. Finished seeds are skipped."""
    from graphlearn.bench import run_recipes

    recipes = recipes_of(models, dataset, seeds, device, settings)
    if print_config:
        print_recipes(recipes)
        return
    result = run_recipes(
        recipes,
        data_root=data_root,
        out=out,
        workers=workers,
        threads=threads,
        progress=not quiet,
        track=track,
    )
    print_result(result)


def reproduce(
    *recipes: Models,
    dataset: DatasetName = None,
    data_root: DataRoot = None,
    seeds: Seeds = None,
    device: Device = None,
    settings: Settings = (),
    out: Out = Path("runs"),
    workers: Workers = 1,
    threads: Threads = 1,
    track: Track = (),
    quiet: Quiet = False,
) -> None:
    """Run recipes and print published beside measured, with the difference in standard errors."""
    from graphlearn.bench import run_recipes

    found = recipes_of(recipes, dataset, seeds, device, settings)
    unpublished = [recipe.label for recipe in found if recipe.published is None]
    if len(unpublished) == len(found):
        raise InputError(
            f"no published figure in {', '.join(unpublished)}",
            expected="a recipe with 'published'",
            mend="see: graphlearn ls recipes",
        )
    result = run_recipes(
        found,
        data_root=data_root,
        out=out,
        workers=workers,
        threads=threads,
        progress=not quiet,
        track=track,
        with_published=True,
    )
    print_result(result)
    for recipe in found:
        if recipe.published is not None:
            print(f"published: {recipe.label}: {recipe.published.source}")


def resume(
    folder: Annotated[Path, Parameter(help="A folder that a run made.")],
    /,
    *,
    data_root: DataRoot = None,
    workers: Workers = 1,
    track: Track = (),
    quiet: Quiet = False,
) -> None:
    """Finish what a stopped run left unfinished, to the bit-identical result."""
    from graphlearn.bench.resume import resume_run

    result = resume_run(
        folder, data_root=data_root, workers=workers, progress=not quiet, track=track
    )
    print_result(result)


def table(
    *,
    ledger: Annotated[Path, Parameter(help="The ledger of finished seeds.")] = Path(
        "runs/ledger.jsonl"
    ),
    form: Form = "plain",
) -> None:
    """Print the table of a ledger, beside published figures where a recipe has one."""
    from graphlearn.bench import Ledger, results_table
    from graphlearn.bench.recipe_files import published_figures

    rows = Ledger(ledger).rows(must_exist=True)
    if not rows:
        raise InputError(f"{ledger} holds no finished seed", expected="at least one")
    found = results_table(rows, published_figures())
    print(found.markdown() if form == "markdown" else found.plain())
