"""Our aggregators under the names that PyG resolves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch_geometric.nn.aggr

from graphlearn.nn.aggr.gru import GRUAggregation
from graphlearn.nn.aggr.lcm import LCMAggregation

_OURS = (GRUAggregation, LCMAggregation)


@contextlib.contextmanager
def resolved_by_pyg() -> Iterator[None]:
    """Let PyG's ``aggr="lcm"`` and ``aggr="gru"`` mean this package's classes.

    PyG looks the name of an aggregation up among the classes of ``torch_geometric.nn.aggr``. Inside
    this context ours stand there in place of PyG's of the same name, for every thread; afterwards
    PyG's stand there again. Layers made inside keep what they were made with.

    Example:
        >>> from torch_geometric.nn import SAGEConv
        >>> with resolved_by_pyg():
        ...     conv = SAGEConv(8, 4, aggr="lcm", aggr_kwargs=dict(in_channels=8, out_channels=8))
        >>> isinstance(conv.aggr_module, LCMAggregation)
        True
    """
    place = vars(torch_geometric.nn.aggr)
    before = {cls.__name__: place[cls.__name__] for cls in _OURS}
    try:
        place.update({cls.__name__: cls for cls in _OURS})
        yield
    finally:
        place.update(before)
