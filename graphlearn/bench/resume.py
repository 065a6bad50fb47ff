"""Finish a stopped run from nothing but its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from graphlearn.bench.own_graph import GRAPHS
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.run_folder import open_run_folder
from graphlearn.bench.run_result import RunResult
from graphlearn.bench.runs import fill_in, run_recipes
from graphlearn.bench.trackers import Track


def resume_run(
    path: Path | str,
    *,
    data_root: Path | str | None = None,
    workers: int = 1,
    progress: bool = True,
    track: str | Sequence[Track] = (),
) -> RunResult:
    """Run the unfinished seeds of a run's folder; the folder may have been moved.

    Args:
        path: A recipe's folder, or one seed's.
        data_root: Folder of the data; by default where the run had it.
        workers: Processes that run seeds side by side.
        progress: Whether to show progress.
        track: As in :func:`graphlearn.bench.run`; a seed goes on in the run that it began there.

    Returns:
        All the run's seeds, those finished earlier included.

    Raises:
        DataNotFoundError: If it is no run's folder, or the data are missing.
        CheckpointError: If a checkpoint is truncated or another run's.
    """
    folder, recipe = open_run_folder(path)
    noted_root, threads = folder.settings()
    recipe = _with_moved_graph(recipe, folder.path.parent)
    return run_recipes(
        [fill_in(recipe)],
        data_root=data_root if data_root is not None else noted_root,
        out=folder.path.parent,
        folders={0: folder},
        workers=workers,
        threads=threads,
        progress=progress,
        track=track,
    )


def _with_moved_graph(recipe: Recipe, out: Path) -> Recipe:
    """The recipe with its graph's file where it lies now, if it moved with the run's folder."""
    noted = Path(recipe.dataset or "")
    here = out.resolve() / GRAPHS / noted.name
    if noted.parent.name == GRAPHS and not noted.is_file() and here.is_file():
        return dataclasses.replace(recipe, dataset=str(here))
    return recipe
