"""The parts of a body that turn: names, which hangs on which, and their turns in a posture.

A posture is (17, 3, 3): for each segment the rotation from a body that stands upright, faces the
camera and lets its arms hang, in the figures' axes (`figures/body.py`: x right and y down in the
picture, z away from the camera). Postures are drawn from families of angles, as the figures' are,
or come from captured motion.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from ai8x_models.tasks.pose.bodies.acclaim import Skeleton
from ai8x_models.tasks.pose.figures.body import Posture, turn_y
from max78000.apps.pose.arrays import Array, Floats

_SIDES = ("left", "right")
_LIMBS = ("upper", "fore", "hand", "thigh", "shank", "foot")
TRUNK = ("pelvis", "spine", "chest", "neck", "head")
SEGMENTS = (*TRUNK, *(f"{side}_{limb}" for side in _SIDES for limb in _LIMBS))
N_SEGMENTS = len(SEGMENTS)
INDEX: Mapping[str, int] = MappingProxyType({name: k for k, name in enumerate(SEGMENTS)})
_HANGS_ON: Mapping[str, str] = {
    "spine": "pelvis",
    "chest": "spine",
    "neck": "chest",
    "head": "neck",
    "upper": "chest",
    "fore": "upper",
    "hand": "fore",
    "thigh": "pelvis",
    "shank": "thigh",
    "foot": "shank",
}
# The bones of Acclaim skeletons, as the Carnegie Mellon database has them, that turn with segments.
_CAPTURED: Mapping[str, str] = {
    "pelvis": "root",
    "spine": "upperback",
    "chest": "thorax",
    "neck": "lowerneck",
    "head": "head",
    "upper": "humerus",
    "fore": "radius",
    "hand": "hand",
    "thigh": "femur",
    "shank": "tibia",
    "foot": "foot",
}
_HANGING = ("upper", "fore", "hand", "thigh", "shank")  # they point down in an upright body
_PELVIS_SHARE, _SPINE_SHARE = 0.35, 0.7  # of how far the trunk of a drawn posture is bent
_UPSIDE = np.diag((1.0, -1.0, -1.0))  # from axes with y up and z to the camera, and back
_MIRROR = np.diag((-1.0, 1.0, 1.0))
DOWN = np.array((0.0, 1.0, 0.0))


def parent_of(name: str) -> str | None:
    """The segment on which one hangs; None for the pelvis."""
    side, _, limb = name.rpartition("_")
    parent = _HANGS_ON.get(limb)
    is_limb = parent in _LIMBS and bool(side)
    return f"{side}_{parent}" if is_limb else parent


PARENTS = tuple(INDEX.get(parent_of(name) or "", -1) for name in SEGMENTS)


def posture_of(drawn: Posture) -> Floats:
    """The posture of drawn angles."""
    turns = np.empty((N_SEGMENTS, 3, 3))
    neck = part_of(drawn.head @ drawn.chest.T, 0.5) @ drawn.chest
    pelvis, spine = part_of(drawn.trunk, _PELVIS_SHARE), part_of(drawn.trunk, _SPINE_SHARE)
    turns[: len(TRUNK)] = pelvis, spine, drawn.chest, neck, drawn.head
    for k in range(2):
        first = len(TRUNK) + k * len(_LIMBS)
        turns[first : first + len(_LIMBS)] = [getattr(drawn, limb)[k] for limb in _LIMBS]
    return turns


def captured_posture(skeleton: Skeleton, turns: Mapping[str, Floats]) -> Floats:
    """The posture of a frame of captured motion, its pelvis heading for the camera.

    Args:
        skeleton: with bones named as those of the Carnegie Mellon database.
        turns: of its bones, as `Skeleton.turns` gives them.

    Raises:
        KeyError: the skeleton lacks one of these bones.
    """
    posture = np.empty((N_SEGMENTS, 3, 3))
    for k, name in enumerate(SEGMENTS):
        side, _, limb = name.rpartition("_")
        bone = f"{side[:1]}{_CAPTURED[limb]}"
        turn = _UPSIDE @ turns[bone] @ _UPSIDE
        if limb in _HANGING:
            straight = "radius" if limb == "hand" else _CAPTURED[limb]
            at_rest = _UPSIDE @ skeleton.bones[f"{side[:1]}{straight}"].direction
            turn = turn @ between(at_rest, DOWN).T
        posture[k] = turn
    ahead = posture[0] @ (0.0, 0.0, -1.0)
    heading = math.degrees(math.atan2(-ahead[0], -ahead[2]))
    return turn_y(-heading) @ posture


def mirrored(posture: Array) -> Floats:
    """The posture of a body in a mirror."""
    turned: Floats = _MIRROR @ posture @ _MIRROR
    n, first = len(_LIMBS), len(TRUNK)
    order = [*range(first), *range(first + n, first + 2 * n), *range(first, first + n)]
    return turned[order]


def between(start: Array, end: Array) -> Floats:
    """The least rotation (3, 3) that takes the direction of one vector to that of another."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis, cosine = np.cross(a, b), float(a @ b)
    if cosine < -1 + 1e-9:  # any axis at a right angle does
        axis = np.cross(a, np.eye(3)[np.argmin(np.abs(a))])
        axis /= np.linalg.norm(axis)
        half: Floats = 2 * np.outer(axis, axis) - np.eye(3)
        return half
    cross = _cross(axis)
    turn: Floats = np.eye(3) + cross + cross @ cross / (1 + cosine)
    return turn


def part_of(turn: Array, share: float) -> Floats:
    """A share of a rotation (3, 3), about the same axis."""
    angle = math.acos(min(max((float(np.trace(turn)) - 1) / 2, -1.0), 1.0))
    if angle < 1e-6 or angle > math.pi - 1e-3:
        return np.array(turn, np.float64) if share > 0.5 else np.eye(3)
    axis = np.array((turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]))
    cross = _cross(axis / (2 * math.sin(angle)))
    angle *= share
    part: Floats = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return part


def _cross(axis: Array) -> Floats:
    x, y, z = map(float, axis)
    return np.array(((0, -z, y), (z, 0, -x), (-y, x, 0)))
