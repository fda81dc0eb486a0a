"""One person's points from heatmaps, where it is known that a person is there, and about where.

Nothing is grouped: every part is where its heatmap is highest near the person's box. All points are
answered, whatever the values. Part affinities are not needed.
"""

import numpy as np

from ai8x_models.tasks.pose.decoder_arithmetic import DecoderSettings, FloatArithmetic
from max78000.apps.pose.arrays import Array, Bools, Floats
from max78000.apps.pose.skeleton import (
    COCO_OF_PART,
    MAP_SIZE,
    N_COCO,
    N_PARTS,
    cell_to_pixel,
    pixel_to_cell,
)

_MARGIN = 0.1  # of the longer side of the box, on every side: where points may lie
_ARITHMETIC = FloatArithmetic(DecoderSettings())


def subject_points(heat: Array, bbox: Array) -> Floats:
    """Find the 17 points of one person.

    Args:
        heat: (>= 18, 16, 16), parts first.
        bbox: (4,) x, y, width, height in pixels of the input: where the person is.

    Returns:
        (17, 3) x, y in pixels of the input and the heatmap's value there.
    """
    heat = np.asarray(heat, np.float64)[:N_PARTS]
    near = np.where(_near(np.asarray(bbox, np.float64)), heat, -np.inf).reshape(N_PARTS, -1)
    rows, columns = np.divmod(near.argmax(axis=1), MAP_SIZE)
    parts = np.arange(N_PARTS)
    padded = np.pad(heat, ((0, 0), (1, 1), (1, 1)), mode="edge")
    centre = heat[parts, rows, columns]
    beside = padded[parts, rows + 1, columns], padded[parts, rows + 1, columns + 2]
    above = padded[parts, rows, columns + 1], padded[parts, rows + 2, columns + 1]
    points = np.zeros((N_COCO, 3))
    for axis, (cells, (before, after)) in enumerate(((columns, beside), (rows, above))):
        inside = (cells > 0) & (cells < MAP_SIZE - 1)
        offsets = inside * _ARITHMETIC.offsets(before, centre, after).clip(-0.5, 0.5)
        for part, joint in enumerate(COCO_OF_PART):
            if joint is not None:
                points[joint, axis] = cell_to_pixel(float(cells[part] + offsets[part]))
                points[joint, 2] = centre[part]
    return points


def _near(bbox: Floats) -> Bools:
    """Cells in the box and around it, bool (16, 16); at least one."""
    margin = _MARGIN * bbox[2:].max()
    low = pixel_to_cell(bbox[:2] - margin).round().clip(0, MAP_SIZE - 1)
    high = pixel_to_cell(bbox[:2] + bbox[2:] + margin).round().clip(0, MAP_SIZE - 1)
    cells = np.arange(MAP_SIZE)
    columns, rows = ((cells >= low[axis]) & (cells <= high[axis]) for axis in range(2))
    near: Bools = rows[:, None] & columns
    return near
