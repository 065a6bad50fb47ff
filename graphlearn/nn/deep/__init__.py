"""Layers of deep networks that compute a graph part by part, the same as all at once."""

from graphlearn.nn.deep.chunk import Neighborhoods, WholeGraph, whole_graph
from graphlearn.nn.deep.conv_layer import ConvLayer
from graphlearn.nn.deep.ends import InputLayer, OutputLayer
from graphlearn.nn.deep.gcn import GCNLayer
from graphlearn.nn.deep.gcnii import GCNIILayer
from graphlearn.nn.deep.gen import GENLayer
from graphlearn.nn.deep.layer import DeepLayer
from graphlearn.nn.deep.sage import SAGELayer
from graphlearn.nn.deep.stack import DEEP_STACKS, deep_stack, layer_options
from graphlearn.nn.deep.whole import WholeGraphStack

__all__ = [
    "DEEP_STACKS",
    "ConvLayer",
    "DeepLayer",
    "GCNIILayer",
    "GCNLayer",
    "GENLayer",
    "InputLayer",
    "Neighborhoods",
    "OutputLayer",
    "SAGELayer",
    "WholeGraph",
    "WholeGraphStack",
    "deep_stack",
    "layer_options",
    "whole_graph",
]
