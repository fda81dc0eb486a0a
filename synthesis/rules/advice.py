"""Ways out of a refusal that follow from the layer at hand alone.

What has to be tried with the whole network is the work of `variants`.
"""

from max78000.facts.chip import WORD_BYTES, Chip

_WIDE_SHARE = 4  # as large as the same result of 8 bits


def fit_data(key: str, size_bytes: int, n_pixels: int, chip: Chip, *, is_wide: bool = False) -> str:
    """What makes a tensor fit a data memory instance: another offset, bytes, a smaller picture.

    Args:
        key: what gives the tensor's place: `in_offset`, or the `out_offset` of some layer.
        size_bytes: what the tensor takes in every instance.
        n_pixels: its rows times columns.
        chip: size of an instance.
        is_wide: it has 32 bits, and may have 8.
    """
    room = chip.data_instance_bytes - size_bytes
    if room >= 0:
        return f"use {key}: {room & -WORD_BYTES:#x} or less"
    if is_wide and size_bytes // _WIDE_SHARE <= chip.data_instance_bytes:
        return "use output_width: 8, or pool in the layer before"
    fold = 2
    while size_bytes // fold**2 > chip.data_instance_bytes:
        fold *= 2
    return f"fold the picture by {fold} ({n_pixels // fold**2} pixels), or pool in the layer before"
