"""``fit`` and ``predict``: new links of a graph of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, validators

from graphlearn.cli.options import OwnThreads, Quiet
from graphlearn.cli.steps import shown_steps

FitThreads = Annotated[
    int,
    Parameter(
        help=(
            "CPU threads; more are faster where nothing else runs. In NCN's training another "
            "number rounds differently."
        ),
        validator=validators.Number(gte=1),
    ),
]


def fit(
    edges: Annotated[Path, Parameter(help="An edge list of your own (.csv, .txt.gz, .parquet).")],
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder for the model.")],
    features: Annotated[
        Path | None, Parameter(help="A table of node features: ids, then numbers.")
    ] = None,
    time: Annotated[
        str | None, Parameter(help="Column of the edges' times, by name or number from 1.")
    ] = None,
    source_column: Annotated[
        str | None, Parameter(help="Column of an edge's first end [the first].")
    ] = None,
    target_column: Annotated[
        str | None, Parameter(help="Column of its second end [the second].")
    ] = None,
    id_column: Annotated[
        str | None, Parameter(help="Column of ids in the table of features [the first].")
    ] = None,
    text_ids: Annotated[
        bool, Parameter(help="Take ids as text even where some are integers.", negative=())
    ] = False,
    seed: Annotated[int, Parameter(help="Of all that is drawn.")] = 0,
    threads: FitThreads = 1,
    quiet: Quiet = False,
) -> None:
    """Learn to predict new links of your own graph; write a model that predict reads."""
    from graphlearn.serve import fit as fit_graph
    from graphlearn.serve import quality_lines
    from graphlearn.train.threads import computing_with

    with computing_with(threads), shown_steps(quiet=quiet) as steps:
        model = fit_graph(
            edges,
            features=features,
            time=time,
            source_column=source_column,
            target_column=target_column,
            id_column=id_column,
            text_ids=text_ids,
            out=out,
            seed=seed,
            say=None if steps is None else steps.say,
            advance=None if steps is None else steps.advance,
        )
    for line in quality_lines(model.quality):
        print(line)
    print(f"model:  {out}")


def predict(
    model: Annotated[Path, Parameter(help="The folder that fit wrote.")],
    /,
    *,
    source: Annotated[
        tuple[str, ...], Parameter(help="Id of a node; may be given again.", negative=())
    ] = (),
    sources: Annotated[Path | None, Parameter(help="A file with an id a line.")] = None,
    all_sources: Annotated[bool, Parameter(help="Every node of the graph.", negative=())] = False,
    top: Annotated[int, Parameter(help="How many links of each node.")] = 10,
    out: Annotated[
        Path | None, Parameter(help="File for the links (.csv, .parquet) [shown].")
    ] = None,
    search: Annotated[
        Literal["auto", "exact", "hnsw"], Parameter(help="How to find nodes with like vectors.")
    ] = "auto",
    threads: OwnThreads = 1,
    quiet: Quiet = False,
) -> None:
    """Recommend the likeliest new links of some nodes, or of all."""
    from graphlearn.serve.predicting import predict as predict_links
    from graphlearn.train.threads import computing_with

    # Links that are shown are their own progress.
    with computing_with(threads), shown_steps(quiet=quiet or out is None) as steps:
        found = predict_links(
            model,
            source=source,
            sources=sources,
            all_sources=all_sources,
            top=top,
            out=out,
            search=search,
            advance=None if steps is None else steps.advance,
        )
        for line in found:
            print(line)
