"""Fits a picture whole into the network's 128x128 input, and takes points back.

It neither crops nor augments. Coordinates put a pixel's centre at its index, in the picture (as
shown, after the camera's rotation mark) and in the input alike.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from max78000.apps.pose.arrays import Array, Float32s, Floats, Uint8s
from max78000.apps.pose.picture import PADDING
from max78000.apps.pose.skeleton import IMAGE_SIZE


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture of `width` x `height` pixels lies in the input: as large as fits, centred."""

    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height inside the input, whole pixels."""
        longest = max(self.width, self.height)
        return (
            max(round(self.width * IMAGE_SIZE / longest), 1),
            max(round(self.height * IMAGE_SIZE / longest), 1),
        )

    @property
    def corner(self) -> tuple[int, int]:
        """Left and upper padding, whole pixels."""
        return (IMAGE_SIZE - self.size[0]) // 2, (IMAGE_SIZE - self.size[1]) // 2

    @property
    def factors(self) -> Floats:
        """Input pixels per picture pixel in x and y, (2,); rounded sizes make them differ."""
        return np.array(self.size) / (self.width, self.height)

    def points(self, source: Array) -> Floats:
        """Input coordinates of picture coordinates (..., 2)."""
        placed: Floats = (source + 0.5) * self.factors - 0.5 + self.corner
        return placed

    def source_points(self, points: Array) -> Floats:
        """Picture coordinates of input coordinates (..., 2); the inverse of `points`."""
        source: Floats = (points - self.corner + 0.5) / self.factors - 0.5
        return source

    @property
    def to_source(self) -> Float32s:
        """`source_points` as an affine map (2, 3)."""
        shift = self.source_points(np.zeros(2))
        return np.column_stack((np.diag(1 / self.factors), shift)).astype(np.float32)


def letterbox(picture: Image.Image) -> tuple[Uint8s, Letterbox]:
    """Fit an RGB picture into the input: uint8 (128, 128, 3), and where it lies there."""
    box = Letterbox(*picture.size)
    is_larger = max(picture.size) > IMAGE_SIZE
    method = Image.Resampling.BOX if is_larger else Image.Resampling.BILINEAR
    square = Image.new("RGB", (IMAGE_SIZE, IMAGE_SIZE), (PADDING,) * 3)
    square.paste(picture.resize(box.size, method), box.corner)
    return np.array(square), box
