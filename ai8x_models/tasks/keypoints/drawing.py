"""Points on a picture, each with its name."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from ai8x_models.tasks.detect.drawing import COLOURS, enlarged
from ai8x_models.tasks.keypoints.heatmaps import Floats

_RADIUS = 4


def draw_points(picture: Image.Image, points: Floats, names: Sequence[str]) -> Image.Image:
    """Draw points that were found (K, 3), or are there: x, y as shares; 0 behind is no point.

    Returns:
        A new RGB picture, enlarged if it is small.
    """
    drawn = enlarged(picture)
    pen = ImageDraw.Draw(drawn)
    size = np.array(drawn.size)
    for place, (name, point) in enumerate(zip(names, points, strict=True)):
        if not point[2]:
            continue
        x, y = (point[:2] * size).tolist()
        box = (x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS)
        colour = COLOURS[place % len(COLOURS)]
        pen.ellipse(box, fill=colour, outline="black")
        pen.text((x + 2 * _RADIUS, y - _RADIUS), name, fill=colour, stroke_width=1,
                 stroke_fill="black")  # fmt: skip
    return drawn
