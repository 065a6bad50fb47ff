"""Every command and every Python block of the README runs, section by section as one types them.

The test reads README.md itself. A command that the tables here do not know fails, and so does an
entry that the README has no longer.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from graphlearn import cli

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = ("graphlearn", "make", "pip", "python", "torchrun")

SMALL = {
    # Every command -> words that make hours seconds; the last word about an option counts.
    "graphlearn run cn aa ra gcn ncn ncnc --dataset digits-knn --seeds 3 --workers 2": (
        "--seeds 1 --workers 1 --set train.epochs=1 --set encoder.hidden_channels=8"
    ),
    "graphlearn run gcn-mlp gcn-tc --dataset cora": "--seeds 1 --set train.epochs=2",
    "graphlearn plan --nodes 111e6 --edges 1.6e9 --dim 128 --gpu-bytes 16GiB --host-bytes 64GiB "
    "--fanout 15,10": "",
    "torchrun --nproc-per-node 2 -m graphlearn.pipeline gcnii/digits-knn --seeds 1": (
        "--set train.epochs=1 --set stack.num_layers=4"
    ),
    "torchrun --nproc-per-node 4 -m graphlearn.pipeline gcnii/cora-pipelined --ways 2": (
        "--seeds 1 --set train.epochs=1 --set stack.num_layers=4"
    ),
    "graphlearn run gcnii/cora": "--seeds 1 --set train.epochs=2",
    "graphlearn bench ogbl-ddi --models cn aa ra --data-root DATA": "",
    "graphlearn bench ogbl-collab ogbn-arxiv ogbg-molhiv --seeds 10": (
        "--seeds 1 --set train.epochs=1 --set encoder.hidden_channels=8 "
        "--set network.hidden_channels=8 --set stack.hidden_channels=8 --set train.batch_size=16"
    ),
    "graphlearn bench ogbn-papers100M --estimate": "",
    "graphlearn bench ogbg-molpcba --models gin --form markdown --set train.epochs=5": (
        "--seeds 1 --set train.epochs=1 --set network.hidden_channels=8"
    ),
    "graphlearn fit messages.csv --time sent --out model/": "--features nodes.parquet",
    "graphlearn predict model/ --source ann --top 10": "",
    "graphlearn predict model/ --all-sources --top 10 --out links.parquet": "",
    "graphlearn run ncnc --dataset cora --seeds 10": "--seeds 1 --set train.epochs=1",
    "graphlearn run gae ncn --dataset my_edges.csv": "--seeds 1 --set train.epochs=2",
    "graphlearn reproduce ncn/cora": "--seeds 1 --set train.epochs=1",
    "graphlearn audit my_edges.csv": "",
    "graphlearn audit ncn --dataset digits-knn": "",
    "graphlearn suggest my_edges.csv --out mine.yaml": "",
    "graphlearn resume runs/...": "",
    "graphlearn analyze --model runs/.../seed-0": "",
    "graphlearn run lcm gru pna max --dataset multitask": "--seeds 1 --set train.epochs=1",
    "graphlearn run gin spen --dataset mutag --seeds 10": (
        "--set train.epochs=1 --set train.batches_per_epoch=1"
    ),
    "graphlearn run ncn/cora --set train.batch_size=512,1152 --set predictor.dropout=0.05,0.3": (
        "--seeds 1 --set train.epochs=1"
    ),
    "graphlearn tune ncn/cora --search 'predictor.dropout=uniform(0,0.7)' --trials 50 --seeds 2": (
        "--trials 2 --seeds 1 --set train.epochs=1"
    ),
    "graphlearn ls": "",
    "graphlearn doctor": "",
    "graphlearn table": "",
}

PLACEHOLDERS = {
    "runs/...": "runs/ncn-my_edges-*",
    "runs/.../seed-0": "runs/ncn-my_edges-*/seed-0",
}
"""Words that stand for a folder of an earlier command of the section."""

NOT_RUN = {
    "graphlearn suggest": "named in a sentence; run where a block gives it an edge list",
    "graphlearn audit": "named in a sentence; run where a block gives it something to audit",
    "graphlearn analyze": "named in a sentence; run where a block gives it a model",
    "graphlearn reproduce MODEL/DATASET": "stands for every recipe; ncn/cora is run",
    "torchrun --nproc-per-node 2 experiments/examples/pipelined_gcnii.py": (
        "run by test_examples.py, which takes it from the script's own docstring"
    ),
}

NEEDED = {"graphlearn tune": "optuna"}
"""Commands -> packages of extras without which they are left out; `make test` installs them."""

CHANGED = {
    'graphlearn.run(model="ncnc", dataset="cora", seeds=10)': (
        'graphlearn.run(model="ncnc", dataset="cora", seeds=1, set={"train.epochs": 1})'
    ),
}
"""Pieces of Python blocks -> what makes them quick."""


class Step(NamedTuple):
    """A command or a Python block, and the line it stands in."""

    line: int
    kind: str
    text: str


def sections(text: str) -> Iterator[tuple[str, list[Step]]]:
    """Title and steps of each section, in the order of the page."""
    title = "top"
    steps: list[Step] = []
    part: list[str] = []  # the lines of the block, or of the paragraph, that has not ended
    language: str | None = None  # that of the block
    for number, line in enumerate([*text.splitlines(), "## end"], start=1):
        if language is not None and line != "```":
            part.append(line)
        elif language is not None:
            steps += _block_steps(language, part, number - len(part))
            part, language = [], None
        elif line and not line.startswith(("```", "## ")):
            part.append(line)
        else:
            steps += _inline_steps("\n".join(part), number - len(part))
            part = []
            if line.startswith("```"):
                language = line[3:]
            elif line:
                yield title, steps
                title, steps = line[3:], []


def _block_steps(language: str, lines: list[str], begin: int) -> list[Step]:
    if language == "python":
        return [Step(begin, "python", "\n".join(lines))]
    if language != "sh":
        assert not language, f"README.md:{begin}: a block of {language} that nothing checks"
        return []  # what a command prints
    return [
        Step(number, "command", shlex.join(shlex.split(command, comments=True)))
        for number, line in enumerate(lines, start=begin)
        for command in line.split("#")[0].split(";")
        if command.strip()
    ]


def _inline_steps(prose: str, begin: int) -> list[Step]:
    """Code in sentences that is a whole command: a program and its words."""
    steps = []
    for match in re.finditer("`([^`]+)`", prose):
        words = match[1].split()
        if words[0] in PROGRAMS and len(words) > 1:
            line = begin + prose.count("\n", 0, match.start())
            steps.append(Step(line, "command", shlex.join(shlex.split(match[1]))))
    return steps


README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SECTIONS = dict(sections(README))
STEPS = [step for steps in SECTIONS.values() for step in steps]


def makefile_target(name: str) -> str:
    """The recipe of a target; a KeyError without one."""
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    rules: list[tuple[str, str]] = re.findall(r"^([\w-]+):.*\n((?:\t.*\n)*)", text, re.MULTILINE)
    return dict(rules)[name]


def behind(step: Step) -> str:
    """The command that a command of make or of the page itself comes down to."""
    if step.text != "make run":
        return step.text
    (line,) = makefile_target("run").splitlines()
    return line.strip().removeprefix("$(BIN)/")


COMMANDS = [behind(step) for step in STEPS if step.kind == "command"]


def made_small(command: str) -> list[str]:
    """The words to run: those that SMALL adds take the place of what is said of one option."""
    words, more = shlex.split(command), shlex.split(SMALL[command])
    for option in {word for word in more if word.startswith("--") and word != "--set"}:
        if option in words:
            at = words.index(option)
            del words[at : at + 2]
    return [_found(word) for word in [*words, *more]]


def _found(word: str) -> str:
    if word not in PLACEHOLDERS:
        return word
    (path,) = Path().glob(PLACEHOLDERS[word])
    return str(path)


@pytest.fixture
def folder(readers_checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader's folder, where they are; nothing is fetched into it."""
    for path in readers_checkout.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHLEARN_DATA", "DATA")
    monkeypatch.setattr("graphlearn.resources._PACKAGE", tmp_path / "graphlearn")
    monkeypatch.setattr("graphlearn.data.transfer.Transfer._open", _no_network)
    return tmp_path


def _no_network(self: object, headers: object) -> None:
    raise ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize("title", [title for title, steps in SECTIONS.items() if steps])
def test_a_section_runs_from_top_to_bottom(title: str, folder: Path) -> None:
    missing = set()
    for step in SECTIONS[title]:
        package = NEEDED.get(" ".join(step.text.split()[:2]))
        if step.kind == "python":
            _run_block(step)
        elif package is not None and find_spec(package) is None:
            missing.add(package)
        elif behind(step) not in NOT_RUN:
            _run_command(step, folder)
    if missing:
        pytest.skip(f"all ran but what needs packages that are not installed: {missing}")


def _run_block(step: Step) -> None:
    """In names of its own. One process for all: importing torch anew costs seconds a block."""
    text = step.text
    for piece, quick in CHANGED.items():
        text = text.replace(piece, quick)
    # Empty lines before it: a traceback then names the line of the page.
    code = compile("\n" * (step.line - 1) + text, str(REPOSITORY / "README.md"), "exec")
    exec(code, {"__name__": "__main__"})


def _run_command(step: Step, folder: Path) -> None:
    command = behind(step)
    program, _, rest = command.partition(" ")
    where = f"README.md:{step.line}: {command}"
    if program == "make":
        makefile_target(rest)
    elif program == "pip":
        _check_extras(rest)
    else:
        words = made_small(command)
        if program == "graphlearn":
            assert cli.main(words[1:]) == 0, where
        else:
            _run_program(words, folder, where)


def _check_extras(words: str) -> None:
    """Nothing is installed here: the name and the extras are those of this project."""
    match = re.fullmatch(r"install '(.+)\[(.+)\]'", words)
    assert match is not None, words
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert match[1] == project["name"]
    assert set(match[2].split(",")) <= set(project["optional-dependencies"])


def _run_program(words: list[str], folder: Path, where: str) -> None:
    starts = {
        "python": [sys.executable],
        # On a port of its own: other runs may be going on here.
        "torchrun": [sys.executable, "-m", "torch.distributed.run", "--standalone"],
    }
    done = subprocess.run(
        [*starts[words[0]], *words[1:]],
        env={**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{where}\n{done.stderr}"


def test_the_tables_and_the_page_know_the_same_commands() -> None:
    shown = {command for command in COMMANDS if command.split()[0] not in ("make", "pip")}
    known = {shlex.join(shlex.split(command)) for command in (*SMALL, *NOT_RUN)}
    assert sorted(shown - known) == []
    assert sorted(known - shown) == []
    words = {word for command in COMMANDS for word in command.split()}
    assert set(PLACEHOLDERS) == {word for word in words if "..." in word}
    for piece in CHANGED:
        assert any(piece in step.text for step in STEPS if step.kind == "python"), piece


def test_options_in_sentences_exist(capsys: pytest.CaptureFixture[str]) -> None:
    options = set(re.findall(r"`(--[a-z-]+)[^`]*`", re.sub(r"(?ms)^```.*?^```$", "", README)))
    assert options
    names = {command.split()[1] for command in SMALL if command.startswith("graphlearn ")}
    for name in sorted(names):
        assert cli.main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert sorted(option for option in options if option not in text) == []


def test_the_reader_of_the_page() -> None:
    page = (
        "Call `graphlearn ls` or `make\nrun`; not `graphlearn`.\n\n```sh\n"
        "graphlearn run a --set 'b=1'   # why; so\ngraphlearn ls; graphlearn table\n```\n"
        "## Two\n```\nprinted\n```\n\n```python\nx = 1\n```\n"
    )
    one, two = dict(sections(page)).values()
    assert one == [
        Step(1, "command", "graphlearn ls"),
        Step(1, "command", "make run"),
        Step(5, "command", "graphlearn run a --set b=1"),
        Step(6, "command", "graphlearn ls"),
        Step(6, "command", "graphlearn table"),
    ]
    assert two == [Step(14, "python", "x = 1")]
