"""What our loaders add to PyG's: threads in the process, keyed draws, features from stores."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch.utils.data import BatchSampler, RandomSampler
from torch.utils.data._utils.pin_memory import pin_memory
from torch_geometric.data import Data, HeteroData
from torch_geometric.sampler import HeteroSamplerOutput

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.sample import mix_keys
from graphlearn.loader.batch_features import BatchFeatures
from graphlearn.loader.call_counter import CallCounter
from graphlearn.loader.neighbor_sampler import NeighborSampler
from graphlearn.loader.ordered_threads import OrderedThreads
from graphlearn.validate import check_num_nodes, check_size

# They tell worker processes apart from threads, of which there are none to tell.
_FOR_PROCESSES = ("persistent_workers", "multiprocessing_context", "timeout", "in_order")


def take_thread_options(kwargs: dict[str, Any]) -> tuple[int, int]:
    """Take ``num_workers`` and ``prefetch_factor`` out of a data loader's options.

    Returns:
        The number of threads, and how many batches may be under way.

    Raises:
        InputError: If one is no whole number, or too small.

    Example:
        >>> options = {"num_workers": 3, "shuffle": True}
        >>> take_thread_options(options), options
        ((3, 6), {'shuffle': True})
    """
    threads = check_num_nodes(kwargs.pop("num_workers", 0), name="num_workers")
    factor = kwargs.pop("prefetch_factor", None)
    factor = 2 if factor is None else check_size(factor, name="prefetch_factor")
    for name in _FOR_PROCESSES:
        kwargs.pop(name, None)
    if kwargs.pop("worker_init_fn", None) is not None:
        warnings.warn(
            "worker_init_fn is not called: the loader's workers are threads of this process",
            stacklevel=4,
        )
    return threads, max(1, threads * factor)


class ThreadedLoading:
    """The part that the loaders of nodes and of links share; stands before PyG's class.

    A subclass says how a batch is sampled and which of PyG's functions makes a ``Data`` of it.

    Example:
        >>> from graphlearn.loader import NeighborLoader
        >>> data = Data(edge_index=torch.tensor([[1, 2], [0, 0]]), num_nodes=3)
        >>> loader = NeighborLoader(data, [1], batch_size=2, num_workers=1, seed=0)
        >>> isinstance(loader, ThreadedLoading), [batch.n_id.tolist() for batch in loader.epoch(3)]
        (True, [[0, 1, 2], [2]])
    """

    _pyg_filter: Callable[[Any, Any], Any]
    data: Any
    filter_per_worker: bool

    def _set_up(
        self, feature_store: Any, threads: int, ahead: int, prefetch_bytes: int | None, order: int
    ) -> None:
        self.threads, self._ahead = threads, ahead
        self._prefetch_bytes = (
            None if prefetch_bytes is None else check_size(prefetch_bytes, name="prefetch_bytes")
        )
        self._order = order
        self._epochs = CallCounter()
        self._features: BatchFeatures | None = None
        if isinstance(self.data, (Data, HeteroData)):
            self._features = self._features_from(feature_store)
        elif feature_store is not None:
            raise InputError(
                "feature_store is given beside a pair of a FeatureStore and a GraphStore",
                expected="the one or the other",
            )

    def _features_from(self, feature_store: Any) -> BatchFeatures:
        features = BatchFeatures(feature_store, hetero=isinstance(self.data, HeteroData))
        features.check(self.data)
        return features

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next pass over the loader is.

        Passes count themselves from 0; a run that goes on after epoch ``e`` says ``e + 1``, and
        gets the batches that it would have got.
        """
        self._epochs = CallCounter(check_num_nodes(epoch, name="epoch"))

    def epoch(self, number: int, *, feature_store: Any = None) -> Iterator[Any]:
        """The batches of one epoch; a ``for`` loop over the loader goes through one after another.

        With ``shuffle=True`` the order of the seeds is the epoch's own too, unless the loader was
        given a ``sampler``, ``batch_sampler`` or ``generator``: the order is then theirs.

        Args:
            number: Which epoch.
            feature_store: Stores in place of the loader's, such as the epoch's packed rows.

        Raises:
            InputError: If a store does not have a row for each node.
        """
        features = self._features
        if feature_store is not None:
            if not isinstance(self.data, (Data, HeteroData)):
                raise InputError("the loader's features come from its own FeatureStore")
            features = self._features_from(feature_store)
        # Packed rows come in the order in which they were packed: they are asked for in that order.
        in_threads = self.filter_per_worker and not (features is not None and features.in_order)

        if features is not None:
            features.rewind()

        def finish(output: Any) -> Any:
            return self._pinned(self._filter(output, features))

        def load(item: tuple[int, Any]) -> Any:
            output = self._sample(item[1], mix_keys(number, item[0]))
            return finish(output) if in_threads else output

        made = self._made(number, load)
        return made if in_threads else map(finish, made)

    def samples(self, number: int) -> Iterator[Any]:
        """What is sampled in one epoch, batch by batch, without features."""
        return self._made(number, lambda item: self._sample(item[1], mix_keys(number, item[0])))

    def node_counts(self) -> dict[str | None, int]:
        """How many nodes there are of each type; of type None where there are no types."""
        sampler = self._sampler()
        if not isinstance(sampler, NeighborSampler):
            raise InputTypeError(
                f"the loader samples by a {type(sampler).__name__}",
                expected="a graphlearn NeighborSampler",
            )
        return dict(zip(sampler.graph.node_types, sampler.graph.num_nodes, strict=True))

    def _made(self, epoch: int, load: Callable[[tuple[int, Any]], Any]) -> Iterator[Any]:
        return OrderedThreads(
            load,
            enumerate(self._places(check_num_nodes(epoch, name="epoch"))),
            threads=self.threads,
            ahead=self._ahead,
            max_bytes=self._prefetch_bytes,
        )

    def _places(self, epoch: int) -> Iterator[list[int]]:
        """The places of the seeds of every batch of an epoch."""
        own: Any = self
        if self._order >= 0:
            generator = torch.Generator().manual_seed(mix_keys(self._order, epoch) >> 1)
            shuffled = RandomSampler(own.dataset, generator=generator)
            size = 1 if own.batch_size is None else own.batch_size
            yield from BatchSampler(shuffled, size, own.drop_last)
            return
        for places in own.sampler if own.batch_sampler is None else own.batch_sampler:
            if isinstance(places, int) or getattr(places, "ndim", None) == 0:
                places = [places]
            yield [int(place) for place in places]

    def _pinned(self, batch: Any) -> Any:
        own: Any = self
        if not own.pin_memory or not torch.cuda.is_available():
            return batch
        return pin_memory(batch)  # type: ignore[no-untyped-call]

    def _sample(self, index: Any, key: int | None) -> Any:
        raise NotImplementedError  # abstract

    def _sampler(self) -> Any:
        raise NotImplementedError  # abstract

    def _draw(self, draw: Callable[..., Any], key: int | None) -> Any:
        """Call a method of the sampler, with the key if it is one of ours."""
        return draw(key=key) if isinstance(self._sampler(), NeighborSampler) else draw()

    def collate_fn(self, index: Any) -> Any:
        """Sample the neighborhoods of some of the seeds, by their places among them."""
        output = self._sample(index, None)
        return self.filter_fn(output) if self.filter_per_worker else output

    def filter_fn(self, output: Any) -> Any:
        """Make the batch of what was sampled: PyG's attributes, and features from their stores."""
        return self._filter(output, self._features)

    def _filter(self, output: Any, features: BatchFeatures | None) -> Any:
        own: Any = self
        if own.transform_sampler_output:
            output = own.transform_sampler_output(output)
        # PyG's function on this loader as it would be without what is done here.
        view = SimpleNamespace(
            **{**self.__dict__, "transform": None, "transform_sampler_output": None}
        )
        if features is None:
            batch = type(self)._pyg_filter(view, output)
        else:
            split = features.split(self.data)
            view.data = split.light
            batch = type(self)._pyg_filter(view, output)
            hetero = isinstance(output, HeteroSamplerOutput)
            split.attach(batch, output.node if hetero else {None: output.node})
        return batch if own.transform is None else own.transform(batch)

    def _get_iterator(self) -> Iterator[Any]:
        return self.epoch(self._epochs.next())


def own_order(sampler: Any, kwargs: dict[str, Any], count: int) -> int:
    """The seed of the loader's order, or -1 where the order is somebody else's.

    Args:
        sampler: Of neighborhoods; one of ours has a seed.
        kwargs: The data loader's options; without seeds they are not to be shuffled.
        count: How many seeds there are.
    """
    if kwargs.get("shuffle") and not count:
        kwargs["shuffle"] = False  # torch refuses to shuffle nothing
    given = any(kwargs.get(name) is not None for name in ("sampler", "batch_sampler", "generator"))
    if given or not kwargs.get("shuffle") or not isinstance(sampler, NeighborSampler):
        return -1
    return mix_keys(sampler.seed, 3)
