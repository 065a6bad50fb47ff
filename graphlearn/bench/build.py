"""From the names in a recipe to a model: the one place where names meet classes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from graphlearn.bench.components import component_class, takes
from graphlearn.bench.recipe import ComponentRecipe, ModelRecipe
from graphlearn.bench.sizes import Sizes
from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn import LinkModel
from graphlearn.nn.deep import WholeGraphStack, deep_stack


def build_model(
    recipe: ModelRecipe,
    *,
    in_channels: int | None,
    num_nodes: int,
    num_entries: int | None = None,
    seed: int,
) -> LinkModel:
    """Build an untrained model.

    Initial weights come from ``seed`` alone; the caller's random stream is left where it was.

    Args:
        recipe: Encoder and predictor by name, with options.
        in_channels: Number of features a node; ``None`` for a graph without features, whose nodes
            get a learnt embedding each.
        num_nodes: Number of nodes, the size of that embedding.
        num_entries: Twice the number of edges, for encoders that keep a weight for each.
        seed: Seed of the initial weights.

    Raises:
        UnknownNameError: If a name is not registered.
        InputError: If an option's value is refused by the class; says whether it was the encoder
            or the predictor.

    Example:
        >>> from graphlearn.bench.recipe import ComponentRecipe
        >>> recipe = ModelRecipe(ComponentRecipe("dot"), ComponentRecipe("gcn",
        ...     {"hidden_channels": 8}))
        >>> model = build_model(recipe, in_channels=5, num_nodes=10, seed=0)
        >>> model.encoder.out_channels
        8
    """
    assert recipe.predictor is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder: Any = None
        channels: int | None = None
        if recipe.encoder is not None:
            cls = component_class("encoder", recipe.encoder.name)
            filled: dict[str, Any] = {"in_channels": in_channels}
            if in_channels is None or _learns_vectors(recipe.encoder.options):
                filled["num_embeddings"] = num_nodes
            sizes = {"num_nodes": num_nodes, "num_entries": num_entries}
            filled |= {k: v for k, v in sizes.items() if takes("encoder", recipe.encoder.name, k)}
            with _naming("encoder", recipe.encoder):
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
        with _naming("predictor", recipe.predictor):
            predictor = cls(**options)
        return LinkModel(encoder, predictor)


@contextlib.contextmanager
def _naming(kind: str, component: ComponentRecipe) -> Iterator[None]:
    """Say whose option it was: encoders and predictors have many of one name."""
    try:
        yield
    except (InputError, InputTypeError) as error:
        raise type(error)(
            f"{kind} {component.name}: {error.given}", expected=error.expected, mend=error.mend
        ) from error


def _learns_vectors(options: Mapping[str, Any]) -> bool:
    """Whether an encoder, or the one inside it, has learned vectors beside features."""
    inner = options.get("encoder")
    return bool(options.get("embedding_channels")) or (
        isinstance(inner, Mapping) and _learns_vectors(inner)
    )


def build(recipe: ModelRecipe, sizes: Sizes, seed: int) -> LinkModel | nn.Module:
    """Build an untrained model: for links, a network for graphs, or a stack for nodes.

    Args:
        recipe: The model's part of a recipe.
        sizes: What :func:`graphlearn.bench.sizes.model_sizes` gave.
        seed: Seed of the initial weights.

    Raises:
        GraphLearnError: As :func:`build_model` does.

    Example:
        >>> from torch_geometric.data import Data
        >>> from graphlearn.bench.recipe import ComponentRecipe
        >>> network = ComponentRecipe("graph-network", {"hidden_channels": 4, "num_layers": 0})
        >>> sizes = {"in_channels": 3, "out_channels": 1, "size_histogram": [0, 1]}
        >>> build(ModelRecipe(network=network), sizes, seed=0)(Data(x=torch.zeros(2, 3))).shape
        torch.Size([1, 1])
    """
    if recipe.stack is not None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = deep_stack(
                recipe.stack.name,
                sizes["in_channels"],
                out_channels=sizes["out_channels"],
                **recipe.stack.options,
            )
        return WholeGraphStack(layers)
    if recipe.network is None:
        return build_model(
            recipe,
            in_channels=sizes["in_channels"],
            num_nodes=sizes["num_nodes"],
            num_entries=sizes.get("num_entries"),
            seed=seed,
        )
    filled = {
        name: torch.tensor(value) if name.endswith("_histogram") and value is not None else value
        for name, value in sizes.items()
        if takes("network", recipe.network.name, name)
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = component_class("network", recipe.network.name)(
            **filled, **recipe.network.options
        )
    return network
