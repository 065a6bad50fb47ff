"""Layer-pipelined training of deep networks on whole graphs (GNNPipe, arXiv 2308.10087)."""

from graphlearn.pipeline.checkpoint import load_checkpoint, save_checkpoint
from graphlearn.pipeline.chunk import GraphChunk
from graphlearn.pipeline.failures import PeerLostError
from graphlearn.pipeline.layout import Layout
from graphlearn.pipeline.loop import train
from graphlearn.pipeline.loss_watch import LossWatch
from graphlearn.pipeline.partition import partition_nodes
from graphlearn.pipeline.records import PipelineEpoch
from graphlearn.pipeline.schedule import efficiency, split_layers
from graphlearn.pipeline.simulator import simulate_epoch
from graphlearn.pipeline.trainer import PipelineTrainer

__all__ = [
    "GraphChunk",
    "Layout",
    "LossWatch",
    "PeerLostError",
    "PipelineEpoch",
    "PipelineTrainer",
    "efficiency",
    "load_checkpoint",
    "partition_nodes",
    "save_checkpoint",
    "simulate_epoch",
    "split_layers",
    "train",
]
