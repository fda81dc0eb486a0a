"""Everything around the people: background, distractors, an occluder, and a poor camera.

Draws no people and makes no labels. Fifth in the line preset -> body -> paint -> person -> scene ->
figures. The canvas has twice the image's size; the sensor works on the reduced image.
"""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ai8x_models.tasks.pose.figures.paint import CIRCLE, as_rgb, capsule
from ai8x_models.tasks.pose.figures.person import SKINS, random_colour
from max78000.apps.pose.arrays import Floats, Uint8s
from max78000.apps.pose.skeleton import IMAGE_SIZE

CANVAS = 2 * IMAGE_SIZE  # pixels, square
OCCLUDER = 255  # its number on the number image
MAX_DISTRACTORS = 13

_ROWS = np.linspace(0, 1, IMAGE_SIZE)
_CENTRED = np.linspace(-1, 1, IMAGE_SIZE)
_RADIUS2 = (_CENTRED[:, None] ** 2 + _CENTRED[None, :] ** 2)[..., None]


def draw_background(rng: np.random.Generator, noise: float) -> Image.Image:
    """Paint a canvas without people: gradient, horizon, coloured noise, distractors, some blur."""
    first, second = random_colour(rng), random_colour(rng)
    slope = rng.uniform(-1, 1)
    ramp = (_ROWS[:, None] + slope * _ROWS[None, :]) / (1 + abs(slope))
    field = first + np.abs(ramp)[..., None] * (second - first)
    if rng.random() < 0.5:
        horizon = int(rng.uniform(0.35, 0.8) * IMAGE_SIZE)
        field[horizon:] = random_colour(rng) * (0.8 + 0.4 * _ROWS[horizon:, None, None])
    for cells in (4, 11, 40):
        field += noise * _octave(rng, cells, rng.uniform(0, 26))
    picture = Image.fromarray(np.clip(field, 0, 255).astype(np.uint8))
    picture = picture.resize((CANVAS, CANVAS), Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(0, MAX_DISTRACTORS + 1))):
        _draw_distractor(rng, pen)
    if rng.random() < 0.6:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 3.0)))
    return picture


def _octave(rng: np.random.Generator, cells: int, strength: float) -> Floats:
    """Smooth coloured noise of `cells` bumps a side, standard deviation `strength`."""
    coarse = np.clip(128 + 40 * rng.standard_normal((cells, cells, 3)), 0, 255).astype(np.uint8)
    fine = Image.fromarray(coarse).resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR)
    return (np.asarray(fine, np.float64) - 128) * (strength / 40)


def _draw_distractor(rng: np.random.Generator, pen: ImageDraw.ImageDraw) -> None:
    """Draw a rectangle, ellipse, line, polygon, or a limb-like bar that belongs to no body."""
    centre = rng.uniform(0, CANVAS, 2)
    size = rng.uniform(8, 70, 2)
    colour = as_rgb(random_colour(rng))
    kind = int(rng.integers(5))
    if kind == 0:
        pen.rectangle((*(centre - size / 2), *(centre + size / 2)), fill=colour)
    elif kind == 1:
        pen.ellipse((*(centre - size / 2), *(centre + size / 2)), fill=colour)
    elif kind == 2:
        ends = (*centre, *rng.uniform(0, CANVAS, 2))
        pen.line(ends, fill=colour, width=int(rng.integers(1, 6)))
    elif kind == 3:
        corners = centre + rng.uniform(-50, 50, (int(rng.integers(3, 6)), 2))
        pen.polygon(corners.ravel().tolist(), fill=colour)
    else:
        _draw_bar(rng, pen, centre)


def _draw_bar(rng: np.random.Generator, pen: ImageDraw.ImageDraw, start: Floats) -> None:
    """Draw a tapered capsule in a skin or cloth colour, shaded like a limb."""
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(25, 80)
    end = start + length * np.array((np.cos(angle), np.sin(angle)))
    radius = rng.uniform(3, 11)
    is_skin = rng.random() < 0.5
    colour = np.array(SKINS[rng.integers(len(SKINS))], float) if is_skin else random_colour(rng)
    taper = rng.uniform(0.6, 1.0)
    pen.polygon(capsule(start, end, radius, radius * taper).ravel().tolist(), fill=as_rgb(colour))
    lift = 0.45 * radius * np.array((-np.sin(angle), np.cos(angle)))
    stripe = capsule(start + lift, end + lift, 0.35 * radius, 0.35 * radius * taper)
    pen.polygon(stripe.ravel().tolist(), fill=as_rgb(1.14 * colour))


def draw_occluder(rng: np.random.Generator, picture: Image.Image, numbers: Image.Image) -> None:
    """Draw a rectangle or an ellipse in front of everything."""
    centre = rng.uniform(0.1, 0.9, 2) * CANVAS
    half = rng.uniform(0.05, 0.2, 2) * CANVAS
    outline = centre + half * CIRCLE
    if rng.random() < 0.5:
        outline = centre + half * np.array(((-1, -1), (1, -1), (1, 1), (-1, 1)))
    points = outline.ravel().tolist()
    ImageDraw.Draw(picture).polygon(points, fill=as_rgb(random_colour(rng)))
    ImageDraw.Draw(numbers).polygon(points, fill=OCCLUDER)


def expose(rng: np.random.Generator, canvas: Image.Image) -> Uint8s:
    """Take the picture (128, 128, 3) of the canvas with a small, cheap camera."""
    image = canvas.reduce(2)
    if rng.random() < 0.30:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.6)))
    light = np.asarray(image, np.float64)
    if rng.random() < 0.10:
        light = np.repeat(light @ ((0.299,), (0.587,), (0.114,)), 3, axis=2)
    light = (light - 128) * rng.uniform(0.7, 1.3) + 128 + rng.uniform(-25, 25)
    light = light * (rng.uniform(0.65, 1.3) * rng.normal(1, 0.06, 3))
    if rng.random() < 0.20:
        light = light * (1 - rng.uniform(0.1, 0.35) * _RADIUS2)
    light += rng.uniform(0, 9) * rng.standard_normal(light.shape)
    taken = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    return _through_jpeg(taken, int(rng.integers(30, 91))) if rng.random() < 0.30 else taken


def _through_jpeg(image: Uint8s, quality: int) -> Uint8s:
    packed = io.BytesIO()
    Image.fromarray(image).save(packed, "JPEG", quality=quality)
    return np.array(Image.open(packed), np.uint8)
