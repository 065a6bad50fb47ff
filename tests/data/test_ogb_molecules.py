from __future__ import annotations

import re
import sys

import numpy as np
import pytest
import torch

from graphlearn.data import load_card, load_graph_split, read_ogb_molecules
from graphlearn.data.molecule_features import ATOM_CATEGORIES, BOND_CATEGORIES
from graphlearn.data.ogb_molecules import read_smiles
from graphlearn.errors import DataNotFoundError, InputError, MissingExtraError

CSV = "smiles,HIV_active\nCCO,0\nC,1\nC=O,0\nCC,1\n"


def write(folder, **changes: str):
    files = {"hiv.csv": CSV, "train_idx.txt": "0\n3\n", "val_idx.txt": "1\n", "test_idx.txt": "2\n"}
    for name, text in (files | changes).items():
        (folder / name).write_text(text)
    return folder


def test_molecules_go_to_their_parts_with_all_columns(tmp_path) -> None:
    split = read_ogb_molecules(write(tmp_path))
    assert (split.objective, split.rule) == ("bits", "given")
    ethanol = split.train.batch(torch.tensor([0]))
    assert ethanol.x[:, 0].tolist() == [5, 5, 7]
    assert ethanol.x.size(1) == len(ATOM_CATEGORIES)
    assert ethanol.edge_index.tolist() == [[0, 1, 1, 2], [1, 2, 0, 1]]
    assert [part.y.flatten().tolist() for part in split.parts().values()] == [[0, 1], [1], [0]]
    assert split.valid.edge_attr.shape == (0, len(BOND_CATEGORIES))
    assert split.test.edge_attr[:, 0].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hiv.csv": CSV[:-2]}, "hiv.csv:5 has smiles 'CC' and HIV_active ''"),
        ({"hiv.csv": CSV[:-4]}, "hiv.csv:5 has smiles 'C' and HIV_active None"),
        ({"hiv.csv": CSV.replace("HIV_active", "y")}, "has no column 'HIV_active'"),
        ({"hiv.csv": "smiles,HIV_active\n"}, "holds no molecules"),
        ({"hiv.csv": ""}, "has no column 'smiles'"),
        ({"hiv.csv": CSV.replace("C=O", "XX")}, "molecule 2 is 'XX': expected SMILES that rdkit"),
        ({"hiv.csv": CSV.replace("C=O", "c1ccc1(")}, "molecule 2 is 'c1ccc1('"),
        ({"test_idx.txt": "3\n"}, "name 4 molecules, 3 of them different: expected each of the 4"),
        ({"train_idx.txt": "0\n"}, "name 3 molecules"),
        ({"test_idx.txt": "4\n"}, "names others: expected ids in [0, 4)"),
        ({"test_idx.txt": "two\n"}, "test_idx.txt cannot be read"),
        ({"test_idx.txt": ""}, "test_idx.txt is empty"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, changes, said) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        read_ogb_molecules(write(tmp_path, **changes))


ODD_VALENCES = (
    "O=C1O[Al]23(OC1=O)(OC(=O)C(=O)O2)OC(=O)C(=O)O3",  # number 137 of ogbg-molhiv
    "CC1=C2[OH+][AlH3-3]34([O+]=C2C=CN1C)([O+]=C1C=CN(C)C(C)=C1[OH+]3)[O+]=C1C=CN(C)C(C)=C1[OH+]4",
)


@pytest.mark.parametrize(
    "smiles",
    ["CCO", "C", "C/C=C/C(=O)O", "c1ccc2[nH]ccc2c1", "N[C@@H](C)C(=O)O", "[Na+].[Cl-]", "[H]C#N"],
)
def test_categories_are_those_of_ogbs_package(tmp_path, smiles) -> None:
    graph = pytest.importorskip("ogb.utils.mol").smiles2graph(smiles)
    split = read_ogb_molecules(write(tmp_path, **{"hiv.csv": CSV.replace("C=O", smiles)}))
    found = split.test.batch(torch.tensor([0]))
    assert found.x.tolist() == graph["node_feat"].tolist()

    def rows(edges, kinds) -> list[list[int]]:
        return sorted(np.concatenate([np.asarray(edges).T, np.asarray(kinds)], axis=1).tolist())

    assert rows(found.edge_index.numpy(), found.edge_attr.numpy()) == rows(
        graph["edge_index"], graph["edge_feat"]
    )


@pytest.mark.parametrize("smiles", ODD_VALENCES)
def test_an_atom_with_more_bonds_than_rdkit_allows_is_read(tmp_path, smiles, capfd) -> None:
    split = read_ogb_molecules(write(tmp_path, **{"hiv.csv": CSV.replace("C=O", smiles)}))
    assert split.test.x[:, 0].eq(12).sum() == 1  # aluminium
    assert split.test.x[split.test.x[:, 0] == 12, 2].tolist() in ([6], [9])
    assert capfd.readouterr().err == ""


def test_without_rdkit_the_extra_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "rdkit.Chem", None)
    with pytest.raises(MissingExtraError, match=r"rdkit.*pip install .pyg-graphlearn\[molecules\]"):
        read_ogb_molecules(write(tmp_path))
    (tmp_path / "val_idx.txt").unlink()
    with pytest.raises(DataNotFoundError, match="val_idx"):
        read_ogb_molecules(tmp_path)


def test_the_real_table_has_the_published_positives(data_root) -> None:
    if not (data_root / "molhiv").is_dir():
        pytest.skip("molhiv is not in the folder of real data")
    _, labels = read_smiles(data_root / "molhiv" / "hiv.csv", "HIV_active")
    assert len(labels) == 41_127
    found = []
    for part in ("train", "val", "test"):
        ids = (data_root / "molhiv" / f"{part}_idx.txt").read_text().split()
        found.append(sum(labels[int(number)] for number in ids))
    assert found == [1232, 81, 130]
    assert load_card("ogbg-molhiv").metric == "auc"


def test_the_real_molecules_are_ogbs(data_root) -> None:
    if not (data_root / "molhiv").is_dir():
        pytest.skip("molhiv is not in the folder of real data")
    split = load_graph_split("ogbg-molhiv", data_root)
    assert [len(part) for part in split.parts().values()] == [32_901, 4_113, 4_113]
    parts = split.parts().values()
    # As OGB's page on the data set states them.
    assert sum(part.x.size(0) for part in parts) / 41_127 == pytest.approx(25.5, abs=0.05)
    assert sum(part.edge_index.size(1) for part in parts) / 82_254 == pytest.approx(27.5, abs=0.05)
