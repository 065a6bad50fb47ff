"""Convolutions of our own; PyG's stock ones are used as they are."""

from graphlearn.nn.conv.propagation import Propagation, propagate

__all__ = ["Propagation", "propagate"]
