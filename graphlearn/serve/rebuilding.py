"""From the tensors of a model's folder back to its parts, each of which is looked at first.

Compiled loops trust them, and whoever writes a card can write a checksum too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphlearn.errors import CheckpointError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import NCN
from graphlearn.serve.calibration import Calibration
from graphlearn.serve.candidates import CandidateSizes
from graphlearn.serve.learnt import CHANNELS, LearntScores
from graphlearn.serve.node_ids import NodeIds
from graphlearn.serve.pair_features import count_columns
from graphlearn.serve.quality import quality_lines
from graphlearn.serve.scorer import Mixer, Scorer
from graphlearn.serve.snapshot import Recency, Snapshot
from graphlearn.serve.view import View

_MOST_CANDIDATES = 10_000  # of each kind; a list of some hundred is what a fit makes
_MOST_HIDDEN = 10_000

Tensors = Mapping[str, Tensor]


class ModelParts(NamedTuple):
    """What a recommender is made of."""

    ids: NodeIds
    view: View
    scorer: Scorer
    calibration: Calibration


def rebuild(card: Mapping[str, Any], files: Mapping[str, Tensors]) -> ModelParts:
    """Make a model's parts of what :func:`graphlearn.serve.model_folder.read_folder` gave.

    Args:
        card: The card.
        files: The tensors of each file.

    Raises:
        CheckpointError: If a tensor is of another type or shape than it should be, holds NaN, or
            does not fit the others.
        GraphLearnError, KeyError, TypeError, ValueError, RuntimeError: If something is missing, or
            is something else.
    """
    quality_lines(card["quality"])
    state = _state(files["graph"])
    model = files["model"]
    vectors = _checked(model, "vectors", [torch.float32], [state.num_nodes, None])
    if vectors.size(1) == 0:
        raise CheckpointError("vectors has no columns", expected="at least one")
    learnt = _learnt(model, state) if "states" in model else None
    scorer = _scorer(card["scorer"], model, timed=state.recency is not None, learnt=learnt)
    sizes = CandidateSizes(**card["candidates"])
    if max(sizes.best, sizes.popular, sizes.nearest) > _MOST_CANDIDATES:
        raise CheckpointError(f"{sizes} are many", expected=f"at most {_MOST_CANDIDATES:,} each")
    view = View(state, vectors, sizes, learnt)
    calibration = _calibration(model, timed=state.recency is not None)
    return ModelParts(_ids(files["ids"], state.num_nodes), view, scorer, calibration)


def _checked(
    tensors: Tensors, name: str, dtypes: Sequence[torch.dtype], shape: Sequence[int | None]
) -> Tensor:
    """A tensor of one of these types and of this shape (None for any size), without NaN."""
    value = tensors[name]
    expected = ", ".join("any" if size is None else str(size) for size in shape)
    fits = value.dim() == len(shape) and all(
        size is None or size == own for size, own in zip(shape, value.shape, strict=True)
    )
    if value.dtype not in dtypes or not fits:
        raise CheckpointError(
            f"{name} is {value.dtype} {list(value.shape)}", expected=f"{dtypes[0]} [{expected}]"
        )
    if value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise CheckpointError(f"{name} holds NaN or infinity", expected="finite numbers")
    return value


def _state(graph: Tensors) -> Snapshot:
    rowptr = _checked(graph, "rowptr", [torch.int64, torch.int32], [None])
    col = _checked(graph, "col", [torch.int64, torch.int32], [None])
    nodes, entries = rowptr.numel() - 1, col.numel()
    ends = nodes >= 1 and (int(rowptr[0]), int(rowptr[-1])) == (0, entries)
    if not ends or bool((rowptr.diff() < 0).any()):
        raise CheckpointError("the graph's rows are inconsistent", expected="rows of its nodes")
    if entries and (int(col.min()) < 0 or int(col.max()) >= nodes):
        raise CheckpointError("the graph has links to no node", expected=f"nodes below {nodes}")
    begins = torch.zeros(entries + 1, dtype=torch.bool)
    begins[rowptr.long()] = True
    if bool(((col.diff() <= 0) & ~begins[1:entries]).any()):
        raise CheckpointError("the graph's rows are not sorted", expected="neighbors ascending")
    recency = None
    if "activity" in graph:
        recency = Recency(
            _checked(graph, "activity", [torch.float32], [nodes, 6]),
            _checked(graph, "entry", [torch.float32], [entries]),
        )
    return Snapshot(rowptr, col, None, recency)


def _learnt(model: Tensors, state: Snapshot) -> LearntScores:
    nodes = state.num_nodes
    states = _checked(model, "states", [torch.float32], [nodes, CHANNELS])
    predictor = NCN(CHANNELS).eval()
    predictor.load_state_dict(_numbers(_group(model, "predictor.")))
    source = torch.repeat_interleave(torch.arange(nodes), state.rowptr.long().diff())
    graph = CSRGraph.from_edge_index(torch.stack([source, state.col.long()]), nodes)
    return LearntScores(predictor, states, graph)


def _scorer(
    described: Mapping[str, Any], model: Tensors, *, timed: bool, learnt: LearntScores | None
) -> Scorer:
    columns, hidden = described["columns"], described["hidden"]
    if columns is None:
        return Scorer(str(described["name"]))
    given = count_columns(timed=timed, logit=learnt is not None)
    if columns not in (given, count_columns(timed=timed, logit=False)):
        raise CheckpointError(f"the scorer reads {columns} numbers", expected=f"{given}")
    if not isinstance(hidden, int) or not 0 <= hidden <= _MOST_HIDDEN:
        raise CheckpointError(f"hidden is {hidden!r}", expected=f"0 to {_MOST_HIDDEN:,}")
    mixer = Mixer(columns, hidden)
    mixer.load_state_dict(_numbers(_group(model, "mixer.")))
    if bool((mixer.spread <= 0).any()):
        raise CheckpointError("the scorer's spread is not positive", expected="numbers above 0")
    return Scorer(str(described["name"]), mixer.eval())


def _calibration(model: Tensors, *, timed: bool) -> Calibration:
    double = [torch.float64]
    weights = _checked(model, "calibration.weights", double, [5 if timed else 4])
    knots = _checked(model, "calibration.knots", double, [None])
    values = _checked(model, "calibration.values", double, [knots.numel()])
    steps = bool((knots.diff() < 0).any()) or bool((values.diff() < 0).any())
    outside = values.numel() > 0 and (float(values[0]) <= 0 or float(values[-1]) >= 1)
    if float(weights[0]) < 0 or steps or outside:
        raise CheckpointError(
            "the calibration turns lists around, or gives no probabilities",
            expected="ascending ones between 0 and 1",
        )
    return Calibration(weights, knots, values)


def _ids(tensors: Tensors, nodes: int) -> NodeIds:
    if "integers" in tensors:
        given = _checked(tensors, "integers", [torch.int64], [nodes])
        distinct = torch.unique(given).numel()
    else:
        text = _checked(tensors, "text", [torch.uint8], [None])
        ends = _checked(tensors, "end", [torch.int64], [nodes])
        if int(ends[0]) < 0 or bool((ends.diff() < 0).any()) or int(ends[-1]) != text.numel():
            raise CheckpointError("the names of nodes end nowhere", expected="one for each node")
        distinct = 0
    ids = NodeIds.from_tensors(dict(tensors))
    if isinstance(ids.ids, list):
        distinct = len(set(ids.ids))
    if distinct != nodes:
        raise CheckpointError(f"{nodes} nodes have {distinct} ids", expected="one for each")
    return ids


def _numbers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for name, value in tensors.items():
        if not value.is_floating_point() or not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"{name} holds NaN or no numbers", expected="finite numbers")
    return tensors


def _group(tensors: Tensors, prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
