"""What lies within K hops of nodes, and how it overlaps for pairs of them."""

from graphlearn.kernels.khop.overlap import HopOverlap, WalkOverlap, hop_overlap, walk_overlap
from graphlearn.kernels.khop.triangles import edge_triangles

__all__ = ["HopOverlap", "WalkOverlap", "edge_triangles", "hop_overlap", "walk_overlap"]
