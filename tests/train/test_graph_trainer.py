from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlearn.data import GraphCollection, GraphSplit, second_minimum_split
from graphlearn.errors import CheckpointError, DivergedError, InputError, InputTypeError
from graphlearn.nn import GraphNetwork
from graphlearn.train import (
    CHECKPOINT_NAME,
    WEIGHTS_NAME,
    GraphTrainConfig,
    GraphTrainer,
    TrainConfig,
    fit_graphs,
)
from graphlearn.train.graph_trainer import check_metrics_fit, prediction_parts

SPLIT = second_minimum_split(train=96, valid=32, test=32, larger=(20,), seed=0)


def network(readout: object = "lcm") -> GraphNetwork:
    torch.manual_seed(0)
    return GraphNetwork(8, 16, 8, num_layers=0, readout=readout)


def config(**changes) -> GraphTrainConfig:
    return GraphTrainConfig(**({"epochs": 3, "batch_size": 32, "learning_rate": 0.01} | changes))


def test_training_learns() -> None:
    history = fit_graphs(
        network("max"), SPLIT, config(epochs=30), seed=0, metrics=["all-bits"]
    ).history
    assert history[-1].loss < 0.8 * history[0].loss
    assert set(history[-1].test) == {"all-bits", "all-bits/n20"}


def test_a_seed_decides_everything_and_further_tests_follow_the_first() -> None:
    shuffling = {"name": "lcm", "shuffle": True, "associativity_weight": 1.0}
    results = [
        fit_graphs(network(shuffling), SPLIT, config(), seed=seed, metrics=["all-bits"])
        for seed in (1, 1, 2)
    ]
    losses = [[record.loss for record in result.history] for result in results]
    assert losses[0] == losses[1] != losses[2]
    best = results[0].history[results[0].best_epoch - 1]
    assert results[0].test == best.test


@pytest.mark.parametrize("changes", [{}, {"schedule": "cosine", "weight_averaging": 0.9}])
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path, changes) -> None:
    class Stop(Exception):
        pass

    def stop(record) -> None:
        if record.epoch == 3:
            raise Stop

    settings = config(epochs=4, checkpoint_seconds=0, **changes)
    options = {"seed": 0, "metrics": ["all-bits"]}
    whole = network({"name": "lcm", "shuffle": True})
    expected = fit_graphs(whole, SPLIT, settings, **options)
    with pytest.raises(Stop):
        fit_graphs(
            network({"name": "lcm", "shuffle": True}),
            SPLIT,
            settings,
            run_dir=tmp_path,
            on_epoch=stop,
            **options,
        )
    resumed = network({"name": "lcm", "shuffle": True})
    found = fit_graphs(resumed, SPLIT, settings, run_dir=tmp_path, **options)
    assert [r.loss for r in found.history] == [r.loss for r in expected.history]
    for one, other in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(one, other)


class Linear(nn.Module):
    """A linear map of the features; notes the type of what it gives in training."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.dtypes = nn.Linear(8, 1), []

    def forward(self, data: Data) -> Tensor:
        out = self.linear(data.x)
        if self.training:
            self.dtypes.append(out.dtype)
        return out


def test_under_autocast_targets_are_not_rounded() -> None:
    true = 1 + torch.arange(40)[:, None] / 1024  # of which bfloat16 keeps five values
    sets = GraphCollection(torch.arange(41), torch.ones(40, 8), true)
    model = Linear()
    nn.init.zeros_(model.linear.weight)
    nn.init.ones_(model.linear.bias)
    split = GraphSplit(sets, sets, sets, objective="mse")
    settings = config(autocast="bfloat16", learning_rate=0.0, batch_size=40, epochs=1)
    result = fit_graphs(model, split, settings, seed=0, metrics=["mse"])
    assert set(model.dtypes) == {torch.bfloat16}
    assert result.history[0].loss == pytest.approx(float((true - 1).square().mean()))


def test_another_runs_checkpoint_is_refused(tmp_path) -> None:
    fit_graphs(network(), SPLIT, config(), seed=0, metrics=["all-bits"], run_dir=tmp_path)
    assert (tmp_path / CHECKPOINT_NAME).is_file()
    changed = config(schedule="cosine")
    with pytest.raises(CheckpointError, match="schedule"):
        fit_graphs(network(), SPLIT, changed, seed=0, metrics=["all-bits"], run_dir=tmp_path)


def test_the_cosine_falls_to_a_hundredth() -> None:
    trainer = GraphTrainer(network(), SPLIT, config(schedule="cosine"), seed=0, metrics=["mse"])
    optimizer = torch.optim.Adam(trainer.model.parameters())
    rates = []
    for step in (0, 4, 9):  # nine batches in all
        trainer._set_rate(optimizer, 0.01, step)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates[0] == 0.01
    assert 0.005 < rates[1] < 0.007
    assert rates[2] == pytest.approx(0.0001)


class Constant(nn.Module):
    """Gives the same for every node and graph."""

    def __init__(self, node: float, graph: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor([node, graph]))

    def forward(self, data: Data) -> tuple[Tensor, Tensor]:
        node = self.value[0].expand(data.x.size(0), 1)
        return node, self.value[1].expand(data.num_graphs, 2)


def both_targets() -> GraphSplit:
    part = GraphCollection(
        torch.tensor([0, 3, 4]), torch.zeros(4, 1), y=torch.zeros(2, 2), node_y=torch.zeros(4)
    )
    return GraphSplit(part, part, part, "mse")


def test_columns_of_nodes_and_graphs_weigh_alike() -> None:
    settings = GraphTrainConfig(epochs=1, learning_rate=0.0)
    result = fit_graphs(Constant(3.0, 1.0), both_targets(), settings, seed=0, metrics=["mse"])
    assert result.history[0].loss == pytest.approx((9 + 1 + 1) / 3)
    assert result.test["mse"] == pytest.approx((9 + 1 + 1) / 3)


def test_bad_models_and_runs_are_refused() -> None:
    with pytest.raises(InputError, match=r"gave shapes \[\[3, 2\]\]: expected \[\[3, 1\]\]"):
        prediction_parts(torch.zeros(3, 2), Data(y=torch.zeros(3)))
    with pytest.raises(InputError, match="batch_size is 200 with drop_last_batch"):
        GraphTrainer(network(), SPLIT, config(batch_size=200, drop_last_batch=True), seed=0)
    with pytest.raises(DivergedError, match="the loss is nan in epoch 1, batch 1"):
        fit_graphs(Constant(torch.nan, 0.0), both_targets(), config(), seed=0, metrics=["mse"])


def test_arguments_of_a_wrong_kind_are_refused() -> None:
    with pytest.raises(InputTypeError, match="model is a int: expected a Module"):
        GraphTrainer(5, SPLIT, seed=0)
    with pytest.raises(InputTypeError, match="split is a int: expected a GraphSplit"):
        GraphTrainer(network(), 5, seed=0)
    with pytest.raises(InputTypeError, match="config is a TrainConfig"):
        GraphTrainer(network(), SPLIT, TrainConfig(), seed=0)


def classified(labels: list[int], node_labels: list[int] | None = None) -> GraphSplit:
    """Sets of one node whose feature is their class, one-hot."""
    part = GraphCollection(
        torch.arange(len(labels) + 1),
        torch.eye(3)[labels],
        y=torch.tensor(labels),
        node_y=None if node_labels is None else torch.tensor(node_labels),
    )
    return GraphSplit(part, part, part, "classes")


class Logits(nn.Module):
    """Gives the same logits for every node, and others for every graph."""

    def __init__(self, *logits: list[float]) -> None:
        super().__init__()
        self.logits = nn.ParameterList([torch.tensor(row) for row in logits])

    def forward(self, data: Data) -> list[Tensor]:
        return [row.expand(data.num_graphs, len(row)) for row in self.logits]


def test_classes_are_learnt_by_cross_entropy() -> None:
    torch.manual_seed(0)
    model = GraphNetwork(3, 8, 3, num_layers=0)
    split = classified([0, 1, 2, 2, 1, 0])
    result = fit_graphs(model, split, config(epochs=40), seed=0, metrics=["accuracy"])
    assert result.test == {"accuracy": 1.0}
    zeros = Logits([0.0, 0.0, 0.0])
    first = fit_graphs(zeros, split, config(epochs=1), seed=0, metrics=["accuracy"]).history[0]
    assert first.loss == pytest.approx(math.log(3))


def test_entropies_of_nodes_and_graphs_weigh_alike() -> None:
    split = classified([0, 1, 2], node_labels=[0, 0, 1])
    model = Logits([0.0, 0.0], [0.0, 0.0, 0.0, 0.0])
    first = fit_graphs(model, split, config(epochs=1), seed=0, metrics=["accuracy"]).history[0]
    assert first.loss == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_too_few_logits_and_metrics_of_the_other_kind_are_refused() -> None:
    split = classified([0, 1, 2])
    with pytest.raises(InputError, match=r"gave shapes \[\[3, 2\]\]: expected \[\[3, 3\]\]"):
        fit_graphs(Logits([0.0, 0.0]), split, config(), seed=0, metrics=["accuracy"])
    with pytest.raises(InputError, match="objective is 'classes'.*use accuracy"):
        GraphTrainer(Logits([0.0] * 3), split, config(), seed=0, metrics=["mae"])
    with pytest.raises(InputError, match="objective is 'bits'.*use auc"):
        check_metrics_fit(["accuracy"], "bits")


def test_of_a_fold_the_last_epoch_is_kept_and_scored_once(tmp_path) -> None:
    part = SPLIT.valid
    fold = GraphSplit(SPLIT.train, part, part, "bits", rule="folds(2)", cross_validated=True)
    options = {"seed": 0, "metrics": ["all-bits", "auc"]}
    model = network("max")
    settings = config(epochs=6, learning_rate=0.1)
    result = fit_graphs(model, fold, settings, run_dir=tmp_path, **options)
    assert set(result.best_epochs.values()) == {result.best_epoch} == {6}
    assert all(record.valid == record.test for record in result.history)
    # Not a choice that happens to fall on the last epoch.
    assert max(record.test["auc"] for record in result.history[:-1]) > result.test["auc"]
    again = GraphTrainer(model, fold, config(epochs=6), **options)
    assert again._evaluate(model, 6)[1] == result.test
    assert "test" not in again._parts
    saved = load_file(tmp_path / WEIGHTS_NAME)
    assert all(torch.equal(saved[name], value) for name, value in model.state_dict().items())
    with pytest.raises(InputError, match=r"patience is 3.*no early stopping on a fold"):
        GraphTrainer(model, fold, config(patience=3), **options)


def test_the_rate_halves_every_few_epochs() -> None:
    settings = config(schedule="halving", halve_every=2)
    trainer = GraphTrainer(network(), SPLIT, settings, seed=0, metrics=["mse"])
    optimizer = torch.optim.Adam(trainer.model.parameters())
    rates = []
    for step in (0, 5, 6, 11, 12):  # three batches an epoch
        trainer._set_rate(optimizer, 0.01, step)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [0.01, 0.01, 0.005, 0.005, 0.0025]


def test_the_rate_halves_on_plateaus_and_a_resumed_run_knows_of_them(tmp_path) -> None:
    # Nothing is better than nothing learnt: the weights stay, and so does the result.
    settings = config(
        schedule="plateau",
        plateau_patience=2,
        epochs=9,
        learning_rate=1e-30,
        checkpoint_seconds=0,
    )
    seen = []

    class Watched(GraphTrainer):
        def _set_rate(self, optimizer, rate, step):
            super()._set_rate(optimizer, rate, step)
            seen.append(optimizer.param_groups[0]["lr"])

    Watched(network(), SPLIT, settings, seed=0, metrics=["mse"]).fit()
    # The best epoch is the first; 4 and 7 are the third without a better one.
    assert [seen[3 * epoch] for epoch in range(9)] == [1e-30] * 4 + [5e-31] * 3 + [2.5e-31] * 2
    whole, seen[:] = list(seen), []
    folder = tmp_path / "run"

    class Stops(Watched):
        def _train_epoch(self, progress, epoch):
            if epoch == 6:
                raise KeyboardInterrupt
            return super()._train_epoch(progress, epoch)

    with pytest.raises(KeyboardInterrupt):
        Stops(network(), SPLIT, settings, seed=0, metrics=["mse"], run_dir=folder).fit()
    Watched(network(), SPLIT, settings, seed=0, metrics=["mse"], run_dir=folder).fit()
    assert seen == whole


class Counting(nn.Module):
    """Keeps the first feature of every node that it sees in training."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen: list[list[float]] = []

    def forward(self, data: Data) -> Tensor:
        if self.training:
            self.seen.append(data.x[:, 0].tolist())
        return self.weight.expand(data.num_graphs, 1)


@pytest.mark.parametrize(("drop", "sizes"), [(False, [4, 4, 2] * 2 + [4]), (True, [4] * 7)])
def test_an_epoch_may_have_a_number_of_batches(drop, sizes) -> None:
    part = GraphCollection(torch.arange(11), torch.arange(10.0)[:, None], y=torch.zeros(10, 1))
    model = Counting()
    settings = config(epochs=1, batch_size=4, batches_per_epoch=7, drop_last_batch=drop)
    fit_graphs(model, GraphSplit(part, part, part, "mse"), settings, seed=0, metrics=["mse"])
    assert [len(batch) for batch in model.seen] == sizes
    first = [value for batch in model.seen[:3] for value in batch]
    if not drop:
        assert sorted(first) == list(range(10))
        assert first != [value for batch in model.seen[3:6] for value in batch]


def with_gaps(share: float = 0.5) -> GraphSplit:
    split = second_minimum_split(train=60, valid=20, test=20, larger=(), seed=0)
    generator = torch.Generator().manual_seed(1)
    parts = []
    for part in (split.train, split.valid, split.test):
        gaps = torch.rand(part.y.shape, generator=generator) < share
        parts.append(part.replaced(y=part.y.masked_fill(gaps, torch.nan)))
    return GraphSplit(*parts, "bits")


def test_bits_that_are_not_known_count_neither_in_the_loss_nor_in_the_metric() -> None:
    split = with_gaps()
    model = network()
    trainer = GraphTrainer(model, split, config(epochs=2), seed=0, metrics=["ap", "auc"])
    data = split.train.batch(torch.arange(30))
    known = ~data.y.isnan()
    with torch.no_grad():
        made = model(data)
        wanted = torch.nn.functional.binary_cross_entropy_with_logits(made[known], data.y[known])
        torch.testing.assert_close(trainer._loss(made, data), wanted)
        nothing = data.clone()
        nothing.y = torch.full_like(data.y, torch.nan)
        assert float(trainer._loss(made, nothing)) == 0
    result = trainer.fit()
    assert all(0 < result.test[name] <= 1 for name in ("ap", "auc"))
    with pytest.raises(InputError, match="targets are NaN: expected numbers, for all-bits"):
        GraphTrainer(network(), split, config(epochs=1), seed=0, metrics=["all-bits"]).fit()


def test_without_the_test_part_nothing_of_it_is_kept_or_scored() -> None:
    options = {"seed": 0, "metrics": ["all-bits"]}
    whole = fit_graphs(network("max"), SPLIT, config(), **options)
    trainer = GraphTrainer(network("max"), SPLIT, config(), test=False, **options)
    assert set(trainer._parts) == {"train", "valid"}  # nor further test sets
    result = trainer.fit()
    assert result.test == {}
    assert all(record.test == {} for record in result.history)
    assert result.valid == whole.valid
    part = SPLIT.valid
    fold = GraphSplit(SPLIT.train, part, part, "bits", rule="folds(2)", cross_validated=True)
    with pytest.raises(InputError, match="test is False, and the split's validation part is its"):
        GraphTrainer(network("max"), fold, config(), test=False, **options)
