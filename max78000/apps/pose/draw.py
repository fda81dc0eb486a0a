"""Draws skeletons over a picture: limbs in the colours of their side, joints as dots.

Lines grow with the picture and shrink with the person, so that photographs and thumbnails stay
readable; small pictures are enlarged, huge ones reduced. It neither reads nor writes files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from max78000.apps.pose.arrays import Array, Floats
from max78000.apps.pose.skeleton import COMPLETING_LIMBS, LIMBS

Colour = tuple[int, int, int, int]

SMALLEST_SIDE, LARGEST_SIDE = 640, 2048  # of the drawing's longer side, in pixels
OVERSAMPLING = 2  # the overlay is drawn larger and reduced, for smooth edges

LINE_PER_PICTURE = 1 / 110  # line width over the longer side, for a person who fills the picture
LINE_PER_PERSON = 1 / 28  # line width over the person's longer extent
THINNEST_SHARE = 0.3  # of the width for a person who fills the picture
DOT_PER_LINE, EDGE_PER_LINE = 0.75, 0.25  # dot radius and dark rim over line width

EDGE_COLOUR = (20, 20, 24, 200)
DOT_COLOUR = (255, 255, 255, 255)
OPACITY = 240
# Right side warm, left side cool, face violet; in the order of `skeleton.LIMBS`.
LIMB_COLOURS = (
    (255, 190, 11), (245, 214, 30), (214, 232, 64),  # neck, right hip, knee, ankle
    (0, 187, 167), (0, 208, 132), (92, 225, 110),  # neck, left hip, knee, ankle
    (239, 51, 64), (255, 89, 48), (255, 133, 27),  # neck, right shoulder, elbow, wrist
    (239, 51, 64),  # right shoulder, ear (not drawn)
    (38, 84, 240), (24, 132, 255), (20, 190, 250),  # neck, left shoulder, elbow, wrist
    (38, 84, 240),  # left shoulder, ear (not drawn)
    (170, 70, 235),  # neck, nose
    (225, 75, 215), (140, 100, 250), (245, 110, 190), (120, 140, 255),  # nose, eyes, ears
)  # fmt: skip


def draw_people(picture: Image.Image, people: Sequence[Array]) -> Image.Image:
    """Draw people over a copy of an RGB picture, the first one on top.

    Args:
        picture: RGB.
        people: parts (18, 3) each: x and y in pixels of the picture, and a score; a part is
            absent where the score is 0, its x and y may then be anything.

    Returns:
        RGB, 640 to 2048 pixels on its longer side.
    """
    scale = _scale(max(picture.size))
    width, height = (max(round(side * scale), 1) for side in picture.size)
    canvas = picture.resize((width, height), Image.Resampling.LANCZOS) if scale != 1 else picture
    overlay = Image.new("RGBA", (width * OVERSAMPLING, height * OVERSAMPLING))
    pen = _Pen(ImageDraw.Draw(overlay), scale * OVERSAMPLING, max(overlay.size))
    for parts in reversed(people):
        pen.draw(np.asarray(parts, dtype=np.float64))
    drawn = Image.alpha_composite(canvas.convert("RGBA"), overlay.reduce(OVERSAMPLING))
    return drawn.convert("RGB")


def _scale(longer_side_px: int) -> float:
    """Drawing pixels per picture pixel; enlargements are whole, so that pixels stay square."""
    if longer_side_px < SMALLEST_SIDE:
        return -(-SMALLEST_SIDE // longer_side_px)
    return min(1.0, LARGEST_SIDE / longer_side_px)


@dataclass(frozen=True, slots=True)
class _Pen:
    """Draws on the overlay; `scale` is overlay pixels per picture pixel."""

    canvas: ImageDraw.ImageDraw
    scale: float
    longer_side_px: int

    def draw(self, parts: Floats) -> None:
        """Draw one person: dark rims first, then limbs, then joints."""
        found = parts[:, 2] > 0
        if not found.any():
            return
        xy = (parts[:, :2] + 0.5) * self.scale - 0.5
        line_px = self._line_px(float(np.ptp(xy[found], axis=0).max()))
        edge_px = EDGE_PER_LINE * line_px
        limbs = [
            (limb, [tuple(xy[a].tolist()), tuple(xy[b].tolist())])
            for limb, (a, b) in enumerate(LIMBS)
            if found[a] and found[b] and limb not in COMPLETING_LIMBS
        ]
        for _, ends in limbs:
            self._line(ends, line_px + 2 * edge_px, EDGE_COLOUR)
        for limb, ends in limbs:
            self._line(ends, line_px, (*LIMB_COLOURS[limb], OPACITY))
        for centre in xy[found].tolist():
            self._dot(centre, DOT_PER_LINE * line_px + edge_px, EDGE_COLOUR)
            self._dot(centre, DOT_PER_LINE * line_px, DOT_COLOUR)

    def _line_px(self, extent_px: float) -> float:
        widest = self.longer_side_px * LINE_PER_PICTURE
        return min(widest, max(extent_px * LINE_PER_PERSON, widest * THINNEST_SHARE))

    def _line(self, ends: list[tuple[float, ...]], width_px: float, colour: Colour) -> None:
        self.canvas.line([(x, y) for x, y in ends], fill=colour, width=max(round(width_px), 1))

    def _dot(self, centre: Sequence[float], radius_px: float, colour: Colour) -> None:
        x, y = centre
        box = (x - radius_px, y - radius_px, x + radius_px, y + radius_px)
        self.canvas.ellipse(box, fill=colour)
