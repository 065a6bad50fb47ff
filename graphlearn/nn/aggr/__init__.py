"""Aggregators: PyG ``Aggregation`` modules that reduce sets of rows."""

from graphlearn.nn.aggr.gru import GRUAggregation
from graphlearn.nn.aggr.lcm import LCMAggregation
from graphlearn.nn.aggr.pna import PNAAggregation
from graphlearn.nn.aggr.registry import AGGREGATORS, AggregatorLike, make_aggregator
from graphlearn.nn.aggr.resolver import resolved_by_pyg

__all__ = [
    "AGGREGATORS",
    "AggregatorLike",
    "GRUAggregation",
    "LCMAggregation",
    "PNAAggregation",
    "make_aggregator",
    "resolved_by_pyg",
]
