"""Learnable commutative monoid aggregation: a learnt binary operator over a balanced tree."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn.aggr import Aggregation

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.gru import gru_merge
from graphlearn.kernels.segment import (
    TREE_SHAPES,
    MergeTrace,
    Segments,
    TreePlan,
    TreeShape,
    tree_reduce,
)
from graphlearn.nn.aggr.arguments import check_generator, check_rows
from graphlearn.nn.aggr.plan_cache import PlanCache
from graphlearn.nn.reset import reset
from graphlearn.registry import unknown_name
from graphlearn.validate import check_flags, check_number, check_size

Operator = Callable[[Tensor, Tensor], Tensor]


class LCMAggregation(Aggregation):  # type: ignore[misc]  # PyG is untyped here
    r"""Learnable commutative monoid aggregation, from `"Learnable Commutative Monoids for Graph
    Neural Networks" <https://arxiv.org/abs/2212.08541>`_.

    A binary operator, learnt, reduces each set of rows over a balanced tree of depth
    :math:`\lceil \log_2 n \rceil`; by default the binary GRU

    .. math::
        x \circ y = \tfrac{1}{2} (\mathrm{GRU}(x, y) + \mathrm{GRU}(y, x)).

    A drop-in for PyG's class of the same name, which pads every set to the largest and does not
    mask: there a set's result changes with the size of other sets. Here it depends on its own rows
    alone, nothing is padded, ``index`` need not be sorted, and sets of one size that is a power of
    two give what PyG gives. PyG's ``state_dict`` loads: ``lin`` and ``gru_cell`` are the same, and
    the identity, which PyG has not, stays as it is: zeros in a new layer, as PyG pads with.

    The operator is commutative by construction and becomes associative, so that the result no
    longer depends on the order of the rows, as far as training makes it: shuffle the rows
    (``shuffle``) and add :meth:`associativity_loss` to the loss. In evaluation rows are taken in
    the order given.

    Cost for E rows in S sets: E - S merges, each 12 C^2 multiply-adds forward and 36 C^2 backward
    for the GRU, in as many steps as the tree is deep; O(E C) memory. The plan of the tree is kept
    while calls come with the same ``index`` or ``ptr`` tensor, unchanged.

    Args:
        in_channels (int): Size of each input row.
        out_channels (int): Size of each result.
        project (bool): Apply a linear map and a ReLU to the rows first; needed where
            ``in_channels != out_channels``. (default: :obj:`True`)
        operator (callable, optional): A module or function ``(left, right) -> merged`` on
            ``[P, out_channels]``, each row by itself; the GRU if None. (default: :obj:`None`)
        symmetrize (bool): Take the mean of both orders of ``operator``, which makes it commutative;
            the GRU always is. Not needed for one that is commutative already.
            (default: :obj:`True`)
        tree (str): ``"balanced"``, or ``"chain"``: one row after the other as a recurrent
            aggregator, in as many steps as the largest set has rows. (default: :obj:`"balanced"`)
        pad_odd (bool): Merge the odd row of a level with the identity instead of moving it up; a
            set of one row stays as it is. (default: :obj:`False`)
        shuffle (bool): In training, take the rows of each set in a random order.
            (default: :obj:`False`)
        generator (torch.Generator, optional): Source of the shuffles, on the CPU; torch's default
            if None, as for dropout. Leave it None under activation checkpointing, whose second pass
            must draw what the first drew. (default: :obj:`None`)
        associativity_weight (float): Factor of :meth:`associativity_loss` in
            :meth:`auxiliary_loss`; recipes here take 1. (default: :obj:`0.0`)
        commutativity_weight (float): The same of :meth:`commutativity_loss`.
            (default: :obj:`0.0`)

    Shapes:
        - **x**: ``[E, in_channels]``, or with more axes, of which ``dim`` is aggregated and the
          last has the channels; **index**: ``[E]``; **ptr**: ``[S + 1]``
        - **output**: ``[S, out_channels]``: the identity for a set without rows

    Raises:
        InputError: If an option or a shape does not fit, an index is out of range, a row holds NaN,
            or the operator changes the shape.
        InputTypeError: If a tensor is of a wrong type.

    Example:
        >>> import torch
        >>> aggr = LCMAggregation(16, 32)
        >>> aggr(torch.randn(5, 16), torch.tensor([0, 2, 0, 2, 2])).shape
        torch.Size([3, 32])
        >>> loss = aggr.associativity_loss()
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        project: bool = True,
        *,
        operator: Operator | None = None,
        symmetrize: bool = True,
        tree: TreeShape = "balanced",
        pad_odd: bool = False,
        shuffle: bool = False,
        generator: torch.Generator | None = None,
        associativity_weight: float = 0.0,
        commutativity_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.in_channels = check_size(in_channels, name="in_channels")
        self.out_channels = check_size(out_channels, name="out_channels")
        check_flags(project=project, symmetrize=symmetrize, pad_odd=pad_odd, shuffle=shuffle)
        check_generator(generator)
        if in_channels != out_channels and not project:
            raise InputError(
                f"in_channels is {in_channels} and out_channels {out_channels} with project=False: "
                "rows must be projected if they differ",
                expected="the same number",
                mend="pass project=True",
            )
        if operator is not None and not callable(operator):
            raise InputTypeError(
                f"operator is a {type(operator).__name__}",
                expected="a module or function (left, right) -> merged",
            )
        if tree not in TREE_SHAPES:
            raise unknown_name("tree shape", tree, TREE_SHAPES)
        self.project, self.symmetrize, self.tree = project, symmetrize, tree
        self.pad_odd, self.shuffle, self.generator = pad_odd, shuffle, generator
        self.associativity_weight = _check_weight("associativity_weight", associativity_weight)
        self.commutativity_weight = _check_weight("commutativity_weight", commutativity_weight)
        self.lin = nn.Linear(in_channels, out_channels) if project else None
        self.operator = operator
        self.gru_cell = nn.GRUCell(out_channels, out_channels) if operator is None else None
        self.identity = nn.Parameter(torch.zeros(out_channels))
        self._plans = PlanCache()
        self._trace: list[MergeTrace] | None = None
        self.register_load_state_dict_pre_hook(_fill_in_identity)
        # No reset_parameters() here: the parts are new, and an operator may come trained.

    def reset_parameters(self) -> None:
        """Draw new weights, those of an operator included; the identity becomes zero."""
        reset(self)
        nn.init.zeros_(self.identity)

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
        max_num_elements: int | None = None,
    ) -> Tensor:
        """Reduce the rows of each set; see the class.

        ``max_num_elements`` is there for PyG's signature and used for nothing: nothing is padded.
        """
        del max_num_elements
        self._trace = [] if self.training else None
        axis = check_rows(x, self.in_channels, dim, self.identity)
        segments, plan = self._plans.get(
            index, ptr, num_rows=x.size(axis), num_segments=dim_size, shape=self.tree
        )
        if self.shuffle and self.training:
            segments = segments.shuffled(self.generator)
        if self.lin is not None:
            x = self.lin(x).relu()
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))  # what the merges give, in every set
        # What is neither rows nor channels rides along: each is a set of its own.
        rows = x.movedim(axis, 0)
        beside = rows.shape[1:-1]
        out = self._reduce(rows, segments, plan)
        return out.view(len(segments), *beside, self.out_channels).movedim(0, axis)

    def _reduce(self, rows: Tensor, segments: Segments, plan: TreePlan) -> Tensor:
        channels, width = self.out_channels, rows.shape[1:-1].numel()
        flat = rows.reshape(rows.size(0), width * channels)

        def merge(pairs: Tensor) -> Tensor:
            if width == 1:
                return self.merge(pairs)
            size = pairs.size(0)
            apart = pairs.view(size, 2, width, channels).transpose(1, 2)
            merged = self.merge(apart.reshape(size * width, 2, channels))
            return merged.view(size, width * channels)

        return tree_reduce(
            flat,
            segments,
            merge,
            self.identity.repeat(width),
            plan=plan,
            pad_odd=self.pad_odd,
            trace=self._trace,
        )

    def merge(self, pairs: Tensor) -> Tensor:
        """Apply the operator to pairs of rows.

        Shapes:
            - **pairs**: ``[P, 2, out_channels]``; **output**: ``[P, out_channels]``
        """
        if self.gru_cell is not None:
            cell = self.gru_cell
            return gru_merge(pairs, cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
        left, right = pairs.unbind(dim=1)
        merged = self._operate(left, right)
        return (merged + self._operate(right, left)) / 2 if self.symmetrize else merged

    def _operate(self, left: Tensor, right: Tensor) -> Tensor:
        assert self.operator is not None
        merged: Any = self.operator(left, right)
        if not isinstance(merged, Tensor) or merged.shape != left.shape:
            given = f"shape {list(merged.shape)}" if isinstance(merged, Tensor) else repr(merged)
            raise InputError(
                f"the operator returned {given} for left and right of shape {list(left.shape)}",
                expected="a tensor of the same shape",
            )
        result: Tensor = merged
        return result

    def associativity_loss(self) -> Tensor:
        r"""Mean of :math:`((a \circ b) \circ c - a \circ (b \circ c))^2` over the channels of all
        triples of the last forward pass in training.

        Wherever the tree merged :math:`a \circ b` with c the left side is there already, so a
        triple costs two merges; there are at most half as many triples as rows in balanced trees.
        The paper adds a squared norm to its loss with a factor of 1; that would be ``out_channels``
        times as large as this mean, and slowed training down in the one trial made of it.

        Shapes:
            - output: ``[]``; 0 if no set had three rows

        Raises:
            InputError: If there was no forward pass in training.
        """
        trace = self._require_trace()
        triples = [
            (before.pairs, level.pairs, level.merged, level.left)
            for before, level in itertools.pairwise(trace)
        ]
        if not triples:
            return self._zero()
        a, b, c, whole = (
            self._as_rows(torch.cat(parts))
            for parts in zip(
                *(
                    (inner[left, 0], inner[left, 1], outer[:, 1], merged)
                    for inner, outer, merged, left in triples
                ),
                strict=True,
            )
        )
        other = self.merge(torch.stack([a, self.merge(torch.stack([b, c], dim=1))], dim=1))
        return (whole - other).square().mean()

    def commutativity_loss(self) -> Tensor:
        r"""Mean of :math:`(a \circ b - b \circ a)^2` over the channels of all pairs of the last
        forward pass in training.

        For an operator with ``symmetrize=False``; else it is 0 by construction.

        Shapes:
            - output: ``[]``

        Raises:
            InputError: If there was no forward pass in training.
        """
        trace = self._require_trace()
        if self.operator is None or self.symmetrize or not trace:
            return self._zero()
        left, right = (
            self._as_rows(torch.cat([level.pairs[:, side] for level in trace])) for side in (0, 1)
        )
        merged = self._as_rows(torch.cat([level.merged for level in trace]))
        return (merged - self._operate(right, left)).square().mean()

    def auxiliary_loss(self) -> Tensor:
        """What a trainer adds to its loss: both losses by their weights.

        0 where both weights are, and where the layer did not run since the last call: what that
        pass left is used once.

        Shapes:
            - output: ``[]``
        """
        loss = self._zero()
        if self._trace is None:
            return loss
        if self.associativity_weight:
            loss = loss + self.associativity_weight * self.associativity_loss()
        if self.commutativity_weight:
            loss = loss + self.commutativity_weight * self.commutativity_loss()
        self._trace = None
        return loss

    def _as_rows(self, values: Tensor) -> Tensor:
        return values.reshape(-1, self.out_channels)

    def _zero(self) -> Tensor:
        return self.identity.new_zeros(())

    def _require_trace(self) -> list[MergeTrace]:
        if self._trace is None:
            raise InputError(
                "there was no forward pass in training",
                expected="one before the loss is asked for",
                mend="call .train() and then the module",
            )
        return self._trace

    def __getstate__(self) -> dict[str, Any]:
        # The trace holds parts of an autograd graph, which can be neither copied nor stored.
        return {**self.__dict__, "_trace": None, "_plans": PlanCache()}

    def __repr__(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, project={self.project}"
        if self.operator is not None:
            text += f", operator={self.operator!r}, symmetrize={self.symmetrize}"
        if self.tree != "balanced":
            text += f", tree={self.tree!r}"
        for name in ("pad_odd", "shuffle"):
            text += f", {name}=True" if getattr(self, name) else ""
        for name in ("associativity_weight", "commutativity_weight"):
            text += f", {name}={value}" if (value := getattr(self, name)) else ""
        return f"{type(self).__name__}({text})"


def _check_weight(name: str, value: float) -> float:
    number = check_number(value, name=name)
    if number < 0:
        raise InputError(f"{name} is {value}", expected="a number >= 0")
    return number


def _fill_in_identity(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """PyG's class has no identity: weights of its kind leave the module's as it is."""
    assert isinstance(module, LCMAggregation)
    if f"{prefix}gru_cell.weight_ih" in state and f"{prefix}identity" not in state:
        state[f"{prefix}identity"] = module.identity.detach().clone()
