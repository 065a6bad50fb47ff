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
    assert [line.partition(":")[0] for line in told] == ["cn on ogbl-ddi", "cn on ogbl-collab"]
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


def test_what_stops_a_later_data_set_loses_nothing_of_an_earlier(
    ogb_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graphlearn.bench import ogb_bench

    run_one = ogb_bench.run_recipes

    def run_or_stop(recipes, **options):
        if recipes[0].dataset == "ogbl-vessel":
            raise KeyboardInterrupt
        return run_one(recipes, **options)

    monkeypatch.setattr(ogb_bench, "run_recipes", run_or_stop)
    told: list[str] = []
    recipes = pick_recipes(["ogbl-collab", "ogbl-vessel"], ["cn"], seeds=1)
    with pytest.raises(KeyboardInterrupt):
        run_ogb(recipes, data_root=ogb_root, out=tmp_path, progress=False, tell=told.append)
    assert told[-1] == f"the leaderboard so far: {tmp_path / 'leaderboard.txt'}"
    assert "ogbl-collab" in (tmp_path / "leaderboard.txt").read_text()


def test_estimates_come_before_any_file_is_looked_for(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "there").mkdir()
    recipes = pick_recipes(["ogbl-collab"], ["cn"], seeds=1)
    with pytest.raises(DataNotFoundError):
        run_ogb(recipes, data_root=tmp_path / "there", out=tmp_path / "out", tell=told.append)
    assert told[0].startswith("cn on ogbl-collab: about")


def test_estimates_count_seeds_side_by_side() -> None:
    recipes = pick_recipes(["ogbl-ddi"], ["cn", "ncn"], seeds=3)
    formula, trained = estimate_lines(recipes, workers=2)
    assert "side by side" not in formula
    alone = estimate_lines(recipes)[1]
    assert "2 side by side: 4.4" in trained
    assert "about 2.2" in alone
    assert "3 side by side" in estimate_lines(recipes, workers=8)[1]


def test_a_row_says_what_was_changed(ogb_root: Path, tmp_path: Path) -> None:
    settings = SMALL | {"stack.hidden_channels": 8}
    found = run(ogb_root, tmp_path, ["ogbn-arxiv"], ["gcn"], set=settings)
    text = found.render("text")
    assert "gcn *" in text
    assert "Changed from the recipe: gcn on ogbn-arxiv: stack.hidden_channels=8" in text
    entry = json.loads(found.render("json"))["entries"][0]
    assert entry["changed"] == {"stack.hidden_channels": 8, "train.epochs": 2}
    assert len(entry["recipe_digest"]) == 64


def test_a_figure_of_another_metric_is_not_shown_beside(ogb_root: Path, tmp_path: Path) -> None:
    recipes = pick_recipes(["ogbl-collab"], ["cn"], seeds=1)
    assert run_ogb(recipes, data_root=ogb_root, out=tmp_path, progress=False).entries[0].published
    import dataclasses

    (recipe,) = recipes["ogbl-collab"]
    assert recipe.published is not None
    other = dataclasses.replace(
        recipe, published=dataclasses.replace(recipe.published, metric="auc")
    )
    found = run_ogb({"ogbl-collab": [other]}, data_root=ogb_root, out=tmp_path, progress=False)
    assert found.entries[0].published is None


def test_a_data_set_is_read_once_for_plan_and_run(
    ogb_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graphlearn.bench import split_source

    read: list[str] = []
    load = split_source.load_dataset

    def counting(name, root):
        read.append(name)
        return load(name, root)

    monkeypatch.setattr(split_source, "load_dataset", counting)
    settings = SMALL | {"stack.hidden_channels": 8}
    run(ogb_root, tmp_path, ["ogbn-arxiv"], ["gcn"], set=settings, seeds=2)
    assert read == ["ogbn-arxiv"]


def test_other_data_in_the_same_folder_are_trained_on_anew(ogb_root: Path, tmp_path: Path) -> None:
    """The folder is named after the recipe, and holds the checkpoint of a finished seed."""
    import shutil

    root = tmp_path / "data"
    shutil.copytree(ogb_root, root)
    small = {"train.epochs": 1, "encoder.hidden_channels": 8}
    first = run(root, tmp_path / "out", ["ogbl-collab"], ["gcn"], set=small)
    feat = next(root.glob("**/ogbl_collab/raw/node-feat.csv.gz"))
    import gzip

    text = gzip.decompress(feat.read_bytes()).decode().splitlines()
    feat.write_bytes(gzip.compress("\n".join(text[::-1]).encode() + b"\n"))
    second = run(root, tmp_path / "out", ["ogbl-collab"], ["gcn"], set=small)
    assert first.entries[0].test != second.entries[0].test
