"""Samplers and loaders that need no compiled wheel."""

from graphlearn.loader.link_neighbor_loader import LinkNeighborLoader
from graphlearn.loader.neighbor_loader import NeighborLoader
from graphlearn.loader.neighbor_sampler import NeighborSampler

__all__ = ["LinkNeighborLoader", "NeighborLoader", "NeighborSampler"]
