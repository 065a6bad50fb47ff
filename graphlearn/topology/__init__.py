"""Topological measures of nodes: what their surroundings say about predicting their links."""

from graphlearn.topology.approximation import approximate_concentration, random_surroundings
from graphlearn.topology.concentration import (
    neighbor_concentration,
    topological_concentration,
)
from graphlearn.topology.measures import (
    local_clustering,
    mean_resource_allocation,
    node_degree,
    subgraph_density,
)
from graphlearn.topology.message_weights import reweighted_messages

__all__ = [
    "approximate_concentration",
    "local_clustering",
    "mean_resource_allocation",
    "neighbor_concentration",
    "node_degree",
    "random_surroundings",
    "reweighted_messages",
    "subgraph_density",
    "topological_concentration",
]
