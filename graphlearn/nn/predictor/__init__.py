"""Link predictors: ``predictor(x, graph, pairs)`` gives one score a pair."""

from graphlearn.nn.predictor.cnmix import CNMix
from graphlearn.nn.predictor.completion import completion_probability
from graphlearn.nn.predictor.dot import DotPredictor
from graphlearn.nn.predictor.hadamard import HadamardPredictor
from graphlearn.nn.predictor.ncn import NCN, NCNCount
from graphlearn.nn.predictor.ncnc import NCNC
from graphlearn.nn.predictor.ocn import OCN

__all__ = [
    "NCN",
    "NCNC",
    "OCN",
    "CNMix",
    "DotPredictor",
    "HadamardPredictor",
    "NCNCount",
    "completion_probability",
]
