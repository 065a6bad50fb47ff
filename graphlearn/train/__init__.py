"""The single-process training loop: epochs, evaluation, early stopping, checkpoints."""

from graphlearn.allocator import keep_freed_memory
from graphlearn.metrics.history import EpochRecord, FitResult
from graphlearn.train.checkpoint import (
    CHECKPOINT_NAME,
    WEIGHTS_NAME,
    Checkpoint,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from graphlearn.train.config import GraphTrainConfig, LoopConfig, SampledTrainConfig, TrainConfig
from graphlearn.train.epoch import link_loss
from graphlearn.train.evaluate import evaluate_links, score_links
from graphlearn.train.graph_trainer import GraphTrainer, check_metrics_fit, fit_graphs
from graphlearn.train.link_ranks import LinkRanks, rank_links
from graphlearn.train.loop import Trainer
from graphlearn.train.negatives import UniformNegatives, uniform_negatives
from graphlearn.train.sampled_trainer import SampledNodeTrainer
from graphlearn.train.trainer import LinkTrainer, fit_links

__all__ = [
    "CHECKPOINT_NAME",
    "WEIGHTS_NAME",
    "Checkpoint",
    "EpochRecord",
    "FitResult",
    "GraphTrainConfig",
    "GraphTrainer",
    "LinkRanks",
    "LinkTrainer",
    "LoopConfig",
    "SampledNodeTrainer",
    "SampledTrainConfig",
    "TrainConfig",
    "Trainer",
    "UniformNegatives",
    "check_metrics_fit",
    "evaluate_links",
    "fit_graphs",
    "fit_links",
    "keep_freed_memory",
    "link_loss",
    "load_checkpoint",
    "load_weights",
    "rank_links",
    "save_checkpoint",
    "save_weights",
    "score_links",
    "uniform_negatives",
]
