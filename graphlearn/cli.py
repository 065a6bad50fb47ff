"""The command line: words to calls, nothing else.

Whatever a person can get wrong ends in one line on standard error and exit code 2; ``--debug``
shows where it came from. Heavy imports happen inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import cyclopts
from cyclopts import Parameter

import graphlearn
from graphlearn.allocator import keep_freed_memory
from graphlearn.errors import DivergedError, GraphLearnError, InputError

if TYPE_CHECKING:
    from graphlearn.bench import Recipe, RunResult
    from graphlearn.bench.crew import Crew

app = cyclopts.App(
    name="graphlearn",
    help="Graph learning on PyTorch Geometric: recipes, runs, tables. Every command takes --debug.",
    version=graphlearn.__version__,
    suppress_keyboard_interrupt=False,
)

Models = Annotated[str, Parameter(help="Models (ncn), recipes (ncn/cora) or recipe files.")]
DatasetName = Annotated[
    str | None, Parameter(help="A data set's name, or an edge list of your own (.csv, .txt, ...).")
]
DataRoot = Annotated[
    Path | None, Parameter(help="Folder of the data [$GRAPHLEARN_DATA, or ~/.cache/graphlearn].")
]
Seeds = Annotated[str | None, Parameter(help="How many (10), which (0,3,5), or a range (0-4).")]
Settings = Annotated[
    tuple[str, ...],
    Parameter(name="--set", help="Change a value of the recipe: --set train.epochs=5", negative=()),
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
Quiet = Annotated[bool, Parameter(help="Show no progress.", negative=())]
PrintConfig = Annotated[
    bool, Parameter(help="Print the resolved recipes as YAML and stop.", negative=())
]
Form = Annotated[Literal["plain", "markdown"], Parameter(help="How to print the table.")]


@app.command
def run(
    *models: Models,
    dataset: DatasetName = None,
    data_root: DataRoot = None,
    seeds: Seeds = None,
    device: Device = None,
    settings: Settings = (),
    out: Out = Path("runs"),
    workers: Workers = 1,
    threads: Threads = 1,
    print_config: PrintConfig = False,
    quiet: Quiet = False,
) -> None:
    """Train models; print the table; write report and models. Finished seeds are skipped."""
    from graphlearn.bench import run_recipes

    recipes = _recipes(models, dataset, seeds, device, settings)
    if print_config:
        _print_recipes(recipes)
        return
    result = run_recipes(
        recipes,
        data_root=data_root,
        out=out,
        workers=workers,
        threads=threads,
        progress=not quiet,
    )
    _print_result(result)


@app.command
def reproduce(
    *recipes: Models,
    dataset: DatasetName = None,
    data_root: DataRoot = None,
    seeds: Seeds = None,
    device: Device = None,
    settings: Settings = (),
    out: Out = Path("runs"),
    workers: Workers = 1,
    threads: Threads = 1,
    quiet: Quiet = False,
) -> None:
    """Run recipes and print published beside measured, with the difference in standard errors."""
    from graphlearn.bench import run_recipes

    found = _recipes(recipes, dataset, seeds, device, settings)
    unpublished = [recipe.label for recipe in found if recipe.published is None]
    if len(unpublished) == len(found):
        raise InputError(
            f"no published figure in {', '.join(unpublished)}",
            expected="a recipe with 'published'",
            mend="see: graphlearn ls recipes",
        )
    result = run_recipes(
        found,
        data_root=data_root,
        out=out,
        workers=workers,
        threads=threads,
        progress=not quiet,
        with_published=True,
    )
    _print_result(result)
    for recipe in found:
        if recipe.published is not None:
            print(f"published: {recipe.label}: {recipe.published.source}")


@app.command
def bench(
    *names: Annotated[str, Parameter(help="OGB's names: ogbl-ddi, ogbn-arxiv, ogbg-molhiv, ...")],
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
    quiet: Quiet = False,
) -> None:
    """Run OGB's data sets with the official splits and rules; print and write a leaderboard."""
    from graphlearn.bench.ogb_bench import estimate_lines, run_ogb
    from graphlearn.bench.ogb_recipes import pick_recipes
    from graphlearn.bench.overrides import parse_settings

    recipes = pick_recipes(
        names,
        models or (),
        seeds=None if seeds is None else _seed_list(seeds),
        device=device,
        set=parse_settings(settings),
    )
    if estimate:
        print("\n".join(estimate_lines(recipes, threads=threads)))
        return
    found = run_ogb(
        recipes,
        data_root=data_root,
        out=out,
        workers=workers,
        threads=threads,
        progress=not quiet,
        tell=None if quiet else lambda line: print(line, file=sys.stderr),
    )
    print(found.render(form))


@app.command
def resume(
    folder: Annotated[Path, Parameter(help="A folder that a run made.")],
    /,
    *,
    data_root: DataRoot = None,
    workers: Workers = 1,
    quiet: Quiet = False,
) -> None:
    """Finish what a stopped run left unfinished, to the bit-identical result."""
    from graphlearn.bench.resume import resume_run

    _print_result(resume_run(folder, data_root=data_root, workers=workers, progress=not quiet))


@app.command
def table(
    *,
    ledger: Annotated[Path, Parameter(help="The ledger of finished seeds.")] = Path(
        "runs/ledger.jsonl"
    ),
    form: Form = "plain",
) -> None:
    """Print the table of a ledger, beside published figures where a recipe has one."""
    from graphlearn.bench import Ledger, results_table
    from graphlearn.bench.recipe_files import published_figures

    rows = Ledger(ledger).rows(must_exist=True)
    if not rows:
        raise InputError(f"{ledger} holds no finished seed", expected="at least one")
    found = results_table(rows, published_figures())
    print(found.markdown() if form == "markdown" else found.plain())


@app.command(name="ls")
def list_names(
    what: Annotated[
        Literal["all", "datasets", "models", "recipes"], Parameter(help="What to list.")
    ] = "all",
    /,
) -> None:
    """List datasets, models and recipes."""
    from graphlearn.bench.listing import listing

    print(listing(what))


@app.command
def doctor() -> None:
    """Show what is installed and which fast paths are on."""
    from graphlearn.bench.doctor import examine

    print(examine().plain())


@app.command
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
        for seed in _seed_list(seeds):
            split = source.link_split(seed)  # refuses a leaking one
            print(f"{what}, seed {seed}: {split.rule}\n{audit_split(split)}")
        return
    refuse_unknown_target(what)
    for recipe in _recipes([what], dataset, seeds, None, settings):
        for seed in recipe.seeds if seeds else recipe.seeds[:1]:
            report = audit_recipe(recipe, data_root=data_root, num_pairs=pairs, seed=seed)
            print(f"{recipe.label}, seed {seed}: consistent\n{report}")


@app.command
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


@app.command
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


@app.command
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
    threads: OwnThreads = 1,
    quiet: Quiet = False,
) -> None:
    """Learn to predict new links of your own graph; write a model that predict reads."""
    from graphlearn.serve import fit as fit_graph
    from graphlearn.serve import quality_lines
    from graphlearn.train.threads import computing_with

    with computing_with(threads):
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
            say=None if quiet else _say,
        )
    for line in quality_lines(model.quality):
        print(line)
    print(f"model:  {out}")


@app.command
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
) -> None:
    """Recommend the likeliest new links of some nodes, or of all."""
    from graphlearn.serve.predicting import predict as predict_links
    from graphlearn.train.threads import computing_with

    found = predict_links(
        model,
        source=source,
        sources=sources,
        all_sources=all_sources,
        top=top,
        out=out,
        search=search,
    )
    with computing_with(threads):
        for line in found:
            print(line)


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
            _recipes(models, dataset, seeds, device, settings),
            data_root=data_root,
            out=out,
            threads=threads,
            progress=not quiet,
            crew=crew,
        )
        _print_result(result)


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
        print(f"graphlearn: rank {crew.rank}: {_one_line(str(error))}", file=sys.stderr)
        raise SystemExit(2) from None


def main(arguments: Sequence[str] | None = None, app: cyclopts.App = app) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: The words after the program's name; by default the process's own.
        app: Which commands; those of ``graphlearn`` by default.

    Returns:
        0, or 2 after an error that the person can mend, or 130 after Ctrl-C.
    """
    if arguments is None:  # the process is the command line's own
        keep_freed_memory()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except (GraphLearnError, cyclopts.CycloptsError) as error:
        if debug:
            traceback.print_exc()
        print(f"graphlearn: {_one_line(str(error))}", file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if debug or not (isinstance(error, MemoryError) or "allocate" in str(error)):
            raise
        print(
            f"graphlearn: out of memory ({_one_line(str(error))[:200]}); use smaller layers or "
            "batches, or fewer workers",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt as error:
        folder = getattr(error, "folder", None)
        after = f"; go on with: graphlearn resume {folder}" if folder is not None else ""
        print(f"\ngraphlearn: stopped{after}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # "graphlearn ls | head"
        sys.stderr.close()
        return 0
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _one_line(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _recipes(
    models: Iterable[str],
    dataset: str | None,
    seeds: str | None,
    device: str | None,
    settings: Iterable[str],
) -> list[Recipe]:
    from graphlearn.bench import resolve_recipes
    from graphlearn.bench.overrides import parse_settings

    return resolve_recipes(
        list(models),
        dataset,
        seeds=None if seeds is None else _seed_list(seeds),
        device=device,
        set=parse_settings(settings),
    )


_MOST_SEEDS = 100_000


def _seed_list(text: str | None) -> list[int]:
    """``"3"`` is 0, 1, 2; ``"3,"`` is 3 alone; ``"0,4"`` and ``"2-5"`` are what they say."""
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


def _print_recipes(recipes: Sequence[Recipe]) -> None:
    from graphlearn.bench import recipe_text

    print("---\n".join(recipe_text(recipe) for recipe in recipes), end="")


def _print_result(result: RunResult) -> None:
    from rich.console import Console

    from graphlearn.bench.run_result import best_row

    output: Any = sys.stdout
    if output.isatty():
        Console().print(result.table().rich())
    else:
        print(result.table().plain())
    print(f"report: {result.report}")
    print(f"figure: {result.image}")
    job = result.jobs[best_row(result.rows)]
    # A fold keeps its last epoch's weights: without a validation part nothing chooses among them.
    kept = (
        "the last epoch's"
        if result.rows[best_row(result.rows)].fold_scores
        else "best in validation"
    )
    print(f"model:  {job.folder.seed(job.seed)} ({job.label}: {kept})")


if __name__ == "__main__":
    sys.exit(main())
