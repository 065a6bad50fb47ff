"""Cutting a graph into parts: streaming partitioner, and the compact rows of each part."""

from graphlearn.kernels.partition.cells import Cells, compact_cells, halo_size
from graphlearn.kernels.partition.ranges import cut_ranges
from graphlearn.kernels.partition.reference import compact_cells_reference
from graphlearn.kernels.partition.stream import fill_empty_parts, stream_partition

__all__ = [
    "Cells",
    "compact_cells",
    "compact_cells_reference",
    "cut_ranges",
    "fill_empty_parts",
    "halo_size",
    "stream_partition",
]
