"""Renders people as meshes: several of them on one ground, clothed, lit, partly hidden.

`Bodies.render` draws one image from a seed, as the figures' renderer does. A camera at the height
of a hand or an eye looks at people who stand on level ground; the z-buffer says who shows in which
pixel, and whether a point of the body is behind another part of it. Everything around, and the
cheap sensor, are the figures' own (`figures/scene.py`).
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ai8x_models.tasks.pose.bodies.clothes import Outfit, Surface, draw_outfit
from ai8x_models.tasks.pose.bodies.people import Library, library_path, make_library
from ai8x_models.tasks.pose.bodies.pose_mesh import Posed, normals_of, pose_person
from ai8x_models.tasks.pose.bodies.postures import Captured, captured_path
from ai8x_models.tasks.pose.bodies.raster import rasterize
from ai8x_models.tasks.pose.bodies.segments import mirrored, posture_of
from ai8x_models.tasks.pose.bodies.things import draw_thing
from ai8x_models.tasks.pose.data.cache_file import read_seal
from ai8x_models.tasks.pose.figures.body import draw_family, draw_posture, turn_x, turn_y, turn_z
from ai8x_models.tasks.pose.figures.figures import Figure, labelled, shows_near
from ai8x_models.tasks.pose.figures.preset import PRESETS
from ai8x_models.tasks.pose.figures.scene import (
    CANVAS,
    OCCLUDER,
    draw_background,
    draw_occluder,
    expose,
)
from ai8x_models.tasks.pose.photos.paste import Cutouts, draw_ground
from ai8x_models.tasks.pose.recipe import BODIES, BODIES_PHOTOS
from max78000.apps.pose.arrays import Array, Float32s, Floats, Int32s, Uint8s
from max78000.apps.pose.skeleton import IMAGE_SIZE, N_COCO

VERSION = 3  # raise it when any pixel or label changes
N_PEOPLE_SHARES = (0.05, 0.50, 0.30, 0.15)  # of the images, with 0, 1, 2, 3 people
HEIGHTS, CLOSE_UP_SHARE, CLOSE_UP_HEIGHTS = (0.25, 1.0), 0.15, (1.0, 1.9)  # shares of the image
CAPTURED_SHARE = 0.6  # of the postures, if there is captured motion
FRONTAL_SHARE = 0.55  # of the people; the others stand at any angle
CAMERA_HEIGHTS = (0.6, 2.2)  # metres above the ground
OCCLUDER_SHARE = 0.2  # of the images: something flat in front
N_THINGS, MAX_THINGS = 2.5, 8  # in an image: the mean, and at most
_FOCAL = (1.0, 2.0)  # sides of the canvas
_NEAREST = 0.2  # metres: what is nearer to the camera is not drawn
# How far behind the surface a point of the body that shows is, metres, at most.
_DEPTHS = np.array((0.04, 0.04, 0.04, 0.05, 0.05, *(0.14,) * 2, *(0.10,) * 4, *(0.22,) * 2,
                    *(0.13,) * 4))  # fmt: skip
N_FRONT, N_FACE = 3, 5  # COCO points of nose and eyes, and of these and the ears: they come first


@dataclass(frozen=True, slots=True)
class Bodies:
    """Draws people from a file of bodies, in postures drawn and, if there is a file, captured.

    Args:
        people: file of the bodies.
        captured: file of postures; None for none.
        grounds: file of cut-outs, whose grounds people stand before; None: drawn ones.
        stamp: of what the files hold; other contents make other images.
    """

    people: Path
    captured: Path | None
    grounds: Path | None
    stamp: str

    @classmethod
    def of(cls, folder: Path, grounds: Path | None = None) -> "Bodies":
        """Draw from the files of a folder of data; bodies are made if there are none yet.

        Args:
            folder: of data.
            grounds: file of cut-outs, whose grounds are taken; None: they are drawn.

        Raises:
            UnsupportedError: there are none, and `anny` is not installed.
        """
        people, captured = library_path(folder), captured_path(folder)
        if not people.exists():
            make_library().write(people)
        files = [one for one in (people, captured, grounds) if one is not None and one.exists()]
        stamp = "; ".join(map(read_seal, files))
        return cls(people, captured if captured in files else None, grounds, stamp)

    @property
    def name(self) -> str:
        """What recipes and files call it."""
        return BODIES_PHOTOS if self.grounds else BODIES

    @property
    def generator(self) -> str:
        """Version and parameters, JSON."""
        return json.dumps({"bodies": VERSION, "files": self.stamp}, sort_keys=True)

    def render(self, seed: int) -> Figure:
        """Draw the image of one seed."""
        rng = np.random.default_rng(seed)
        stock = _stock(self.people, self.captured, self.grounds, self.stamp)
        scene = draw_scene(stock, rng)
        points = [_labels(rng, scene, k) for k in range(len(scene.people))]
        return labelled(expose(rng, scene.picture), points, scene.numbers)


@dataclass(frozen=True, slots=True)
class Stock:
    """What people are drawn from."""

    library: Library
    captured: Float32s | None
    grounds: Cutouts | None = None


@lru_cache(maxsize=2)
def _stock(people: Path, captured: Path | None, grounds: Path | None, _stamp: str) -> Stock:
    """Read the files once in each process."""
    postures = None if captured is None else Captured.read(captured).postures
    return Stock(Library.read(people), postures, None if grounds is None else Cutouts.open(grounds))


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera above level ground, looking along +z but for its pitch.

    Args:
        height: metres above the ground.
        focal: canvas pixels per metre at one metre.
        pitch: degrees by which it looks down.
    """

    height: float
    focal: float
    pitch: float

    def seen(self, points: Array) -> tuple[Floats, Floats]:
        """Canvas positions (..., 2) and depths (...) of points (..., 3), y down from the camera."""
        turned = points @ turn_x(self.pitch).T
        depth = np.maximum(turned[..., 2], _NEAREST / 4)
        placed: Floats = self.focal * turned[..., :2] / depth[..., None] + (CANVAS - 1) / 2
        return placed, turned[..., 2]


@dataclass(frozen=True, slots=True)
class Standing:
    """A person before the camera: vertices and keypoints in its axes, metres."""

    index: int  # of the library
    posed: Posed
    surface: Surface
    outfit: Outfit

    def colours(self, corners: Array, shares: Array) -> Floats:
        """Colours (n, 3) of points inside of triangles: vertices (n, 3), and shares (n, 3)."""
        return self.outfit.colours(self.surface, corners, shares)

    def moved(self, by: Array) -> "Standing":
        """The same person somewhere else."""
        posed = Posed(self.posed.vertices + by, self.posed.keypoints + by)
        return replace(self, posed=posed)


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to draw: vertices (V, 3), faces (F, 3), its number, and colours of its points."""

    vertices: Floats
    faces: Int32s
    number: int
    colours: Callable[[Array, Array], Floats]


@dataclass(frozen=True, slots=True)
class Scene:
    """The double-size canvas: picture, number image and depths (256, 256), and who stands where."""

    picture: Image.Image
    numbers: Uint8s
    depth: Floats
    camera: Camera
    people: tuple[Standing, ...]


def draw_scene(stock: Stock, rng: np.random.Generator) -> Scene:
    """Ground, people, light, and sometimes a thing in front."""
    if stock.grounds is None:
        picture = draw_background(rng, 1.0)
    else:
        picture = Image.fromarray(draw_ground(stock.grounds, rng))
    n_people = int(rng.choice(len(N_PEOPLE_SHARES), p=N_PEOPLE_SHARES))
    bodies = [_draw_person(stock, rng) for _ in range(n_people)]
    camera, places = _arrange(rng, [one.posed for one in bodies])
    people = tuple(one.moved(place) for one, place in zip(bodies, places, strict=True))
    pieces = [
        Piece(one.posed.vertices, stock.library.faces, k + 1, one.colours)
        for k, one in enumerate(people)
    ]
    pieces += _draw_things(rng, camera, [float(place[2]) for place in places])
    numbers = np.zeros((CANVAS, CANVAS), np.uint8)
    depth = np.full((CANVAS, CANVAS), np.inf)
    if pieces:
        _shade_ground(rng, picture, camera, people)
        canvas = np.array(picture)
        depth = _paint(rng, camera, pieces, canvas, numbers)
        picture = Image.fromarray(canvas)
    numbered = Image.fromarray(numbers)
    if rng.random() < OCCLUDER_SHARE:
        draw_occluder(rng, picture, numbered)
    return Scene(picture, np.array(numbered), depth, camera, people)


def _draw_person(stock: Stock, rng: np.random.Generator) -> Standing:
    """A person in some posture, turned somehow, feet at y = 0, the pelvis above the origin."""
    index = int(rng.integers(len(stock.library.rest)))
    if stock.captured is not None and rng.random() < CAPTURED_SHARE:
        posture = np.asarray(stock.captured[rng.integers(len(stock.captured))], np.float64)
        posture = mirrored(posture) if rng.random() < 0.5 else posture
    else:
        posture = posture_of(draw_posture(rng, draw_family(rng, PRESETS["scene"])))
    yaw = rng.normal(0, 35) if rng.random() < FRONTAL_SHARE else rng.uniform(-180, 180)
    surface, outfit = Surface.of(stock.library, index), draw_outfit(rng)
    posture = turn_z(rng.normal(0, 3)) @ turn_y(yaw) @ posture
    posed = pose_person(stock.library, index, posture, outfit.thickness(surface))
    ground = np.array((0.0, posed.vertices[:, 1].max(), 0.0))
    return Standing(index, posed, surface, outfit).moved(-ground)


def _arrange(rng: np.random.Generator, bodies: list[Posed]) -> tuple[Camera, list[Floats]]:
    """Draw a camera, and where everybody stands: x, y, z from the camera."""
    height, focal = rng.uniform(*CAMERA_HEIGHTS), rng.uniform(*_FOCAL) * CANVAS
    if not bodies:
        return Camera(height, focal, 0.0), []
    tall = [float(-one.vertices[:, 1].min()) for one in bodies]
    least, greatest = map(math.log, HEIGHTS)
    shares = np.exp(rng.uniform(least, greatest, len(bodies)))
    is_close_up = rng.random(len(bodies)) < CLOSE_UP_SHARE
    shares = np.where(is_close_up, rng.uniform(*CLOSE_UP_HEIGHTS, len(bodies)), shares)
    # A person's apparent height says how far away they are, a lying one's breadth does.
    extent = [
        max(t, 0.6 * float(np.ptp(one.vertices[:, 0]))) for t, one in zip(tall, bodies, strict=True)
    ]
    far = [focal * e / (share * CANVAS) for e, share in zip(extent, shares, strict=True)]
    # The camera is turned so that the first of them is in the picture, somewhere.
    middle = math.degrees(math.atan2(height - tall[0] / 2, far[0]))
    room = abs(1 - shares[0]) / 2 * CANVAS / focal
    pitch = middle + math.degrees(math.atan(rng.uniform(-1, 1) * min(room, 0.35)))
    places = []
    for k, distance in enumerate(far):
        x = rng.uniform(0.15, 0.85) if len(far) == 1 else (k + rng.normal(0.5, 0.25)) / len(far)
        across = (min(max(x, 0.05), 0.95) - 0.5) * CANVAS / focal * distance
        places.append(np.array((across, height, distance)))
    return Camera(height, focal, pitch), places


def _draw_things(rng: np.random.Generator, camera: Camera, far: Sequence[float]) -> Iterator[Piece]:
    """Draw things on the ground, about as far away as people are."""
    for _ in range(min(int(rng.poisson(N_THINGS)), MAX_THINGS)):
        distance = (rng.choice(far) if far else rng.uniform(2, 8)) * rng.uniform(0.75, 2.5)
        across = rng.uniform(-0.6, 0.6) * CANVAS / camera.focal * distance
        thing = draw_thing(rng, np.array((across, camera.height, distance)))
        yield Piece(thing.vertices, thing.faces, OCCLUDER, thing.colours)


def _shade_ground(
    rng: np.random.Generator, picture: Image.Image, camera: Camera, people: tuple[Standing, ...]
) -> None:
    """Darken the ground under everybody, where light does not reach."""
    shade = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(shade)
    for one in people:
        low = one.posed.vertices[one.posed.vertices[:, 1] > camera.height - 0.12]
        low[:, 1] = camera.height
        corners, depth = camera.seen(low)
        if (depth > _NEAREST).all():
            (left, top), (right, bottom) = corners.min(0) - 4, corners.max(0) + 4
            pen.ellipse((left, top, right, max(bottom, top)), fill=int(rng.uniform(40, 150)))
    soft = shade.filter(ImageFilter.GaussianBlur(rng.uniform(2, 6)))
    picture.paste((10, 10, 10), (0, 0), soft)


def _paint(
    rng: np.random.Generator,
    camera: Camera,
    pieces: Sequence[Piece],
    canvas: Uint8s,
    numbers: Uint8s,
) -> Floats:
    """Draw everything into one z-buffer; returns the depth of each pixel."""
    vertices = np.concatenate([one.vertices for one in pieces])
    points, depth = camera.seen(vertices)
    starts = np.cumsum([0, *(len(one.vertices) for one in pieces)])
    faces = np.concatenate([one.faces + start for one, start in zip(pieces, starts, strict=False)])
    faces = faces[(depth[faces] > _NEAREST).all(1)]
    seen = rasterize(points, np.maximum(depth, _NEAREST), faces, CANVAS)
    corners = faces[seen.face]
    owner = np.searchsorted(starts, corners[:, 0], side="right") - 1
    normals = np.einsum("nk,nkx->nx", seen.shares, normals_of(vertices, faces)[corners])
    light = _lit(rng, normals)
    flat, flat_numbers = canvas.reshape(-1, 3), numbers.reshape(-1)
    for k, one in enumerate(pieces):
        mine = owner == k
        colours = one.colours(corners[mine] - starts[k], seen.shares[mine])
        flat[seen.pixels[mine]] = (colours * light[mine, None]).clip(0, 255).astype(np.uint8)
        flat_numbers[seen.pixels[mine]] = one.number
    return seen.depth


def _lit(rng: np.random.Generator, normals: Floats) -> Floats:
    """How bright surfaces with such normals (n, 3) are: light from one side, and from all."""
    angle = rng.uniform(0, 2 * math.pi)
    direction = np.array((math.cos(angle), -rng.uniform(0.2, 1.5), math.sin(angle)))
    direction /= np.linalg.norm(direction)
    ambient = rng.uniform(0.35, 0.8)
    here = normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)
    lit: Floats = ambient + (1.15 - ambient) * (here @ direction).clip(0, 1)
    return lit


def _labels(rng: np.random.Generator, scene: Scene, person: int) -> Floats:
    """COCO keypoints (17, 3) of one person: x, y in image pixels and visibility.

    Visible (2) if the person shows there and no other part of them is in front, else hidden (1).
    Not labelled (0) are points outside, nose and eyes of a head from behind, and half of the ears
    that the head hides, as annotators often skip them.
    """
    canvas, depth = scene.camera.seen(scene.people[person].posed.keypoints)
    points = np.zeros((N_COCO, 3))
    points[:, :2] = (canvas - 0.5) / 2
    is_inside = np.all((points[:, :2] >= 0) & (points[:, :2] <= IMAGE_SIZE - 1), axis=1)
    is_inside &= depth > _NEAREST
    is_skipped = rng.random(2) < 0.5
    for k in np.flatnonzero(is_inside):
        column, row = np.rint(canvas[k]).astype(int).clip(0, CANVAS - 1)
        shows = shows_near(scene.numbers, person + 1, canvas[k])
        is_behind = depth[k] - scene.depth[row, column] > _DEPTHS[k]
        points[k, 2] = 2 if shows and not is_behind else 1
        is_behind_own = is_behind and scene.numbers[row, column] == person + 1
        if is_behind_own and (k < N_FRONT or (k < N_FACE and is_skipped[k - N_FRONT])):
            points[k, 2] = 0
    points[(~is_inside) | (points[:, 2] == 0)] = 0
    return points
