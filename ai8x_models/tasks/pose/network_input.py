"""A picture as a network is given it: real numbers in PyTorch, bytes on the accelerator."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ai8x_models.layers.qat import DATA_GRID
from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.tasks.pose.figures.figures import PRESETS, SPLIT_BASE, render
from ai8x_models.zoo.registry import find_model
from max78000.apps.pose.arrays import Int8s, Uint8s
from max78000.apps.pose.skeleton import IMAGE_SIZE
from max78000.errors import InputError, UnsupportedError
from max78000.files import make_folder, write_array

INPUT_SHAPE = (3, IMAGE_SIZE, IMAGE_SIZE)  # of pose networks, without the batch


def normalize(images: Uint8s) -> Tensor:
    """Turn pictures (N, 128, 128, 3) into network input (N, 3, 128, 128), channels last.

    The device sees the byte minus 128 as a signed number whose 1.0 is 128.
    """
    scaled = (images.astype(np.float32) - DATA_GRID.one) / DATA_GRID.one
    return torch.from_numpy(scaled).permute(0, 3, 1, 2)


def device_input(image: Uint8s, name: str) -> Int8s:
    """Turn a picture (128, 128, 3) into the bytes the accelerator is given: folded, signed.

    Returns:
        int8, shape as in the network's description: (12, 64, 64) if it is folded by two.

    Raises:
        InputError: unknown network.
        UnsupportedError: the network takes another picture.
    """
    info = find_model(name)
    chw = np.moveaxis(image, -1, 0)
    if chw.shape != info.input_shape:
        raise UnsupportedError(
            f"takes {info.input_shape}, the picture is {chw.shape}", where=info.name
        )
    signed: Int8s = (chw.astype(np.int16) - DATA_GRID.one).astype(np.int8)
    return np.ascontiguousarray(fold_image(signed, info.fold), np.int8)


def write_sample(path: Path, name: str, preset: str, index: int) -> tuple[int, ...]:
    """Write picture `index` of the test split as device input (.npy); returns its shape."""
    if preset not in PRESETS:
        raise InputError(f"there is no preset {preset!r}", fix=f"one of {', '.join(PRESETS)}")
    figure = render(PRESETS[preset], SPLIT_BASE["test"] + index)
    data = device_input(figure.image, name)
    make_folder(path.parent)
    write_array(path, data)
    return data.shape
