from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlearn.data import LinkSplit, random_link_split
from graphlearn.kernels import CSRGraph
from graphlearn.nn import NCN, GCNEncoder, HadamardPredictor, LinkModel, ReweightedEncoder
from graphlearn.train import EpochRecord, FitResult, TrainConfig, fit_links
from graphlearn.train.auxiliary import auxiliary_losses, epoch_hooks


class Pulled(nn.Linear):
    def auxiliary_loss(self) -> Tensor:
        return 2 * self.weight.sum()


def test_every_module_that_has_one_is_found_once() -> None:
    shared = Pulled(2, 2)
    model = nn.Sequential(shared, nn.ReLU(), shared, nn.Sequential(Pulled(2, 1)))
    losses = auxiliary_losses(model)
    assert len(losses) == 2
    expected = 2 * (shared.weight.sum() + model[3][0].weight.sum())
    torch.testing.assert_close(sum(loss() for loss in losses), expected)


def test_the_link_loop_adds_them_to_the_loss() -> None:
    ring = Data(
        x=torch.eye(30), edge_index=torch.stack([torch.arange(30), torch.arange(1, 31) % 30])
    )
    split = random_link_split(ring, seed=0)
    losses = {}
    for weight in (0.0, 1000.0):
        torch.manual_seed(0)
        pooling = {"name": "lcm", "associativity_weight": weight}
        model = LinkModel(GCNEncoder(30, 8), NCN(8, pooling=pooling))
        # No node of a ring shares three neighbors with another: no triple is met there.
        model.predictor.pooling.associativity_loss = lambda: torch.ones(())
        config = TrainConfig(epochs=1, batch_size=64)
        losses[weight] = fit_links(model, split, config, seed=0, metrics=["auc"]).history[0].loss
    assert losses[1000.0] - losses[0.0] > 999


class Told(nn.Linear):
    def __init__(self) -> None:
        super().__init__(1, 1)
        self.epochs: list[int] = []

    def after_epoch(self, epoch: int, model: nn.Module, x: Tensor, graph: CSRGraph) -> None:
        assert (x.size(0), graph.num_nodes) == (30, 30)
        assert self in model.modules()
        self.epochs.append(epoch)


def ring_split() -> LinkSplit:
    ring = torch.stack([torch.arange(30), torch.arange(1, 31) % 30])
    chords = torch.stack([torch.arange(30), torch.arange(5, 35) % 30])
    return random_link_split(
        Data(x=torch.eye(30), edge_index=torch.cat([ring, chords], dim=1)), seed=0
    )


def test_the_link_loop_calls_hooks_between_epochs() -> None:
    model = LinkModel(GCNEncoder(30, 8), NCN(8))
    model.told = Told()
    (hook,) = epoch_hooks(model)
    assert hook.__self__ is model.told
    fit_links(model, ring_split(), TrainConfig(epochs=3), seed=0, metrics=["auc"])
    assert model.told.epochs == [1, 2]  # nothing comes after the last


@pytest.mark.parametrize("averaging", [None, 0.5])
def test_a_killed_run_with_weighed_messages_goes_on_to_the_same_bits(tmp_path, averaging) -> None:
    split = ring_split()
    entries = 2 * split.train_pairs.size(1)
    config = TrainConfig(epochs=6, checkpoint_seconds=0, weight_averaging=averaging)

    def fit(folder: str, on_epoch: Callable[[EpochRecord], None] | None = None) -> FitResult:
        torch.manual_seed(0)
        encoder = ReweightedEncoder(
            30,
            {"name": "gcn", "hidden_channels": 8},
            num_nodes=30,
            num_entries=entries,
            warm_up=2,
        )
        model = LinkModel(encoder, HadamardPredictor(8, dropout=0.2))
        return fit_links(
            model,
            split,
            config,
            seed=0,
            metrics=["auc"],
            run_dir=tmp_path / folder,
            on_epoch=on_epoch,
        )

    def kill(record: EpochRecord) -> None:
        if record.epoch == 4:
            raise KeyboardInterrupt

    whole = fit("whole")
    with pytest.raises(KeyboardInterrupt):
        fit("killed", kill)
    resumed = fit("killed")
    assert [r.loss for r in whole.history] == [r.loss for r in resumed.history]
    assert (whole.valid, whole.test) == (resumed.valid, resumed.test)
    files = [tmp_path / folder / "model.safetensors" for folder in ("whole", "killed")]
    assert files[0].read_bytes() == files[1].read_bytes()
