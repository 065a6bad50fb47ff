"""The predict command: which sources, how many links of each, and where they go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from graphlearn.data.edge_list_names import data_lines
from graphlearn.errors import InputError
from graphlearn.serve.link_model import LinkRecommender, load_link_model
from graphlearn.serve.links_file import COLUMNS, check_links_place
from graphlearn.time_left import Advance
from graphlearn.validate import check_size


def predict(
    folder: Path | str,
    *,
    source: Sequence[str] = (),
    sources: Path | str | None = None,
    all_sources: bool = False,
    top: int = 10,
    out: Path | str | None = None,
    search: str = "auto",
    advance: Advance | None = None,
) -> Iterator[str]:
    """Recommend new links with a fitted model; yield what is to be shown, line by line.

    Everything that can be refused is refused before the first line.

    Args:
        folder: The model.
        source: Ids of nodes.
        sources: A file with an id a line.
        all_sources: Every node of the graph; needs ``out``.
        top: How many links of each.
        out: A csv or parquet file to write to; the links are shown if None.
        search: How to find nearest nodes.
        advance: Told how many sources are done where links are written to a file.

    Raises:
        GraphLearnError: If something that was given cannot be used.

    Example:
        >>> next(predict("model", source=["1"], top=0))
        Traceback (most recent call last):
        graphlearn.errors.InputError: top is 0: expected an integer >= 1
    """
    top = check_size(top, name="top")
    if sum((bool(source), sources is not None, all_sources)) != 1:
        raise InputError(
            "no sources, or several kinds of them",
            expected="one of --source ID, --sources FILE and --all-sources",
        )
    if all_sources and out is None:
        raise InputError("--all-sources without --out", expected="--out links.csv or links.parquet")
    if out is not None:
        check_links_place(out)
    wanted = None if all_sources else list(source) if sources is None else read_ids(sources)
    model = load_link_model(folder)
    if out is None:
        yield from _shown(model, wanted, top, search)
        return
    rows = model.write_links(out, top, sources=wanted, search=search, advance=advance)
    yield f"{rows:,} links: {out}"


def read_ids(path: Path | str) -> list[str]:
    """Read an id a line; blank lines and comments are passed over.

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it holds none, or is not UTF-8.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "ids.txt"
        ...     _ = path.write_text("ann\\n\\nbob\\n")
        ...     read_ids(path)
        ['ann', 'bob']
    """
    ids = [line.strip() for _, line in data_lines(Path(path))]
    if not ids:
        raise InputError(f"{path} holds no ids", expected="an id a line")
    return ids


def _shown(
    model: LinkRecommender, wanted: Sequence[str] | None, top: int, search: str
) -> Iterator[str]:
    blocks = model.row_blocks(top, sources=wanted, search=search)
    yield "\t".join(COLUMNS)
    for rows in blocks:
        for source, rank, target, probability in zip(*rows, strict=True):
            yield f"{source}\t{rank}\t{target}\t{probability:.4g}"
