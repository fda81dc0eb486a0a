"""Sample input file -> int64 array (C, H, W). Refuses whatever is not signed bytes in that
shape, or a picture that can only become such in one way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from max78000.errors import InputError
from max78000.facts.fixed import AS_BYTES
from max78000.facts.shipped import SAMPLES, or_shipped
from max78000.files import load_npy
from max78000.program.input_file import PIXEL_ZERO, fold, read_picture
from synthesis.read.source import Tensor

RULE = "G24"
ARRAY_MAGIC = b"\x93NUMPY"
N_COLOURS = 3
WHITE = 255


@dataclass(frozen=True, slots=True)
class PictureForm:
    """What is known of a network's input before a picture is read.

    Attributes:
        channels: of the first layer's input; None if neither description nor weights say.
        trained: how the trainer made inputs, as the checkpoint has kept it; empty if it has not.
    """

    channels: int | None
    trained: Mapping[str, Any]


def read_sample_or_picture(path: Path, form: PictureForm) -> Tensor:
    """Read a sample; a picture of any kind is folded until it has the network's channels.

    Pixels lose 128, as `max78000 simulate --input` does it; nothing is resized. A grey picture has
    three equal colours for a network that takes colours.

    Raises:
        InputError: as `read_sample`; or a picture that does not become this input.
    """
    if not _is_picture(path):
        return read_sample(path)
    picture, where = _in_colours(read_picture(path), form.channels), str(path)
    if not _is_centred(form.trained):
        why = "the checkpoint asks for inputs that are not pixels less 128"
        fix = "write one as the trainer makes it: `ai8x sample`"
        raise InputError(why, where=where, fix=fix, rule=RULE)
    n_colours, rows, columns = picture.shape
    channels = n_colours if form.channels is None else form.channels
    ratio = isqrt(channels // n_colours)
    if not _folds(n_colours, channels):
        word = "grey" if n_colours == 1 else "in colours"
        why = f"the picture is {word}, and does not fold to the {channels} channels of the network"
        fix = f"give one whose {n_colours} times a square are {channels}, or an .npy file"
        raise InputError(why, where=where, fix=fix, rule=RULE)
    if rows % ratio or columns % ratio:
        why = f"has {rows}x{columns} pixels (rows x columns), to be folded by {ratio}"
        fix = f"bring rows and columns to multiples of {ratio}"
        raise InputError(why, where=where, fix=fix, rule=RULE)
    return fold(picture, ratio)


def _is_picture(path: Path) -> bool:
    """Whether a file is something else than an array, by name and first bytes."""
    if path.suffix.lower() == ".npy" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(ARRAY_MAGIC)) != ARRAY_MAGIC
    except OSError:  # said where it is read
        return False


def _in_colours(picture: Tensor, channels: int | None) -> Tensor:
    """A picture, or if that is grey and the network takes only colours, three times the same."""
    if channels is None or len(picture) > 1 or _folds(1, channels):
        return picture
    return picture.repeat(N_COLOURS, axis=0) if _folds(N_COLOURS, channels) else picture


def _folds(n_colours: int, channels: int) -> bool:
    """Whether the colours times a square are the channels."""
    return channels >= n_colours and n_colours * isqrt(channels // n_colours) ** 2 == channels


def _is_centred(trained: Mapping[str, Any]) -> bool:
    """Whether the trainer, too, only took the middle of the range from pixels."""
    try:
        low, span = trained["low"], trained["high"] - trained["low"]
        zeros = [(mean - low) * WHITE / span for mean in trained["mean"]]
    except (KeyError, TypeError, ZeroDivisionError):
        return not trained
    return all(abs(zero - PIXEL_ZERO) <= 1 for zero in zeros)


def read_sample(path: Path) -> Tensor:
    """Read a `.npy` file of any integer type, (C, H, W) or (C, L), values -128..127.

    Raises:
        InputError: missing or foreign file, wrong type, shape or range.
    """
    try:
        data = load_npy(path)
    except FileNotFoundError:
        fix = or_shipped("give --sample-input", path, SAMPLES)
        raise InputError("no such file", where=str(path), fix=fix, rule=RULE) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"is not a .npy array: {error}",
            where=str(path),
            fix="save it again with numpy.save",
            rule=RULE,
        ) from None
    if data.dtype.kind not in "iu":
        raise InputError(
            f"holds {data.dtype}, not integers",
            where=str(path),
            fix=AS_BYTES,
            rule=RULE,
        )
    if data.ndim not in (2, 3) or 0 in data.shape:
        raise InputError(
            f"has shape {data.shape}",
            where=str(path),
            fix="save one sample as (C, H, W) or (C, L)",
            rule=RULE,
        )
    if data.min() < -128 or data.max() > 127:
        raise InputError(
            f"has values {data.min()}..{data.max()}",
            where=str(path),
            fix="subtract 128 from bytes",
            rule=RULE,
        )
    return data.astype(np.int64).reshape((*data.shape, 1)[:3])
