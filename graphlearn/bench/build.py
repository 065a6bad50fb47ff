"""From the names in a recipe to a model: the one place where names meet classes."""

from __future__ import annotations

from typing import Any

import torch

from graphlearn.bench.components import component_class, takes
from graphlearn.bench.recipe import ModelRecipe
from graphlearn.errors import InputError
from graphlearn.nn import LinkModel


def build_model(
    recipe: ModelRecipe, *, in_channels: int | None, num_nodes: int, seed: int
) -> LinkModel:
    """Build an untrained model.

    Initial weights come from ``seed`` alone; the caller's random stream is left where it was.

    Args:
        recipe: Encoder and predictor by name, with options.
        in_channels: Number of features a node; ``None`` for a graph without features, whose nodes
            get a learnt embedding each.
        num_nodes: Number of nodes, the size of that embedding.
        seed: Seed of the initial weights.

    Raises:
        UnknownNameError: If a name is not registered.
        InputError: If an option's value is refused by the class.

    Example:
        >>> from graphlearn.bench.recipe import ComponentRecipe
        >>> recipe = ModelRecipe(ComponentRecipe("dot"), ComponentRecipe("gcn",
        ...     {"hidden_channels": 8}))
        >>> model = build_model(recipe, in_channels=5, num_nodes=10, seed=0)
        >>> model.encoder.out_channels
        8
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder: Any = None
        channels: int | None = None
        if recipe.encoder is not None:
            cls = component_class("encoder", recipe.encoder.name)
            filled: dict[str, Any] = {"in_channels": in_channels}
            if in_channels is None:
                filled["num_embeddings"] = num_nodes
            encoder = cls(**filled, **recipe.encoder.options)
            channels = int(encoder.out_channels)
        cls = component_class("predictor", recipe.predictor.name)
        options = dict(recipe.predictor.options)
        if takes("predictor", recipe.predictor.name, "channels"):
            if channels is None:
                raise InputError(
                    f"predictor {recipe.predictor.name!r} has no encoder",
                    expected="an encoder to give it node states",
                    mend="add model.encoder to the recipe",
                )
            options["channels"] = channels
        predictor = cls(**options)
        return LinkModel(encoder, predictor)
