"""From the ids that a user knows to the numbers of nodes, and back."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlearn.data.edge_list_ids import as_integer
from graphlearn.errors import InputError
from graphlearn.registry import nearest

_MOST_COMPARED = 20_000


class NodeIds:
    """The id of each node, in the order of their numbers: integers, or names.

    Args:
        ids: Distinct.

    Shapes:
        - **ids**: ``[N]`` int64, or a list

    Example:
        >>> ids = NodeIds(["ann", "bob"])
        >>> ids.numbers(["bob"]).tolist(), ids.of(torch.tensor([0]))
        ([1], ['ann'])
        >>> ids.numbers(["bop"])
        Traceback (most recent call last):
        graphlearn.errors.InputError: no node 'bop' in the model's graph: expected one of its 2 \
nodes; did you mean 'bob'?
    """

    def __init__(self, ids: Tensor | list[str]) -> None:
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def are_integers(self) -> bool:
        """Whether ids are integers rather than names."""
        return isinstance(self.ids, Tensor)

    @cached_property
    def _sorted(self) -> tuple[Tensor, Tensor]:
        assert isinstance(self.ids, Tensor)
        return torch.sort(self.ids)

    @cached_property
    def _places(self) -> dict[str, int]:
        assert not isinstance(self.ids, Tensor)
        return {name: number for number, name in enumerate(self.ids)}

    def numbers(self, wanted: Iterable[Any]) -> Tensor:
        """The numbers of nodes, ``[B]`` int64.

        Args:
            wanted: Ids; of integers also their text, of ASCII digits.

        Raises:
            InputError: If one is not known.
        """
        given = list(wanted)
        if not self.are_integers:
            places = self._places
            for name in given:
                if str(name) not in places:
                    raise self._unknown(name)
            return torch.tensor([places[str(name)] for name in given], dtype=torch.int64)
        values = torch.tensor([self._integer(name) for name in given], dtype=torch.int64)
        ordered, order = self._sorted
        place = torch.searchsorted(ordered, values).clamp_(max=len(self) - 1)
        wrong = (ordered[place] != values).nonzero().flatten()
        if wrong.numel():
            raise self._unknown(given[int(wrong[0])])
        return order[place]

    def of(self, numbers: Tensor) -> list[Any]:
        """The ids of nodes.

        Shapes:
            - **numbers**: ``[B]``
        """
        if isinstance(self.ids, Tensor):
            chosen: list[Any] = self.ids[numbers].tolist()
            return chosen
        names = self.ids
        return [names[number] for number in numbers.tolist()]

    def _integer(self, name: Any) -> int:
        value = as_integer(str(name))
        if value is None:
            raise InputError(
                f"no node {name!r} in the model's graph", expected="an integer, as all its ids are"
            )
        if not -(2**63) <= value < 2**63:
            raise self._unknown(name)
        return value

    def _unknown(self, name: Any) -> InputError:
        close = None
        if not self.are_integers and len(self) <= _MOST_COMPARED:
            close = nearest(str(name), self._places)
        return InputError(
            f"no node {name!r} in the model's graph",
            expected=f"one of its {len(self):,} nodes",
            mend=f"did you mean {close!r}?" if close else "",
        )

    def tensors(self) -> dict[str, Tensor]:
        """Ids as plain tensors: integers, or UTF-8 with where each name ends.

        Example:
            >>> NodeIds(["ann", "é"]).tensors()["end"].tolist()
            [3, 5]
        """
        if isinstance(self.ids, Tensor):
            return {"integers": self.ids}
        encoded = [name.encode() for name in self.ids]
        end = torch.from_numpy(np.cumsum([len(name) for name in encoded], dtype=np.int64))
        text = np.frombuffer(b"".join(encoded), dtype=np.uint8).copy()
        return {"text": torch.from_numpy(text), "end": end}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> NodeIds:
        """Make them of what :meth:`tensors` gave.

        Raises:
            KeyError, ValueError: If it is something else.
        """
        if "integers" in tensors:
            return cls(tensors["integers"])
        text, ends = tensors["text"].numpy().tobytes(), [0, *tensors["end"].tolist()]
        names: Sequence[str] = [text[begin:end].decode() for begin, end in itertools.pairwise(ends)]
        return cls(list(names))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} {'integers' if self.are_integers else 'names'})"
