"""Where lies what is shipped: the current folder counts before the repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from max78000.facts.shipped import (
    CHECKPOINTS,
    NETWORKS,
    RECIPES,
    SAMPLES,
    find_input,
    is_shipped,
    or_shipped,
)

ROOT = Path(__file__).resolve().parents[4]
NAMES = (
    f"{NETWORKS}/pose_tiny.yaml",
    f"{SAMPLES}/pose_tiny.npy",
    f"{SAMPLES}/people.png",
    f"{CHECKPOINTS}/pose_tiny-q.pth.tar",
    f"{RECIPES}/tiny_demo.yaml",
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shipped_is_found_from_anywhere(name):
    found = find_input(Path(name))
    assert found == ROOT / name
    assert is_shipped(found)
    assert not is_shipped(Path(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_the_current_folder_counts(name):
    mine = Path(name)
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"")
    assert find_input(mine) == mine
    assert not is_shipped(find_input(mine))


@pytest.mark.parametrize("name", NAMES)
def test_a_link_to_nowhere_is_not_replaced(name):
    mine = Path(name)
    mine.parent.mkdir(parents=True)
    mine.symlink_to("nowhere")
    assert find_input(mine) == mine


def test_in_a_folder_that_cannot_be_looked_into_nothing_is_replaced():
    Path("networks").symlink_to("networks")  # a circle
    assert find_input(Path(NAMES[0])) == Path(NAMES[0])
    assert not is_shipped(Path(NAMES[0]))


@pytest.mark.parametrize("folder", [NETWORKS, SAMPLES, CHECKPOINTS, RECIPES])
@pytest.mark.parametrize("name", [f"{'x' * 300}.yaml", "\0"])
def test_a_name_that_no_file_can_have_stays_as_it_is(folder, name):
    assert find_input(Path(folder, name)) == Path(folder, name)


@pytest.mark.parametrize("name", ["networks/mine.yaml", "pose_tiny.yaml", "LICENSE", "networks/.."])
def test_another_name_stays_as_it_is(name):
    assert find_input(Path(name)) == Path(name)


@pytest.mark.parametrize(
    ("name", "is_listed"),
    [
        ("networks/mine.yaml", True),
        ("pose_tiny.yaml", True),
        ("pose_tiny", True),
        ("pose", False),
        ("mine.yaml", False),
        ("mine/pose_tiny.yaml", False),
    ],
)
def test_a_refusal_lists_what_may_be_meant(name, is_listed):
    listed = ", ".join(sorted(path.name for path in (ROOT / NETWORKS).glob("*.yaml")))
    told = f"check; shipped in networks: {listed}" if is_listed else "check"
    assert or_shipped("check", Path(name), NETWORKS) == told


# -- the packages in folders of other kinds, in other processes -----------------------------------

FIND = """
import sys
from pathlib import Path
from max78000.facts.shipped import find_input
print(*(find_input(Path(name)) for name in sys.argv[1:]), sep="\\n")
print("importlib.metadata" in sys.modules, end="")
"""


@pytest.fixture
def packages(tmp_path):
    """A folder with what finds files, as pip lays packages out."""
    home = tmp_path / "packages"
    (home / "max78000").mkdir(parents=True)
    shutil.copy(ROOT / "max78000/__init__.py", home / "max78000")
    shutil.copytree(ROOT / "max78000/facts", home / "max78000/facts")
    return home


def found_from(packages, *names):
    """Where files of these names are found, and whether pip's notes have been asked."""
    run = subprocess.run(
        [sys.executable, "-S", "-c", FIND, *names],
        env=os.environ | {"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    *found, is_asked = run.stdout.split("\n")
    return [Path(path) for path in found], is_asked == "True"


def make_file(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_networks_of_another_distribution_are_not_taken(packages):
    make_file(packages / "networks/other.yaml")
    assert found_from(packages, "networks/other.yaml") == ([Path("networks/other.yaml")], True)


@pytest.mark.parametrize("folder", [".", "share/max78000-toolchain"])
def test_data_beside_the_packages_are_found_without_asking_pip(packages, folder):
    data = packages / folder
    for name in ("checkpoints/manifest.toml", "networks/one.yaml"):
        make_file(data / name)
    assert found_from(packages, "networks/one.yaml") == ([data / "networks/one.yaml"], False)


def test_recipes_are_found_in_their_package_without_asking_pip(packages):
    name = f"{RECIPES}/one.yaml"
    make_file(packages / name)
    assert found_from(packages, name) == ([packages / name], False)
