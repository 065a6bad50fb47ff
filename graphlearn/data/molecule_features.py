"""Atoms and bonds as OGB's integer categories, from a molecule of rdkit."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from graphlearn.errors import InputError

_HYBRIDIZATIONS = ("SP", "SP2", "SP3", "SP3D", "SP3D2")
_CHIRALITIES = ("CHI_UNSPECIFIED", "CHI_TETRAHEDRAL_CW", "CHI_TETRAHEDRAL_CCW", "CHI_OTHER")
_BONDS = ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC")
_STEREOS = ("STEREONONE", "STEREOZ", "STEREOE", "STEREOCIS", "STEREOTRANS", "STEREOANY")

ATOM_CATEGORIES = (119, 5, 12, 12, 10, 6, 6, 2, 2)
"""Categories of each column of an atom: its element, chirality, degree, charge, number of
hydrogens, radical electrons, hybridization, whether it is aromatic and whether in a ring."""

BOND_CATEGORIES = (5, 6, 2)
"""Categories of each column of a bond: its type, stereo configuration and whether conjugated."""


def atom_categories(atom: Any) -> list[int]:
    """Return the nine categories of an atom, as OGB's ``atom_to_feature_vector`` numbers them.

    What a column's list does not hold is its last category.

    Args:
        atom: An atom of rdkit.

    Example:
        >>> from types import SimpleNamespace
        >>> carbon = dict(GetAtomicNum=6, GetChiralTag="CHI_UNSPECIFIED", GetTotalDegree=4,
        ...     GetFormalCharge=0, GetTotalNumHs=3, GetNumRadicalElectrons=0,
        ...     GetHybridization="SP3", GetIsAromatic=False, IsInRing=False)
        >>> atom_categories(SimpleNamespace(**{k: lambda v=v: v for k, v in carbon.items()}))
        [5, 0, 4, 5, 3, 0, 2, 0, 0]
    """
    return [
        _in_range(atom.GetAtomicNum(), 1, 118),
        _in_list(str(atom.GetChiralTag()), _CHIRALITIES),
        _in_range(atom.GetTotalDegree(), 0, 10),
        _in_range(atom.GetFormalCharge(), -5, 5),
        _in_range(atom.GetTotalNumHs(), 0, 8),
        _in_range(atom.GetNumRadicalElectrons(), 0, 4),
        _in_list(str(atom.GetHybridization()), _HYBRIDIZATIONS),
        int(atom.GetIsAromatic()),
        int(atom.IsInRing()),
    ]


def bond_categories(bond: Any) -> list[int]:
    """Return the three categories of a bond, as OGB's ``bond_to_feature_vector`` numbers them.

    Args:
        bond: A bond of rdkit.

    Raises:
        ValueError: If its stereo configuration is none of OGB's, which has no category for others.

    Example:
        >>> from types import SimpleNamespace
        >>> double = dict(GetBondType="DOUBLE", GetStereo="STEREOE", GetIsConjugated=True)
        >>> bond_categories(SimpleNamespace(**{k: lambda v=v: v for k, v in double.items()}))
        [1, 2, 1]
    """
    return [
        _in_list(str(bond.GetBondType()), _BONDS),
        _STEREOS.index(str(bond.GetStereo())),
        int(bond.GetIsConjugated()),
    ]


def check_categories(table: Tensor, sizes: tuple[int, ...], *, name: str) -> None:
    """Raise unless every column of a table holds categories that there are.

    Args:
        table: A row for each atom or bond.
        sizes: ``ATOM_CATEGORIES`` or ``BOND_CATEGORIES``.
        name: What to call the table in the error text.

    Shapes:
        - **table**: ``[N, C]`` int64, with C the number of ``sizes``

    Raises:
        InputError: If it has another number of columns, or a value is out of range.

    Example:
        >>> import torch
        >>> check_categories(torch.tensor([[0, 6, 1]]), BOND_CATEGORIES, name="bonds")
        Traceback (most recent call last):
        graphlearn.errors.InputError: bonds: column 1 holds 6: expected categories in [0, 6)
    """
    if table.dim() != 2 or table.size(1) != len(sizes):
        raise InputError(
            f"{name} is of shape {list(table.shape)}", expected=f"{len(sizes)} categories a row"
        )
    if table.size(0) == 0:
        return
    low, high = table.amin(dim=0).tolist(), table.amax(dim=0).tolist()
    for column, size in enumerate(sizes):
        if low[column] < 0 or high[column] >= size:
            wrong = low[column] if low[column] < 0 else high[column]
            raise InputError(
                f"{name}: column {column} holds {wrong}", expected=f"categories in [0, {size})"
            )


def _in_range(value: int, least: int, most: int) -> int:
    return value - least if least <= value <= most else most - least + 1


def _in_list(value: str, known: tuple[str, ...]) -> int:
    return known.index(value) if value in known else len(known)
