from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.pipeline.identity import check_agreement, layout_digest, tensor_digest


def test_a_layouts_name_is_told_by_its_assignments_alone() -> None:
    chunks, ways = torch.tensor([0, 1, 2]), torch.tensor([0, 0, 1])
    name = layout_digest(chunks, ways)
    assert len(name) == 16
    assert name == layout_digest(chunks.int(), ways.clone())
    assert name != layout_digest(ways, chunks)
    assert name != layout_digest(torch.tensor([0, 1, 1]), ways)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.bool])
def test_a_digest_is_of_bits_shape_and_dtype(dtype) -> None:
    tensor = torch.tensor([[0, 1], [1, 0]]).to(dtype)
    name = tensor_digest(tensor)
    assert name == tensor_digest(tensor.t())  # the same numbers, laid out otherwise
    assert name != tensor_digest(tensor.flatten())
    assert name != tensor_digest(tensor.to(torch.float16))
    assert tensor_digest(torch.tensor(1).to(dtype)) != tensor_digest()


def test_the_first_rank_that_was_given_something_else_is_named() -> None:
    given = [{"gamma": 2.0, "weights": ["a", "b"]} for _ in range(3)]
    check_agreement(given)
    given[2]["gamma"] = 1.0
    with pytest.raises(InputError, match="ranks 0 and 2 were given different gamma: 2.0 and 1.0"):
        check_agreement(given)
    given[1]["weights"] = ["a", "c"]
    with pytest.raises(InputError, match=r"ranks 0 and 1 .* different weights: .*manual_seed\(0\)"):
        check_agreement(given)
