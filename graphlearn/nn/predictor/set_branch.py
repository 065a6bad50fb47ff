"""The map of nodes and of pooled neighborhoods, which maps the empty set once."""

from __future__ import annotations

from itertools import islice

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels import NeighborLists, pool_lists
from graphlearn.nn.dropout import Dropout
from graphlearn.nn.predictor.branches import norm_layers

# Pairs without a common neighbor all hold the same empty set. Each of them would draw its own mask
# for the inner dropout of one and the same input; this many draws are made and shared out in turn,
# which leaves the expectation as it is and most of the work away. Few draws for many pairs would
# be noise that does not average out over a batch: with 32, and the outer dropout shared as well,
# Cora's validation Hits@100 fell by 0.4 (five seeds). The outer dropout is drawn for each pair.
_EMPTY_SET_DRAWS = 512


class SetBranch(nn.Sequential):
    r"""The two-layer map of nodes and of pooled neighborhoods; norm in the second layer only.

    Linear, dropout, ReLU, linear, optionally norm, dropout, ReLU, optionally linear.

    Args:
        in_channels (int): Size of the representations.
        channels (int): Size of the layers.
        dropout (float): Dropout in both layers.
        layer_norm (bool): Layer norm in the second layer.
        final_linear (bool): End with a linear map.

    Shapes:
        - **input**: ``[B, in_channels]``; **output**: ``[B, channels]``

    Example:
        >>> len(SetBranch(4, 8, dropout=0.1, layer_norm=True, final_linear=False))
        7
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        dropout: float,
        layer_norm: bool,
        final_linear: bool,
    ) -> None:
        super().__init__(
            nn.Linear(in_channels, channels),
            Dropout(dropout),
            nn.ReLU(inplace=True),
            nn.Linear(channels, channels),
            *norm_layers(channels, layer_norm),
            Dropout(dropout),
            nn.ReLU(inplace=True),
            *([nn.Linear(channels, channels)] if final_linear else []),
        )
        self.dropout = dropout
        self.in_channels = in_channels
        self._inner_layers = 5 if layer_norm else 4  # up to the outer dropout

    def pooled(
        self,
        lists: NeighborLists,
        rows: Tensor,
        entry_weight: Tensor | None = None,
        pooling: nn.Module | None = None,
    ) -> Tensor:
        """Pool the rows of every list and map the result; the empty set is mapped once.

        Cost: the pooling, and the maps of those lists alone that hold something.

        Args:
            lists: B lists of places in ``rows``.
            rows: Representations.
            entry_weight: A factor for each entry.
            pooling: What pools in place of the sum.

        Shapes:
            - **rows**: ``[N, in_channels]``; **entry_weight**: ``[K]``; **output**: ``[B, C]``

        Raises:
            InputError: If ``pooling`` gives another shape than one row a set.
        """
        image, of_list = self._images(lists, rows, entry_weight, pooling)
        image = image.index_select(0, of_list)
        for layer in islice(self, self._inner_layers, None):
            image = layer(image)
        return image

    def _images(
        self,
        lists: NeighborLists,
        rows: Tensor,
        entry_weight: Tensor | None,
        pooling: nn.Module | None,
    ) -> tuple[Tensor, Tensor]:
        """Inner layers on distinct sets ``[M, C]``, and which each list has ``[B]``."""
        size = len(lists)
        counts = lists.counts()
        filled = counts.nonzero().flatten()
        lists = NeighborLists(torch.cat([lists.rowptr[:1], lists.rowptr[1:][filled]]), lists.node)
        num_filled, empty = filled.numel(), size - filled.numel()
        draws = _EMPTY_SET_DRAWS if self.training and self.dropout > 0 else 1
        draws = min(draws, empty)
        # The first layer is linear, so it may be applied to the nodes or to their sums: to those
        # that are fewer. Of an empty sum it gives the bias.
        first = self[0]
        assert isinstance(first, nn.Linear)
        empty_image = first.bias[None]
        if pooling is not None:
            pooled = _pool(lists, rows, entry_weight, pooling)
            image, empty_image = first(pooled).split([num_filled, 1])
        elif rows.size(0) < num_filled:
            rows = nn.functional.linear(rows, first.weight)
            if entry_weight is not None:
                entry_weight = entry_weight.to(rows.dtype)  # autocast may have changed the rows
            image = pool_lists(lists, rows, entry_weight=entry_weight) + first.bias.to(rows.dtype)
        else:
            image = first(pool_lists(lists, rows, entry_weight=entry_weight))
        image = torch.cat([image, empty_image.to(image.dtype).expand(draws, -1)])
        for layer in islice(self, 1, self._inner_layers):
            image = layer(image)
        of_list = torch.empty(size, dtype=torch.int64, device=rows.device)
        if empty:
            turns = torch.arange(empty, device=rows.device) % draws
            of_list[counts == 0] = num_filled + turns
        of_list[filled] = torch.arange(num_filled, device=rows.device)
        return image, of_list


def _pool(
    lists: NeighborLists, rows: Tensor, entry_weight: Tensor | None, pooling: nn.Module
) -> Tensor:
    """Pool every list, and an empty one, by the given module; ``[M + 1, channels]``.

    In the order of the nodes: lists that were joined begin with those of one endpoint, and what
    pools need not be blind to order.
    """
    node = lists.node.long()
    order = torch.argsort(lists.rows() * rows.size(0) + node, stable=True)
    values = rows.index_select(0, node[order])
    if entry_weight is not None:
        values = values * entry_weight.to(values.dtype)[order][:, None]
    ptr = torch.cat([lists.rowptr, lists.rowptr[-1:]]).long()
    sets = len(lists) + 1
    pooled: Tensor = pooling(values, lists.rows(), ptr=ptr, dim_size=sets)
    if pooled.shape != (sets, rows.size(1)):
        raise InputError(
            f"pooling gave shape {list(pooled.shape)} for {sets} sets of rows with "
            f"{rows.size(1)} channels",
            expected=f"{[sets, rows.size(1)]}",
        )
    return pooled
