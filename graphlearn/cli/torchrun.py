"""``torchrun -m graphlearn.pipeline RECIPE``: one run by several processes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

import graphlearn
from graphlearn.cli.options import (
    DataRoot,
    DatasetName,
    Device,
    Models,
    Out,
    Quiet,
    Seeds,
    Settings,
    Threads,
    Track,
)
from graphlearn.cli.show import one_line, print_result
from graphlearn.cli.words import recipes_of
from graphlearn.errors import DivergedError, GraphLearnError

if TYPE_CHECKING:
    from graphlearn.bench.crew import Crew

together = cyclopts.App(
    name="torchrun --nproc-per-node STAGES -m graphlearn.pipeline",
    help=(
        "Train recipes with a stack of layers by several processes together, a stage of "
        "consecutive layers each; alone with one process. A killed run goes on where it was when "
        "it is started again, with as many processes or another number."
    ),
    version=graphlearn.__version__,
    suppress_keyboard_interrupt=False,
)


@together.default
def run_together(
    *models: Models,
    dataset: DatasetName = None,
    data_root: DataRoot = None,
    seeds: Seeds = None,
    device: Device = None,
    settings: Settings = (),
    out: Out = Path("runs"),
    ways: Annotated[
        int, Parameter(help="Processes that share each stage, each with a part of every chunk.")
    ] = 1,
    threads: Threads = 1,
    timeout: Annotated[
        float, Parameter(help="Seconds after which a process that does not answer is lost.")
    ] = 1800.0,
    track: Track = (),
    quiet: Quiet = False,
) -> None:
    """Train recipes with a stack of layers by several processes together."""
    from graphlearn.bench import run_recipes
    from graphlearn.bench.crew import Crew

    with Crew.assemble(ways, timeout=timeout) as crew:
        if not crew.leads:
            _follow(crew, threads)
            return
        result = run_recipes(
            recipes_of(models, dataset, seeds, device, settings),
            data_root=data_root,
            out=out,
            threads=threads,
            progress=not quiet,
            track=track,
            crew=crew,
        )
        print_result(result)


def _follow(crew: Crew, threads: int) -> None:
    """Train what the first process asks for; it says of most errors itself that there was one."""
    from graphlearn.bench.node_run import follow

    try:
        follow(crew, threads=threads)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except DivergedError:
        raise SystemExit(2) from None
    except GraphLearnError as error:
        print(f"graphlearn: rank {crew.rank}: {one_line(str(error))}", file=sys.stderr)
        raise SystemExit(2) from None
