from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from graphlearn.errors import DivergedError, InputError
from graphlearn.kernels import CSRGraph
from graphlearn.train import TrainConfig, UniformNegatives, link_loss
from graphlearn.train.epoch import batches_per_epoch, train_epoch
from graphlearn.train.prepared import PreparedSplit, prepare_split


class Watcher(nn.Module):
    """Notes what each batch is given; its one weight is the score of every pair."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[CSRGraph, Tensor]] = []
        self.loss_turns_nan_in = 0

    def forward(self, x: Tensor | None, graph: CSRGraph, pairs: Tensor) -> Tensor:
        assert self.training
        self.seen.append((graph, pairs))
        bad = len(self.seen) == self.loss_turns_nan_in
        return self.weight.expand(pairs.size(1)) * (float("nan") if bad else 1.0)


@pytest.fixture
def data(make_split: Callable[..., Any]) -> PreparedSplit:
    return prepare_split(make_split(), torch.device("cpu"), torch.float32)


def run(model: nn.Module, data: PreparedSplit, seed: int = 0, **settings: Any) -> float:
    optimizer = torch.optim.SGD(model.parameters(), lr=settings.pop("rate", 0.0))
    return train_epoch(
        model,
        data,
        TrainConfig(**settings),
        optimizer,
        UniformNegatives(data.graph),
        torch.Generator().manual_seed(seed),
        epoch=4,
        seed=seed,
    )


def test_every_link_is_a_target_once_and_removed_while_it_is(data: PreparedSplit) -> None:
    model, count = Watcher(), data.train_pairs.size(1)
    loss = run(model, data, batch_size=50, negatives_per_positive=2)
    assert loss == pytest.approx(2 * 0.693147, rel=1e-5)
    positives = []
    for graph, pairs in model.seen:
        number = pairs.size(1) // 3
        positive, negative = pairs[:, :number], pairs[:, number:]
        positives.append(positive)
        edges = graph.find_edges(positive)
        assert bool((edges >= 0).all())
        assert bool((graph.find_edges(negative) < 0).all())
        assert graph.degree().sum() == 2 * (count - number)
        removed = CSRGraph.from_edge_index(graph.edge_index(), 60)
        assert bool((removed.find_edges(positive) < 0).all())
    assert len(model.seen) == -(-count // 50)
    together = torch.cat(positives, dim=1)
    assert not torch.equal(together, data.train_pairs)  # shuffled
    key = torch.sort(together[0] * 60 + together[1]).values
    assert torch.equal(key, torch.sort(data.train_pairs[0] * 60 + data.train_pairs[1]).values)
    assert data.graph.keep is None


class Products(Watcher):
    """Scores by a matrix product, and notes the types it computes in."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1)
        self.dtypes: list[torch.dtype] = []

    def forward(self, x: Tensor | None, graph: CSRGraph, pairs: Tensor) -> Tensor:
        out: Tensor = self.linear(torch.ones(pairs.size(1), 1))
        self.dtypes.append(out.dtype)
        return out[:, 0]


@pytest.mark.parametrize("autocast", [None, "bfloat16"])
def test_autocast_is_on_in_training_and_weights_stay_wide(
    data: PreparedSplit, autocast: str | None
) -> None:
    model = Products()
    loss = run(model, data, batch_size=50, autocast=autocast, rate=0.1)
    assert set(model.dtypes) == {torch.bfloat16 if autocast else torch.float32}
    assert not torch.is_autocast_enabled("cpu")
    assert model.linear.weight.dtype == model.linear.weight.grad.dtype == torch.float32
    assert loss > 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_loss_of_half_precision_scores_is_averaged_in_float32(dtype: torch.dtype) -> None:
    scores = torch.linspace(-4, 4, 2000).to(dtype)
    assert link_loss(scores, 700).dtype == torch.float32
    assert torch.equal(link_loss(scores, 700), link_loss(scores.float(), 700))


class Halves(Watcher):
    """The same as a link model, whose encoder and predictor may be called apart."""

    def encode(self, x: Tensor | None, graph: CSRGraph) -> Tensor | None:
        self.encoded = getattr(self, "encoded", 0) + 1
        return x

    @property
    def predictor(self) -> Callable[..., Tensor]:
        return super().forward

    def forward(self, *_: Any) -> Tensor:
        raise AssertionError("scored in one call")


def test_links_and_non_links_are_scored_apart_on_demand(data: PreparedSplit) -> None:
    one, two = Watcher(), Halves()
    settings: dict[str, Any] = {"batch_size": 50, "negatives_per_positive": 2}
    loss = run(one, data, **settings)
    assert run(two, data, **settings, negatives_apart=True) == loss
    assert two.encoded == len(one.seen)
    for batch, (_, pairs) in enumerate(one.seen):
        parts = [found for _, found in two.seen[2 * batch : 2 * batch + 2]]
        assert parts[1].size(1) == 2 * parts[0].size(1)
        assert torch.equal(torch.cat(parts, dim=1), pairs)


def test_targets_stay_where_their_removal_is_off(data: PreparedSplit) -> None:
    model = Watcher()
    run(model, data, batch_size=50, remove_targets=False)
    assert all(graph is data.graph for graph, _ in model.seen)


def test_a_smaller_last_batch_is_dropped_on_demand(data: PreparedSplit) -> None:
    model, count = Watcher(), data.train_pairs.size(1)
    run(model, data, batch_size=50, drop_last_batch=True)
    assert [pairs.size(1) for _, pairs in model.seen] == [100] * (count // 50)
    assert batches_per_epoch(100, TrainConfig(batch_size=50, drop_last_batch=True)) == 2
    assert batches_per_epoch(101, TrainConfig(batch_size=50)) == 3
    with pytest.raises(InputError, match="batch_size is 51.*at most 50"):
        batches_per_epoch(50, TrainConfig(batch_size=51, drop_last_batch=True))


def test_draws_depend_on_the_generator_alone(data: PreparedSplit) -> None:
    models = [Watcher(), Watcher(), Watcher()]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        run(model, data, seed=seed)
    first, again, other = (model.seen[0][1] for model in models)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_loss_is_the_mean_over_positives_plus_that_over_negatives() -> None:
    scores = torch.tensor([0.3, -1.2, 4.0, -9.0, 2.0], dtype=torch.float64, requires_grad=True)
    loss = link_loss(scores, 2)
    expected = -(scores[:2].sigmoid().log().mean() + (1 - scores[2:].sigmoid()).log().mean())
    torch.testing.assert_close(loss, expected)
    assert torch.isfinite(link_loss(torch.tensor([-1000.0, 1000.0]), 1))


def test_a_loss_that_is_not_a_number_names_epoch_batch_and_seed(data: PreparedSplit) -> None:
    model = Watcher()
    model.loss_turns_nan_in = 3
    batches = -(-data.train_pairs.size(1) // 50)
    message = re.escape(f"the loss is nan in epoch 4, batch 3 of {batches}, seed 5")
    with pytest.raises(DivergedError, match=message):
        run(model, data, seed=5, batch_size=50, rate=0.1)
    assert len(model.seen) == 3
    assert bool(torch.isfinite(model.weight).all())  # stopped before the step


def test_losses_that_are_looked_at_late_name_the_same_batch(
    data: PreparedSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a CUDA device a look makes the CPU wait, so it is at many batches at once.
    monkeypatch.setattr("graphlearn.train.losses.CHECK_EVERY", {"cpu": 4, "cuda": 4})
    losses = [run(Watcher(), data, batch_size=20, rate=0.1) for _ in range(2)]
    assert losses[0] == losses[1]
    for bad in (1, 4, 6):
        model = Watcher()
        model.loss_turns_nan_in = bad
        with pytest.raises(DivergedError, match=f"epoch 4, batch {bad} of "):
            run(model, data, batch_size=20)


def test_the_gradient_is_clipped_as_a_whole(data: PreparedSplit) -> None:
    class Steep(Watcher):
        def forward(self, x: Tensor | None, graph: CSRGraph, pairs: Tensor) -> Tensor:
            self.seen.append((graph, pairs))
            sign = torch.ones(pairs.size(1))
            sign[pairs.size(1) // 2 :] = -1.0
            return 1000.0 * sign * self.weight

    moved = []
    for norm in (None, 0.5):
        model = Steep()
        run(model, data, batch_size=10_000, rate=1.0, clip_gradient_norm=norm)
        moved.append(model.weight.item())
    assert moved == [pytest.approx(1000.0), pytest.approx(0.5, rel=1e-4)]


class Members(Watcher):
    """Gives several rows of scores."""

    def __init__(self, rows: int, *, says_so: bool) -> None:
        super().__init__()
        self.rows, self.gives_members = rows, says_so

    def forward(self, x: Tensor | None, graph: CSRGraph, pairs: Tensor) -> Tensor:
        return super().forward(x, graph, pairs).expand(self.rows, -1)


def test_rows_of_members_each_have_their_loss(data: PreparedSplit) -> None:
    one = run(Watcher(), data, batch_size=50)
    assert run(Members(3, says_so=True), data, batch_size=50) == pytest.approx(one)
    with pytest.raises(InputError, match=r"shape \[3, 100\]: expected shape \[100\], one score a"):
        run(Members(3, says_so=False), data, batch_size=50)
    with pytest.raises(InputError, match=r"shape \[0, 100\].*several rows of them, one a member"):
        run(Members(0, says_so=True), data, batch_size=50)


def test_scores_of_a_wrong_shape_are_refused(data: PreparedSplit) -> None:
    class Column(Watcher):
        def forward(self, x: Tensor | None, graph: CSRGraph, pairs: Tensor) -> Tensor:
            return self.weight.expand(pairs.size(1)).unsqueeze(1)

    with pytest.raises(InputError, match=r"shape \[\d+, 1\].*one score a pair"):
        run(Column(), data)
