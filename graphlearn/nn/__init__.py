"""Layers, encoders and link predictors that plug into any PyG project; they know no training."""

from graphlearn.nn.aggr import (
    AGGREGATORS,
    GRUAggregation,
    LCMAggregation,
    PNAAggregation,
    make_aggregator,
    resolved_by_pyg,
)
from graphlearn.nn.category import CategoryEmbedding, CategoryIndicator
from graphlearn.nn.conv import AggregationConv, Propagation, propagate
from graphlearn.nn.deep import (
    DEEP_STACKS,
    ConvLayer,
    DeepLayer,
    GCNIILayer,
    GCNLayer,
    GENLayer,
    InputLayer,
    OutputLayer,
    SAGELayer,
    WholeGraph,
    WholeGraphStack,
    deep_stack,
    whole_graph,
)
from graphlearn.nn.dropout import Dropout
from graphlearn.nn.encoder import (
    ConvolutionEncoder,
    GCNEncoder,
    JumpingKnowledge,
    NodeInput,
    PropagationEncoder,
    ReweightedEncoder,
    SAGEEncoder,
    make_encoder,
)
from graphlearn.nn.gin import GIN
from graphlearn.nn.gine import GINE
from graphlearn.nn.heuristic import (
    AdamicAdar,
    CommonNeighbors,
    Katz,
    PersonalizedPageRank,
    ResourceAllocation,
)
from graphlearn.nn.linear import SparseLinear
from graphlearn.nn.model import LinkModel
from graphlearn.nn.network import GraphNetwork
from graphlearn.nn.predictor import (
    NCN,
    NCNC,
    OCN,
    CNMix,
    DotPredictor,
    HadamardPredictor,
    NCNCount,
    completion_probability,
)
from graphlearn.nn.registries import ENCODERS, NETWORKS, PREDICTORS
from graphlearn.nn.spen import SPEN, SPENConv
from graphlearn.nn.subgraph import SubgraphConv, SubgraphGNN, SubgraphPool

__all__ = [
    "AGGREGATORS",
    "DEEP_STACKS",
    "ENCODERS",
    "GIN",
    "GINE",
    "NCN",
    "NCNC",
    "NETWORKS",
    "OCN",
    "PREDICTORS",
    "SPEN",
    "AdamicAdar",
    "AggregationConv",
    "CNMix",
    "CategoryEmbedding",
    "CategoryIndicator",
    "CommonNeighbors",
    "ConvLayer",
    "ConvolutionEncoder",
    "DeepLayer",
    "DotPredictor",
    "Dropout",
    "GCNEncoder",
    "GCNIILayer",
    "GCNLayer",
    "GENLayer",
    "GRUAggregation",
    "GraphNetwork",
    "HadamardPredictor",
    "InputLayer",
    "JumpingKnowledge",
    "Katz",
    "LCMAggregation",
    "LinkModel",
    "NCNCount",
    "NodeInput",
    "OutputLayer",
    "PNAAggregation",
    "PersonalizedPageRank",
    "Propagation",
    "PropagationEncoder",
    "ResourceAllocation",
    "ReweightedEncoder",
    "SAGEEncoder",
    "SAGELayer",
    "SPENConv",
    "SparseLinear",
    "SubgraphConv",
    "SubgraphGNN",
    "SubgraphPool",
    "WholeGraph",
    "WholeGraphStack",
    "completion_probability",
    "deep_stack",
    "make_aggregator",
    "make_encoder",
    "propagate",
    "resolved_by_pyg",
    "whole_graph",
]
