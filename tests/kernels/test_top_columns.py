"""The best columns of each row: against sorting the whole product."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.top_columns import TopColumns, top_columns, top_columns_reference


@given(st.integers(0, 20), st.integers(0, 9000), st.integers(1, 40), st.integers(0, 2**20))
def test_against_the_reference(rows: int, nodes: int, count: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Whole numbers: products are exact and often equal.
    table = torch.randint(-2, 3, (nodes, 4), generator=generator).float()
    asked = torch.randint(-2, 3, (rows, 4), generator=generator).float()
    barred = torch.randint(-1, max(1, nodes), (rows,), generator=generator).clamp(max=nodes - 1)
    found = top_columns(asked, table, count, least=0.0, barred=barred)
    wanted = top_columns_reference(asked, table, count, least=0.0, barred=barred)
    assert isinstance(found, TopColumns)
    assert torch.equal(found.value, wanted.value)
    assert torch.equal(found.column, wanted.column)


def test_threads_change_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    table = torch.randint(-3, 4, (5000, 8), generator=generator).float()
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(
                top_columns(table[:300], table, 9, least=0.0, barred=torch.arange(300)).column
            )
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"rows": torch.zeros(1, 2).double()}, InputTypeError, "rows has dtype torch.float64"),
        ({"table": [[0.0]]}, InputTypeError, "table has list"),
        ({"rows": torch.zeros(1, 3)}, InputError, r"\[B, C\] and \[N, C\]"),
        ({"count": 0}, InputError, "count is 0"),
        ({"barred": torch.zeros(2).long()}, InputError, "barred has shape"),
    ],
)
def test_refusals(change: dict[str, object], error: type[Exception], text: str) -> None:
    given_ = {"rows": torch.zeros(1, 2), "table": torch.zeros(3, 2), "count": 1} | change
    options = {"least": 0.0, "barred": given_.pop("barred", torch.zeros(1).long())}
    with pytest.raises(error, match=text):
        top_columns(**given_, **options)
