"""Poses a body: linear blend skinning of a mesh's vertices, and of its keypoints with them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ai8x_models.tasks.pose.bodies.people import Library
from ai8x_models.tasks.pose.bodies.segments import DOWN, INDEX, N_SEGMENTS, PARENTS, between
from max78000.apps.pose.arrays import Array, Floats

# Segments that point from their own joint to that of another, and hang down in an upright body.
_POINTS_TO: Mapping[str, str] = {"upper": "fore", "fore": "hand", "thigh": "shank", "shank": "foot"}


@dataclass(frozen=True, slots=True)
class Posed:
    """A body in some posture, its pelvis at the origin.

    Args:
        vertices: (V, 3).
        keypoints: (17, 3) in COCO order.
    """

    vertices: Floats
    keypoints: Floats


def pose_person(
    library: Library, person: int, posture: Array, thickness: Array | None = None
) -> Posed:
    """Bring a body into a posture (17, 3, 3), see `segments`.

    Args:
        library: the bodies.
        person: which of them.
        posture: see `segments`.
        thickness: (V,) metres by which vertices stand off from the skin; None for nothing.
    """
    joints = np.asarray(library.joints[person], np.float64)
    turns = np.asarray(posture, np.float64) @ upright(joints)
    places = np.zeros((N_SEGMENTS, 3))
    for k, parent in enumerate(PARENTS):  # every segment comes after the one that it hangs on
        if parent >= 0:
            places[k] = places[parent] + turns[parent] @ (joints[k] - joints[parent])
    shifts = places - np.einsum("sij,sj->si", turns, joints)
    maps = np.concatenate((turns, shifts[..., None]), axis=2)  # (17, 3, 4)
    rest = np.asarray(library.rest[person], np.float64)
    if thickness is not None:
        rest = rest + normals_of(rest, library.faces) * thickness[:, None]
    blended = (library.weights @ maps.reshape(N_SEGMENTS, 12)).reshape(-1, 3, 4)
    vertices = np.einsum("vij,vj->vi", blended[..., :3], rest) + blended[..., 3]
    keypoints = np.einsum("sij,ksj->ki", maps, library.keypoints[person])
    return Posed(vertices, keypoints)


def normals_of(vertices: Floats, faces: Array) -> Floats:
    """Directions outwards at vertices (V, 3) of a mesh whose faces run clockwise from outside."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    across, n = np.cross(c - a, b - a), len(vertices)
    sums = np.stack(
        [sum(np.bincount(faces[:, k], across[:, axis], n) for k in range(3)) for axis in range(3)],
        axis=1,
    )
    normals: Floats = sums / (np.linalg.norm(sums, axis=1, keepdims=True) + 1e-12)
    return normals


def upright(joints: Array) -> Floats:
    """Rotations (17, 3, 3) that let a body's limbs hang, from its joints (17, 3) at rest."""
    turns = np.tile(np.eye(3), (N_SEGMENTS, 1, 1))
    for side in ("left", "right"):
        for name, end in _POINTS_TO.items():
            start = INDEX[f"{side}_{name}"]
            turns[start] = between(joints[INDEX[f"{side}_{end}"]] - joints[start], DOWN)
        turns[INDEX[f"{side}_hand"]] = turns[INDEX[f"{side}_fore"]]
    return turns
