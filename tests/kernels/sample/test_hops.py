from __future__ import annotations

import itertools
import pickle
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from graphlearn.errors import InputError
from graphlearn.kernels.sample import HopSampler, NeighborRows, Relation, SampledHops, mix_keys
from graphlearn.kernels.sample.hops import _LAST_TAG

FAN_OUT = 3


def rows_of(edges: list[tuple[int, int]], sources: int, targets: int, **made) -> NeighborRows:
    source, target = torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).t()
    return NeighborRows.from_edges(source, target, num_sources=sources, num_targets=targets, **made)


def path(length: int) -> HopSampler:
    """``length - 1`` points to ``length - 2``, and so on down to 0."""
    rows = rows_of([(v + 1, v) for v in range(length - 1)], length, length)
    return HopSampler([length], [Relation(0, 0, rows)])


def typed() -> HopSampler:
    """Two types of nodes, three relations: within type 0, and both ways between 0 and 1."""
    within = rows_of([(1, 0), (2, 0), (3, 0), (0, 1), (0, 3), (2, 3)], 4, 4)
    to = rows_of([(0, 0), (1, 0), (2, 0), (2, 1), (0, 2), (1, 2)], 3, 4)
    back = rows_of([(1, 0), (2, 0), (3, 1), (0, 1), (3, 2)], 4, 3)
    return HopSampler([4, 3], [Relation(0, 0, within), Relation(1, 0, to), Relation(0, 1, back)])


# What every sample is ###########################################################################


def tree_of(hops: SampledHops) -> list[int]:
    return [0] * len(hops.node[0]) if hops.tree is None else hops.tree[0].tolist()


def test_every_edge_is_the_one_its_entry_names(case) -> None:
    hops = case.sampler.sample({0: case.seeds}, [[FAN_OUT, 2]], key=1, **case.options)
    node, edge = hops.node[0], case.rows.perm[hops.entry[0]]
    assert node[hops.source[0]].tolist() == case.source[edge].tolist()
    assert node[hops.target[0]].tolist() == case.target[edge].tolist()


def test_seeds_stand_first_and_others_come_once_to_a_tree(case) -> None:
    hops = case.sampler.sample({0: case.seeds}, [[FAN_OUT, 2]], key=1, **case.options)
    node, tree = hops.node[0].tolist(), tree_of(hops)
    seeds = len(case.seeds)
    assert node[:seeds] == case.seeds.tolist()
    if hops.tree is not None:
        assert tree[:seeds] == list(range(seeds))
    met = list(zip(tree, node, strict=True))[seeds:]
    assert len(set(met)) == len(met)
    assert not set(met) & set(zip(tree[:seeds], node[:seeds], strict=True))
    assert hops.nodes_per_hop[0][0] == seeds
    assert sum(hops.nodes_per_hop[0]) == len(node)


def test_trees_share_no_edge(case) -> None:
    hops = case.sampler.sample({0: case.seeds}, [[FAN_OUT, 2]], key=1, **case.options)
    tree = np.array(tree_of(hops), np.int64)
    assert (tree[hops.source[0]] == tree[hops.target[0]]).all()


def test_nodes_of_each_hop_draw_in_the_next(case) -> None:
    hops = case.sampler.sample({0: case.seeds}, [[FAN_OUT, 2, 1]], key=1, **case.options)
    if case.options.get("induced"):
        assert hops.edges_per_hop is None
        return
    ends = np.cumsum([0, *hops.nodes_per_hop[0]])
    edges = np.cumsum([0, *hops.edges_per_hop[0]])
    assert edges[-1] == len(hops.entry[0])
    for hop in range(3):
        of_hop = slice(edges[hop], edges[hop + 1])
        target, source = hops.target[0][of_hop], hops.source[0][of_hop]
        assert (target >= ends[hop]).all()
        assert (target < ends[hop + 1]).all()
        assert (np.diff(target) >= 0).all()
        # What is new in the next hop was met by an edge of this one.
        assert set(range(ends[hop + 1], ends[hop + 2])) <= set(source.tolist())
        assert (source < ends[hop + 2]).all()


def test_how_many_are_drawn(case) -> None:
    if case.options.get("induced"):
        return
    for fan_out in (0, 1, 3, 30, -1):
        check_draws(case, fan_out)


def check_draws(case, fan_out: int) -> None:
    hops = case.sampler.sample({0: case.seeds}, [[fan_out]], key=1, **case.options)
    drawn = np.bincount(hops.target[0], minlength=len(case.seeds))
    rows = case.rows
    for place, seed in enumerate(case.seeds.tolist()):
        row = np.arange(rows.rowptr[seed], rows.rowptr[seed + 1])
        if rows.weight is not None:
            row = row[rows.weight[row] > 0]
        if case.sampler.node_time[0] is not None:
            row = row[
                case.sampler.node_time[0][rows.col[row]] <= case.options["seed_time"][0][place]
            ]
        if rows.entry_time is not None:
            row = row[rows.entry_time[row] <= case.options["seed_time"][0][place]]
        entries = hops.entry[0][hops.target[0] == place]
        assert set(entries.tolist()) <= set(row.tolist())
        if fan_out < 0:
            assert entries.tolist() == row.tolist()
        elif case.options.get("replace") and not case.options.get("latest"):
            assert drawn[place] == (fan_out if len(row) else 0)
        else:
            assert drawn[place] == min(fan_out, len(row))
            assert len(set(entries.tolist())) == len(entries)
        if case.options.get("latest") and fan_out > 0:
            assert entries.tolist() == row[-fan_out:].tolist()


@pytest.mark.parametrize("name", ["edge-times", "node-times", "float-times-with-replacement"])
def test_no_tree_sees_what_is_later_than_its_seed(edges, case_of, name) -> None:
    case = case_of(edges, name)
    hops = case.sampler.sample({0: case.seeds}, [[FAN_OUT, 3, 3]], key=1, **case.options)
    until = case.options["seed_time"][0][hops.tree[0][hops.target[0]]]
    if case.rows.entry_time is not None:
        time = case.rows.entry_time[hops.entry[0]]
    else:
        time = case.sampler.node_time[0][hops.node[0][hops.source[0]]]
    assert (time <= until).all()


def test_equal_times_are_seen() -> None:
    rows = rows_of([(1, 0), (2, 0)], 3, 3, edge_time=torch.tensor([4, 5]))
    sampler = HopSampler([3], [Relation(0, 0, rows)])
    for until, seen in ((3, []), (4, [1]), (5, [1, 2])):
        hops = sampler.sample(
            {0: np.array([0])}, [[-1]], key=0, disjoint=True, seed_time={0: np.array([until])}
        )
        assert hops.node[0].tolist() == [0, *seen]


@pytest.mark.parametrize("name", ["induced", "induced-disjoint", "induced-in-time"])
def test_induced_subgraphs_have_all_edges_among_their_nodes(edges, case_of, name) -> None:
    case = case_of(edges, name)
    seeds = case.seeds[: len(set(case.seeds.tolist()))]  # each once
    options = dict(case.options)
    if "seed_time" in options:
        options["seed_time"] = {0: options["seed_time"][0][: len(seeds)]}
    hops = case.sampler.sample({0: seeds}, [[2, 2]], key=1, **options)
    tree, node = tree_of(hops), hops.node[0].tolist()
    expected = set()
    for entry, edge in enumerate(case.rows.perm.tolist()):
        u, v = int(case.source[edge]), int(case.target[edge])
        for t in set(tree):
            there = (t, u) in zip(tree, node, strict=True) and (t, v) in zip(
                tree, node, strict=True
            )
            late = "seed_time" in options and (
                case.rows.entry_time[entry] > options["seed_time"][0][t]
            )
            if there and not late:
                expected.add((t, entry))
    found = [
        (tree[i], e) for i, e in zip(hops.target[0].tolist(), hops.entry[0].tolist(), strict=True)
    ]
    assert len(set(found)) == len(found)
    assert set(found) == expected


# Keys and threads ###############################################################################


def test_one_key_gives_one_sample_and_another_another(case, assert_equal) -> None:
    def sample(key: int) -> SampledHops:
        return case.sampler.sample({0: case.seeds}, [[2, 2]], key=key, **case.options)

    first = sample(5)
    sample(6)
    assert_equal(sample(5), first)


def test_samples_of_different_keys_differ(case_of) -> None:
    edges = torch.randint(50, (2, 1000), generator=torch.Generator().manual_seed(0))
    for mode in ("drawn", "with-replacement", "weighted", "edge-times"):
        case = case_of((edges, 50), mode)
        found = {
            tuple(case.sampler.sample({0: case.seeds}, [[3]], key=key, **case.options).entry[0])
            for key in (0, 1, 2, 2**63, 2**64 - 1)
        }
        assert len(found) == 5


def test_hops_and_relations_draw_independently() -> None:
    # Two nodes that point to themselves and to each other: every hop draws from equal rows.
    loops = [(0, 0), (1, 0)]
    rows = rows_of(loops, 2, 1)
    sampler = HopSampler([1, 2], [Relation(1, 0, rows), Relation(1, 0, rows)])
    hops = sampler.sample({0: np.zeros(40_000, np.int64)}, [[1], [1]], key=0)
    pairs = Counter(zip(hops.entry[0].tolist(), hops.entry[1].tolist(), strict=True))
    assert chisquare([pairs[pair] for pair in itertools.product(range(2), repeat=2)]).pvalue > 1e-3


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_calls_from_several_threads_at_once(case_of, threads, assert_equal) -> None:
    edges = torch.randint(300, (2, 3000), generator=torch.Generator().manual_seed(0))
    for mode in ("drawn", "weighted-in-time", "induced"):
        case = case_of((edges, 300), mode)
        expected = [
            case.sampler.sample({0: case.seeds}, [[4, 4]], key=key, **case.options)
            for key in range(12)
        ]

        def sample(key: int, case=case) -> SampledHops:
            return case.sampler.sample({0: case.seeds}, [[4, 4]], key=key, **case.options)

        with ThreadPoolExecutor(threads) as pool:
            for found, one in zip(pool.map(sample, [*range(12)] * 3), expected * 3, strict=True):
                assert_equal(found, one)
        assert 1 <= len(case.sampler._idle) <= threads


def test_the_scratch_of_another_thread_is_not_waited_for() -> None:
    class Taken(list):
        """As if another thread took the last scratch between a look and the taking."""

        def __bool__(self) -> bool:
            return True

    sampler = path(3)
    sampler._idle = Taken()
    assert sampler.sample({0: np.array([0])}, [[1]], key=0).node[0].tolist() == [0, 1]


def test_mix_keys_tells_its_parts_apart() -> None:
    parts = [*itertools.product(range(8), repeat=3), (1,), (1, 0), (0, 1), (-1,), (2**64,)]
    assert len({mix_keys(*part) for part in parts}) == len(parts)
    assert mix_keys(-1) == mix_keys(2**64 - 1)
    assert all(0 <= mix_keys(*part) < 2**64 for part in parts)


# Several types ##################################################################################


def outcomes(
    sampler: HopSampler, kind: int, seed: int, fan_outs: list[list[int]]
) -> dict[frozenset[tuple[int, int, int]], float]:
    """The chance of every set of (hop, relation, entry) that one seed can draw, by enumeration."""
    State = tuple[frozenset[tuple[int, int]], frozenset[tuple[int, int]]]  # met, met last
    chances: dict[tuple[State, frozenset[tuple[int, int, int]]], float] = {
        ((frozenset({(kind, seed)}), frozenset({(kind, seed)})), frozenset()): 1.0
    }
    for hop in range(len(fan_outs[0])):
        after: dict[tuple[State, frozenset[tuple[int, int, int]]], float] = {}
        for ((met, frontier), edges), chance in chances.items():
            choices = []
            for number, relation in enumerate(sampler.relations):
                rowptr = relation.rows.rowptr
                for node in [v for k, v in frontier if k == relation.target]:
                    row = range(rowptr[node], rowptr[node + 1])
                    count = min(fan_outs[number][hop], len(row))
                    choices.append(
                        [[(hop, number, e) for e in s] for s in itertools.combinations(row, count)]
                    )
            ways = list(itertools.product(*choices))
            for way in ways:
                drawn = list(itertools.chain.from_iterable(way))
                found = frozenset(
                    (sampler.relations[r].source, int(sampler.relations[r].rows.col[e]))
                    for _, r, e in drawn
                )
                key = ((met | found, found - met), edges | set(drawn))
                after[key] = after.get(key, 0.0) + chance / len(ways)
        chances = after
    merged: dict[frozenset[tuple[int, int, int]], float] = {}
    for (_, edges), chance in chances.items():
        merged[edges] = merged.get(edges, 0.0) + chance
    return merged


@pytest.mark.parametrize(
    ("kind", "seed", "fan_outs"),
    [(0, 0, [[2, 1], [1, 1], [1, 1]]), (1, 1, [[1, 1], [1, 2], [1, 1]]), (0, 3, [[1], [1], [1]])],
)
def test_typed_samples_follow_the_chances_of_all_outcomes(kind, seed, fan_outs) -> None:
    # In disjoint trees every repetition of the seed is a sample of its own.
    sampler, trees = typed(), 60_000
    expected = outcomes(sampler, kind, seed, fan_outs)
    assert sum(expected.values()) == pytest.approx(1.0)
    hops = sampler.sample({kind: np.full(trees, seed)}, fan_outs, key=3, disjoint=True)
    drawn: list[list[tuple[int, int, int]]] = [[] for _ in range(trees)]
    for number, relation in enumerate(sampler.relations):
        hop = np.repeat(np.arange(len(fan_outs[0])), hops.edges_per_hop[number])
        tree = hops.tree[relation.target][hops.target[number]]
        for t, h, e in zip(tree.tolist(), hop.tolist(), hops.entry[number].tolist(), strict=True):
            drawn[t].append((h, number, e))
    found = Counter(map(frozenset, drawn))
    assert set(found) <= set(expected)
    observed = [found[outcome] for outcome in expected]
    assert min(expected.values()) * trees > 5
    assert chisquare(observed, [trees * p for p in expected.values()]).pvalue > 1e-3


@pytest.mark.parametrize("disjoint", [False, True])
@pytest.mark.parametrize("induced", [False, True])
def test_seeds_of_two_types(checked, disjoint, induced) -> None:
    seeds = {1: np.array([2, 0]), 0: np.array([3, 3, 1])}
    fan_outs = [[2, 1], [1, 0], [-1, 2]]
    hops = checked(typed(), seeds, fan_outs, key=4, disjoint=disjoint, induced=induced)
    assert hops.node[0][:3].tolist() == [3, 3, 1]
    assert hops.node[1][:2].tolist() == [2, 0]
    if disjoint:  # trees count on from type to type
        assert hops.tree[0][:3].tolist() == [0, 1, 2]
        assert hops.tree[1][:2].tolist() == [3, 4]


def test_each_relation_has_times_of_its_own_or_none(checked) -> None:
    timed = rows_of([(0, 0), (1, 0), (2, 0)], 3, 2, edge_time=torch.tensor([1, 2, 3]))
    dated = rows_of([(0, 0), (1, 0), (2, 0)], 3, 2, source_time=torch.tensor([2, 0, 9]))
    free = rows_of([(1, 0)], 2, 2)
    relations = [Relation(1, 0, timed), Relation(2, 0, dated), Relation(0, 0, free)]
    sampler = HopSampler([2, 3, 3], relations, [None, None, np.array([2, 0, 9])])
    hops = checked(
        sampler, {0: np.array([0])}, [[-1]] * 3, key=0, disjoint=True, seed_time={0: np.array([2])}
    )
    assert [node.tolist() for node in hops.node] == [[0, 1], [0, 1], [1, 0]]


def test_a_graph_without_relations_or_hops_gives_the_seeds() -> None:
    sampler = HopSampler([5], [])
    hops = sampler.sample({0: np.array([4, 4])}, [], key=0)
    assert [part.tolist() for part in hops.node] == [[4, 4]]
    assert (hops.entry, hops.nodes_per_hop, hops.edges_per_hop) == ([], [[2]], [])
    hops = path(5).sample({0: np.array([1])}, [[]], key=0)
    assert (hops.entry[0].tolist(), hops.nodes_per_hop, hops.edges_per_hop) == ([], [[1]], [[]])


def test_no_seeds_give_nothing() -> None:
    for seeds in ({}, {0: np.empty(0, np.int64)}):
        for options in ({}, {"disjoint": True}, {"induced": True}):
            hops = path(5).sample(seeds, [[2, 2]], key=0, **options)
            assert hops.node[0].tolist() == hops.entry[0].tolist() == []
            assert hops.nodes_per_hop == [[0, 0, 0]]


def test_many_hops() -> None:
    hops = path(200).sample({0: np.array([0])}, [[1] * 300], key=0)
    assert hops.node[0].tolist() == list(range(200))
    assert hops.edges_per_hop == [[1] * 199 + [0] * 101]
    assert hops.nodes_per_hop == [[1] * 200 + [0] * 101]


# Scratch ########################################################################################


def test_the_table_grows_with_the_batch_and_stays(checked) -> None:
    edges = [(leaf, 0) for leaf in range(1, 30_000)]
    sampler = HopSampler([30_000], [Relation(0, 0, rows_of(edges, 30_000, 30_000))])
    small = {0: np.array([5])}
    sampler.sample(small, [[-1]], key=0)
    assert len(sampler._idle[0].table) == 2 * 4096
    hops = sampler.sample({0: np.array([0])}, [[-1]], key=0)
    assert hops.node[0].tolist() == list(range(30_000))
    assert len(sampler._idle[0].table) == 2 * 65_536  # two slots a node at least
    checked(sampler, small, [[-1]], key=0)
    assert len(sampler._idle[0].table) == 2 * 65_536
    sampler._idle.clear()  # what was entered before the table grew is found after it
    hops = checked(sampler, {0: np.arange(3000)}, [[-1, -1]], key=0)
    assert hops.node[0].tolist() == list(range(30_000))


def test_many_relations(checked) -> None:
    rng = np.random.default_rng(0)
    relations = []
    for number in range(60):
        source, target = number % 4, number // 4 % 4
        edges = [tuple(pair) for pair in rng.integers(0, 5, (number % 9, 2)).tolist()]
        relations.append(Relation(source, target, rows_of(edges, 5, 5)))
    sampler = HopSampler([5] * 4, relations)
    seeds = {kind: np.arange(5) for kind in range(4)}
    for disjoint in (False, True):
        checked(sampler, seeds, [[2, 1]] * 60, key=1, disjoint=disjoint)


def test_tags_begin_anew_when_they_are_used_up(case_of, checked) -> None:
    edges = torch.randint(40, (2, 300), generator=torch.Generator().manual_seed(0))
    case = case_of((edges, 40), "drawn")
    checked(case.sampler, {0: case.seeds}, [[3, 3]], key=0)
    case.sampler._idle[0].tag = _LAST_TAG - 3
    tags = []
    for key in range(5):
        checked(case.sampler, {0: case.seeds[key:]}, [[3, 3]], key=key)
        tags.append(case.sampler._idle[0].tag)
    assert tags == [_LAST_TAG - 2, _LAST_TAG - 1, 1, 2, 3]


def test_a_failed_batch_leaves_nothing_behind(checked) -> None:
    sampler = typed()
    with pytest.raises(IndexError):
        sampler.sample({0: np.array([0, 1])}, [[2, 2], [1], [1]], key=0)
    checked(sampler, {0: np.array([3])}, [[2, 2], [1, 1], [1, 1]], key=0)


def test_the_scratch_is_not_pickled(assert_equal) -> None:
    sampler = typed()
    call = {"seeds": {0: np.array([0, 3])}, "fan_outs": [[2, 2], [1, 1], [1, 1]], "key": 9}
    first = sampler.sample(**call)
    again = pickle.loads(pickle.dumps(sampler))
    assert again._idle == []
    assert_equal(again.sample(**call), first)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_seeds_may_be_narrow_and_have_gaps_in_memory(checked, dtype) -> None:
    wide = np.arange(4, dtype=dtype)
    checked(typed(), {0: wide[::2]}, [[1, 1]] * 3, key=0)
    assert wide.tolist() == [0, 1, 2, 3]


# Bad input ######################################################################################


@pytest.mark.parametrize("seed", [-1, 5])
def test_seeds_out_of_range_are_refused(seed) -> None:
    message = f"^{re.escape(f'a seed is node {seed}: expected ids in [0, 5)')}$"
    with pytest.raises(InputError, match=message):
        path(5).sample({0: np.array([0, seed])}, [[1]], key=0)


def test_more_trees_than_can_be_numbered_are_refused() -> None:
    sampler = path(4)
    sampler._shift[-1] = 2**61
    with pytest.raises(InputError, match="^4 seeds have a subgraph each of up to"):
        sampler.sample({0: np.array([0, 1, 2, 3])}, [[1]], key=0, disjoint=True)
    assert sampler.sample({0: np.array([0])}, [[1]], key=0, disjoint=True).node[0].tolist() == [
        0,
        1,
    ]
