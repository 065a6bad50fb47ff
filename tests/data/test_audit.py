"""The audit finds each kind of leak when it is put in, names it, and passes what is clean."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlearn.data import Finding, LinkSplit, SplitAudit, audit_split, random_link_split
from graphlearn.data.split import message_graph
from graphlearn.errors import InputError, InputTypeError, LeakError


def clean_split(seed: int = 0) -> LinkSplit:
    source = torch.arange(200)
    ring = torch.stack([source, (source + 1) % 200])
    return random_link_split(Data(edge_index=ring, num_nodes=200), seed=seed)


def with_pairs(split: LinkSplit, name: str, pairs: torch.Tensor) -> LinkSplit:
    return dataclasses.replace(split, **{name: torch.cat([getattr(split, name), pairs], dim=1)})


def test_a_clean_split_passes() -> None:
    audit = audit_split(clean_split())
    assert isinstance(audit, SplitAudit)
    assert audit.ok
    assert audit.findings == ()
    assert audit.sizes["training links"] == 140
    assert audit.sizes["message-passing edges"] == 280
    audit.raise_for_leaks()
    assert str(audit).endswith("no leak found")


OVERLAPS = [
    ("valid_pairs", "train_pairs", "validation links that are training links"),
    ("test_pairs", "train_pairs", "test links that are training links"),
    ("test_pairs", "valid_pairs", "test links that are validation links"),
    ("valid_negatives", "train_pairs", "validation negatives that are training links"),
    ("valid_negatives", "valid_pairs", "validation negatives that are validation links"),
    ("valid_negatives", "test_pairs", "validation negatives that are test links"),
    ("test_negatives", "train_pairs", "test negatives that are training links"),
    ("test_negatives", "valid_pairs", "test negatives that are validation links"),
    ("test_negatives", "test_pairs", "test negatives that are test links"),
    ("test_negatives", "valid_negatives", "test negatives that are validation negatives"),
]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("into", "taken_from", "kind"), OVERLAPS)
def test_overlaps_are_found_in_either_direction(into, taken_from, kind, reverse) -> None:
    split = clean_split()
    stolen = getattr(split, taken_from)[:, 2:5]
    stolen = stolen.flip(0) if reverse else stolen
    found = {f.kind: f for f in audit_split(with_pairs(split, into, stolen)).leaks}
    assert found[kind].count == 3
    assert found[kind].pairs == tuple((int(u), int(v)) for u, v in stolen.t())


@pytest.mark.parametrize("held_out", ["valid_pairs", "test_pairs"])
def test_held_out_links_among_message_passing_edges_are_found(held_out) -> None:
    split = clean_split()
    seen = torch.cat([split.train_pairs, getattr(split, held_out)[:, :2].flip(0)], dim=1)
    leaking = dataclasses.replace(split, data=message_graph(split.data, seen))
    (leak,) = audit_split(leaking).leaks
    assert leak.kind.endswith("links that are message-passing edges")
    assert leak.count == 2


NAMES = ["train_pairs", "valid_pairs", "test_pairs", "valid_negatives", "test_negatives"]


@pytest.mark.parametrize("name", NAMES)
def test_repeats_self_loops_and_wild_ids_are_found_in_every_part(name) -> None:
    split = clean_split()
    repeated = getattr(split, name)[:, :2].flip(0)
    (leak,) = audit_split(with_pairs(split, name, repeated)).leaks
    assert (leak.count, leak.pairs) == (2, tuple((int(u), int(v)) for u, v in repeated.t()))
    assert "repeat an earlier one" in leak.kind
    (leak,) = audit_split(with_pairs(split, name, torch.tensor([[7], [7]]))).leaks
    assert "self-loops" in leak.kind
    assert leak.pairs == ((7, 7),)
    (leak,) = audit_split(with_pairs(split, name, torch.tensor([[0, 3], [200, -1]]))).leaks
    assert "with an id outside [0, 200)" in leak.kind
    assert leak.pairs == ((0, 200), (3, -1))


def test_wild_message_passing_edges_are_found_and_loops_there_are_a_warning() -> None:
    split = clean_split()
    data = split.data.clone()
    data.edge_index = torch.cat([data.edge_index, torch.tensor([[0, 5], [999, 5]])], dim=1)
    audit = audit_split(dataclasses.replace(split, data=data))
    assert [leak.kind for leak in audit.leaks] == [
        "message-passing edges with an id outside [0, 200)"
    ]
    assert [warning.kind for warning in audit.warnings] == [
        "message-passing edges that are self-loops"
    ]


def test_official_ogb_splits_are_told_of_and_taken_as_they_are() -> None:
    """Their figures are published with what they hold; only ids that do not exist are refused."""
    split = dataclasses.replace(clean_split(), rule="ogb-official")
    shared = with_pairs(split, "test_negatives", split.valid_negatives[:, :4])
    doubled = with_pairs(shared, "test_pairs", split.test_pairs[:, :1])
    again = with_pairs(doubled, "valid_pairs", split.train_pairs[:, :2])
    audit = audit_split(again)
    assert audit.ok
    assert {str(warning).partition(",")[0] for warning in audit.warnings} == {
        "1 test links that repeat an earlier one",
        "2 validation links that are message-passing edges",
        "2 validation links that are training links",
        "4 test negatives that are validation negatives",
    }
    assert "warning: 4 test negatives that are validation negatives" in str(audit)
    assert not audit_split(dataclasses.replace(again, rule="by hand")).ok
    assert not audit_split(with_pairs(split, "test_pairs", split.test_pairs + 10**6)).ok


def test_the_error_names_count_and_first_pairs() -> None:
    split = clean_split()
    leaking = with_pairs(split, "test_pairs", split.train_pairs[:, :7])
    audit = audit_split(leaking)
    first = ", ".join(str((int(u), int(v))) for u, v in split.train_pairs[:, :5].t())
    with pytest.raises(LeakError) as caught:
        audit.raise_for_leaks()
    text = str(caught.value)
    assert f"7 test links that are training links, first {first};" in text
    assert "\n" not in text
    assert "REFUSED: 7 test links" in str(audit)


def test_a_finding_prints_itself() -> None:
    finding = Finding("test links that are training links", 2, ((1, 2), (4, 3)), refused=True)
    assert str(finding) == "2 test links that are training links, first (1, 2), (4, 3)"


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        (torch.zeros(2, 3), InputTypeError),
        (torch.zeros(2, 3, dtype=torch.bool), InputTypeError),
        ([[0], [1]], InputTypeError),
        (torch.zeros(3, 2).long(), InputError),
        (torch.zeros(4).long(), InputError),
    ],
)
def test_what_is_no_pairs_is_refused(pairs, error) -> None:
    with pytest.raises(error, match="test_pairs"):
        audit_split(dataclasses.replace(clean_split(), test_pairs=pairs))


def test_empty_parts_and_narrow_types_are_audited() -> None:
    split = clean_split()
    empty = dataclasses.replace(split, valid_negatives=torch.empty(2, 0, dtype=torch.int32))
    assert audit_split(empty).ok
    narrow = dataclasses.replace(split, test_pairs=split.train_pairs[:, :1].to(torch.int16))
    assert not audit_split(narrow).ok


pairs_of_eight = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12)


@given(st.tuples(*[pairs_of_eight] * 6))
def test_the_verdict_is_that_of_plain_sets(parts) -> None:
    tensors = [torch.tensor(part, dtype=torch.int64).view(-1, 2).t() for part in parts]
    data = Data(edge_index=tensors[5], num_nodes=8)
    split = LinkSplit(data, *tensors[:5], rule="by hand", seed=None)
    train, valid, valid_neg, test, test_neg, seen = (
        [frozenset(pair) for pair in part] for part in parts
    )
    clean = (
        all(len(set(part)) == len(part) for part in (train, valid, valid_neg, test, test_neg))
        and all(len(pair) == 2 for pair in train + valid + valid_neg + test + test_neg)
        and not set(valid) & set(train)
        and not set(test) & set(train)
        and not set(test) & set(valid)
        and not set(seen) & (set(valid) | set(test))
        and not (set(valid_neg) | set(test_neg)) & (set(train) | set(valid) | set(test))
        and not set(valid_neg) & set(test_neg)
    )
    assert audit_split(split).ok == clean


def test_links_with_negatives_of_their_own_have_a_direction() -> None:
    from torch_geometric.data import Data

    train = torch.tensor([[0, 1, 2], [1, 2, 3]])
    data = Data(edge_index=torch.cat([train, train.flip(0)], dim=1), num_nodes=6)
    valid, test = torch.tensor([[3], [4]]), torch.tensor([[1], [0]])  # the second is a reverse
    own = torch.tensor([[[3, 3, 3]], [[0, 2, 0]]])  # 3-2 is a link the other way round
    split = LinkSplit(data, train, valid, own, test, own.clone(), "ogb-official", None)
    audit = audit_split(split)
    assert audit.ok
    assert {str(finding).partition(",")[0] for finding in audit.warnings} == {
        "1 test links that are training links",
        "1 test links that are message-passing edges",
        "1 validation negatives that are training links",
        "1 test negatives that are training links",
    }
    assert audit.sizes["test negatives"] == 3
    leaks = {leak.kind for leak in audit_split(dataclasses.replace(split, rule="by hand")).leaks}
    assert "test links that are training links" in leaks
    with pytest.raises(InputError, match=r"expected \[2, 1, Q\], a row of Q for each link"):
        audit_split(dataclasses.replace(split, test_negatives=torch.zeros(2, 2, 3).long()))
    wild = own.clone()
    wild[1, 0, 1] = 9
    found = audit_split(dataclasses.replace(split, test_negatives=wild))
    assert "test negatives with an id outside [0, 6)" in {leak.kind for leak in found.leaks}


def test_parts_are_looked_at_block_by_block_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    split = clean_split()
    leaking = with_pairs(split, "test_pairs", torch.cat([split.train_pairs[:, :7]] * 2, dim=1))
    whole = audit_split(leaking)
    monkeypatch.setattr("graphlearn.data.audit._BLOCK", 3)
    assert audit_split(leaking) == whole
    assert audit_split(split) == audit_split(split)
    assert {finding.count for finding in whole.findings} == {7, 14}
