from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.bench.analysis import (
    MEASURES,
    PERFORMANCE,
    NodeAnalysis,
    analyze_run,
    measure_nodes,
)
from graphlearn.bench.run_result import RunResult
from graphlearn.bench.runs import run_recipes
from graphlearn.bench.split_source import SplitSource
from graphlearn.errors import DataNotFoundError, InputError
from graphlearn.kernels import CSRGraph
from graphlearn.topology import local_clustering, topological_concentration


@pytest.fixture(scope="session")
def analysis(finished: RunResult) -> NodeAnalysis:
    """Of the heuristic, with 200 candidates a node."""
    return analyze_run(finished.jobs[0].folder.seed(0), num_candidates=200)


def test_every_node_with_a_test_link_has_a_row(analysis: NodeAnalysis) -> None:
    split = SplitSource("digits-knn").link_split(0)
    assert set(analysis.nodes) == {
        "node",
        "test_links",
        "candidates",
        "tc_apart",
        *PERFORMANCE,
        *MEASURES,
    }
    count = torch.bincount(split.test_pairs.flatten(), minlength=1797)
    np.testing.assert_array_equal(analysis.nodes["node"], count.nonzero().flatten().numpy())
    np.testing.assert_array_equal(analysis.nodes["test_links"], count[count > 0].numpy())
    assert analysis.sampled
    assert analysis.nodes["candidates"].max() <= 200
    for metric in PERFORMANCE:
        assert 0 <= analysis.nodes[metric].min() <= analysis.nodes[metric].max() <= 1
    assert (analysis.nodes["hits@10"] <= analysis.nodes["hits@100"]).all()


def test_measures_are_those_of_the_training_graph(analysis: NodeAnalysis) -> None:
    split = SplitSource("digits-knn").link_split(0)
    graph = CSRGraph.from_edge_index(split.data.edge_index, 1797)
    own = torch.from_numpy(analysis.nodes["node"])
    expected = topological_concentration(graph, split.test_pairs)[own]
    np.testing.assert_allclose(analysis.nodes["tc_test"], expected.numpy())
    np.testing.assert_allclose(analysis.nodes["clustering"], local_clustering(graph)[own].numpy())
    assert set(measure_nodes(split, hops=1, dim=8)) == {*MEASURES, "tc_apart"}


def test_common_neighbors_are_ranked_by_hand(finished: RunResult) -> None:
    """With all candidates, against counts from a dense matrix."""
    found = analyze_run(finished.jobs[0].folder.seed(0), num_candidates=1797)
    assert not found.sampled  # as many as there are nodes: all are taken
    split = SplitSource("digits-knn").link_split(0)
    dense = torch.zeros(1797, 1797)
    u, v = split.data.edge_index
    dense[u, v] = dense[v, u] = 1
    shared = dense @ dense
    barred = dense.clone().fill_diagonal_(1)
    for pairs in (split.valid_pairs, split.test_pairs):
        barred[pairs[0], pairs[1]] = barred[pairs[1], pairs[0]] = 1
    for row in (0, 17, 200):
        node = int(found.nodes["node"][row])
        links = split.test_pairs[:, (split.test_pairs == node).any(0)]
        inverse = []
        for other in (links.sum(0) - node).tolist():
            among = shared[node][barred[node] == 0]
            ahead = (among > shared[node, other]).sum() + (among == shared[node, other]).sum() / 2
            inverse.append(1 / (1 + float(ahead)))
        assert found.nodes["mrr"][row] == pytest.approx(sum(inverse) / len(inverse))


def test_correlations_groups_and_shift(analysis: NodeAnalysis) -> None:
    found = analysis.correlations("mrr")
    assert list(found) == list(MEASURES)
    # What is scored is the number of common neighbors, of which TC over test neighbors is a mean.
    assert found["tc_test"][1].low > 0.2
    assert found["tc_test"][0].size == len(analysis.nodes["node"])
    groups = analysis.groups("tc_test", "mrr", 5)
    assert groups[-1].y > groups[0].y
    shift = analysis.shift()
    several = analysis.nodes["degree"] >= 2
    assert shift.before == pytest.approx(analysis.nodes["tc_apart"][several].mean())
    assert shift.after == pytest.approx(analysis.nodes["tc_test"][several].mean())
    assert shift.size == several.sum()


def test_the_table_has_the_strongest_first(analysis: NodeAnalysis) -> None:
    table = analysis.table("hits@10")
    strength = [abs(float(row[2].split(" ")[0])) for row in table.cells]
    assert strength == sorted(strength, reverse=True)
    assert "hits@10 of" in table.caption
    flat = dataclasses.replace(
        analysis, nodes={**analysis.nodes, "tc": np.zeros(len(analysis.nodes["node"]))}
    )
    assert ("tc", "– (does not vary)", "– (does not vary)") in [r[:3] for r in flat.table().cells]
    assert math.isnan(flat.correlations("mrr")["tc"][0].value)


def test_served_worst(analysis: NodeAnalysis) -> None:
    worst = analysis.worst("mrr", 10)
    assert len(worst["node"]) == 10
    assert worst["mrr"].max() <= np.sort(analysis.nodes["mrr"])[10]
    assert list(worst["mrr"]) == sorted(worst["mrr"])


def test_a_trained_model_is_read_from_its_folder(finished: RunResult) -> None:
    job = finished.jobs[1]
    found = analyze_run(job.folder.seed(job.seed), num_candidates=50)
    again = analyze_run(job.folder.seed(job.seed), num_candidates=50)
    assert repr(found) == f"NodeAnalysis({job.label}: {len(found.nodes['node'])} nodes)"
    for name in found.nodes:
        np.testing.assert_array_equal(found.nodes[name], again.nodes[name])


def test_runs_that_cannot_be_analyzed(finished: RunResult, network_recipe, tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="is not a run's folder"):
        analyze_run(tmp_path / "none")
    with pytest.raises(InputError, match=r"has seeds 0, 1: expected the folder of one: seed-0"):
        analyze_run(finished.jobs[1].folder.path)
    result = run_recipes([network_recipe], out=tmp_path, progress=False)
    with pytest.raises(InputError, match="holds no scores of nodes' links"):
        analyze_run(result.jobs[0].folder.seed(0))
    with pytest.raises(InputError, match="hops is 0"):
        analyze_run(finished.jobs[0].folder.seed(0), hops=0)


def test_an_unfinished_seed(finished: RunResult, tmp_path: Path) -> None:
    job = finished.jobs[0]
    place = tmp_path / "run" / "seed-0"
    place.mkdir(parents=True)
    for folder in (place, place.parent):
        text = (job.folder.path / "recipe.yaml").read_text(encoding="utf-8")
        (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataNotFoundError, match=r"holds no trained model.*graphlearn resume"):
        analyze_run(place)
