from __future__ import annotations

import re

import pytest
import torch
from scipy.stats import chisquare
from torch_geometric.sampler import NegativeSampling

from graphlearn.errors import InputError
from graphlearn.loader.keyed_negatives import KeyedNegatives


def test_a_key_gives_the_same_negatives_and_another_key_others() -> None:
    config = NegativeSampling("binary", amount=2, dst_weight=torch.ones(50))

    def draws(key: int) -> list[list[int]]:
        negatives = KeyedNegatives(config, key)
        return [negatives.sample(20, end, 50).tolist() for end in ("src", "dst", "src")]

    assert draws(3) == draws(3)
    assert len({str(draws(key)) for key in (0, 1, 2**63, 2**64 - 1)}) == 4
    one, _, again = draws(3)
    assert one != again  # a batch's draws follow one another


def test_torch_s_own_generator_is_left_alone() -> None:
    state = torch.get_rng_state()
    KeyedNegatives(NegativeSampling("triplet"), 1).sample(9, "dst", 4)
    assert torch.equal(torch.get_rng_state(), state)


def test_it_is_configured_as_what_it_is_made_from() -> None:
    weight = torch.ones(3)
    negatives = KeyedNegatives(NegativeSampling("triplet", 2, weight, weight * 2), 0)
    assert negatives.is_triplet()
    assert not negatives.is_binary()
    assert negatives.amount == 2
    assert negatives.src_weight is weight
    assert negatives.dst_weight.tolist() == [2, 2, 2]


def test_nodes_are_equally_likely_or_by_their_weights() -> None:
    weight = torch.tensor([1.0, 0.0, 3.0, 4.0])
    negatives = KeyedNegatives(NegativeSampling("binary", dst_weight=weight), 0)
    uniform = negatives.sample(100_000, "src", 4).bincount(minlength=4).numpy()
    assert chisquare(uniform).pvalue > 1e-3
    weighted = negatives.sample(100_000, "dst", 4).bincount(minlength=4).numpy()
    assert weighted[1] == 0
    likely = weighted[[0, 2, 3]]
    assert chisquare(likely, likely.sum() * weight[[0, 2, 3]].numpy() / 8).pvalue > 1e-3


def test_there_has_to_be_a_node() -> None:
    for nodes in (0, None):
        with pytest.raises(InputError, match="^there is no node to draw negatives from"):
            KeyedNegatives(NegativeSampling("binary"), 0).sample(1, "src", nodes)


def test_weights_have_to_fit_the_nodes() -> None:
    config = NegativeSampling("binary", src_weight=torch.ones(3))
    message = "the weights of negatives (src_weight) are 3: expected 4, one for each node"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        KeyedNegatives(config, 0).sample(1, "src", 4)
