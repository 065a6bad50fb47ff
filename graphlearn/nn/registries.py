"""What recipes may name: encoders, predictors and networks by their short names."""

from __future__ import annotations

from torch import nn

from graphlearn.registry import Registry

ENCODERS: Registry[type[nn.Module]] = Registry("encoder")
"""Modules with ``encoder(x, graph) -> [N, C]``."""

PREDICTORS: Registry[type[nn.Module]] = Registry("predictor")
"""Modules with ``predictor(x, graph, pairs) -> [B]``, heuristics included."""

NETWORKS: Registry[type[nn.Module]] = Registry("network")
"""Modules with ``network(data)`` for batches of graphs or sets."""
