"""Ranking metrics for links, written once and exact on ties; bad scores raise, they never score."""

from __future__ import annotations

from graphlearn.metrics.evaluator import LinkEvaluator, evaluate
from graphlearn.metrics.ranking import (
    area_under_roc,
    average_precision,
    hits_at_k,
    mean_reciprocal_rank,
)
from graphlearn.metrics.ties import TIE_RULES, TieRule

__all__ = [
    "TIE_RULES",
    "LinkEvaluator",
    "TieRule",
    "area_under_roc",
    "average_precision",
    "evaluate",
    "hits_at_k",
    "mean_reciprocal_rank",
]
