"""Count the rooms of each package: what a reader has to keep in mind of them.

A room is a file or a subpackage directly in a package; `__init__.py` and `__main__.py` are its
doors, no rooms. An arrow leads from a room to each other room that it imports, at the top of a file
or in a function; imports for the type checker alone make none. A room stands one floor above the
highest that it imports; what imports nothing is on floor 1. A back arrow is against the layers that
import-linter reads in pyproject.toml. A circle is a set of rooms that reach one another.

    python tests/style/rooms.py [ROOT]
"""

import ast
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("max78000", "ai8x_models", "synthesis")
DOORS = ("__init__", "__main__")
BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")  # of a statement; imports are there


@dataclass(frozen=True)
class House:
    """One package: the rooms that each room imports, and the layers they are said to stand in."""

    arrows: dict[str, frozenset[str]]
    layers: tuple[frozenset[str], ...]  # the ground first
    apart: frozenset[int]  # layers whose rooms may not import one another

    @property
    def reached(self):
        """All rooms that a room reaches along arrows."""
        found = dict(self.arrows)
        for middle in self.arrows:
            found |= {room: seen | found[middle] for room, seen in found.items() if middle in seen}
        return found

    @property
    def circles(self):
        reached = self.reached
        return {
            frozenset(other for other in reached[room] if room in reached[other])
            for room in self.arrows
            if room in reached[room]
        }

    @property
    def floors(self):
        """The floor of each room; the rooms of a circle share one."""
        reached, floors = self.reached, {}
        for room in sorted(self.arrows, key=lambda room: len(reached[room] | {room})):
            below = (floors[other] for other in reached[room] if room not in reached[other])
            floors[room] = 1 + max(below, default=0)
        return floors

    @property
    def unplaced(self):
        """Rooms that no layer names."""
        return self.arrows.keys() - frozenset().union(*self.layers)

    @property
    def back_arrows(self):
        level = {room: n for n, layer in enumerate(self.layers) for room in layer}
        return {
            (room, other)
            for room, others in self.arrows.items()
            for other in others
            if {room, other} <= level.keys()
            and (level[room] < level[other] or level[room] == level[other] in self.apart)
        }


@cache
def read_house(package, root=ROOT):
    folder = root / package
    rooms = {
        path.stem: sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for path in sorted(folder.iterdir())
        if (path.suffix == ".py" and path.stem not in DOORS) or (path / "__init__.py").is_file()
    }
    arrows = {
        room: frozenset(
            words[1]
            for path in paths
            for name in imported_names(tree_of(path))
            if (words := name.split("."))[0] == package and words[1] in rooms.keys() - {room}
        )
        for room, paths in rooms.items()
    }
    rows = layer_rows(package, root)[::-1]
    layers = tuple(frozenset(row.replace("|", " ").replace(":", " ").split()) for row in rows)
    return House(arrows, layers, frozenset(n for n, row in enumerate(rows) if "|" in row))


def layer_rows(package, root):
    """The package's layers as import-linter reads them, the roof first, without its name."""
    linter = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    (rows,) = (
        contract["layers"]
        for contract in linter["contracts"]
        if contract["type"] == "layers" and contract["layers"][0].startswith(f"{package}.")
    )
    return [row.replace(f"{package}.", "") for row in rows]


@cache
def tree_of(path):
    """The syntax tree of a file, parsed once for all who look at it."""
    return ast.parse(path.read_text())


def imported_names(tree):
    """Dotted names that a file imports, `from a import b` as `a.b`; none for the type checker."""
    if isinstance(tree, ast.If) and "TYPE_CHECKING" in ast.unparse(tree.test):
        return
    if isinstance(tree, ast.Import):
        yield from (alias.name for alias in tree.names)
    elif isinstance(tree, ast.ImportFrom) and tree.module:
        yield from (f"{tree.module}.{alias.name}" for alias in tree.names)
    for field in BLOCKS:
        for child in getattr(tree, field, ()):
            yield from imported_names(child)


def main(root=ROOT):
    head = ("package", "rooms", "floors", "arrows", "back arrows", "circles")
    click.echo("{:12} {:>6} {:>7} {:>7} {:>12} {:>8}".format(*head))
    for package in PACKAGES:
        house = read_house(package, root)
        n_arrows = sum(map(len, house.arrows.values()))
        counts = (len(house.arrows), max(house.floors.values()), n_arrows)
        wrongs = (len(house.back_arrows), len(house.circles))
        click.echo("{:12} {:6} {:7} {:7} {:12} {:8}".format(package, *counts, *wrongs))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
