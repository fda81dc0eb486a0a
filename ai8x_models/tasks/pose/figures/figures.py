"""Rendered people with exact labels: the embedded data set, one image from one seed.

`render(PRESETS["single"], seed)` is the whole interface. A network trained on these figures knows
nothing of photographs: scores on them say only that training works. Last in the line preset ->
body -> paint -> person -> scene -> figures; `cache` stores what this file returns.

Labels use the pixel-centre convention of `skeleton.cell_to_pixel`: pixel i has its centre at i.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from ai8x_models.tasks.pose.figures.body import Body, draw_body
from ai8x_models.tasks.pose.figures.paint import Camera, paint_parts
from ai8x_models.tasks.pose.figures.person import draw_outfit, dress
from ai8x_models.tasks.pose.figures.preset import PRESETS, Preset
from ai8x_models.tasks.pose.figures.scene import (
    CANVAS,
    draw_background,
    draw_occluder,
    expose,
)
from max78000.apps.pose.arrays import Bools, Float32s, Floats, Uint8s
from max78000.apps.pose.skeleton import IMAGE_SIZE, MAP_SIZE, N_COCO

__all__ = [
    "GENERATOR_VERSION",
    "PRESETS",
    "SPLIT_BASE",
    "Figure",
    "Preset",
    "Renderer",
    "StickFigures",
    "render",
]

GENERATOR_VERSION = 1  # raise it when any pixel or label changes
# Splits never meet: image i of a split has seed base + i.
SPLIT_BASE: Mapping[str, int] = {"train": 0, "validation": 1_000_000, "test": 2_000_000}

MIN_LABELLED, MIN_MASK_PIXELS = 4, 40  # a person with less is left out and masked out of the loss
VISIBLE_RADIUS = 2  # canvas pixels around a joint in which the person must show
MARGIN = 6.0  # canvas pixels between a whole person and the border


@dataclass(frozen=True, slots=True)
class Figure:
    """One image and its P labelled people.

    `image` uint8 (128, 128, 3) RGB; `keypoints` float32 (P, 17, 3) x, y, v in COCO order; `bbox`
    float32 (P, 4) x, y, width, height around the mask's pixels; `area` float32 (P,) mask pixels;
    `iscrowd` uint8 (P,), always 0; `loss_mask` uint8 (16, 16), 255 = count.
    """

    image: Uint8s
    keypoints: Float32s
    bbox: Float32s
    area: Float32s
    iscrowd: Uint8s
    loss_mask: Uint8s


class Renderer(Protocol):
    """What draws labelled images, one from one seed; processes are sent it."""

    @property
    def name(self) -> str:
        """What recipes and files call it."""

    @property
    def generator(self) -> str:
        """Version and parameters, JSON: equal ones mean equal images."""

    def render(self, seed: int) -> Figure:
        """Draw the image of one seed; the same seed gives the same bytes on every call."""


@dataclass(frozen=True, slots=True)
class StickFigures:
    """Draws the figures of a preset."""

    preset: Preset

    @property
    def name(self) -> str:
        """The preset's."""
        return self.preset.name

    @property
    def generator(self) -> str:
        """Version and parameters, JSON."""
        return json.dumps({"figures": GENERATOR_VERSION, **asdict(self.preset)}, sort_keys=True)

    def render(self, seed: int) -> Figure:
        """Draw the image of one seed."""
        return render(self.preset, seed)


@dataclass(frozen=True, slots=True)
class Painting:
    """The double-size canvas: picture, number image (256, 256), and who stands where."""

    picture: Image.Image
    numbers: Uint8s  # 0 background, 1..n people, 255 occluder
    bodies: tuple[Body, ...]
    cameras: tuple[Camera, ...]


def render(preset: Preset, seed: int) -> Figure:
    """Draw the image of one seed; the same seed gives the same bytes on every call."""
    rng = np.random.default_rng(seed)
    painting = paint(rng, preset)
    keypoints = [label(rng, painting, person) for person in range(len(painting.bodies))]
    return labelled(expose(rng, painting.picture), keypoints, painting.numbers)


def labelled(image: Uint8s, keypoints: Sequence[Floats], numbers: Uint8s) -> Figure:
    """Make a figure of an image, leaving out people of whom too little is known or seen.

    Args:
        image: (128, 128, 3).
        keypoints: of person k, (17, 3), in image pixels.
        numbers: number image (256, 256), k + 1 where person k shows.
    """
    masks = [numbers == person + 1 for person in range(len(keypoints))]
    is_kept = [
        np.count_nonzero(points[:, 2]) >= MIN_LABELLED and mask.sum() / 4 >= MIN_MASK_PIXELS
        for points, mask in zip(keypoints, masks, strict=True)
    ]
    kept = [k for k, keep in enumerate(is_kept) if keep]
    left_out = [k + 1 for k, keep in enumerate(is_kept) if not keep]
    return Figure(
        image=image,
        keypoints=np.array([keypoints[k] for k in kept], np.float32).reshape(-1, N_COCO, 3),
        bbox=np.array([box_of(masks[k]) for k in kept], np.float32).reshape(-1, 4),
        area=np.array([masks[k].sum() / 4 for k in kept], np.float32),
        iscrowd=np.zeros(len(kept), np.uint8),
        loss_mask=loss_mask_of(np.isin(numbers, left_out)),
    )


def paint(rng: np.random.Generator, preset: Preset) -> Painting:
    """Background, the people from the farthest to the nearest, and sometimes an occluder."""
    picture = draw_background(rng, preset.noise)
    numbers = Image.new("L", (CANVAS, CANVAS))
    n_people = int(rng.choice(len(preset.n_people_shares), p=preset.n_people_shares))
    pitch, angle = rng.normal(6, 8), rng.uniform(0, 2 * np.pi)
    light = np.array((np.cos(angle), np.sin(angle)))

    bodies = [draw_body(rng, preset, pitch) for _ in range(n_people)]
    views = [place(rng, preset, body, (k, n_people)) for k, body in enumerate(bodies)]
    for k in sorted(range(n_people), key=lambda k: views[k].scale):
        parts = dress(rng, bodies[k], draw_outfit(rng, light), views[k])
        paint_parts(picture, numbers, parts, k + 1)
    if rng.random() < preset.occluder_share:
        draw_occluder(rng, picture, numbers)
    return Painting(picture, np.array(numbers), tuple(bodies), tuple(views))


def place(rng: np.random.Generator, preset: Preset, body: Body, slot: tuple[int, int]) -> Camera:
    """Size and position of person `slot[0]` of `slot[1]`."""
    points = Camera(1.0, 0.0, 0.0).place(body.extremes)
    low, high = points.min(0), points.max(0)
    if preset.is_whole:
        room = CANVAS - 2 * MARGIN
        fits = float(np.min(room / (high - low)))
        scale = min(fits, rng.uniform(*preset.height_one) * room / float((high - low)[1]))
        x, y = MARGIN + rng.random(2) * (room - scale * (high - low)) - scale * low
        return Camera(scale, float(x), float(y))

    index, n_people = slot
    height = rng.uniform(*(preset.height_one if n_people == 1 else preset.height_many))
    if rng.random() < preset.close_up_share:
        height *= rng.uniform(1.2, 1.8)
    share_x = rng.uniform(0.25, 0.75)
    if n_people > 1:
        share_x = (index + 0.5 + rng.normal(0, 0.2)) / n_people
    middle = (low + high) / 2
    play = abs(1 - height * float((high - low)[1])) / 2
    share_y = 0.5 + play * rng.uniform(-1, 1) if play < 0.25 else 0.5 + rng.uniform(0, play)
    x = min(max(share_x, 0.1), 0.9) * CANVAS - height * CANVAS * float(middle[0])
    return Camera(height * CANVAS, x, share_y * CANVAS - height * CANVAS * float(middle[1]))


def label(rng: np.random.Generator, painting: Painting, person: int) -> Floats:
    """COCO keypoints (17, 3) of one person: x, y in image pixels and visibility.

    Visible (2) if the person shows within two canvas pixels of the joint, hidden (1) otherwise; not
    labelled (0, and x = y = 0) outside the image, and for eyes and nose of a head seen from behind.
    The far eye and ear are hidden, and half of those not labelled, as annotators often skip them.
    """
    body, view = painting.bodies[person], painting.cameras[person]
    points = np.zeros((N_COCO, 3))
    points[:, :2] = (view.place(body.joints) - 0.5) / 2
    is_inside = np.all((points[:, :2] >= 0) & (points[:, :2] <= IMAGE_SIZE - 1), axis=1)
    points[:, 2] = [
        2 if shows_near(painting.numbers, person + 1, joint) else 1
        for joint in view.place(body.joints)
    ]

    is_guessed = rng.random(5) < 0.5
    depth = (body.joints[:5, 2] - body.head[2]) / (body.build.head / 2)
    is_far = depth > np.array((0.3, -0.15, -0.15, 0.3, 0.3))
    points[:5, 2] = np.where(is_far, np.where(is_guessed, 1, 0), points[:5, 2])
    points[:3][depth[0] > 0.3] = 0
    points[(~is_inside) | (points[:, 2] == 0)] = 0
    return points


def shows_near(numbers: Uint8s, number: int, point: Floats) -> bool:
    """Whether a number shows within `VISIBLE_RADIUS` canvas pixels of a point (x, y)."""
    column, row = np.rint(np.clip(point, -1e6, 1e6)).astype(int)
    reach = VISIBLE_RADIUS
    rows = slice(max(row - reach, 0), max(row + reach + 1, 0))
    columns = slice(max(column - reach, 0), max(column + reach + 1, 0))
    return bool((numbers[rows, columns] == number).any())


def box_of(mask: Bools) -> tuple[float, float, float, float]:
    """COCO box x, y, width, height in image pixels that just holds a canvas mask's pixels."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    return columns[0] / 2 - 0.5, rows[0] / 2 - 0.5, width / 2, height / 2


def loss_mask_of(ignored: Bools) -> Uint8s:
    """Mask (16, 16), 255 = count: the share of each cell that no ignored person covers."""
    cell = CANVAS // MAP_SIZE
    share = ignored.reshape(MAP_SIZE, cell, MAP_SIZE, cell).mean((1, 3))
    counted: Uint8s = np.rint(255 * (1 - share)).astype(np.uint8)
    return counted
