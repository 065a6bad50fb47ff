"""NCN on sampled subgraphs: for graphs whose every batch cannot pass through the whole of them.

    python experiments/examples/ncn_on_sampled_links.py

Each batch of links brings its own piece of the graph: all neighbors of both ends, so that their
common neighbors are those of the whole graph, and ten neighbors of each of these for the encoder.
Needs no data: handwritten digits come with scikit-learn.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import SAGEConv
from torch_geometric.transforms import RandomLinkSplit

from graphlearn.data import load_dataset
from graphlearn.kernels import CSRGraph
from graphlearn.loader import LinkNeighborLoader
from graphlearn.metrics import area_under_roc
from graphlearn.nn import NCN


class Model(nn.Module):
    def __init__(self, features: int, channels: int = 64) -> None:
        super().__init__()
        self.first = SAGEConv(features, channels)
        self.second = SAGEConv(channels, channels)
        self.predictor = NCN(channels, dropout=0.1)

    def forward(self, batch: Data) -> Tensor:
        graph = CSRGraph.from_edge_index(batch.edge_index, batch.num_nodes)
        # The links to be predicted leave the graph, for encoder and predictor alike.
        targets = graph.find_edges(batch.edge_label_index)
        graph = graph.without_edges(targets[targets >= 0])
        edge_index = graph.edge_index()
        x = self.second(self.first(batch.x, edge_index).relu(), edge_index)
        scores: Tensor = self.predictor(x, graph, batch.edge_label_index)
        return scores


def main(epochs: int = 8) -> float:
    torch.manual_seed(0)
    split = RandomLinkSplit(num_val=0.0, num_test=0.1, is_undirected=True)
    train, _, test = split(load_dataset("digits-knn").data)
    one_way = train.edge_index[:, train.edge_index[0] < train.edge_index[1]]
    fan_out = [-1, 10]
    loader = LinkNeighborLoader(
        train,
        fan_out,
        edge_label_index=one_way,
        neg_sampling="binary",
        batch_size=512,
        shuffle=True,
        num_workers=2,
        seed=0,
    )
    model = Model(train.num_features)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    for _ in range(epochs):
        for batch in loader:
            loss = F.binary_cross_entropy_with_logits(model(batch), batch.edge_label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    model.eval()
    held_out = LinkNeighborLoader(
        train,
        fan_out,
        edge_label_index=test.edge_label_index,
        edge_label=test.edge_label,
        batch_size=512,
        seed=1,
    )
    with torch.no_grad():
        scores, labels = zip(*((model(batch), batch.edge_label) for batch in held_out), strict=True)
    score, label = torch.cat(scores), torch.cat(labels)
    area = area_under_roc(score[label == 1], score[label == 0])
    print(f"area under ROC on held-out links: {area:.3f}")
    return area


if __name__ == "__main__":
    main()
