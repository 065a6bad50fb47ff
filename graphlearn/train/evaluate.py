"""Scoring pairs with a trained model, and the metrics of those scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.modes import evaluating
from graphlearn.typing import Pairs, Scores

Evaluator = Callable[[Tensor, Tensor], dict[str, float]]
"""From scores of positives and of negatives to named metrics, as ``metrics.LinkEvaluator`` does."""


def score_links(
    model: nn.Module,
    x: Tensor | None,
    graph: CSRGraph,
    parts: Sequence[Pairs],
    batch_size: int = 8192,
    *,
    apart: bool = False,
) -> list[Scores]:
    """Score several sets of pairs on one graph: encoded once, scored in batches, without gradients.

    Args:
        model: A link model (``encode(x, graph)`` and ``predictor(h, graph, pairs)``), or a
            predictor that needs no encoder, such as a heuristic: it is called as
            ``model(None, graph, pairs)``.
        x: Node features; None where the model needs none.
        graph: The graph to predict from.
        parts: Sets of pairs. A batch may hold pairs of several sets, unless ``apart`` is on.
        batch_size: Pairs scored at a time.
        apart: Let no batch hold pairs of several sets.

    Shapes:
        - **parts**: each ``[2, ...]``, such as ``[2, P]``, or ``[2, P, Q]`` for ``Q`` negatives of
          each of ``P`` positives
        - output: for each part the same shape without the leading 2

    Raises:
        InputError: If the predictor does not give one score a pair.

    Example:
        >>> class Degrees(nn.Module):
        ...     def forward(self, h, graph, pairs):
        ...         return graph.degree()[pairs].sum(dim=0).float()
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 3)
        >>> score_links(Degrees(), None, graph, [torch.tensor([[0, 0], [1, 2]])])
        [tensor([3., 2.])]
    """
    flat = [part.flatten(1) for part in parts]
    with torch.no_grad(), evaluating(model):
        encode = getattr(model, "encode", None)
        predictor: Any = model if encode is None else model.predictor
        h = None if encode is None else encode(x, graph)
        groups = [[part] for part in flat] if apart else [flat]
        batches = (batch for group in groups for batch in _batches(group, batch_size))
        scores = [_checked(predictor(h, graph, batch), batch) for batch in batches]
    if not scores:
        return [torch.empty(part.shape[1:], device=part.device) for part in parts]
    joined = scores[0] if len(scores) == 1 else torch.cat(scores)
    pieces = torch.split(joined, [prod(part.shape[1:]) for part in parts])
    return [piece.view(part.shape[1:]) for piece, part in zip(pieces, parts, strict=True)]


def _batches(parts: Sequence[Pairs], size: int) -> Iterator[Pairs]:
    """All pairs in turn, ``size`` at a time; never a copy of all of them, which may be 10^8."""
    waiting: list[Pairs] = []
    missing = size
    for part in parts:
        for piece in _pieces(part, missing, size):
            waiting.append(piece)
            missing -= piece.size(1)
            if missing == 0:
                yield waiting[0] if len(waiting) == 1 else torch.cat(waiting, dim=1)
                waiting, missing = [], size
    if waiting:
        yield waiting[0] if len(waiting) == 1 else torch.cat(waiting, dim=1)


def _pieces(part: Pairs, first: int, size: int) -> Iterator[Pairs]:
    begin, end = 0, first
    while begin < part.size(1):
        yield part[:, begin:end]
        begin, end = end, end + size


def _checked(scores: Tensor, pairs: Pairs) -> Scores:
    if scores.shape != pairs.shape[1:]:
        raise InputError(
            f"the predictor gave scores of shape {list(scores.shape)}",
            expected=f"shape [{pairs.size(1)}], one score a pair",
        )
    return scores


def evaluate_links(
    model: nn.Module,
    x: Tensor | None,
    graph: CSRGraph,
    pairs: Pairs,
    negatives: Pairs,
    evaluator: Evaluator,
    batch_size: int = 8192,
) -> dict[str, float]:
    """Compute metrics of a model on links and non-links of one graph.

    Args:
        model: As in :func:`score_links`: a link model, or a heuristic.
        x: Node features; None where the model needs none.
        graph: The graph to predict from; the links to predict are not in it.
        pairs: The links.
        negatives: The non-links.
        evaluator: From the scores of both to named metrics.
        batch_size: Pairs scored at a time.

    Shapes:
        - **pairs**: ``[2, P]``; **negatives**: ``[2, Q]``, or ``[2, P, Q]`` where each link has its
          own

    Raises:
        InputError: If a score is NaN, or the evaluator refuses the scores.

    Example:
        >>> class Degrees(nn.Module):
        ...     def forward(self, h, graph, pairs):
        ...         return graph.degree()[pairs].sum(dim=0).float()
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 4)
        >>> def gap(positive, negative):
        ...     return {"gap": float(positive.mean() - negative.mean())}
        >>> links, others = torch.tensor([[0], [2]]), torch.tensor([[0], [3]])
        >>> evaluate_links(Degrees(), None, graph, links, others, gap)
        {'gap': 1.0}
    """
    positive, negative = score_links(model, x, graph, [pairs, negatives], batch_size)
    return evaluator(positive, negative)
