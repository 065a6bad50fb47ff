"""The best columns of each row of a product that is never made whole."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.top_columns import cpu
from graphlearn.validate import check_size

__all__ = ["TopColumns", "top_columns", "top_columns_reference"]

# A tile of the product stays in the cache while it is looked through.
_ROWS, _COLUMNS = 256, 4096


class TopColumns(NamedTuple):
    """What :func:`top_columns` gives.

    Args:
        value: ``[B, k]`` float32, descending; ``least`` where there are fewer.
        column: ``[B, k]`` int64; -1 where there are fewer.
    """

    value: Tensor
    column: Tensor


def top_columns(
    rows: Tensor, table: Tensor, count: int, *, least: float, barred: Tensor
) -> TopColumns:
    """The ``count`` largest entries above ``least`` of each row of ``rows @ table.T``.

    The lower column comes first among equals. Cost: B N C multiply-adds, one look at each entry,
    and memory for a tile of a million of them.

    Args:
        rows: Vectors to ask for.
        table: Vectors to find.
        count: How many for each.
        least: What an entry must be above.
        barred: For each row a column that is left out; -1 for none.

    Shapes:
        - **rows**: ``[B, C]``; **table**: ``[N, C]``, both float32; **barred**: ``[B]`` int64

    Raises:
        InputTypeError: If the vectors are not float32.
        InputError: If the shapes do not fit, or ``count`` is below 1.

    Example:
        >>> table = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
        >>> top_columns(table[:1], table, 2, least=0.0, barred=torch.tensor([0])).column.tolist()
        [[2, -1]]
    """
    count = check_size(count, name="count")
    _check(rows, table, barred)
    found_values, found_columns = cpu.empty(rows.size(0), count, least)
    for begin in range(0, rows.size(0), _ROWS):
        block = rows[begin : begin + _ROWS]
        inside = slice(begin, begin + block.size(0))
        for first in range(0, table.size(0), _COLUMNS):
            tile = block @ table[first : first + _COLUMNS].t()
            cpu.merge(
                found_values[inside],
                found_columns[inside],
                tile.numpy(),
                first,
                barred[inside].numpy(),
            )
    value, column = torch.from_numpy(found_values), torch.from_numpy(found_columns)
    # By column, then stably by value: a heap has no order of its own.
    by_column = torch.argsort(column.masked_fill(column < 0, table.size(0)), dim=1, stable=True)
    value, column = value.gather(1, by_column), column.gather(1, by_column)
    order = torch.argsort(value, dim=1, descending=True, stable=True)
    return TopColumns(value.gather(1, order), column.gather(1, order))


def top_columns_reference(
    rows: Tensor, table: Tensor, count: int, *, least: float, barred: Tensor
) -> TopColumns:
    """The same from the whole product, by sorting.

    Shapes:
        - as :func:`top_columns`

    Example:
        >>> table = torch.eye(2)
        >>> top_columns_reference(table, table, 1, least=0.0, barred=torch.tensor([-1, 1])).column
        tensor([[ 0],
                [-1]])
    """
    product = rows @ table.t()
    some = (barred >= 0).nonzero().flatten()
    product[some, barred[some]] = -torch.inf
    product = torch.cat([product, product.new_full((rows.size(0), count), least)], dim=1)
    value, column = torch.sort(product, dim=1, descending=True, stable=True)
    value, column = value[:, :count], column[:, :count]
    return TopColumns(value, column.masked_fill(value <= least, -1))


def _check(rows: Any, table: Any, barred: Tensor) -> None:
    for name, value in (("rows", rows), ("table", table)):
        if not isinstance(value, Tensor) or value.dtype != torch.float32:
            kind = f"dtype {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
            raise InputTypeError(f"{name} has {kind}", expected="a float32 tensor")
    if rows.dim() != 2 or table.dim() != 2 or rows.size(1) != table.size(1):
        raise InputError(
            f"rows has shape {list(rows.shape)} and table {list(table.shape)}",
            expected="[B, C] and [N, C]",
        )
    if barred.shape != rows.shape[:1]:
        raise InputError(
            f"barred has shape {list(barred.shape)}", expected=f"[{rows.size(0)}], as rows"
        )
