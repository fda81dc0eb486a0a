"""Dresses a posed body: skin, hair and clothes as parts ready to paint.

Knows one person at a time; it neither places nor labels anybody. Fourth in the line preset -> body
-> paint -> person -> scene -> figures. Lengths in body heights, colours three floats in 0..255.
"""

import colorsys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ai8x_models.tasks.pose.figures.body import Body
from ai8x_models.tasks.pose.figures.paint import (
    CIRCLE,
    PERSPECTIVE,
    Camera,
    Part,
    band,
    capsule,
    ellipsoid,
)
from max78000.apps.pose.arrays import Floats

# fmt: off
SKINS = ((255, 224, 198), (240, 202, 168), (222, 174, 134), (196, 144, 100),
         (162, 110, 72), (120, 78, 50), (84, 56, 40))
HAIRS = ((28, 22, 20), (70, 44, 28), (128, 84, 44), (206, 170, 96), (150, 146, 142))
WHITE, DARK, LIPS = np.array((245.0,) * 3), np.array((25.0,) * 3), np.array((150.0, 60.0, 60.0))
# Radii at the start and end of a limb.
UPPER_ARM, FOREARM = (0.036, 0.029), (0.027, 0.020)
THIGH, SHANK = (0.056, 0.041), (0.038, 0.026)
HAND, FOOT, NECK = (0.022, 0.019), (0.030, 0.022), (0.034, 0.030)
# Share of the upper arm that sleeves cover.
SLEEVES: Mapping[str, float] = {"none": 0.0, "short": 0.65, "long": 1.0}
# The torso in slices from the neck (0) to the hips (1): position, half width as a share of the
# shoulders' and of the hips', half depth.
TORSO = np.array((
    (-0.06, 0.40, 0.00, 0.040),
    ( 0.00, 0.98, 0.00, 0.056),
    ( 0.10, 1.10, 0.00, 0.072),
    ( 0.40, 0.70, 0.30, 0.080),
    ( 0.68, 0.34, 0.72, 0.070),
    ( 0.92, 0.00, 1.36, 0.078),
    ( 1.06, 0.00, 1.36, 0.078),
    ( 1.16, 0.00, 0.80, 0.060),
))
# fmt: on
WAIST = 4  # the slice where trousers or a skirt begin
ARM_FORWARD, TORSO_FORWARD = 0.03, 0.012  # of two equally deep parts the nearer is drawn last


@dataclass(frozen=True, slots=True)
class Outfit:
    """Colours and cuts of one person, and `light` (2,): where light comes from in the picture."""

    skin: Floats
    hair: Floats
    top: Floats
    stripe: Floats
    bottom: Floats
    shoes: Floats
    light: Floats
    sleeve: str  # none, short, long
    is_striped: bool
    has_shorts: bool
    has_skirt: bool
    has_long_hair: bool


@dataclass(frozen=True, slots=True)
class Cloth:
    """What covers a limb: its `end` colour from `share` of the length on, `start` before."""

    start: Floats
    end: Floats
    share: float


@dataclass(frozen=True, slots=True)
class Limb:
    """A tapered capsule: its ends (3,), its radii there, and how far to bring it forward."""

    start: Floats
    end: Floats
    radii: tuple[float, float]
    forward: float = 0.0


def random_colour(rng: np.random.Generator) -> Floats:
    """Any hue, anything but neon."""
    rgb = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.05, 0.85), rng.uniform(0.15, 0.95))
    return 255 * np.array(rgb)


def draw_outfit(rng: np.random.Generator, light: Floats) -> Outfit:
    """Random skin, hair and clothes."""
    top = random_colour(rng)
    is_overall = rng.random() < 0.15
    return Outfit(
        skin=np.array(SKINS[rng.integers(len(SKINS))]) * rng.uniform(0.85, 1.05),
        hair=np.array(HAIRS[rng.integers(len(HAIRS))]) * rng.uniform(0.8, 1.15),
        top=top,
        stripe=random_colour(rng),
        bottom=top if is_overall else random_colour(rng),
        shoes=random_colour(rng) * 0.6,
        light=light,
        sleeve=str(rng.choice(("none", "short", "long"), p=(0.15, 0.40, 0.45))),
        is_striped=bool(rng.random() < 0.35),
        has_shorts=bool(rng.random() < 0.30),
        has_skirt=bool(rng.random() < 0.12),
        has_long_hair=bool(rng.random() < 0.30),
    )


def dress(rng: np.random.Generator, body: Body, outfit: Outfit, view: Camera) -> list[Part]:
    """All pieces of one person, each with its own slight tint."""
    parts = [*_torso(body, outfit, view), *_head(body, outfit, view)]
    for side in range(2):
        parts += [*_arm(body, outfit, view, side), *_leg(body, outfit, view, side)]
    tints = rng.normal(0, 5, (len(parts), 3))
    return [
        Part(part.depth, part.outline, part.colour + tint, part.details)
        for part, tint in zip(parts, tints, strict=True)
    ]


def _paint_limb(view: Camera, outfit: Outfit, limb: Limb, cloth: Cloth) -> Part:
    """Shade a limb: darker when turned from the light, and a lighter stripe on the lit side."""
    start, end = view.place(np.stack((limb.start, limb.end)))
    depth = float(limb.start[2] + limb.end[2]) / 2
    radius_start, radius_end = (view.size(radius, depth) for radius in limb.radii)
    along = end - start
    normal = np.array((-along[1], along[0])) / max(float(np.hypot(*along)), 1e-6)
    facing = float(normal @ outfit.light)
    shade = 0.78 + 0.22 * abs(facing)
    lift = normal * np.copysign(0.45, facing)

    cut = start + cloth.share * along
    cut_radius = radius_start + cloth.share * (radius_end - radius_start)
    colour = cloth.end if cloth.share < 1 else cloth.start
    if 0 < cloth.share < 1:
        sleeve = capsule(start, cut, radius_start * 1.12, cut_radius * 1.15)
        detail = (sleeve, cloth.start * shade)
    else:
        lit_start, lit_end = start + lift * radius_start, end + lift * radius_end
        stripe = capsule(lit_start, lit_end, radius_start * 0.4, radius_end * 0.4)
        detail = (stripe, colour * min(shade * 1.14, 1.12))
    outline = capsule(start, end, radius_start, radius_end)
    return Part(depth - limb.forward, outline, colour * shade, (detail,))


def _arm(body: Body, outfit: Outfit, view: Camera, side: int) -> Iterator[Part]:
    """Upper arm, forearm and hand; side 0 is the left."""
    shoulder, elbow, wrist = (body.joints[row + side] for row in (5, 7, 9))
    girth = body.build.girth
    upper = Limb(shoulder, elbow, _scaled(UPPER_ARM, girth), ARM_FORWARD)
    yield _paint_limb(view, outfit, upper, Cloth(outfit.top, outfit.skin, SLEEVES[outfit.sleeve]))
    fore = Limb(elbow, wrist, _scaled(FOREARM, girth), ARM_FORWARD + 0.005)
    covered = 1.0 if outfit.sleeve == "long" else 0.0
    yield _paint_limb(view, outfit, fore, Cloth(outfit.top, outfit.skin, covered))
    fingers = 0.35 * wrist + 0.65 * body.hands[side]
    hand = Limb(wrist, fingers, HAND, ARM_FORWARD + 0.01)
    yield _paint_limb(view, outfit, hand, Cloth(outfit.skin, outfit.skin, 0.0))


def _leg(body: Body, outfit: Outfit, view: Camera, side: int) -> Iterator[Part]:
    """Thigh, shank and foot; side 0 is the left."""
    hip, knee, ankle = (body.joints[row + side] for row in (11, 13, 15))
    girth = body.build.girth
    is_bare = outfit.has_shorts or outfit.has_skirt
    thigh = Limb(hip, knee, _scaled(THIGH, girth))
    covered = 0.75 if is_bare else 1.0
    yield _paint_limb(view, outfit, thigh, Cloth(outfit.bottom, outfit.skin, covered))
    shank = Limb(knee, ankle, _scaled(SHANK, girth), 0.005)
    covered = 0.0 if is_bare else 1.0
    yield _paint_limb(view, outfit, shank, Cloth(outfit.bottom, outfit.skin, covered))
    heel = ankle - 0.25 * (body.toes[side] - ankle) + (0.0, 0.012, 0.0)
    foot = Limb(heel, body.toes[side], FOOT, 0.01)
    yield _paint_limb(view, outfit, foot, Cloth(outfit.shoes, outfit.shoes, 1.0))


def _scaled(radii: tuple[float, float], girth: float) -> tuple[float, float]:
    return radii[0] * girth, radii[1] * girth


def _torso(body: Body, outfit: Outfit, view: Camera) -> Iterator[Part]:
    """Cover the trunk: rim on the lit side, stripes, trousers or a skirt; and add the neck."""
    left, right = _torso_edges(body, view)
    shade = 0.84 + 0.16 * float(outfit.light @ (0.6, -0.8))
    lit, other = (left, right) if float((left - right)[2] @ outfit.light) > 0 else (right, left)
    rim = band(lit[1:-1], lit[1:-1] + 0.22 * (other - lit)[1:-1])
    details = [(rim, outfit.top * min(shade * 1.12, 1.1))]
    if outfit.is_striped:
        details += [
            (band(*(_between(edge, t, t + 0.45) for edge in (left, right))), outfit.stripe * shade)
            for t in np.arange(1.2, WAIST - 0.2, 0.9)
        ]
    details.append((band(left[WAIST:], right[WAIST:]), outfit.bottom * shade))
    depth = float(body.neck_base[2]) / 2 - TORSO_FORWARD
    yield Part(depth, band(left, right), outfit.top * shade, tuple(details))
    if outfit.has_skirt:
        yield _skirt(body, outfit, view, (left[WAIST], right[WAIST]))
    chin = body.head + 0.5 * body.head_axes[:, 1]
    neck = Limb(body.neck_base + 0.02 * (body.neck_base - chin), chin, NECK)
    yield _paint_limb(view, outfit, neck, Cloth(outfit.skin, outfit.skin, 0.0))


def _torso_edges(body: Body, view: Camera) -> tuple[Floats, Floats]:
    """Left and right silhouette of the trunk, each (slices, 2) canvas pixels."""
    at, of_shoulders, of_hips, half_depth = TORSO.T
    across_top = (body.joints[5] - body.joints[6]) / 2
    across_hip = (body.joints[11] - body.joints[12]) / 2
    centres = body.neck_base * (1 - at[:, None])  # the hip centre is the origin
    wide = of_shoulders[:, None] * across_top + of_hips[:, None] * across_hip
    ahead = np.cross(across_top / np.linalg.norm(across_top), body.neck_base)
    deep = half_depth[:, None] * body.build.girth**0.5 * ahead / np.linalg.norm(ahead)

    line = view.place(centres)
    along = line[-1] - line[0]
    normal = np.array((along[1], -along[0])) / max(float(np.hypot(*along)), 1e-6)
    pixels = view.scale / (1 + PERSPECTIVE * centres[:, 2])
    half = pixels * np.hypot(wide[:, :2] @ normal, deep[:, :2] @ normal)
    return line + half[:, None] * normal, line - half[:, None] * normal


def _between(edge: Floats, low: float, high: float) -> Floats:
    """Two points of a polyline at fractional indices."""
    index = np.arange(len(edge))
    return np.stack([np.interp((low, high), index, edge[:, axis]) for axis in range(2)], 1)


def _skirt(body: Body, outfit: Outfit, view: Camera, waist: tuple[Floats, Floats]) -> Part:
    """Span a trapezium from the waist to just above the knees, as wide as the stride."""
    hips, knees = body.joints[11:13], body.joints[13:15]
    hem = view.place(hips + 0.85 * (knees - hips))
    low = hem[np.argsort(hem[:, 0])]
    flare = view.size(0.06, 0.0) * np.array(((-1.0, 0.0), (1.0, 0.0)))
    top = sorted(waist, key=lambda point: float(point[0]))
    corners = np.stack((top[0], low[0] + flare[0], low[1] + flare[1], top[1]))
    depth = float(np.mean(knees[:, 2])) / 2 - 0.02
    return Part(depth, corners, outfit.bottom * 0.92)


def _head(body: Body, outfit: Outfit, view: Camera) -> Iterator[Part]:
    """Skull with a face if one can be seen, hair cap, and long hair behind."""
    axes, centre = body.head_axes, body.head
    depth = float(centre[2])
    looks_away = float(axes[2, 2]) < 0  # its backward direction points at the camera
    skull = ellipsoid(view, centre, axes * (0.80, 1.0, 0.92))
    yield Part(depth, skull, outfit.skin, tuple(_face(body, outfit, view)))

    crown = centre + axes @ (0.0, -0.16, 0.22)
    cap = ellipsoid(view, crown, axes * (0.88, 0.92, 0.88))
    behind = 0.01 if not looks_away else -0.01
    yield Part(depth + behind, cap, outfit.hair)
    if outfit.has_long_hair:
        tail = centre + axes @ (0.0, 0.55, 0.45)
        fall = ellipsoid(view, tail, axes * (0.80, 1.05, 0.45))
        yield Part(float(tail[2]) + (0.05 if not looks_away else -0.03), fall, outfit.hair * 0.95)
    fringe = centre + axes @ (0.0, -0.66, -0.28)
    yield Part(depth - 0.012, ellipsoid(view, fringe, axes * (0.70, 0.36, 0.62)), outfit.hair)


def _face(body: Body, outfit: Outfit, view: Camera) -> Iterator[tuple[Floats, Floats]]:
    """Ears, eyes, mouth and nose, as far as each is turned to the camera."""
    radius = body.build.head / 2
    pixels = view.size(radius, float(body.head[2]))
    spots = view.place(body.joints[:5])
    nearer = body.head[2] - body.joints[:5, 2] > 0.25 * radius
    for ear in (3, 4):
        if body.joints[ear, 2] - body.head[2] < 0.3 * radius:
            yield spots[ear] + 0.17 * pixels * CIRCLE * (0.8, 1.2), outfit.skin * 0.85
    if not nearer[0]:
        return
    for eye in (1, 2):
        if nearer[eye]:
            yield spots[eye] + 0.19 * pixels * CIRCLE * (1.1, 0.75), WHITE
            yield spots[eye] + 0.11 * pixels * CIRCLE, DARK
    mouth = view.place(body.head + body.head_axes @ (0.0, 0.52, -0.84))
    yield mouth + pixels * CIRCLE * (0.26, 0.09), LIPS
    yield spots[0] + pixels * CIRCLE * (0.13, 0.18), outfit.skin * 0.78
