"""Outlines and paint: projects solids onto the canvas and draws them, the farthest first.

A part is an outline plus details on top of it. The outline is drawn twice: in colour on the picture
and with the person's number on the number image, which therefore holds exact masks. Knows no bodies
and no labels. Third in the line preset -> body -> paint -> person -> scene -> figures. Canvas
coordinates are pixels of the double-size canvas.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from max78000.apps.pose.arrays import Floats

PERSPECTIVE = 0.22  # shrinking per body height of depth
_TURN = np.linspace(0, 2 * np.pi, 20, endpoint=False)
CIRCLE = np.stack((np.cos(_TURN), np.sin(_TURN)), 1)
_CAP = np.linspace(-np.pi / 2, np.pi / 2, 7)


@dataclass(frozen=True, slots=True)
class Camera:
    """Where a body stands on the canvas: pixels per body height, and the hip centre's place."""

    scale: float
    x: float
    y: float

    def place(self, points: Floats) -> Floats:
        """Canvas positions (..., 2) of points (..., 3); weak perspective."""
        shrink = self.scale / (1 + PERSPECTIVE * points[..., 2:])
        placed: Floats = points[..., :2] * shrink + (self.x, self.y)
        return placed

    def size(self, length: float, depth: float) -> float:
        """Canvas pixels of a length at a depth, both in body heights."""
        return length * self.scale / (1 + PERSPECTIVE * depth)


@dataclass(frozen=True, slots=True)
class Part:
    """One piece: `outline` (n, 2) in canvas pixels, its colour, and (points, colour) details."""

    depth: float
    outline: Floats
    colour: Floats
    details: tuple[tuple[Floats, Floats], ...] = ()


def paint_parts(picture: Image.Image, numbers: Image.Image, parts: list[Part], number: int) -> None:
    """Draw the parts, farthest first, on the picture (RGB) and the number image (L)."""
    colour_pen, number_pen = ImageDraw.Draw(picture), ImageDraw.Draw(numbers)
    for part in sorted(parts, key=lambda part: -part.depth):
        outline = part.outline.ravel().tolist()
        colour_pen.polygon(outline, fill=as_rgb(part.colour))
        number_pen.polygon(outline, fill=number)
        for points, colour in part.details:
            colour_pen.polygon(points.ravel().tolist(), fill=as_rgb(colour))


def as_rgb(colour: Floats) -> tuple[int, int, int]:
    """Pillow's colour of three floats."""
    red, green, blue = (min(max(round(channel), 0), 255) for channel in colour.tolist())
    return red, green, blue


def capsule(start: Floats, end: Floats, radius_start: float, radius_end: float) -> Floats:
    """Outline (14, 2) of a tapered limb with round ends, all in canvas pixels."""
    along = end - start
    length = float(np.hypot(along[0], along[1]))
    angle = np.arctan2(along[1], along[0]) if length > 1e-6 else 0.0
    far = np.stack((np.cos(angle + _CAP), np.sin(angle + _CAP)), 1)
    return np.concatenate((end + radius_end * far, start - radius_start * far))


def ellipsoid(view: Camera, centre: Floats, axes: Floats) -> Floats:
    """Outline (20, 2) of an ellipsoid; the columns of `axes` (3, 3) are its half axes."""
    flat = axes[:2] * view.size(1.0, centre[2])
    values, vectors = np.linalg.eigh(flat @ flat.T)
    half_axes = vectors * np.sqrt(np.maximum(values, 0.0))
    outline: Floats = view.place(centre) + CIRCLE @ half_axes.T
    return outline


def band(left: Floats, right: Floats) -> Floats:
    """Outline between two edges (n, 2) that run the same way."""
    return np.concatenate((left, right[::-1]))
