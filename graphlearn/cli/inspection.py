"""``ls``, ``doctor``, ``audit``, ``suggest``, ``analyze`` and ``plan``: none of them trains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from graphlearn.cli.options import DataRoot, DatasetName, Seeds, Settings
from graphlearn.cli.words import recipes_of, seed_list


def ls(
    what: Annotated[
        Literal["all", "datasets", "models", "recipes"], Parameter(help="What to list.")
    ] = "all",
    /,
) -> None:
    """List datasets, models and recipes."""
    from graphlearn.bench.listing import listing

    print(listing(what))


def doctor() -> None:
    """Show what is installed and which fast paths are on."""
    from graphlearn.bench.doctor import examine

    print(examine().plain())


def audit(
    what: Annotated[
        str, Parameter(help="A data set or edge list (audits its split), or a model or recipe.")
    ],
    /,
    *,
    dataset: DatasetName = None,
    data_root: DataRoot = None,
    seeds: Seeds = None,
    settings: Settings = (),
    pairs: Annotated[int, Parameter(help="About how many pairs a model is asked to score.")] = 256,
) -> None:
    """Refuse a split that leaks, or a predictor whose score depends on the rest of its batch."""
    from graphlearn.bench.model_audit import audit_recipe
    from graphlearn.bench.split_source import (
        SplitSource,
        is_split_target,
        refuse_unknown_target,
    )
    from graphlearn.data import audit_split

    if dataset is None and is_split_target(what):
        source = SplitSource(what, data_root=data_root)
        for seed in seed_list(seeds):
            split = source.link_split(seed)  # refuses a leaking one
            print(f"{what}, seed {seed}: {split.rule}\n{audit_split(split)}")
        return
    refuse_unknown_target(what)
    for recipe in recipes_of([what], dataset, seeds, None, settings):
        for seed in recipe.seeds if seeds else recipe.seeds[:1]:
            report = audit_recipe(recipe, data_root=data_root, num_pairs=pairs, seed=seed)
            print(f"{recipe.label}, seed {seed}: consistent\n{report}")


def suggest(
    what: Annotated[str, Parameter(help="A data set's name, or an edge list of your own.")],
    /,
    *,
    model: Annotated[
        Literal["cnmix", "gae"], Parameter(help="The model to have defaults for.")
    ] = "cnmix",
    out: Annotated[Path | None, Parameter(help="Write the recipe here, for run.")] = None,
    data_root: DataRoot = None,
) -> None:
    """Print a recipe whose sizes follow from the graph: no tuning, and the reasons as comments."""
    from graphlearn.bench.split_source import SplitSource
    from graphlearn.bench.suggestion import suggest_recipe
    from graphlearn.bench.tasks import is_file_dataset
    from graphlearn.errors import InputError
    from graphlearn.files import atomic_write_text

    if out is not None and out.suffix not in (".yaml", ".yml"):
        raise InputError(f"--out is {out}", expected="a name that ends in .yaml, as run reads it")
    if out is not None and out.exists():
        raise InputError(
            f"--out is {out}, which is there already",
            expected="a new file",
            mend="choose another name, or delete it",
        )
    data = SplitSource(what, data_root=data_root, task="links").graph()
    # A file's place must not depend on where the recipe is read.
    dataset = str(Path(what).expanduser().resolve()) if is_file_dataset(what) else what
    text = suggest_recipe(data, model, dataset=dataset).text()
    if out is None:
        print(text, end="")
        return
    atomic_write_text(out, text)
    print(f"recipe: {out}\ntrain it with: graphlearn run {out}")


def analyze(
    *,
    model: Annotated[
        Path, Parameter(help="The folder of a run's seed, as run prints it after 'model:'.")
    ],
    metric: Annotated[
        Literal["mrr", "hits@10", "hits@100"], Parameter(help="For the curves and the list.")
    ] = "mrr",
    hops: Annotated[int, Parameter(help="K of topological concentration.")] = 1,
    dim: Annotated[int, Parameter(help="Dimensions of the approximated one.")] = 1024,
    candidates: Annotated[
        int | None, Parameter(help="Nodes drawn to rank each node's links among; all if few.")
    ] = None,
    data_root: DataRoot = None,
    out: Annotated[
        Path | None, Parameter(help="Folder for report and table [beside the model].")
    ] = None,
) -> None:
    """Which nodes a model serves badly, and which topological measure says so."""
    from graphlearn.bench.analysis import analyze_run
    from graphlearn.bench.analysis_report import analysis_text, check_parquet, write_analysis

    check_parquet()
    found = analyze_run(model, hops=hops, dim=dim, num_candidates=candidates, data_root=data_root)
    page, nodes = write_analysis(found, out or model / "analysis", metric=metric)
    print(analysis_text(found, metric))
    print(f"report: {page}")
    print(f"nodes:  {nodes}")


def plan(
    *,
    host_bytes: Annotated[
        str | None, Parameter(help="Memory for feature rows: 8GiB, 512MB, 10e9; 0 for none.")
    ] = None,
    gpu_bytes: Annotated[str, Parameter(help="GPU memory for feature rows.")] = "0",
    graph: Annotated[
        str | None, Parameter(help="A data set's name, or an edge list of your own.")
    ] = None,
    nodes: Annotated[str | None, Parameter(help="Without --graph: how many nodes (2e6).")] = None,
    edges: Annotated[
        str | None, Parameter(help="Without --graph: how many edges, both directions counted.")
    ] = None,
    dim: Annotated[str | None, Parameter(help="Numbers a row [the graph's own features].")] = None,
    dtype: Annotated[str, Parameter(help="What rows are made of.")] = "float32",
    fanout: Annotated[str, Parameter(help="Neighbors drawn in each hop.")] = "15,10",
    batch_size: Annotated[str, Parameter(help="Seeds a batch.")] = "1024",
    train_nodes: Annotated[str | None, Parameter(help="How many nodes are seeds [all].")] = None,
    assume: Annotated[
        Literal["power-law", "uniform"], Parameter(help="What a graph of those sizes looks like.")
    ] = "power-law",
    data_root: DataRoot = None,
) -> None:
    """Say before training which feature store fits, and what a batch will read from where."""
    from graphlearn.bench.store_plan import plan_command

    found = plan_command(
        graph=graph,
        nodes=nodes,
        edges=edges,
        dim=dim,
        dtype=dtype,
        gpu_bytes=gpu_bytes,
        host_bytes=host_bytes,
        fan_out=fanout,
        batch_size=batch_size,
        train_nodes=train_nodes,
        assume=assume,
        data_root=data_root,
    )
    print(found)


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish", "powershell"], Parameter(help="Which shell.")],
    /,
) -> None:
    """Print the script by which a shell completes commands, options and names on <TAB>."""
    from graphlearn.cli.commands import app

    print(app.generate_completion(shell=shell))
