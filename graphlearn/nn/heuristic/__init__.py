"""Predictors without parameters: what every table of link prediction starts with."""

from graphlearn.nn.heuristic.local import AdamicAdar, CommonNeighbors, ResourceAllocation
from graphlearn.nn.heuristic.walks import Katz, PersonalizedPageRank

__all__ = [
    "AdamicAdar",
    "CommonNeighbors",
    "Katz",
    "PersonalizedPageRank",
    "ResourceAllocation",
]
