"""An encoder whose messages are weighed anew, as training goes on, by what the model scores."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph, as_graph
from graphlearn.modes import evaluating
from graphlearn.nn.conv.propagation import propagate, weighted_edges
from graphlearn.nn.encoder.registry import make_encoder
from graphlearn.nn.registries import ENCODERS
from graphlearn.registry import unknown_name
from graphlearn.topology import reweighted_messages
from graphlearn.topology.message_weights import MESSAGE_FORMS
from graphlearn.typing import EdgeIndex, Scores
from graphlearn.validate import check_flag, check_number, check_size

_PORTION = 2**16  # edges scored at a time


@ENCODERS.register("reweighted")
class ReweightedEncoder(nn.Module):
    r"""Weighs messages by the model's own scores of the edges, from `"A Topological Perspective on
    Demystifying GNN-Based Link Prediction Performance" <https://arxiv.org/abs/2310.04612>`_,
    algorithm 1.

    After each epoch that is a multiple of ``interval``, from ``warm_up`` on, with the
    representations :math:`\mathbf{h}` that the encoder gives under its present weights,

    .. math::
        s_{ij} = \sigma(\mathrm{predictor}(\mathbf{n}_i \odot \mathbf{h}_j)), \qquad
        \mathbf{n}_i = \sum_{j \in N_i \cup \{i\}} \hat A_{ij} \mathbf{h}_j,

    become the weights of :func:`graphlearn.topology.reweighted_messages`: a node listens more to
    neighbors that are like its neighborhood as a whole, which is what topological concentration
    measures. New weights always start from the plain ones, as in the paper's code. A predictor
    without a form for two vectors, such as :class:`NCN`, scores the edge (i, j) itself.

    Until then the encoder is the one it wraps. The scores are buffers: they are saved with the
    model, and the trainer calls :meth:`after_epoch`; in a loop of your own call :meth:`update`.
    They belong to one graph. Where it is masked, as by the removal of target links, the weights are
    those of the masked graph: nothing shows where an edge was. For weights by the structure alone
    see :class:`graphlearn.transforms.TopologicalReweight`.

    The encoder is one of this package's, or any module called with ``(x, edge_index,
    edge_weight=...)`` that adds no self-loops and no normalization of its own, such as PyG's
    ``GCN(..., normalize=False, add_self_loops=False)``.

    Args:
        in_channels (int, optional): Number of features; None where there are none, or where
            ``encoder`` is a module.
        encoder (torch.nn.Module, str or dict): The encoder, or its name in recipes, alone or with
            options.
        num_nodes (int): Number of nodes of the graph.
        num_entries (int): Number of its entries: twice its edges.
        num_embeddings (int, optional): Number of nodes, for a graph without features.
        alpha (float): How much is added to the plain weights. (default: :obj:`1.0`)
        form (str): The plain weights: ``"gcn"`` or ``"sage"``. (default: :obj:`"gcn"`)
        warm_up (int): Weights are made after no epoch before this. (default: :obj:`1`)
        interval (int): They are made after each multiple of this. (default: :obj:`1`)
        as_published (bool): Give the message from j to i the weight that the one from i to j has,
            as the paper's code does: shares then are among those that j speaks to.
            (default: :obj:`False`)
        equal_scores (bool): Score every edge alike: the control that shows what larger weights do
            without the scores. (default: :obj:`False`)

    Shapes:
        - **x**: what the encoder takes; **graph**: a ``CSRGraph`` or an ``edge_index [2, E]``
        - **output**: ``[N, C]``

    Raises:
        InputTypeError: If ``encoder`` is none, or cannot be given weights, or a size no integer.
        InputError: If an option is out of range, or a graph is not the one the weights are for.

    Example:
        >>> from graphlearn.nn import HadamardPredictor, LinkModel
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2], [1, 2, 3]]))
        >>> encoder = ReweightedEncoder(5, {"name": "gcn", "hidden_channels": 8}, num_nodes=4,
        ...     num_entries=6, alpha=2.0)
        >>> model, x = LinkModel(encoder, HadamardPredictor(8)), torch.randn(4, 5)
        >>> encoder.update(model.predictor, x, graph)
        >>> model(x, graph, torch.tensor([[0], [2]])).shape
        torch.Size([1])
    """

    scores: Tensor
    loop_scores: Tensor
    graph_mark: Tensor

    def __init__(
        self,
        in_channels: int | None,
        encoder: nn.Module | str | dict[str, Any],
        *,
        num_nodes: int,
        num_entries: int,
        num_embeddings: int | None = None,
        alpha: float = 1.0,
        form: str = "gcn",
        warm_up: int = 1,
        interval: int = 1,
        as_published: bool = False,
        equal_scores: bool = False,
    ) -> None:
        super().__init__()
        self.alpha = check_number(alpha, name="alpha")
        if self.alpha < 0:
            raise InputError(f"alpha is {alpha}", expected="a number >= 0")
        if form not in MESSAGE_FORMS:
            raise unknown_name("form", form, MESSAGE_FORMS)
        check_flag(as_published, name="as_published")
        check_flag(equal_scores, name="equal_scores")
        self.form, self.as_published, self.equal_scores = form, as_published, equal_scores
        self.warm_up = check_size(warm_up, name="warm_up")
        self.interval = check_size(interval, name="interval")
        self.encoder = make_encoder(encoder, in_channels, num_embeddings=num_embeddings)
        self.out_channels = int(self.encoder.out_channels)  # type: ignore[arg-type]
        self._reads_graph = bool(getattr(self.encoder, "reads_message_weights", False))
        if not self._reads_graph and "edge_weight" not in _arguments(self.encoder):
            raise InputTypeError(
                f"the encoder {type(self.encoder).__name__} takes no edge_weight",
                expected="an encoder of this package, or one called with (x, edge_index, "
                "edge_weight=...)",
            )
        self.register_buffer("scores", torch.zeros(_size(num_entries, "num_entries")))
        self.register_buffer("loop_scores", torch.zeros(_size(num_nodes, "num_nodes")))
        # Of the graph that the scores are of; 0 before there are any.
        self.register_buffer("graph_mark", torch.zeros((), dtype=torch.int64))
        self._marked: tuple[Tensor | None, int] = (None, 0)

    def reset_parameters(self) -> None:
        """Draw new weights of the encoder, and forget the scores."""
        self.encoder.reset_parameters()  # type: ignore[operator]
        self.graph_mark.zero_()

    def forward(self, x: Tensor | None, graph: CSRGraph | EdgeIndex) -> Tensor:
        """Return a representation of every node."""
        graph = as_graph(graph, self.loop_scores.numel())
        mark = self._mark(graph)
        if int(self.graph_mark) == 0:
            return self._encode(x, graph)
        if int(self.graph_mark) != mark:
            raise InputError(
                "the graph has other edges than the one whose messages were weighed",
                expected="that graph, of which edges may be masked",
                mend="update() on this one",
            )
        return self._encode(x, self.weigh(graph))

    def weigh(self, graph: CSRGraph) -> CSRGraph:
        """Return a graph, masked or not, with the weights that its messages have.

        Args:
            graph: The graph of the last update.
        """
        weighted = reweighted_messages(
            graph,
            self.scores,
            self.loop_scores,
            alpha=self.alpha,
            form=self.form,  # type: ignore[arg-type]
        )
        if self.as_published:
            assert weighted.weight is not None
            assert weighted.loop_weight is not None
            turned = weighted.weight[graph.reverse_entry]
            weighted = weighted.with_weights(turned, weighted.loop_weight)
        return weighted

    @torch.no_grad()
    def update(self, predictor: nn.Module, x: Tensor | None, graph: CSRGraph | EdgeIndex) -> None:
        """Weigh the messages by the scores that the model has now.

        Cost: one pass of the encoder, one propagation, and one score of every entry.

        Args:
            predictor: Scores two vectors (``score_vectors(left, right)``), or pairs.
            x: What the encoder takes.
            graph: The graph.

        Shapes:
            - **x**: ``[N, in_channels]``

        Raises:
            InputError: If the graph has not as many nodes and entries as this was made for.
        """
        graph = as_graph(graph, self.loop_scores.numel())
        mark = self._mark(graph)
        if self.equal_scores:
            self.scores.zero_()
            self.loop_scores.zero_()
            self.graph_mark.fill_(mark)
            return
        with evaluating(self, predictor):
            known = int(self.graph_mark) == mark
            h = self(x, graph) if known else self._encode(x, graph)
            zeros = h.new_zeros(graph.col.numel()), h.new_zeros(graph.num_nodes)
            plain = reweighted_messages(graph, *zeros, alpha=0.0, form=self.form)  # type: ignore[arg-type]
            around = propagate(h, plain)
            nodes = torch.arange(graph.num_nodes, device=h.device)
            entries = _scores(predictor, graph, around, h, graph.entry_row.long(), graph.col.long())
            loops = _scores(predictor, graph, around, h, nodes, nodes)
        self.scores.copy_(entries)
        self.loop_scores.copy_(loops)
        self.graph_mark.fill_(mark)

    def after_epoch(self, epoch: int, model: nn.Module, x: Tensor | None, graph: CSRGraph) -> None:
        """What the trainer calls: :meth:`update`, if it is time.

        Args:
            epoch: The epoch that is done, from 1.
            model: The model, with a ``predictor``.
            x: Node features.
            graph: The training graph.

        Shapes:
            - **x**: ``[N, in_channels]``
        """
        if epoch >= self.warm_up and epoch % self.interval == 0:
            predictor = model.predictor
            assert isinstance(predictor, nn.Module)
            self.update(predictor, x, graph)

    def _encode(self, x: Tensor | None, graph: CSRGraph) -> Tensor:
        if self._reads_graph:
            out: Tensor = self.encoder(x, graph)
            return out
        if graph.weight is None:
            zeros = torch.zeros(graph.col.numel()), torch.zeros(graph.num_nodes)
            same = self.scores.device, self.scores.dtype
            graph = reweighted_messages(
                graph,
                *(part.to(*same) for part in zeros),
                alpha=0.0,
                form=self.form,  # type: ignore[arg-type]
            )
        edge_index, weight = weighted_edges(graph)
        of_edges: Tensor = self.encoder(x, edge_index, edge_weight=weight)
        return of_edges

    def _mark(self, graph: CSRGraph) -> int:
        """A number that another graph of this size hardly has; kept for a graph and its views."""
        if graph.col.numel() != self.scores.numel():
            raise InputError(
                f"the graph has {graph.col.numel()} entries",
                expected=f"{self.scores.numel()}, those of the graph that messages are weighed on",
                mend="predict from the training graph, without validation links at test time",
            )
        if self._marked[0] is not graph.col:
            # Wraps around, which is as good.
            key = graph.entry_key.cpu() + 1
            place = torch.arange(1, key.numel() + 1)
            self._marked = (graph.col, int((key * 0x9E3779B97F4A7C1 * place).sum()) | 1)
        return self._marked[1]

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        text = f"alpha={self.alpha}, form={self.form!r}, warm_up={self.warm_up}"
        return (
            text
            + f", interval={self.interval}"
            + (", as_published=True" if self.as_published else "")
            + (", equal_scores=True" if self.equal_scores else "")
        )


def _scores(
    predictor: nn.Module, graph: CSRGraph, around: Tensor, h: Tensor, row: Tensor, col: Tensor
) -> Scores:
    vectors = getattr(predictor, "score_vectors", None)
    parts = []
    for own, other in zip(torch.split(row, _PORTION), torch.split(col, _PORTION), strict=True):
        scores: Scores = (
            predictor(h, graph, torch.stack([own, other]))
            if vectors is None
            else vectors(around[own], h[other])
        )
        parts.append(scores)
    return torch.cat(parts).sigmoid() if parts else h.new_zeros(0)


def _arguments(module: nn.Module) -> set[str]:
    return set(inspect.signature(module.forward).parameters)


def _size(value: int, name: str) -> int:
    """A size that may be 0: of a graph without nodes or edges."""
    return value if value == 0 and not isinstance(value, bool) else check_size(value, name=name)
