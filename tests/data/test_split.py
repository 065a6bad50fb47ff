"""Random link splits: what must hold for every graph, ratio and seed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlearn.data import LinkSplit, audit_split, random_link_split
from graphlearn.data.split import PARTS, message_graph, shuffled_links, tensor_digest
from graphlearn.errors import InputError, InputTypeError


def links(pairs: torch.Tensor) -> set[frozenset[int]]:
    return {frozenset(pair) for pair in pairs.t().tolist()}


@st.composite
def messy_graphs(draw) -> Data:
    """Directed, with repeated edges, self-loops and isolated nodes; at least 10 links."""
    num_nodes = draw(st.integers(24, 40))
    count = draw(st.integers(0, 80))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    path = torch.stack([torch.arange(10), torch.arange(1, 11)])
    more = torch.randint(num_nodes, (2, count), generator=generator)
    edge_index = torch.cat([path, more, more[:, : count // 3].flip(0)], dim=1)
    return Data(edge_index=edge_index, num_nodes=num_nodes)


@given(messy_graphs(), st.integers(0, 2**40), st.sampled_from([0.1, 0.2, 0.45]))
def test_every_link_is_in_one_part_and_negatives_are_apart(data, seed, ratio) -> None:
    split = random_link_split(data, valid_ratio=ratio, test_ratio=0.3, seed=seed)
    train, valid, test = (
        links(pairs) for pairs in (split.train_pairs, split.valid_pairs, split.test_pairs)
    )
    everything = {link for link in links(data.edge_index) if len(link) == 2}
    assert train | valid | test == everything
    assert len(train) + len(valid) + len(test) == len(everything)
    assert len(valid) == int(ratio * len(everything))
    assert len(test) == int(0.3 * len(everything))
    valid_negatives, test_negatives = links(split.valid_negatives), links(split.test_negatives)
    assert len(valid_negatives | test_negatives) == len(valid) + len(test)
    assert not (valid_negatives | test_negatives) & everything
    assert all(len(pair) == 2 for pair in valid_negatives | test_negatives)
    for name in PARTS:
        pairs = getattr(split, name)
        assert pairs.dtype == torch.int64
        assert pairs.is_contiguous()
        assert len(links(pairs)) == pairs.size(1)
    both = torch.cat([split.train_pairs, split.train_pairs.flip(0)], dim=1)
    assert torch.equal(split.data.edge_index, both)
    assert audit_split(split).findings == ()


@given(messy_graphs(), st.integers(0, 2**40))
def test_order_and_direction_of_the_edges_do_not_matter(data, seed) -> None:
    order = torch.randperm(data.num_edges, generator=torch.Generator().manual_seed(seed))
    other = Data(edge_index=data.edge_index.flip(0)[:, order], num_nodes=data.num_nodes)
    first, second = random_link_split(data, seed=seed), random_link_split(other, seed=seed)
    assert first.digest() == second.digest()


def ring(num_nodes: int = 100) -> Data:
    source = torch.arange(num_nodes)
    return Data(edge_index=torch.stack([source, (source + 1) % num_nodes]), num_nodes=num_nodes)


def test_seed_and_threads() -> None:
    digest = random_link_split(ring(), seed=0).digest()
    assert digest != random_link_split(ring(), seed=1).digest()
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.manual_seed(123)
    torch.set_num_threads(2)
    try:
        assert random_link_split(ring(), seed=0).digest() == digest
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)


def test_a_numpy_integer_is_a_seed() -> None:
    split = random_link_split(ring(), seed=np.int64(0))
    assert split.digest() == random_link_split(ring(), seed=0).digest()
    assert type(split.seed) is int


def test_the_callers_random_stream_is_untouched() -> None:
    state = torch.get_rng_state()
    random_link_split(ring(), seed=0)
    assert torch.equal(torch.get_rng_state(), state)


def test_number_of_negatives_can_be_named() -> None:
    split = random_link_split(ring(), num_negatives=33, seed=0)
    assert split.valid_negatives.shape == split.test_negatives.shape == (2, 33)
    assert audit_split(split).ok


def test_node_attributes_stay_and_edge_attributes_go() -> None:
    data = ring(20)
    data.x, data.y, data.node_ids = (
        torch.ones(20, 2),
        torch.arange(20),
        list("abcdefghijklmnopqrst"),
    )
    data.edge_attr = torch.ones(20, 1)
    kept = random_link_split(data, seed=0).data
    assert sorted(kept.keys()) == ["edge_index", "node_ids", "num_nodes", "x", "y"]
    assert torch.equal(kept.x, data.x)
    assert data.edge_index.size(1) == 20


def test_sparse_features_pass_through() -> None:
    data = ring(40)
    data.x = torch.eye(40).to_sparse_csr()
    split = random_link_split(data, seed=0)
    assert split.data.x.layout == torch.sparse_csr
    assert split.digest() != random_link_split(ring(40), seed=0).digest()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"valid_ratio": 0.0}, InputError, "valid_ratio is 0.0"),
        ({"test_ratio": 1.0}, InputError, "test_ratio is 1.0"),
        ({"test_ratio": -0.1}, InputError, "test_ratio is -0.1"),
        ({"test_ratio": float("nan")}, InputError, "test_ratio is nan"),
        ({"test_ratio": "0.1"}, InputTypeError, "test_ratio is '0.1'"),
        ({"valid_ratio": 0.5, "test_ratio": 0.5}, InputError, "less than 1"),
        ({"valid_ratio": 0.001}, InputError, "make 0 validation and 20 test links"),
        ({"num_negatives": 0}, InputError, "num_negatives is 0"),
        ({"num_negatives": -1}, InputError, "num_negatives is -1"),
        ({"num_negatives": 10**6}, InputError, "has 4850 unlinked pairs"),
        ({"seed": -1}, InputError, "seed is -1"),
        ({"seed": 2**63}, InputError, "seed is 9223372036854775808"),
        ({"seed": 1.5}, InputTypeError, "seed is 1.5"),
        ({"seed": True}, InputTypeError, "seed is True"),
        ({"seed": None}, InputTypeError, "seed is None"),
    ],
)
def test_bad_options_are_named(options, error, text) -> None:
    with pytest.raises(error, match=text):
        random_link_split(ring(), **{"seed": 0, **options})


def test_a_graph_of_self_loops_has_nothing_to_split() -> None:
    loops = Data(edge_index=torch.arange(5).repeat(2, 1), num_nodes=5)
    with pytest.raises(InputError, match="no link between two nodes"):
        random_link_split(loops, seed=0)


def test_a_complete_graph_has_no_negatives() -> None:
    complete = Data(edge_index=torch.triu_indices(20, 20, offset=1), num_nodes=20)
    with pytest.raises(InputError, match="has 0 unlinked pairs"):
        random_link_split(complete, seed=0)


def test_a_nearly_complete_graph_is_split() -> None:
    pairs = torch.triu_indices(60, 60, offset=1)[:, 3:]
    split = random_link_split(Data(edge_index=pairs, num_nodes=60), num_negatives=1, seed=0)
    assert links(split.valid_negatives) | links(split.test_negatives) <= links(
        torch.tensor([[0, 0, 0], [1, 2, 3]])
    )


def test_digest_sees_every_tensor() -> None:
    split = random_link_split(ring(), seed=0)
    digests = {split.digest()}
    for name in PARTS:
        changed = getattr(split, name).clone()
        changed[:, 0] = changed[:, 0].flip(0)
        digests.add(dataclasses.replace(split, **{name: changed}).digest())
    data = split.data.clone()
    data.num_nodes += 1
    digests.add(dataclasses.replace(split, data=data).digest())
    data = split.data.clone()
    data.x = torch.zeros(100, 1)
    digests.add(dataclasses.replace(split, data=data).digest())
    assert len(digests) == len(PARTS) + 3


def test_digest_tells_shapes_and_types_apart() -> None:
    zeros = torch.zeros(4)
    variants = [zeros, zeros.view(2, 2), zeros.double(), zeros.int(), torch.zeros(0), None]
    assert len({tensor_digest({"x": variant}, 4) for variant in variants}) == len(variants)


def test_a_change_of_the_draw_is_noticed() -> None:
    # Figures recorded under a digest belong to this very split.
    assert random_link_split(ring(), seed=0).digest().startswith("be7f165fd54e274a")


def test_helpers() -> None:
    shuffled, generator = shuffled_links(ring(30), seed=5)
    assert links(shuffled) == links(ring(30).edge_index)
    assert isinstance(generator, torch.Generator)
    assert message_graph(ring(30), shuffled).num_edges == 60
    split = random_link_split(ring(30), seed=5)
    assert isinstance(split, LinkSplit)
    assert repr(split).startswith("LinkSplit(random(0.1,0.2), seed=5, nodes=30")


def test_a_digest_is_kept_until_a_tensor_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    from graphlearn.data import split as module

    computed: list[int] = []
    compute = module.tensor_digest

    def counting(tensors, num_nodes):
        computed.append(1)
        return compute(tensors, num_nodes)

    monkeypatch.setattr(module, "tensor_digest", counting)
    ring = Data(edge_index=torch.stack([torch.arange(30), torch.arange(1, 31) % 30]))
    split = random_link_split(ring, seed=0)
    first = split.digest()
    assert split.digest() == first
    assert len(computed) == 1
    split.test_negatives[0, 0] += 1
    assert split.digest() != first
    other = dataclasses.replace(split, seed=3)
    assert other.digest() == split.digest()
    assert len(computed) == 3
