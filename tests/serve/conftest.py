"""Small graphs with communities, so that there is something to learn, and a model of one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlearn.serve import LinkRecommender, fit


def community_pairs(nodes: int, groups: int, count: int, seed: int) -> np.ndarray:
    """Pairs ``[L, 2]`` of which nine in ten lie within a group."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, nodes, count)
    near = (first + groups * rng.integers(1, nodes // groups, count)) % nodes
    second = np.where(rng.random(count) < 0.9, near, rng.integers(0, nodes, count))
    return np.stack([first, second], axis=1)


@pytest.fixture(scope="session")
def pairs() -> np.ndarray:
    return community_pairs(120, 10, 900, seed=0)


@pytest.fixture(scope="session")
def model(pairs: np.ndarray) -> LinkRecommender:
    return fit(pairs, seed=0)


@pytest.fixture(scope="session")
def timed_model(pairs: np.ndarray) -> LinkRecommender:
    return fit(pairs, time=torch.arange(len(pairs)).double(), seed=0)
