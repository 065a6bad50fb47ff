from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlearn.data import random_link_split
from graphlearn.nn import NCN, GCNEncoder, LinkModel
from graphlearn.train import TrainConfig, fit_links
from graphlearn.train.auxiliary import auxiliary_losses


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
