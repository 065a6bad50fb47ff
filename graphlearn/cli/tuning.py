"""``tune``: search the settings of a recipe by validation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from graphlearn.cli import completers
from graphlearn.cli.options import (
    DataRoot,
    DatasetName,
    Device,
    Out,
    Quiet,
    Seeds,
    Settings,
    Threads,
)
from graphlearn.cli.show import print_result
from graphlearn.cli.words import seed_list
from graphlearn.errors import InputError

if TYPE_CHECKING:
    from graphlearn.bench import StudyResult


def tune(
    model: Annotated[
        str,
        Parameter(
            help="A model (ncn), a recipe (ncn/cora) or a recipe file.", completer=completers.models
        ),
    ],
    /,
    *,
    search: Annotated[
        tuple[str, ...],
        Parameter(
            help=(
                "A key and its space, once for each key: "
                "train.encoder_learning_rate=log(1e-4,1e-1), "
                "predictor.dropout=uniform(0,0.7), encoder.num_layers=int(1,4), "
                "train.batch_size=choice(512,1152)."
            ),
            negative=(),
        ),
    ] = (),
    trials: Annotated[
        int, Parameter(help="Trials in the end, those of an earlier call included.")
    ] = 50,
    dataset: DatasetName = None,
    data_root: DataRoot = None,
    seeds: Seeds = None,
    device: Device = None,
    settings: Settings = (),
    out: Out = Path("runs"),
    study_seed: Annotated[int, Parameter(help="Seed of the sampler.")] = 0,
    no_prune: Annotated[bool, Parameter(help="Train every trial to its end.", negative=())] = False,
    warm_up: Annotated[
        int, Parameter(help="Epochs before which no trial is ended for want of prospects.")
    ] = 10,
    threads: Threads = 1,
    test: Annotated[
        bool, Parameter(help="In the end run the best on the test part.", negative=())
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Search settings by validation alone; write the best recipe. A stopped study goes on."""
    from graphlearn.bench import tune as search_settings
    from graphlearn.bench.search_space import parse_search
    from graphlearn.bench.sweep import parse_sweep

    spaces = parse_search(search)
    values, several = parse_sweep(settings)
    for key, choices in several.items():
        listed = ",".join(map(str, choices))
        raise InputError(
            f"--set {key} has {len(choices)} values",
            expected="one",
            mend=f"let the study choose: --search {key}=choice({listed})",
        )
    found = search_settings(
        model,
        dataset,
        search=spaces,
        trials=trials,
        seeds=1 if seeds is None else seed_list(seeds),
        set=values,
        data_root=data_root,
        device=device,
        out=out,
        study_seed=study_seed,
        prune=not no_prune,
        warm_up=warm_up,
        threads=threads,
        test=test,
        progress=not quiet,
    )
    print_study(found)


def print_study(found: StudyResult) -> None:
    """Print a study's best settings, its files, and how to have the best tested."""
    from graphlearn.bench.labels import shown_setting
    from graphlearn.bench.table import spread

    value = spread(found.best.seed_values, found.metric)
    count = len(found.best.seed_values)
    print(f"{len(found.trials)} trials: {found.counts}")
    print(
        f"best: trial {found.best.number}, validation {found.metric} {value} "
        f"({count} {'seed' if count == 1 else 'seeds'})"
    )
    for key, setting in found.best_settings.items():
        print(f"  {key}={shown_setting(setting)}")
    print(f"recipe: {found.best_path}")
    print(f"trials: {found.trials_path}")
    print(f"figure: {found.figure_path}")
    if found.test is not None:
        print_result(found.test)
    else:
        print(f"to test it: graphlearn run {found.best_path} --seeds 10")
