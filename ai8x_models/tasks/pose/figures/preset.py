"""What is drawn, as tables: presets (how many people, how large) and pose families (joint angles).

Data only: it draws random numbers from its own tables but knows no geometry and no pixels. First in
the line preset -> body -> paint -> person -> scene -> figures. Angles are in degrees, shares are
probabilities.

The numbers of the families and of `scene` are this project's own specification of rendered people;
they come from a prototype whose statistics are recorded with the specification.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np


@dataclass(frozen=True, slots=True)
class Normal:
    """A normally distributed value."""

    mean: float
    sd: float

    def draw(self, rng: np.random.Generator) -> float:
        """One value."""
        return float(rng.normal(self.mean, self.sd))


@dataclass(frozen=True, slots=True)
class Uniform:
    """A value drawn evenly from an interval."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """One value."""
        return float(rng.uniform(self.low, self.high))


Spread = Normal | Uniform


@dataclass(frozen=True, slots=True)
class ArmPose:
    """One way to hold an arm; `twist` turns the bent elbow's hand inwards, to the belly."""

    share: float
    flexion: Spread
    abduction: Spread
    elbow: Spread
    twist: Spread = Uniform(0, 35)


@dataclass(frozen=True, slots=True)
class Family:
    """Angles of one kind of pose; `is_gait` moves the two sides in opposite phase."""

    name: str
    thigh_flexion: Spread
    thigh_abduction: Spread
    knee: Spread
    arms: tuple[ArmPose, ...]
    bend: tuple[Spread, ...] = (Normal(0, 8),)  # added up
    is_gait: bool = False


# fmt: off
_STAND_ARMS = (
    #       share  flexion          abduction        elbow              twist
    ArmPose(0.50, Normal(0, 14),    Normal(12, 10),  Normal(15, 20)),
    ArmPose(0.20, Uniform(-20, 10), Uniform(25, 50), Uniform(80, 120),  Uniform(45, 80)),  # on hip
    ArmPose(0.15, Uniform(20, 80),  Uniform(-10, 30), Uniform(40, 130)),                  # in front
    ArmPose(0.15, Uniform(0, 40),   Uniform(60, 120), Uniform(0, 80),   Uniform(-60, 40)),  # spread
)
_REACH = ArmPose(1.0, Uniform(60, 175), Uniform(0, 60), Uniform(0, 70))
_WALK = ArmPose(1.0, Uniform(10, 45), Normal(8, 8), Uniform(10, 100))
_FREE = ArmPose(1.0, Uniform(-60, 180), Uniform(0, 150), Uniform(0, 140), Uniform(-60, 60))
_SPORT_ARMS = (
    ArmPose(0.40, Uniform(60, 175), Uniform(0, 60), Uniform(0, 70)),
    *(ArmPose(0.6 * arm.share, arm.flexion, arm.abduction, arm.elbow, arm.twist)
      for arm in _STAND_ARMS),
)

FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in (
    #      name     thigh flexion     abduction       knee             arms
    Family("stand", Normal(3, 7),     Normal(6, 6),   Normal(4, 8),    _STAND_ARMS),
    Family("walk",  Uniform(5, 40),   Normal(3, 4),   Uniform(0, 60),  (_WALK,), is_gait=True),
    Family("reach", Normal(3, 7),     Normal(6, 6),   Normal(4, 8),    (_REACH,)),
    Family("sit",   Uniform(65, 100), Uniform(0, 25), Uniform(60, 110), _STAND_ARMS),
    Family("sport", Uniform(-40, 90), Uniform(0, 45), Uniform(0, 110), _SPORT_ARMS,
           bend=(Normal(0, 25), Uniform(5, 35))),
    Family("free",  Uniform(-30, 110), Uniform(0, 60), Uniform(0, 130), (_FREE,)),
)})
# fmt: on


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of picture.

    Heights are shares of the image. `is_whole` fits one person, limbs included, into the picture;
    otherwise the border may cut people off. `noise` scales the background's coloured noise.
    """

    name: str
    n_people_shares: tuple[float, ...]  # of 0, 1, 2, ... people
    family_shares: tuple[tuple[str, float], ...]
    height_one: tuple[float, float]
    height_many: tuple[float, float]
    is_whole: bool
    close_up_share: float
    occluder_share: float
    frontal_share: float  # the others stand at any angle
    noise: float


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "single": Preset(
            name="single",
            n_people_shares=(0.0, 1.0),
            family_shares=(("stand", 0.45), ("walk", 0.3), ("reach", 0.25)),
            height_one=(0.7, 1.0),
            height_many=(0.7, 1.0),
            is_whole=True,
            close_up_share=0.0,
            occluder_share=0.10,
            frontal_share=0.70,
            noise=0.5,
        ),
        "scene": Preset(
            name="scene",
            n_people_shares=(0.03, 0.55, 0.30, 0.12),
            family_shares=(
                ("stand", 0.30),
                ("walk", 0.22),
                ("reach", 0.15),
                ("sit", 0.13),
                ("sport", 0.13),
                ("free", 0.07),
            ),
            height_one=(0.55, 1.05),
            height_many=(0.40, 0.85),
            is_whole=False,
            close_up_share=0.12,
            occluder_share=0.35,
            frontal_share=0.55,
            noise=1.0,
        ),
    }
)
