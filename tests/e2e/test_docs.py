"""The pages of ``make docs``: all of them are rendered once, in a process of its own."""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import graphlearn.nn
import graphlearn.store

if importlib.util.find_spec("pdoc") is None:
    missing = "pdoc is not installed: pip install 'pyg-graphlearn[docs]'"
    pytest.skip(missing, allow_module_level=True)


@pytest.fixture(scope="module")
def pages(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "pages"
    done = subprocess.run(
        [sys.executable, str(repository / "docs" / "build.py"), str(folder)],
        env={**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    # Types that checkers alone see stay as written; any other warning has ended it.
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f" pages: {folder / 'index.html'}\n")
    return folder


def section(page: Path, name: str) -> str:
    """What a page says of a class or function, line by line; a dash begins an entry of a list."""
    text = page.read_text(encoding="utf-8").split(f'<section id="{name}">')[1]
    text = text.split("</section>")[0].replace("<li>", "\n- ")
    return re.sub(r"\n\s*", "\n", re.sub(r"<[^>]+>", "", text))


def test_arguments_and_shapes_are_lists(pages: Path) -> None:
    page = pages / "graphlearn" / "nn.html"
    said = section(page, "NCN")
    assert "\n- channels (int): Size of the representations.\n" in said
    assert "\nShapes\n- x: [N, channels]\n- graph: a CSRGraph, possibly masked, or" in said
    assert "\n- InputError: If a shape does not fit or an id is out of range.\n" in said
    assert "\n&gt;&gt;&gt; predictor = NCN(8)\n" in said
    assert r"$$s_{ij} = \mathrm{head}\Bigl( \beta\, g\bigl( \sum_{u \in N(i)" in said
    conv = page.read_text(encoding="utf-8").split('<section id="SubgraphConv">')[1]
    assert "<th>operation</th>" in conv.split("</section>")[0]  # a table of reStructuredText
    said = section(pages / "graphlearn" / "store.html", "write_rows")
    assert "\nArgs\n- path: " in said


def test_what_a_room_exports_is_there_and_what_is_its_own_is_not(pages: Path) -> None:
    for room in (graphlearn.nn, graphlearn.store):
        text = (pages / f"{room.__name__.replace('.', '/')}.html").read_text(encoding="utf-8")
        assert [name for name in room.__all__ if f'<section id="{name}">' not in text] == []
    shown = {path.relative_to(pages).as_posix() for path in pages.rglob("*.html")}
    assert {"index.html", "graphlearn.html", "graphlearn/errors.html"} < shown
    assert "graphlearn/files.html" not in shown
    assert not (pages / "graphlearn" / "nn").exists()
    assert "ForwardRef" not in (pages / "graphlearn" / "kernels.html").read_text(encoding="utf-8")


def test_the_front_page_is_the_readme(pages: Path, repository: Path) -> None:
    text = (pages / "index.html").read_text(encoding="utf-8")
    readme = (repository / "README.md").read_text(encoding="utf-8")
    for title in re.findall(r"^## (.+)$", readme, re.MULTILINE):
        assert f">{title}</h2>" in text
    assert '<a href="graphlearn/nn.html">graphlearn.nn</a>' in text


def test_no_page_names_a_place_on_this_machine(pages: Path, repository: Path) -> None:
    places = {str(repository), str(Path.home()), str(pages), sys.prefix}
    for path in [*pages.rglob("*.html"), pages / "search.js"]:
        text = path.read_text(encoding="utf-8")
        assert [place for place in places if place in text] == [], path


def test_the_examples_of_the_builder(repository: Path) -> None:
    spec = importlib.util.spec_from_file_location("docs_build", repository / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert doctest.testmod(module) == (0, 2)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found |= {value for name, value in attrs if name == "href" and value}


def test_links_lead_somewhere(pages: Path) -> None:
    for page in pages.rglob("*.html"):
        links = _Links()
        links.feed(page.read_text(encoding="utf-8"))
        for link in links.found:
            if not re.match(r"https?:", link):
                target = (page.parent / link.partition("#")[0]) if link[0] != "#" else page
                assert target.resolve().is_file(), (page.name, link)
