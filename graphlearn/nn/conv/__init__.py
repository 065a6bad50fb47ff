"""Message passing: weightless propagation, and a layer around any aggregator."""

from graphlearn.nn.conv.aggregation import AggregationConv
from graphlearn.nn.conv.propagation import Propagation, propagate

__all__ = ["AggregationConv", "Propagation", "propagate"]
