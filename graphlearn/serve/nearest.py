"""The nodes whose vectors are nearest by cosine: exact, or through an HNSW index.

Exact search takes time for every pair of source and node. Where that would take longer than to
build an index, faiss's HNSW is used if the extra ``ann`` is installed; it is built by one thread,
because several would link its nodes in another order each time.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.extras import import_extra
from graphlearn.kernels import top_columns
from graphlearn.registry import unknown_name
from graphlearn.validate import check_features, check_size

SEARCHES = ("auto", "exact", "hnsw")
"""Ways to search: ``"auto"`` takes an index where it is there and pays."""

_LINKS, _EFFORT_BUILDING, _EFFORT_SEARCHING = 16, 40, 64
# Exact searches whose cost is that of building an index over the same vectors.
_INDEX_PAYS = 30_000
_LARGE = 100_000  # nodes; with fewer, exact search of all of them takes a minute


class NearestNodes:
    """Finds nearest nodes among vectors of length 1; a vector of zeros is near to nothing.

    Args:
        vectors: A row for each node.
        search: ``"exact"``, ``"hnsw"``, or ``"auto"``, which takes the index where it is installed
            and so many sources are expected that it pays.
        num_sources: About how many sources will be asked for.

    Shapes:
        - **vectors**: ``[N, C]`` float32

    Raises:
        InputError: If the vectors are not finite.
        UnknownNameError: If the way to search is not known.
        MissingExtraError: If ``"hnsw"`` is asked for and faiss is not installed.

    Example:
        >>> nearest = NearestNodes(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]))
        >>> nearest(torch.tensor([0]), 1).tolist()
        [[2]]
    """

    def __init__(self, vectors: Tensor, *, search: str = "auto", num_sources: int = 1) -> None:
        if search not in SEARCHES:
            raise unknown_name("search", search, SEARCHES)
        self.vectors = check_features(vectors, name="vectors").float().contiguous()
        self._index: Any = None
        pays = num_sources > _INDEX_PAYS and self.vectors.size(0) > _LARGE
        if search == "hnsw" or (search == "auto" and pays and has_index()):
            self._index = _build(self.vectors.numpy())

    def __call__(self, sources: Tensor, count: int) -> Tensor:
        """Return for each source the ``count`` nearest other nodes, nearest first; -1 for none.

        Shapes:
            - **sources**: ``[B]``; **output**: ``[B, count]`` int64

        Raises:
            InputError: If ``count`` is below 1.
        """
        count = check_size(count, name="count")
        if self._index is not None:
            return self._indexed(sources, count)
        found = top_columns(self.vectors[sources], self.vectors, count, least=0.0, barred=sources)
        return found.column

    def _indexed(self, sources: Tensor, count: int) -> Tensor:
        value, found = self._index.search(self.vectors[sources].numpy(), count + 1)
        node: Tensor = torch.from_numpy(np.asarray(found, dtype=np.int64))
        node[(torch.from_numpy(value) <= 0) | (node == sources[:, None])] = -1
        # The source itself is one of the first: moved behind, it is cut off.
        order = torch.argsort((node < 0).byte(), dim=1, stable=True)
        best: Tensor = node.gather(1, order)[:, :count]
        return best

    def __repr__(self) -> str:
        how = "exact" if self._index is None else "hnsw"
        return f"{type(self).__name__}({list(self.vectors.shape)}, {how})"


def has_index() -> bool:
    """Whether faiss is installed.

    Example:
        >>> has_index() in (True, False)
        True
    """
    return importlib.util.find_spec("faiss") is not None


def unit_vectors(vectors: Tensor) -> Tensor:
    """Rows scaled to length 1; rows of zeros stay.

    Shapes:
        - **vectors**, **output**: ``[N, C]``

    Raises:
        InputError: If they are no matrix of finite numbers.

    Example:
        >>> unit_vectors(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    if vectors.dim() != 2:
        raise InputError(f"vectors has shape {list(vectors.shape)}", expected="shape [N, C]")
    length = vectors.norm(dim=1, keepdim=True)
    scaled: Tensor = vectors / length.masked_fill(length == 0, 1.0)
    return scaled


def _build(vectors: np.ndarray) -> Any:
    faiss = import_extra("faiss", extra="ann", purpose="search 'hnsw'", otherwise="search 'exact'")
    threads = faiss.omp_get_max_threads()
    index = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _EFFORT_BUILDING
    index.hnsw.efSearch = _EFFORT_SEARCHING
    faiss.omp_set_num_threads(1)
    try:
        index.add(vectors)
    finally:
        faiss.omp_set_num_threads(threads)
    return index
