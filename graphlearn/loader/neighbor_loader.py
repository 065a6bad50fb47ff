"""PyG's ``NeighborLoader`` with nothing to compile: change the import, and no more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch_geometric.loader
from torch import Tensor
from torch_geometric.sampler import BaseSampler
from torch_geometric.sampler.base import SubgraphType

from graphlearn.errors import InputError
from graphlearn.loader.inputs import as_tensor, check_seeds, check_times, seed_count
from graphlearn.loader.neighbor_sampler import NeighborSampler
from graphlearn.loader.threaded import ThreadedLoading, own_order, take_thread_options

# Of batches made ahead of their use.
PREFETCH_BYTES = 2 << 30


def chosen_subgraph(subgraph_type: SubgraphType | str, directed: bool) -> SubgraphType | str:
    """The type of subgraphs, by PyG's older option if that asks for another.

    Example:
        >>> chosen_subgraph("directional", False)
        'induced'
    """
    return subgraph_type if directed else "induced"


class NeighborLoader(ThreadedLoading, torch_geometric.loader.NodeLoader):  # type: ignore[misc]
    """Mini-batches of nodes with sampled neighborhoods (Hamilton et al., arXiv 1706.02216).

    Takes the arguments of :class:`torch_geometric.loader.NeighborLoader`, and gives the batches
    that it gives, without pyg-lib or torch-sparse. ``num_workers`` counts threads of this process
    instead of processes: nothing is copied between them, and whatever their number, one seed gives
    the same batches.

    Args:
        data: The graph, as for :class:`NeighborSampler`.
        num_neighbors: As for :class:`NeighborSampler`, and so are ``replace``, ``subgraph_type``,
            ``disjoint``, ``temporal_strategy``, ``time_attr``, ``weight_attr`` and ``is_sorted``.
        input_nodes: The seeds: ids or a mask; ``(type, ids)`` where there are types; all if None.
        input_time: Until when the neighbors of each seed may have come to be; by default its own
            time.
        transform: Called on every batch, in the thread that made it.
        transform_sampler_output: Called on what was sampled before a batch is made of it.
        filter_per_worker: Whether features are gathered by the threads; by default unless the data
            are on a GPU.
        neighbor_sampler: A sampler made before, in place of one of the arguments here.
        directed: PyG's older way to ask for ``subgraph_type="induced"``: False.
        seed: Of all draws and, with ``shuffle``, of the order; with None ``torch.manual_seed``
            decides.
        feature_store: Where features of nodes come from, if not from ``data``: a store (of ``x``),
            stores by attribute or ``(type, attribute)``, see :mod:`graphlearn.store`.
        prefetch_bytes: How many bytes of batches may be made ahead; no limit if None. (default: 2
            GiB)
        **kwargs: Of :class:`torch.utils.data.DataLoader`: ``batch_size``, ``shuffle``, and others.
            ``num_workers`` is the number of threads; 0 makes each batch when it is asked for.
            ``prefetch_factor`` batches for each thread are made ahead (2).

    Raises:
        InputError: As :class:`NeighborSampler`, if ``input_time`` comes without ``time_attr``, or a
            store does not have a row for each node.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> edge_index = torch.tensor([[1, 2, 3, 0], [0, 0, 1, 3]])
        >>> data = Data(x=torch.eye(4), edge_index=edge_index)
        >>> loader = NeighborLoader(data, [2, 2], batch_size=2, num_workers=2, seed=0)
        >>> [(batch.n_id.tolist(), batch.batch_size) for batch in loader]
        [([0, 1, 2, 3], 2), ([2, 3, 0, 1], 2)]
    """

    _pyg_filter = torch_geometric.loader.NodeLoader.filter_fn

    def __init__(
        self,
        data: Any,
        num_neighbors: Any,
        input_nodes: Any = None,
        input_time: Tensor | None = None,
        replace: bool = False,
        subgraph_type: SubgraphType | str = "directional",
        disjoint: bool = False,
        temporal_strategy: str = "uniform",
        time_attr: str | None = None,
        weight_attr: str | None = None,
        transform: Callable[..., Any] | None = None,
        transform_sampler_output: Callable[..., Any] | None = None,
        is_sorted: bool = False,
        filter_per_worker: bool | None = None,
        neighbor_sampler: BaseSampler | None = None,
        directed: bool = True,
        *,
        seed: int | None = None,
        feature_store: Any = None,
        prefetch_bytes: int | None = PREFETCH_BYTES,
        **kwargs: Any,
    ) -> None:
        if input_time is not None and time_attr is None and neighbor_sampler is None:
            raise InputError(
                "'input_time' is set while 'time_attr' is not set", expected="time_attr beside it"
            )
        threads, ahead = take_thread_options(kwargs)
        if neighbor_sampler is None:
            neighbor_sampler = NeighborSampler(
                data,
                num_neighbors=num_neighbors,
                replace=replace,
                subgraph_type=chosen_subgraph(subgraph_type, directed),
                disjoint=disjoint,
                temporal_strategy=temporal_strategy,
                time_attr=time_attr,
                weight_attr=weight_attr,
                is_sorted=is_sorted,
                seed=seed,
            )
        if isinstance(neighbor_sampler, NeighborSampler):
            input_nodes = check_seeds(input_nodes, neighbor_sampler)
        order = own_order(neighbor_sampler, kwargs, seed_count(input_nodes))
        super().__init__(
            data=data,
            node_sampler=neighbor_sampler,
            input_nodes=input_nodes,
            input_time=as_tensor(input_time, "input_time"),
            transform=transform,
            transform_sampler_output=transform_sampler_output,
            filter_per_worker=filter_per_worker,
            **kwargs,
        )
        nodes = self.input_data.node
        self.input_data.time = check_times(self.input_data.time, nodes.numel(), "input_time")
        if isinstance(neighbor_sampler, NeighborSampler):
            neighbor_sampler.check_times_known(self.input_data.input_type, self.input_data.time)
        self._set_up(feature_store, threads, ahead, prefetch_bytes, order)

    def _sample(self, index: Any, key: int | None) -> Any:
        draw = partial(self.node_sampler.sample_from_nodes, self.input_data[index])
        return self._draw(draw, key)

    def _sampler(self) -> BaseSampler:
        return self.node_sampler
