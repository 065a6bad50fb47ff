from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from graphlearn.bench.consistency import ConsistencyReport, audit_predictor
from graphlearn.errors import InconsistentScoresError, InputError, InputTypeError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import NCN, NCNC, PREDICTORS


@pytest.fixture(scope="module")
def case() -> tuple[Tensor, CSRGraph, Tensor]:
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(0, 40, (2, 200), generator=generator)
    graph = CSRGraph.from_edge_index(edges[:, edges[0] != edges[1]], num_nodes=40)
    pairs = torch.randint(0, 40, (2, 60), generator=generator)
    return torch.randn(40, 8, generator=generator), graph, pairs[:, pairs[0] != pairs[1]]


class Broken(nn.Module):
    """A dot product spoilt in one way."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def forward(self, x: Tensor, graph: Any, pairs: Tensor) -> Tensor:
        scores = (x[pairs[0]] * x[pairs[1]]).sum(dim=1)
        if self.fault == "batch":
            return scores + 0.01 * pairs.size(1)
        if self.fault == "order":
            return scores + torch.arange(pairs.size(1)) / 100
        if self.fault == "direction":
            return scores + x[pairs[0], 0] / 100
        if self.fault == "nan":
            return scores / 0 * 0
        if self.fault == "nan alone":
            return scores if pairs.size(1) > 1 else scores * float("nan")
        if self.fault == "shape":
            return scores[:, None]
        return scores


@pytest.mark.parametrize("name", PREDICTORS.names())
def test_every_predictor_is_consistent(name: str, case: tuple[Tensor, CSRGraph, Tensor]) -> None:
    from graphlearn.bench.components import component_class, takes

    x, graph, pairs = case
    cls = component_class("predictor", name)
    if takes("predictor", name, "channels"):
        report = audit_predictor(cls(8), x, graph, pairs)
    else:
        report = audit_predictor(cls(), None, graph, pairs)
    assert report.ok
    assert set(report.differences) == {"batch", "order", "direction"}


@pytest.mark.parametrize("predictor", [NCN, NCNC])
def test_weights_taken_from_the_batch_are_refused(
    predictor: Any, case: tuple[Tensor, CSRGraph, Tensor]
) -> None:
    x, graph, pairs = case
    with pytest.raises(InconsistentScoresError, match="the other pairs in its batch") as caught:
        audit_predictor(predictor(8, node_weight="batch-frequency"), x, graph, pairs)
    assert "largest difference" in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("batch", "the other pairs in its batch"),
        ("order", "its place in the batch"),
        ("direction", "which endpoint comes first"),
        ("nan alone", "by up to inf"),
    ],
)
def test_each_fault_is_found(fault: str, check: str, case: tuple[Tensor, CSRGraph, Tensor]) -> None:
    x, graph, pairs = case
    with pytest.raises(InconsistentScoresError, match=check):
        audit_predictor(Broken(fault), x, graph, pairs)


def test_the_caller_s_predictor_is_left_alone(case: tuple[Tensor, CSRGraph, Tensor]) -> None:
    x, graph, pairs = case
    predictor = NCN(8, dropout=0.5).train()
    audit_predictor(predictor, x, graph, pairs)
    assert predictor.training
    assert next(predictor.parameters()).dtype == torch.float32


@pytest.mark.parametrize("fault", ["nan", "shape"])
def test_unusable_scores(fault: str, case: tuple[Tensor, CSRGraph, Tensor]) -> None:
    x, graph, pairs = case
    with pytest.raises(InputError):
        audit_predictor(Broken(fault), x, graph, pairs)


def test_unusable_pairs(case: tuple[Tensor, CSRGraph, Tensor]) -> None:
    x, graph, pairs = case
    with pytest.raises(InputError, match="at least 2"):
        audit_predictor(Broken(""), x, graph, pairs[:, :1])
    with pytest.raises(InputError, match="node id 40"):
        audit_predictor(Broken(""), x, graph, torch.tensor([[0, 1], [2, 40]]))
    with pytest.raises(InputTypeError):
        audit_predictor(Broken(""), x, graph, pairs.float())


def test_report_reads() -> None:
    report = ConsistencyReport(4, {"order": 0.5, "batch": 0.0}, {"order": (1, 2), "batch": (0, 0)})
    assert not report.ok
    assert "order: largest difference 0.5 (BROKEN)" in str(report)
    with pytest.raises(
        InconsistentScoresError, match=r"demo is inconsistent.*0\.5 at pair \(1, 2\)"
    ):
        report.raise_for_inconsistency("demo")
