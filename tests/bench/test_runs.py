from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from graphlearn.bench import runs as run_module
from graphlearn.bench.ledger import Ledger
from graphlearn.bench.listener import Epoch
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import recipe_text
from graphlearn.bench.run_folder import RunFolder
from graphlearn.bench.run_result import RunResult
from graphlearn.bench.runs import RunInterrupted, resolve_recipes, run, run_recipes
from graphlearn.bench.seed_run import run_seed
from graphlearn.bench.suggestion import suggest_recipe
from graphlearn.data import load_dataset
from graphlearn.errors import GraphLearnError, InputError, InputTypeError, UnknownNameError
from graphlearn.files import sole_use

TINY = {"train.epochs": 2, "encoder.hidden_channels": 4, "predictor.hidden_channels": 4}


def test_from_the_package_s_top() -> None:
    import graphlearn

    assert graphlearn.run is run


def test_several_models_and_settings(tmp_path: Path) -> None:
    result = run(["cn", "ncn"], "digits-knn", seeds=[5], set=TINY, out=tmp_path, progress=False)
    assert [(row.model, row.seed, row.epochs) for row in result.rows] == [
        ("cn", 5, 0),
        ("ncn", 5, 2),
    ]
    assert len(Ledger(tmp_path / "ledger.jsonl").rows()) == 2


def test_an_edge_list_of_one_s_own(tmp_path: Path) -> None:
    path = tmp_path / "my links.csv"
    path.write_text("a,b\n" + "".join(f"{i},{(i * i + 1) % 60}\n" for i in range(60)))
    settings = {"train.epochs": 2, "encoder.hidden_channels": 4}
    result = run("gcn", path, seeds=1, set=settings, out=tmp_path / "o", progress=False)
    assert list(result.rows[0].test) == ["auc", "ap", "mrr"]
    assert result.rows[0].dataset == "my links"


def test_finished_seeds_are_skipped(
    finished: RunResult, heuristic: Recipe, trained: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    out = finished.jobs[0].folder.path.parent
    before = (out / "ledger.jsonl").read_bytes()
    again = run_recipes([heuristic, trained], out=out)
    assert again.rows == finished.rows
    assert (out / "ledger.jsonl").read_bytes() == before
    assert capsys.readouterr().err.count("skipped") == 3


def test_a_seed_that_another_run_is_at_is_refused(tmp_path: Path) -> None:
    (recipe,) = resolve_recipes("cn", "digits-knn", seeds=[0, 1])
    other = RunFolder.of(recipe, tmp_path).seed(1)
    with sole_use(other), pytest.raises(InputError, match="seed-1 is in use by another run"):
        run_recipes([recipe], out=tmp_path, progress=False)
    assert len(run_recipes([recipe], out=tmp_path, progress=False).rows) == 2


def test_an_interrupted_run_goes_on(
    finished: RunResult,
    trained: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    same_figures: Any,
) -> None:
    def stop_in_the_second_epoch(*arguments: Any, **options: Any) -> Any:
        *others, on_epoch = arguments

        def hear(epoch: Epoch) -> None:
            on_epoch(epoch)
            if others[2] == 1 and epoch.number == 2:
                raise KeyboardInterrupt

        return run_seed(*others, hear, **options)

    monkeypatch.setattr(run_module, "run_seed", stop_in_the_second_epoch)
    with pytest.raises(RunInterrupted) as caught:
        run_recipes([trained], out=tmp_path, progress=False)
    assert caught.value.folder.parent == tmp_path
    assert len(Ledger(tmp_path / "ledger.jsonl").rows()) == 1
    monkeypatch.undo()
    result = run_recipes([trained], out=tmp_path, progress=False)
    whole = dataclasses.replace(finished, jobs=finished.jobs[1:], rows=finished.rows[1:])
    assert same_figures(result, whole)
    for one, two in zip(result.jobs, whole.jobs, strict=True):
        name = f"seed-{one.seed}/model.safetensors"
        assert (one.folder.path / name).read_bytes() == (two.folder.path / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (["ncm"], {}, "unknown model 'ncm'"),
        (["ncn", "corra"], {}, "unknown dataset 'corra'"),
        (["ncn"], {"set": {"train.epoch": 3}}, "did you mean 'train.epochs'"),
        (["cn"], {"set": {"train.epochs": 3}}, "unknown setting 'train.epochs'"),
        (["ncn"], {"set": {"train.epochs": "x"}}, "train.epochs is 'x'"),
        (["ncn"], {"set": {"metrics": ["hitz@3"]}}, "unknown metric 'hitz@3'"),
        (["ncn"], {"set": {"metrics": ["hits@99999"]}}, "99999"),
        (["ncn"], {"seeds": 0}, "seeds is 0"),
        (["ncn"], {"workers": 0}, "workers is 0"),
        (["ncn"], {"threads": 0}, "threads is 0"),
        (["ncn"], {"device": "no-such-device"}, "no-such-device"),
        ([[]], {}, "no model was given"),
    ],
)
def test_bad_input_leaves_nothing_behind(
    arguments: list[Any], options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(GraphLearnError) as caught:
        run(*arguments, out=tmp_path / "runs", progress=False, **options)
    assert words in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_device_passes_heuristics_by() -> None:
    recipes = resolve_recipes(["cn", "ncn"], "cora", device="cpu")
    assert recipes[0].train is None
    assert recipes[1].train is not None


def test_metrics_are_the_card_s_where_the_recipe_names_none() -> None:
    assert resolve_recipes("ncn/default", "ogbl-ddi")[0].metrics == ("hits@20",)


def test_threads_are_those_asked_for_and_set_back(heuristic: Recipe, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    result = run_recipes([heuristic], out=tmp_path, threads=before + 1, progress=False)
    assert result.rows[0].versions["threads"] == str(before + 1)
    assert torch.get_num_threads() == before


def test_interrupted_says_where() -> None:
    assert "runs/a" in str(RunInterrupted(Path("runs/a")))


def test_unknown_names_come_before_data(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        run("ncn", "corra", data_root=tmp_path / "none")
    with pytest.raises(InputError):
        run([], "cora")


def test_a_network_runs_on_sets_from_recipe_to_table(
    tmp_path: Path, network_recipe: Recipe
) -> None:
    result = run_recipes([network_recipe], out=tmp_path, progress=False)
    assert [(row.model, row.seed, row.epochs) for row in result.rows] == [
        ("tiny-lcm", 0, 2),
        ("tiny-lcm", 1, 2),
    ]
    assert set(result.rows[0].test) == {"all-bits", "all-bits/n20"}
    assert set(result.rows[0].valid) == {"all-bits"}
    assert "all-bits/n20" in str(result.table())
    assert len(result.plot().axes) == 3
    assert result.model.readout is not None
    assert result.report is not None
    assert "tiny-lcm on second-minimum" in result.report.read_text(encoding="utf-8")
    again = run_recipes([network_recipe], out=tmp_path, progress=False)
    assert [row.finished for row in again.rows] == [row.finished for row in result.rows]


def test_recipes_and_data_must_be_of_one_kind() -> None:
    with pytest.raises(
        InputError, match="'ncn' cannot run on second-minimum, which is many graphs"
    ):
        resolve_recipes("ncn", "second-minimum")
    with pytest.raises(InputError, match="lcm has no recipe for cora"):
        resolve_recipes("lcm", "cora")


def test_settings_reach_networks() -> None:
    settings = {"network.readout": "max", "train.schedule": "cosine"}
    (recipe,) = resolve_recipes("lcm/second-minimum-short", set=settings)
    assert recipe.model.network is not None
    assert recipe.model.network.options["readout"] == "max"
    with pytest.raises(UnknownNameError, match="setting 'predictor.dropout'"):
        resolve_recipes("lcm/second-minimum-short", set={"predictor.dropout": 0.1})


def test_a_recipe_is_run_as_its_file_is(tmp_path: Path) -> None:
    edges = load_dataset("digits-knn").data.edge_index
    recipe = suggest_recipe(Data(edge_index=edges, num_nodes=int(edges.max()) + 1)).recipe
    settings = {"train.epochs": 1, "encoder.hidden_channels": 8, "predictor.hidden_channels": 8}
    path = tmp_path / "mine.yaml"
    path.write_text(recipe_text(recipe))
    results = [
        run(what, "digits-knn", seeds=1, set=settings, out=tmp_path / str(place), progress=False)
        for place, what in enumerate([recipe, path, [recipe]])
    ]
    assert len({result.rows[0].test["hits@100"] for result in results}) == 1
    assert len({result.rows[0].recipe_digest for result in results}) == 1
    with pytest.raises(UnknownNameError, match="'train.epoch'"):
        resolve_recipes(recipe, "digits-knn", set={"train.epoch": 1})


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"seeds": 1.5}, InputTypeError, "seeds is 1.5: expected a count, or integers"),
        ({"seeds": "01"}, InputTypeError, "seeds is '01'"),
        ({"seeds": [0, 0.5]}, InputTypeError, r"seeds is \[0, 0.5\]"),
        ({"set": [1]}, InputTypeError, r"set is \[1\]: expected a mapping"),
        ({"out": None}, InputTypeError, "out is None: expected the path of a folder"),
        ({"model": 3}, InputTypeError, "model is a int: expected a name, a path, a Recipe"),
        ({"device": "foo"}, InputError, "device is 'foo': expected cpu"),
    ],
)
def test_arguments_of_a_wrong_kind_are_refused_in_a_line(
    arguments: dict[str, Any], error: type[Exception], said: str, tmp_path: Path
) -> None:
    given = {"model": "cn", "dataset": "digits-knn", "out": tmp_path, "progress": False}
    with pytest.raises(error, match=said):
        run(**(given | arguments))
    assert list(tmp_path.iterdir()) == []
