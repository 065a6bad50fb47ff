"""What a run will do, settled before it does any of it: every check that can fail, fails here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import graphlearn
from graphlearn.bench.build import build
from graphlearn.bench.ledger import Ledger
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.run_folder import RunFolder
from graphlearn.bench.seed_result import SeedResult
from graphlearn.bench.sizes import model_sizes
from graphlearn.bench.split_source import SplitSources


@dataclass(frozen=True)
class Job:
    """One seed of one recipe.

    Args:
        recipe: The recipe, with data set and metrics filled in.
        seed: The seed.
        folder: The recipe's folder.
        dataset_hash: The digest of the seed's split.
        done: The result, if an earlier run has it.

    Example:
        >>> from graphlearn.bench.recipe_yaml import recipe_from_text
        >>> recipe = recipe_from_text("{name: cn, dataset: cora, model: {predictor: cn}}")
        >>> Job(recipe, 2, RunFolder("runs/a"), "ab").label
        'cn on cora, seed 2'
    """

    recipe: Recipe
    seed: int
    folder: RunFolder
    dataset_hash: str
    done: SeedResult | None = None

    @property
    def label(self) -> str:
        """What to call it in messages."""
        return f"{self.recipe.label}, seed {self.seed}"

    def finished_meanwhile(self) -> SeedResult | None:
        """The result that lies in the folder, if it is this job's."""
        found = self.folder.read_result(self.seed)
        key = (self.recipe.digest(), self.dataset_hash, self.seed, graphlearn.__version__)
        return None if found is None or found[0].key != key else self.named(found[0])

    def named(self, row: SeedResult) -> SeedResult:
        """A row that an earlier run left, named as this run names it: it may be of a sweep now."""
        return dataclasses.replace(row, swept=self.recipe.swept_values)

    @property
    def epochs(self) -> int:
        """How many epochs it may take; 0 for a heuristic."""
        return 0 if self.recipe.train is None else self.recipe.train.epochs


def plan_jobs(
    recipes: Sequence[Recipe],
    *,
    out: Path | str,
    data_root: Path | str | None,
    ledger: Ledger,
    folders: Mapping[int, RunFolder] | None = None,
    sources: SplitSources | None = None,
) -> list[Job]:
    """Make every split, audit it, build every model once, and find what is finished already.

    Nothing is written.

    Args:
        recipes: Recipes with data sets and metrics filled in.
        out: Folder of all runs.
        data_root: Folder of the data.
        ledger: Finished seeds of earlier runs.
        folders: Recipe number to its folder, where that is not the usual one under ``out``.
        sources: What has been read already, and keeps what is read here.

    Raises:
        LeakError: If a split leaks.
        InputError: If an option, metric, split or file is unusable.
        DataNotFoundError: If data are missing.
    """
    rows = {row.key: row for row in ledger.rows()}
    sources = sources or SplitSources()
    jobs = []
    audited: dict[object, str] = {}
    for number, recipe in enumerate(recipes):
        assert recipe.metrics is not None
        if recipe.train is not None:
            recipe.train.torch_device()
        source = sources.of(recipe, data_root)
        folder = (folders or {}).get(number) or RunFolder.of(recipe, out)
        for position, seed in enumerate(recipe.seeds):
            what = (id(source), seed, recipe.metrics, recipe.ties)
            if what not in audited or position == 0:
                split = source.audited_split(seed, recipe.metrics, recipe.ties)
                audited[what] = split.digest()
            if position == 0:
                build(recipe.model, model_sizes(split), seed)
            key = (recipe.digest(), audited[what], seed, graphlearn.__version__)
            job = Job(recipe, seed, folder, audited[what])
            if key in rows:
                job = dataclasses.replace(job, done=job.named(rows[key]))
            # A seed that was killed after its result was written and before the ledger had it.
            if job.done is None and (found := job.finished_meanwhile()) is not None:
                ledger.append(found)
                job = dataclasses.replace(job, done=found)
            jobs.append(job)
    return jobs
