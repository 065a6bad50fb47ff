"""Fit a recommender of new links to a graph, and ask it: here who of Enron will write to whom.

    python experiments/examples/fit_and_predict.py
    python experiments/examples/fit_and_predict.py --data-root ../shared/data --source 273

email-Enron is fetched if it is not under the data root; without network a small graph is generated
in its place. On email-Enron it takes a minute of one core. For an edge list of your own give
`graphlearn.fit` the file, and the column of its times if there is one:
`graphlearn.fit("messages.csv", time="sent")`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch_geometric.data import Data

import graphlearn
from graphlearn.data import load_dataset
from graphlearn.errors import DataNotFoundError
from graphlearn.serve import quality_lines


def communities(nodes: int = 600, groups: int = 30, links: int = 4_000) -> Data:
    """Nine links in ten lie within a group."""
    generator = torch.Generator().manual_seed(0)
    source = torch.randint(nodes, (links,), generator=generator)
    step = groups * torch.randint(nodes // groups, (links,), generator=generator)
    anywhere = torch.randint(nodes, (links,), generator=generator)
    target = torch.where(
        torch.rand(links, generator=generator) < 0.9, (source + step) % nodes, anywhere
    )
    kept = source != target
    return Data(edge_index=torch.stack([source[kept], target[kept]]), num_nodes=nodes)


def main() -> float:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data-root", type=Path, help="folder of the data [$GRAPHLEARN_DATA]")
    parser.add_argument("--source", type=int, help="whose links to recommend [the most linked]")
    parser.add_argument("--out", type=Path, default=Path("fit_and_predict"), help="what is written")
    options = parser.parse_args()

    try:
        graph = load_dataset("email-enron", options.data_root).data
    except DataNotFoundError as problem:
        if options.data_root is not None:  # who names a folder wants that one
            parser.error(str(problem))
        print(f"a generated graph, since email-Enron is not here: {problem}")
        graph = communities()
    source = options.source
    if source is None:
        source = int(torch.bincount(graph.edge_index.flatten()).argmax())

    model = graphlearn.fit(graph, seed=0, say=print)
    print("\n".join(quality_lines(model.quality)))  # the chosen scorer beside the heuristics

    print(f"likeliest new links of node {source}:")
    for link in model.recommend(source, k=5):
        print(f"  {link.source} - {link.target}  {link.probability:.3f}")

    options.out.mkdir(parents=True, exist_ok=True)
    rows = model.write_links(options.out / "links.csv", k=10)  # of all nodes, block by block
    print(f"{rows:,} links: {options.out / 'links.csv'}")

    model.save(options.out / "model")  # safetensors and a JSON card, no pickle
    again = graphlearn.load(options.out / "model")
    assert again.recommend(source, k=5) == model.recommend(source, k=5)
    print(f"model: {options.out / 'model'}, and read again")

    area: float = again.quality["test"][again.quality["chosen"]]["auc"]
    print(f"area under ROC on held-out links: {area:.3f}")
    return area


if __name__ == "__main__":
    main()
