"""Ways out of a refusal that follow from the layer at hand alone.

What has to be tried with the whole network is the work of `variants`.
"""

from max78000.facts.chip import WORD_BYTES, Chip


def fit_data(key: str, size_bytes: int, n_pixels: int, chip: Chip) -> str:
    """What makes a tensor fit a data memory instance: another offset, or a smaller picture.

    Args:
        key: what gives the tensor's place: `in_offset`, or the `out_offset` of some layer.
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
