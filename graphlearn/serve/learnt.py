"""Neural Common Neighbor on a user's own graph: trained where the graph is small enough for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data import LinkSplit, sample_non_edges
from graphlearn.data.split import message_graph
from graphlearn.kernels import CSRGraph
from graphlearn.nn import NCN, GCNEncoder, LinkModel
from graphlearn.serve.order import LinkOrder
from graphlearn.serve.own_links import OwnLinks
from graphlearn.serve.snapshot import Snapshot
from graphlearn.time_left import Advance
from graphlearn.train import EpochRecord, TrainConfig, fit_links

MOST_NODES, MOST_LINKS = 200_000, 2_000_000
"""Larger graphs do without: their encoder alone would take minutes an epoch."""

CHANNELS = 32
_LINKS_IN_ALL = 3_000_000  # links times epochs
_PAIRS_AT_A_TIME = 65_536


@dataclass(frozen=True, eq=False, repr=False)
class LearntScores:
    """A trained predictor with the representations that it reads.

    Args:
        predictor: NCN, in evaluation mode.
        states: The nodes' representations.
        graph: The graph that common neighbors are taken from.

    Shapes:
        - **states**: ``[N, C]``

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 3)
        >>> LearntScores(NCN(4).eval(), torch.zeros(3, 4), graph)(torch.tensor([[0], [2]])).shape
        torch.Size([1])
    """

    predictor: NCN
    states: Tensor
    graph: CSRGraph

    def __call__(self, pairs: Tensor) -> Tensor:
        """A logit for each pair, ``[B]`` float32.

        Rounded to the fourth decimal: matrix products differ by less with the number of pairs.
        """
        with torch.no_grad():
            parts = [
                self.predictor(self.states, self.graph, part)
                for part in torch.split(pairs, _PAIRS_AT_A_TIME, dim=1)
            ]
        return torch.cat(parts).round(decimals=4) if pairs.size(1) else torch.empty(0)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.states.size(1)} channels)"


def can_train(own: OwnLinks) -> bool:
    """Whether a graph is small enough, and has pairs enough that are not linked.

    Example:
        >>> can_train(OwnLinks(["a", "b", "c"], torch.tensor([[0], [1]])))
        True
    """
    small = own.num_nodes <= MOST_NODES and own.links.size(1) <= MOST_LINKS
    return small and dense_note(own) is None


def dense_note(own: OwnLinks) -> str | None:
    """A line for a graph too nearly complete to draw negatives from, one for each link, or None.

    Example:
        >>> dense_note(OwnLinks(["a", "b", "c"], torch.tensor([[0, 1], [1, 2]])))
        'NCN is left out: of 3 pairs of nodes only 1 is not linked'
    """
    pairs = own.num_nodes * (own.num_nodes - 1) // 2
    room = pairs - own.links.size(1)
    if room >= own.links.size(1):
        return None
    are = "is" if room == 1 else "are"
    return f"NCN is left out: of {pairs:,} pairs of nodes only {room:,} {are} not linked"


def train_model(
    own: OwnLinks,
    order: LinkOrder,
    features: Tensor | None,
    *,
    seed: int,
    advance: Advance | None = None,
) -> LinkModel:
    """Train GCN and NCN on the links before the first cut; stop by those of the part after it.

    Args:
        own: The graph, one that :func:`can_train` accepts.
        order: Its cuts.
        features: The nodes' numbers, standardized; None learns a vector for each node.
        seed: Of weights, negatives and dropout.
        advance: Told of each epoch.

    Shapes:
        - **features**: ``[N, F]``
    """
    known = own.links[:, order.known(order.cuts[0])]
    valid, test = (own.links[:, order.part(name)] for name in ("learn", "choose"))
    sizes = [valid.size(1), test.size(1)]
    generator = torch.Generator().manual_seed(seed)
    negatives = sample_non_edges(own.links, own.num_nodes, sum(sizes), generator)
    split = LinkSplit(
        message_graph(Data(x=features, num_nodes=own.num_nodes), known),
        known,
        valid,
        negatives[:, : sizes[0]],
        test,
        negatives[:, sizes[0] :],
        rule="own",
        seed=seed,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = GCNEncoder(
            None if features is None else features.size(1),
            CHANNELS,
            num_layers=2,
            num_embeddings=own.num_nodes if features is None else None,
            dropout=0.2,
            output_dropout=0.2,
            layer_norm=True,
        )
        model = LinkModel(encoder, NCN(CHANNELS, dropout=0.2))
    config = TrainConfig(
        epochs=max(3, min(30, _LINKS_IN_ALL // known.size(1))),
        batch_size=max(64, min(8192, known.size(1) // 10)),
        encoder_learning_rate=5e-3,
        predictor_learning_rate=5e-3,
        patience=6,
        clip_gradient_norm=1.0,
    )

    def tell(record: EpochRecord) -> None:
        if advance is not None:
            advance(record.epoch, config.epochs, "epochs")

    fit_links(model, split, config, seed=seed, metrics=["mrr"], on_epoch=tell)
    return model.eval()


def learnt_scores(
    model: LinkModel, graph: CSRGraph, state: Snapshot, features: Tensor | None
) -> LearntScores:
    """The trained model as it scores from what is known at a cut.

    Args:
        model: What :func:`train_model` gave.
        graph: The graph of all links.
        state: What of it is known.
        features: As in training.

    Shapes:
        - **features**: ``[N, F]``
    """
    seen = graph if state.keep is None else graph.with_mask(state.keep)
    with torch.no_grad():
        states = model.eval().encode(features, seen)
    assert isinstance(model.predictor, NCN)
    return LearntScores(model.predictor, states, seen)
