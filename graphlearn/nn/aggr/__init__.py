"""Aggregators: PyG ``Aggregation`` modules that reduce sets of rows."""

from graphlearn.nn.aggr.lcm import LCMAggregation

__all__ = ["LCMAggregation"]
