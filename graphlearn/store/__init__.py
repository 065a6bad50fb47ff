"""Feature stores behind one protocol: memory, pinned zero-copy, tiers, files on a disk."""

from graphlearn.store.buffer_pool import BufferPool
from graphlearn.store.disk import DiskStore
from graphlearn.store.feature_store import FeatureStore
from graphlearn.store.inclusion import BatchForecast, forecast_batch
from graphlearn.store.memory import MemoryStore
from graphlearn.store.packed import PackedStore
from graphlearn.store.packed_batches import PackedBatch
from graphlearn.store.packed_writer import PackedWriter
from graphlearn.store.pinned import PinnedStore
from graphlearn.store.placement import (
    access_counts,
    degree_score,
    inclusion_probability,
    reverse_pagerank,
)
from graphlearn.store.planner import plan_stores
from graphlearn.store.row_file import RowFile
from graphlearn.store.row_file_writer import write_rows
from graphlearn.store.row_store import RowStore
from graphlearn.store.store_plan import PlannedTier, StorePlan
from graphlearn.store.tiered import TieredStore

__all__ = [
    "BatchForecast",
    "BufferPool",
    "DiskStore",
    "FeatureStore",
    "MemoryStore",
    "PackedBatch",
    "PackedStore",
    "PackedWriter",
    "PinnedStore",
    "PlannedTier",
    "RowFile",
    "RowStore",
    "StorePlan",
    "TieredStore",
    "access_counts",
    "degree_score",
    "forecast_batch",
    "inclusion_probability",
    "plan_stores",
    "reverse_pagerank",
    "write_rows",
]
