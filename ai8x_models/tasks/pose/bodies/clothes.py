"""What a body wears, as colours of points of its surface.

A point is known by where it was on the upright body, so patterns stay on the cloth when limbs
move. Regions come from the weights of the segments: how far a point is along an arm, a leg or the
trunk says where a sleeve, trousers or a top end. Colours are three floats in 0..255.
"""

import math
from dataclasses import dataclass

import numpy as np

from ai8x_models.tasks.pose.bodies.people import Library
from ai8x_models.tasks.pose.bodies.segments import DOWN, INDEX
from ai8x_models.tasks.pose.figures.person import HAIRS, SKINS, random_colour
from max78000.apps.pose.arrays import Array, Bools, Floats, Indexes

TRUNK, ARM, LEG, HAND, FOOT, HEAD = range(6)
_REGIONS = (
    (TRUNK, ("pelvis", "spine", "chest")),
    (ARM, ("left_upper", "right_upper", "left_fore", "right_fore")),
    (LEG, ("left_thigh", "right_thigh", "left_shank", "right_shank")),
    (HAND, ("left_hand", "right_hand")),
    (FOOT, ("left_foot", "right_foot")),
    (HEAD, ("neck", "head")),
)
_LIPS, _WHITE, _DARK = np.array((150.0, 60, 60)), np.array((235.0,) * 3), np.array((30.0, 25, 25))
# Shares of people; sleeves and legs end at a share of the limb.
SLEEVES = ((0.15, 0.08), (0.40, 0.33), (0.45, 0.97))
LEGS = ((0.30, 0.38), (0.10, 0.65), (0.60, 0.97))
_GLOVES_SHARE, _HAT_SHARE, _OVERALL_SHARE, _BALD_SHARE = 0.05, 0.12, 0.15, 0.08
_SEAMS = 9  # control points of smooth random textures, in each direction
_TEXTURE_STEP = 0.03  # metres from one to the next


@dataclass(frozen=True, slots=True)
class Surface:
    """What clothes need to know of every vertex of a person.

    Args:
        place: (V, 3) on the body at rest, metres.
        regions: (V, 6) how far it belongs to each region.
        along: (V, 2) how far down it is: on the trunk 0 at the shoulders, 1 at the hips; on a
            limb 0 at the shoulder or the hip, 1 at wrist or ankle.
        face: (17, 3) of the COCO points at rest.
        head_top: y of the crown, at rest.
    """

    place: Floats
    regions: Floats
    along: Floats
    face: Floats
    head_top: float

    @classmethod
    def of(cls, library: Library, person: int) -> "Surface":
        """Of one of the bodies."""
        rest = np.asarray(library.rest[person], np.float64)
        weights = np.asarray(library.weights, np.float64)
        regions = np.stack(
            [weights[:, [INDEX[one] for one in names]].sum(1) for _, names in _REGIONS], axis=1
        )
        return cls(
            place=rest,
            regions=regions,
            along=_along(rest, library.joints[person], regions),
            face=np.asarray(library.keypoints[person, ..., :3].sum(1), np.float64),
            head_top=float(rest[:, 1].min()),
        )


@dataclass(frozen=True, slots=True)
class Cloth:
    """A colour and a pattern in a second one: none, stripes across or along, checks, blotches."""

    first: Floats
    second: Floats
    pattern: int
    period: float  # metres
    texture: Floats  # (9, 9)

    def colours(self, place: Array) -> Floats:
        """Colours (n, 3) of points (n, 3)."""
        share = np.zeros(len(place))
        phase = place / self.period
        if self.pattern in (1, 3):
            share = np.maximum(share, np.where(phase[:, 1] % 1 < 0.4, 1.0, 0.0))
        if self.pattern in (2, 3):
            stripe = 0.5 if self.pattern == 3 else 1.0
            share = np.maximum(share, np.where(phase[:, 0] % 1 < 0.4, stripe, 0.0))
        if self.pattern == 4:
            share = np.where(_smooth(self.texture, place) > 0, 1.0, 0.0)
        mixed: Floats = self.first + share[:, None] * (self.second - self.first)
        return mixed * (1 + 0.05 * _smooth(self.texture.T, place * 2))[:, None]


@dataclass(frozen=True, slots=True)
class Outfit:
    """All that a person wears."""

    skin: Floats
    hair: Floats
    top: Cloth
    bottom: Cloth
    shoes: Floats
    gloves: Floats | None
    hat: Floats | None
    is_bald: bool
    hair_length: float  # metres below the eyes at the back
    sleeve: float
    leg: float
    waist: float
    looseness: tuple[float, float]  # of top and bottom: metres from the skin
    hair_volume: float  # metres

    def thickness(self, surface: Surface) -> Floats:
        """How far what is worn stands off from each vertex of the skin, (V,) metres."""
        region, (trunk, limb) = surface.regions.argmax(1), surface.along.T
        top, bottom = self.looseness
        is_top, is_leg = self._is_top(region, trunk, limb), self._is_leg(region, limb)
        thick = np.where(is_top, top, 0.0) + np.where(is_leg, bottom * (0.5 + limb), 0.0)
        is_haired = (region == HEAD) & self._is_haired(surface, surface.place)
        return thick + np.where(is_haired, self.hair_volume, 0.0)

    def colours(self, surface: Surface, face: Array, shares: Array) -> Floats:
        """Colours (n, 3) of points inside of triangles.

        Args:
            surface: of the person.
            face: (n, 3) vertices around each point.
            shares: (n, 3) of them.
        """
        place = np.einsum("nk,nkx->nx", shares, surface.place[face])
        region = np.einsum("nk,nkr->nr", shares, surface.regions[face]).argmax(1)
        down_trunk, down_limb = np.einsum("nk,nkx->xn", shares, surface.along[face])
        colours = np.tile(self.skin, (len(place), 1))
        is_top = self._is_top(region, down_trunk, down_limb)
        is_bottom = self._is_leg(region, down_limb) | ((region == TRUNK) & ~is_top)
        for cloth, where in ((self.top, is_top), (self.bottom, is_bottom)):
            colours[where] = cloth.colours(place[where])
        colours[region == FOOT] = self.shoes
        if self.gloves is not None:
            colours[region == HAND] = self.gloves
        self._paint_head(colours, place, region == HEAD, surface)
        return colours

    def _paint_head(self, colours: Floats, place: Floats, is_head: Bools, surface: Surface) -> None:
        """Hair, or a hat, and a face with eyes and a mouth."""
        where = np.flatnonzero(is_head)
        nose, left_eye, right_eye = surface.face[:3]
        eyes = (left_eye + right_eye) / 2
        reach = _between_eyes(surface)
        painted = colours[where]
        painted[self._is_haired(surface, place[where])] = self.hair
        for eye in (left_eye, right_eye):
            distance = np.linalg.norm((place[where] - eye) * (1, 1.5, 0.5), axis=1)
            painted[distance < 0.3 * reach] = _WHITE
            painted[distance < 0.17 * reach] = _DARK
            brow = (place[where] - eye - (0, -0.33 * reach, 0)) * (1, 4, 0.5)
            painted[np.linalg.norm(brow, axis=1) < 0.4 * reach] = 0.6 * self.hair
        mouth = (place[where] - nose - (0, 0.55 * reach, 0)) * (1, 2.5, 0.4)
        painted[np.linalg.norm(mouth, axis=1) < 0.42 * reach] = _LIPS
        if self.hat is not None:
            above = eyes[1] - place[where][:, 1]
            painted[above > 0.5 * (eyes[1] - surface.head_top)] = self.hat
        colours[where] = painted

    def _is_top(self, region: Indexes, trunk: Floats, limb: Floats) -> Bools:
        """Which points the top covers."""
        is_top: Bools = ((region == ARM) & (limb < self.sleeve)) | (
            (region == TRUNK) & (trunk < self.waist)
        )
        return is_top

    def _is_leg(self, region: Indexes, limb: Floats) -> Bools:
        """Which points of the legs trousers cover."""
        is_leg: Bools = (region == LEG) & (limb < self.leg)
        return is_leg

    def _is_haired(self, surface: Surface, place: Floats) -> Bools:
        """Where hair grows, of points (n, 3) of a head: on the crown, and down the back of it."""
        eyes = surface.face[1:3].mean(0)
        reach = _between_eyes(surface)
        above, behind = eyes[1] - place[:, 1], place[:, 2] - eyes[2]
        is_crown = above > 0.62 * (eyes[1] - surface.head_top) - 0.25 * behind
        is_back = (behind > 0.9 * reach) & (above > -self.hair_length)
        is_haired: Bools = (is_crown | is_back) & (not self.is_bald)
        return is_haired


def draw_outfit(rng: np.random.Generator) -> Outfit:
    """Draw what somebody wears."""
    skin = np.array(SKINS[rng.integers(len(SKINS))], float) * rng.uniform(0.85, 1.05)
    top = draw_cloth(rng)
    bottom = top if rng.random() < _OVERALL_SHARE else draw_cloth(rng, plain_share=0.75)
    return Outfit(
        skin=skin,
        hair=np.array(HAIRS[rng.integers(len(HAIRS))], float) * rng.uniform(0.8, 1.2),
        top=top,
        bottom=bottom,
        shoes=random_colour(rng) * rng.uniform(0.2, 1.0),
        gloves=random_colour(rng) if rng.random() < _GLOVES_SHARE else None,
        hat=random_colour(rng) if rng.random() < _HAT_SHARE else None,
        is_bald=bool(rng.random() < _BALD_SHARE),
        hair_length=rng.choice((0.02, 0.07, 0.2)) * rng.uniform(0.8, 1.2),
        sleeve=_one_of(rng, SLEEVES) * rng.uniform(0.9, 1.05),
        leg=_one_of(rng, LEGS) * rng.uniform(0.92, 1.05),
        waist=rng.uniform(0.7, 0.98),
        looseness=(rng.uniform(0, 0.03), rng.uniform(0, 0.03)),
        hair_volume=rng.uniform(0, 0.03),
    )


def draw_cloth(rng: np.random.Generator, plain_share: float = 0.45) -> Cloth:
    """Draw colours and a pattern."""
    pattern = 0 if rng.random() < plain_share else int(rng.integers(1, 5))
    texture = rng.standard_normal((_SEAMS, _SEAMS))
    dim = rng.choice((1.0, 0.6, 0.3))
    period = math.exp(rng.uniform(math.log(0.03), math.log(0.2)))
    return Cloth(random_colour(rng) * dim, random_colour(rng), pattern, period, texture)


def _one_of(rng: np.random.Generator, table: tuple[tuple[float, float], ...]) -> float:
    chosen = int(rng.choice(len(table), p=[share for share, _ in table]))
    return table[chosen][1]


def _between_eyes(surface: Surface) -> float:
    return max(float(np.linalg.norm(surface.face[1] - surface.face[2])), 0.03)


def _along(rest: Floats, joints: Array, regions: Floats) -> Floats:
    """How far down the trunk and its limb each vertex is, (V, 2)."""
    shoulders = joints[[INDEX["left_upper"], INDEX["right_upper"]]].mean(0)
    hips = joints[[INDEX["left_thigh"], INDEX["right_thigh"]]].mean(0)
    trunk = (rest - shoulders) @ DOWN / max(float((hips - shoulders) @ DOWN), 1e-3)
    region = regions.argmax(1)
    limb = np.where((region == FOOT) | (region == HAND), 1.0, 0.0)
    for name, chain in ((ARM, ("upper", "fore", "hand")), (LEG, ("thigh", "shank", "foot"))):
        for side, sign in (("left", 1.0), ("right", -1.0)):
            where = (region == name) & (rest[:, 0] * sign > 0)
            first, middle, last = (joints[INDEX[f"{side}_{one}"]] for one in chain)
            limb[where] = _down_two(rest[where], first, middle, last)
    return np.stack((trunk, limb), axis=1)


def _down_two(points: Floats, first: Array, middle: Array, last: Array) -> Floats:
    """How far points are down a limb of two parts, 0..1."""
    upper, lower = middle - first, last - middle
    lengths = np.linalg.norm(upper), np.linalg.norm(lower)
    on_upper = ((points - first) @ upper / lengths[0]).clip(0, lengths[0])
    on_lower = ((points - middle) @ lower / lengths[1]).clip(0, lengths[1])
    down: Floats = (on_upper + on_lower) / sum(lengths)
    return down


def _smooth(texture: Floats, place: Array) -> Floats:
    """A texture that repeats, at points (n, 3) seen from the front, between its control points."""
    u, v = (place[:, :2] / _TEXTURE_STEP).T
    low_u, low_v = np.floor(u).astype(int), np.floor(v).astype(int)
    du, dv = u - low_u, v - low_v
    value = np.zeros(len(place))
    for j, share_u in ((0, 1 - du), (1, du)):
        for i, share_v in ((0, 1 - dv), (1, dv)):
            value += texture[(low_v + i) % _SEAMS, (low_u + j) % _SEAMS] * share_u * share_v
    return value
