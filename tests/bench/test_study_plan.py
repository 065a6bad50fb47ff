from __future__ import annotations

from pathlib import Path

import pytest

from graphlearn.bench import study_plan
from graphlearn.bench.search_space import Space, parse_space
from graphlearn.bench.study_plan import StudyPlan
from graphlearn.errors import GraphLearnError, InputError, InputTypeError, UnknownNameError

BASE = {"seeds": [0], "train.epochs": 2, "encoder.hidden_channels": 4, "metrics": ["auc"]}


def plan(model: str = "gcn/digits-knn", **search: str) -> StudyPlan:
    spaces = {key.replace("__", "."): parse_space(text) for key, text in search.items()}
    return StudyPlan(model, None, BASE, spaces)


def test_recipes_with_what_a_trial_tries() -> None:
    found = plan(train__batch_size="int(1,9)")
    recipe = found.recipe({"train.batch_size": 7})
    assert recipe.train is not None
    assert (recipe.train.batch_size, recipe.train.epochs, recipe.seeds) == (7, 2, (0,))
    assert found.metric == "auc"


def test_what_decides_the_trials_decides_the_folder() -> None:
    one = plan(train__batch_size="int(1,9)", encoder__dropout="uniform(0,1)")
    two = plan(encoder__dropout="uniform(0,1)", train__batch_size="int(1,9)")
    folder = one.folder(one.identity(study_seed=0), Path("runs"))
    assert folder.parent == Path("runs")
    assert folder.name.startswith("tune-gcn-digits-knn-")
    assert two.folder(two.identity(study_seed=0), Path("runs")) == folder
    others = [
        (one, {"study_seed": 1}),
        (plan(train__batch_size="int(1,8)", encoder__dropout="uniform(0,1)"), {"study_seed": 0}),
        (StudyPlan(one.model, None, {**BASE, "seeds": [0, 1]}, one.search), {"study_seed": 0}),
        (StudyPlan(one.model, None, {**BASE, "train.epochs": 3}, one.search), {"study_seed": 0}),
    ]
    folders = {other.folder(other.identity(**more), Path("runs")) for other, more in others}
    assert len(folders | {folder}) == 5


@pytest.mark.parametrize(
    ("key", "text", "error", "said"),
    [
        ("train.epoch", "int(1,2)", UnknownNameError, "search key 'train.epoch'.*'train.epochs'"),
        ("encoder.droput", "uniform(0,1)", UnknownNameError, "did you mean 'encoder.dropout'"),
        ("predictor.dropout", "uniform(0,1)", UnknownNameError, "search key 'predictor.dropout'"),
        ("network.dropout", "uniform(0,1)", UnknownNameError, "search key 'network.dropout'"),
        ("seeds", "int(1,2)", UnknownNameError, "search key 'seeds'"),
        ("metrics", "choice([auc])", UnknownNameError, "search key 'metrics'"),
        ("dataset", "choice(cora)", UnknownNameError, "search key 'dataset'"),
        ("ties", "choice(mean)", UnknownNameError, "search key 'ties'"),
        ("split.valid_ratio", "choice(null)", UnknownNameError, "search key 'split.valid_ratio'"),
        ("train.device", "choice(cpu)", UnknownNameError, "search key 'train.device'"),
        ("train.batch_size", "uniform(1,9)", InputTypeError,
         r"^--search train.batch_size=uniform\(1,9\): train.batch_size is 1.0 \(a number\)"),
        ("train.batch_size", "int(0,9)", InputError, r"int\(0,9\): batch_size is 0: expected"),
        ("train.dtype", "choice(float32,float31)", UnknownNameError, "unknown dtype 'float31'"),
        ("encoder.name", "choice(gcn,gnc)", UnknownNameError, "unknown encoder 'gnc'"),
    ],
)  # fmt: skip
def test_keys_and_values_that_the_recipe_refuses(
    key: str, text: str, error: type[GraphLearnError], said: str
) -> None:
    refused = StudyPlan("gcn/digits-knn", None, BASE, {key: parse_space(text)})
    with pytest.raises(error, match=said) as caught:
        refused.check_keys()
    assert "\n" not in str(caught.value)


def test_options_of_options_and_of_other_components_can_be_searched() -> None:
    plan(encoder__name="choice(gcn,sage)", encoder__dropout="uniform(0,1)").check_keys()
    readout = {"network.readout.shuffle": Space("choice", values=(True, False))}
    StudyPlan("lcm/second-minimum-short", None, {}, readout).check_keys()


def test_values_that_a_model_refuses_are_met_before_any_trial() -> None:
    with pytest.raises(
        InputError, match=r"^--search encoder.dropout=uniform\(0,7\): encoder gcn: dropout is 7"
    ):
        plan(encoder__dropout="uniform(0,7)").check()
    splits = plan(encoder__dropout="uniform(0,0.7)", encoder__num_layers="int(1,3)").check()
    assert splits.of(0).seed == 0


def test_a_formula_has_nothing_to_train() -> None:
    heuristic = StudyPlan("cn/digits-knn", None, {}, {"train.epochs": Space("int", 1, 2)})
    with pytest.raises(InputError, match="cn on digits-knn is a formula that is not trained"):
        heuristic.check_keys()


def test_a_bound_that_memory_does_not_hold_is_left_to_the_trials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(study_plan, "build", full)
    plan(encoder__num_layers="int(1,3)").check()


def test_another_error_of_a_model_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_plan, "build", None)
    with pytest.raises(TypeError, match="not callable"):
        plan(encoder__num_layers="int(1,3)").check()
