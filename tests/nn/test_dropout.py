from __future__ import annotations

import re

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.kernels.dropout import hashed_dropout
from graphlearn.nn import Dropout
from graphlearn.nn.dropout import dropout

ONES = torch.ones(40, 30)


def test_evaluation_and_zero_return_the_input() -> None:
    state = torch.random.get_rng_state()
    assert dropout(ONES, 0.5, training=False) is ONES
    assert dropout(ONES, 0.0, training=True) is ONES
    assert Dropout(0.5).eval()(ONES) is ONES
    assert torch.equal(torch.random.get_rng_state(), state)


def test_manual_seed_governs_the_mask() -> None:
    layer = Dropout(0.5)
    torch.manual_seed(3)
    one, next_one = layer(ONES), layer(ONES)
    torch.manual_seed(3)
    assert torch.equal(layer(ONES), one)
    assert torch.equal(layer(ONES), next_one)
    assert not torch.equal(one, next_one)


def test_one_draw_seeds_the_hash() -> None:
    torch.manual_seed(3)
    found = dropout(ONES, 0.3, training=True)
    after = torch.random.get_rng_state()
    torch.manual_seed(3)
    seed = int(torch.empty((), dtype=torch.int64).random_())
    assert torch.equal(found, hashed_dropout(ONES, 0.3, seed))
    assert torch.equal(torch.random.get_rng_state(), after)


def test_expectation() -> None:
    layer = Dropout(0.25)
    mean = sum(layer(ONES) for _ in range(300)) / 300
    torch.testing.assert_close(mean, ONES, atol=0.2, rtol=0)
    assert float(mean.mean()) == pytest.approx(1.0, abs=0.01)


def test_everything_dropped() -> None:
    x = ONES.clone().requires_grad_()
    out = Dropout(1.0)(x)
    assert not out.any()
    out.sum().backward()
    assert not x.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_drops_what_float32_drops(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    found = dropout(ONES.to(dtype), 0.5, training=True)
    torch.manual_seed(1)
    assert torch.equal(found, dropout(ONES.float(), 0.5, training=True).to(dtype))


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_bad_probability(p: float) -> None:
    message = f"dropout probability is {p}: expected a number in [0, 1]"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        Dropout(p)


def test_repr_and_state() -> None:
    assert repr(Dropout(0.25)) == "Dropout(p=0.25)"
    assert Dropout().p == 0.5
    assert Dropout().state_dict() == {}
