"""What several commands take, said once: the types of their words with the help for each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from graphlearn.cli import completers

Models = Annotated[
    str,
    Parameter(
        help="Models (ncn), recipes (ncn/cora) or recipe files.", completer=completers.models
    ),
]
DatasetName = Annotated[
    str | None,
    Parameter(
        help="A data set's name, or an edge list of your own (.csv, .txt, ...).",
        completer=completers.data_sets,
    ),
]
DataRoot = Annotated[
    Path | None, Parameter(help="Folder of the data [$GRAPHLEARN_DATA, or ~/.cache/graphlearn].")
]
Seeds = Annotated[str | None, Parameter(help="How many (10), which (0,3,5), or a range (0-4).")]
Settings = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        help=(
            "Change a value of the recipe: --set train.epochs=5; several values, separated by "
            "commas, make a sweep."
        ),
        negative=(),
    ),
]
Out = Annotated[Path, Parameter(help="Folder for runs, ledger and report.")]
Device = Annotated[str | None, Parameter(help="Where to train: cpu, cuda, cuda:1.")]
Workers = Annotated[int, Parameter(help="Processes that run seeds side by side.")]
Threads = Annotated[
    int, Parameter(help="CPU threads of each seed; another number rounds differently.")
]
OwnThreads = Annotated[
    int,
    Parameter(
        help="CPU threads; more are faster where nothing else runs.",
        validator=cyclopts.validators.Number(gte=1),
    ),
]
Track = Annotated[
    tuple[Literal["tensorboard", "wandb", "mlflow"], ...],
    Parameter(
        help="Where else the curves go; may be given again. Each is an extra of this package.",
        negative=(),
    ),
]
Quiet = Annotated[bool, Parameter(help="Show no progress.", negative=())]
PrintConfig = Annotated[
    bool, Parameter(help="Print the resolved recipes as YAML and stop.", negative=())
]
Form = Annotated[Literal["plain", "markdown"], Parameter(help="How to print the table.")]
