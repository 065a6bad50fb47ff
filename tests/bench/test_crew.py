from __future__ import annotations

import re

import pytest
import torch.distributed as dist

from graphlearn.bench.crew import Crew, Order
from graphlearn.errors import InputError

ORDER = Order("{}", 0, "runs", None)


def test_a_process_alone_is_a_crew_of_one_without_a_group() -> None:
    with Crew.assemble(environment={}) as crew:
        assert (crew.stages, crew.ways, crew.rank, crew.leads) == (1, 1, 0, True)
        assert not dist.is_initialized()
        with crew.training(ORDER):
            pass
        assert crew.hear() is None


@pytest.mark.parametrize(
    ("environment", "ways", "text"),
    [
        ({"WORLD_SIZE": "4"}, 3, "4 processes for 3 ways.*start 3 processes, or pass --ways 1"),
        ({}, 2, "1 processes for 2 ways.*start 2 processes"),
        ({"WORLD_SIZE": "two"}, 1, "WORLD_SIZE is 'two'.*torchrun"),
        ({"RANK": ""}, 1, "RANK is ''"),
        ({}, 0, "ways is 0"),
    ],
)
def test_a_number_of_processes_that_does_not_fit_is_refused(
    environment: dict[str, str], ways: int, text: str
) -> None:
    with pytest.raises(InputError, match=text), Crew.assemble(ways, environment=environment):
        pass


@pytest.mark.parametrize("timeout", [0.0, -1.0])
def test_a_time_out_is_positive(timeout: float) -> None:
    with (
        pytest.raises(InputError, match=re.escape(f"timeout is {timeout}")),
        Crew.assemble(timeout=timeout, environment={}),
    ):
        pass


def test_processes_alone_keep_the_recipe_s_device() -> None:
    assert Crew().device("cuda") == "cuda"
    assert Crew(2, 1, rank=1, local_rank=1).device("cpu") == "cpu"
