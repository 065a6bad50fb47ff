"""Ragged reductions: every segment of rows to one row, nothing padded."""

from graphlearn.kernels.segment.reduce import (
    segment_max,
    segment_mean,
    segment_softmax,
    segment_sum,
)
from graphlearn.kernels.segment.segments import Segments
from graphlearn.kernels.segment.tree import MergeTrace, tree_reduce
from graphlearn.kernels.segment.tree_plan import TREE_SHAPES, TreePlan, TreeShape, plan_tree

__all__ = [
    "TREE_SHAPES",
    "MergeTrace",
    "Segments",
    "TreePlan",
    "TreeShape",
    "plan_tree",
    "segment_max",
    "segment_mean",
    "segment_softmax",
    "segment_sum",
    "tree_reduce",
]
