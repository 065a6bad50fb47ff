"""Prediction on a user's own graph: fit to an edge list, then ask for the likeliest new links."""

from graphlearn.serve.fitting import fit
from graphlearn.serve.link_model import LinkRecommender, Recommendation, load_link_model
from graphlearn.serve.nearest import NearestNodes
from graphlearn.serve.quality import quality_lines

__all__ = [
    "LinkRecommender",
    "NearestNodes",
    "Recommendation",
    "fit",
    "load_link_model",
    "quality_lines",
]
