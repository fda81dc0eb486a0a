"""Every command of the documentation runs: quick ones whole, long ones as far as their inputs.

A page is run from top to bottom in a folder of its own: commands of `sh` blocks, line by line, and
`python` blocks, which are run, or saved if their first line is a comment with a file's name. Pages
about what one does with a project may take the first one of README.md for granted.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT, blocks, commands_of, lines_of, read

from ai8x_models.training.recipe_file import parse_recipe, read_recipe
from synthesis.read.yaml_reader import read_network

PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "networks/README.md",
    "checkpoints/README.md",
    "max78000/apps/pose/README.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
)
TUTORIAL = "docs/tutorial.md"
# Half a minute or more each; README's are run from a wheel in tests/package, too.
LONG = {"README.md", TUTORIAL, "docs/training.md", "networks/README.md"}
PROJECT = "build/pose_tiny"
MAKE_PROJECT = ("synthesize", "networks/pose_tiny.yaml", "--timer", "0")
FILE_NAME = re.compile(r"# ([\w.]+)\n")
INLINE_MAKE = re.compile(r"`make ([a-z-]+)`")


COMMANDS = [words for page in PAGES for words in commands_of(page)]
TRAINING = [words for words in COMMANDS if words[:2] in (["ai8x", "train"], ["ai8x", "distill"])]
QUICK = [words for words in COMMANDS if words[0] != "make" and words not in TRAINING]
MAKE = sorted(
    {words[1] for words in COMMANDS if words[0] == "make" and len(words) > 1}
    | {name for page in PAGES for name in INLINE_MAKE.findall(read(page))}
)


@pytest.fixture
def workplace(tmp_path):
    """A folder with the project's files in it."""
    for name in ("networks", "checkpoints", "ai8x_models", "examples", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def run(words, folder):
    """Run a command with the project's tools on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def takes_project_for_granted(page):
    """True if a page's first mention of the project is not the command that makes it."""
    first = next(
        (words for words in commands_of(page) if {PROJECT, MAKE_PROJECT[1]} & set(words)), []
    )
    return PROJECT in first


def steps_of(page, folder):
    """Commands of a page in order; files that it shows are saved on the way."""
    session = ""  # python blocks with no command between them go on where the one before ended
    for language, block in [*blocks(page, "sh", "python"), ("sh", "")]:
        if language == "sh":
            if session:
                yield [sys.executable, "-W", "error", "-c", session]
            yield from (words for words in lines_of(block) if words in QUICK)
            session = ""
        elif name := FILE_NAME.match(block):
            (folder / name[1]).write_text(block.removeprefix(name[0]), encoding="utf-8")
        else:
            session += block


def run_page(page, folder):
    """Do what a page says, from top to bottom; what its commands print."""
    printed = []
    for words in steps_of(page, folder):
        result = run(words, folder)
        assert result.returncode == 0, f"{shlex.join(words)}\n{result.stdout}{result.stderr}"
        printed += (result.stdout, result.stderr)
    return "".join(printed)


def test_the_pages_have_commands():
    assert len(QUICK) >= 20
    assert {"demo", "test", "setup"} <= set(MAKE)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.slow if page in LONG else ())
        for page in PAGES
        if blocks(page, "sh", "python")
    ],
)
def test_a_page_does_what_it_says(page, workplace):
    if takes_project_for_granted(page):
        assert run(MAKE_PROJECT, workplace).returncode == 0
    printed = run_page(page, workplace)
    if page != TUTORIAL:
        return
    for _, block in blocks(page, "text"):
        shown = [line for line in block.splitlines() if not line.startswith("max78000 ")]
        assert [line for line in shown if line not in printed] == []
    description = (workplace / "stroke_net.yaml").read_text(encoding="utf-8")
    for _, block in blocks(page, "yaml"):
        assert block in description


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")])
def test_descriptions_and_recipes_on_a_page_are_read(page):
    for _, block in blocks(page, "yaml"):
        if block.startswith("name:"):
            assert parse_recipe(block, page).qat is not None
            continue
        head = "" if "arch:" in block else "arch: example\ndataset: example\n"
        assert read_network(head + block, page).layers


@pytest.mark.parametrize("words", TRAINING, ids=shlex.join)
def test_training_recipes_are_readable(words):
    recipe = read_recipe(ROOT / words[words.index("--config") + 1])
    assert (recipe.distill is not None) == (words[1] == "distill")


@pytest.mark.parametrize("target", MAKE)
def test_make_targets_exist(target):
    result = run(["make", "--dry-run", target], ROOT)
    assert result.returncode == 0, result.stderr


def test_bare_make_explains_every_target():
    result = run(["make"], ROOT)
    makefile = read("Makefile").replace("\\\n", " ")
    targets = re.findall(r"^\.PHONY: (.*)", makefile, re.MULTILINE)[0].split()
    assert result.returncode == 0
    assert [name for name in targets if f"make {name}" not in result.stdout] == []
