"""Bias memory: each layer's bias bytes in one quadrant, spread so that the four fill evenly.

The engine takes a byte per output column, used or not; see `pack`.
Source: docs/hardware/memories.md#biases.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from max78000.facts.chip import Chip
from synthesis.place.pack import output_columns
from synthesis.place.placed import BiasSlot, PlacedLayer, quadrants_of


@dataclass(frozen=True, slots=True)
class BiasMemory:
    """Bytes (0..255) of each quadrant, in order, and where the first of them lies."""

    contents: tuple[bytes, ...]
    starts: tuple[int, ...]

    @property
    def ends(self) -> tuple[int, ...]:
        """The byte behind the last one, in each quadrant."""
        pairs = zip(self.starts, self.contents, strict=True)
        return tuple(start + len(content) for start, content in pairs)


def place_biases(
    layers: Sequence[PlacedLayer], chip: Chip, taken: Sequence[int] = ()
) -> tuple[tuple[PlacedLayer, ...], BiasMemory]:
    """Give every layer with a bias a quadrant and an offset; equal biases are stored once.

    `taken` are the first bytes of each quadrant, which hold biases of other networks.

    Flattened layers come first, then layers bound to one quadrant, then the others from long to
    short; each goes to the emptiest quadrant (the vendor generator's order).
    """
    used = _used_quadrants(layers, chip)
    starts = tuple(taken) or (0,) * chip.n_quadrants
    fill: dict[int, bytearray] = {quadrant: bytearray() for quadrant in range(chip.n_quadrants)}
    slots: dict[int, BiasSlot] = {}
    biased = [p for p in layers if _bias(p) is not None and p.has_fitting_maps]
    contents = {placed.layer.index: _contents(placed) for placed in biased}
    owner_of: dict[bytes, int] = {}  # the first layer with these bytes
    for placed in biased:
        owner_of.setdefault(contents[placed.layer.index], placed.layer.index)
    owners = [placed for placed in biased if placed.layer.index in owner_of.values()]
    owners.sort(key=lambda placed: _order(placed, len(contents[placed.layer.index]), used, chip))
    for placed in owners:
        candidates = placed.layer.constraints.bias_group or used
        quadrant = min(candidates, key=lambda q: starts[q] + len(fill[q]))
        data = contents[placed.layer.index]
        slots[placed.layer.index] = BiasSlot(
            quadrant=quadrant,
            offset=starts[quadrant] + len(fill[quadrant]),
            length=len(data),
            owner=placed.layer.index,
        )
        fill[quadrant] += data
    for placed in biased:
        slots[placed.layer.index] = slots[owner_of[contents[placed.layer.index]]]
    done = tuple(replace(placed, bias_slot=slots.get(placed.layer.index)) for placed in layers)
    return done, BiasMemory(tuple(map(bytes, fill.values())), starts)


def _bias(placed: PlacedLayer) -> NDArray[np.int64] | None:
    return placed.layer.kernel.bias if placed.layer.kernel is not None else None


def _contents(placed: PlacedLayer) -> bytes:
    """A byte for every output column up to the last output; those of unused columns are 0."""
    bias = _bias(placed)
    assert bias is not None
    # Quirk bias-columns: unused columns take a byte, too, in every pass; [tool] leaves them out.
    columns = output_columns(placed)
    data = np.zeros(int(columns[-1]) + 1, np.uint8)
    data[columns] = bias.astype(np.uint8)  # in two's complement
    # Quirk stream-bias-byte: the first is skipped; so the vendor works around a fault of the chip.
    skipped = int(placed.layer.index == 0 and placed.layer.is_streaming)
    return bytes(skipped) + bytes(data)


def _order(placed: PlacedLayer, n_bytes: int, used: Sequence[int], chip: Chip) -> int:
    # Quirk bias-order: the vendor calls it a need of the chip; nobody says why.
    if placed.layer.flatten:
        return -1
    if len(placed.layer.constraints.bias_group or used) == 1:
        return 0
    return chip.bias_bytes_per_quadrant - n_bytes


def _used_quadrants(layers: Sequence[PlacedLayer], chip: Chip) -> tuple[int, ...]:
    maps = layers[-1].output_processors
    for placed in layers:
        maps |= placed.processors
    return quadrants_of(maps, chip)
