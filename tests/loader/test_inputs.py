"""Seeds, links, times and labels are checked when a loader is made."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.loader import LinkNeighborLoader, NeighborLoader, NeighborSampler
from graphlearn.loader.inputs import as_tensor, check_links, check_seeds, check_times, seed_count

CITES, WRITES = ("paper", "cites", "paper"), ("author", "writes", "paper")
ERRORS = (InputError, InputTypeError)
NO_LINKS = torch.empty(2, 0, dtype=torch.int64)


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


@pytest.fixture
def sampler(graph: Data) -> NeighborSampler:
    return NeighborSampler(graph, [2], seed=0)


@pytest.fixture
def typed_sampler(typed_graph: HeteroData) -> NeighborSampler:
    return NeighborSampler(typed_graph, [2], seed=0)


def read_only(values: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(values)
    array.flags.writeable = False
    return array


# Seeds ##########################################################################################


@pytest.mark.parametrize(
    "given",
    [
        [3, 5],
        (3, 5),
        range(3, 7, 2),
        np.array([3, 5], np.uint16),
        read_only([3, 5]),
        np.array([0, 3, 0, 5])[1::2],
        torch.tensor([3, 5], dtype=torch.int32),
        torch.tensor([3, 5], dtype=torch.uint8),
    ],
    ids=str,
)
def test_ids_in_any_form_become_a_tensor(sampler, given) -> None:
    ids = check_seeds(given, sampler)
    assert ids.dtype == torch.int64
    assert ids.tolist() == [3, 5]


def test_masks_stay_masks(sampler) -> None:
    mask = torch.arange(100) % 7 == 1
    for given in (mask, mask.numpy(), mask.tolist()):
        found = check_seeds(given, sampler)
        assert found.dtype == torch.bool
        assert torch.equal(found, mask)


def test_all_seeds_are_named(sampler, typed_sampler) -> None:
    assert check_seeds(None, sampler).tolist() == list(range(100))
    for given in ("author", ("author", None), ["author", None]):
        kind, ids = check_seeds(given, typed_sampler)
        assert kind == "author"
        assert ids.tolist() == list(range(40))
    kind, ids = check_seeds(["author", [3, 5]], typed_sampler)
    assert (kind, ids.tolist()) == ("author", [3, 5])


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        (torch.tensor([1.0]), "input_nodes has dtype torch.float32: expected integers"),
        (torch.tensor([float("nan")]), "input_nodes has dtype torch.float32: expected integers"),
        ([1.5], "input_nodes has dtype torch.float64: expected integers"),
        (torch.tensor([1 + 0j]), "input_nodes has dtype torch.complex64: expected integers"),
        (np.array([1 + 0j]), "input_nodes is a complex128: expected a tensor, an array or a list"),
        (True, "input_nodes is a bool: expected a tensor, an array or a list"),
        (5, "input_nodes is a int: expected a tensor, an array or a list"),
        ({1, 2}, "input_nodes is a set: expected a tensor, an array or a list"),
        ([None], "input_nodes is a object: expected a tensor, an array or a list"),
        (["1"], "input_nodes is a <U1: expected a tensor, an array or a list"),
        ([[1], [2, 3]], "input_nodes is [[1], [2, 3]]: expected numbers"),
        (
            torch.ones(99) > 0,
            "input_nodes is a mask of shape [99]: expected [100], one value for each node",
        ),
        (
            torch.ones(100, 1) > 0,
            "input_nodes is a mask of shape [100, 1]: expected [100], one value for each node",
        ),
        ([True], "input_nodes is a mask of shape [1]: expected [100], one value for each node"),
        (torch.tensor([[1, 2]]), "input_nodes has shape [1, 2]: expected shape [B]"),
        (torch.tensor(3), "input_nodes has shape []: expected shape [B]"),
        ([0, 100], "input_nodes holds node 100: expected ids in [0, 100)"),
        ([0, -1], "input_nodes holds node -1: expected ids in [0, 100)"),
        (
            np.array([2**63], np.uint64),
            f"input_nodes holds node {2**63}: expected ids in [0, 100)",
        ),
        ("paper", "input_nodes is 'paper': expected ids or a mask: the graph has no types"),
        (
            ("paper", [1]),
            "input_nodes is ('paper', [1]): expected ids or a mask: the graph has no types",
        ),
    ],
)
def test_seeds_that_are_none_are_refused(graph, sampler, seeds, message) -> None:
    with pytest.raises(ERRORS, match=exactly(message)):
        check_seeds(seeds, sampler)
    with pytest.raises(ERRORS, match=exactly(message)):
        NeighborLoader(graph, [2], seeds, batch_size=4, num_workers=2)


TYPES = "expected a type of nodes, or a pair of one and ids: paper, author"


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        (None, f"input_nodes is a NoneType: {TYPES}"),
        (torch.arange(3), f"input_nodes is a Tensor: {TYPES}"),
        (torch.arange(2), f"input_nodes is a Tensor: {TYPES}"),
        ([1, 2], f"input_nodes is a list: {TYPES}"),
        (("paper", [1], 2), f"input_nodes is a tuple: {TYPES}"),
        (("paper", [1.0]), "input_nodes has dtype torch.float64: expected integers"),
        (("author", [40]), "input_nodes holds node 40: expected ids in [0, 40)"),
        (
            ("author", torch.ones(60) > 0),
            "input_nodes is a mask of shape [60]: expected [40], one value for each node",
        ),
    ],
)
def test_typed_seeds_that_are_none_are_refused(typed_graph, seeds, message) -> None:
    with pytest.raises(ERRORS, match=exactly(message)):
        NeighborLoader(typed_graph, [2], seeds)


@pytest.mark.parametrize(
    ("name", "near"),
    [("z", ""), ("papers", "; did you mean 'paper'?"), ("Author", "; did you mean 'author'?")],
)
def test_a_typo_is_named_and_leaves_the_graph_as_it_was(typed_graph, name, near) -> None:
    message = f"unknown type of nodes {name!r}: expected one of author, paper{near}"
    for seeds in (name, (name, None), (name, [1])):
        with pytest.raises(UnknownNameError, match=exactly(message)):
            NeighborLoader(typed_graph, [2], input_nodes=seeds)
    assert typed_graph.node_types == ["paper", "author"]
    for links in ((name, "cites", "paper"), ((name, "cites", "paper"), NO_LINKS)):
        with pytest.raises(UnknownNameError, match="^unknown type of edges"):
            LinkNeighborLoader(typed_graph, [2], links)
    assert typed_graph.node_types == ["paper", "author"]
    assert len(typed_graph.edge_types) == 3


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("generator", [None, torch.Generator()])
def test_no_seeds_give_no_batch(graph, typed_graph, workers, generator) -> None:
    options: dict[str, Any] = {"shuffle": True, "generator": generator, "num_workers": workers}
    nobody = torch.zeros(100, dtype=torch.bool)
    for seeds in ([], torch.tensor([]), torch.tensor([], dtype=torch.int64), nobody):
        assert list(NeighborLoader(graph, [2], seeds, **options)) == []
    assert list(NeighborLoader(typed_graph, [2], ("paper", []), **options)) == []
    for links in (NO_LINKS, torch.tensor([[], []]), [[], []]):
        assert list(LinkNeighborLoader(graph, [2], links, **options)) == []
        labeled = LinkNeighborLoader(
            graph, [2], links, torch.tensor([]), neg_sampling="binary", **options
        )
        assert list(labeled) == []
    assert list(LinkNeighborLoader(typed_graph, [2], (CITES, NO_LINKS), **options)) == []


@pytest.mark.parametrize("shuffle", [False, True])
def test_nothing_at_all_gives_no_batch(shuffle) -> None:
    for data in (Data(num_nodes=0), Data(edge_index=NO_LINKS, num_nodes=0)):
        assert list(NeighborLoader(data, [2], shuffle=shuffle)) == []
    for data in (Data(num_nodes=3), Data(edge_index=NO_LINKS, num_nodes=3)):
        assert list(LinkNeighborLoader(data, [2], shuffle=shuffle)) == []
    typed = HeteroData(paper={"num_nodes": 0})
    typed[CITES].edge_index = NO_LINKS
    assert list(NeighborLoader(typed, [2], "paper", shuffle=shuffle)) == []
    assert list(LinkNeighborLoader(typed, [2], CITES, shuffle=shuffle)) == []


# Links ##########################################################################################


@pytest.mark.parametrize(
    "given",
    [
        [[1, 2], [3, 4]],
        ([1, 2], [3, 4]),
        (torch.tensor([1, 2]), torch.tensor([3, 4])),
        np.array([[1, 2], [3, 4]], np.int16),
        read_only([[1, 2], [3, 4]]),
        torch.tensor([[1, 2], [3, 4]], dtype=torch.int32),
        (None, torch.tensor([[1, 2], [3, 4]])),  # PyG's way beside stores
    ],
    ids=lambda given: type(given).__name__,
)
def test_links_in_any_form_become_a_tensor(sampler, given) -> None:
    links = check_links(given, sampler)
    assert links.dtype == torch.int64
    assert links.tolist() == [[1, 2], [3, 4]]


def test_all_links(graph, sampler, typed_sampler) -> None:
    assert check_links(None, sampler) is None
    assert check_links(CITES, typed_sampler) == CITES
    assert check_links((CITES, None), typed_sampler) == CITES
    bare = NeighborSampler(Data(num_nodes=3), [2])
    assert torch.equal(check_links(None, bare), NO_LINKS)


@pytest.mark.parametrize("kind", [CITES, list(CITES), ("paper", "paper"), ("cites",)])
def test_a_type_of_edges_has_several_names(typed_sampler, kind) -> None:
    assert check_links(kind, typed_sampler) == CITES
    links = torch.tensor([[59, 2], [3, 4]])
    for given in ((kind, links), [kind, links]):
        found, tensor = check_links(given, typed_sampler)
        assert found == CITES
        assert torch.equal(tensor, links)


def test_links_may_be_of_a_type_that_has_no_edges_yet(typed_sampler) -> None:
    links = torch.tensor([[59], [39]])
    for kind in (("paper", "likes", "author"), ("author", "likes", "author")):
        given = links if kind[0] == "paper" else links.flip(0)[:1].expand(2, -1)
        found, tensor = check_links((kind, given), typed_sampler)
        assert found == kind
        assert torch.equal(tensor, given)


@pytest.mark.parametrize("form", ["plain", "typed"])
@pytest.mark.parametrize(
    ("links", "message"),
    [
        (torch.zeros(2, 3), "edge_label_index has dtype torch.float32: expected integers"),
        (torch.zeros(2, 3) > 0, "edge_label_index has dtype torch.bool: expected integers"),
        (torch.zeros(2, 3) * 1j, "edge_label_index has dtype torch.complex64: expected integers"),
        ([[0.5], [1]], "edge_label_index has dtype torch.float64: expected integers"),
        (torch.arange(15).view(3, 5), "edge_label_index has shape [3, 5]: expected shape [2, B]"),
        (torch.arange(4), "edge_label_index has shape [4]: expected shape [2, B]"),
        (torch.arange(10).view(5, 2), "edge_label_index has shape [5, 2]: expected shape [2, B]"),
        (
            torch.arange(8).view(2, 2, 2),
            "edge_label_index has shape [2, 2, 2]: expected shape [2, B]",
        ),
        (torch.tensor([[0], [-1]]), "edge_label_index holds node -1: expected ids in [0, {})"),
        (torch.tensor([[100], [0]]), "edge_label_index holds node 100: expected ids in [0, {})"),
    ],
)
def test_links_that_are_none_are_refused(graph, typed_graph, form, links, message) -> None:
    message = message.format(100 if form == "plain" else 60)
    data, given = (graph, links) if form == "plain" else (typed_graph, (CITES, links))
    with pytest.raises(ERRORS, match=exactly(message)):
        LinkNeighborLoader(data, [2], given, num_workers=2)


def test_both_ends_are_of_their_own_type(typed_sampler) -> None:
    links = torch.tensor([[39], [59]])
    assert torch.equal(check_links((WRITES, links), typed_sampler)[1], links)
    for bad, count in (([[40], [0]], 40), ([[0], [60]], 60)):
        with pytest.raises(InputError, match=re.escape(f"expected ids in [0, {count})")):
            check_links((WRITES, bad), typed_sampler)


def test_types_of_edges_that_are_none_are_refused(typed_graph) -> None:
    for given in (None, "cites", NO_LINKS, 3, (3, NO_LINKS), [1, 2]):
        with pytest.raises(InputTypeError, match="^edge_label_index is a .*: expected a type of"):
            LinkNeighborLoader(typed_graph, [2], given)
    for given in (
        ("paper", "cite", "paper"),
        (("paper",), NO_LINKS),
        (("paper", "a", "b", "paper"), NO_LINKS),
        (("paper", "cites", "venue"), NO_LINKS),
    ):
        with pytest.raises(UnknownNameError, match="^unknown type of edges"):
            LinkNeighborLoader(typed_graph, [2], given)


def test_a_name_of_several_types_of_edges_is_refused(typed_graph) -> None:
    typed_graph["author", "likes", "paper"].edge_index = torch.tensor([[0], [0]])
    for given in (("author", "paper"), (("author", "paper"), torch.tensor([[0], [0]]))):
        with pytest.raises(UnknownNameError, match="^unknown type of edges"):
            LinkNeighborLoader(typed_graph, [2], given)


def test_seeds_and_links_beside_stores(graph, in_stores) -> None:
    pair = in_stores(graph)
    seeds = [batch.n_id[:50] for batch in NeighborLoader(pair, [2], batch_size=50)]
    assert torch.equal(torch.cat(seeds), torch.arange(100))
    links = torch.tensor([[1, 2, 3], [4, 5, 6]])
    for given in (links, (None, links)):
        (batch,) = LinkNeighborLoader(pair, [2], given, batch_size=3)
        assert torch.equal(batch.n_id[batch.edge_label_index], links)
    with pytest.raises(InputError, match="^edge_label_index is None beside a GraphStore: expected"):
        LinkNeighborLoader(pair, [2])


# Times and labels ###############################################################################


def test_times_become_wide_numbers() -> None:
    for given in ([3, 5], torch.tensor([3, 5], dtype=torch.int32), np.array([3, 5], np.uint8)):
        times = check_times(given, 2, "input_time")
        assert times is not None
        assert times.dtype == torch.int64
        assert times.tolist() == [3, 5]
    times = check_times(torch.tensor([0.5, float("inf")], dtype=torch.bfloat16), 2, "input_time")
    assert times is not None
    assert times.dtype == torch.float64
    assert times.tolist() == [0.5, float("inf")]
    assert check_times(None, 2, "input_time") is None


TIMES = [
    (torch.zeros(3), "{} has shape [3]: expected [4], one each"),
    (torch.zeros(5), "{} has shape [5]: expected [4], one each"),
    (torch.zeros(100), "{} has shape [100]: expected [4], one each"),
    (torch.zeros(4, 1), "{} has shape [4, 1]: expected [4], one each"),
    (torch.tensor([1.0, 2.0, float("nan"), 3.0]), "{} holds NaN: expected a time for each"),
    (torch.zeros(4) > 0, "{} has dtype torch.bool: expected real numbers"),
    (torch.zeros(4) * 1j, "{} has dtype torch.complex64: expected real numbers"),
    ("now", "{} is a str: expected a tensor, an array or a list"),
    (["a", "b", "c", "d"], "{} is a <U1: expected a tensor, an array or a list"),
]


@pytest.mark.parametrize(("times", "message"), TIMES)
def test_times_that_do_not_fit_are_refused(graph, times, message) -> None:
    with pytest.raises(ERRORS, match=exactly(message.format("input_time"))):
        NeighborLoader(graph, [2], [1, 2, 3, 4], times, time_attr="time")
    mask = torch.arange(100) < 4  # one for each that it chooses
    with pytest.raises(ERRORS, match=exactly(message.format("input_time"))):
        NeighborLoader(graph, [2], mask, times, time_attr="time")
    links = torch.arange(8).view(2, 4)
    with pytest.raises(ERRORS, match=exactly(message.format("edge_label_time"))):
        LinkNeighborLoader(graph, [2], links, edge_label_time=times, time_attr="time")


def test_links_need_times_where_edges_have_them(graph) -> None:
    sampler = NeighborSampler(graph, [2], time_attr="edge_time")
    with pytest.raises(InputError, match="^seeds have no time; pass input_time"):
        LinkNeighborLoader(graph, None, neighbor_sampler=sampler)
    sampler = NeighborSampler(graph, [2], time_attr="time")  # seeds have their own
    assert len(list(LinkNeighborLoader(graph, None, neighbor_sampler=sampler, batch_size=300))) == 2


@pytest.mark.parametrize("negatives", [None, "binary"])
@pytest.mark.parametrize(
    ("label", "message"),
    [
        (torch.zeros(3), "edge_label has shape [3]: expected [4], one a link"),
        (torch.zeros(5), "edge_label has shape [5]: expected [4], one a link"),
        (torch.zeros(0), "edge_label has shape [0]: expected [4], one a link"),
        (torch.tensor(1), "edge_label has shape []: expected [4], one a link"),
        ([1] * 5, "edge_label has shape [5]: expected [4], one a link"),
        ("abcd", "edge_label is a str: expected a tensor, an array or a list"),
    ],
)
def test_labels_that_do_not_fit_are_refused(graph, label, message, negatives) -> None:
    links = torch.arange(8).view(2, 4)
    with pytest.raises(ERRORS, match=exactly(message)):
        LinkNeighborLoader(graph, [2], links, label, neg_sampling=negatives)


@pytest.mark.parametrize("form", [list, np.asarray, torch.tensor])
def test_labels_in_any_form(graph, form) -> None:
    links = torch.arange(8).view(2, 4)
    (batch,) = LinkNeighborLoader(graph, [2], links, form([1, 0, 3, 2]), batch_size=4)
    assert batch.edge_label.tolist() == [1, 0, 3, 2]
    (batch,) = LinkNeighborLoader(
        graph, [2], links, form([1, 0, 3, 2]), neg_sampling="binary", batch_size=4
    )
    assert batch.edge_label.tolist() == [2, 1, 4, 3, 0, 0, 0, 0]


def test_numbers_as_tensors() -> None:
    assert as_tensor(None, "input_time") is None
    found = as_tensor([1, 2], "input_time")
    assert isinstance(found, Tensor)
    assert found.tolist() == [1, 2]
    with pytest.raises(InputTypeError, match=exactly("input_time is [1, [2]]: expected numbers")):
        as_tensor([1, [2]], "input_time")


@pytest.mark.parametrize(
    ("given", "count"),
    [
        (torch.arange(3), 3),
        (torch.tensor([True, False, True]), 2),
        (("paper", torch.arange(3)), 3),
        (("paper", torch.zeros(3) > 0), 0),
        ((CITES, NO_LINKS), 0),
        (NO_LINKS, 0),
        (CITES, 1),
        (None, 1),
    ],
)
def test_whether_there_are_seeds(given, count) -> None:
    assert seed_count(given) == count
