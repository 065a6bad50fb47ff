"""One error family: every message says what was given, what was expected, and the mend.

``InputError`` and its children are what a user can cause; they derive from the builtin that PyG or
plain Python code would catch (``ValueError``, ``TypeError``, ``OSError``), so existing ``except``
clauses keep working. The command line turns any :class:`GraphLearnError` into one line and exit
code 2. An ``assert`` in this package guards the package's own invariants, never user input.
"""

from __future__ import annotations

from functools import partial
from typing import Any


class GraphLearnError(Exception):
    """Base class of every error this package raises on purpose.

    Args:
        given: What was met, with the offending value.
        expected: What would have been accepted.
        mend: What to do about it.

    Example:
        >>> str(InputError("hops is 0", expected="an integer >= 1", mend="pass hops=1"))
        'hops is 0: expected an integer >= 1; pass hops=1'
    """

    def __init__(self, given: str, *, expected: str = "", mend: str = "") -> None:
        self.given, self.expected, self.mend = given, expected, mend
        super().__init__(given, expected, mend)

    def __str__(self) -> str:
        text = self.given
        if self.expected:
            text += f": expected {self.expected}"
        if self.mend:
            text += f"; {self.mend}"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        # The default passes all of `args` by position, so an error raised in a worker process
        # would reach its parent as a TypeError about this constructor.
        return partial(type(self), expected=self.expected, mend=self.mend), (self.given,)


class InputError(GraphLearnError, ValueError):
    """A value that the user gave cannot be used."""


class InputTypeError(GraphLearnError, TypeError):
    """A value that the user gave is of the wrong type or dtype."""


class UnknownNameError(InputError):
    """A name (model, dataset, recipe key, option) that is not known; offers the nearest."""


class LeakError(InputError):
    """A split whose parts overlap, so that its test score would be a lie."""


class InconsistentScoresError(InputError):
    """A predictor whose score of a pair depends on the other pairs beside it or on their order."""


class UnsafeFileError(InputError):
    """A file whose content could run code, or that is not what its card says, and is refused."""


class CheckpointError(InputError):
    """A checkpoint that is truncated, foreign, or made for another model or configuration."""


class DataNotFoundError(GraphLearnError, FileNotFoundError):
    """Data that is not where it was looked for and could not be fetched."""


class OutputError(GraphLearnError, OSError):
    """A result that could not be written (no permission, no space)."""


class MissingExtraError(GraphLearnError, ImportError):
    """An optional package that the requested feature needs is not installed."""


class DivergedError(GraphLearnError, ArithmeticError):
    """Training met a loss that is NaN or infinite."""
