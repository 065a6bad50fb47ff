"""The benchmark run of OGB's names: files, estimates, seeds, leaderboard, in that order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from graphlearn.bench.cost_estimate import estimate_cost
from graphlearn.bench.hardware import memory_bytes
from graphlearn.bench.leaderboard import Leaderboard, leaderboard
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.run_result import RunResult
from graphlearn.bench.runs import run_recipes
from graphlearn.bench.trackers import Track, check_trackers
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
    track: str | Sequence[Track] = (),
    tell: Callable[[str], None] | None = None,
) -> Leaderboard:
    """Run recipes on OGB's data sets and make the leaderboard.

    Estimates are told first. Then every data set's files are looked for, and fetched where they
    are missing, so that one that is not to be had stops nothing half-way. One data set is read
    after the other, so that memory is that of the largest, and the leaderboard is written after
    each: what stops a later one loses nothing of it. Finished seeds of the ledger in ``out`` are
    not run again, and a seed that was stopped goes on from its checkpoint.

    Args:
        recipes: What :func:`graphlearn.bench.ogb_recipes.pick_recipes` gives.
        data_root: Folder of the data.
        out: Folder for runs, ledger, reports and the leaderboard's four files.
        workers: Processes that run seeds side by side.
        threads: CPU threads that each seed computes with.
        progress: Whether to show progress on standard error.
        track: As in :func:`graphlearn.bench.run`.
        tell: Told the estimates, a line at a time.

    Raises:
        DataNotFoundError: If a data set's files are missing and cannot be fetched.
        GraphLearnError: As :func:`graphlearn.bench.run_recipes` does.
        RunInterrupted: On Ctrl-C.
    """
    trackers = check_trackers(track)
    root = find_data_root(data_root)
    if tell is not None:
        for line in estimate_lines(recipes, threads=threads, workers=workers):
            tell(line)
    for name in recipes:
        ensure_files(present_card(load_card(name), root), root)
    results: list[RunResult] = []
    found = leaderboard(results)
    for chosen in recipes.values():
        try:
            results.append(
                run_recipes(
                    list(chosen), data_root=data_root, out=out, workers=workers, threads=threads,
                    progress=progress, track=trackers,
                )
            )  # fmt: skip
        except BaseException:  # Ctrl-C too: say where what is finished stands, then let it through
            if results and tell is not None:
                tell(f"the leaderboard so far: {Path(out) / 'leaderboard.txt'}")
            raise
        found = leaderboard(results)
        found.write(out)
    return found


def estimate_lines(
    recipes: Mapping[str, Sequence[Recipe]], *, threads: int = 1, workers: int = 1
) -> list[str]:
    """Say what each recipe will take, and where that is more than this machine has.

    Args:
        recipes: Data set to recipes.
        threads: CPU threads that each seed computes with.
        workers: Seeds that run side by side, each with memory of its own.

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
            # Formulas run in this process, one after the other.
            together = min(workers, count) if recipe.model.is_trained else 1
            needed = cost.memory_bytes * together
            if together > 1:
                line += f"; {together} side by side: {show_bytes(needed)}"
            if free is not None and needed > free:
                line += f"; more than the {show_bytes(free)} that are free here"
            lines.append(line)
    return lines
