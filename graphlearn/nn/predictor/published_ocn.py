"""The weights of OCN's reference code: counted over the pairs of a call, for measuring the leak."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlearn.kernels import NeighborLists, join_lists, values_where_shared


class PublishedWeights(nn.Module):
    r"""Entries' weights as OCN's reference code has them; they depend on the whole call.

    - A common neighbor's weight is 1 over how many pairs of the call have it, ``single_weight``
      where one alone has.
    - The second order counts the paths next to the first endpoint alone, so that (i, j) and (j, i)
      differ; from it the first order is taken times its running mean inner product with the second
      (a mean over all training calls), divided by the largest weight in the call.
    - What remains is divided by its sum over the pairs of the call, node by node.

    Args:
        single_weight (float): Weight of a common neighbor that one pair alone has.

    Shapes:
        - **paths**: ``[L, 2]``; **output**: twice lists and a weight of each entry

    Example:
        >>> import torch
        >>> one = NeighborLists(torch.tensor([0, 1, 2]), torch.tensor([3, 3]))
        >>> none = NeighborLists(torch.tensor([0, 0, 0]), torch.tensor([], dtype=torch.int64))
        >>> weights = PublishedWeights(0.0)
        >>> (first, weight), _ = weights(one, none, torch.zeros(0, 2), 4, torch.float32)
        >>> weight.tolist()
        [0.5, 0.5]
    """

    inner: Tensor
    calls: Tensor

    def __init__(self, single_weight: float) -> None:
        super().__init__()
        self.single_weight = single_weight
        self.register_buffer("inner", torch.zeros(()))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def reset_parameters(self) -> None:
        """Forget the running mean."""
        self.inner.zero_()
        self.calls.zero_()

    def forward(
        self,
        first: NeighborLists,
        second: NeighborLists,
        paths: Tensor,
        num_nodes: int,
        dtype: torch.dtype,
    ) -> tuple[tuple[NeighborLists, Tensor], tuple[NeighborLists, Tensor]]:
        """Return first and second order with their weights."""
        count = torch.bincount(first.node.long(), minlength=num_nodes).to(dtype)
        of_node = torch.where(count > 1, 1 / count.clamp(min=1), self.single_weight)
        weight = of_node[first.node.long()]
        near = paths[:, 0] > 0
        second, times = second.where(near), paths[near, 0].to(dtype)
        if self.training:
            self.calls += 1
            met = values_where_shared(first, second, times, num_nodes)
            self.inner += ((met * weight).sum() - self.inner) / self.calls
        largest = weight.abs().max() if weight.numel() else weight.new_ones(())
        factor = self.inner / torch.where(largest > 0, largest, 1.0)
        lists, rest = join_lists([(second, times), (first, -factor.to(dtype) * weight)])
        node = lists.node.long()
        total = torch.zeros(num_nodes, dtype=dtype, device=rest.device).index_add(0, node, rest)
        total = torch.where(total == 0, 1.0, total)
        return (first, weight), (lists, rest / total[node])
