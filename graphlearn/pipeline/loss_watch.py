"""Ends a training that runs away, with advice."""

from __future__ import annotations

import math

from graphlearn.errors import DivergedError, InputError
from graphlearn.validate import check_number, check_size

ADVICE = (
    "refresh the history more often (refresh=1), take fewer chunks, a smaller learning rate or "
    "gamma=1; or fewer stages and more ways, which read no history of one another"
)


class LossWatch:
    """Watches the loss of every epoch.

    Pipelined training reads old rows, and may diverge where full-graph training does not (seen by
    the paper's authors' code on ogbn-arxiv with GCNII). A loss that is not finite ends the run, and
    so does one that is ``factor`` times the least so far, ``patience`` epochs in a row.

    Args:
        factor: How much larger than the least is too large.
        patience: How often in a row.

    Raises:
        InputError: If ``factor`` is not above 1.

    Example:
        >>> watch = LossWatch(factor=2.0, patience=2)
        >>> for loss in (1.0, 0.5, 0.8, 1.5):
        ...     watch.see(loss)
        >>> try:
        ...     watch.see(1.6)
        ... except DivergedError as error:
        ...     print(error.given)
        the loss is 1.6 after 0.5
    """

    def __init__(self, factor: float = 10.0, patience: int = 5) -> None:
        self.factor = check_number(factor, name="factor")
        if self.factor <= 1:
            raise InputError(f"factor is {factor}", expected="a number above 1")
        self.patience = check_size(patience, name="patience")
        self.least = math.inf
        self.high = 0

    def see(self, loss: float) -> None:
        """Take note of an epoch's loss.

        Raises:
            DivergedError: If it has run away.
        """
        if not math.isfinite(loss):
            raise DivergedError(f"the loss is {loss}", expected="a finite loss", mend=ADVICE)
        self.least = min(self.least, loss)
        self.high = self.high + 1 if loss > self.factor * self.least else 0
        if self.high >= self.patience:
            raise DivergedError(
                f"the loss is {loss:.4g} after {self.least:.4g}",
                expected=f"one below {self.factor:g} times the least within {self.patience} epochs",
                mend=ADVICE,
            )
