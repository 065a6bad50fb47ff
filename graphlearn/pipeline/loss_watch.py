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
    so does one that is worse than that of the first epoch by ``factor``, ``patience`` epochs in a
    row. It is compared with the first and not with the least: dropout makes some epochs lucky.

    Args:
        factor: How many times the first epoch's loss is too much; of a first loss that is not
            above 0, by how many times its magnitude it may rise, plus once. None watches only
            whether losses are finite.
        patience: How often in a row.

    Raises:
        InputError: If ``factor`` is not above 1.

    Example:
        >>> watch = LossWatch(factor=2.0, patience=2)
        >>> for loss in (1.0, 0.01, 0.8, 2.5):
        ...     watch.see(loss)
        >>> try:
        ...     watch.see(2.6)
        ... except DivergedError as error:
        ...     print(error.given)
        the loss is 2.6, and 1 in the first epoch
    """

    def __init__(self, factor: float | None = 5.0, patience: int = 5) -> None:
        self.factor = None if factor is None else check_number(factor, name="factor")
        if self.factor is not None and self.factor <= 1:
            raise InputError(f"factor is {factor}", expected="a number above 1, or None")
        self.patience = check_size(patience, name="patience")
        self.first: float | None = None
        self.high = 0

    def see(self, loss: float) -> None:
        """Take note of an epoch's loss.

        Raises:
            DivergedError: If it has run away.
        """
        if not math.isfinite(loss):
            raise DivergedError(f"the loss is {loss}", expected="a finite loss", mend=ADVICE)
        if self.first is None:
            self.first = loss
        if self.factor is None:
            return
        most = self.first + (self.factor - 1) * (abs(self.first) or 1.0)
        self.high = self.high + 1 if loss > most else 0
        if self.high >= self.patience:
            raise DivergedError(
                f"the loss is {loss:.4g}, and {self.first:.4g} in the first epoch",
                expected=f"one of at most {most:.4g} within {self.patience} epochs",
                mend=ADVICE,
            )
