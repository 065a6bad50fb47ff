"""Softmax and power mean over neighbors whose message is a function of the sender alone.

Then both are quotients or means of plain sums over neighbors, which need no row a message.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from graphlearn.kernels import spmm
from graphlearn.kernels.segment import Segments, segment_softmax, segment_sum
from graphlearn.nn.deep.chunk import Neighborhoods, entry_rows

# Of the exponents that a dtype has, the part that the shares of one channel may span: what is left
# keeps their product with a small message, and a quotient by a small total, in range.
_SPAN = 0.7


def softmax_mean(messages: Tensor, chunk: Neighborhoods, inverse_temperature: Tensor) -> Tensor:
    r"""Softmax aggregation, :math:`\sum_j w_j e^{t m_j} m_j / \sum_j w_j e^{t m_j}`, channel by
    channel.

    Both sums are taken over shares that are scaled by the largest of the channel: 2 m C
    multiply-adds and no ``[m, C]``. Where a channel spans more than the exponents of the dtype (60
    in t m for float32), in which case a node's shares could all be 0, shares are made message by
    message and scaled by the largest of the node.

    Args:
        messages: What each row sends.
        chunk: The messages' ways; a message of weight 2 counts as two, so weights must not be
            negative.
        inverse_temperature: :math:`t`; differentiable.

    Shapes:
        - **messages**: ``[n + h, C]``; **inverse_temperature**: ``[]`` or ``[1]``
        - **output**: ``[n, C]``; 0 for a node without messages

    Example:
        >>> from graphlearn.nn.deep import whole_graph
        >>> graph = whole_graph(torch.tensor([[0, 1], [2, 2]]), num_nodes=3)
        >>> softmax_mean(torch.tensor([[1.0], [3.0], [0.0]]), graph, torch.tensor(0.0)).tolist()
        [[0.0], [0.0], [2.0]]
    """
    if messages.size(0) == 0:
        return messages.new_zeros(chunk.num_nodes, messages.size(1))
    kept = messages.dtype
    messages = messages.to(torch.promote_types(kept, torch.float32))
    exponent = messages * inverse_temperature.to(messages.dtype)
    low, high = exponent.detach().aminmax(dim=0)
    if bool((high - low <= -_SPAN * math.log(torch.finfo(messages.dtype).tiny)).all()):
        share = (exponent - high).exp()
        weight = None if chunk.weight is None else chunk.weight.to(messages.dtype)
        both = torch.cat([share, share * messages], dim=1)
        total, weighted = spmm(chunk.rowptr, chunk.col, both, weight).chunk(2, dim=1)
        return _quotient(weighted, total).to(kept)
    return _softmax_by_message(messages, exponent, chunk).to(kept)


def _softmax_by_message(messages: Tensor, exponent: Tensor, chunk: Neighborhoods) -> Tensor:
    """The plain form, with a row a message."""
    segments = Segments.from_ptr(chunk.rowptr, chunk.col.numel())
    share = segment_softmax(exponent.index_select(0, chunk.col), segments)
    if chunk.weight is not None:
        share = share * chunk.weight.to(share.dtype)[:, None]
        share = _quotient(share, segment_sum(share, segments)[entry_rows(chunk)])
    return segment_sum(share * messages.index_select(0, chunk.col), segments)


def _quotient(part: Tensor, whole: Tensor) -> Tensor:
    return part / whole.masked_fill(whole == 0, 1.0)


def power_mean(
    messages: Tensor,
    chunk: Neighborhoods,
    power: Tensor,
    *,
    bounds: tuple[float, float] = (1e-4, 100.0),
) -> Tensor:
    r"""Power mean, :math:`(\sum_j w_j m_j^p / \sum_j w_j)^{1/p}`, channel by channel.

    Messages and their mean of powers are clamped to ``bounds``, as the authors' code and PyG do: a
    node without messages has the lower bound for its mean. m C multiply-adds, no ``[m, C]``.

    Args:
        messages: What each row sends.
        chunk: The messages' ways; a message of weight 2 counts as two.
        power: :math:`p`, not 0; differentiable.
        bounds: Least and largest message, both above 0.

    Shapes:
        - **messages**: ``[n + h, C]``; **power**: ``[]`` or ``[1]``; **output**: ``[n, C]``

    Example:
        >>> from graphlearn.nn.deep import whole_graph
        >>> graph = whole_graph(torch.tensor([[0, 1], [2, 2]]), num_nodes=3)
        >>> mean = power_mean(torch.tensor([[1.0], [7.0], [0.0]]), graph, torch.tensor(2.0))
        >>> mean[2].tolist()
        [5.0]
    """
    kept = messages.dtype
    messages = messages.to(torch.promote_types(kept, torch.float32))
    power = power.to(messages.dtype)
    low, high = bounds
    mean = plain_mean(messages.clamp(low, high).pow(power), chunk)
    return mean.clamp(low, high).pow(1.0 / power).to(kept)


def plain_mean(messages: Tensor, chunk: Neighborhoods) -> Tensor:
    """Mean over neighbors by weight, :math:`\\sum_j w_j m_j / \\sum_j w_j`; 0 without messages.

    Shapes:
        - **messages**: ``[n + h, C]``; **output**: ``[n, C]``

    Example:
        >>> from graphlearn.nn.deep import whole_graph
        >>> edges, weight = torch.tensor([[0, 1], [2, 2]]), torch.tensor([3.0, 1.0])
        >>> plain_mean(torch.tensor([[1.0], [5.0], [0.0]]), whole_graph(edges, 3, weight)).tolist()
        [[0.0], [0.0], [2.0]]
    """
    if chunk.weight is None:
        total = chunk.rowptr.diff().to(messages.dtype)[:, None]
        return _quotient(spmm(chunk.rowptr, chunk.col, messages), total)
    # A column of ones sums the weights.
    ones = messages.new_ones(messages.size(0), 1)
    weight = chunk.weight.to(messages.dtype)
    sums = spmm(chunk.rowptr, chunk.col, torch.cat([messages, ones], dim=1), weight)
    return _quotient(sums[:, :-1], sums[:, -1:])
