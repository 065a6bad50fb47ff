from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from graphlearn.data.molecule_features import (
    ATOM_CATEGORIES,
    BOND_CATEGORIES,
    atom_categories,
    bond_categories,
    check_categories,
)
from graphlearn.errors import InputError

ATOM = {
    "GetAtomicNum": 6,
    "GetChiralTag": "CHI_UNSPECIFIED",
    "GetTotalDegree": 4,
    "GetFormalCharge": 0,
    "GetTotalNumHs": 3,
    "GetNumRadicalElectrons": 0,
    "GetHybridization": "SP3",
    "GetIsAromatic": False,
    "IsInRing": False,
}
BOND = {"GetBondType": "SINGLE", "GetStereo": "STEREONONE", "GetIsConjugated": False}


def made(values: dict[str, object], **changes: object) -> SimpleNamespace:
    return SimpleNamespace(**{k: (lambda v=v: v) for k, v in (values | changes).items()})


# Each method, and OGB's list of what it may give; "misc" is the last category of most.
ATOM_LISTS = {
    "GetAtomicNum": "possible_atomic_num_list",
    "GetChiralTag": "possible_chirality_list",
    "GetTotalDegree": "possible_degree_list",
    "GetFormalCharge": "possible_formal_charge_list",
    "GetTotalNumHs": "possible_numH_list",
    "GetNumRadicalElectrons": "possible_number_radical_e_list",
    "GetHybridization": "possible_hybridization_list",
    "GetIsAromatic": "possible_is_aromatic_list",
    "IsInRing": "possible_is_in_ring_list",
}
BOND_LISTS = {
    "GetBondType": "possible_bond_type_list",
    "GetStereo": "possible_bond_stereo_list",
    "GetIsConjugated": "possible_is_conjugated_list",
}


@pytest.mark.parametrize(
    ("lists", "values", "function", "counts"),
    [
        (ATOM_LISTS, ATOM, atom_categories, ATOM_CATEGORIES),
        (BOND_LISTS, BOND, bond_categories, BOND_CATEGORIES),
    ],
)
def test_categories_are_places_in_ogbs_lists(lists, values, function, counts) -> None:
    features = pytest.importorskip("ogb.utils.features", reason="ogb is not installed")
    assert len(lists) == len(counts)
    for column, (method, name) in enumerate(lists.items()):
        known = features.allowable_features[name]
        assert counts[column] == len(known)
        for place, value in enumerate(known[:-1] if known[-1] == "misc" else known):
            assert function(made(values, **{method: value}))[column] == place
        if known[-1] == "misc":
            for strange in ("other", "misc") if isinstance(known[0], str) else (-9, 400):
                assert function(made(values, **{method: strange}))[column] == len(known) - 1


def test_ogb_has_no_category_for_other_stereo_configurations() -> None:
    with pytest.raises(ValueError):
        bond_categories(made(BOND, GetStereo="STEREOATROPCW"))


def test_a_table_must_hold_categories_that_there_are() -> None:
    most = torch.tensor(BOND_CATEGORIES) - 1
    check_categories(torch.stack([most, torch.zeros_like(most)]), BOND_CATEGORIES, name="bonds")
    check_categories(torch.empty(0, 3, dtype=torch.int64), BOND_CATEGORIES, name="bonds")
    for column, size in enumerate(BOND_CATEGORIES):
        for wrong in (-1, size):
            table = most.repeat(4, 1)
            table[2, column] = wrong
            with pytest.raises(InputError, match=f"column {column} holds {wrong}: .*0, {size}"):
                check_categories(table, BOND_CATEGORIES, name="bonds")
    with pytest.raises(InputError, match=r"bonds is of shape \[3\]: expected 3 categories a row"):
        check_categories(most, BOND_CATEGORIES, name="bonds")
