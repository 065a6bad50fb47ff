"""What there is: datasets, models, recipes."""

from __future__ import annotations

from graphlearn.bench.recipe_files import find_recipe, model_names, recipe_names
from graphlearn.bench.table import Table, show
from graphlearn.data import dataset_names, load_card
from graphlearn.nn import AGGREGATORS, ENCODERS, NETWORKS, PREDICTORS


def listing(what: str = "all") -> str:
    """Return what there is as text.

    Args:
        what: ``"datasets"``, ``"models"``, ``"recipes"`` or ``"all"``.

    Example:
        >>> print(listing("models").splitlines()[0])
        models (graphlearn run MODEL --dataset DATASET)
    """
    parts = {"datasets": _datasets, "models": _models, "recipes": _recipes}
    return "\n\n".join(make() for name, make in parts.items() if what in (name, "all"))


def _datasets() -> str:
    cards = [load_card(name) for name in dataset_names()]
    lines = [
        (
            card.name,
            "–" if card.num_nodes is None else str(card.num_nodes),
            "–" if card.num_edges is None else str(card.num_edges),
            card.split.rule,
            "–" if card.node_split is None else card.node_split.rule,
            card.metric,
            card.title,
        )
        for card in cards
    ]
    header = ("name", "nodes", "links", "split", "node split", "metric", "what it is")
    return "datasets (--dataset NAME)\n" + Table(header, tuple(lines)).plain()


def _models() -> str:
    rows = []
    for name in model_names():
        own = [r.split("/")[1] for r in recipe_names() if r.startswith(f"{name}/")]
        rows.append((name, ", ".join(d for d in own if d != "default")))
    registries = (
        ("encoders", ENCODERS),
        ("predictors", PREDICTORS),
        ("networks", NETWORKS),
        ("aggregators", AGGREGATORS),
    )
    built = "\n".join(f"{kind}: {', '.join(registry.names())}" for kind, registry in registries)
    table = Table(("name", "has recipes for"), tuple(rows)).plain()
    return f"models (graphlearn run MODEL --dataset DATASET)\n{table}\n{built}"


def _recipes() -> str:
    rows = []
    for name in recipe_names():
        published = find_recipe(name)[0].published
        figure, source = "–", ""
        if published is not None:
            std = published.std
            spread = "" if std is None else f" ± {show(published.metric, std)}"
            value = show(published.metric, published.value)
            figure, source = f"{published.metric} {value}{spread}", published.source
        rows.append((name, figure, source))
    return (
        "recipes (graphlearn reproduce RECIPE)\n"
        + Table(("name", "published", "source"), tuple(rows)).plain()
    )
