from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.data import Data

from graphlearn.data import NodeSplit
from graphlearn.errors import CheckpointError, DivergedError, InputError, InputTypeError
from graphlearn.store import DiskStore, write_rows
from graphlearn.train import CHECKPOINT_NAME, SampledNodeTrainer, SampledTrainConfig


class Mean(nn.Module):
    """Two layers of a mean over neighbors beside the node itself, with dropout."""

    def __init__(self, channels: int = 8, classes: int = 4) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2 * channels, 16), nn.Linear(32, classes)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        x = self.dropout(self.first(self._beside(x, edge_index)).relu())
        return self.last(self._beside(x, edge_index))

    def _beside(self, x: Tensor, edge_index: Tensor) -> Tensor:
        total = torch.zeros_like(x).index_add(0, edge_index[1], x[edge_index[0]])
        degree = torch.zeros(x.size(0)).index_add(0, edge_index[1], torch.ones(edge_index.size(1)))
        return torch.cat([x, total / degree.clamp(min=1)[:, None]], dim=1)


def model(seed: int = 0) -> Mean:
    torch.manual_seed(seed)
    return Mean()


def split() -> NodeSplit:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(200) % 4
    u, v = torch.triu_indices(200, 200, offset=1)
    linked = torch.rand(u.shape, generator=generator) < torch.where(y[u] == y[v], 0.1, 0.01)
    edges = torch.stack([u[linked], v[linked]])
    x = torch.randn(200, 8, generator=generator) + torch.eye(8)[y]
    order = torch.randperm(200, generator=generator)
    masks = [torch.zeros(200, dtype=torch.bool).index_fill_(0, ids, True)
             for ids in order.split([80, 60, 60])]  # fmt: skip
    return NodeSplit(Data(x=x, edge_index=torch.cat([edges, edges.flip(0)], 1), y=y), *masks)


SPLIT = split()


def config(**changes) -> SampledTrainConfig:
    given = {"fan_out": (5, 5), "epochs": 3, "batch_size": 32, "evaluation_batch_size": 50}
    return SampledTrainConfig(**(given | {"learning_rate": 0.02} | changes))


def test_training_learns_and_the_best_weights_are_kept() -> None:
    network = model()
    trainer = SampledNodeTrainer(network, SPLIT, config(epochs=15), seed=0)
    result = trainer.fit()
    assert result.test["accuracy"] > 0.7
    assert trainer._score(network, "test", 0) == result.test
    assert repr(trainer) == "SampledNodeTrainer(Mean, fan_out=[5, 5], seed=0)"


def test_autocast_is_on_in_training_alone() -> None:
    network, seen = model(), []
    network.last.register_forward_hook(
        lambda module, given, out: seen.append((module.training, out.dtype))
    )
    SampledNodeTrainer(network, SPLIT, config(epochs=1, autocast="bfloat16"), seed=0).fit()
    assert set(seen) == {(True, torch.bfloat16), (False, torch.float32)}


def test_with_all_neighbors_scores_are_those_of_the_whole_graph() -> None:
    network = model()
    everything = config(evaluation_fan_out=(-1, -1))
    trainer = SampledNodeTrainer(network, SPLIT, everything, seed=0, metrics=["cross-entropy"])
    found = trainer._score(network, "valid", 1)
    network.eval()
    with torch.no_grad():
        logits = network(SPLIT.data.x, SPLIT.data.edge_index)[SPLIT.valid_mask]
    wanted = functional.cross_entropy(logits, SPLIT.data.y[SPLIT.valid_mask])
    assert found["cross-entropy"] == pytest.approx(float(wanted), rel=1e-5)
    # The sampler of training has its own fan-out still.
    assert trainer._train_batches.node_sampler.num_neighbors.values == [5, 5]


def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(record) -> None:
        if record.epoch == 2:
            raise Stop

    settings = config(epochs=4, checkpoint_seconds=0)
    whole = model()
    expected = SampledNodeTrainer(whole, SPLIT, settings, seed=3).fit()
    halted = SampledNodeTrainer(model(), SPLIT, settings, seed=3, run_dir=tmp_path, on_epoch=stop)
    with pytest.raises(Stop):
        halted.fit()
    assert (tmp_path / CHECKPOINT_NAME).is_file()
    resumed = model()
    found = SampledNodeTrainer(resumed, SPLIT, settings, seed=3, run_dir=tmp_path).fit()
    assert [r.loss for r in found.history] == [r.loss for r in expected.history]
    assert found.test == expected.test
    for one, other in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(one, other)
    changed = config(epochs=4, checkpoint_seconds=0, fan_out=(4, 4))
    other_run = SampledNodeTrainer(model(), SPLIT, changed, seed=3, run_dir=tmp_path)
    with pytest.raises(CheckpointError, match="fan_out"):
        other_run.fit()


def test_features_from_a_file_give_the_same_bits(tmp_path: Path) -> None:
    write_rows(tmp_path / "x.rows", SPLIT.data.x)
    expected = SampledNodeTrainer(model(), SPLIT, config(), seed=1).fit()
    with DiskStore(tmp_path / "x.rows", access="pread") as store:
        found = SampledNodeTrainer(model(), SPLIT, config(), seed=1, features=store).fit()
    assert [r.loss for r in found.history] == [r.loss for r in expected.history]
    assert found.valid == expected.valid


def test_the_seed_decides() -> None:
    losses = [
        SampledNodeTrainer(model(), SPLIT, config(epochs=1), seed=seed).fit().history[0].loss
        for seed in (0, 0, 1)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_bad_arguments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputTypeError, match="split is a Data: expected a NodeSplit"):
        SampledNodeTrainer(model(), SPLIT.data, config(), seed=0)
    with pytest.raises(InputTypeError, match="config is a dict"):
        SampledNodeTrainer(model(), SPLIT, {}, seed=0)
    with pytest.raises(InputError, match="metrics are mae: expected accuracy or cross-entropy"):
        SampledNodeTrainer(model(), SPLIT, config(), seed=0, metrics=["mae"])
    with pytest.raises(InputError, match="batch_size is 81 with drop_last_batch"):
        SampledNodeTrainer(model(), SPLIT, config(batch_size=81, drop_last_batch=True), seed=0)
    with pytest.raises(InputError, match=r"expected logits \[\d+, 4 or more\]"):
        SampledNodeTrainer(Mean(classes=3), SPLIT, config(), seed=0).fit()
    write_rows(tmp_path / "x.rows", SPLIT.data.x[:9])
    with DiskStore(tmp_path / "x.rows") as store, pytest.raises(InputError, match="9 rows"):
        SampledNodeTrainer(model(), SPLIT, config(), seed=0, features=store)
    with pytest.raises(DivergedError):
        SampledNodeTrainer(model(), SPLIT, config(learning_rate=1e30, epochs=9), seed=0).fit()


def test_without_the_test_part_nothing_of_it_is_kept_or_scored() -> None:
    whole = SampledNodeTrainer(model(), SPLIT, config(), seed=0).fit()
    trainer = SampledNodeTrainer(model(), SPLIT, config(), seed=0, test=False)
    assert set(trainer._parts) == {"valid"}
    result = trainer.fit()
    assert result.test == {}
    assert all(record.test == {} for record in result.history)
    assert result.valid == whole.valid
