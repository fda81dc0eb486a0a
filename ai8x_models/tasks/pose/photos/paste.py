"""Pictures pasted together from cut-outs: whole pictures on which everybody is annotated.

`Pasted.render` draws one from a seed, as the figures' renderer does; `paste` is what `photos` calls
for a view. People are put before a ground from the farthest to the nearest, moved nearer to its
light, and things before them; a point that something covers is hidden. First the number image
says who shows where, as for the figures, then labels are made of it.
"""

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from ai8x_models.tasks.pose.data.cache_file import read_seal
from ai8x_models.tasks.pose.data.people import People
from ai8x_models.tasks.pose.figures.figures import Figure, labelled, shows_near
from ai8x_models.tasks.pose.figures.scene import CANVAS, OCCLUDER, draw_background, expose
from ai8x_models.tasks.pose.photos.album import Album
from ai8x_models.tasks.pose.photos.cutouts import COARSE
from ai8x_models.tasks.pose.photos.view import FLIP_COCO, warped
from ai8x_models.tasks.pose.recipe import PASTED
from max78000.apps.pose.arrays import Bools, Floats, Indexes, Uint8s
from max78000.apps.pose.skeleton import IMAGE_SIZE
from max78000.errors import InputError

VERSION = 2  # raise it when any pixel or label changes
# Shares of the pictures; sizes are shares of the picture's height.
N_PEOPLE_SHARES = (0.08, 0.52, 0.27, 0.13)  # with 0, 1, 2, 3 people
HEIGHTS = (0.25, 1.0)
CLOSE_UP_SHARE, CLOSE_UP_HEIGHTS = 0.12, (1.0, 1.7)
TURNED_SHARE = 0.2  # of the people; by up to
TURN_DEGREES = 45.0
LEAN_DEGREES = 6.0  # standard deviation of the others
DRAWN_SHARE, COARSE_SHARE = 0.2, 0.3  # of the grounds; the others are sharp
THING_SHARE = 0.35  # pictures with something in front
MIN_SEEN = 0.25  # of a person; those of whom less shows are neither labelled nor background
_GROUND_SIDE = (0.5, 1.0)  # of the shorter side of a ground that is shown
_BLUR, _EDGE_BLUR = (0.0, 1.2), (0.4, 1.4)  # canvas pixels


@dataclass(frozen=True, slots=True)
class Pasted:
    """Draws pictures from a file of cut-outs.

    Args:
        path: the file.
        seal: checksum of the file; other cut-outs make other pictures.
    """

    path: Path
    seal: str

    @classmethod
    def of(cls, path: Path) -> "Pasted":
        """Draw from a file as it is now.

        Raises:
            InputError: there is no such file.
        """
        if not path.exists():
            fix = "ai8x data --images FOLDER --annotations FILE --album, people having outlines"
            raise InputError("nobody has been cut out", where=str(path), fix=fix)
        return cls(path, read_seal(path))

    @property
    def name(self) -> str:
        """What recipes and files call it."""
        return PASTED

    @property
    def generator(self) -> str:
        """Version and parameters, JSON."""
        return json.dumps({"pasted": VERSION, "cutouts": self.seal}, sort_keys=True)

    def render(self, seed: int) -> Figure:
        """Draw the image of one seed."""
        rng = np.random.default_rng(seed)
        collage = paste(_opened(self.path, self.seal), rng)
        return collage.figure(expose(rng, collage.picture))


class Cutouts:
    """A file of cut-outs, sorted into people and grounds."""

    def __init__(self, album: Album) -> None:
        """Sort an album."""
        self.album = album
        is_ground = np.diff(album.person_start) == 0
        is_coarse = album.sizes.max(axis=1, initial=0) <= COARSE
        self.people: Indexes = np.flatnonzero(~is_ground)
        self.sharp: Indexes = np.flatnonzero(is_ground & ~is_coarse)
        self.coarse: Indexes = np.flatnonzero(is_ground & is_coarse)

    @property
    def n_grounds(self) -> int:
        """Number of grounds, sharp and coarse."""
        return len(self.sharp) + len(self.coarse)

    @classmethod
    def open(cls, path: Path) -> "Cutouts":
        """Open a file.

        Raises:
            InputError: as `Album`.
        """
        return cls(Album(path))

    @classmethod
    def of_people(cls, path: Path) -> "Cutouts":
        """Open a file from which people are pasted.

        Raises:
            InputError: as `Album`, or it has nothing but grounds.
        """
        cutouts = cls.open(path)
        if not len(cutouts.people):
            raise InputError("nobody is cut out", where=str(path), fix="import others")
        return cutouts


@dataclass(frozen=True, slots=True)
class Collage:
    """A canvas (256, 256) with people on it.

    Args:
        picture: what is seen.
        numbers: 0 ground, 1..n people, 255 things in front.
        keypoints: of each person, (17, 3), in image pixels; visibility as seen.
    """

    picture: Image.Image
    numbers: Uint8s
    keypoints: tuple[Floats, ...]

    def figure(self, image: Uint8s) -> Figure:
        """Label the image (128, 128, 3) that was taken of the canvas."""
        return labelled(image, self.keypoints, self.numbers)


def paste(cutouts: Cutouts, rng: np.random.Generator) -> Collage:
    """Paste a picture together."""
    canvas = draw_ground(cutouts, rng)
    numbers = np.zeros((CANVAS, CANVAS), np.uint8)
    n_people = int(rng.choice(len(N_PEOPLE_SHARES), p=N_PEOPLE_SHARES))
    chosen = rng.choice(cutouts.people, n_people, replace=n_people > len(cutouts.people))
    placed = [
        _place(rng, cutouts.album, int(index), (slot, n_people))
        for slot, index in enumerate(rng.permutation(chosen))
    ]
    placed.sort(key=lambda one: one.scale * one.outline.height)  # who looks larger is nearer
    n_pixels = [_put(rng, one, canvas, numbers, k + 1) for k, one in enumerate(placed)]
    if rng.random() < THING_SHARE:
        _put_thing(cutouts, rng, canvas, numbers)
    points = tuple(
        _seen(one.keypoints, numbers, k + 1, n_pixels[k]) for k, one in enumerate(placed)
    )
    return Collage(Image.fromarray(canvas), numbers, points)


@lru_cache(maxsize=2)
def _opened(path: Path, _seal: str) -> Cutouts:
    """Open a file once in each process."""
    return Cutouts.of_people(path)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A cut-out, and where it goes.

    Args:
        shown, outline: picture and mask, mirrored already if they are to be.
        people: the one person, mirrored likewise.
        to_source: (2, 3), from canvas pixels to pixels of the cut-out.
        scale: canvas pixels per pixel of the cut-out.
    """

    shown: Image.Image
    outline: Image.Image
    people: People
    to_source: Floats
    scale: float

    @property
    def keypoints(self) -> Floats:
        """(17, 3) in canvas pixels; unlabelled ones stay zero."""
        given = np.asarray(self.people.keypoints[0], np.float64)
        turn, start = self.to_source[:, :2], self.to_source[:, 2]
        points = (given[:, :2] - start) @ np.linalg.inv(turn).T
        return np.where(given[:, 2:] > 0, np.column_stack((points, given[:, 2])), 0.0)


def _place(rng: np.random.Generator, album: Album, index: int, slot: tuple[int, int]) -> _Placed:
    """Draw size, place and angle of cut-out `index`, person `slot[0]` of `slot[1]`."""
    shown, outline, people = album.picture(index), album.mask(index), album.people(index)
    assert outline is not None  # a cut-out has one
    if rng.random() < 0.5:
        shown, outline, people = _mirrored(shown, outline, people)
    covered = np.asarray(outline) > 0
    is_cut_off = bool(covered[-1].any())
    width, height = outline.size
    share = math.exp(rng.uniform(*np.log(HEIGHTS)))
    if rng.random() < CLOSE_UP_SHARE:
        share = rng.uniform(*CLOSE_UP_HEIGHTS)
    scale = share * CANVAS / height
    angle = rng.normal(0, LEAN_DEGREES)
    if rng.random() < TURNED_SHARE:
        angle = rng.uniform(-TURN_DEGREES, TURN_DEGREES)
    angle = math.radians(0.3 * angle if is_cut_off else angle)

    # Where the middle of the cut-out comes to lie: within the canvas, or cut off by its border.
    half = share * CANVAS / 2
    x = rng.uniform(0.15, 0.85) if slot[1] == 1 else (slot[0] + rng.normal(0.5, 0.25)) / slot[1]
    room = CANVAS / 2 - half
    middle_y = CANVAS / 2 + rng.uniform(-1, 1) * max(abs(room), 0.06 * CANVAS)
    if is_cut_off:  # its lower edge is below the canvas
        middle_y = CANVAS - half + rng.uniform(0.02, 0.3) * 2 * half
    centre = np.array((min(max(x, 0.05), 0.95) * CANVAS, middle_y))
    stretch = np.array((rng.uniform(0.92, 1.08), 1.0))
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = np.array(((cosine, -sine), (sine, cosine))) / (scale * stretch[:, None])
    start = np.array(((width - 1) / 2, (height - 1) / 2)) - turn @ centre
    return _Placed(shown, outline, people, np.column_stack((turn, start)), scale)


def _mirrored(
    shown: Image.Image, outline: Image.Image, people: People
) -> tuple[Image.Image, Image.Image, People]:
    points = people.keypoints[:, list(FLIP_COCO)]
    points[..., 0] = np.where(points[..., 2] > 0, shown.width - 1 - points[..., 0], 0)
    moved = People(points, people.bbox, people.area, people.iscrowd)
    return ImageOps.mirror(shown), ImageOps.mirror(outline), moved


def _put(
    rng: np.random.Generator, placed: _Placed, canvas: Uint8s, numbers: Uint8s, number: int
) -> int:
    """Blend a person into the canvas; returns of how many of its pixels they are."""
    factor = max(int(1 / placed.scale), 1)
    small = placed.shown.reduce(factor) if factor > 1 else placed.shown
    person = warped(small, placed.to_source, CANVAS, 1 / factor, (0, 0, 0))
    outline = placed.outline
    if rng.random() < 0.5:  # without the outermost pixels, in which the old ground may be
        outline = outline.filter(ImageFilter.MinFilter(3))
    cover = warped(outline, placed.to_source, CANVAS, 1.0, 0)
    is_theirs = np.asarray(cover) >= 128
    n_pixels = int(np.count_nonzero(is_theirs))
    if not n_pixels:
        return 0
    lit = _relit(rng, np.asarray(person), is_theirs, canvas)
    lit_picture = Image.fromarray(lit).filter(ImageFilter.GaussianBlur(rng.uniform(*_BLUR)))
    soft = cover.filter(ImageFilter.GaussianBlur(rng.uniform(*_EDGE_BLUR)))
    _blend(canvas, np.asarray(lit_picture), np.asarray(soft))
    numbers[is_theirs] = number
    return n_pixels


def _blend(canvas: Uint8s, above: Uint8s, cover: Uint8s) -> None:
    share = cover.astype(np.uint16)[..., None]
    canvas[:] = (above * share + canvas * (255 - share) + 127) // 255


def _relit(rng: np.random.Generator, person: Uint8s, is_theirs: Bools, canvas: Uint8s) -> Uint8s:
    """Move a person's brightness, contrast and tint towards those of the ground behind them."""
    own, behind = person[is_theirs].mean(0), canvas[is_theirs].mean(0)
    tint = (behind + 32) / (behind.mean() + 32) / ((own + 32) / (own.mean() + 32))
    gain = tint ** rng.uniform(0, 0.5) * rng.uniform(0.8, 1.25)
    offset = rng.uniform(0, 0.4) * (behind.mean() - own.mean()) + rng.uniform(-12, 12)
    levels = np.arange(256.0)[:, None]
    table = np.clip((levels - own) * gain + own + offset, 0, 255).astype(np.uint8)
    # Black around them would darken their edges when they are blurred.
    filled = np.where(is_theirs[..., None], person, own.astype(np.uint8))
    return np.stack([table[filled[..., c], c] for c in range(3)], axis=-1)


def draw_ground(cutouts: Cutouts, rng: np.random.Generator) -> Uint8s:
    """A canvas without people, (256, 256, 3)."""
    kind = rng.random()
    coarse, sharp = cutouts.coarse, cutouts.sharp
    if kind < DRAWN_SHARE or not len(coarse) + len(sharp):
        return np.array(draw_background(rng, 1.0))
    chosen = (
        coarse if (kind < DRAWN_SHARE + COARSE_SHARE and len(coarse)) or not len(sharp) else sharp
    )
    ground = _stretch(cutouts.album.picture(int(rng.choice(chosen))), rng)
    if chosen is coarse:
        ground = _roughened(rng, ground)
    return np.array(ground)


def _stretch(ground: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A random square of a ground, mirrored or not, at the size of the canvas."""
    side = rng.uniform(*_GROUND_SIDE) * min(ground.size)
    left, upper = (rng.uniform(0, length - side) for length in ground.size)
    box = (left, upper, left + side, upper + side)
    square = ground.resize((CANVAS, CANVAS), Image.Resampling.BILINEAR, box)
    return ImageOps.mirror(square) if rng.random() < 0.5 else square


def _roughened(rng: np.random.Generator, ground: Image.Image) -> Image.Image:
    """Give a ground of nothing but colours some drawn detail."""
    drawn = draw_background(rng, 1.0)
    return Image.blend(ground, drawn, rng.uniform(0.1, 0.6))


def _put_thing(cutouts: Cutouts, rng: np.random.Generator, canvas: Uint8s, numbers: Uint8s) -> None:
    """Put a thing in front: a shape with the looks of some ground."""
    centre, reach = rng.uniform(0, CANVAS, 2), rng.uniform(0.05, 0.22, 2) * CANVAS
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 9))))
    corners = centre + reach * np.column_stack((np.cos(angles), np.sin(angles)))
    if rng.random() < 0.4:  # a post, or a rail
        half = np.array((rng.uniform(3, 14), CANVAS))
        half = half if rng.random() < 0.7 else half[::-1]
        corners = centre + half * np.array(((-1, -1), (1, -1), (1, 1), (-1, 1)))
    cover = Image.new("L", (CANVAS, CANVAS))
    ImageDraw.Draw(cover).polygon(corners.ravel().tolist(), fill=255)
    soft = cover.filter(ImageFilter.GaussianBlur(rng.uniform(*_EDGE_BLUR)))
    _blend(canvas, draw_ground(cutouts, rng), np.asarray(soft))
    numbers[np.asarray(cover) > 0] = OCCLUDER


def _seen(points: Floats, numbers: Uint8s, number: int, n_pixels: int) -> Floats:
    """What is known of canvas points, in image pixels: hidden where something is in front."""
    seen = np.array(points)
    seen[:, :2] = (points[:, :2] - 0.5) / 2
    is_labelled = (points[:, 2] > 0) & np.all(
        (seen[:, :2] >= 0) & (seen[:, :2] <= IMAGE_SIZE - 1), axis=1
    )
    if np.count_nonzero(numbers == number) < MIN_SEEN * n_pixels:
        is_labelled[:] = False
    for index in np.flatnonzero(is_labelled & (points[:, 2] == 2)):
        seen[index, 2] = 2 if shows_near(numbers, number, points[index, :2]) else 1
    seen[~is_labelled] = 0
    return seen
