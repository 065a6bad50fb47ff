"""What a study will search, settled before any trial: every check that can fail, fails here."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import graphlearn
from graphlearn.bench.build import build
from graphlearn.bench.overrides import settable_keys
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_files import find_recipe
from graphlearn.bench.runs import fill_in
from graphlearn.bench.search_space import Space
from graphlearn.bench.sizes import model_sizes
from graphlearn.bench.study_trial import StudySplits, is_out_of_memory
from graphlearn.errors import InputError, InputTypeError
from graphlearn.registry import unknown_name

_SEARCHED = ("train", "encoder", "predictor", "network", "stack")
# Where and how often a trial computes is no setting of a model.
_NOT_SEARCHED = ("train.device", "train.checkpoint_seconds", "train.checkpoint_every")


@dataclass(frozen=True)
class StudyPlan:
    """A recipe, and the settings of it that are searched.

    Args:
        model: A model's name, a recipe, or a recipe file.
        dataset: A data set's name, the path of a file, or None for the recipe's.
        settings: What all trials have in common: dotted key to value, seeds included.
        search: Dotted key to its space.

    Example:
        >>> plan = StudyPlan("gcn", "cora", {"seeds": [0, 1]}, {"train.epochs": Space("int", 5, 9)})
        >>> plan.recipe({"train.epochs": 7}).train.epochs, plan.metric
        (7, 'hits@100')
    """

    model: str | Path
    dataset: str | None
    settings: Mapping[str, Any]
    search: Mapping[str, Space] = field(default_factory=dict)

    def recipe(self, tried: Mapping[str, Any]) -> Recipe:
        """Return the recipe with some of its settings changed.

        Args:
            tried: Dotted key to value.

        Raises:
            InputError: If the recipe refuses them.
            InputTypeError: If one is of a wrong type.
        """
        return self._find(tried)[0]

    def _find(self, tried: Mapping[str, Any]) -> tuple[Recipe, set[str]]:
        recipe, _, taken = find_recipe(self.model, self.dataset, {**self.settings, **tried})
        return dataclasses.replace(fill_in(recipe), swept=()), taken

    @property
    def metric(self) -> str:
        """What trials are compared by: the recipe's first metric."""
        metrics = self.recipe({}).metrics
        assert metrics is not None, "it is filled in"
        return metrics[0]

    def identity(self, **others: Any) -> dict[str, Any]:
        """Return all that decides the trials, as plain values.

        Args:
            others: What else does, such as the sampler's seed.
        """
        base = self.recipe({})
        return {
            "recipe": base.label,
            "recipe_digest": base.digest(),
            "metric": self.metric,
            "seeds": list(base.seeds),
            "search": {key: str(self.search[key]) for key in sorted(self.search)},
            "graphlearn": graphlearn.__version__,
            **others,
        }

    def folder(self, identity: Mapping[str, Any], out: Path) -> Path:
        """Return the study's folder: another for everything that would give other trials.

        Args:
            identity: What :meth:`identity` gave.
            out: Folder of all runs.
        """
        base = self.recipe({})
        text = json.dumps({**identity, "recipe": ""}, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return out / f"tune-{base.name}-{base.dataset_label}-{digest}"

    def check_keys(self) -> None:
        """Raise unless the recipe is trained and takes every key with the values of its space.

        Raises:
            InputError: If it is a formula, or refuses a value.
            InputTypeError: If a value is of a wrong type.
            UnknownNameError: If a key is none of the recipe's settings; offers the nearest.
        """
        self._samples()

    def check(self, data_root: Path | str | None = None) -> StudySplits:
        """Check keys and values, make and audit the splits, and build a model at every bound.

        Args:
            data_root: Folder of the data.

        Raises:
            GraphLearnError: If something cannot be used.
        """
        samples = self._samples()
        base = self.recipe({})
        assert base.train is not None
        base.train.torch_device()
        splits = StudySplits(base, data_root)
        split = splits.of(base.seeds[0])
        sizes = model_sizes(split)
        for recipe, key, value in samples:
            try:
                with _naming(self.search, key, value):
                    build(recipe.model, sizes, base.seeds[0])
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):  # a trial fails by that, not the study
                    raise
        return splits

    def _samples(self) -> list[tuple[Recipe, str, Any]]:
        """Recipes at the outermost values of every space, with the key and value that differ."""
        base = self.recipe({})
        if base.train is None:
            raise InputError(
                f"{base.label} is a formula that is not trained",
                expected="a recipe with training",
                mend="a sweep compares a formula's options: graphlearn run, with several values "
                "behind --set",
            )
        lowest = {key: space.ends[0] for key, space in self.search.items()}
        samples, taken = [], set()
        for key, space in self.search.items():
            for value in space.ends:
                with _naming(self.search, key, value):
                    recipe, took = self._find({**lowest, key: value})
                samples.append((recipe, key, value))
                taken |= took
        for key in self.search:
            searched = key.partition(".")[0] in _SEARCHED and key not in _NOT_SEARCHED
            if key not in taken or not searched:
                raise unknown_name("search key", key, self._known_keys(lowest))
        return samples

    def _known_keys(self, names: Mapping[str, Any]) -> list[str]:
        _, document, _ = find_recipe(self.model, self.dataset, {**self.settings, **names})
        return [
            key
            for key in settable_keys(document.value)
            if key.partition(".")[0] in _SEARCHED and key not in _NOT_SEARCHED
        ]


@contextlib.contextmanager
def _naming(search: Mapping[str, Space], key: str, value: Any) -> Iterator[None]:
    """Say in the error of a value which space it is from."""
    try:
        yield
    except (InputError, InputTypeError) as error:
        given = error.given.removeprefix(f"--set {key}={value}: ")
        raise type(error)(
            f"--search {key}={search[key]}: {given}", expected=error.expected, mend=error.mend
        ) from error
