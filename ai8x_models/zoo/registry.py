"""The networks by name: what each is for, and what it takes.

A table: it imports a network when one is asked for, so that listing them needs no PyTorch. What is
in a checkpoint is for `load.py`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ai8x_models.layers.policy import QatPolicy
from max78000.errors import InputError

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]  # without the batch
EIGHT_BITS = QatPolicy(start_epoch=0)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One network.

    Args:
        name: of its class; also the `arch` of its checkpoints and descriptions, there in any case
            of letters.
        target: its class, `module:attribute`.
        input_shape: (C, H, W) of a picture in training, (C, L) of a signal.
        fold: ratio by which the picture is folded for the accelerator; 1 if it is not.
        task: the kind of work: `pose`, `classification`, `segmentation`, `regression`.
        dataset: what it is made for: a name in `toy_data.SETS`, or the task's own data. Also in its
            descriptions.
        summary: one line for a listing.
        policy: quantization-aware training with the weight widths that it was made for.
    """

    name: str
    target: str
    input_shape: Shape
    fold: int
    task: str
    dataset: str
    summary: str
    policy: QatPolicy = EIGHT_BITS

    @property
    def device_shape(self) -> Shape:
        """Shape of what the accelerator is given: (C, H, W) or (C, L)."""
        channels, *sizes = self.input_shape
        return channels * self.fold**2, *(size // self.fold for size in sizes)

    def build(self, **options: Any) -> nn.Module:
        """Make an untrained network; options go to its constructor."""
        model: nn.Module = pkgutil.resolve_name(self.target)(**options)
        return model


_INFOS = (
    ModelInfo(
        "StudentModel",
        "ai8x_models.zoo.pose:StudentModel",
        (3, 128, 128),
        fold=2,
        task="pose",
        dataset="pose",
        summary="first level, the teacher; too large for the chip at 8 bits",
    ),
    ModelInfo(
        "TinyStudentModel",
        "ai8x_models.zoo.pose:TinyStudentModel",
        (3, 128, 128),
        fold=2,
        task="pose",
        dataset="pose",
        summary="second level, for the chip",
    ),
    ModelInfo(
        "NativePoseModel",
        "ai8x_models.zoo.pose:NativePoseModel",
        (3, 128, 128),
        fold=4,
        task="pose",
        dataset="pose",
        summary="second level, planned for 64 processors; twice as fast as Tiny",
    ),
    ModelInfo(
        "DigitNet",
        "ai8x_models.zoo.images:DigitNet",
        (1, 28, 28),
        fold=1,
        task="classification",
        dataset="digits",
        summary="grey digits; the place to start reading",
    ),
    ModelInfo(
        "ColorNet",
        "ai8x_models.zoo.images:ColorNet",
        (3, 32, 32),
        fold=1,
        task="classification",
        dataset="objects",
        summary="small colour pictures; weights of 8, 4 and 2 bits",
        policy=QatPolicy(
            start_epoch=0,
            overrides={"conv3": 4, "conv4": 4, "conv5": 4, "conv6": 2},
            shift_quantile=0.98,  # with 1.0, a few large weights make all others 0 in two bits
        ),
    ),
    ModelInfo(
        "ResidualNet",
        "ai8x_models.zoo.residual:ResidualNet",
        (3, 32, 32),
        fold=1,
        task="classification",
        dataset="objects",
        summary="small colour pictures; element-wise additions",
    ),
    ModelInfo(
        "StreamNet",
        "ai8x_models.zoo.images:StreamNet",
        (3, 128, 128),
        fold=1,
        task="classification",
        dataset="scenes",
        summary="large pictures through the FIFO, streaming first layers",
    ),
    ModelInfo(
        "SmallUNet",
        "ai8x_models.zoo.segment:SmallUNet",
        (3, 64, 64),
        fold=2,
        task="segmentation",
        dataset="regions",
        summary="a class for every pixel; upsampling and concatenation",
    ),
    ModelInfo(
        "KeywordNet",
        "ai8x_models.zoo.audio:KeywordNet",
        (128, 128),
        fold=1,
        task="classification",
        dataset="words",
        summary="raw sound in one dimension, 21 words",
    ),
    ModelInfo(
        "SignalNet",
        "ai8x_models.zoo.signals:SignalNet",
        (6, 128),
        fold=1,
        task="classification",
        dataset="motion",
        summary="inertial signals; dilated convolutions",
    ),
    ModelInfo(
        "AutoEncoder",
        "ai8x_models.zoo.autoencoder:AutoEncoder",
        (256, 1),
        fold=1,
        task="regression",
        dataset="sensors",
        summary="signals to 32 numbers and back; fully connected layers",
    ),
)
MODELS: Mapping[str, ModelInfo] = MappingProxyType({info.name: info for info in _INFOS})


def find_model(name: str) -> ModelInfo:
    """Look a network up, in any case of letters.

    Raises:
        InputError: there is none of this name.
    """
    by_lower_name = {known.lower(): info for known, info in MODELS.items()}
    if name.lower() not in by_lower_name:
        nearest = get_close_matches(name.lower(), by_lower_name, n=1, cutoff=0.3)
        fix = f"one of {', '.join(MODELS)}, or FILE.py:CLASS"
        if nearest:
            fix = f"did you mean {by_lower_name[nearest[0]].name}?"
        raise InputError(f"there is no model {name!r}", fix=fix)
    return by_lower_name[name.lower()]


def create_model(name: str, **options: Any) -> nn.Module:
    """Make an untrained network; options go to its constructor."""
    return find_model(name).build(**options)
