from __future__ import annotations

from pathlib import Path

import pytest
import torch

from graphlearn.bench import split_source
from graphlearn.bench.recipe import SplitRecipe
from graphlearn.bench.recipe_yaml import recipe_from_text
from graphlearn.bench.split_source import SplitSource, SplitSources, is_split_target
from graphlearn.bench.tasks import OWN_METRICS
from graphlearn.data import (
    GraphSplit,
    LinkSplit,
    NodeSplit,
    random_link_split,
    second_minimum_split,
)
from graphlearn.errors import DataNotFoundError, InputError, LeakError, UnknownNameError


@pytest.fixture
def edge_list(tmp_path: Path) -> Path:
    path = tmp_path / "ring.csv"
    path.write_text("".join(f"{i},{(i + 1) % 40}\n" for i in range(40)))
    return path


def test_splits_are_those_of_the_seed() -> None:
    source = SplitSource("digits-knn")
    assert source.make(0).digest() == SplitSource("digits-knn").make(0).digest()
    assert source.make(0).digest() != source.make(1).digest()


def test_the_user_s_file(edge_list: Path) -> None:
    split = SplitSource(str(edge_list)).audited_split(0, OWN_METRICS)
    assert split.rule == "random(0.1,0.2)"
    assert split.data.num_nodes == 40


def test_ratios_of_the_recipe(edge_list: Path) -> None:
    recipe = SplitRecipe(0.2, 0.3)
    assert SplitSource(str(edge_list), recipe).make(0).rule == "random(0.2,0.3)"
    assert SplitSource("digits-knn", recipe).make(0).rule == "random(0.2,0.3)"


def test_validation_edges_at_test() -> None:
    assert not SplitSource("digits-knn").make(0).test_uses_valid_edges
    recipe = SplitRecipe(test_uses_valid_edges=True)
    assert SplitSource("digits-knn", recipe).make(0).test_uses_valid_edges


def test_a_leak_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaking(data: object, **options: object) -> LinkSplit:
        split = random_link_split(data, seed=0)
        return LinkSplit(
            split.data, split.train_pairs, split.valid_pairs, split.valid_negatives,
            torch.cat([split.test_pairs, split.train_pairs[:, :3]], dim=1),
            split.test_negatives, split.rule, split.seed,
        )  # fmt: skip

    monkeypatch.setattr(split_source, "random_link_split", leaking)
    source = SplitSource("digits-knn", SplitRecipe(0.1, 0.2))
    with pytest.raises(LeakError, match="3 test links that are training links"):
        source.audited_split(0)


def test_too_few_negatives_are_found_before_training(edge_list: Path) -> None:
    with pytest.raises(InputError, match="100"):
        SplitSource(str(edge_list)).audited_split(0, ("hits@100",))


@pytest.mark.parametrize(
    ("what", "is_target"),
    [
        ("cora", True),
        ("links.txt.gz", True),
        ("some/folder", True),
        ("ncn", False),
        ("ncn/cora", False),
        ("corra", False),
    ],
)
def test_kinds_of_words(what: str, is_target: bool) -> None:
    assert is_split_target(what) == is_target


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError):
        SplitSource("no-such-file.csv").make(0)
    with pytest.raises(DataNotFoundError):
        SplitSource("cora", data_root=tmp_path / "none").make(0)


def test_a_data_set_of_graphs_gives_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    def few(name: str, data_root: object, *, seed: int) -> GraphSplit:
        return second_minimum_split(train=9, valid=3, test=3, larger=(), seed=seed)

    monkeypatch.setattr(split_source, "load_graph_split", few)
    source = SplitSource("second-minimum")
    assert isinstance(source.audited_split(3, ("all-bits",)), GraphSplit)
    assert source.make(3).digest() != source.make(4).digest()
    with pytest.raises(InputError, match="data set of many graphs"):
        source.link_split(0)
    with pytest.raises(UnknownNameError, match="hits@100"):
        source.audited_split(3, ("hits@100",))


def test_one_data_set_may_be_for_links_and_for_nodes() -> None:
    links, nodes = SplitSource("digits-knn"), SplitSource("digits-knn", task="nodes")
    assert isinstance(links.audited_split(0, ("auc",)), LinkSplit)
    split = nodes.audited_split(0, ("accuracy",))
    assert isinstance(split, NodeSplit)
    assert split.digest() == nodes.make(0).digest() != nodes.make(1).digest()
    with pytest.raises(UnknownNameError, match="auc"):
        nodes.audited_split(0, ("auc",))
    with pytest.raises(InputError, match="digits-knn is a data set of nodes to classify"):
        nodes.link_split(0)


def test_recipes_share_a_source_where_data_split_and_task_are_the_same() -> None:
    text = "{name: a, dataset: digits-knn, model: {%s}%s}"
    stack = "stack: {name: gcn, hidden_channels: 2, num_layers: 1}"
    recipes = [
        recipe_from_text(text % pair)
        for pair in (
            ("predictor: cn", ""),
            ("predictor: aa", ""),
            ("predictor: cn", ", split: {valid_ratio: 0.1, test_ratio: 0.2}"),
            (stack, ""),
        )
    ]
    sources = SplitSources()
    found = [sources.of(recipe, None) for recipe in recipes]
    assert found[0] is found[1]
    assert len({id(source) for source in found}) == 3
    assert [source.task for source in found] == ["links", "links", "links", "nodes"]


def test_an_official_split_is_made_and_audited_once_for_all_seeds(
    ogb_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audits = []
    audit = split_source.audit_split
    monkeypatch.setattr(
        split_source, "audit_split", lambda split: audits.append(split) or audit(split)
    )
    source = SplitSource("ogbl-collab", data_root=ogb_root)
    first = source.audited_split(0, ("auc",))
    assert source.audited_split(1, ("auc", "mrr")) is first
    assert audits == [first]
    with pytest.raises(InputError, match="k is 131 with 130 negatives"):
        source.audited_split(2, ("hits@131",))
