"""The fitted model: asks for the likeliest new links of one node, of some, or of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphlearn import __version__
from graphlearn.errors import CheckpointError, GraphLearnError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import NCN
from graphlearn.serve.calibration import Calibration
from graphlearn.serve.candidates import CandidateSizes
from graphlearn.serve.learnt import CHANNELS, LearntScores
from graphlearn.serve.links_file import LinkRows, check_links_name, links_file
from graphlearn.serve.lists import list_order
from graphlearn.serve.model_folder import read_folder, write_folder
from graphlearn.serve.nearest import NearestNodes
from graphlearn.serve.node_ids import NodeIds
from graphlearn.serve.scorer import Mixer, Scorer
from graphlearn.serve.snapshot import Recency, Snapshot
from graphlearn.serve.view import View
from graphlearn.validate import check_size, id_range

_BLOCK = 1024  # sources; some 200,000 candidates


class Recommendation(NamedTuple):
    """A new link.

    Args:
        source: The id of the node that was asked for.
        target: The id of the other.
        probability: That the link is among as many further ones as were held out, a tenth.
    """

    source: Any
    target: Any
    probability: float


class LinkRecommender:
    """Recommends new links of a graph; :func:`graphlearn.fit` makes one.

    Never recommended are links that the graph has, or a node itself. The lists are the same each
    time: equal scores are ordered by the nodes' numbers.

    Args:
        ids: The id of each node.
        view: Makes candidate lists.
        scorer: Scores them.
        calibration: Turns scores into probabilities.
        card: What a fit found: JSON values.

    Example:
        >>> import graphlearn
        >>> ring = [(i, (i + step) % 30) for i in range(30) for step in (1, 2)]
        >>> model = graphlearn.fit(ring)
        >>> len(model.recommend(0, k=3))
        3
    """

    def __init__(
        self,
        ids: NodeIds,
        view: View,
        scorer: Scorer,
        calibration: Calibration,
        card: Mapping[str, Any],
    ) -> None:
        self.ids, self.view, self.scorer = ids, view, scorer
        self.calibration, self.card = calibration, dict(card)

    @property
    def quality(self) -> dict[str, Any]:
        """What was measured on links held out: for each scorer its hit rate at 10, MRR and AUC."""
        found: dict[str, Any] = self.card["quality"]
        return found

    def recommend(self, source: Any, k: int = 10) -> list[Recommendation]:
        """The ``k`` likeliest new links of a node, the likeliest first; fewer if there are fewer.

        Args:
            source: Its id.
            k: How many.

        Raises:
            InputError: If the node is not known, or ``k`` is below 1.
        """
        return list(self.recommend_all(k, sources=[source]))

    def recommend_all(
        self, k: int = 10, *, sources: Iterable[Any] | None = None, search: str = "auto"
    ) -> Iterator[Recommendation]:
        """The ``k`` likeliest new links of every node, or of some, node by node.

        Args:
            k: How many of each.
            sources: Ids; all nodes in the order of their numbers if None.
            search: How to find nearest nodes, see :class:`graphlearn.serve.NearestNodes`.

        Raises:
            InputError: If a node is not known, or ``k`` is below 1.
            MissingExtraError: If ``search`` is ``"hnsw"`` and faiss is not installed.
        """
        for rows in self.row_blocks(k, sources=sources, search=search):
            yield from map(Recommendation, rows.source, rows.target, rows.probability)

    def write_links(
        self,
        path: Path | str,
        k: int = 10,
        *,
        sources: Iterable[Any] | None = None,
        search: str = "auto",
    ) -> int:
        """Write :meth:`recommend_all` to a csv or parquet file as it goes, and return its rows.

        Raises:
            GraphLearnError: As :meth:`recommend_all`, or if the file could not be written.
        """
        check_links_name(path)
        blocks = self.row_blocks(k, sources=sources, search=search)
        rows = 0
        with links_file(path, integers=self.ids.are_integers) as write:
            for block in blocks:
                write(block)
                rows += len(block.source)
        return rows

    def row_blocks(
        self, k: int, *, sources: Iterable[Any] | None = None, search: str = "auto"
    ) -> Iterator[LinkRows]:
        """The rows of :meth:`recommend_all`, some hundred sources at a time.

        Raises:
            GraphLearnError: As :meth:`recommend_all`; before the first block.
        """
        k = check_size(k, name="top")
        numbers = torch.arange(len(self.ids)) if sources is None else self.ids.numbers(sources)
        view = self.view
        if search != "auto" or numbers.numel() > 1:
            nearest = NearestNodes(view.vectors, search=search, num_sources=numbers.numel())
            view = View(view.state, view.vectors, view.sizes, view.learnt, nearest)
        return (self._rows(view, block, k) for block in torch.split(numbers, _BLOCK))

    def _rows(self, view: View, sources: Tensor, k: int) -> LinkRows:
        lists = view.lists(sources)
        score = self.scorer(lists)
        order, rank = list_order(lists.place, score)
        chance = self.calibration(lists, score, view.state.degree)
        best = order[rank < k]
        return LinkRows(
            self.ids.of(lists.source[best]),
            (rank[rank < k] + 1).tolist(),
            self.ids.of(lists.node[best]),
            chance[best].tolist(),
        )

    def save(self, folder: Path | str) -> None:
        """Write the model to a folder, which appears whole; an older model there is replaced.

        Raises:
            InputError: If something else is there.
            OutputError: If it could not be written.
        """
        view, calibration = self.view, self.calibration
        graph = {"rowptr": view.state.rowptr, "col": view.state.col}
        if view.state.recency is not None:
            graph |= {"activity": view.state.recency.activity, "entry": view.state.recency.entry}
        model = {"vectors": view.vectors, "calibration.weights": calibration.weights}
        model |= {"calibration.knots": calibration.knots, "calibration.values": calibration.values}
        if self.scorer.mixer is not None:
            model |= {f"mixer.{k}": v for k, v in self.scorer.mixer.state_dict().items()}
        if view.learnt is not None:
            predictor = view.learnt.predictor.state_dict()
            model |= {"states": view.learnt.states}
            model |= {f"predictor.{name}": value for name, value in predictor.items()}
        mixer = self.scorer.mixer
        sizes = view.sizes
        card = {
            **self.card,
            "graphlearn": __version__,
            "scorer": {
                "name": self.scorer.name,
                "columns": None if mixer is None else mixer.columns,
                "hidden": None if mixer is None else mixer.hidden,
            },
            "candidates": {
                "best": sizes.best,
                "popular": sizes.popular,
                "nearest": sizes.nearest,
                "budget": sizes.budget,
            },
        }
        write_folder(folder, card, {"graph": graph, "ids": self.ids.tensors(), "model": model})

    def __repr__(self) -> str:
        state = self.view.state
        return f"{type(self).__name__}({state}, scorer={self.scorer.name!r})"


def load_link_model(folder: Path | str) -> LinkRecommender:
    """Read a model that :meth:`LinkRecommender.save` or ``graphlearn fit`` wrote.

    Args:
        folder: Its folder.

    Raises:
        DataNotFoundError: If there is no model.
        CheckpointError: If it is damaged, or of another version.
        UnsafeFileError: If a file has changed since it was written.
    """
    card, files = read_folder(folder)
    try:
        return _rebuilt(card, files)
    except GraphLearnError as problem:
        raise CheckpointError(
            f"{folder} does not fit together ({problem})", mend="fit again"
        ) from problem
    except (KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise CheckpointError(
            f"{folder} is not laid out as a model of this version ({problem!r})",
            expected="a model that this version of graphlearn wrote",
        ) from problem


def _rebuilt(card: dict[str, Any], files: dict[str, dict[str, Tensor]]) -> LinkRecommender:
    graph, model = files["graph"], files["model"]
    rowptr, col = graph["rowptr"], graph["col"]
    nodes = rowptr.numel() - 1
    # Compiled loops trust these: whoever writes a card can write a checksum too.
    low, high = id_range(col) if col.numel() else (0, -1)
    ends = (int(rowptr[0]), int(rowptr[-1]))
    if ends != (0, col.numel()) or bool((rowptr.diff() < 0).any()) or low < 0 or high >= nodes:
        raise CheckpointError("the graph's rows are inconsistent", expected="rows of its nodes")
    recency = None
    if "activity" in graph:
        recency = Recency(graph["activity"], graph["entry"])
    state = Snapshot(rowptr, col, None, recency)
    learnt = None
    if "states" in model:
        predictor = NCN(CHANNELS).eval()
        predictor.load_state_dict(_group(model, "predictor."))
        whole = CSRGraph.from_edge_index(
            torch.stack([torch.repeat_interleave(torch.arange(nodes), rowptr.diff()), col.long()]),
            nodes,
        )
        learnt = LearntScores(predictor, model["states"], whole)
    described = card["scorer"]
    mixer = None
    if described["columns"] is not None:
        mixer = Mixer(described["columns"], described["hidden"])
        mixer.load_state_dict(_group(model, "mixer."))
        mixer.eval()
    calibration = Calibration(*(model[f"calibration.{n}"] for n in ("weights", "knots", "values")))
    ids = NodeIds.from_tensors(files["ids"])
    rows = {"ids": len(ids), "vectors": model["vectors"].size(0)}
    if learnt is not None:
        rows["states"] = learnt.states.size(0)
    if recency is not None:
        rows["activity"] = recency.activity.size(0)
    for name, count in rows.items():
        if count != nodes:
            raise CheckpointError(
                f"{name} has {count} rows", expected=f"{nodes}, one for each node"
            )
    view = View(state, model["vectors"], CandidateSizes(**card["candidates"]), learnt)
    return LinkRecommender(ids, view, Scorer(described["name"], mixer), calibration, card)


def _group(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
