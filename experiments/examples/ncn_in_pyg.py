"""NCN as a plug-in: a plain PyG training loop, stock convolutions, our predictor.

    python experiments/examples/ncn_in_pyg.py

Needs no data: Zachary's karate club comes with PyG.
"""

from __future__ import annotations

import torch
from torch_geometric.datasets import KarateClub
from torch_geometric.nn import GCNConv
from torch_geometric.transforms import RandomLinkSplit

from graphlearn.kernels import CSRGraph
from graphlearn.metrics import area_under_roc
from graphlearn.nn import NCN
from graphlearn.train import uniform_negatives


def main(epochs: int = 60) -> float:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    # Say that the graph is undirected: otherwise PyG puts the two directions of one edge into
    # different parts, and the test links are in the training graph.
    split = RandomLinkSplit(num_val=0.0, num_test=0.2, is_undirected=True)
    train, _, test = split(KarateClub()[0])
    graph = CSRGraph.from_edge_index(train.edge_index, train.num_nodes)  # built once

    encoder = GCNConv(train.num_features, 32)
    predictor = NCN(32, dropout=0.1)
    optimizer = torch.optim.Adam([*encoder.parameters(), *predictor.parameters()], lr=0.01)
    for _ in range(epochs):
        for links in torch.randperm(graph.num_edges, generator=generator).split(16):
            seen = graph.without_edges(links)  # the links being scored leave the graph
            positive = graph.edge_pairs()[:, links]
            negative = uniform_negatives(graph, links.numel(), generator)
            x = encoder(train.x, seen.edge_index())
            scores = predictor(x, seen, torch.cat([positive, negative], dim=1))
            target = torch.arange(scores.numel()) < links.numel()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, target.float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    predictor.eval()
    with torch.no_grad():
        x = encoder(train.x, graph.edge_index())
        scores = predictor(x, graph, test.edge_label_index)
    area = area_under_roc(scores[test.edge_label == 1], scores[test.edge_label == 0])
    print(f"area under ROC on held-out links: {area:.3f}")
    return area


if __name__ == "__main__":
    main()
