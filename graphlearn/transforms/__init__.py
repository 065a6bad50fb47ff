"""PyG transforms: from a ``Data`` to a ``Data``."""

from graphlearn.transforms.topological_reweight import TopologicalReweight

__all__ = ["TopologicalReweight"]
