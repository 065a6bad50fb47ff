"""Ids of all kinds, there and back."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.errors import InputError
from graphlearn.serve.node_ids import NodeIds


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, unique=True))
def test_names_there_and_back(names: list[str]) -> None:
    ids = NodeIds.from_tensors(NodeIds(names).tensors())
    assert ids.ids == names
    assert ids.of(ids.numbers(reversed(names))) == names[::-1]


def test_integers_in_any_order() -> None:
    ids = NodeIds.from_tensors(NodeIds(torch.tensor([9, 2, 2**62])).tensors())
    assert ids.are_integers
    assert len(ids) == 3
    assert ids.numbers([2, "9", torch.tensor(2**62)[None].item()]).tolist() == [1, 0, 2]
    assert ids.of(torch.tensor([1, 0])) == [2, 9]


@pytest.mark.parametrize("name", [3, "3", "ann", 2**70, -1, 2.5, "1_0", "１０", "9" * 5000])
def test_unknown_integers(name: object) -> None:
    with pytest.raises(InputError, match="no node"):
        NodeIds(torch.tensor([9, 2, 10])).numbers([name])


def test_unknown_names() -> None:
    with pytest.raises(InputError, match="did you mean 'anna'"):
        NodeIds(["anna", "bob"]).numbers(["bob", "ana"])
