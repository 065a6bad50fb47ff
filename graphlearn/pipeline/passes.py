"""A training epoch's two passes of all chunks through a stage: forward, and back in reverse."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from graphlearn.pipeline.borders import Borders
from graphlearn.pipeline.finite import FiniteWatch
from graphlearn.pipeline.records import Turn
from graphlearn.pipeline.stage import Stage
from graphlearn.pipeline.targets import Targets


class Passes:
    """Lets chunks have their turns on a stage, and notes when each one had them.

    Args:
        stage: The stage.
        borders: Where its chunks come from and go to.
        targets: Of the last stage; None on another one, which has gradients from the next.
        finite: Looks at rows and gradients.

    Example:
        >>> from graphlearn.pipeline import PipelineTrainer
        >>> from torch_geometric.data import Data
        >>> class Layer(torch.nn.Linear):
        ...     def forward(self, x, chunk):
        ...         return super().forward(x[: chunk.num_nodes])
        >>> edge_index = torch.tensor([[0, 1], [1, 0]])
        >>> data = Data(x=torch.eye(2), edge_index=edge_index, y=torch.tensor([0, 1]))
        >>> data.train_mask = torch.ones(2, dtype=torch.bool)
        >>> record = PipelineTrainer([Layer(2, 2)], data, chunks=2, shuffle=False).train_epoch()
        >>> [(turn.chunk, turn.forward) for turn in record.turns]
        [(0, True), (1, True), (1, False), (0, False)]
    """

    def __init__(
        self, stage: Stage, borders: Borders, targets: Targets | None, finite: FiniteWatch
    ) -> None:
        self._stage, self._borders, self._targets = stage, borders, targets
        self._finite = finite
        self.turns: list[Turn] = []

    def begin_epoch(self, epoch: int, order: Sequence[int], began: float) -> None:
        """Get ready for an epoch's chunks.

        Args:
            epoch: Which one.
            order: Of its chunks.
            began: When it began, by ``time.perf_counter``; turns count from there.
        """
        self._order, self._began, self.turns = list(order), began, []
        self._stage.begin_epoch(epoch, self._order)
        self._finite.begin_epoch()

    def forward(self) -> None:
        """All chunks forward."""
        for chunk, given in zip(self._order, self._borders.incoming(self._order), strict=True):
            begin = time.perf_counter()
            result = self._stage.forward(chunk, given)
            self._finite.see_rows(result.rows)
            self._borders.hand_on(result)
            self._note(chunk, True, begin)
        self._borders.flush()

    def backward(self) -> float:
        """All chunks back; leaves gradients of the mean loss in the weights.

        Returns:
            The sum of the chunks' losses; 0 on all but the last stage.
        """
        back, self._losses = self._order[::-1], 0.0
        for chunk, (begin, gradients) in zip(back, self._gradients(back), strict=True):
            down = self._stage.backward(chunk, gradients)
            self._finite.see_gradients(down)
            self._borders.hand_back(chunk, down)
            self._note(chunk, False, begin)
        self._borders.flush()
        return self._losses

    def _gradients(self, back: Sequence[int]) -> Iterator[tuple[float, list[Tensor | None]]]:
        """The gradients of what each chunk gave, from the loss or from the next stage.

        With the time when work on them began: the loss is work, a message is waited for.
        """
        if self._targets is None:
            for gradients in self._borders.gradients(back):
                yield time.perf_counter(), gradients
            return
        scale = 1.0 / self._targets.count
        for chunk in back:
            begin = time.perf_counter()
            result = self._stage.outcome(chunk)
            with torch.enable_grad():
                loss = self._targets.chunk_loss(chunk, result.rows)
                value = loss * scale
            # Computed once, on the way back: for a small chunk it is dearer than a layer.
            self._losses += float(loss.detach())
            (gradient,) = torch.autograd.grad(value, result.rows, retain_graph=True)
            yield begin, [gradient]

    def _note(self, chunk: int, forward: bool, begin: float) -> None:
        end = time.perf_counter() - self._began
        self.turns.append(Turn(chunk, forward, begin - self._began, end))
