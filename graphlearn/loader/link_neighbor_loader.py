"""PyG's ``LinkNeighborLoader`` with nothing to compile: change the import, and no more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch_geometric.loader
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.sampler import BaseSampler
from torch_geometric.sampler.base import SubgraphType

from graphlearn.errors import InputError
from graphlearn.loader.inputs import as_tensor, check_links, check_times, seed_count
from graphlearn.loader.neighbor_loader import PREFETCH_BYTES, chosen_subgraph
from graphlearn.loader.neighbor_sampler import NeighborSampler
from graphlearn.loader.threaded import ThreadedLoading, own_order, take_thread_options


class LinkNeighborLoader(ThreadedLoading, torch_geometric.loader.LinkLoader):  # type: ignore[misc]
    """Mini-batches of links with the sampled neighborhoods of their ends.

    Takes the arguments of :class:`torch_geometric.loader.LinkNeighborLoader`, and gives the batches
    that it gives, without pyg-lib or torch-sparse. Negatives are drawn by the batch's key too, so
    one seed gives the same batches for any number of threads.

    Args:
        data: The graph, as for :class:`NeighborSampler`.
        num_neighbors: As for :class:`NeighborSampler`, and so are ``replace``, ``subgraph_type``,
            ``disjoint``, ``temporal_strategy``, ``time_attr``, ``weight_attr`` and ``is_sorted``.
        edge_label_index: The links ``[2, B]``; ``(type, links)`` where there are types; all edges
            if None and ``data`` is no pair of stores.
        edge_label: A label for each link; negatives get 0, and labels that hold 0 are raised by 1.
        edge_label_time: Until when the neighbors of each link may have come to be; with
            ``time_attr``.
        neg_sampling: PyG's ``NegativeSampling``, or its mode's name: ``"binary"``, ``"triplet"``.
        neg_sampling_ratio: PyG's older way to ask for binary negatives, so many for each link.
        transform: As for :class:`NeighborLoader`, and so are all options that follow.

    Raises:
        InputError: As :class:`NeighborLoader`, or if only one of ``edge_label_time`` and
            ``time_attr`` is given.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> edge_index = torch.tensor([[1, 2, 3, 0], [0, 0, 1, 3]])
        >>> data = Data(x=torch.eye(4), edge_index=edge_index)
        >>> loader = LinkNeighborLoader(data, [2], neg_sampling="binary", batch_size=2, seed=0)
        >>> batch = next(iter(loader))
        >>> batch.n_id[batch.edge_label_index][:, :2].tolist(), batch.edge_label.tolist()
        ([[1, 2], [0, 0]], [1.0, 1.0, 0.0, 0.0])
    """

    _pyg_filter = torch_geometric.loader.LinkLoader.filter_fn

    def __init__(
        self,
        data: Any,
        num_neighbors: Any,
        edge_label_index: Any = None,
        edge_label: Tensor | None = None,
        edge_label_time: Tensor | None = None,
        replace: bool = False,
        subgraph_type: SubgraphType | str = "directional",
        disjoint: bool = False,
        temporal_strategy: str = "uniform",
        neg_sampling: Any = None,
        neg_sampling_ratio: float | None = None,
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
        if neighbor_sampler is None and (edge_label_time is None) != (time_attr is None):
            given, other = (
                ("time_attr", "edge_label_time")
                if edge_label_time is None
                else ("edge_label_time", "time_attr")
            )
            raise InputError(
                f"'{given}' is set while '{other}' is not set", expected="both, or neither"
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
            edge_label_index = check_links(edge_label_index, neighbor_sampler)
            if not neighbor_sampler.is_hetero and not isinstance(data, Data):
                if edge_label_index is None:
                    raise InputError(
                        "edge_label_index is None beside a GraphStore", expected="links [2, B]"
                    )
                edge_label_index = (None, edge_label_index)
        label = as_tensor(edge_label, "edge_label")
        order = own_order(neighbor_sampler, kwargs, seed_count(edge_label_index))
        super().__init__(
            data=data,
            link_sampler=neighbor_sampler,
            edge_label_index=edge_label_index,
            edge_label=None if label is None or not label.numel() else label,
            edge_label_time=as_tensor(edge_label_time, "edge_label_time"),
            neg_sampling=neg_sampling,
            neg_sampling_ratio=neg_sampling_ratio,
            transform=transform,
            transform_sampler_output=transform_sampler_output,
            filter_per_worker=filter_per_worker,
            **kwargs,
        )
        links, given = self.input_data.row.numel(), self.input_data
        given.time = check_times(given.time, links, "edge_label_time")
        if label is not None and list(label.shape[:1]) != [links]:
            raise InputError(
                f"edge_label has shape {list(label.shape)}", expected=f"[{links}], one a link"
            )
        if isinstance(neighbor_sampler, NeighborSampler):
            for end in (0, -1):
                kind = None if given.input_type is None else given.input_type[end]
                neighbor_sampler.check_times_known(kind, given.time)
        self._set_up(feature_store, threads, ahead, prefetch_bytes, order)

    def _sample(self, index: Any, key: int | None) -> Any:
        draw = partial(
            self.link_sampler.sample_from_edges,
            self.input_data[index],
            neg_sampling=self.neg_sampling,
        )
        return self._draw(draw, key)

    def _sampler(self) -> BaseSampler:
        return self.link_sampler
