"""Aggregators by name, as recipes and layers take them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from torch import Tensor
from torch_geometric.nn.aggr import (
    Aggregation,
    MaxAggregation,
    MeanAggregation,
    MinAggregation,
    StdAggregation,
    SumAggregation,
)

from graphlearn.errors import InputError
from graphlearn.nn.aggr.gru import GRUAggregation
from graphlearn.nn.aggr.lcm import LCMAggregation
from graphlearn.nn.aggr.pna import PNAAggregation
from graphlearn.registry import Registry, name_and_options, unknown_name

AggregatorLike: TypeAlias = Aggregation | str | dict[str, Any] | None
"""An aggregator, its registry name, or ``{"name": ..., option: value}``."""

AGGREGATORS: Registry[Callable[..., Aggregation]] = Registry("aggregator")
"""Aggregators that give as many channels as they get, by short name."""

for _name, _class in (
    ("sum", SumAggregation),
    ("mean", MeanAggregation),
    ("max", MaxAggregation),
    ("min", MinAggregation),
    ("std", StdAggregation),
):
    AGGREGATORS.register(_name)(_class)
AGGREGATORS.register("gru")(GRUAggregation)
AGGREGATORS.register("lcm")(LCMAggregation)
AGGREGATORS.register("pna")(PNAAggregation)


def make_aggregator(
    what: AggregatorLike, channels: int, *, degree_histogram: Tensor | None = None
) -> Aggregation:
    """Return an aggregator for rows of ``channels`` channels, which gives as many.

    Args:
        what: An aggregator, which is returned; a name (``"lcm"``); or a mapping of a name and
            options (``{"name": "lcm", "shuffle": True}``). LCM does not project unless told to.
        channels: Size of the rows.
        degree_histogram: How many sets of the training data have each size, for those that want
            it (``"pna"``).

    Raises:
        UnknownNameError: If there is no such aggregator or option; offers the nearest.
        InputTypeError: If it is none of these.
        InputError: If it needs a histogram that was not given.

    Example:
        >>> make_aggregator({"name": "lcm", "shuffle": True}, 16)
        LCMAggregation(16, 16, project=False, shuffle=True)
    """
    if isinstance(what, Aggregation):
        return what
    name, options = name_and_options(what, "aggregator")
    maker = AGGREGATORS.get(name)
    taken = inspect.signature(maker).parameters
    sizes = [size for size in ("in_channels", "out_channels") if size in taken]
    known = [key for key in taken if key not in sizes]
    for key in options:
        if key not in known:
            raise unknown_name(f"option of {name}", key, known)
    if "project" in taken:
        options.setdefault("project", False)
    if "degree_histogram" in taken and "degree_histogram" not in options:
        if degree_histogram is None:
            raise InputError(
                f"aggregator {name!r} was given no degree_histogram",
                expected="how many sets of the training data have each size",
                mend=f"pass {name.upper()}Aggregation(...) itself",
            )
        options["degree_histogram"] = degree_histogram
    return maker(**dict.fromkeys(sizes, channels), **options)
