"""Arrays in, arrays out: the compiled machinery, with a plain reference beside each kernel."""

from graphlearn.kernels.bfloat16 import multiplies_bfloat16
from graphlearn.kernels.csr import CSRGraph, as_graph
from graphlearn.kernels.gather import gather_rows
from graphlearn.kernels.gru import gru_merge
from graphlearn.kernels.intersect import (
    PoolingPlan,
    common_neighbors,
    neighborhood_overlap,
    plan_pooling,
    pool_lists,
    pooled_common_neighbors,
    sample_lists,
)
from graphlearn.kernels.khop import (
    HopOverlap,
    WalkOverlap,
    edge_triangles,
    hop_overlap,
    walk_overlap,
)
from graphlearn.kernels.lists import NeighborLists, join_lists, values_where_shared
from graphlearn.kernels.refinement import (
    PooledColors,
    Rows,
    closed_rows,
    count_colors,
    folklore_step,
    pool_colors,
    subgraph_step,
)
from graphlearn.kernels.second_order import second_order_neighbors
from graphlearn.kernels.segment import (
    Segments,
    TreePlan,
    plan_tree,
    segment_max,
    segment_mean,
    segment_softmax,
    segment_sum,
    tree_reduce,
)
from graphlearn.kernels.spmm import Transposed, spmm
from graphlearn.kernels.top_columns import TopColumns, top_columns
from graphlearn.kernels.two_hop import TwoHopCandidates, two_hop_candidates

__all__ = [
    "CSRGraph",
    "HopOverlap",
    "NeighborLists",
    "PooledColors",
    "PoolingPlan",
    "Rows",
    "Segments",
    "TopColumns",
    "Transposed",
    "TreePlan",
    "TwoHopCandidates",
    "WalkOverlap",
    "as_graph",
    "closed_rows",
    "common_neighbors",
    "count_colors",
    "edge_triangles",
    "folklore_step",
    "gather_rows",
    "gru_merge",
    "hop_overlap",
    "join_lists",
    "multiplies_bfloat16",
    "neighborhood_overlap",
    "plan_pooling",
    "plan_tree",
    "pool_colors",
    "pool_lists",
    "pooled_common_neighbors",
    "sample_lists",
    "second_order_neighbors",
    "segment_max",
    "segment_mean",
    "segment_softmax",
    "segment_sum",
    "spmm",
    "subgraph_step",
    "top_columns",
    "tree_reduce",
    "two_hop_candidates",
    "values_where_shared",
    "walk_overlap",
]
