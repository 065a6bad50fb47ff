"""``bench``: OGB's data sets with their official splits and rules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from graphlearn.cli import completers
from graphlearn.cli.options import (
    DataRoot,
    Device,
    Out,
    Quiet,
    Seeds,
    Settings,
    Threads,
    Track,
    Workers,
)
from graphlearn.cli.words import seed_list


def bench(
    *names: Annotated[
        str,
        Parameter(
            help="OGB's names: ogbl-ddi, ogbn-arxiv, ogbg-molhiv, ...",
            completer=completers.ogb_data_sets,
        ),
    ],
    models: Annotated[
        list[str] | None,
        Parameter(
            help="Models, such as cn ncn [all with a recipe]", consume_multiple=True, negative=()
        ),
    ] = None,
    data_root: DataRoot = None,
    seeds: Seeds = None,
    device: Device = None,
    settings: Settings = (),
    out: Out = Path("runs"),
    workers: Workers = 1,
    threads: Threads = 1,
    form: Annotated[
        Literal["text", "markdown", "json", "html"], Parameter(help="How to print it.")
    ] = "text",
    estimate: Annotated[
        bool, Parameter(help="Say what it would take, and stop.", negative=())
    ] = False,
    track: Track = (),
    quiet: Quiet = False,
) -> None:
    """Run OGB's data sets with the official splits and rules; print and write a leaderboard."""
    from graphlearn.bench.ogb_bench import estimate_lines, run_ogb
    from graphlearn.bench.ogb_recipes import pick_recipes
    from graphlearn.bench.sweep import parse_sweep

    values, sweep = parse_sweep(settings)
    recipes = pick_recipes(
        names,
        models or (),
        seeds=None if seeds is None else seed_list(seeds),
        device=device,
        set=values,
        sweep=sweep,
    )
    if estimate:
        print("\n".join(estimate_lines(recipes, threads=threads, workers=workers)))
        return
    found = run_ogb(
        recipes,
        data_root=data_root,
        out=out,
        workers=workers,
        threads=threads,
        progress=not quiet,
        track=track,
        tell=None if quiet else lambda line: print(line, file=sys.stderr),
    )
    print(found.render(form))
