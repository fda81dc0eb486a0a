"""Moves that are exact on images, keypoints and 16x16 maps alike: flips and whole-cell shifts.

A teacher's cached maps stay valid under these, so distillation needs no second teacher run, as it
would for rotation and scaling. All functions are plain NumPy, take any leading (batch) axes, return
new arrays and leave the choice of moves to the caller. Images are (..., H, W, 3), maps
(..., C, H, W).
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from max78000.apps.pose.skeleton import (
    BACKGROUND,
    FLIP_COCO,
    FLIP_LIMBS,
    FLIP_PARTS,
    IMAGE_SIZE,
    STRIDE,
)

PADDING = 128  # grey level of pixels from outside the image: zero after normalisation
_FLIP_PAF = [2 * limb + axis for limb in FLIP_LIMBS for axis in range(2)]

Number = TypeVar("Number", np.float64, np.float32, np.float16, np.int8, np.uint8)
Maps = npt.NDArray[Number]
Points = npt.NDArray[np.float32]


def flip_image(image: Maps[Number]) -> Maps[Number]:
    """Mirror images (..., H, W, 3) left to right."""
    return image[..., ::-1, :].copy()


def flip_mask(mask: Maps[Number]) -> Maps[Number]:
    """Mirror loss masks (..., H, W)."""
    return mask[..., ::-1].copy()


def flip_keypoints(keypoints: Points, width: int = IMAGE_SIZE) -> Points:
    """Mirror keypoints (..., 17, 3) and swap left with right; points not labelled stay zero."""
    flipped = keypoints[..., list(FLIP_COCO), :]
    is_labelled = flipped[..., 2] > 0
    flipped[..., 0] = np.where(is_labelled, width - 1 - flipped[..., 0], flipped[..., 0])
    return flipped


def flip_maps(heat: Maps[Number], paf: Maps[Number]) -> tuple[Maps[Number], Maps[Number]]:
    """Mirror heatmaps (..., 19, H, W) and PAFs (..., 38, H, W), floats or int8 within +-127.

    Parts and limbs swap sides, and the x components of the PAFs change sign.
    """
    flipped_paf = paf[..., _FLIP_PAF, :, ::-1]
    flipped_paf[..., 0::2, :, :] = -flipped_paf[..., 0::2, :, :]
    return heat[..., list(FLIP_PARTS), :, ::-1], flipped_paf


def shift_image(
    image: Maps[Number], down_cells: int, right_cells: int, padding: int | str = PADDING
) -> Maps[Number]:
    """Move images (..., H, W, 3) by whole cells of 8 pixels.

    Args:
        padding: the level of pixels that come from outside, or `edge` to repeat the border.
    """
    channels_first = np.moveaxis(image, -1, -3)
    down, right = down_cells * STRIDE, right_cells * STRIDE
    if padding == "edge":
        height, width = channels_first.shape[-2:]
        rows = np.clip(np.arange(height) - down, 0, height - 1)
        columns = np.clip(np.arange(width) - right, 0, width - 1)
        moved = channels_first[..., rows[:, None], columns]
    else:
        moved = _moved(channels_first, down, right, float(padding))
    return np.ascontiguousarray(np.moveaxis(moved, -3, -1))


def shift_maps(
    heat: Maps[Number], paf: Maps[Number], down_cells: int, right_cells: int
) -> tuple[Maps[Number], Maps[Number]]:
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


def shift_mask(mask: Maps[Number], down_cells: int, right_cells: int) -> Maps[Number]:
    """Move loss masks (..., H, W) by whole cells; cells from outside do not count."""
    return _moved(mask, down_cells, right_cells, 0.0)


def shift_keypoints(
    keypoints: Points, down_cells: int, right_cells: int, size: int = IMAGE_SIZE
) -> Points:
    """Move keypoints (..., 17, 3) by whole cells; points that leave the image lose their label."""
    moved = keypoints.copy()
    moved[..., :2] += np.array((right_cells, down_cells), moved.dtype) * STRIDE
    is_inside = np.all((moved[..., :2] >= -0.5) & (moved[..., :2] <= size - 0.5), axis=-1)
    moved[~is_inside | (keypoints[..., 2] <= 0)] = 0
    return moved


def jitter(rng: np.random.Generator, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Change contrast, brightness and white balance of one image (H, W, 3)."""
    levels = np.arange(256.0)[:, None]
    contrast, brightness = rng.uniform(0.8, 1.25), rng.uniform(-20, 20)
    changed = ((levels - 128) * contrast + 128 + brightness) * rng.normal(1, 0.04, 3)
    table = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
    return np.stack([table[image[..., c], c] for c in range(3)], axis=-1)


def _moved(array: Maps[Number], down: int, right: int, fill: float) -> Maps[Number]:
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
