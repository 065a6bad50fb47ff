"""PyG's neighbor sampler with nothing to compile: neither pyg-lib nor torch-sparse is needed."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.data import get_worker_info
from torch_geometric.sampler import (
    BaseSampler,
    EdgeSamplerInput,
    HeteroSamplerOutput,
    NegativeSampling,
    NodeSamplerInput,
    SamplerOutput,
)
from torch_geometric.sampler.base import NumNeighbors, SubgraphType
from torch_geometric.sampler.neighbor_sampler import edge_sample, node_sample

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.sample import mix_keys
from graphlearn.loader.call_counter import CallCounter
from graphlearn.loader.exact_times import exact_times
from graphlearn.loader.keyed_negatives import KeyedNegatives
from graphlearn.loader.sampled_graph import SampledGraph, sampled_graph
from graphlearn.loader.sampler_output import sampler_output
from graphlearn.registry import unknown_name
from graphlearn.validate import check_flag

Seeds = Tensor | dict[str, Tensor]
_STRATEGIES = ("uniform", "last")
_DIRECTIONS = ("forward", "backward")


class NeighborSampler(BaseSampler):  # type: ignore[misc]
    r"""Samples neighborhoods of nodes and links hop by hop (Hamilton et al., arXiv 1706.02216).

    Takes the arguments of :class:`torch_geometric.sampler.NeighborSampler` and gives what it gives,
    for PyG's own ``NodeLoader`` and ``LinkLoader`` too. Beyond it: weights together with times,
    subgraphs of their own for every seed without pyg-lib, induced subgraphs in any of these, and a
    sample that depends on a seed and the number of the call alone.

    Cost: the edges are sorted once, O(N + E); a batch then costs O(1) for each edge drawn
    (O(log degree) with weights or times), see :class:`graphlearn.kernels.sample.HopSampler`.

    Args:
        data: A ``Data``, a ``HeteroData``, or a pair of a ``FeatureStore`` and a ``GraphStore``.
        num_neighbors: How many neighbors a node draws in each hop, -1 for all; for each type of
            edges where a dictionary is given.
        subgraph_type: ``"directional"``: the edges drawn; ``"bidirectional"``: and their reverse;
            ``"induced"``: all edges among the nodes met.
        replace: Draw with replacement.
        disjoint: Give every seed a subgraph of its own; with times this is always so.
        temporal_strategy: ``"uniform"`` draws among the neighbors that are not later than the
            seed, ``"last"`` takes the latest of them.
        time_attr: The attribute of nodes or edges that holds times.
        weight_attr: The attribute of edges that holds weights: a neighbor is drawn in proportion.
        is_sorted: Whether edges come sorted by target, and by time for each; checked.
        share_memory: Accepted for PyG's sake and needless: forked processes share the rows.
        sample_direction: ``"backward"`` draws along the edges that leave a node.
        seed: Of all draws. None takes one number from torch's default generator, so that
            ``torch.manual_seed`` decides, as with PyG.

    Raises:
        InputTypeError: If ``data`` is none of these, or a flag is no boolean.
        InputError: If an option is unknown, a number of neighbors below -1, edges, times or weights
            do not fit the graph.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from torch_geometric.loader import NodeLoader
        >>> edge_index = torch.tensor([[1, 2, 3, 0], [0, 0, 1, 3]])
        >>> data = Data(x=torch.arange(4.0)[:, None], edge_index=edge_index)
        >>> loader = NodeLoader(data, NeighborSampler(data, [2, 2], seed=0), torch.tensor([0]))
        >>> batch = next(iter(loader))
        >>> batch.n_id.tolist(), batch.edge_index.tolist(), batch.x.flatten().tolist()
        ([0, 1, 2, 3], [[1, 2, 3], [0, 0, 1]], [0.0, 1.0, 2.0, 3.0])
    """

    def __init__(
        self,
        data: Any,
        num_neighbors: NumNeighbors | list[int] | dict[Any, list[int]],
        subgraph_type: SubgraphType | str = "directional",
        replace: bool = False,
        disjoint: bool = False,
        temporal_strategy: str = "uniform",
        time_attr: str | None = None,
        weight_attr: str | None = None,
        is_sorted: bool = False,
        share_memory: bool = False,
        sample_direction: Literal["forward", "backward"] = "forward",
        *,
        seed: int | None = None,
    ) -> None:
        del share_memory
        types = [kind.value for kind in SubgraphType]
        if not isinstance(subgraph_type, SubgraphType) and subgraph_type not in types:
            raise unknown_name("subgraph_type", subgraph_type, types)
        if temporal_strategy not in _STRATEGIES:
            raise unknown_name("temporal_strategy", temporal_strategy, _STRATEGIES)
        if sample_direction not in _DIRECTIONS:
            raise unknown_name("sample_direction", sample_direction, _DIRECTIONS)
        self.subgraph_type = SubgraphType(subgraph_type)
        self.replace = check_flag(replace, name="replace")
        self._disjoint = check_flag(disjoint, name="disjoint")
        self.temporal_strategy = temporal_strategy
        self.sample_direction = sample_direction
        self.graph: SampledGraph = sampled_graph(
            data,
            time_attr=time_attr,
            weight_attr=weight_attr,
            is_sorted=check_flag(is_sorted, name="is_sorted"),
            backward=sample_direction == "backward",
        )
        if temporal_strategy == "last" and not self.graph.is_temporal:
            raise InputError(
                "temporal_strategy is 'last' without times", expected="time_attr beside it"
            )
        self._hops = self.graph.hop_sampler()
        self.num_neighbors = num_neighbors
        self.seed = int(torch.randint(2**62, (1,))) if seed is None else _seed(seed)
        self._calls = CallCounter()

    # Settings ####################################################################################

    @property
    def num_neighbors(self) -> NumNeighbors:
        """How many neighbors are drawn; may be set between epochs."""
        return self._num_neighbors

    @num_neighbors.setter
    def num_neighbors(self, value: NumNeighbors | list[int] | dict[Any, list[int]]) -> None:
        numbers = value if isinstance(value, NumNeighbors) else NumNeighbors(value)
        try:
            given = numbers.get_values(self.graph.edge_types if self.is_hetero else None)
        except ValueError as problem:
            raise InputError(
                f"num_neighbors is {value!r} ({problem})",
                expected="a list, or a list for each type of edges, all of one length",
            ) from problem
        if isinstance(given, dict) and not self.is_hetero:
            raise InputTypeError("num_neighbors is a dictionary", expected="a list: one graph")
        counts = [given[kind] for kind in self.graph.edge_types] if self.is_hetero else [given]
        if not all(isinstance(hops, (list, tuple)) for hops in counts):
            raise InputTypeError(
                f"num_neighbors is {value!r}", expected="a list: a number for each hop"
            )
        for count in itertools.chain.from_iterable(counts):
            if isinstance(count, bool) or not hasattr(count, "__index__") or int(count) < -1:
                raise InputError(
                    f"num_neighbors holds {count!r}", expected="integers >= 0, or -1 for all"
                )
        self._num_neighbors = numbers
        self._fan_outs = [[int(count) for count in hops] for hops in counts]

    @property
    def is_hetero(self) -> bool:
        """Whether nodes and edges have types."""
        return self.graph.is_hetero

    @property
    def is_temporal(self) -> bool:
        """Whether neighbors later than a seed are left out."""
        return self.graph.is_temporal

    @property
    def disjoint(self) -> bool:
        """Whether every seed has a subgraph of its own."""
        return self._disjoint or self.is_temporal

    @property
    def num_nodes(self) -> int | dict[str, int]:
        """Number of nodes, of each type where there are types."""
        if not self.is_hetero:
            return self.graph.num_nodes[0]
        return dict(zip(map(str, self.graph.node_types), self.graph.num_nodes, strict=True))

    @cached_property
    def edge_permutation(self) -> Tensor | dict[Any, Tensor | None] | None:
        """Which edge of ``data`` each sampled edge's number stands for; None where it is itself."""
        perms = {
            kind: self.graph.permutation(number)
            for number, kind in enumerate(self.graph.edge_types)
        }
        return perms if self.is_hetero else perms[None]

    def check_times_known(self, kind: str | None, times: Tensor | None) -> None:
        """Raise where seeds need times and have none.

        Args:
            kind: The seeds' type of nodes; None without types.
            times: What was given for them.

        Raises:
            InputError: If edges have times, or nodes of other types alone, and none were given.
        """
        if self.is_temporal and times is None:
            self._own_times(kind)

    # Sampling ####################################################################################

    def sample_from_nodes(
        self, index: NodeSamplerInput, *, key: int | None = None
    ) -> SamplerOutput | HeteroSamplerOutput:
        """Sample the neighborhoods of nodes.

        Args:
            index: The nodes; in time also until when, else their own times are taken.
            key: What the draws depend on beside :attr:`seed`; by default the number of this call
                (in a worker process of PyG's loaders: that and the process's own seed, so that
                draws depend on the number of workers there).

        Raises:
            InputError: If a node is out of range, or has no time where one is needed.
        """
        key = self._key(key)
        output = node_sample(index, self._sampling(key))
        return self._shaped(output)

    def sample_from_edges(
        self,
        index: EdgeSamplerInput,
        neg_sampling: NegativeSampling | None = None,
        *,
        key: int | None = None,
    ) -> SamplerOutput | HeteroSamplerOutput:
        """Sample the neighborhoods of both ends of links, and of negatives drawn beside them.

        Args:
            index: The links.
            neg_sampling: How negatives are drawn; none if it is None.
            key: As in :meth:`sample_from_nodes`.

        Raises:
            InputError: If a node is out of range, a time is missing, or weights of negatives do not
                fit.
        """
        if index.time is not None and not self.disjoint:
            raise InputError(
                "links have times, but the sampler has none", mend="give the sampler a time_attr"
            )
        key = self._key(key)
        if neg_sampling is not None:
            neg_sampling = KeyedNegatives(neg_sampling, key)
        raw_trees: list[Any] = []
        sampling = self._sampling(key)

        def sample(seed: Seeds, seed_time: Seeds | None = None) -> Any:
            out = sampling(seed, seed_time)
            # PyG's helper writes into the dictionary of a graph of types.
            raw_trees.append(dict(out.batch) if isinstance(out.batch, dict) else out.batch)
            return out

        given = index.time
        if given is not None and self.is_temporal:
            # PyG compares the times of negatives too, and not exactly if they are of two kinds.
            index = copy.copy(index)
            index.time = torch.from_numpy(exact_times(given, as_float=self.graph.time_is_float))
        node_time = {
            kind: torch.from_numpy(time)
            for kind, time in zip(self.graph.node_types, self.graph.node_time, strict=True)
            if time is not None
        }
        output = edge_sample(
            index,
            sample,
            self.num_nodes,
            self.disjoint,
            (node_time if self.is_hetero else node_time[None]) if node_time else None,
            neg_sampling,
        )
        if self.disjoint and neg_sampling is not None and neg_sampling.is_binary():
            _number_pairs(output, raw_trees[0], index.row.numel(), neg_sampling.amount)
        if given is not None and given.numel():
            *others, times = output.metadata
            again = -(-times.numel() // given.numel())
            output.metadata = (*others, given.repeat(again)[: times.numel()])
        return self._shaped(output)

    def _key(self, key: int | None) -> int:
        if key is not None:
            return mix_keys(self.seed, 0, key)
        worker = get_worker_info()
        if worker is None:
            return mix_keys(self.seed, 1, self._calls.next())
        # Every worker process counts by itself. Its seed is another one each epoch, unless workers
        # persist; the count goes on then, so that no neighborhood is drawn twice.
        return mix_keys(self.seed, 2, worker.seed, self._calls.next())

    def _sampling(self, key: int) -> Callable[..., Any]:
        """The function of seeds and their times that PyG's helpers build upon."""

        def sample(seed: Seeds, seed_time: Seeds | None = None) -> Any:
            # PyG's helpers give dictionaries by type, or plain tensors where there are no types.
            named: dict[Any, Tensor] = seed if isinstance(seed, dict) else {None: seed}
            for ids in named.values():
                if ids.dtype not in (torch.int32, torch.int64) or ids.dim() != 1:
                    raise InputTypeError(
                        f"seeds have dtype {ids.dtype} and shape {list(ids.shape)}",
                        expected="ids of int32 or int64, [S]",
                    )
            times: dict[Any, Tensor | None] = {None: None}
            if seed_time is not None:
                times = dict(seed_time) if isinstance(seed_time, dict) else {None: seed_time}
            numbers = {self._type_number(kind): ids for kind, ids in named.items()}
            until = (
                {
                    self._type_number(k): self._until(k, ids, times.get(k))
                    for k, ids in named.items()
                }
                if self.is_temporal
                else None
            )
            hops = self._hops.sample(
                {number: ids.numpy() for number, ids in numbers.items()},
                self._fan_outs,
                key=key,
                replace=self.replace,
                disjoint=self.disjoint,
                seed_time=until,
                latest=self.temporal_strategy == "last",
                induced=self.subgraph_type == SubgraphType.induced,
            )
            return sampler_output(hops, self.graph)

        return sample

    def _type_number(self, kind: str | None) -> int:
        if kind not in self.graph.node_types:
            raise unknown_name("node type", str(kind), [str(k) for k in self.graph.node_types])
        return self.graph.node_types.index(kind)

    def _until(self, kind: str | None, ids: Tensor, time: Tensor | None) -> Any:
        """Until when the neighbors of seeds may have come to be."""
        if time is not None:
            if time.shape != ids.shape:
                raise InputError(
                    f"there are {time.numel()} times for {ids.numel()} seeds", expected="one each"
                )
            return exact_times(time, as_float=self.graph.time_is_float)
        own = self._own_times(kind)
        size = self.graph.num_nodes[self._type_number(kind)]
        if ids.numel() and (int(ids.min()) < 0 or int(ids.max()) >= size):
            bad = int(ids.min()) if int(ids.min()) < 0 else int(ids.max())
            raise InputError(f"a seed is node {bad}", expected=f"ids in [0, {size})")
        return own[ids.numpy()]

    def _own_times(self, kind: str | None) -> Any:
        own = self.graph.node_time[self._type_number(kind)]
        if own is None:
            raise InputError(
                "seeds have no time" + ("" if kind is None else f" (node type {kind!r})"),
                mend="pass input_time (for links: edge_label_time)",
            )
        return own

    def _shaped(self, output: Any) -> Any:
        if self.subgraph_type == SubgraphType.bidirectional:
            return output.to_bidirectional()
        return output

    def __repr__(self) -> str:
        edges = sum(rows.num_edges for rows in self.graph.rows)
        return (
            f"{type(self).__name__}({sum(self.graph.num_nodes)} nodes, {edges} edges, "
            f"num_neighbors={self._num_neighbors.values}, seed={self.seed})"
        )


def _seed(seed: Any) -> int:
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise InputTypeError(f"seed is {seed!r}", expected="an integer")
    return int(seed)


def _number_pairs(output: Any, trees: Any, positives: int, amount: float) -> None:
    """Number every node by the link that it was met from, negatives by the positive they belong to.

    PyG takes the tree modulo the number of positives, which fits only where there is a whole number
    of negatives for each.
    """
    pairs = positives + math.ceil(positives * amount)
    if isinstance(trees, dict):
        output.batch = {kind: tree % pairs % positives for kind, tree in trees.items()}
    elif positives:
        output.batch = trees % pairs % positives
