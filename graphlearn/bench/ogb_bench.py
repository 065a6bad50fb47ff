"""The benchmark run of OGB's names: files, estimates, seeds, leaderboard, in that order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from graphlearn.bench.cost_estimate import estimate_cost
from graphlearn.bench.hardware import memory_bytes
from graphlearn.bench.leaderboard import Leaderboard, leaderboard
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.runs import run_recipes
from graphlearn.data import find_data_root, load_card
from graphlearn.data.download import ensure_files, present_card
from graphlearn.store.store_plan import show_bytes


def run_ogb(
    recipes: Mapping[str, Sequence[Recipe]],
    *,
    data_root: str | Path | None = None,
    out: str | Path = "runs",
    workers: int = 1,
    threads: int = 1,
    progress: bool = True,
    tell: Callable[[str], None] | None = None,
) -> Leaderboard:
    """Run recipes on OGB's data sets and make the leaderboard.

    Every data set's files are looked for first, and fetched where they are missing, so that one
    that is not to be had stops nothing half-way. Then estimates are told, and one data set is read
    after the other, so that memory is that of the largest. Finished seeds of the ledger in ``out``
    are not run again, and a seed that was stopped goes on from its checkpoint.

    Args:
        recipes: What :func:`graphlearn.bench.ogb_recipes.pick_recipes` gives.
        data_root: Folder of the data.
        out: Folder for runs, ledger, reports and the leaderboard's four files.
        workers: Processes that run seeds side by side.
        threads: CPU threads that each seed computes with.
        progress: Whether to show progress on standard error.
        tell: Told the estimates, a line at a time.

    Raises:
        DataNotFoundError: If a data set's files are missing and cannot be fetched.
        GraphLearnError: As :func:`graphlearn.bench.run_recipes` does.
        RunInterrupted: On Ctrl-C.
    """
    root = find_data_root(data_root)
    for name in recipes:
        ensure_files(present_card(load_card(name), root), root)
    if tell is not None:
        for line in estimate_lines(recipes, threads=threads):
            tell(line)
    results = [
        run_recipes(
            list(chosen), data_root=data_root, out=out, workers=workers, threads=threads,
            progress=progress,
        )
        for chosen in recipes.values()
    ]  # fmt: skip
    found = leaderboard(results)
    found.write(out)
    return found


def estimate_lines(recipes: Mapping[str, Sequence[Recipe]], *, threads: int = 1) -> list[str]:
    """Say what each recipe will take, and where that is more than this machine has.

    Args:
        recipes: Data set to recipes.
        threads: CPU threads that each seed computes with.

    Example:
        >>> from graphlearn.bench.ogb_recipes import pick_recipes
        >>> estimate_lines(pick_recipes(["ogbl-ddi"], ["cn"]))
        ['cn on ogbl-ddi: about 138 MiB and 7 s a seed, 1 seed (rough: within a factor of three)']
    """
    free = memory_bytes()
    lines = []
    for name, chosen in recipes.items():
        card = load_card(name)
        for recipe in chosen:
            cost = estimate_cost(recipe, card, threads=threads)
            if cost is None:
                lines.append(f"{recipe.label}: no estimate, its card states no sizes")
                continue
            count = len(recipe.seeds)
            line = f"{recipe.label}: {cost}, {count} {'seed' if count == 1 else 'seeds'}"
            line += " (rough: within a factor of three)"
            if free is not None and cost.memory_bytes > free:
                line += f"; more than the {show_bytes(free)} that are free here"
            lines.append(line)
    return lines
