"""What the layers give for a whole graph now, with nothing old in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.borders import Borders
from graphlearn.pipeline.chunk import GraphChunk
from graphlearn.pipeline.stage import Stage


@torch.no_grad()
def whole_pass(stage: Stage, borders: Borders, epoch: int) -> list[Tensor]:
    """Bring all chunks through a stage layer by layer, so that every halo is fresh.

    Every process has to call it. Layers drop as in this epoch, if they are in training.

    Args:
        stage: The stage; its fresh rows are those of the whole graph afterwards.
        borders: Of the stage.
        epoch: Which one.

    Returns:
        What the stage gives for every chunk, by number.

    Example:
        >>> from graphlearn.pipeline.held_rows import HeldRows
        >>> from graphlearn.pipeline.layer_rows import Alone
        >>> from graphlearn.pipeline.layout import Layout
        >>> from graphlearn.pipeline.place import Place
        >>> from graphlearn.pipeline.widths import LayerWidth
        >>> class Halo(torch.nn.Module):
        ...     def forward(self, x, chunk):
        ...         return x[chunk.num_nodes :]
        >>> layout = Layout(torch.tensor([[0, 1], [1, 0]]), 2, 2, chunk_of=torch.tensor([0, 1]))
        >>> chunks, cpu = [layout.chunk(0), layout.chunk(1)], torch.device("cpu")
        >>> stage = Stage(
        ...     [Halo()],
        ...     0,
        ...     chunks,
        ...     HeldRows(chunks, layout.chunk_of),
        ...     [1, 1],
        ...     dtype=torch.float32,
        ...     device=cpu,
        ...     gamma=2.0,
        ...     recompute=True,
        ...     exchange=Alone(),
        ...     seed=0,
        ... )
        >>> width, x = LayerWidth(1, None, torch.float32), torch.tensor([[5.0], [6.0]])
        >>> borders = Borders(Place(1, 1), chunks, before=width, after=width, x=x, device=cpu)
        >>> [rows.tolist() for rows in whole_pass(stage, borders, epoch=0)]
        [[[6.0]], [[5.0]]]
    """
    order = list(range(len(stage.chunks)))
    stage.begin_epoch(epoch, order, all_fresh=True)
    passing = list(borders.incoming(order))
    for i in range(len(stage.layers)):
        rows = stage.rows[i]
        if rows is not None:
            for chunk, given in enumerate(passing):
                rows.store(chunk, given.rows)
        passing = [
            stage.run_layer(i, chunk, given, store=False) for chunk, given in enumerate(passing)
        ]
    for given in passing:
        borders.hand_on(given)
    borders.flush()
    return [given.rows for given in passing]


def check_mask(mask: Any, num_nodes: int) -> None:
    """Raise unless a mask says of every node whether it is chosen.

    Args:
        mask: What was given.
        num_nodes: Number of nodes of the graph.

    Raises:
        InputTypeError: If it is no bool tensor.
        InputError: If it is of another number of nodes.

    Example:
        >>> check_mask(torch.ones(2, dtype=torch.bool), 2)
    """
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        kind = f"of dtype {mask.dtype}" if isinstance(mask, Tensor) else type(mask).__name__
        raise InputTypeError(f"the mask is {kind}", expected=f"a bool tensor [{num_nodes}]")
    if mask.shape != (num_nodes,):
        raise InputError(
            f"the mask has shape {list(mask.shape)}", expected=f"[{num_nodes}], one for each node"
        )


def spread_rows(
    outputs: Sequence[Tensor], chunks: Sequence[GraphChunk], num_nodes: int
) -> tuple[Tensor, Tensor]:
    """Rows of chunks as rows of the graph, and which nodes have one; the others' are zero.

    Args:
        outputs: Of every chunk.
        chunks: The chunks.
        num_nodes: Number of nodes of the graph.

    Shapes:
        - **output**: ``[N, C]`` and ``[N]`` bool, on the CPU

    Example:
        >>> from graphlearn.pipeline.layout import Layout
        >>> layout = Layout(torch.tensor([[0], [1]]), 3, 1)
        >>> rows, known = spread_rows([torch.ones(3, 1)], [layout.chunk(0)], 3)
        >>> rows.shape, known.tolist()
        (torch.Size([3, 1]), [True, True, True])
    """
    found = torch.zeros(num_nodes, *outputs[0].shape[1:], dtype=outputs[0].dtype)
    known = torch.zeros(num_nodes, dtype=torch.bool)
    for chunk, rows in zip(chunks, outputs, strict=True):
        nodes = chunk.nodes.cpu()
        found[nodes], known[nodes] = rows.cpu(), True
    return found, known
