"""All that is read about a pair at one cut: the snapshot, vectors, and what was learnt."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from graphlearn.kernels import TwoHopCandidates
from graphlearn.serve.candidates import CandidateSizes, find_candidates, pair_candidates
from graphlearn.serve.learnt import LearntScores
from graphlearn.serve.lists import Lists
from graphlearn.serve.nearest import NearestNodes
from graphlearn.serve.pair_features import heuristic_scores, pair_features
from graphlearn.serve.snapshot import Snapshot


class View:
    """Makes candidate lists of sources, as of one cut.

    Args:
        state: What is known.
        vectors: The nodes' vectors, of length 1.
        sizes: How many candidates.
        learnt: A trained predictor; None where there is none.
        nearest: Finds nodes by vector; made here, for a few sources, if None.

    Shapes:
        - **vectors**: ``[N, C]``

    Example:
        >>> path = Snapshot(torch.tensor([0, 1, 3, 4]), torch.tensor([1, 0, 2, 1]))
        >>> view = View(path, torch.eye(3), CandidateSizes())
        >>> view.lists(torch.tensor([0, 1])).node.tolist()
        [2]
    """

    def __init__(
        self,
        state: Snapshot,
        vectors: Tensor,
        sizes: CandidateSizes,
        learnt: LearntScores | None = None,
        nearest: NearestNodes | None = None,
    ) -> None:
        self.state, self.vectors, self.sizes, self.learnt = state, vectors, sizes, learnt
        self.nearest = nearest or NearestNodes(vectors)

    def lists(self, sources: Tensor) -> Lists:
        """The candidates of every source.

        Shapes:
            - **sources**: ``[B]``
        """
        found = find_candidates(self.state, sources, self.nearest, self.sizes)
        return self._described(found, sources)

    def further(self, sources: Tensor, count: int) -> Lists:
        """Longer lists: ``count`` candidates at least, where so many nodes are not linked.

        Shapes:
            - **sources**: ``[B]``
        """
        sizes = replace(
            self.sizes, best=max(count, self.sizes.best), popular=max(count, self.sizes.popular)
        )
        found = find_candidates(self.state, sources, self.nearest, sizes)
        return self._described(found, sources)

    def pairs(self, pairs: Tensor) -> Lists:
        """Given pairs, each as a list of its own; empty for one that is linked.

        Shapes:
            - **pairs**: ``[2, B]``
        """
        return self._described(pair_candidates(self.state, pairs, self.sizes), pairs[0])

    def _described(self, found: TwoHopCandidates, sources: Tensor) -> Lists:
        place = found.owner()
        source = sources[place]
        logit = None if self.learnt is None else self.learnt(torch.stack([source, found.node]))
        return Lists(
            place,
            source,
            found.node,
            heuristic_scores(found, source, self.state),
            pair_features(found, source, self.state, self.vectors, logit),
            sources.numel(),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.state}, learnt={self.learnt})"
