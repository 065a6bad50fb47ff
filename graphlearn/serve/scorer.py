"""From the numbers of candidates to one score each: a heuristic as it is, or a learnt mixture."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.serve.lists import Lists
from graphlearn.validate import check_num_nodes, check_size

HEURISTICS = ("cn", "aa", "ra", "degree-product")
"""Scorers that need no training, and what every other is measured against."""

_SMALLEST = 1e-3


class Mixer(nn.Module):
    r"""Mixes a pair's numbers into one score: linear, or with two hidden layers.

    It computes in float64, so that a score hardly depends on how many are computed at a time.

    Args:
        columns (int): How many numbers a pair has.
        hidden (int): Size of the hidden layers; 0 for a linear mixture. (default: :obj:`0`)

    Shapes:
        - **features**: ``[K, columns]``; **output**: ``[K]`` float64

    Raises:
        InputError: If a size is out of range, or the features have another width.

    Example:
        >>> Mixer(3)(torch.zeros(2, 3)).shape
        torch.Size([2])
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, columns: int, hidden: int = 0) -> None:
        super().__init__()
        self.columns = check_size(columns, name="columns")
        self.hidden = check_num_nodes(hidden, name="hidden")
        self.register_buffer("mean", torch.zeros(columns, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(columns, dtype=torch.float64))
        widths = [columns, hidden, hidden, 1] if hidden else [columns, 1]
        layers: list[nn.Module] = []
        for number, (wide, narrow) in enumerate(itertools.pairwise(widths)):
            layers += [nn.ReLU()] if number else []
            layers.append(nn.Linear(wide, narrow, dtype=torch.float64))
        self.layers = nn.Sequential(*layers)

    def standardize_by(self, features: Tensor) -> None:
        """Take mean and spread of each column from these; of a constant one only the mean."""
        wide = features.double()
        spread = wide.std(dim=0, correction=0)
        self.mean.copy_(wide.mean(dim=0))
        self.spread.copy_(spread.masked_fill(spread < 1e-9, 1.0))

    def forward(self, features: Tensor) -> Tensor:
        """Return a score for each row."""
        if features.dim() != 2 or features.size(1) != self.columns:
            raise InputError(
                f"features has shape {list(features.shape)}", expected=f"[K, {self.columns}]"
            )
        scores: Tensor = self.layers((features.double() - self.mean) / self.spread)
        return scores.squeeze(-1)

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return f"{self.columns}, hidden={self.hidden}"


@dataclass(frozen=True, eq=False)
class Scorer:
    """A heuristic by name, or a mixer.

    Args:
        name: One of :data:`HEURISTICS`, or what the mixer is called.
        mixer: None for a heuristic. One that has fewer columns than the lists reads the first.

    Raises:
        InputError: If there is neither.

    Example:
        >>> Scorer("ra").mixer is None
        True
    """

    name: str
    mixer: Mixer | None = None

    def __post_init__(self) -> None:
        if self.mixer is None and self.name not in HEURISTICS:
            raise InputError(f"scorer is {self.name!r}", expected=f"one of {', '.join(HEURISTICS)}")

    def __call__(self, lists: Lists) -> Tensor:
        """A score for each candidate, ``[K]`` float32: a heuristic's logarithm, or the mixture."""
        if self.mixer is None:
            return (lists.heuristics[self.name].double() + _SMALLEST).log().float()
        with torch.no_grad():
            scores: Tensor = self.mixer(lists.features[:, : self.mixer.columns])
        return scores.float()
