"""Where a recipe's runs lie on disk, and what is in each seed's folder."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from pathlib import Path
from typing import Any

from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import load_recipe, recipe_text
from graphlearn.bench.seed_result import Curves, SeedResult
from graphlearn.errors import CheckpointError, DataNotFoundError
from graphlearn.files import atomic_write_text, make_folder, output_error, sole_use
from graphlearn.train import CHECKPOINT_NAME


class RunFolder:
    """``out/<name>-<dataset>-<digest>``: a recipe, and a folder for each of its seeds.

    ::

        recipe.yaml           the recipe with all its seeds
        run.json              where its data lie, and with how many threads it computes
        seed-0/recipe.yaml    the recipe with this seed alone
        seed-0/checkpoint.safetensors    what training needs to go on from here
        seed-0/model.safetensors, .json  the trained model
        seed-0/result.json    scores and curves; a seed that has it is finished

    Args:
        path: The folder; it need not exist yet.

    Example:
        >>> RunFolder("runs/ncn-cora-0a1b2c3d").seed(3).as_posix()
        'runs/ncn-cora-0a1b2c3d/seed-3'
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @classmethod
    def of(cls, recipe: Recipe, out: Path | str) -> RunFolder:
        """Return the folder that ``recipe`` has under ``out``."""
        stem = f"{recipe.name}-{recipe.dataset_label}-{recipe.digest()[:8]}"
        return cls(Path(out) / stem)

    def seed(self, seed: int) -> Path:
        """Return the folder of ``seed``."""
        return self.path / f"seed-{seed}"

    def prepare(
        self, recipe: Recipe, *, data_root: Path | str | None = None, threads: int = 1
    ) -> None:
        """Write what a resume needs to know: the recipe with every seed asked for, and settings.

        Raises:
            OutputError: If it cannot be written.
        """
        make_folder(self.path)
        root = None if data_root is None else str(Path(data_root).resolve())
        settings = {"data_root": root, "threads": threads}
        asked = set(recipe.seeds)
        with sole_use(self.path, wait=True):  # two runs may start at once, with other seeds each
            if (self.path / "recipe.yaml").is_file():
                asked |= set(load_recipe(self.path / "recipe.yaml").seeds)
            recipe = dataclasses.replace(recipe, seeds=tuple(sorted(asked)))
            _write_if_new(self.path / "recipe.yaml", recipe_text(recipe))
            _write_if_new(self.path / "run.json", json.dumps(settings) + "\n")

    def settings(self) -> tuple[str | None, int]:
        """Return data root and threads of the run, or the defaults where they were not noted.

        Raises:
            CheckpointError: If they are truncated or foreign.
        """
        path = self.path / "run.json"
        settings = _read_json(path)
        root, threads = settings.get("data_root"), settings.get("threads", 1)
        if not isinstance(root, str | None) or not isinstance(threads, int):
            raise CheckpointError(f"{path} is not a run's", expected="what a run wrote")
        return root, threads

    def write_result(self, result: SeedResult, curves: Curves) -> None:
        """Record that a seed is finished.

        Raises:
            OutputError: If it cannot be written.
        """
        text = json.dumps({**result.to_mapping(), "curves": curves}, indent=1)
        atomic_write_text(self.seed(result.seed) / "result.json", text + "\n")

    def read_result(self, seed: int) -> tuple[SeedResult, Curves] | None:
        """Return a finished seed's scores and curves, or ``None`` if it is not finished.

        Raises:
            CheckpointError: If the file is truncated or foreign.
        """
        path = self.seed(seed) / "result.json"
        if not path.is_file():
            return None
        mapping = _read_json(path)
        curves = mapping.pop("curves", [])
        return SeedResult.from_mapping(mapping, where=str(path)), list(curves)

    def forget_other(self, key: tuple[str, str, int, str]) -> None:
        """Make way for a run whose predecessor here finished on other data, or in another version.

        What the other gave is in the ledger; its checkpoint cannot be gone on from. A run that did
        not finish is left as it is: its checkpoint says what it was made with.

        Args:
            key: Of the run that is to begin, see :attr:`SeedResult.key`.
        """
        seed = key[2]
        found = self.read_result(seed)
        if found is not None and found[0].key != key:
            # In this order: a seed without result is unfinished, and then there is no checkpoint.
            for name in (CHECKPOINT_NAME, "result.json"):
                (self.seed(seed) / name).unlink(missing_ok=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"


def open_run_folder(path: Path | str) -> tuple[RunFolder, Recipe]:
    """Open what a run left: a recipe's folder, or a seed's folder inside it.

    Args:
        path: The folder.

    Returns:
        The recipe's folder, and the recipe with the seeds to be done: all, or the one named.

    Raises:
        DataNotFoundError: If it is no run's folder.
    """
    folder = Path(path)
    if not (folder / "recipe.yaml").is_file():
        raise DataNotFoundError(
            f"{path} is not a run's folder",
            expected="a folder with recipe.yaml, as graphlearn run makes it",
            mend="look under runs/, or start one with: graphlearn run MODEL",
        )
    recipe = load_recipe(folder / "recipe.yaml")
    is_seed = folder.name.startswith("seed-") and (folder.parent / "recipe.yaml").is_file()
    return RunFolder(folder.resolve().parent if is_seed else folder), recipe


def check_writable(path: Path | str) -> None:
    """Raise unless a folder can be written to, or made, without making it.

    A run looks before it trains, and a run that is refused for another reason leaves no folder.

    Args:
        path: The folder, which need not exist.

    Raises:
        OutputError: If it or the nearest folder above it is no folder, or is not writable.
    """
    folder = Path(path).absolute()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    code = 0
    if not nearest.is_dir():
        code = errno.ENOTDIR
    elif not os.access(nearest, os.W_OK | os.X_OK):
        code = errno.EACCES
    if code:
        raise output_error(path, OSError(code, os.strerror(code)))


def _write_if_new(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        atomic_write_text(path, text)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is truncated or not JSON", expected="what a run wrote", mend="delete it"
        ) from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} holds no JSON object", expected="what a run wrote")
    return value
