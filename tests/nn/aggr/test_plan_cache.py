from __future__ import annotations

import re

import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.aggr.plan_cache import PlanCache, group_rows


def planned(cache: PlanCache, index=None, ptr=None, *, rows=3, segments=2, shape="balanced"):
    return cache.get(index, ptr, num_rows=rows, num_segments=segments, shape=shape)


def test_the_same_tensor_is_planned_once() -> None:
    cache, index = PlanCache(), torch.tensor([0, 0, 1])
    first = planned(cache, index)
    assert planned(cache, index) is first
    assert planned(cache, index.view(3)) is first


def test_the_row_of_one_edge_index_is_planned_once() -> None:
    cache, edge_index = PlanCache(), torch.tensor([[5, 6, 7], [0, 0, 1]])
    assert planned(cache, edge_index[1]) is planned(cache, edge_index[1])


def test_whatever_changes_is_planned_anew() -> None:
    cache, index = PlanCache(), torch.tensor([0, 0, 1])
    first = planned(cache, index)
    assert planned(cache, index, segments=4) is not first
    assert planned(cache, index, shape="chain") is not first
    first = planned(cache, index)
    index[0] = 1
    again = planned(cache, index)
    assert again is not first
    assert again[0].counts().tolist() == [1, 2]


def test_equal_memory_of_another_tensor_is_not_taken_for_the_same() -> None:
    cache = PlanCache()
    for count in range(1, 30):
        # Freed at once: without a hold on it, the next would get the same address.
        index = torch.arange(3) % count
        segments, _ = planned(cache, index, segments=3)
        assert segments.counts().tolist() == torch.bincount(index, minlength=3).tolist()
        del index


def test_inference_tensors_are_never_kept() -> None:
    cache = PlanCache()
    with torch.inference_mode():
        index = torch.tensor([0, 0, 1])
        assert planned(cache, index) is not planned(cache, index)


def test_pointers_decide_over_an_index() -> None:
    segments, _ = planned(PlanCache(), torch.tensor([0, 0, 1]), torch.tensor([0, 1, 3]))
    assert segments.counts().tolist() == [1, 2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"index": torch.tensor([0, 1])}, "index has 2 entries: expected 3, one for each row"),
        ({"ptr": torch.tensor([0, 3])}, "ptr bounds 1 segments: expected 2, as dim_size"),
    ],
)
def test_what_does_not_fit_is_refused(given, said) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(said)}"):
        planned(PlanCache(), **given)


def test_neither_is_refused() -> None:
    with pytest.raises(InputTypeError, match="expected a tensor for one of them"):
        planned(PlanCache())


def test_a_plan_made_in_inference_mode_is_not_kept_for_training() -> None:
    cache, index = PlanCache(), torch.tensor([0, 0, 1])
    with torch.inference_mode():
        first = planned(cache, index)
    assert planned(cache, index) is not first


def test_rows_are_grouped_by_whichever_is_given() -> None:
    by_index = group_rows(torch.tensor([0, 0, 2]), None, num_rows=3, num_segments=4)
    by_ptr = group_rows(None, torch.tensor([0, 2, 2, 3, 3]), num_rows=3, num_segments=4)
    assert by_index.counts().tolist() == by_ptr.counts().tolist() == [2, 0, 1, 0]
