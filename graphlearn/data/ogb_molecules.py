"""OGB's molecules for graph property prediction, such as ogbg-molhiv, from their SMILES text."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphlearn.data.graph_collection import GraphCollection
from graphlearn.data.graph_split import GraphSplit
from graphlearn.data.molecule_features import (
    ATOM_CATEGORIES,
    BOND_CATEGORIES,
    atom_categories,
    bond_categories,
)
from graphlearn.errors import DataNotFoundError, InputError
from graphlearn.extras import import_extra

_PARTS = ("train", "val", "test")


def read_ogb_molecules(folder: Path | str, *, target: str = "HIV_active") -> GraphSplit:
    """Read molecules, one bit each, and OGB's scaffold split.

    From "Open Graph Benchmark" (https://arxiv.org/abs/2005.00687). Atoms have nine and bonds three
    integer categories (:mod:`graphlearn.data.molecule_features`), computed by rdkit, which the
    extra ``molecules`` installs; they are computed anew at each call.

    Args:
        folder: The folder with ``hiv.csv`` (columns ``smiles`` and the target), ``train_idx.txt``,
            ``val_idx.txt`` and ``test_idx.txt``.
        target: The column to predict, of 0 and 1.

    Shapes:
        - ``x`` of each part: ``[N, 9]`` int64; ``edge_index``: ``[2, E]``, both directions of every
          bond; ``edge_attr``: ``[E, 3]`` int64; ``y``: ``[G, 1]`` float32

    Raises:
        MissingExtraError: If rdkit is not installed.
        DataNotFoundError: If a file is missing.
        InputError: If a file is truncated or of another form, or rdkit cannot read a molecule.

    Example:
        >>> read_ogb_molecules("no/such/folder")
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: no file no/such/folder/hiv.csv
    """
    folder = Path(folder)
    smiles, labels = read_smiles(folder / "hiv.csv", target)
    parts = [_ids(folder / f"{part}_idx.txt", len(smiles)) for part in _PARTS]
    together = np.concatenate(parts)
    if len(together) != len(smiles) or len(np.unique(together)) != len(smiles):
        raise InputError(
            f"{folder}: the three parts name {len(together)} molecules, "
            f"{len(np.unique(together))} of them different",
            expected=f"each of the {len(smiles)} once",
        )
    parse = _parser()
    every = GraphCollection.from_data_list(
        [
            _molecule(parse, text, label, number)
            for number, (text, label) in enumerate(zip(smiles, labels, strict=True))
        ],
        node_targets=False,
    )
    of_train, of_valid, of_test = (every.select(torch.from_numpy(ids)) for ids in parts)
    return GraphSplit(of_train, of_valid, of_test, "bits", rule="given")


def read_smiles(path: Path | str, target: str) -> tuple[list[str], list[int]]:
    """Read the SMILES text and the bit of every molecule; this needs no rdkit.

    Args:
        path: A CSV file with a header that names ``smiles`` and the target.
        target: The column of 0 and 1.

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If a column is missing, or a row is short or holds another target.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "a.csv").write_text("smiles,active\\nCC,1\\n")
        ...     read_smiles(Path(folder) / "a.csv", "active")
        (['CC'], [1])
    """
    path = Path(path)
    smiles, labels = [], []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            for name in ("smiles", target):
                if name not in (rows.fieldnames or ()):
                    raise InputError(f"{path} has no column {name!r}", expected="it in the header")
            for row in rows:
                if not row["smiles"] or row[target] not in ("0", "1"):
                    raise InputError(
                        f"{path}:{rows.line_num} has smiles {row['smiles']!r} and {target} "
                        f"{row[target]!r}",
                        expected="a molecule, and 0 or 1",
                    )
                smiles.append(row["smiles"])
                labels.append(int(row[target]))
    except FileNotFoundError:
        raise DataNotFoundError(f"no file {path}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise InputError(f"{path} cannot be read: {problem}", expected="a CSV file") from None
    if not smiles:
        raise InputError(f"{path} holds no molecules", expected="a row each")
    return smiles, labels


def _ids(path: Path, count: int) -> NDArray[np.int64]:
    try:
        ids = np.array(path.read_bytes().split(), dtype=np.int64)
    except FileNotFoundError:
        raise DataNotFoundError(f"no file {path}") from None
    except (OSError, ValueError) as problem:
        raise InputError(f"{path} cannot be read: {problem}", expected="one id a line") from None
    if len(ids) == 0 or ids.min() < 0 or ids.max() >= count:
        raise InputError(f"{path} is empty or names others", expected=f"ids in [0, {count})")
    return ids


def _parser() -> Callable[[str], Any]:
    rdkit = import_extra(
        "rdkit", "Chem", "rdBase", extra="molecules", purpose="reading molecules from SMILES"
    )

    def parse(smiles: str) -> Any:
        # The error that a caller sees names the molecule; rdkit's own lines beside it do not.
        with rdkit.rdBase.BlockLogs():
            found = rdkit.Chem.MolFromSmiles(smiles)
            return _with_odd_valences(rdkit.Chem, smiles) if found is None else found

    return parse


def _with_odd_valences(chem: Any, smiles: str) -> Any:
    """Parse what has an atom with more bonds than a rule of rdkit allows it, all else checked.

    The rules have become stricter since OGB computed its features: seven molecules of ogbg-molhiv
    (such as number 137, an aluminium with six bonds) are refused by rdkit 2026.9.
    """
    molecule = chem.MolFromSmiles(smiles, sanitize=False)
    if molecule is None:
        return None
    molecule.UpdatePropertyCache(strict=False)
    steps = chem.SanitizeFlags.SANITIZE_ALL ^ chem.SanitizeFlags.SANITIZE_PROPERTIES
    if chem.SanitizeMol(molecule, steps, catchErrors=True) != chem.SanitizeFlags.SANITIZE_NONE:
        return None
    # What MolFromSmiles does after sanitizing, in its order.
    molecule = chem.RemoveHs(molecule, sanitize=False)
    chem.AssignStereochemistry(molecule, cleanIt=True, force=True)
    return molecule


def _molecule(parse: Callable[[str], Any], smiles: str, label: int, number: int) -> Data:
    molecule = parse(smiles)
    if molecule is None:
        raise InputError(f"molecule {number} is {smiles!r}", expected="SMILES that rdkit can read")
    atoms = [atom_categories(atom) for atom in molecule.GetAtoms()]
    bonds = list(molecule.GetBonds())
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds]
    try:
        kinds = [bond_categories(bond) for bond in bonds]
    except ValueError as problem:
        raise InputError(
            f"molecule {number}, {smiles!r}: {problem}",
            expected="bonds that OGB has categories for",
        ) from None
    edge_index = torch.tensor(ends, dtype=torch.int64).view(-1, 2).t()
    edge_attr = torch.tensor(kinds, dtype=torch.int64).view(-1, len(BOND_CATEGORIES))
    return Data(
        x=torch.tensor(atoms, dtype=torch.int64).view(-1, len(ATOM_CATEGORIES)),
        edge_index=torch.cat([edge_index, edge_index.flip(0)], dim=1),
        edge_attr=torch.cat([edge_attr, edge_attr]),
        y=torch.tensor([[float(label)]]),
    )
