"""Names for the shapes that cross module borders.

Axes: N nodes, E edges, B pairs, C channels, K list entries.
"""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor

EdgeIndex: TypeAlias = Tensor
"""Integer tensor ``[2, E]``: row 0 holds sources, row 1 holds targets."""

Pairs: TypeAlias = Tensor
"""Integer tensor ``[2, B]``: the node pairs to score."""

Scores: TypeAlias = Tensor
"""Floating-point tensor ``[B]``: one score a pair, higher means likelier."""
