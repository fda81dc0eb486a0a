"""Toy data sets, drawn and not downloaded: something to learn for every network of the zoo.

An example is a pure function of a random generator: a shape on a ground, a word made of tones, the
signals of a machine. They are easy on purpose: a few steps show that a network of this shape
learns, a few hundred get nearly all answers right. They are no benchmark, and say nothing about
real data. `train_briefly` is for examples and tests; real training is `training/loop.py`'s.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ai8x_models.layers.qat import DATA_GRID
from ai8x_models.layers.rules import BN_MOMENTUM
from max78000.errors import InputError

Floats = NDArray[np.float64]
Target = int | NDArray[Any]
Draw = Callable[[np.random.Generator], tuple[Floats, Target]]

# Which of the seven segments of a digit are lit: top, two upper, middle, two lower, bottom.
_DIGITS = (
    "1110111", "0010010", "1011101", "1011011", "0111010",
    "1101011", "1101111", "1010010", "1111111", "1111011",
)  # fmt: skip
_CORNERS = np.array([(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)], float)  # row, column
_SEGMENTS = ((0, 1), (0, 2), (1, 3), (2, 3), (2, 4), (3, 5), (4, 5))  # between which corners
_SHAPES = ("disc", "square", "triangle", "cross", "ring")
_N_PITCHES = 7  # of words, each rising, level and falling


@dataclass(frozen=True, slots=True)
class ToySet:
    """What is drawn, and what a network that learns it is asked.

    Args:
        name: `dataset` of the registry and of descriptions.
        draw: one example: input in -1..1, shape (C, H, W) or (C, L); and its target, a class, a
            class per pixel (H, W), or numbers in the shape of the answer.
        loss: of answers and targets, both with the examples as first dimension.
    """

    name: str
    draw: Draw
    loss: Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Samples:
    """Examples as tensors; inputs are float32 multiples of 1/128 in -1..127/128."""

    inputs: Tensor
    targets: Tensor

    def device_inputs(self) -> NDArray[np.int64]:
        """Inputs as the accelerator's integers, -128..127."""
        integers: NDArray[np.int64] = (self.inputs * DATA_GRID.one).to(torch.int64).numpy()
        return integers


def draw_samples(dataset: str, count: int, seed: int = 0) -> Samples:
    """Draw examples; equal arguments give equal examples.

    Raises:
        InputError: there is no such data set.
    """
    if dataset not in SETS:
        raise InputError(f"there is no data set {dataset!r}", fix=f"one of {', '.join(SETS)}")
    rng = np.random.default_rng(seed)
    inputs, targets = zip(*(SETS[dataset].draw(rng) for _ in range(count)), strict=True)
    integers = np.round(np.stack(inputs) * DATA_GRID.one).clip(DATA_GRID.low, DATA_GRID.high)
    return Samples(
        torch.from_numpy(integers.astype(np.float32) / DATA_GRID.one),
        torch.from_numpy(np.stack(targets)),
    )


def train_briefly(
    model: nn.Module, dataset: str, batches: Iterable[Samples], rate: float = 1e-3
) -> list[float]:
    """Train for one step a batch: the same few examples again and again, or ever new ones.

    Batch norms average over all steps so far, and from the twentieth on as their layers would: with
    the layers' own momentum from the start, they would need a hundred steps to say anything.

    Args:
        model: trained in place, before QAT or in it.
        dataset: gives the loss.
        batches: any number.
        rate: of Adam.

    Returns:
        The loss of every batch, before its step.
    """
    norms = [norm for norm in model.modules() if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)]
    optimizer = torch.optim.Adam(model.parameters(), rate)
    losses = []
    model.train()
    for step, batch in enumerate(batches):
        for norm in norms:
            norm.momentum = max(BN_MOMENTUM, 1 / (step + 1))
        loss = SETS[dataset].loss(model(batch.inputs), batch.targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return losses


# -- pictures --------------------------------------------------------------------------------------


def _digit(rng: np.random.Generator) -> tuple[Floats, Target]:
    """A seven-segment digit, (1, 28, 28): slanted, shifted, of any thickness and brightness."""
    digit = int(rng.integers(10))
    corners = _CORNERS * rng.uniform((7, 7), (10, 12)) + rng.uniform((3, 6), (6, 10))
    corners[:, 1] += (14 - corners[:, 0]) * rng.uniform(-0.1, 0.25)
    pixels = np.indices((28, 28), float)
    distance = np.full((28, 28), 99.0)
    for (start, end), is_lit in zip(_SEGMENTS, _DIGITS[digit], strict=True):
        if is_lit == "1":
            distance = np.minimum(distance, _to_line(pixels, corners[start], corners[end]))
    ink = (rng.uniform(1.0, 2.0) - distance + 0.5).clip(0, 1)
    picture = -0.9 + ink * rng.uniform(1.2, 1.8) + rng.normal(0, 0.05, ink.shape)
    return picture[None], digit


def _to_line(pixels: Floats, start: Floats, end: Floats) -> Floats:
    """Distance of every pixel (2, H, W) to a piece of a straight line."""
    along = end - start
    from_start = pixels - start[:, None, None]
    share = (np.tensordot(along, from_start, 1) / (along @ along)).clip(0, 1)
    distance: Floats = np.linalg.norm(from_start - along[:, None, None] * share, axis=0)
    return distance


def _object(rng: np.random.Generator) -> tuple[Floats, Target]:
    """One of five shapes, plain or striped, (3, 32, 32); the class is 2 * shape + striped."""
    label = int(rng.integers(2 * len(_SHAPES)))
    area = _area(_SHAPES[label // 2], 32, rng)
    if label % 2:
        stripes = np.indices(area.shape)[rng.integers(2)] // 2 % 2
        area &= stripes.astype(bool)
    return _painted(_ground(32, rng), area, rng), label


def _scene(rng: np.random.Generator) -> tuple[Floats, Target]:
    """A shape somewhere in a large picture, (3, 128, 128); the class is the shape."""
    label = int(rng.integers(len(_SHAPES)))
    return _painted(_ground(128, rng), _area(_SHAPES[label], 128, rng), rng), label


def _regions(rng: np.random.Generator) -> tuple[Floats, Target]:
    """A disc, a square and a triangle, (3, 64, 64); classes 1 to 3 of the pixels, 0 the ground."""
    picture, labels = _ground(64, rng), np.zeros((64, 64), np.int64)
    for label in rng.permutation(3):
        area = _area(_SHAPES[label], 64, rng)
        picture = _painted(picture, area, rng)
        labels[area] = label + 1
    return picture, labels


def _area(shape: str, size: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Pixels of a shape whose radius is a seventh to a quarter of the picture's size."""
    radius = size * rng.uniform(0.15, 0.25)
    centre = rng.uniform(radius, size - radius, 2)
    y, x = np.indices((size, size), float) - centre[:, None, None]
    match shape:
        case "disc":
            inside = np.hypot(x, y) < radius
        case "square":
            inside = np.maximum(abs(x), abs(y)) < 0.9 * radius
        case "triangle":
            inside = (abs(x) < (y + radius) / 2) & (y < radius)
        case "cross":
            inside = np.minimum(abs(x), abs(y)) < 0.3 * radius
            inside &= np.maximum(abs(x), abs(y)) < radius
        case _:  # ring
            inside = abs(np.hypot(x, y) - 0.75 * radius) < 0.25 * radius
    area: NDArray[np.bool_] = inside
    return area


def _ground(size: int, rng: np.random.Generator) -> Floats:
    """A dark, noisy colour, (3, H, W)."""
    colour: Floats = rng.uniform(-0.9, -0.3, (3, 1, 1))
    return colour + rng.normal(0, 0.08, (3, size, size))


def _painted(picture: Floats, area: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """The picture with an area in a bright colour."""
    colour = rng.uniform(0.1, 0.9, (3, 1, 1)) + rng.normal(0, 0.04, picture.shape)
    return np.where(area, colour, picture)


# -- signals ---------------------------------------------------------------------------------------


def _word(rng: np.random.Generator) -> tuple[Floats, Target]:
    """A tone that rises, stays or falls, (128, 128); the class is 3 * pitch + glide.

    16,384 samples; channel c of step t is sample 128 t + c.
    """
    label = int(rng.integers(3 * _N_PITCHES))
    pitch, glide = divmod(label, 3)
    time = np.linspace(0, 1, 128 * 128)
    start, length = rng.uniform(0, 0.3), rng.uniform(0.5, 0.7)
    progress = ((time - start) / length).clip(0, 1)
    # Periods per sample. Pitches are half an octave apart, and a glide covers as much.
    frequency = 0.01 * 2 ** (pitch / 2 + (glide - 1) * (progress - 0.5) / 2)
    wave = np.sin(2 * np.pi * (np.cumsum(frequency) + rng.random()))
    envelope = np.sin(np.pi * progress) * rng.uniform(0.4, 0.9)
    sound = wave * envelope + rng.normal(0, 0.03, time.shape)
    return sound.reshape(128, 128).T, label


def _motion(rng: np.random.Generator) -> tuple[Floats, Target]:
    """Six axes over 128 steps, (6, 128); the class says which axis swings, slowly or fast.

    The axis of rotation of the same name swings a quarter of a period later.
    """
    label = int(rng.integers(6))
    axis, is_fast = divmod(label, 2)
    phase = 2 * np.pi * (np.arange(128) / rng.uniform(10, 16) * (2 if is_fast else 1))
    signal = rng.normal(0, 0.05, (6, 128))
    signal[:3] += rng.uniform(-0.2, 0.2, (3, 1))  # gravity
    signal[axis] += rng.uniform(0.3, 0.7) * np.sin(phase)
    signal[3 + axis] += rng.uniform(0.2, 0.5) * np.cos(phase)
    return signal, label


def _sensors(rng: np.random.Generator) -> tuple[Floats, Target]:
    """Four sensors on a machine that turns, 64 steps each, (256, 1); the target is the input."""
    turns = np.arange(64) * rng.uniform(1.5, 2.5) / 64 + rng.random()
    places = np.arange(4)[:, None] / 4
    signal = 0.5 * np.sin(2 * np.pi * (turns + places))
    signal += rng.uniform(0.1, 0.3) * np.sin(4 * np.pi * (turns - places))
    signal = (signal + rng.normal(0, 0.02, signal.shape)).reshape(256, 1)
    return signal, signal.astype(np.float32)


SETS: Mapping[str, ToySet] = MappingProxyType(
    {
        one.name: one
        for one in (
            ToySet("digits", _digit, F.cross_entropy),
            ToySet("objects", _object, F.cross_entropy),
            ToySet("scenes", _scene, F.cross_entropy),
            ToySet("regions", _regions, F.cross_entropy),
            ToySet("words", _word, F.cross_entropy),
            ToySet("motion", _motion, F.cross_entropy),
            ToySet("sensors", _sensors, F.mse_loss),
        )
    }
)
