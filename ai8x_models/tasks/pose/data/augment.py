"""Moves that are exact on images, keypoints and 16x16 maps alike: flips and whole-cell shifts.

A teacher's cached maps stay valid under these, so distillation needs no second teacher run, as it
would for rotation and scaling. All functions are plain NumPy, take any leading (batch) axes, return
new arrays and leave the choice of moves to the caller. Images are (..., H, W, 3), maps
(..., C, H, W).
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from max78000.apps.pose.arrays import Uint8s
from max78000.apps.pose.skeleton import (
    BACKGROUND,
    FLIP_LIMBS,
    FLIP_PARTS,
    STRIDE,
)

_FLIP_PAF = [2 * limb + axis for limb in FLIP_LIMBS for axis in range(2)]

Number = TypeVar("Number", np.float64, np.float32, np.float16, np.int8, np.uint8)
Numbers = npt.NDArray[Number]


def flip_image(image: Numbers[Number]) -> Numbers[Number]:
    """Mirror images (..., H, W, 3) left to right."""
    return image[..., ::-1, :].copy()


def flip_mask(mask: Numbers[Number]) -> Numbers[Number]:
    """Mirror loss masks (..., H, W)."""
    return mask[..., ::-1].copy()


def flip_maps(
    heat: Numbers[Number], paf: Numbers[Number]
) -> tuple[Numbers[Number], Numbers[Number]]:
    """Mirror heatmaps (..., 19, H, W) and PAFs (..., 38, H, W), floats or int8 within +-127.

    Parts and limbs swap sides, and the x components of the PAFs change sign.
    """
    flipped_paf = paf[..., _FLIP_PAF, :, ::-1]
    flipped_paf[..., 0::2, :, :] = -flipped_paf[..., 0::2, :, :]
    return heat[..., list(FLIP_PARTS), :, ::-1], flipped_paf


def shift_image(image: Numbers[Number], down_cells: int, right_cells: int) -> Numbers[Number]:
    """Move images (..., H, W, 3) by whole cells of 8 pixels; what comes in repeats the border."""
    height, width = image.shape[-3:-1]
    rows = np.clip(np.arange(height) - down_cells * STRIDE, 0, height - 1)
    columns = np.clip(np.arange(width) - right_cells * STRIDE, 0, width - 1)
    return image[..., rows[:, None], columns, :]


def shift_maps(
    heat: Numbers[Number], paf: Numbers[Number], down_cells: int, right_cells: int
) -> tuple[Numbers[Number], Numbers[Number]]:
    """Move maps by whole cells; what comes from outside is background and no limb.

    The cells that stay keep their values, as a teacher's answers must. Redrawing the targets of
    shifted keypoints differs in two places: people near the border reach into the new cells (which
    `shift_mask` leaves out of the loss), and a point that has left the image is gone altogether.
    """
    moved = _moved(heat, down_cells, right_cells, 0.0)
    one = 127.0 if np.issubdtype(heat.dtype, np.integer) else 1.0
    background = heat[..., BACKGROUND, :, :]
    moved[..., BACKGROUND, :, :] = _moved(background, down_cells, right_cells, one)
    return moved, _moved(paf, down_cells, right_cells, 0.0)


def shift_mask(mask: Numbers[Number], down_cells: int, right_cells: int) -> Numbers[Number]:
    """Move loss masks (..., H, W) by whole cells; cells from outside do not count."""
    return _moved(mask, down_cells, right_cells, 0.0)


def jitter(rng: np.random.Generator, image: Uint8s) -> Uint8s:
    """Change contrast, brightness and white balance of one image (H, W, 3)."""
    levels = np.arange(256.0)[:, None]
    contrast, brightness = rng.uniform(0.8, 1.25), rng.uniform(-20, 20)
    changed = ((levels - 128) * contrast + 128 + brightness) * rng.normal(1, 0.04, 3)
    table = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
    return np.stack([table[image[..., c], c] for c in range(3)], axis=-1)


def _moved(array: Numbers[Number], down: int, right: int, fill: float) -> Numbers[Number]:
    """Shift the last two axes, filling what comes from outside."""
    moved = np.full_like(array, fill)
    height, width = array.shape[-2:]
    to_rows, from_rows = _overlap(down, height)
    to_columns, from_columns = _overlap(right, width)
    moved[..., to_rows, to_columns] = array[..., from_rows, from_columns]
    return moved


def _overlap(shift: int, size: int) -> tuple[slice, slice]:
    """Target and source ranges of an axis moved by `shift`; empty if it moves out altogether."""
    kept = max(size - abs(shift), 0)
    ahead = min(abs(shift), size)
    if shift >= 0:
        return slice(ahead, ahead + kept), slice(0, kept)
    return slice(0, kept), slice(ahead, ahead + kept)
