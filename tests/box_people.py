"""People made of boxes, one for each segment: bodies for tests that have no body model."""

import numpy as np

from ai8x_models.tasks.pose.bodies.people import Library
from ai8x_models.tasks.pose.bodies.segments import INDEX, N_SEGMENTS
from max78000.apps.pose.skeleton import COCO_NAMES

# Where segments begin, and how far their boxes reach; left side, metres, y down, front at -z.
BEGIN = {
    "pelvis": (0, 0, 0), "spine": (0, -0.12, 0), "chest": (0, -0.28, 0), "neck": (0, -0.5, 0),
    "head": (0, -0.58, 0), "upper": (0.2, -0.46, 0), "fore": (0.2, -0.18, 0),
    "hand": (0.2, 0.08, 0), "thigh": (0.1, 0.02, 0), "shank": (0.1, 0.45, 0),
    "foot": (0.1, 0.85, 0),
}  # fmt: skip
BOX = {
    "pelvis": ((-0.16, -0.12, -0.1), (0.16, 0.1, 0.1)),
    "spine": ((-0.15, -0.16, -0.1), (0.15, 0, 0.1)),
    "chest": ((-0.18, -0.22, -0.11), (0.18, 0, 0.11)),
    "neck": ((-0.05, -0.08, -0.05), (0.05, 0, 0.05)),
    "head": ((-0.08, -0.22, -0.1), (0.08, 0, 0.1)),
    "upper": ((-0.05, -0.02, -0.05), (0.05, 0.28, 0.05)),
    "fore": ((-0.04, 0, -0.04), (0.04, 0.26, 0.04)),
    "hand": ((-0.03, 0, -0.04), (0.03, 0.16, 0.04)),
    "thigh": ((-0.07, 0, -0.08), (0.07, 0.43, 0.08)),
    "shank": ((-0.05, 0, -0.06), (0.05, 0.4, 0.06)),
    "foot": ((-0.05, 0, -0.18), (0.05, 0.07, 0.06)),
}
FACE = {"nose": (0, -0.1, -0.1), "eye": (0.03, -0.13, -0.1), "ear": (0.08, -0.12, 0)}
JOINTS = {"shoulder": "upper", "elbow": "fore", "wrist": "hand", "hip": "thigh", "knee": "shank",
          "ankle": "foot"}  # fmt: skip
CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
_QUADS = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))


def _sided(name):
    side, _, part = name.rpartition("_")
    return part, (-1.0 if side == "right" else 1.0)


def box_library(heights=(1.0, 1.2)):
    """People of the same build and different sizes."""
    joints, vertices, weights, faces = np.zeros((N_SEGMENTS, 3)), [], [], []
    for name, k in INDEX.items():
        part, sign = _sided(name)
        joints[k] = np.array(BEGIN[part]) * (sign, 1, 1)
        low, high = np.array(BOX[part])
        corners = joints[k] + low + CORNERS * (high - low)
        middle = corners.mean(0)
        for a, b, c, d in _QUADS:
            for triangle in ((a, b, c), (a, c, d)):
                p, q, r = corners[list(triangle)]
                outwards = np.cross(r - p, q - p) @ ((p + q + r) / 3 - middle)
                order = triangle if outwards > 0 else triangle[::-1]
                faces.append([8 * k + one for one in order])
        vertices.append(corners)
        weights.append(np.tile(np.eye(N_SEGMENTS)[k], (8, 1)))
    keypoints = np.zeros((len(COCO_NAMES), N_SEGMENTS, 4))
    for index, name in enumerate(COCO_NAMES):
        part, sign = _sided(name)
        segment = "head" if part in FACE else f"{'left' if sign > 0 else 'right'}_{JOINTS[part]}"
        place = joints[INDEX[segment]]
        place = place + np.array(FACE[part]) * (sign, 1, 1) if part in FACE else place
        keypoints[index, INDEX[segment]] = *place, 1
    scale = np.array(heights)[:, None, None]
    homogeneous = np.concatenate((scale, scale, scale, np.ones_like(scale)), axis=2)[:, None]
    return Library(
        rest=(np.concatenate(vertices) * scale).astype(np.float32),
        joints=(joints * scale).astype(np.float32),
        weights=np.concatenate(weights).astype(np.float32),
        faces=np.array(faces, np.int32),
        keypoints=(keypoints * homogeneous).astype(np.float32),
    )
