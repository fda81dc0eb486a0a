"""Reads captured motion in Acclaim's files: a skeleton (.asf) and its motions (.amc).

A skeleton is bones with a direction, a length and an axis system each, in a tree below `root`; a
motion gives, for every frame, the angles of each bone's degrees of freedom about those axes. Read
is what poses need: names, directions, lengths, axes, degrees of freedom, the tree. Limits, masses
and where the root moves are not. After J. Lander, "Working with Motion Capture File Formats", Game
Developer, January 1998.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from max78000.apps.pose.arrays import Floats
from max78000.errors import InputError

ROOT = "root"
_MAX_BYTES = 1 << 28
_RADIANS: Mapping[str, float] = {"deg": math.radians(1), "rad": 1.0}
_UNIT_OF: Mapping[str, str] = {":DEGREES": "deg", ":RADIANS": "rad"}
_SECTION = re.compile(r"^:(\S+)(.*)$")


@dataclass(frozen=True, slots=True)
class Bone:
    """One bone, as the skeleton stands at rest.

    Args:
        name: `lfemur`, for example.
        parent: name of the bone at whose end it begins, or `root`.
        direction: (3,) of length 1.
        length: in units of the file.
        axes: (3, 3) rotation, from the bone's own axes to those of the file.
        order: `XYZ`, for example: about which of its axes it turns first, second and last.
        freedoms: `rx`, `ry`, `rz`: which angles a motion gives, in its order.
    """

    name: str
    parent: str
    direction: Floats
    length: float
    axes: Floats
    order: str
    freedoms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A skeleton.

    Args:
        bones: by name, each after its parent.
        root_numbers: what the numbers of the root are: `TX`, ..., `RX`, ...
        root_axes: (3, 3) of the root at rest.
        root_order: as `order` of bones.
        unit: of angles, `deg` or `rad`.
    """

    bones: Mapping[str, Bone]
    root_numbers: tuple[str, ...]
    root_axes: Floats
    root_order: str
    unit: str

    def turns(self, frame: Mapping[str, Sequence[float]]) -> dict[str, Floats]:
        """How far each bone, and the root, is turned from rest in a frame, in the file's axes.

        Args:
            frame: numbers by name, as a motion has them; bones that are left out stay at rest.
        """
        given = dict(zip(map(str.lower, self.root_numbers), frame.get(ROOT, ()), strict=False))
        turns = {ROOT: self._about(self.root_axes, self.root_order, given)}
        for name, bone in self.bones.items():
            angles = dict(zip(bone.freedoms, frame.get(name, ()), strict=False))
            turns[name] = turns[bone.parent] @ self._about(bone.axes, bone.order, angles)
        return turns

    def _about(self, axes: Floats, order: str, angles: Mapping[str, float]) -> Floats:
        per_unit = _RADIANS[self.unit]
        values = [per_unit * angles.get(f"r{axis}", 0.0) for axis in order.lower()]
        turned: Floats = axes @ turn(values, order) @ axes.T
        return turned


def turn(angles: Sequence[float], order: str = "XYZ") -> Floats:
    """Rotation (3, 3) about the axes of `order`, the first one first; radians."""
    matrix = np.eye(3)
    for axis, angle in zip(order, angles, strict=True):
        a, b = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
        step = np.eye(3)
        step[a, a] = step[b, b] = math.cos(angle)
        step[a, b], step[b, a] = -math.sin(angle), math.sin(angle)
        matrix = step @ matrix
    return matrix


def read_skeleton(path: Path) -> Skeleton:
    """Read a skeleton.

    Raises:
        InputError: it cannot be read, or is none.
    """
    sections = dict(_sections(_text(path)))
    try:
        unit = _pairs(sections["units"]).get("angle", ["deg"])[0].lower()
        per_unit = _RADIANS[unit]
        root = _pairs(sections["root"])
        root_order = _order(root["axis"])
        root_axes = _axes(root["orientation"], root_order, per_unit)
        parents = _parents(sections["hierarchy"])
        read = {}
        for block in _blocks(sections["bonedata"]):
            entries = _pairs(block)
            axis = entries["axis"]
            direction = np.array([float(one) for one in entries["direction"]])
            if direction.shape != (3,) or not np.isfinite(direction).all() or not direction.any():
                raise ValueError(f"a direction {entries['direction']}")
            name = entries["name"][0]
            read[name] = Bone(
                name=name,
                parent=parents[name],
                direction=direction / np.linalg.norm(direction),
                length=float(entries["length"][0]),
                axes=_axes(axis[:3], _order(axis[3:]), per_unit),
                order=_order(axis[3:]),
                freedoms=tuple(one.lower() for one in entries.get("dof", [])),
            )
        bones = {name: read[name] for name in parents if name != ROOT}
        return Skeleton(bones, tuple(root["order"]), root_axes, root_order, unit)
    except (KeyError, ValueError, IndexError) as error:
        why = f"not an Acclaim skeleton: {type(error).__name__} {error}"
        raise InputError(why, where=str(path), fix="give the .asf file of the motions") from error


def read_motion(path: Path, skeleton: Skeleton) -> tuple[Mapping[str, tuple[float, ...]], ...]:
    """Read the frames of a motion: the numbers of each bone, by name.

    Raises:
        InputError: it cannot be read, is none, or is one of another skeleton.
    """
    frames: list[dict[str, tuple[float, ...]]] = []
    lines = _text(path).splitlines()
    for number, line in enumerate(lines, 1):
        with _refusing(path, number):
            _take(frames, line.split("#")[0].split(), skeleton)
    with _refusing(path, len(lines)):
        _check_whole(frames)
    if not frames:
        raise InputError("has no frames", where=str(path), fix="give an .amc file")
    return tuple(frames)


@contextmanager
def _refusing(path: Path, number: int) -> Iterator[None]:
    """What a line gets wrong is an error of the file, at this line."""
    try:
        yield
    except (ValueError, KeyError) as error:
        why = f"not a motion of this skeleton: {type(error).__name__} {error}"
        fix = "give the .amc files, whole, beside their .asf file"
        raise InputError(why, where=f"{path}:{number}", fix=fix) from error


def _take(
    frames: list[dict[str, tuple[float, ...]]], words: Sequence[str], skeleton: Skeleton
) -> None:
    """Take one line of a motion: a keyword, the number of a frame, or the numbers of a bone."""
    if not words:
        return
    name, *numbers = words
    if name.startswith(":"):
        _check_unit(name, skeleton.unit)
    elif not numbers and name.isdecimal():
        _check_whole(frames)
        frames.append({})
    else:
        values = tuple(map(float, numbers))
        n_numbers = len(skeleton.root_numbers if name == ROOT else skeleton.bones[name].freedoms)
        if not frames or n_numbers != len(values) or not np.isfinite(values).all():
            raise ValueError(f"{len(values)} numbers of {name}")
        if name in frames[-1]:
            raise ValueError(f"frame {len(frames)} has {name} twice")
        frames[-1][name] = values


def _check_unit(keyword: str, unit: str) -> None:
    """Angles are those of the skeleton: its unit is the one that counts."""
    said = _UNIT_OF.get(keyword.upper(), unit)
    if said != unit:
        raise ValueError(f"angles in {said}, those of the skeleton are in {unit}")


def _check_whole(frames: Sequence[Mapping[str, object]]) -> None:
    """Every frame tells of bones, of those of the first: one that does not was cut."""
    if frames and not frames[-1]:
        raise ValueError(f"frame {len(frames)} has no bones")
    if frames and (odd := frames[0].keys() ^ frames[-1].keys()):
        raise ValueError(f"frame {len(frames)} and the first differ in {', '.join(sorted(odd))}")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"has more than {_MAX_BYTES} bytes", where=str(path))
        return path.read_text(encoding="latin-1")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Name and lines of each section."""
    name, lines = "", list[str]()
    for line in text.splitlines():
        stripped = line.split("#")[0].strip()
        if begins := _SECTION.match(stripped):
            yield name, lines
            name, lines = begins[1].lower(), [begins[2].strip()]
        elif stripped:
            lines.append(stripped)
    yield name, lines


def _pairs(lines: Sequence[str]) -> dict[str, list[str]]:
    """First word of each line, and those behind it."""
    return {words[0]: words[1:] for words in map(str.split, lines) if words}


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Lines between `begin` and `end`."""
    block: list[str] = []
    for line in lines:
        if line in ("begin", "end"):
            if block:
                yield block
            block = []
        elif line:
            block.append(line)


def _parents(lines: Sequence[str]) -> dict[str, str]:
    """Parent of each bone, which comes before it."""
    parents = {ROOT: ""}
    for line in lines:
        words = line.split()
        if words and words[0] not in ("begin", "end"):
            if words[0] not in parents:
                raise ValueError(f"{words[0]} hangs on nothing")
            if twice := parents.keys() & set(words[1:]):
                raise ValueError(f"{min(twice)} has two places in the tree")
            parents |= dict.fromkeys(words[1:], words[0])
    return parents


def _order(words: Sequence[str]) -> str:
    """The order of turning that a line `axis` ends with; `XYZ` if it says none."""
    order = words[0].upper() if words else "XYZ"
    if sorted(order) != ["X", "Y", "Z"]:
        raise ValueError(f"an order {words[0]}")
    return order


def _axes(angles: Sequence[str], order: str, per_unit: float) -> Floats:
    values = [per_unit * float(one) for one in angles]
    if not np.isfinite(values).all():
        raise ValueError(f"angles {angles}")
    return turn(values, order)
