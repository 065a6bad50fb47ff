"""From the score of a possible link to the probability that completion gives it."""

from __future__ import annotations

import torch
from torch import Tensor


def completion_probability(
    logit: Tensor, prior: Tensor | float, *, scale: float, offset: float, alpha: float
) -> Tensor:
    r"""Probability that an unobserved link exists, clamped by a prior.

    .. math::
        p_0 = \sigma(\mathrm{scale}\,(\mathrm{logit} - \mathrm{offset})), \quad
        p = \alpha \frac{\pi p_0}{\pi p_0 + 1 - p_0}

    Args:
        logit: Score of the link.
        prior: :math:`\pi`; differentiable if a tensor.
        scale: Steepness.
        offset: Logit that counts as even odds.
        alpha: Overall factor.

    Shapes:
        - **logit**, **output**: ``[K]``; **prior**: ``[K]`` or a number

    Example:
        >>> import torch
        >>> completion_probability(torch.zeros(1), 0.5, scale=1.0, offset=0.0, alpha=1.0)
        tensor([0.3333])
    """
    if isinstance(prior, Tensor):
        # A learned prior may underflow to 0, and 0 / 0 would follow for a confident score.
        prior = prior.clamp(min=torch.finfo(prior.dtype).tiny)
    likely = torch.sigmoid(scale * (logit - offset))
    weighted = prior * likely
    # 1 - sigmoid(z) as sigmoid(-z): the difference would round to 0 for a confident score.
    return alpha * weighted / (weighted + torch.sigmoid(scale * (offset - logit)))
