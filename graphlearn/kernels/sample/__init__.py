"""Neighborhoods of seeds, drawn hop by hop: uniform or weighted, in time, one tree a seed."""

from graphlearn.kernels.sample.hops import HopSampler, Relation, SampledHops, mix_keys
from graphlearn.kernels.sample.neighbor_rows import NeighborRows, time_column

__all__ = ["HopSampler", "NeighborRows", "Relation", "SampledHops", "mix_keys", "time_column"]
