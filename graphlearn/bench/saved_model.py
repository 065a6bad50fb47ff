"""A trained model as two files that hold no code: weights, and the names to rebuild it from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import nn

from graphlearn.bench.build import build
from graphlearn.bench.recipe import ModelRecipe, Recipe, Task
from graphlearn.bench.recipe_yaml import model_from_mapping
from graphlearn.bench.sizes import Sizes
from graphlearn.errors import CheckpointError, DataNotFoundError, GraphLearnError
from graphlearn.files import atomic_write_text
from graphlearn.nn import LinkModel
from graphlearn.train import TrainConfig
from graphlearn.train.checkpoint import WEIGHTS_NAME, load_weights, save_weights

FORMAT = "graphlearn-link-model"
NETWORK_FORMAT = "graphlearn-network"
STACK_FORMAT = "graphlearn-stack"
_FORMATS: dict[Task, str] = {"links": FORMAT, "graphs": NETWORK_FORMAT, "nodes": STACK_FORMAT}
CONFIG_NAME = "model.json"


def save_model(
    model: nn.Module,
    recipe: Recipe,
    folder: Path | str,
    sizes: Sizes,
) -> Path:
    """Write a model so that :func:`load_model` can rebuild it, and return its folder.

    Args:
        model: The trained model.
        recipe: The recipe it was built from.
        folder: Where to; made if missing.
        sizes: What :func:`graphlearn.bench.build.build` was given.

    Raises:
        OutputError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> from graphlearn.bench.build import build_model
        >>> from graphlearn.bench.recipe_yaml import recipe_from_text
        >>> recipe = recipe_from_text("{name: cn, model: {predictor: {name: cn}}}")
        >>> model = build_model(recipe.model, in_channels=None, num_nodes=3, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = save_model(model, recipe, folder, {"in_channels": None, "num_nodes": 3})
        ...     load_model(folder).encoder is None
        True
    """
    save_weights(Path(folder) / WEIGHTS_NAME, model.state_dict(), {"recipe": recipe.name})
    # The description last: a folder that has one is whole.
    return describe_model(recipe, folder, sizes)


def describe_model(recipe: Recipe, folder: Path | str, sizes: Sizes) -> Path:
    """Write beside weights that training saved what :func:`load_model` needs besides them.

    Args:
        recipe: The recipe the model was built from.
        folder: Where the weights are.
        sizes: What :func:`graphlearn.bench.build.build` was given.

    Raises:
        OutputError: If it cannot be written.
    """
    config = {
        "format": _FORMATS[recipe.model.task],
        "format_version": 1,
        "recipe": recipe.name,
        "dataset": recipe.dataset,
        **(sizes if recipe.model.task == "links" else {"sizes": sizes}),
        "dtype": "float32" if recipe.train is None else recipe.train.dtype,
        "model": recipe.to_mapping()["model"],
    }
    atomic_write_text(Path(folder) / CONFIG_NAME, json.dumps(config, indent=2) + "\n")
    return Path(folder)


def load_model(folder: Path | str) -> LinkModel | nn.Module:
    """Rebuild a saved model, in evaluation mode on the CPU.

    Nothing is unpickled: names are looked up in the package's registries, and weights are plain
    tensors.

    Args:
        folder: What a run printed as the model's place.

    Raises:
        DataNotFoundError: If there is no model.
        CheckpointError: If it is truncated, foreign, or its weights fit another model.
    """
    path = Path(folder) / CONFIG_NAME
    config = _read_config(path)
    try:
        recipe: ModelRecipe = model_from_mapping(config["model"], source=str(path))
        if config["format"] != _FORMATS[recipe.task]:
            raise KeyError(recipe.task)
        model = build(recipe, config if recipe.task == "links" else config["sizes"], seed=0)
        model.to(TrainConfig(dtype=config["dtype"]).torch_dtype())
    except (KeyError, TypeError, GraphLearnError) as error:
        raise CheckpointError(
            f"{path} does not describe a model of this version ({error})",
            expected="a description that this version of graphlearn wrote",
        ) from error
    load_weights(Path(folder) / WEIGHTS_NAME, model)
    return model.eval()


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataNotFoundError(
            f"no saved model at {path.parent}",
            expected=f"a folder with {CONFIG_NAME} and {WEIGHTS_NAME}",
        ) from error
    except ValueError as error:
        raise CheckpointError(
            f"{path} is truncated or not JSON", expected="what a run wrote"
        ) from error
    if not isinstance(config, dict) or config.get("format") not in _FORMATS.values():
        raise CheckpointError(
            f"{path} is not a graphlearn model",
            expected=f"a format of {', '.join(_FORMATS.values())}",
        )
    if config.get("format_version") != 1:
        raise CheckpointError(
            f"{path} has format_version {config.get('format_version')!r}", expected="1",
            mend="load it with the version of graphlearn that wrote it",
        )  # fmt: skip
    return config
