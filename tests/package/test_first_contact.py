"""Who has a wheel and an empty folder comes to PASS, with a shipped network and with their own.

The environment is empty but for the wheel; the packages that it needs are taken from the one that
runs the tests, since they are large.
"""

import os
import re
import shutil
import sys
import venv
from importlib.metadata import distributions
from pathlib import Path

import pytest
from pages import commands_of, read
from ran import ROOT, ran

TOOLS = ("ai8x", "max78000", "synthesize")
INSTALL = re.compile(r"`pip install \"(max78000_toolchain-[\d.]+-py3-none-any\.whl)(\[[\w,]+\])\"`")
EXTRAS = "[train,firmware,board]"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs git's history"
    ),
]


def homes_of_packages():
    """Folders in which this environment's packages lie; not the repository."""
    places = {Path(str(package.locate_file(""))).resolve() for package in distributions()}
    return sorted(
        str(place) for place in places if place.name in ("site-packages", "dist-packages")
    )


@pytest.fixture(scope="module")
def tools(built, tmp_path_factory):
    """The folder of the commands that pip installs from the wheel."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home)
    python = next(
        path for name in ("bin/python", "Scripts/python.exe") if (path := home / name).exists()
    )
    inside = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(ran(python, "-c", inside).strip())
    (packages / "shared.pth").write_text("\n".join(homes_of_packages()), encoding="utf-8")
    (wheel,) = (built[0] / "dist").glob("*.whl")
    assert INSTALL.findall(read("README.md")) == [(wheel.name, EXTRAS)]
    ran(sys.executable, "-m", "pip", "--python", python, "install", "--no-index",
        f"{wheel}{EXTRAS}", folder=home)  # fmt: skip
    found = ran(python, "-c", "import synthesis; print(synthesis.__file__)", folder=home)
    assert Path(found).is_relative_to(packages)
    return python.parent


@pytest.fixture
def does(tools, tmp_path):
    """Run a command of the wheel in an empty folder; returns what it prints."""

    def does(*words, folder=tmp_path):
        return ran(*words, folder=folder, PATH=f"{tools}{os.pathsep}{os.environ['PATH']}")

    return does


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_project_of_a_shipped_network_is_that_of_the_repository(does, tmp_path):
    does("synthesize", "networks/pose_tiny.yaml", "--timer", "0")
    ran("synthesize", "networks/pose_tiny.yaml", "--timer", "0", "--test-dir", tmp_path / "here")
    assert files_of(tmp_path / "build/pose_tiny") == files_of(tmp_path / "here/pose_tiny")


def test_the_commands_of_the_readme_do_in_an_empty_folder(does):
    said = {
        " ".join(words): does(*words) for words in commands_of("README.md") if words[0] in TOOLS
    }
    assert len(said) >= 12
    assert said["max78000 simulate build/pose_tiny"].endswith("\nPASS\n")
    assert "checkpoints/pose_student.pth.tar" in said["ai8x evaluate --count 20"]


def test_a_recipe_that_is_shipped_starts_from_a_checkpoint_that_is(does, tmp_path):
    recipe = (ROOT / "ai8x_models/recipes/tiny_demo.yaml").read_text(encoding="utf-8")
    short = recipe.replace("epochs: 4", "epochs: 1").replace("count: 1000", "count: 32")
    (tmp_path / "short.yaml").write_text(short.replace("count: 100\n", "count: 2\n"))
    assert does("ai8x", "distill", "--config", "short.yaml").strip().endswith("tiny_demo.pth.tar")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_a_network_of_ones_own_passes(does, tmp_path):
    does("ai8x", "new", "digits")
    said = does("make", folder=tmp_path / "digits")
    assert "simulated accelerator: equal to PyTorch on 16 of 16 examples" in said
    assert said.endswith("\nPASS\n")
