"""Every command of the documentation runs: quick ones whole, long ones as far as their inputs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ai8x_models.recipe import read_recipe

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "networks/README.md", "checkpoints/README.md", "CONTRIBUTING.md")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SCRIPT = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE_MAKE = re.compile(r"`make ([a-z]+)`")


def commands(page):
    for block in BLOCK.findall((ROOT / page).read_text()):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield words


COMMANDS = [(page, words) for page in PAGES for words in commands(page)]
TRAINING = [
    words for _, words in COMMANDS if words[0] == "ai8x" and words[1] in ("train", "distill")
]
MAKE = sorted(
    {words[1] for _, words in COMMANDS if words[0] == "make"}
    | {name for page in PAGES for name in INLINE_MAKE.findall((ROOT / page).read_text())}
)
QUICK = [words for _, words in COMMANDS if words[0] != "make" and words not in TRAINING]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with the project's files in it, and its tools on the path."""
    folder = tmp_path_factory.mktemp("workplace")
    for name in ("networks", "checkpoints", "ai8x_models", "tests"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def run(words, folder):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_pages_have_commands():
    assert len(QUICK) >= 8
    assert {"demo", "test"} <= set(MAKE)


def test_quick_commands_run_in_order(workplace):
    """Scripts, then commands in order, because later ones use what earlier ones wrote."""
    for page in PAGES:
        for script in SCRIPT.findall((ROOT / page).read_text()):
            result = run([sys.executable, "-c", script], workplace)
            assert result.returncode == 0, result.stderr
    for words in QUICK:
        result = run(words, workplace)
        assert result.returncode == 0, f"{shlex.join(words)}\n{result.stdout}{result.stderr}"


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
    targets = re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)[
        0
    ].split()
    assert result.returncode == 0
    assert [name for name in targets if f"make {name}" not in result.stdout] == []
