"""What `make` does is told as plain commands, and Python code of ours asks for no shell."""

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("max78000", "ai8x_models", "synthesis")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
RULE = re.compile(r"^([a-z][a-z-]*):.*##.*\n((?:\t.*\n)*)", re.MULTILINE)
RECIPES = {name: recipe.replace("\\\n", " ") for name, recipe in RULE.findall(MAKEFILE)}
ROW = re.compile(r"^\| `make ([a-z-]+)` \| (.*) \|$", re.MULTILINE)
PAGE = (ROOT / "docs/without-make.md").read_text(encoding="utf-8")
ROWS = dict(ROW.findall(PAGE))
OF_SHELLS = re.compile(r"(^|\s)(/bin/|/tmp\b|/dev/null|(ba)?sh -c|cmd /c)")
VARIABLES = {
    "$(BIN)/": "",
    "$(DEMO)": "build/demo",
    "$(SECONDS)": "600",
    "$(PIP_ARGS)": "",
    "$(PYTEST)": "python -m pytest -n 2 --dist worksteal",
}
BY_MAKE_ALONE = {"help", "clean"}


def test_every_target_is_told():
    assert RECIPES.keys() == ROWS.keys()
    assert len(ROWS) >= 20


def words_of(line):
    """A line of the Makefile as who types it writes it, each word by itself."""
    for name, value in VARIABLES.items():
        line = line.replace(name, value)
    line = re.sub(r"\$\(call .*\)", "--overwrite", line)
    return shlex.split(line.rpartition("%ct) ")[2])


@pytest.mark.parametrize("target", sorted(RECIPES.keys() - BY_MAKE_ALONE))
def test_a_target_is_told_whole(target):
    told = [shlex.split(text) for text in re.findall(r"`([^`]+)`", ROWS[target])]
    for line in RECIPES[target].splitlines():
        assert words_of(line) in told, line


@pytest.mark.parametrize(
    ("module", "tool"),
    [("max78000", "max78000"), ("synthesis", "synthesize"), ("ai8x_models", "ai8x")],
)
def test_tools_are_modules(module, tool):
    assert f"`python -m {module}` is `{tool}`" in PAGE
    words = [sys.executable, "-m", module, "--help"]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    assert run.stdout.startswith(f"Usage: {tool} ")


def texts_in(tree):
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def shells_of(tree):
    """Arguments and functions that start a shell."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            yield "shell="
        if isinstance(node, ast.Attribute) and node.attr in {"system", "popen", "getoutput"}:
            yield ast.unparse(node)


def test_code_asks_for_no_shell():
    bad = []
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bad += [f"{path}: {found}" for found in shells_of(tree)]
        bad += [f"{path}: {text!r}" for text in texts_in(tree) if OF_SHELLS.search(text)]
    assert not bad, "\n".join(bad)
