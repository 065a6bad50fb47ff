"""Layer-pipelined training of deep networks on whole graphs (GNNPipe, arXiv 2308.10087)."""

from graphlearn.pipeline.checkpoint import Resumed, load_checkpoint, save_checkpoint
from graphlearn.pipeline.chunk import GraphChunk
from graphlearn.pipeline.config import NodeTrainConfig
from graphlearn.pipeline.cost_model import predict
from graphlearn.pipeline.cost_prediction import CostPrediction
from graphlearn.pipeline.costs import measure_costs
from graphlearn.pipeline.failures import PeerLostError
from graphlearn.pipeline.fit import NodeFit, fit_nodes, make_node_trainer
from graphlearn.pipeline.forecast import forecast
from graphlearn.pipeline.layout import Layout
from graphlearn.pipeline.loop import train
from graphlearn.pipeline.loss_watch import LossWatch
from graphlearn.pipeline.node_scores import score_nodes
from graphlearn.pipeline.partition import partition_nodes
from graphlearn.pipeline.partition_report import PartitionReport
from graphlearn.pipeline.profile import PipelineProfile
from graphlearn.pipeline.records import PipelineEpoch
from graphlearn.pipeline.schedule import efficiency, split_layers
from graphlearn.pipeline.simulator import simulate_epoch
from graphlearn.pipeline.timeline import simulate_turns
from graphlearn.pipeline.trainer import PipelineTrainer

__all__ = [
    "CostPrediction",
    "GraphChunk",
    "Layout",
    "LossWatch",
    "NodeFit",
    "NodeTrainConfig",
    "PartitionReport",
    "PeerLostError",
    "PipelineEpoch",
    "PipelineProfile",
    "PipelineTrainer",
    "Resumed",
    "efficiency",
    "fit_nodes",
    "forecast",
    "load_checkpoint",
    "make_node_trainer",
    "measure_costs",
    "partition_nodes",
    "predict",
    "save_checkpoint",
    "score_nodes",
    "simulate_epoch",
    "simulate_turns",
    "split_layers",
    "train",
]
