"""A picture at another size: where its people are then."""

from dataclasses import dataclass

import numpy as np

from max78000.apps.pose.arrays import Array, Floats


@dataclass(frozen=True, slots=True)
class Reduced:
    """A picture of `width` x `height` pixels at another size, for `cache_coco`."""

    width: int
    height: int
    size: tuple[int, int]
    corner: tuple[int, int] = (0, 0)

    @property
    def factors(self) -> Floats:
        """Pixels there per pixel of the picture in x and y, (2,)."""
        return np.array(self.size) / (self.width, self.height)

    def points(self, source: Array) -> Floats:
        """Coordinates there of picture coordinates (..., 2)."""
        placed: Floats = (source + 0.5) * self.factors - 0.5
        return placed

    @classmethod
    def unchanged(cls, width: int, height: int) -> "Reduced":
        """The picture as it is."""
        return cls(width, height, (width, height))

    def divided(self, by: int) -> "Reduced":
        """The same on a grid whose cells are so many pixels wide and high."""
        width, height = (max(-(-one // by), 1) for one in self.size)
        return Reduced(self.width, self.height, (width, height))
