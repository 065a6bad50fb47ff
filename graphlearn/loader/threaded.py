"""What our loaders add to PyG's: threads in the process, keyed draws, features from stores."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.sampler import HeteroSamplerOutput

from graphlearn.errors import InputError
from graphlearn.kernels.sample import mix_keys
from graphlearn.loader.batch_features import BatchFeatures
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
    """

    _pyg_filter: Callable[[Any, Any], Any]
    data: Any
    filter_per_worker: bool

    def _set_up(
        self, feature_store: Any, threads: int, ahead: int, prefetch_bytes: int | None
    ) -> None:
        self.threads, self._ahead = threads, ahead
        self._prefetch_bytes = (
            None if prefetch_bytes is None else check_size(prefetch_bytes, name="prefetch_bytes")
        )
        self._epochs = itertools.count()
        self._features: BatchFeatures | None = None
        if isinstance(self.data, (Data, HeteroData)):
            self._features = BatchFeatures(self.data, feature_store)
        elif feature_store is not None:
            raise InputError(
                "feature_store is given beside a pair of a FeatureStore and a GraphStore",
                expected="the one or the other",
            )

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next pass over the loader is: its draws are that epoch's.

        Passes count themselves from 0; a run that goes on after epoch ``e`` says ``e + 1``. The
        order of the seeds is torch's matter (``generator``, ``sampler``).
        """
        self._epochs = itertools.count(check_num_nodes(epoch, name="epoch"))

    def _sample(self, index: Any, key: int | None) -> Any:
        raise NotImplementedError  # abstract

    def _draw(self, draw: Callable[..., Any], sampler: Any, key: int | None) -> Any:
        """Call a sampler's method, with the key if it is one of ours."""
        return draw(key=key) if isinstance(sampler, NeighborSampler) else draw()

    def collate_fn(self, index: Any) -> Any:
        """Sample the neighborhoods of some of the seeds, by their places among them."""
        return self._load(index, None)

    def _load(self, index: Any, key: int | None) -> Any:
        output = self._sample(index, key)
        return self.filter_fn(output) if self.filter_per_worker else output

    def filter_fn(self, output: Any) -> Any:
        """Make the batch of what was sampled: PyG's attributes, and features from their stores."""
        own: Any = self
        if own.transform_sampler_output:
            output = own.transform_sampler_output(output)
        features = self._features
        view = SimpleNamespace(
            **{**self.__dict__, "transform": None, "transform_sampler_output": None}
        )
        if features is not None:
            view.data = features.data
        batch = type(self)._pyg_filter(view, output)
        if features is not None:
            hetero = isinstance(output, HeteroSamplerOutput)
            features.attach(batch, output.node if hetero else {None: output.node})
        return batch if own.transform is None else own.transform(batch)

    def _get_iterator(self) -> Iterator[Any]:
        own: Any = self
        epoch = next(self._epochs)
        places = own.sampler if own.batch_sampler is None else own.batch_sampler

        def load(item: tuple[int, Any]) -> Any:
            number, index = item
            batch = self._load(
                [index] if isinstance(index, int) else index, mix_keys(epoch, number)
            )
            if own.pin_memory and self.filter_per_worker and torch.cuda.is_available():
                return batch.pin_memory()
            return batch

        made = OrderedThreads(
            load,
            enumerate(places),
            threads=self.threads,
            ahead=self._ahead,
            max_bytes=self._prefetch_bytes,
        )
        return made if self.filter_per_worker else map(self.filter_fn, made)
