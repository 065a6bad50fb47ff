"""Every OGB name made small, through the code that runs the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from graphlearn.bench.leaderboard import leaderboard
from graphlearn.bench.ogb_bench import estimate_lines, run_ogb
from graphlearn.bench.ogb_recipes import ogb_names, pick_recipes
from graphlearn.data import load_dataset, make_split
from graphlearn.errors import DataNotFoundError

SMALL = {"train.epochs": 2}


@pytest.fixture(autouse=True)
def unchecked(monkeypatch) -> None:
    """The miniature of ogbl-ddi has not the checksums of the real one."""
    monkeypatch.setattr("graphlearn.data.dataset.check_files", lambda root, files: None)


def run(root: Path, out: Path, names: list[str], models: list[str], **options):
    recipes = pick_recipes(names, models, **{"seeds": 1, **options})
    return run_ogb(recipes, data_root=root, out=out, progress=False)


@pytest.mark.parametrize("name", [name for name in ogb_names() if name.startswith("ogbl")])
def test_common_neighbors_score_as_by_hand_and_by_ogbs_evaluator(
    name: str, ogb_root: Path, ogb_miniatures, tmp_path: Path
) -> None:
    entry = run(ogb_root, tmp_path, [name], ["cn"]).entries[0]
    split = make_split(load_dataset(name, ogb_root))
    edges = split.data.edge_index
    if split.test_uses_valid_edges:
        edges = torch.cat([edges, split.valid_pairs, split.valid_pairs.flip(0)], dim=1)
    adjacency = torch.zeros(60, 60)
    adjacency[edges[0], edges[1]] = 1
    common = adjacency @ adjacency
    scores = {
        "y_pred_pos": common[tuple(split.test_pairs)],
        "y_pred_neg": common[tuple(split.test_negatives)],
    }
    with ogb_miniatures.ogb_modules("ogb.linkproppred.evaluate") as (module,):
        found = module.Evaluator(name).eval(scores)
    wanted = {
        key.removesuffix("_list"): torch.as_tensor(v).double().mean() for key, v in found.items()
    }
    key = {"auc": "rocauc"}.get(entry.metric, entry.metric)
    assert entry.test[0] == pytest.approx(float(wanted[key]), rel=1e-6)
    assert entry.parameters == 0
    assert entry.valid_links_at_test == (name == "ogbl-collab")


@pytest.mark.parametrize("name", ogb_names())
def test_every_recipe_of_every_name_runs(name: str, ogb_root: Path, tmp_path: Path) -> None:
    small = {
        "ogbl": {"encoder.hidden_channels": 8},
        "ogbn": {"stack.hidden_channels": 8, "stack.num_layers": 2},
        "ogbg": {"network.hidden_channels": 8, "network.num_layers": 2, "train.batch_size": 8},
    }[name.partition("-")[0]]
    settings = SMALL | small
    if name == "ogbn-products":
        settings["train.chunks"] = 2
    found = run(ogb_root, tmp_path, [name], [], set=settings)
    assert len(found.entries) == len(pick_recipes([name])[name])
    for entry in found.entries:
        assert 0 <= entry.test[0] <= 1
        assert len(entry.valid) == 1
        assert entry.hardware
        assert entry.versions["torch"] == torch.__version__
        assert (entry.parameters == 0) == (entry.method in ("cn", "aa", "ra"))
    assert (tmp_path / "leaderboard.html").is_file()


def test_seeds_are_resumed_and_made_into_one_row(ogb_root: Path, tmp_path: Path) -> None:
    first = run(ogb_root, tmp_path, ["ogbn-arxiv"], ["gcn"], set=SMALL, seeds=2)
    ledger = (tmp_path / "ledger.jsonl").read_text()
    again = run(ogb_root, tmp_path, ["ogbn-arxiv"], ["gcn"], set=SMALL, seeds=3)
    assert (tmp_path / "ledger.jsonl").read_text().startswith(ledger)
    assert again.entries[0].test[:2] == first.entries[0].test
    assert again.entries[0].seeds == (0, 1, 2)
    stored = json.loads((tmp_path / "leaderboard.json").read_text())["entries"][0]
    assert stored["test_std"] == again.entries[0].test_std


def test_what_is_absent_stops_before_anything_runs(
    ogb_root: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(
        "graphlearn.data.transfer.Transfer.fetch",
        lambda self: (_ for _ in ()).throw(TimeoutError()),
    )
    root = tmp_path / "root"
    (root / "ogb").mkdir(parents=True)
    (root / "ogb" / "ogbl_ddi").symlink_to(ogb_root / "ogb" / "ogbl_ddi")
    told: list[str] = []
    recipes = pick_recipes(["ogbl-ddi", "ogbl-collab"], ["cn"])
    with pytest.raises(DataNotFoundError, match="ogbl-collab: ogb/ogbl_collab/raw/edge") as caught:
        run_ogb(recipes, data_root=root, out=tmp_path / "runs", tell=told.append)
    assert "\n" not in str(caught.value)
    assert told == []
    assert not (tmp_path / "runs").exists()


def test_estimates_say_what_does_not_fit(monkeypatch) -> None:
    monkeypatch.setattr("graphlearn.bench.ogb_bench.memory_bytes", lambda: 1 << 20)
    lines = estimate_lines(pick_recipes(["ogbl-ddi"], ["cn", "ncn"], seeds=3))
    assert len(lines) == 2
    assert all("3 seeds (rough" in line and "that are free here" in line for line in lines)


def test_without_its_folder_a_model_has_no_count(ogb_root: Path, tmp_path: Path) -> None:
    import shutil

    from graphlearn.bench.runs import run_recipes

    recipes = pick_recipes(["ogbl-ppa"], ["cn"])["ogbl-ppa"]
    result = run_recipes(recipes, data_root=ogb_root, out=tmp_path, progress=False)
    for folder in tmp_path.glob("cn-*"):
        shutil.rmtree(folder)
    assert leaderboard([result]).entries[0].parameters is None
