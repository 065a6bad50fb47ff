from __future__ import annotations

import copy
import gc
import pickle
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, SequentialSampler
from torch_geometric.data import Data
from torch_geometric.data.data import BaseData
from torch_geometric.sampler import NeighborSampler as PyGSampler

from graphlearn.errors import InputError, InputTypeError
from graphlearn.loader import LinkNeighborLoader, NeighborLoader, NeighborSampler
from graphlearn.loader.threaded import ThreadedLoading, own_order, take_thread_options
from graphlearn.store import MemoryStore

PATIENCE = 60  # seconds until a test that would hang fails instead


@pytest.fixture(params=["node", "link"])
def load(request: pytest.FixtureRequest, graph: Data) -> Any:
    """``load(**options)``: a loader of nodes or of links of the graph, in batches of 20."""

    def make(**options: Any) -> Any:
        options = {"batch_size": 20, "num_neighbors": [3, 2], **options}
        if request.param == "node":
            return NeighborLoader(graph, **options)
        return LinkNeighborLoader(
            graph, edge_label_index=graph.edge_index[:, :100], neg_sampling="binary", **options
        )

    return make


def test_both_loaders_share_it() -> None:
    assert issubclass(NeighborLoader, ThreadedLoading)
    assert issubclass(LinkNeighborLoader, ThreadedLoading)


# One seed, one sequence of batches ##############################################################


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("shuffle", [False, True])
def test_the_same_batches_for_any_number_of_threads(load, assert_same, workers, shuffle) -> None:
    alone = load(seed=1, shuffle=shuffle)
    several = load(seed=1, shuffle=shuffle, num_workers=workers)
    for _ in range(2):  # epochs
        assert_same(several, list(alone))


@pytest.mark.parametrize("filter_per_worker", [True, False])
def test_the_same_batches_wherever_they_are_put_together(
    load, assert_same, filter_per_worker
) -> None:
    options = {"seed": 1, "num_workers": 2, "filter_per_worker": filter_per_worker}
    assert_same(load(**options), load(seed=1))


def test_every_epoch_draws_anew_and_every_batch_of_it(load) -> None:
    loader = load(seed=1)
    first, second = list(loader), list(loader)
    assert [batch.input_id.tolist() for batch in first] == [
        batch.input_id.tolist() for batch in second
    ]
    assert all(not torch.equal(a.e_id, b.e_id) for a, b in zip(first, second, strict=True))


def test_equal_batches_of_one_epoch_draw_differently(graph) -> None:
    seeds = torch.arange(30).repeat(2)
    one, other = NeighborLoader(graph, [3], seeds, batch_size=30, seed=0)
    assert torch.equal(one.n_id[:30], other.n_id[:30])
    assert not torch.equal(one.e_id, other.e_id)


def test_the_seed_decides(load, assert_same) -> None:
    assert_same(load(seed=5, shuffle=True), load(seed=5, shuffle=True))
    one, other = next(iter(load(seed=5))), next(iter(load(seed=6)))
    assert not torch.equal(one.e_id, other.e_id)


@pytest.mark.parametrize("shuffle", [False, True])
def test_without_a_seed_torch_decides(load, assert_same, shuffle) -> None:
    def batches(seed: int) -> list[Any]:
        torch.manual_seed(seed)
        return list(load(shuffle=shuffle))

    first = batches(3)
    assert_same(batches(3), first)
    other = batches(4)
    assert not torch.equal(other[0].e_id, first[0].e_id)


def test_with_a_seed_torch_s_generator_is_left_alone(load) -> None:
    state = torch.get_rng_state()
    list(load(seed=5, shuffle=True, num_workers=2))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("workers", [0, 2])
def test_set_epoch_goes_on_where_a_run_ended(load, assert_same, workers) -> None:
    whole = load(seed=2, shuffle=True)
    epochs = [list(whole) for _ in range(4)]
    resumed = load(seed=2, shuffle=True, num_workers=workers)
    resumed.set_epoch(2)
    assert_same(resumed, epochs[2])
    assert_same(resumed, epochs[3])
    assert_same(resumed.epoch(1), epochs[1])  # any epoch by its number, without a pass
    resumed.set_epoch(0)
    assert_same(resumed, epochs[0])


def test_leaving_an_epoch_early_does_not_move_the_next(load, assert_same) -> None:
    straight, broken = load(seed=2, shuffle=True), load(seed=2, shuffle=True, num_workers=2)
    list(straight)
    for _ in broken:
        break
    assert_same(broken, straight)


# The order of the seeds #########################################################################


def test_shuffled_epochs_hold_every_seed_once(load) -> None:
    loader = load(seed=2, shuffle=True)
    epochs = [torch.cat([batch.input_id for batch in loader]).tolist() for _ in range(3)]
    assert all(sorted(epoch) == list(range(100)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_last_batch_may_be_dropped(load) -> None:
    for shuffle in (False, True):
        loader = load(batch_size=30, drop_last=True, shuffle=shuffle)
        assert len(loader) == len(list(loader)) == 3
        loader = load(batch_size=30, shuffle=shuffle)
        assert [batch.input_id.numel() for batch in loader] == [30, 30, 30, 10]


def test_samplers_and_generators_of_torch_keep_the_order(load) -> None:
    backward = load(sampler=list(range(99, -1, -1)))
    assert next(iter(backward)).input_id.tolist() == list(range(99, 79, -1))
    batches = BatchSampler(SequentialSampler(range(40)), 15, drop_last=False)
    by_batch = load(batch_sampler=batches, batch_size=1)
    assert [batch.input_id.numel() for batch in by_batch] == [15, 15, 10]
    one_by_one = load(batch_size=None, sampler=[4, 2])
    assert [batch.input_id.tolist() for batch in one_by_one] == [[4], [2]]

    def order(seed: int) -> list[int]:
        generator = torch.Generator().manual_seed(3)
        loader = load(seed=seed, shuffle=True, generator=generator)
        return torch.cat([batch.input_id for batch in loader]).tolist()

    assert order(1) == order(2)


def test_who_orders_the_seeds(graph) -> None:
    sampler = NeighborSampler(graph, [2], seed=1)
    assert own_order(sampler, {"shuffle": True}, 5) >= 0
    assert own_order(sampler, {"shuffle": True}, 5) != own_order(
        NeighborSampler(graph, [2], seed=2), {"shuffle": True}, 5
    )
    for options in ({}, {"shuffle": False}, {"shuffle": True, "generator": torch.Generator()}):
        assert own_order(sampler, options, 5) == -1
    assert own_order(None, {"shuffle": True}, 5) == -1


def test_no_seeds_have_no_order(graph) -> None:
    sampler = NeighborSampler(graph, [2], seed=1)
    for options in ({"shuffle": True}, {"shuffle": True, "generator": torch.Generator()}):
        assert own_order(sampler, options, 0) == -1
        assert options["shuffle"] is False  # torch would refuse to shuffle them


# Threads ########################################################################################


def test_batches_are_made_by_threads(load) -> None:
    makers: Counter[str] = Counter()

    def note(batch: Any) -> Any:
        makers[threading.current_thread().name] += 1
        return batch

    list(load(transform=note, num_workers=2))
    assert all(name.startswith("graphlearn-loader") for name in makers)
    assert sum(makers.values()) == 5
    makers.clear()
    list(load(transform=note))
    assert list(makers) == [threading.current_thread().name]


@pytest.mark.parametrize("factor", [1, 3])
def test_no_more_batches_are_made_ahead_than_asked_for(load, factor) -> None:
    made: list[int] = []

    def note(batch: Any) -> Any:
        made.append(1)
        return batch

    loader = load(transform=note, num_workers=1, prefetch_factor=factor, batch_size=5)
    for received, _ in enumerate(loader, start=1):
        assert len(made) <= received + factor


def test_no_more_batches_are_made_ahead_than_fit(load) -> None:
    made: list[int] = []

    def note(batch: Any) -> Any:
        made.append(1)
        return batch

    loader = load(transform=note, num_workers=2, prefetch_factor=9, batch_size=5, prefetch_bytes=1)
    for received, _ in enumerate(loader, start=1):
        assert len(made) <= received + 1  # one is always made
    assert len(made) == 20


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_an_error_in_a_thread_comes_in_its_turn(load, workers) -> None:
    def fail(batch: Any) -> Any:
        if batch.input_id[0] == 40:
            raise RuntimeError("of the third batch")
        return batch

    batches = iter(load(transform=fail, num_workers=workers))
    assert next(batches).input_id[0] == 0
    assert next(batches).input_id[0] == 20
    with pytest.raises(RuntimeError, match="of the third batch"):
        next(batches)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_an_error_of_a_batch_sampler_comes_after_the_batches_before_it(load, workers) -> None:
    class Broken:
        def __iter__(self) -> Iterator[list[int]]:
            yield [0, 1]
            yield [2]
            raise RuntimeError("no third batch")

        def __len__(self) -> int:
            return 3

    batches = iter(load(batch_sampler=Broken(), batch_size=1, num_workers=workers))
    assert next(batches).input_id.tolist() == [0, 1]
    assert next(batches).input_id.tolist() == [2]
    with pytest.raises(RuntimeError, match="no third batch"):
        next(batches)
    assert list(batches) == []


def test_leaving_the_loop_ends_the_threads(load) -> None:
    for _ in load(num_workers=2, batch_size=2):
        break
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith("graphlearn-loader"):
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_two_passes_at_once_do_not_meet(load, assert_same) -> None:
    loader = load(seed=1, num_workers=2)
    one, other = [], []
    for a, b in zip(loader, loader, strict=True):
        one.append(a)
        other.append(b)
    again = load(seed=1)
    assert_same(one, again)
    assert_same(other, again)


# What is made ###################################################################################


def test_transforms_see_the_features(load, graph) -> None:
    seen: list[bool] = []

    def look(batch: Any) -> Any:
        seen.append(torch.equal(batch.x, graph.x[batch.n_id]))
        batch.looked = True
        return batch

    for batch in load(transform=look, num_workers=2):
        assert batch.looked
    assert seen == [True] * 5


def test_what_was_sampled_may_be_changed_before_it_becomes_a_batch(load, graph) -> None:
    def without_edges(output: Any) -> Any:
        output.row = output.col = output.edge = output.row[:0]
        return output

    for batch in load(transform_sampler_output=without_edges):
        assert batch.num_edges == 0
        assert torch.equal(batch.x, graph.x[batch.n_id])


def test_samples_of_an_epoch_are_what_its_batches_are_made_of(load) -> None:
    loader = load(seed=1, shuffle=True, num_workers=2)
    sampled = [output.node.tolist() for output in loader.samples(3)]
    assert sampled == [batch.n_id.tolist() for batch in loader.epoch(3)]


def test_an_epoch_may_have_stores_of_its_own(load, graph) -> None:
    loader = load(seed=1)
    for batch in loader.epoch(0, feature_store=MemoryStore(-graph.x)):
        assert torch.equal(batch.x, -graph.x[batch.n_id])
    assert torch.equal(next(loader.epoch(0)).x, next(iter(loader)).x)
    with pytest.raises(InputError, match="^feature_store holds 5 rows of 'x'"):
        loader.epoch(0, feature_store=MemoryStore(torch.zeros(5, 2)))


def test_stores_that_keep_an_order_are_asked_in_it(load, graph) -> None:
    askers: set[str] = set()

    class Ordered(MemoryStore):
        in_order = True

        def _gather(self, *args: Any) -> Any:
            askers.add(threading.current_thread().name)
            return super()._gather(*args)

    for batch in load(feature_store=Ordered(graph.x), num_workers=3):
        assert torch.equal(batch.x, graph.x[batch.n_id])
    assert askers == {threading.current_thread().name}


def test_the_graph_s_nodes_are_counted(load, typed_graph) -> None:
    assert load().node_counts() == {None: 100}
    loader = NeighborLoader(typed_graph, [1], "paper")
    assert loader.node_counts() == {"paper": 60, "author": 40}


def test_a_batch_of_chosen_places(load) -> None:
    loader = load()
    assert loader([3, 1]).input_id.tolist() == [3, 1]
    assert load(filter_per_worker=False)(torch.tensor([3, 1])).input_id.tolist() == [3, 1]


# What changes after the loader was made #########################################################


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("filter_per_worker", [True, False])
def test_later_batches_hold_what_was_assigned(load, graph, workers, filter_per_worker) -> None:
    loader = load(num_workers=workers, filter_per_worker=filter_per_worker)
    assert loader.data is graph
    list(loader)

    graph.x, graph.y = graph.x * -1, graph.y + 1000
    graph.more, graph.few = graph.x + 5, torch.arange(100) * 3
    graph.edge_attr = graph.edge_attr + 7
    for batch in loader:
        for name in ("x", "y", "more", "few"):
            assert torch.equal(batch[name], graph[name][batch.n_id])
        assert torch.equal(batch.edge_attr, graph.edge_attr[batch.e_id])

    graph.x.add_(1)  # in its place
    assert all(torch.equal(batch.x, graph.x[batch.n_id]) for batch in loader)

    del loader.data.x, loader.data.few
    for batch in loader:
        assert "x" not in batch
        assert "few" not in batch
        assert torch.equal(batch.y, graph.y[batch.n_id])
        assert torch.equal(batch.more, graph.more[batch.n_id])

    loader.data.x = torch.arange(100.0)[:, None]  # narrow now
    assert all(batch.x.flatten().tolist() == batch.n_id.tolist() for batch in loader)


def test_batches_that_are_not_made_yet_hold_what_was_assigned(load, graph) -> None:
    before = graph.x
    batches = iter(load(num_workers=2, prefetch_factor=1, batch_size=5))
    first = next(batches)
    graph.x = before + 100
    assert torch.equal(first.x, before[first.n_id])
    *_, last = batches
    assert torch.equal(last.x, graph.x[last.n_id])


@pytest.mark.parametrize("workers", [0, 2])
def test_later_typed_batches_hold_what_was_assigned(typed_graph, workers) -> None:
    loader = NeighborLoader(typed_graph, [3], "paper", batch_size=20, num_workers=workers)
    list(loader)
    typed_graph["author"].x = typed_graph["author"].x * -2
    typed_graph["author"].more = typed_graph["author"].x + 5
    del loader.data["paper"].x
    for batch in loader:
        author = batch["author"]
        assert torch.equal(author.x, typed_graph["author"].x[author.n_id])
        assert torch.equal(author.more, typed_graph["author"].more[author.n_id])
        assert "x" not in batch["paper"]
        assert torch.equal(batch["paper"].y, batch["paper"].n_id)


def test_what_was_assigned_has_to_fit(load, graph) -> None:
    loader = load(num_workers=1)
    graph.x = torch.zeros(200, 32)
    with pytest.raises(InputError, match="^x has 200 rows: expected 100, one for each node"):
        next(iter(loader))


# Copies #########################################################################################


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("how", ["pickle", "deepcopy"])
@pytest.mark.parametrize("stores", [False, True])
def test_copies_of_a_loader_go_on_alike(load, graph, assert_same, used, how, stores) -> None:
    extra = {"feature_store": {"more": MemoryStore(graph.x * 2)}} if stores else {}
    loader = load(seed=1, shuffle=True, num_workers=2, **extra)
    if used:
        list(loader)
    other = copy.deepcopy(loader) if how == "deepcopy" else pickle.loads(pickle.dumps(loader))
    assert_same(list(other), list(loader))
    other.data.x.mul_(-1)
    for batch in other:
        assert torch.equal(batch.x, -graph.x[batch.n_id])


# Page-locked memory #############################################################################


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was pinned, on a machine that is made to look as if it had a GPU."""
    found: list[Any] = []

    def note(self: Any, *_: Any) -> Any:
        found.append(self)
        return self

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(BaseData, "pin_memory", note)
    monkeypatch.setattr(Tensor, "pin_memory", note)
    return found


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("filter_per_worker", [True, False])
@pytest.mark.parametrize("ordered", [True, False])
def test_batches_are_pinned_if_asked_for(
    load, graph, pinned, workers, filter_per_worker, ordered
) -> None:
    class Ordered(MemoryStore):
        in_order = True

    options = {"num_workers": workers, "filter_per_worker": filter_per_worker}
    if ordered:
        options["feature_store"] = Ordered(graph.x)
    batches = list(load(pin_memory=True, **options))
    assert sorted(map(id, pinned)) == sorted(map(id, batches))
    pinned.clear()
    list(load(**options))
    assert pinned == []


def test_typed_batches_are_pinned_too(typed_graph, pinned) -> None:
    batches = list(NeighborLoader(typed_graph, [2], "paper", batch_size=30, pin_memory=True))
    assert [id(batch) for batch in pinned] == [id(batch) for batch in batches]


def test_what_a_transform_gives_is_pinned_part_by_part(load, pinned) -> None:
    batches = list(load(pin_memory=True, transform=lambda batch: (batch.n_id, batch, "name")))
    assert len(batches) == 5
    assert [id(part) for part in pinned] == [id(part) for batch in batches for part in batch[:2]]


def test_without_a_gpu_nothing_is_pinned(load, pinned, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert len(list(load(pin_memory=True))) == 5
    assert pinned == []


# Options ########################################################################################


def test_options_of_threads_are_taken_out() -> None:
    options = {"num_workers": 2, "persistent_workers": True, "timeout": 3, "in_order": True}
    options |= {"multiprocessing_context": "fork", "batch_size": 4}
    assert take_thread_options(options) == (2, 4)
    assert options == {"batch_size": 4}
    assert take_thread_options({}) == (0, 1)
    assert take_thread_options({"num_workers": 3, "prefetch_factor": 5}) == (3, 15)


def test_processes_options_are_accepted(load) -> None:
    loader = load(num_workers=1, persistent_workers=True, multiprocessing_context="spawn")
    assert len(list(loader)) == 5


def test_a_worker_s_start_is_not_called(load) -> None:
    with pytest.warns(UserWarning, match="^worker_init_fn is not called"):
        load(worker_init_fn=print)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"num_workers": -1}, "num_workers"),
        ({"num_workers": 1.5}, "num_workers"),
        ({"num_workers": 1, "prefetch_factor": 0}, "prefetch_factor"),
        ({"prefetch_bytes": 0}, "prefetch_bytes"),
        ({"prefetch_bytes": "1G"}, "prefetch_bytes"),
    ],
)
def test_options_are_whole_numbers(load, options, name) -> None:
    with pytest.raises((InputError, InputTypeError), match=f"^{name} is"):
        load(**options)


@pytest.mark.parametrize("epoch", [-1, 0.5])
def test_epochs_are_whole_numbers(load, epoch) -> None:
    loader = load()
    with pytest.raises((InputError, InputTypeError), match="^epoch is"):
        loader.set_epoch(epoch)
    with pytest.raises((InputError, InputTypeError), match="^epoch is"):
        list(loader.epoch(epoch))


def test_stores_do_not_stand_beside_pyg_s(graph, in_stores) -> None:
    pair = in_stores(graph)
    with pytest.raises(InputError, match="^feature_store is given beside a pair"):
        NeighborLoader(pair, [1], torch.arange(5), feature_store={"x": graph.x})
    loader = NeighborLoader(pair, [1], torch.arange(5))
    with pytest.raises(InputError, match="^the loader's features come from its own FeatureStore"):
        loader.epoch(0, feature_store={"x": graph.x})


def test_a_sampler_of_somebody_else_s_counts_no_nodes(graph) -> None:
    class Foreign(PyGSampler):
        def __init__(self) -> None:
            pass

        edge_permutation = None

    loader = NeighborLoader(graph, [1], neighbor_sampler=Foreign())
    with pytest.raises(InputTypeError, match="^the loader samples by a Foreign: expected a graph"):
        loader.node_counts()
