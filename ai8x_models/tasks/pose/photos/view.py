"""A view: the square of a picture that a network is shown, at any place, size and angle.

Pictures, keypoints and masks go through the same `View`. A pixel's centre is at its index, in the
picture and in the network's input.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ai8x_models.tasks.pose.recipe import ViewPlan
from max78000.apps.pose.arrays import Array, Floats, Uint8s
from max78000.apps.pose.picture import PADDING
from max78000.apps.pose.skeleton import IMAGE_SIZE, MAP_SIZE

# COCO-17 keypoint that each becomes in a mirror.
FLIP_COCO = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
PERSON_SHARE = 0.75  # of the view's side that the longer side of a person's box takes, undisturbed
_MIDDLE = (IMAGE_SIZE - 1) / 2
_MASK_OVERSAMPLING = 4


@dataclass(frozen=True, slots=True)
class View:
    """A square of a picture.

    Args:
        centre: (2,) x, y in pixels of the picture.
        side: in pixels of the picture.
        angle: by which the square is turned, clockwise as one sees it, in radians.
        is_mirrored: left and right are exchanged, after turning.
    """

    centre: tuple[float, float]
    side: float
    angle: float = 0.0
    is_mirrored: bool = False

    @classmethod
    def of_picture(cls, width: int, height: int) -> "View":
        """The whole picture, as the camera's is letterboxed."""
        return cls(((width - 1) / 2, (height - 1) / 2), float(max(width, height)))

    @classmethod
    def of_person(cls, bbox: Array) -> "View":
        """A person with some room around: box (4,) x, y, width, height, its borders at edges."""
        x, y, width, height = map(float, bbox)
        side = max(width, height, 1.0) / PERSON_SHARE
        return cls((x + width / 2 - 0.5, y + height / 2 - 0.5), side)

    def disturbed(self, plan: ViewPlan, rng: np.random.Generator) -> "View":
        """Another view near this one, as the plan allows."""
        low, high = (math.log(one) for one in plan.scale)
        side = self.side / math.exp(rng.uniform(low, high))
        shift = rng.uniform(-plan.shift, plan.shift, 2) * side
        return View(
            (self.centre[0] + float(shift[0]), self.centre[1] + float(shift[1])),
            side,
            math.radians(rng.uniform(-plan.rotate, plan.rotate)),
            bool(plan.flip and rng.random() < 0.5),
        )

    @property
    def to_source(self) -> Floats:
        """(2, 3): from pixels of the input to pixels of the picture."""
        scale = self.side / IMAGE_SIZE
        cosine, sine = scale * math.cos(self.angle), scale * math.sin(self.angle)
        turn = np.array(((cosine, -sine), (sine, cosine)))
        if self.is_mirrored:
            turn[:, 0] = -turn[:, 0]
        start = np.array(self.centre) - turn @ (_MIDDLE, _MIDDLE)
        return np.column_stack((turn, start))

    @property
    def scale(self) -> float:
        """Pixels of the input per pixel of the picture."""
        return IMAGE_SIZE / self.side

    def points(self, source: Array) -> Floats:
        """Input coordinates of picture coordinates (..., 2)."""
        matrix = self.to_source
        placed: Floats = (source - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        return placed

    def keypoints(self, source: Array) -> Floats:
        """COCO keypoints (P, 17, 3) as the view shows them; unlabelled ones stay zero."""
        order = list(FLIP_COCO) if self.is_mirrored else slice(None)
        given = np.asarray(source, np.float64)[:, order]
        moved = np.concatenate((self.points(given[..., :2]), given[..., 2:]), axis=-1)
        return np.where(given[..., 2:] > 0, moved, 0.0)

    def boxes(self, source: Array) -> Floats:
        """Boxes (P, 4) around the corners of boxes as the view shows them."""
        x, y, width, height = np.asarray(source, np.float64).reshape(-1, 4).T
        columns = np.stack((x, x + width, x + width, x), axis=1)
        rows = np.stack((y, y, y + height, y + height), axis=1)
        corners = self.points(np.stack((columns, rows), axis=-1) - 0.5) + 0.5
        low, high = corners.min(axis=1), corners.max(axis=1)
        return np.concatenate((low, high - low), axis=1)

    def image(self, picture: Image.Image) -> Uint8s:
        """What a network is shown of a picture, uint8 (128, 128, 3)."""
        factor = max(int(self.side / IMAGE_SIZE), 1)
        small = picture.reduce(factor) if factor > 1 else picture
        return np.array(warped(small, self.to_source, IMAGE_SIZE, 1 / factor, (PADDING,) * 3))

    def mask(self, mask: Image.Image, per_pixel: float) -> Uint8s:
        """How much of each cell a mask covers, uint8 (16, 16), 255 = all of it.

        Args:
            mask: mode L, 255 where it covers.
            per_pixel: pixels of the mask per pixel of the picture.
        """
        size = MAP_SIZE * _MASK_OVERSAMPLING
        step = IMAGE_SIZE / size
        matrix = self.to_source  # from the finer grid of cells, edges being where they are
        matrix[:, 2] += matrix[:, :2] @ np.full(2, (step - 1) / 2)
        matrix[:, :2] *= step
        fine = np.asarray(warped(mask, matrix, size, per_pixel, 0), np.float64)
        cells = fine.reshape(MAP_SIZE, _MASK_OVERSAMPLING, MAP_SIZE, _MASK_OVERSAMPLING)
        covered: Uint8s = np.rint(cells.mean((1, 3))).astype(np.uint8)
        return covered


def warped(
    picture: Image.Image,
    to_source: Floats,
    size: int,
    per_pixel: float,
    fill: int | tuple[int, ...],
) -> Image.Image:
    """Sample a picture that has `per_pixel` of its pixels for one that `to_source` speaks of."""
    turn, start = to_source[:, :2], to_source[:, 2]
    edge = (start + 0.5 - turn @ (0.5, 0.5)) * per_pixel  # Pillow counts from pixels' edges
    turn = turn * per_pixel
    values = (*turn[0], edge[0], *turn[1], edge[1])
    return picture.transform(
        (size, size),
        Image.Transform.AFFINE,
        tuple(map(float, values)),
        Image.Resampling.BILINEAR,
        fillcolor=fill,
    )
