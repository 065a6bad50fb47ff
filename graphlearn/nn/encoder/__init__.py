"""Encoders: from features and a graph to one representation a node."""

from graphlearn.nn.encoder.convolution import ConvolutionEncoder, GCNEncoder, SAGEEncoder
from graphlearn.nn.encoder.inputs import JumpingKnowledge, NodeInput
from graphlearn.nn.encoder.propagation import PropagationEncoder

__all__ = [
    "ConvolutionEncoder",
    "GCNEncoder",
    "JumpingKnowledge",
    "NodeInput",
    "PropagationEncoder",
    "SAGEEncoder",
]
