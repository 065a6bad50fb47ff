"""Train and score recipes over seeds: one call from recipe to table, report and saved models."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlearn.bench.crew import Crew
from graphlearn.bench.ledger import Ledger
from graphlearn.bench.listener import Epoch, Listener
from graphlearn.bench.overrides import refuse_untaken
from graphlearn.bench.own_graph import graph_path, own_graph, stored_graph
from graphlearn.bench.plan import Job, plan_jobs
from graphlearn.bench.progress import show_progress
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_files import find_recipe
from graphlearn.bench.report import write_report
from graphlearn.bench.run_folder import RunFolder, check_writable
from graphlearn.bench.run_result import RunResult
from graphlearn.bench.seed_result import SeedResult
from graphlearn.bench.seed_run import run_seed
from graphlearn.bench.split_source import SplitSources
from graphlearn.bench.sweep import Found, Sweep, swept_recipes
from graphlearn.bench.tasks import (
    check_metrics,
    check_task,
    default_metrics,
    default_task,
    is_file_dataset,
)
from graphlearn.bench.trackers import Track, check_trackers, tracking
from graphlearn.bench.workers import run_in_workers
from graphlearn.errors import InputError, InputTypeError
from graphlearn.files import make_folder, sole_use
from graphlearn.train import SampledTrainConfig, TrainConfig
from graphlearn.train.threads import computing_with
from graphlearn.validate import check_size

if TYPE_CHECKING:
    import networkx as nx
    from torch_geometric.data import Data

Model = str | Path | Recipe
"""What can be run: a model's name, a recipe's name or file, or a recipe."""

LEDGER_NAME = "ledger.jsonl"
_MOST_THREADS = 1024  # asking the system for more ends the process


class RunInterrupted(KeyboardInterrupt):
    """A run that was stopped by Ctrl-C; finished seeds and the last checkpoint are kept.

    Args:
        folder: The folder of the recipe that was in work.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(f"stopped while at work in {folder}")
        self.folder = folder


def run(
    model: Model | Sequence[Model] = "ncn",
    dataset: str | Path | Data | nx.Graph[Any] | None = None,
    *,
    seeds: int | Sequence[int] | None = None,
    data_root: str | Path | None = None,
    device: str | None = None,
    set: Mapping[str, Any] | None = None,
    sweep: Sweep | None = None,
    out: str | Path = "runs",
    workers: int = 1,
    threads: int = 1,
    progress: bool = True,
    track: str | Sequence[Track] = (),
    with_published: bool = False,
) -> RunResult:
    """Run one or several models on a data set, seed by seed.

    Seeds that the ledger of ``out`` holds are not run again, and a seed that was stopped goes on
    from its checkpoint. Nothing is written before every recipe, split and option has been checked.

    Args:
        model: A model's name (``"ncn"``), a recipe's (``"ncn/cora"``), a recipe file, a
            :class:`Recipe` such as :func:`suggest_recipe` gives, or several of these.
        dataset: A data set's name; a graph of your own as the path of a file (an edge list, SEAL's
            ``.mat``, or ``.safetensors`` with features, see :func:`graphlearn.data.write_graph`),
            as PyG's ``Data`` or as a networkx graph, which are written under ``out`` so that a run
            can be resumed; by default the recipe's.
        seeds: How many seeds, from 0, or which; by default the recipe's.
        data_root: Folder of the data; by default ``$GRAPHLEARN_DATA`` or ``~/.cache/graphlearn``.
        device: Where to train, such as ``"cuda"``; by default the recipe's.
        set: Changes to the recipe by dotted key: ``{"train.epochs": 5}``.
        sweep: Several values by dotted key: ``{"train.batch_size": [512, 1152]}`` runs the recipe
            with each, and with all combinations where there are several keys.
        out: Folder for runs, ledger and report.
        workers: Processes that run seeds side by side; scripts that ask for more than one need the
            usual ``if __name__ == "__main__":``. Results do not depend on it.
        threads: CPU threads that each seed computes with. Matrix products round differently with
            another number, so it is 1 unless asked otherwise: a seed then gives the same figures
            on a laptop and on a server, alone and beside others.
        progress: Whether to show progress on standard error.
        track: Where else the curves go: ``"tensorboard"``, ``"wandb"``, ``"mlflow"`` (each an extra
            of this package), or objects that follow :class:`graphlearn.bench.trackers.Tracker`.
        with_published: Whether the table compares with published figures.

    Returns:
        Rows, table, plot and trained models.

    Raises:
        GraphLearnError: For anything that cannot be used; see the classes of
            :mod:`graphlearn.errors`.
        RunInterrupted: On Ctrl-C.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = run("cn", "digits-knn", seeds=2, out=folder, progress=False)
        >>> len(result.rows), result.rows[0].model
        (2, 'cn')
    """
    stored: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if not (dataset is None or isinstance(dataset, (str, Path))):
        data = own_graph(dataset)
        dataset = graph_path(data, out)
        stored = stored_graph(data, dataset)
    recipes = resolve_recipes(model, dataset, seeds=seeds, device=device, set=set, sweep=sweep)
    with stored:
        return run_recipes(
            recipes, data_root=data_root, out=out, workers=workers, threads=threads,
            progress=progress, track=track, with_published=with_published,
        )  # fmt: skip


def resolve_recipes(
    model: Model | Sequence[Model],
    dataset: str | Path | None = None,
    *,
    seeds: int | Sequence[int] | None = None,
    device: str | None = None,
    set: Mapping[str, Any] | None = None,
    sweep: Sweep | None = None,
) -> list[Recipe]:
    """Return the recipes a run would use, with everything filled in.

    Args:
        model: As in :func:`run`.
        dataset: As in :func:`run`.
        seeds: As in :func:`run`.
        device: As in :func:`run`.
        set: As in :func:`run`.
        sweep: As in :func:`run`; each combination is a recipe.

    Raises:
        UnknownNameError: For an unknown model, data set, recipe, key, option or metric.
        InputTypeError: For a value of the wrong type.
        InputError: For an unusable value.

    Example:
        >>> resolve_recipes(["cn", "aa"], "cora", seeds=[3])[1].label
        'aa on cora'
    """
    _check_kinds(model, seeds, set, device)
    models = [model] if isinstance(model, (str, Path, Recipe)) else list(model)
    if not models:
        raise InputError("no model was given", expected="at least one")
    settings = dict(set or {})
    if seeds is not None:
        settings["seeds"] = seeds if isinstance(seeds, int) else list(seeds)
    if dataset is not None:
        dataset = str(dataset)
        default_task(dataset)  # refuses an unknown name before recipes are opened
    # Heuristics have no place for a device, so it is no setting that must be taken.
    extra = {} if device is None else {"train.device": device}
    recipes, documents, taken = [], [], {"seeds"}
    for what in models:

        def find(settings: dict[str, Any], what: Model = what) -> Found:
            recipe, document, used = find_recipe(what, dataset, {**settings, **extra})
            return fill_in(recipe), document, used

        found, read, used = swept_recipes(find, settings, sweep)
        recipes += found
        documents += read
        taken |= used
    refuse_untaken({**settings, **(sweep or {})}, taken, documents)
    return recipes


def _check_kinds(model: Any, seeds: Any, settings: Any, device: Any) -> None:
    """Refuse arguments of a wrong type before anything is made of them."""
    if not isinstance(model, (str, Path, Recipe, Sequence)):
        raise InputTypeError(
            f"model is a {type(model).__name__}", expected="a name, a path, a Recipe, or several"
        )
    if seeds is not None and not isinstance(seeds, int):
        listed = list(seeds) if isinstance(seeds, Sequence) and not isinstance(seeds, str) else [""]
        if not all(isinstance(seed, int) and not isinstance(seed, bool) for seed in listed):
            raise InputTypeError(f"seeds is {seeds!r}", expected="a count, or integers")
    if settings is not None and not isinstance(settings, Mapping):
        raise InputTypeError(f"set is {settings!r}", expected="a mapping of dotted keys to values")
    if device is not None:
        TrainConfig(device=device).torch_device()  # also where only heuristics run


def fill_in(recipe: Recipe) -> Recipe:
    """Return the recipe with the metrics of its data set, and a file's absolute path.

    Raises:
        UnknownNameError: If data set or metric is not known.
    """
    assert recipe.dataset is not None
    dataset = recipe.dataset
    check_task(dataset, recipe.model.task, f"recipe {recipe.name!r}")
    metrics = recipe.metrics or default_metrics(dataset, recipe.model.task)
    check_metrics(recipe.model.task, metrics, recipe.ties)
    if is_file_dataset(dataset):
        dataset = str(Path(dataset).expanduser().resolve())
    return dataclasses.replace(recipe, dataset=dataset, metrics=metrics)


def run_recipes(
    recipes: Sequence[Recipe],
    *,
    data_root: str | Path | None = None,
    out: str | Path = "runs",
    folders: Mapping[int, RunFolder] | None = None,
    workers: int = 1,
    threads: int = 1,
    progress: bool = True,
    track: str | Sequence[Track] = (),
    with_published: bool = False,
    crew: Crew | None = None,
) -> RunResult:
    """Run recipes that are filled in; see :func:`run`.

    Args:
        recipes: What :func:`resolve_recipes` returns.
        data_root: As in :func:`run`.
        out: As in :func:`run`.
        folders: Recipe number to its folder, where that is not the usual one under ``out``.
        workers: As in :func:`run`.
        threads: As in :func:`run`.
        progress: As in :func:`run`.
        track: As in :func:`run`.
        with_published: As in :func:`run`.
        crew: Processes that train each seed together, of which this one is the first; see
            :func:`graphlearn.bench.node_run.follow` for the others.

    Raises:
        GraphLearnError: For anything that cannot be used.
        RunInterrupted: On Ctrl-C.
    """
    crew = crew or Crew()
    _check_crew(recipes, crew, workers)
    trackers = check_trackers(track)
    if not isinstance(out, (str, Path)):
        raise InputTypeError(f"out is {out!r}", expected="the path of a folder")
    for name, count in (("workers", workers), ("threads", threads)):
        if check_size(count, name=name) > _MOST_THREADS:
            raise InputError(f"{name} is {count}", expected=f"an integer in [1, {_MOST_THREADS}]")
    out = Path(out)
    check_writable(out)
    ledger, sources = Ledger(out / LEDGER_NAME), SplitSources()
    with computing_with(threads):
        jobs = plan_jobs(
            recipes, out=out, data_root=data_root, ledger=ledger, folders=folders, sources=sources
        )
    if workers > 1:  # which read for themselves: held here too it would be memory twice
        sources = SplitSources()
    make_folder(out)
    rows = {number: job.done for number, job in enumerate(jobs) if job.done is not None}

    def record(number: int, result: SeedResult) -> None:
        ledger.append(result)
        rows[number] = result

    with (
        show_progress(enabled=progress) as shown,
        tracking(trackers, jobs, out, shown) as listener,
    ):
        listener.planned([job.label for job in jobs], [job.epochs for job in jobs])
        for number, result in sorted(rows.items()):
            listener.skipped(number, result)
        left = {number: job for number, job in enumerate(jobs) if number not in rows}
        # Formulas take no time, so they are not worth a process.
        apart = {n: job for n, job in left.items() if workers > 1 and job.recipe.train is not None}
        here = {n: job for n, job in left.items() if n not in apart}
        try:
            with contextlib.ExitStack() as held, computing_with(threads):
                for number, job in list(left.items()):
                    held.enter_context(sole_use(job.folder.seed(job.seed)))
                    # Another run may have finished it since the jobs were planned.
                    if (found := job.finished_meanwhile()) is not None:
                        rows[number] = found
                        listener.skipped(number, found)
                        for waiting in (left, here, apart):
                            waiting.pop(number, None)
                _run_here(here, sources, data_root, listener, record, crew)
                if apart:
                    run_in_workers(
                        apart,
                        workers=workers,
                        threads=threads,
                        data_root=None if data_root is None else str(data_root),
                        listener=listener,
                        record=record,
                    )
        except KeyboardInterrupt:
            unfinished = next(job for number, job in left.items() if number not in rows)
            raise RunInterrupted(unfinished.folder.path) from None
    ordered = tuple(rows[number] for number in range(len(jobs)))
    finished = RunResult(tuple(jobs), ordered, with_published=with_published)
    report, image = write_report(finished, _report_path(recipes, jobs, out))
    return dataclasses.replace(finished, report=report, image=image)


def _run_here(
    jobs: Mapping[int, Job],
    sources: SplitSources,
    data_root: str | Path | None,
    listener: Listener,
    record: Any,
    crew: Crew,
) -> None:
    for number, job in jobs.items():
        assert job.recipe.dataset is not None
        source = sources.of(job.recipe, data_root)
        listener.started(number)

        def tell(epoch: Epoch, number: int = number) -> None:
            listener.epoch(number, epoch)

        def note(text: str, number: int = number) -> None:
            listener.noted(number, text)

        try:
            split = source.make(job.seed)
            result, _ = run_seed(
                job.recipe, split, job.seed, job.folder, tell,
                data_root=data_root, crew=crew, note=note,
            )  # fmt: skip
        except Exception:  # trackers mark the seed as failed; nothing is hidden
            listener.failed(number)
            raise
        record(number, result)
        listener.finished(number, result)


def _check_crew(recipes: Sequence[Recipe], crew: Crew, workers: int) -> None:
    """Refuse what several processes cannot share, before anything is read."""
    if crew.size == 1:
        return
    for recipe in recipes:
        if recipe.model.task != "nodes" or isinstance(recipe.train, SampledTrainConfig):
            lacks = (
                "no stack of layers" if recipe.model.task != "nodes" else "sampled batches, none"
            )
            raise InputError(
                f"recipe {recipe.name!r} has {lacks} for {crew.size} processes to share",
                expected="a recipe with model.stack, such as gcnii/digits-knn",
                mend="run it without torchrun: graphlearn run; --workers runs seeds side by side",
            )
    if workers != 1:
        raise InputError(
            f"workers is {workers} with {crew.size} processes that train each seed together",
            expected="1",
        )


def _report_path(recipes: Sequence[Recipe], jobs: Sequence[Job], out: Path) -> Path:
    """A single recipe's report lies in its folder; several share one in ``out``."""
    if len(recipes) == 1:
        return jobs[0].folder.path / "report.html"
    names = "+".join(dict.fromkeys(recipe.name for recipe in recipes))
    datasets = "+".join(dict.fromkeys(recipe.dataset_label for recipe in recipes))
    stem = f"{names[:80]}-{datasets[:60]}"
    if any(recipe.swept for recipe in recipes):  # another sweep has another report
        digests = "".join(sorted(recipe.digest() for recipe in recipes))
        stem += f"-{hashlib.sha256(digests.encode()).hexdigest()[:8]}"
    return out / f"{stem}.html"
