"""Test weights in `.npy` files (`arch: test`) -> Checkpoint: arrays back to back, one per layer.

A file of one array holds the layers along its first axis. Transposed convolutions are in the
hardware's order already, biases are the bytes that are added.
"""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError
from max78000.files import read_npy
from synthesis.read.checkpoint import Checkpoint, LayerWeights, integers

TEST_ARCH = "test"
MAX_BITS = 8
RULE = "G25"


def read_test_weights(weights: Path, bias: Path | None) -> Checkpoint:
    """Read weights and, if given, biases; layers behind the last bias have none.

    Raises:
        InputError: missing or foreign file, values wider than 8 bits.
    """
    arrays = _read_arrays(weights)
    layers = list(arrays[0]) if len(arrays) == 1 else arrays
    biases = _read_arrays(bias) if bias is not None else []
    return Checkpoint(
        str(weights),
        TEST_ARCH,
        tuple(
            LayerWeights(
                name=f"array {i}",
                weight=_checked(values, f"{weights} array {i}"),
                bias=integers(biases[i], f"{bias} array {i}") if i < len(biases) else None,
                weight_bits=MAX_BITS,
                output_shift=0,
                is_raw=True,
            )
            for i, values in enumerate(layers)
        ),
    )


def needed_bits(values: NDArray[np.int64]) -> int:
    """Width that holds signed values."""
    largest = max(int(values.max()), -int(values.min()) - 1, 0)
    return largest.bit_length() + 1


def _checked(values: NDArray[Any], where: str) -> NDArray[np.int64]:
    weights = integers(values, where)
    if weights.ndim < 2 or 0 in weights.shape:
        raise InputError(
            f"has shape {weights.shape}",
            where=where,
            fix="save (out, in, ...) for every layer",
            rule=RULE,
        )
    if needed_bits(weights) > MAX_BITS:
        why = f"has values {weights.min()}..{weights.max()}"
        raise InputError(why, where=where, fix="use values of 8 bits", rule=RULE)
    return weights


def _read_arrays(path: Path) -> list[NDArray[Any]]:
    try:
        with path.open("rb") as file:
            return _arrays(file)
    except FileNotFoundError:
        fix = "give --weight-input and --bias-input, or the file it is named after"
        raise InputError("no such file", where=str(path), fix=fix) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"holds no .npy arrays: {error}", where=str(path), fix="save it again", rule=RULE
        ) from None


def _arrays(file: BinaryIO) -> list[NDArray[Any]]:
    arrays = [_numbers(read_npy(file))]
    while file.peek(1):  # type: ignore[attr-defined]
        arrays.append(_numbers(read_npy(file)))
    return arrays


def _numbers(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in "biuf" or not array.ndim:
        raise ValueError(f"{array.dtype} of shape {array.shape} are no weights")
    return array
