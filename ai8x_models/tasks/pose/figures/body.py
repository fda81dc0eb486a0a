"""A person as joints in space: draws proportions and angles, then walks down the kinematic chain.

Knows nothing of clothes, pixels or pictures. Second in the line preset -> body -> paint -> person
-> scene -> figures. Unit of length: the standing body's height. Axes: x right and y down in the
picture, z away from the camera; a body that faces the camera looks along -z and has its left hand
at positive x.
"""

from dataclasses import dataclass

import numpy as np

from ai8x_models.tasks.pose.figures.preset import FAMILIES, ArmPose, Family, Preset
from max78000.apps.pose.arrays import Floats

RIGHT, LEFT = -1.0, 1.0  # sign of x on a body that faces the camera
DOWN = np.array((0.0, 1.0, 0.0))
# Face points in the head's frame, in head radii: nose, left and right eye, left and right ear.
FACE = np.array(
    (
        (0.0, 0.12, -1.02),
        (0.36, -0.14, -0.88),
        (-0.36, -0.14, -0.88),
        (0.86, 0.02, 0.05),
        (-0.86, 0.02, 0.05),
    )
)
TOE = np.array((0.0, 0.022, -0.085))
HAND_LENGTH = 0.065


@dataclass(frozen=True, slots=True)
class Build:
    """Proportions of one body; lengths in body heights, `girth` multiplies every radius."""

    shoulder: float  # half width
    hip: float  # half width
    torso: float
    neck: float
    head: float  # height
    upper_arm: float
    forearm: float
    thigh: float
    shank: float
    girth: float


@dataclass(frozen=True, slots=True)
class Posture:
    """The axes of the parts of a body, whatever its proportions.

    Each is a rotation (3, 3) from a body that stands upright, faces the camera and lets its arms
    hang; those of limbs are stacked, (2, 3, 3), left first.
    """

    trunk: Floats
    chest: Floats
    head: Floats
    upper: Floats
    fore: Floats
    hand: Floats
    thigh: Floats
    shank: Floats
    foot: Floats


@dataclass(frozen=True, slots=True)
class Body:
    """A posed body in camera axes, hip centre at the origin.

    `joints` (17, 3) in COCO order; `hands` and `toes` (2, 3), left first; `head` (3,) the skull's
    centre; `head_axes` (3, 3) the head's own left, down and backward directions as columns, each
    one head radius long.
    """

    build: Build
    joints: Floats
    hands: Floats
    toes: Floats
    head: Floats
    head_axes: Floats

    @property
    def neck_base(self) -> Floats:
        """Midpoint of the shoulders, (3,)."""
        middle: Floats = (self.joints[5] + self.joints[6]) / 2
        return middle

    @property
    def extremes(self) -> Floats:
        """Points whose box is the body's box but for the radii: joints, hands, toes, crown."""
        crown = self.head - self.head_axes[:, 1]
        return np.concatenate((self.joints, self.hands, self.toes, crown[None]))


def turn_x(degrees: float) -> Floats:
    """Rotation about x: positive tips an upright body towards the camera."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array(((1, 0, 0), (0, c, -s), (0, s, c)))


def turn_y(degrees: float) -> Floats:
    """Rotation about the vertical."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array(((c, 0, s), (0, 1, 0), (-s, 0, c)))


def turn_z(degrees: float) -> Floats:
    """Rotation in the picture plane."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array(((c, -s, 0), (s, c, 0), (0, 0, 1)))


def draw_build(rng: np.random.Generator) -> Build:
    """Proportions of one person; every eighth is a child: larger head, shorter legs."""
    is_child = rng.random() < 0.12
    head_factor, leg_factor = (1.35, 0.85) if is_child else (1.0, 1.0)
    return Build(
        shoulder=rng.uniform(0.115, 0.150),
        hip=rng.uniform(0.075, 0.105),
        torso=rng.uniform(0.27, 0.32),
        neck=rng.uniform(0.05, 0.07),
        head=rng.uniform(0.105, 0.13) * head_factor,
        upper_arm=rng.uniform(0.16, 0.19),
        forearm=rng.uniform(0.14, 0.17),
        thigh=rng.uniform(0.23, 0.26) * leg_factor,
        shank=rng.uniform(0.22, 0.25) * leg_factor,
        girth=rng.uniform(0.8, 1.35),
    )


def draw_body(rng: np.random.Generator, preset: Preset, camera_pitch: float) -> Body:
    """Draw a person in a pose of the preset's families, as the camera sees it."""
    family = draw_family(rng, preset)
    build = draw_build(rng)
    yaw = rng.normal(0, 35) if rng.random() < preset.frontal_share else rng.uniform(-180, 180)
    world = turn_x(camera_pitch) @ turn_z(rng.normal(0, 6)) @ turn_y(yaw)
    return _turned(_posed(rng, build, family), world)


def draw_family(rng: np.random.Generator, preset: Preset) -> Family:
    """Draw one of the preset's families."""
    names = [name for name, _ in preset.family_shares]
    return FAMILIES[str(rng.choice(names, p=[share for _, share in preset.family_shares]))]


def _turned(body: Body, world: Floats) -> Body:
    return Body(
        build=body.build,
        joints=body.joints @ world.T,
        hands=body.hands @ world.T,
        toes=body.toes @ world.T,
        head=world @ body.head,
        head_axes=world @ body.head_axes,
    )


def draw_posture(rng: np.random.Generator, family: Family) -> Posture:
    """Draw the angles of a pose: trunk, then arms and legs of either side, then the head."""
    bend = sum(spread.draw(rng) for spread in family.bend)
    twist = rng.normal(0, 10)
    trunk = turn_x(bend)
    chest = trunk @ turn_y(twist)
    gait = 1.0 if rng.random() < 0.5 else -1.0  # which leg is in front
    limbs = []
    for side in (LEFT, RIGHT):
        phase = gait * side if family.is_gait else 0.0
        upper, fore = _arm_frame(rng, family, chest, side, -phase)
        hand = fore @ turn_x(rng.normal(0, 12))
        limbs.append((upper, fore, hand, *_leg_frames(rng, family, side, phase)))
    look = turn_y(rng.normal(0, 28) + twist / 2) @ turn_x(rng.normal(5, 14))
    head = turn_x(bend / 2) @ look @ turn_z(rng.normal(0, 9))
    return Posture(trunk, chest, head, *(np.stack(pair) for pair in zip(*limbs, strict=True)))


def _posed(rng: np.random.Generator, build: Build, family: Family) -> Body:
    """Build the body in its own axes: trunk, head, then two arms and two legs."""
    posture = draw_posture(rng, family)
    neck_base = -build.torso * posture.trunk @ DOWN
    joints = np.zeros((17, 3))
    hands, toes = np.zeros((2, 3)), np.zeros((2, 3))
    for k, side in enumerate((LEFT, RIGHT)):
        shoulder = neck_base + side * build.shoulder * posture.chest[:, 0]
        elbow = build.upper_arm * posture.upper[k] @ DOWN
        wrist = elbow + build.forearm * posture.fore[k] @ DOWN
        hip = np.array((side * build.hip, 0.0, 0.0))
        knee = build.thigh * posture.thigh[k] @ DOWN
        ankle = knee + build.shank * posture.shank[k] @ DOWN
        joints[[5 + k, 7 + k, 9 + k]] = shoulder, shoulder + elbow, shoulder + wrist
        joints[[11 + k, 13 + k, 15 + k]] = hip, hip + knee, hip + ankle
        hands[k] = shoulder + wrist + HAND_LENGTH * posture.hand[k] @ DOWN
        toes[k] = hip + ankle + posture.foot[k] @ TOE

    head_axes = posture.head * (build.head / 2)
    head = neck_base - build.neck * posture.trunk @ DOWN - head_axes[:, 1]
    joints[:5] = head + FACE @ head_axes.T
    return Body(build, joints, hands, toes, head, head_axes)


def _arm_frame(
    rng: np.random.Generator, family: Family, chest: Floats, side: float, phase: float
) -> tuple[Floats, Floats]:
    """Axes of upper arm and forearm; `phase` +1 swings forwards, -1 backwards, 0 as drawn."""
    shares = [arm.share for arm in family.arms]
    arm: ArmPose = family.arms[int(rng.choice(len(shares), p=shares))]
    flexion = arm.flexion.draw(rng)
    flexion = phase * flexion if phase else flexion
    upper = chest @ turn_z(-side * arm.abduction.draw(rng)) @ turn_x(-flexion)
    upper = upper @ turn_y(side * arm.twist.draw(rng))
    elbow = min(max(arm.elbow.draw(rng), 0.0), 140.0)  # elbows bend forwards only
    return upper, upper @ turn_x(-elbow)


def _leg_frames(
    rng: np.random.Generator, family: Family, side: float, phase: float
) -> tuple[Floats, Floats, Floats]:
    """Axes of thigh, shank and foot; the leg of `phase` 1 is in front, -1 behind, 0 as drawn."""
    flexion = family.thigh_flexion.draw(rng)
    knee_bend = max(family.knee.draw(rng), 0.0)  # knees bend backwards only
    if phase > 0:
        knee_bend *= 0.5  # the leading leg is the straighter one
    elif phase < 0:
        flexion *= -0.75
    thigh = turn_z(-side * family.thigh_abduction.draw(rng)) @ turn_x(-flexion)
    shank = thigh @ turn_x(knee_bend)
    return thigh, shank, shank @ turn_y(-side * rng.uniform(0, 30))
