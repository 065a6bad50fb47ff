"""Topological measures of nodes: what their surroundings say about predicting their links."""

from graphlearn.topology.approximation import approximate_concentration
from graphlearn.topology.concentration import topological_concentration
from graphlearn.topology.measures import (
    local_clustering,
    mean_resource_allocation,
    node_degree,
    subgraph_density,
)

__all__ = [
    "approximate_concentration",
    "local_clustering",
    "mean_resource_allocation",
    "node_degree",
    "subgraph_density",
    "topological_concentration",
]
