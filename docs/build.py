"""The pages of the documentation, from README.md and the docstrings: ``make docs``.

    python docs/build.py [FOLDER]        # build/docs

pdoc renders what each room exports (its ``__all__``) and the modules beside the rooms; the files
within a room are its own affair. Docstrings are in Google's style with sections of this project's
own, ``Shapes:`` and ``Cost:``, and in the roles of reStructuredText; pdoc is given the Markdown
that they mean.
"""

from __future__ import annotations

import argparse
import pkgutil
import re
import shutil
import textwrap
import typing
import warnings
from pathlib import Path
from typing import Any

import pdoc.doc
import pdoc.render
from pdoc.render_helpers import to_html

import graphlearn

REPOSITORY = Path(__file__).resolve().parents[1]
TEMPLATES = Path(__file__).parent / "templates"

BESIDE_ROOMS = ("errors", "registry", "typing", "validate")
"""Modules of the package itself that others import from; those that it works with stay out."""

LISTS = ("Args", "Attributes", "Raises")
"""Sections of entries ``name: what``."""


def module_names() -> list[str]:
    """The package, its rooms, and the modules beside them that are for everybody.

    Example:
        >>> "graphlearn.nn" in module_names(), "graphlearn.nn.dtype" in module_names()
        (True, False)
    """
    found = pkgutil.iter_modules(graphlearn.__path__)
    names = [module.name for module in found if module.ispkg or module.name in BESIDE_ROOMS]
    return ["graphlearn", *sorted(f"graphlearn.{name}" for name in names)]


def as_markdown(text: str) -> str:
    """The Markdown of a docstring.

    Args:
        text: A docstring without its indentation.

    Example:
        >>> print(as_markdown("Add.\\n\\nShapes:\\n    - **x**: ``[N]``; **y**: ``[N]``"))
        Add.
        <BLANKLINE>
        ###### Shapes
        <BLANKLINE>
        - **x**: ``[N]``; **y**: ``[N]``
    """
    text = re.sub(r"^( *)\.\. math::\n((?:\1 +.*\n|\n)+)", _displayed, text + "\n", flags=re.M)
    text = re.sub(r"^=+(?: +=+)+\n.+\n=[= ]+\n(?:.+\n)+?=[= ]+\n", _table, text, flags=re.M)
    text = re.sub(r":math:`([^`]+)`", lambda match: rf"\\({_escaped(match[1])}\\)", text)
    text = re.sub(
        r"^([A-Z][a-z]+):\n((?:[ \t]+.*\n|\n(?=[ \t\n]))+)",
        lambda match: _section(match[1], textwrap.dedent(match[2]).strip()),
        text,
        flags=re.M,
    )
    return text.strip()


def _displayed(match: re.Match[str]) -> str:
    """A formula in a paragraph of its own; several lines are aligned, as Sphinx does."""
    formula = match[2]
    if "&" in formula:
        formula = rf"\begin{{aligned}} {formula} \end{{aligned}}"
    return f"\n$${_escaped(formula)}$$\n\n"


def _table(match: re.Match[str]) -> str:
    """A simple table of reStructuredText, whose borders say where columns begin."""
    border, head, _, *rows, _ = match[0].splitlines()
    begins = [column.start() for column in re.finditer("=+", border)]
    ends = [*begins[1:], None]
    lines = [
        "| " + " | ".join(row[i:j].strip() for i, j in zip(begins, ends, strict=True)) + " |"
        for row in (head, *rows)
    ]
    return "\n".join([lines[0], "|" + " --- |" * len(begins), *lines[1:]]) + "\n"


def _escaped(formula: str) -> str:
    """On one line, without what Markdown and HTML take for their own marks."""
    formula = " ".join(formula.split()).replace("<", r"\lt ").replace(">", r"\gt ")
    return re.sub(r"([\\*_])", r"\\\1", formula)


def _section(title: str, content: str) -> str:
    if title == "Example":
        content = f"```pycon\n{content}\n```"
    elif title in LISTS:
        content = "\n".join(_item(entry) for entry in re.split(r"\n(?=\S)", content))
    return f"###### {title}\n\n{content}\n\n"


def _item(entry: str) -> str:
    """``name: what`` or ``name (type): what`` as an entry of a list; other text as it is."""
    first, *rest = entry.splitlines()
    entry = "\n".join([first, *(f"  {line.strip()}" for line in rest)])
    match = re.match(r"(\*{0,2}[\w.]+(?: \([^)]*\))?): +", entry)
    return f"- **`{match[1]}`**: {entry[match.end() :]}" if match else entry


def render(names: list[str]) -> dict[str, str]:
    """The page of each module by its path, the front page and the index of the search."""
    pdoc.render.configure(
        docformat="restructuredtext",  # roles and links within the Markdown
        math=True,
        show_source=False,
        template_directory=TEMPLATES,
        footer_text=f"graphlearn {graphlearn.__version__}",
    )
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    pdoc.render.env.globals["readme"] = to_html(readme)
    # The package fetches these on first access; pdoc looks only at what is there.
    vars(graphlearn).update({name: getattr(graphlearn, name) for name in graphlearn.__all__})
    modules = {name: pdoc.doc.Module.from_name(name) for name in names}
    for module in modules.values():
        _translate(module)
    pages = {
        f"{name.replace('.', '/')}.html": pdoc.render.html_module(module, modules)
        for name, module in modules.items()
    }
    pages["index.html"] = pdoc.render.html_index(modules)
    pages["search.js"] = pdoc.render.search_index(modules)
    return pages


def _translate(doc: pdoc.doc.Doc[Any]) -> None:
    """Docstrings are cached properties of pdoc's: from here on these say it in Markdown."""
    doc.docstring = as_markdown(doc.docstring)
    if isinstance(doc, pdoc.doc.Class) and hasattr(doc.obj, "_fields"):
        doc.obj.__new__.__annotations__ = typing.get_type_hints(doc.obj)  # which have names alone
    if isinstance(doc, pdoc.doc.Namespace):
        for member in doc.members.values():
            if not isinstance(member, pdoc.doc.Module):
                _translate(member)
    if isinstance(doc, pdoc.doc.Class):
        _leave_out_what_the_class_says(doc)


def _leave_out_what_the_class_says(doc: pdoc.doc.Class) -> None:
    """Its docstring has the arguments, which are the attributes too."""
    for name, member in doc.members.items():
        if name == "__init__":
            member.docstring = ""  # a base's, if any
        elif isinstance(member, pdoc.doc.Variable) and (
            not member.docstring or member.docstring.startswith("Alias for field number")
        ):
            member.docstring = "@private"


def linked_files() -> list[str]:
    """What the README links to in the checkout."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"\]\(([^):#]+)\)", readme)
    return sorted({name for name in found if (REPOSITORY / name).is_file()})


def main() -> None:
    """Write all pages, anew."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, nargs="?", default=REPOSITORY / "build" / "docs")
    folder: Path = parser.parse_args().folder
    warnings.simplefilter("error", UserWarning)  # what pdoc could not make sense of
    # Types that checkers alone see (networkx's have parameters in stubs only) stay as written.
    warnings.filterwarnings("ignore", "Error parsing type annotation", UserWarning)
    pages = render(module_names())
    shutil.rmtree(folder, ignore_errors=True)
    for name, page in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(page, encoding="utf-8")
    for name in linked_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, folder / name)
    print(f"{len(pages) - 1} pages: {folder / 'index.html'}")


if __name__ == "__main__":
    main()
