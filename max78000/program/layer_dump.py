"""What every layer made, as arrays by name: the file that all sides share, and the comparison.

A dump is a `.npz` file: layer name -> integers, (C, H, W), (C, L) or (C,). PyTorch in integer mode,
the interpreter and the simulated accelerator write one each; who of them is right is not known
here.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError
from max78000.files import DAMAGED, read_npy, write_whole

Values = NDArray[np.int64]  # channels, rows, columns
Layers = Mapping[str, Values]  # by layer name, in the order in which the layers run
ENDING = ".npy"
MAX_DUMP_BYTES = 1 << 27  # unpacked; the layers of the largest network have a quarter of it


@dataclass(frozen=True, slots=True)
class Difference:
    """The first value of the first layer that is not the same in two answers."""

    layer: str
    channel: int
    row: int
    column: int
    expected: int
    found: int

    def __str__(self) -> str:
        place = f"channel {self.channel} row {self.row} column {self.column}"
        return f"layer {self.layer} {place} is {self.found}, expected {self.expected}"


def first_difference(expected: Layers, found: Layers) -> Difference | None:
    """Compare two answers, layer by layer in the order of the first, then in raster order.

    Layers that only one of them has are passed over: training joins layers that the accelerator
    runs one by one, and the other way round.

    Raises:
        InputError: they have no layer in common, or another shape for the same layer.
    """
    common = [name for name in expected if name in found]
    if not common:
        names = f"{', '.join(expected) or 'none'}, and {', '.join(found) or 'none'}"
        fix = "compare answers of the same network, with the same layer names"
        raise InputError(f"there is no layer in both: {names}", fix=fix)
    for name in common:
        difference = difference_of(name, expected[name], found[name])
        if difference is not None:
            return difference
    return None


def difference_of(layer: str, expected: NDArray[Any], found: NDArray[Any]) -> Difference | None:
    """Compare one layer.

    Raises:
        InputError: the shapes differ.
    """
    one, other = _chw(expected), _chw(found)
    if one.shape != other.shape:
        shapes = ["x".join(map(str, values.shape)) for values in (other, one)]
        fix = "compare answers of the same network"
        raise InputError(
            f"has shape {shapes[0]}, expected {shapes[1]}", where=f"layer {layer}", fix=fix
        )
    at = np.argwhere(one != other)
    if not len(at):
        return None
    channel, row, column = (int(index) for index in at[0])
    values = int(one[channel, row, column]), int(other[channel, row, column])
    return Difference(layer, channel, row, column, *values)


def save_dump(path: Path, layers: Mapping[str, NDArray[Any]]) -> None:
    """Write a dump, whole or not at all. Equal layers give equal bytes.

    Raises:
        InputError: it cannot be written.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        for name, values in layers.items():
            array = io.BytesIO()
            np.lib.format.write_array(array, np.ascontiguousarray(values), allow_pickle=False)
            members.writestr(_member(name), array.getvalue(), zipfile.ZIP_DEFLATED)
    write_whole(path, archive.getvalue())


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name + ENDING)  # dated 1980, so that equal contents are equal files


def read_dump(path: Path) -> dict[str, Values]:
    """Read a dump.

    Raises:
        InputError: it is missing, damaged, or holds something that is not the integers of a layer.
    """
    try:
        with zipfile.ZipFile(path) as members:
            n_bytes = sum(member.file_size for member in members.infolist())
            if n_bytes > MAX_DUMP_BYTES:
                raise ValueError(f"{n_bytes:,} bytes unpacked are more than any network's")
            return {
                name.removesuffix(ENDING): _read_layer(members.read(name))
                for name in members.namelist()
            }
    except (OSError, *DAMAGED) as error:
        why = f"is no dump of layers: {error}"
        fix = "write one with `ai8x dump` or `max78000 compare --save`"
        raise InputError(why, where=str(path), fix=fix) from None


def _read_layer(contents: bytes) -> Values:
    values = read_npy(io.BytesIO(contents))
    if values.dtype.kind not in "iu":
        raise ValueError(f"{values.dtype} are not integers")
    if not 1 <= values.ndim <= 3:
        raise ValueError(f"shape {values.shape} is not (C, H, W), (C, L) or (C,)")
    return _chw(values)


def _chw(values: NDArray[Any]) -> Values:
    """Channels, rows, columns; of one dimension after the channels, as the accelerator has it."""
    return values.astype(np.int64).reshape((*values.shape, 1, 1)[:3])
