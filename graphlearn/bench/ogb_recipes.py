"""Which recipes a benchmark run of OGB's names consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphlearn.bench.ogb_rules import by_ogbs_rule, refuse_fixed
from graphlearn.bench.overrides import refuse_untaken
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_files import find_recipe, recipe_names
from graphlearn.bench.runs import fill_in
from graphlearn.bench.sweep import Found, Sweep, swept_recipes
from graphlearn.bench.tasks import check_task
from graphlearn.data import dataset_names, load_card
from graphlearn.errors import InputError, UnknownNameError
from graphlearn.registry import unknown_name

_PREFIXES = ("ogbl-", "ogbn-", "ogbg-")


def ogb_names() -> list[str]:
    """Return the names of OGB's data sets that there are cards of, sorted.

    Example:
        >>> len(ogb_names()), ogb_names()[-1]
        (11, 'ogbn-products')
    """
    names = [name for name in dataset_names() if name.startswith(_PREFIXES)]
    stand_ins = {load_card(name).otherwise for name in names}
    return [name for name in names if name not in stand_ins]


def pick_recipes(
    names: Sequence[str],
    models: Sequence[str] = (),
    *,
    seeds: int | Sequence[int] | None = None,
    device: str | None = None,
    set: Mapping[str, Any] | None = None,
    sweep: Sweep | None = None,
) -> dict[str, list[Recipe]]:
    """Return the recipes to run on each name, filled in, with OGB's rule for equal scores.

    Args:
        names: Some of :func:`ogb_names`; one named twice counts once.
        models: Models by name, or recipe files; by default all that have a recipe of their own for
            the name. A model that fits some of the names alone runs on those.
        seeds: How many seeds, from 0, or which; by default the recipe's.
        device: Where to train; by default the recipe's.
        set: Changes by dotted key.
        sweep: Several values by dotted key; each combination is a recipe.

    Raises:
        UnknownNameError: For an unknown name, model, key or option; offers the nearest.
        InputError: If there is no name, a model fits none of the names, a value is unusable, or
            a setting would make the figure another than OGB's: its data, split or rules.

    Example:
        >>> found = pick_recipes(["ogbl-citation2"], ["cn", "ncn"], seeds=[0])
        >>> [(recipe.name, recipe.ties) for recipe in found["ogbl-citation2"]]
        [('cn', 'ogb'), ('ncn', 'ogb')]
    """
    names = list(dict.fromkeys(names))
    if not names:
        raise InputError(
            "no data set was named", expected="one or several of " + ", ".join(ogb_names())
        )
    for name in names:
        if name not in ogb_names():
            raise unknown_name("OGB dataset", name, ogb_names())
    settings = dict(set or {})
    refuse_fixed([*settings, *(sweep or {})])
    if seeds is not None:
        settings["seeds"] = seeds if isinstance(seeds, int) else list(seeds)
    # Heuristics have no place for a device, so it is no setting that must be taken.
    extra = {} if device is None else {"train.device": device}
    found: dict[str, list[Recipe]] = {}
    documents, taken, fitting = [], {"seeds"}, dict.fromkeys(models, False)
    for name in names:
        found[name] = []
        for model in models or _own_models(name):
            if models and not _fits(model, name):
                continue
            fitting[model] = True

            def find(settings: dict[str, Any], model: str = model, name: str = name) -> Found:
                recipe, document, used = find_recipe(model, name, {**settings, **extra})
                return by_ogbs_rule(fill_in(recipe)), document, used

            recipes, read, used = swept_recipes(find, settings, sweep)
            found[name] += recipes
            documents += read
            taken |= used
    unfit = [model for model, fits in fitting.items() if not fits]
    if unfit:
        raise InputError(
            f"{unfit[0]} has no recipe that can run on {', '.join(names)}",
            expected="a model that can, such as "
            + ", ".join(dict.fromkeys(model for name in names for model in _own_models(name))),
        )
    refuse_untaken({**settings, **(sweep or {})}, taken, documents)
    return {name: recipes for name, recipes in found.items() if recipes}


def _own_models(name: str) -> list[str]:
    """Models with a recipe of their own for a data set, heuristics first: they take no time."""
    own = [what.partition("/")[0] for what in recipe_names() if what.endswith(f"/{name}")]
    return sorted(own, key=lambda model: find_recipe(f"{model}/{name}")[0].model.is_trained)


def _fits(model: str, name: str) -> bool:
    """Whether a model has a recipe that can run on a data set; of unknown models raises."""
    try:
        recipe, _, _ = find_recipe(model, name)
        check_task(name, recipe.model.task)
    except UnknownNameError:
        raise
    except InputError:
        return False
    return True
