"""Each package stays a house that one can see through: few rooms, arrows one way, no circles."""

import ast
import subprocess
import sys

import pytest
from rooms import PACKAGES, ROOT, House, imported_names, read_house, tree_of

MAX_ROOMS = {"max78000": 12, "ai8x_models": 8, "synthesis": 15}
POSE = ("max78000.apps.pose", "ai8x_models.tasks.pose")


def test_counts():
    arrows = {
        "roof": frozenset({"hall", "ground"}),
        "hall": frozenset({"stairs", "ground"}),
        "stairs": frozenset({"hall"}),
        "ground": frozenset(),
        "cellar": frozenset({"roof"}),
    }
    layers = (frozenset({"ground", "cellar"}), frozenset({"hall", "stairs"}), frozenset({"roof"}))
    house = House(arrows, layers, frozenset({1}))
    assert house.floors == {"ground": 1, "hall": 2, "stairs": 2, "roof": 3, "cellar": 4}
    assert house.circles == {frozenset({"hall", "stairs"})}
    assert house.back_arrows == {("hall", "stairs"), ("stairs", "hall"), ("cellar", "roof")}
    assert not house.unplaced
    assert House(arrows, layers[1:], frozenset()).unplaced == {"ground", "cellar"}


def test_imports_are_found_wherever_they_stand():
    text = """
import a.b
from a import c, d
if TYPE_CHECKING:
    import a.seen_by_the_checker
def function():
    from a.e import f
"""
    assert list(imported_names(ast.parse(text))) == ["a.b", "a.c", "a.d", "a.e.f"]


@pytest.mark.parametrize("package", PACKAGES)
def test_there_are_few_rooms(package):
    assert len(read_house(package).arrows) <= MAX_ROOMS[package]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_arrow_goes_back(package):
    house = read_house(package)
    assert not house.unplaced
    assert not house.back_arrows


@pytest.mark.parametrize("package", PACKAGES)
def test_no_rooms_go_in_a_circle(package):
    assert not read_house(package).circles


def test_pose_is_known_to_pose_alone():
    homes = [ROOT / name.replace(".", "/") for name in POSE]
    bad = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not any(path.is_relative_to(home) for home in homes)
        for name in imported_names(tree_of(path))
        if any(f"{name}.".startswith(f"{pose}.") for pose in POSE)
    ]
    assert not bad, "\n".join(bad)


@pytest.mark.long
def test_the_table_is_printed():
    command = [sys.executable, ROOT / "tests" / "style" / "rooms.py"]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in table.splitlines()] == ["package", *PACKAGES]
