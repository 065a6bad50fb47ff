"""Encoders: from features and a graph to one representation a node."""

from graphlearn.nn.encoder.convolution import ConvolutionEncoder, GCNEncoder, SAGEEncoder
from graphlearn.nn.encoder.inputs import JumpingKnowledge, NodeInput
from graphlearn.nn.encoder.propagation import PropagationEncoder
from graphlearn.nn.encoder.registry import make_encoder
from graphlearn.nn.encoder.reweighted import ReweightedEncoder

__all__ = [
    "ConvolutionEncoder",
    "GCNEncoder",
    "JumpingKnowledge",
    "NodeInput",
    "PropagationEncoder",
    "ReweightedEncoder",
    "SAGEEncoder",
    "make_encoder",
]
