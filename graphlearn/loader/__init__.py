"""Samplers and loaders that need no compiled wheel."""

from graphlearn.loader.adaptive_fan_out import AdaptiveFanOut
from graphlearn.loader.link_neighbor_loader import LinkNeighborLoader
from graphlearn.loader.neighbor_loader import NeighborLoader
from graphlearn.loader.neighbor_sampler import NeighborSampler
from graphlearn.loader.pack_epoch import pack_epoch

__all__ = [
    "AdaptiveFanOut",
    "LinkNeighborLoader",
    "NeighborLoader",
    "NeighborSampler",
    "pack_epoch",
]
