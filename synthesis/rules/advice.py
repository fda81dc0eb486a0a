"""Ways out of a refusal, computed for the network at hand, so that what is advised is known to
fit.
"""

from collections.abc import Iterable
from dataclasses import replace

from max78000.facts.chip import WORD_BYTES, Chip
from synthesis.place.pack import kernel_size
from synthesis.place.place import Placement
from synthesis.place.placed import PlacedLayer, members
from synthesis.place.weights import ALIGNMENT

NARROWER = (4, 2)


def fit_weights(placement: Placement, chip: Chip) -> str:
    """The fewest layers whose weights have to become narrower, largest first; or that none will
    do.
    """
    layers = [placed for placed in placement.layers if placed.layer.kernel is not None]
    for bits in NARROWER:
        changed: list[PlacedLayer] = []
        rest = sorted(layers, key=_words, reverse=True)
        current = {placed.layer.index: placed for placed in layers}
        while rest and _busiest(current.values(), chip) > chip.kernel_words:
            placed = rest.pop(0)
            changed.append(placed)
            current[placed.layer.index] = with_bits(placed, bits)
        n_words = _busiest(current.values(), chip)
        if n_words <= chip.kernel_words:
            names = ", ".join(placed.layer.name for placed in changed)
            return f"{bits}-bit weights in {names} fit: {n_words} words"
    return "no width of weights fits: use fewer channels or layers"


def fit_data(key: str, size_bytes: int, n_pixels: int, chip: Chip) -> str:
    """What makes a tensor fit a data memory instance: another offset, or a smaller picture.

    Args:
        key: `in_offset` or `out_offset`.
        size_bytes: what the tensor takes in every instance.
        n_pixels: its rows times columns.
        chip: size of an instance.
    """
    room = chip.data_instance_bytes - size_bytes
    if room >= 0:
        return f"use {key}: {room & -WORD_BYTES:#x} or less"
    fold = 2
    while size_bytes // fold**2 > chip.data_instance_bytes:
        fold *= 2
    return f"fold the picture by {fold} ({n_pixels // fold**2} pixels), or pool in the layer before"


def with_bits(placed: PlacedLayer, bits: int) -> PlacedLayer:
    """The layer with narrower weights; only its size is meaningful."""
    kernel = placed.layer.kernel
    if kernel is None or kernel.bits <= bits:
        return placed
    return replace(placed, layer=replace(placed.layer, kernel=replace(kernel, bits=bits)))


def _words(placed: PlacedLayer) -> int:
    return kernel_size(placed).n_words


def _busiest(layers: Iterable[PlacedLayer], chip: Chip) -> int:
    """Kernel words of the busiest processor if every layer starts on a multiple of four."""
    used = [0] * chip.n_processors
    for placed in layers:
        n_words = -(-_words(placed) // ALIGNMENT) * ALIGNMENT
        for p in members(placed.processors):
            used[p] += n_words
    return max(used)
