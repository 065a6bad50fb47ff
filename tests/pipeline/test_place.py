from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.pipeline.place import Place


def test_alone_everything_is_there_already() -> None:
    place = Place.find(1, 1)
    assert place.is_first
    assert place.is_last
    assert place.other_ways == []
    assert place.sum_ways(torch.ones(2)).tolist() == [1.0, 1.0]
    assert place.sum_all([2.0]) == [2.0]
    assert place.gather("own") == ["own"]
    place.wait()


def test_ranks_lie_way_by_way_and_stage_by_stage() -> None:
    places = [Place(2, 3, rank) for rank in range(6)]
    assert [(place.stage, place.way) for place in places] == [
        (stage, way) for stage in range(2) for way in range(3)
    ]
    assert [place.rank_of(place.stage, place.way) for place in places] == list(range(6))
    assert places[4].other_ways == [3, 5]
    assert places[0].name_of(4) == "rank 4 (stage 1, way 1)"


def test_another_number_of_processes_is_refused() -> None:
    with pytest.raises(InputError, match="1 processes for 2 stages x 3 ways.*nproc-per-node 6"):
        Place.find(2, 3)


def test_four_processes(results) -> None:
    (told,) = results(4, [("talk", {})])
    for rank, place in enumerate(told):
        assert (place["stage"], place["way"]) == divmod(rank, 2)
        assert (place["first"], place["last"]) == (rank < 2, rank >= 2)
        assert place["other_ways"] == [rank ^ 1]
        assert place["ways"] == [10.0**rank + 10.0 ** (rank ^ 1)]
        assert place["all"] == [4.0, 6.0]
        assert place["gathered"] == [0, 1, 2, 3]
