"""Heuristics on common neighbors: their number, or their number weighted by degree."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlearn.kernels import CSRGraph, common_neighbors, pooled_common_neighbors
from graphlearn.nn.predictor.arguments import check_call
from graphlearn.nn.predictor.node_weights import inverse_degree, inverse_log_degree
from graphlearn.nn.registries import PREDICTORS
from graphlearn.typing import EdgeIndex, Pairs, Scores


@PREDICTORS.register("cn")
class CommonNeighbors(nn.Module):
    r"""Scores a pair by :math:`|N(i) \cap N(j)|`.

    Shapes:
        - **x**: ignored; **graph**: a ``CSRGraph`` or an undirected ``edge_index [2, E]``
        - **pairs**: ``[2, B]``; **output**: ``[B]`` float64

    Raises:
        InputError: If an id is out of range.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 0, 1, 2], [1, 2, 3, 3]])
        >>> CommonNeighbors()(None, edge_index, torch.tensor([[0], [3]])).tolist()
        [2.0]
    """

    def forward(self, x: Tensor | None, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        graph = check_call(None, graph, pairs, None)
        return common_neighbors(graph, pairs).counts().double()


@PREDICTORS.register("aa")
class AdamicAdar(nn.Module):
    r"""Scores a pair by :math:`\sum_{u \in N(i) \cap N(j)} 1 / \log |N(u)|`.

    From `"Friends and neighbors on the Web"
    <https://doi.org/10.1016/S0378-8733(03)00009-1>`_. A neighbor of degree 1 (possible only where
    a node is paired with itself) counts 0.

    Shapes:
        - **x**: ignored; **graph**: a ``CSRGraph`` or an undirected ``edge_index [2, E]``
        - **pairs**: ``[2, B]``; **output**: ``[B]`` float64

    Raises:
        InputError: If an id is out of range.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 0, 1, 2], [1, 2, 3, 3]])
        >>> AdamicAdar()(None, edge_index, torch.tensor([[0], [3]])).round(decimals=3).tolist()
        [2.885]
    """

    def forward(self, x: Tensor | None, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        graph = check_call(None, graph, pairs, None)
        weight = inverse_log_degree(graph, torch.float64)
        return pooled_common_neighbors(graph, pairs, weight[:, None]).squeeze(-1)


@PREDICTORS.register("ra")
class ResourceAllocation(nn.Module):
    r"""Scores a pair by :math:`\sum_{u \in N(i) \cap N(j)} 1 / |N(u)|`.

    From `"Predicting missing links via local information" <https://arxiv.org/abs/0901.0553>`_.

    Shapes:
        - **x**: ignored; **graph**: a ``CSRGraph`` or an undirected ``edge_index [2, E]``
        - **pairs**: ``[2, B]``; **output**: ``[B]`` float64

    Raises:
        InputError: If an id is out of range.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 0, 1, 2], [1, 2, 3, 3]])
        >>> ResourceAllocation()(None, edge_index, torch.tensor([[0], [3]])).tolist()
        [1.0]
    """

    def forward(self, x: Tensor | None, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        graph = check_call(None, graph, pairs, None)
        weight = inverse_degree(graph, torch.float64)
        return pooled_common_neighbors(graph, pairs, weight[:, None]).squeeze(-1)
