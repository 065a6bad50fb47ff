"""Where a positive stands among the negatives, and what becomes of those with the same score.

Every metric here is a function of one count: how many negatives stand *ahead* of a positive. A
negative with a higher score does, one with a lower score does not, and a rule settles the rest:

============== ============================== ====================================================
rule           tied negatives that stand ahead what it means
============== ============================== ====================================================
"pessimistic"  all                            a tie counts against the model (default): a constant
                                              score earns the least
"optimistic"   none                           a tie counts for the model: an upper bound
"mean"         half of them                   the mean of the two ranks
"ogb"          as OGB's evaluators do         differs by metric: each says what it stands for
============== ============================== ====================================================
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import torch
from torch import Tensor

from graphlearn.errors import InputTypeError
from graphlearn.registry import unknown_name

TieRule: TypeAlias = Literal["pessimistic", "optimistic", "mean", "ogb"]
TIE_RULES: tuple[TieRule, ...] = get_args(TieRule)


class Standing(NamedTuple):
    """How many negatives each positive meets, and how many positives stand with it.

    Attributes:
        above: ``[P]``, negatives with a higher score.
        tied: ``[P]``, negatives with the same score.
        num_negatives: How many negatives each positive was ranked among.
    """

    above: Tensor
    tied: Tensor
    num_negatives: int

    def ahead(self, ties: TieRule) -> Tensor:
        """Return how many negatives stand ahead of each positive, ``[P]`` in float64.

        Args:
            ties: Any rule but ``"ogb"``, which a metric translates first.
        """
        share = {"pessimistic": 1.0, "optimistic": 0.0, "mean": 0.5}[ties]
        return self.above + share * self.tied.double()


def check_tie_rule(ties: Any) -> TieRule:
    """Return ``ties`` if it names a rule.

    Raises:
        InputTypeError: If it is not a string.
        UnknownNameError: If it is not one of :data:`TIE_RULES`.

    Example:
        >>> check_tie_rule("mean")
        'mean'
    """
    if not isinstance(ties, str):
        raise InputTypeError(f"ties is {ties!r}", expected="one of " + ", ".join(TIE_RULES))
    if ties not in TIE_RULES:
        raise unknown_name("tie rule", ties, TIE_RULES)
    return ties


def standing(positive: Tensor, negative: Tensor) -> Standing:
    """Count the negatives above and beside each positive.

    Pooled negatives are sorted once and searched, O((P + Q) log Q); rows of negatives are compared
    with their positive, linear in their number.

    Args:
        positive: Scores of the true links, as :func:`~graphlearn.metrics.scores.check_score_pair`
            returns them.
        negative: Scores of the false links, likewise.

    Shapes:
        - positive: ``[P]``
        - negative: ``[Q]`` or ``[P, Q]``
        - output: two counts ``[P]``

    Example:
        >>> above, tied, num_negatives = standing(torch.tensor([3, 1]), torch.tensor([1, 2, 1, 0]))
        >>> above.tolist(), tied.tolist(), num_negatives
        ([0, 1], [0, 2], 4)
    """
    count = negative.size(-1)
    if negative.dim() == 2:
        score = positive.unsqueeze(1)
        return Standing((negative > score).sum(1), (negative == score).sum(1), count)
    ordered = negative.sort().values
    not_above = torch.searchsorted(ordered, positive, side="right")
    below = torch.searchsorted(ordered, positive, side="left")
    return Standing(count - not_above, not_above - below, count)
