"""Arrays in, arrays out: the compiled machinery, with a plain reference beside each kernel."""

from graphlearn.kernels.csr import CSRGraph, as_graph
from graphlearn.kernels.intersect import (
    PoolingPlan,
    common_neighbors,
    neighborhood_overlap,
    plan_pooling,
    pool_lists,
    pooled_common_neighbors,
    sample_lists,
)
from graphlearn.kernels.lists import NeighborLists, join_lists
from graphlearn.kernels.spmm import Transposed, spmm

__all__ = [
    "CSRGraph",
    "NeighborLists",
    "PoolingPlan",
    "Transposed",
    "as_graph",
    "common_neighbors",
    "join_lists",
    "neighborhood_overlap",
    "plan_pooling",
    "pool_lists",
    "pooled_common_neighbors",
    "sample_lists",
    "spmm",
]
