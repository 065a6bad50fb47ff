"""The fitted model: asks for the likeliest new links of one node, of some, or of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphlearn import __version__
from graphlearn.errors import CheckpointError, GraphLearnError
from graphlearn.serve.calibration import Calibration
from graphlearn.serve.links_file import LinkRows, check_links_place, links_file
from graphlearn.serve.model_folder import read_folder, write_folder
from graphlearn.serve.nearest import NearestNodes
from graphlearn.serve.node_ids import NodeIds
from graphlearn.serve.ranking import rank_links
from graphlearn.serve.rebuilding import rebuild
from graphlearn.serve.scorer import Scorer
from graphlearn.serve.view import View
from graphlearn.time_left import Advance
from graphlearn.validate import check_size

_BLOCK = 1024  # sources; some 200,000 candidates
_MOST_ROWS = 1 << 20
# What a card or tensors of another layout make Python and torch say.
_MISLAID = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError)


class Recommendation(NamedTuple):
    """A new link.

    Args:
        source: The id of the node that was asked for.
        target: The id of the other.
        probability: That the link is among the next ``quality["next_links"]`` ones of the graph: as
            many as were held out to find this out.
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

        Up to some hundred are compared by all that was learnt. If more are asked for, further nodes
        follow behind them, down to the last that is not linked.

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
        advance: Advance | None = None,
    ) -> int:
        """Write :meth:`recommend_all` to a csv or parquet file as it goes, and return its rows.

        Args:
            path: The file.
            k: As in :meth:`recommend_all`.
            sources: As in :meth:`recommend_all`.
            search: As in :meth:`recommend_all`.
            advance: Told how many sources are done: ``(1024, 5000, "sources")``.

        Raises:
            GraphLearnError: As :meth:`recommend_all`, or if the file could not be written.
        """
        check_links_place(path)
        sources = None if sources is None else list(sources)
        total = len(self.ids) if sources is None else len(sources)
        blocks = self.row_blocks(k, sources=sources, search=search)
        rows, step = 0, _block(min(k, len(self.ids)))
        with links_file(path, integers=self.ids.are_integers) as write:
            for number, block in enumerate(blocks, start=1):
                write(block)
                rows += len(block.source)
                if advance is not None:
                    advance(min(number * step, total), total, "sources")
        return rows

    def row_blocks(
        self, k: int, *, sources: Iterable[Any] | None = None, search: str = "auto"
    ) -> Iterator[LinkRows]:
        """The rows of :meth:`recommend_all`, some hundred sources at a time.

        Raises:
            GraphLearnError: As :meth:`recommend_all`; before the first block.
        """
        k = min(check_size(k, name="top"), len(self.ids))
        numbers = torch.arange(len(self.ids)) if sources is None else self.ids.numbers(sources)
        view = self.view
        if search != "auto" or numbers.numel() > 1:
            nearest = NearestNodes(view.vectors, search=search, num_sources=numbers.numel())
            view = View(view.state, view.vectors, view.sizes, view.learnt, nearest)
        return (self._rows(view, block, k) for block in torch.split(numbers, _block(k)))

    def _rows(self, view: View, sources: Tensor, k: int) -> LinkRows:
        found = rank_links(view, self.scorer, self.calibration, sources, k)
        return LinkRows(
            self.ids.of(found.source),
            (found.rank + 1).tolist(),
            self.ids.of(found.node),
            found.chance.tolist(),
        )

    def save(self, folder: Path | str) -> None:
        """Write the model to a folder, which appears whole; an older model there is replaced.

        Raises:
            InputTypeError: If it is no path.
            InputError: If something else is there, or something beside a model.
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
        InputTypeError: If it is no path.
        DataNotFoundError: If there is no model.
        CheckpointError: If it is damaged, or of another version.
        UnsafeFileError: If a file has changed since it was written.
    """
    card, files = read_folder(folder)
    try:
        parts = rebuild(card, files)
    except GraphLearnError as problem:
        raise CheckpointError(
            f"{folder} does not fit together ({problem})", mend="fit again"
        ) from problem
    except (*_MISLAID, ValueError) as problem:
        reason = " ".join(f"{type(problem).__name__}: {problem}".split())[:200]
        raise CheckpointError(
            f"{folder} is not laid out as a model of this version ({reason})",
            expected="a model that this version of graphlearn wrote",
        ) from problem
    return LinkRecommender(*parts, card)


def _block(k: int) -> int:
    """How many sources at a time."""
    return max(1, min(_BLOCK, _MOST_ROWS // k))
