"""The networks by name: what each is for, what it takes, and how to get one from a checkpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint
from ai8x_models.layers.qat import Mode, QatModule, QatPolicy, set_mode
from ai8x_models.zoo.audio import KeywordNet
from ai8x_models.zoo.autoencoder import AutoEncoder
from ai8x_models.zoo.images import ColorNet, DigitNet, StreamNet
from ai8x_models.zoo.pose import StudentModel, TinyStudentModel
from ai8x_models.zoo.residual import ResidualNet
from ai8x_models.zoo.segment import SmallUNet
from ai8x_models.zoo.signals import SignalNet
from max78000.errors import InputError

Shape = tuple[int, ...]
EIGHT_BITS = QatPolicy(start_epoch=0)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One network.

    Args:
        name: also the `arch` of its checkpoints and descriptions, there in any case of letters.
        builder: makes an untrained one.
        input_shape: (C, H, W) of a picture in training, (C, L) of a signal.
        fold: ratio by which the picture is folded for the accelerator; 1 if it is not.
        task: what it is trained for: `pose`, or a name in `tasks.TASKS`.
        summary: one line for a listing.
        policy: quantization-aware training with the weight widths that it was made for.
    """

    name: str
    builder: Callable[..., nn.Module]
    input_shape: Shape
    fold: int
    task: str
    summary: str
    policy: QatPolicy = EIGHT_BITS

    @property
    def device_shape(self) -> Shape:
        """Shape of what the accelerator is given: (C, H, W) or (C, L)."""
        channels, *sizes = self.input_shape
        return channels * self.fold**2, *(size // self.fold for size in sizes)


_INFOS = (
    ModelInfo(
        "StudentModel",
        StudentModel,
        (3, 128, 128),
        fold=2,
        task="pose",
        summary="first level, the teacher; too large for the chip at 8 bits",
    ),
    ModelInfo(
        "TinyStudentModel",
        TinyStudentModel,
        (3, 128, 128),
        fold=2,
        task="pose",
        summary="second level, for the chip",
    ),
    ModelInfo(
        "DigitNet",
        DigitNet,
        (1, 28, 28),
        fold=1,
        task="digits",
        summary="grey digits; the place to start reading",
    ),
    ModelInfo(
        "ColorNet",
        ColorNet,
        (3, 32, 32),
        fold=1,
        task="objects",
        summary="small colour pictures; weights of 8, 4 and 2 bits",
        policy=QatPolicy(
            start_epoch=0,
            overrides={"conv3": 4, "conv4": 4, "conv5": 4, "conv6": 2},
            shift_quantile=0.98,  # with 1.0, a few large weights make all others 0 in two bits
        ),
    ),
    ModelInfo(
        "ResidualNet",
        ResidualNet,
        (3, 32, 32),
        fold=1,
        task="objects",
        summary="small colour pictures; element-wise additions",
    ),
    ModelInfo(
        "StreamNet",
        StreamNet,
        (3, 128, 128),
        fold=1,
        task="scenes",
        summary="large pictures through the FIFO, streaming first layers",
    ),
    ModelInfo(
        "SmallUNet",
        SmallUNet,
        (3, 64, 64),
        fold=2,
        task="regions",
        summary="a class for every pixel; upsampling and concatenation",
    ),
    ModelInfo(
        "KeywordNet",
        KeywordNet,
        (128, 128),
        fold=1,
        task="words",
        summary="raw sound in one dimension, 21 words",
    ),
    ModelInfo(
        "SignalNet",
        SignalNet,
        (6, 128),
        fold=1,
        task="motion",
        summary="inertial signals; dilated convolutions",
    ),
    ModelInfo(
        "AutoEncoder",
        AutoEncoder,
        (256, 1),
        fold=1,
        task="sensors",
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
        nearest = get_close_matches(name.lower(), by_lower_name, n=1, cutoff=0.3) or by_lower_name
        known = ", ".join(by_lower_name[match].name for match in nearest)
        raise InputError(f"there is no model {name!r}", fix=f"did you mean {known}?")
    return by_lower_name[name.lower()]


def create_model(name: str, **options: Any) -> nn.Module:
    """Make an untrained network; options go to its constructor."""
    return find_model(name).builder(**options)


def load_model(path: Path) -> nn.Module:
    """Make the network of a checkpoint, in the checkpoint's mode, ready to evaluate.

    Raises:
        InputError: the file is no checkpoint, names an unknown network, or does not fit it.
    """
    return restore(load_checkpoint(path), str(path))


def restore(checkpoint: Checkpoint, where: str) -> nn.Module:
    """Make the network of a checkpoint that was read already; see `load_model`."""
    try:
        model = create_model(checkpoint.arch)
    except InputError as error:
        raise InputError(error.why, where=where, fix=error.fix) from error
    fix = "compare the checkpoint's origin with the present code"
    try:
        keys = model.load_state_dict(checkpoint.state_dict, strict=False)
    except RuntimeError as error:
        detail = str(error).splitlines()[-1].strip()
        raise InputError(
            f"does not fit {checkpoint.arch}: {detail}", where=where, fix=fix
        ) from error
    for word, names in (("lacks", keys.missing_keys), ("has unknown", keys.unexpected_keys)):
        if names:
            some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            why = f"does not fit {checkpoint.arch}: {word} {len(names)} tensors: {some}"
            raise InputError(why, where=where, fix=fix)
    modes = {layer.mode for layer in model.modules() if isinstance(layer, QatModule)}
    if len(modes) > 1:
        raise InputError(
            "mixes integer weights with others", where=where, fix="quantize all layers or none"
        )
    set_mode(model, *modes)  # also of layers without parameters, which no checkpoint mentions
    return model.eval()


def mode_of(model: nn.Module) -> Mode:
    """Mode that all layers of a network share; those without parameters may not know it yet."""
    return next(layer.mode for layer in model.modules() if isinstance(layer, QatModule))
