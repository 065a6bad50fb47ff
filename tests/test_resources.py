from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from graphlearn import resources
from graphlearn.errors import DataNotFoundError


def _package(root: Path) -> Path:
    package = root / "graphlearn"
    package.mkdir(parents=True)
    return package


def test_checkout_comes_first(repository: Path) -> None:
    assert resources.datasets_dir() == repository / "datasets"
    assert resources.experiments_dir() == repository / "experiments"


def test_packaged_folder_is_used_without_a_checkout(tmp_path: Path) -> None:
    package = _package(tmp_path)
    (package / "_datasets").mkdir()
    assert resources.find_resource("datasets", package) == package / "_datasets"


def test_foreign_folder_beside_the_package_is_not_a_checkout(tmp_path: Path) -> None:
    """In site-packages `datasets` is Hugging Face's package."""
    package = _package(tmp_path)
    (package / "_datasets").mkdir()
    (tmp_path / "datasets").mkdir()
    assert resources.find_resource("datasets", package) == package / "_datasets"
    (tmp_path / "pyproject.toml").touch()
    assert resources.find_resource("datasets", package) == tmp_path / "datasets"


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="reinstall the package"):
        resources.find_resource("datasets", _package(tmp_path))


def test_top_level_data_folders_are_no_packages(repository: Path) -> None:
    """An `__init__.py` there would shadow Hugging Face's `datasets` from the repository root."""
    assert not (repository / "datasets" / "__init__.py").exists()
    assert not (repository / "experiments" / "__init__.py").exists()


def test_wheel_carries_cards_and_recipes_and_finds_them(tmp_path: Path, repository: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*command, str(tmp_path)], cwd=repository, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)

    def files(root: Path, pattern: str = "**/*.yaml") -> set[str]:
        return {path.relative_to(root).as_posix() for path in root.glob(pattern)}

    not_shipped = ("results/", "perf/", "examples/")
    recipes = {f for f in files(repository / "experiments") if not f.startswith(not_shipped)}
    assert files(site / "graphlearn" / "_datasets") == files(repository / "datasets") != set()
    assert files(site / "graphlearn" / "_experiments") == recipes != set()
    assert not any((site / "graphlearn" / "_experiments" / name).exists() for name in not_shipped)
    assert (site / "graphlearn" / "py.typed").is_file()
    assert not files(site / "graphlearn", "**/*.nb[ci]")

    code = "from graphlearn import resources as r; print(r.datasets_dir(), r.experiments_dir())"
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {code}"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert [Path(f) for f in found] == [
        site / "graphlearn" / "_datasets",
        site / "graphlearn" / "_experiments",
    ]
