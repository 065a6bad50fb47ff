"""Words of the command line that become recipes and seeds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from graphlearn.errors import InputError

if TYPE_CHECKING:
    from graphlearn.bench import Recipe

_MOST_SEEDS = 100_000


def recipes_of(
    models: Iterable[str],
    dataset: str | None,
    seeds: str | None,
    device: str | None,
    settings: Iterable[str],
) -> list[Recipe]:
    """Resolve the words that name recipes and change their values.

    Raises:
        InputError: If one is unknown or malformed.
    """
    from graphlearn.bench import resolve_recipes
    from graphlearn.bench.sweep import parse_sweep

    values, sweep = parse_sweep(settings)
    return resolve_recipes(
        list(models),
        dataset,
        seeds=None if seeds is None else seed_list(seeds),
        device=device,
        set=values,
        sweep=sweep,
    )


def seed_list(text: str | None) -> list[int]:
    """``"3"`` is 0, 1, 2; ``"3,"`` is 3 alone; ``"0,4"`` and ``"2-5"`` are what they say.

    Args:
        text: What was given to ``--seeds``; without it the seed is 0.

    Raises:
        InputError: If it is neither a count, seeds nor ranges.

    Example:
        >>> seed_list("3"), seed_list("3,"), seed_list("0,4-6")
        ([0, 1, 2], [3], [0, 4, 5, 6])
    """
    if text is None:
        return [0]
    ranges: list[range] = []
    try:
        if text.strip().isdigit():
            ranges = [range(int(text))]
        else:
            for part in filter(None, text.split(",")):
                first, dash, last = part.partition("-")
                ranges.append(range(int(first), int(last if dash else first) + 1))
    except ValueError:
        ranges = []
    count = sum(max(0, part.stop - part.start) for part in ranges)
    if count > _MOST_SEEDS:
        raise InputError(f"--seeds {text}", expected=f"at most {_MOST_SEEDS} seeds")
    seeds = [seed for part in ranges for seed in part]
    if not seeds:
        raise InputError(f"--seeds {text}", expected="a count (10), seeds (0,3,5) or a range (0-4)")
    return seeds
