"""Packing of an epoch before it is trained: sampled offline, its rows written batch by batch."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor
from torch_geometric.sampler import HeteroSamplerOutput

from graphlearn.errors import InputError, InputTypeError
from graphlearn.loader.threaded import ThreadedLoading
from graphlearn.store import PackedWriter, RowStore
from graphlearn.store.packed_writer import GROUP_BYTES


def pack_epoch(
    loader: ThreadedLoading,
    source: RowStore,
    path: Path | str,
    *,
    epoch: int = 0,
    resident: Tensor | None = None,
    group_bytes: int = GROUP_BYTES,
    node_type: str | None = None,
) -> int:
    """Sample an epoch without features, and write the rows that it will ask for, in that order.

    Training then reads them from the disk in one piece (DiskGNN, arXiv 2405.05231), and gets the
    batches that it would have got with the features in memory:
    ``loader.epoch(epoch, feature_store=PackedStore(path))``. Memory is ``group_bytes`` and what the
    loader makes ahead, whatever the size of the table.

    Args:
        loader: A :class:`NeighborLoader` or :class:`LinkNeighborLoader` whose order is its own: no
            ``sampler`` or ``generator`` of yours that moves on.
        source: The table of features.
        path: The file to write; an old one stands until the new one is whole.
        epoch: Which epoch of the loader.
        resident: Rows to keep in memory while training, such as the most asked for.
        group_bytes: How many bytes of rows are put in order in memory.
        node_type: Whose features they are, where there are types.

    Returns:
        The number of batches.

    Raises:
        InputTypeError: If ``loader`` is none of ours.
        InputError: If ``source`` does not have a row for each node, or there is no such type.
        OutputError: If the file cannot be written.

    Example:
        >>> import tempfile
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from graphlearn.loader import NeighborLoader
        >>> from graphlearn.store import MemoryStore, PackedStore
        >>> data = Data(edge_index=torch.tensor([[1, 2, 3, 0], [0, 0, 1, 3]]), num_nodes=4)
        >>> loader = NeighborLoader(data, [2], batch_size=2, shuffle=True, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     count = pack_epoch(loader, MemoryStore(torch.arange(4.0)[:, None]), f"{folder}/0")
        ...     with PackedStore(f"{folder}/0") as store:
        ...         batches = list(loader.epoch(0, feature_store=store))
        >>> count, all(batch.x[:, 0].equal(batch.n_id.float()) for batch in batches)
        (2, True)
    """
    if not isinstance(loader, ThreadedLoading):
        raise InputTypeError(
            f"loader is a {type(loader).__name__}", expected="a graphlearn NeighborLoader"
        )
    sizes = loader.node_counts()
    if node_type not in sizes:
        raise InputError(
            f"node_type is {node_type!r}", expected="one of " + ", ".join(map(repr, sizes))
        )
    if source.num_rows != sizes[node_type]:
        raise InputError(
            f"source has {source.num_rows} rows", expected=f"{sizes[node_type]}, one for each node"
        )
    batches = 0
    with PackedWriter(path, source, resident, group_bytes=group_bytes) as writer:
        for output in loader.samples(epoch):
            typed = isinstance(output, HeteroSamplerOutput)
            writer.add(output.node[node_type] if typed else output.node)
            batches += 1
        writer.finish()
    return batches
