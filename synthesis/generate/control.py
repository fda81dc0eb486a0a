"""Writes around the layers: initialisation and start of the quadrants in use."""

from collections.abc import Iterator, Sequence

from max78000 import regmap
from max78000.chip import Chip
from max78000.program import Write
from max78000.regmap import global_register_addr, quadrant_register_addr

SRAM_SETTING = regmap.SRAM.pack(rmargin_en=1, rmargin=3, wneg_en=1)  # what the vendor's code writes


def init_writes(quadrants: Sequence[int], n_layers: int, chip: Chip) -> Iterator[Write]:
    """Stop the state machine, set the memories' margins and the number of layers."""
    yield Write(global_register_addr(chip, regmap.AON), regmap.AON.pack())
    for quadrant in quadrants:
        control = regmap.CTL.pack(clk_en=1, mexpress=1)
        yield Write(quadrant_register_addr(chip, regmap.CTL, quadrant), control)
        yield Write(quadrant_register_addr(chip, regmap.SRAM, quadrant), SRAM_SETTING)
        if n_layers > 1:
            last = regmap.LCNT_MAX.pack(value=n_layers - 1)
            yield Write(quadrant_register_addr(chip, regmap.LCNT_MAX, quadrant), last)


def start_writes(quadrants: Sequence[int], round_average: bool, chip: Chip) -> Iterator[Write]:
    """Arm the other quadrants, then start the master, which runs them all."""
    master = quadrants[0]
    common = {"clk_en": 1, "mexpress": 1, "poolrnd": int(round_average)}
    for quadrant in quadrants:
        word = regmap.CTL.pack(ext_sync=4 | master, cnn_en=int(quadrant != master), **common)
        yield Write(quadrant_register_addr(chip, regmap.CTL, quadrant), word)
    word = regmap.CTL.pack(cnn_en=1, **common)
    yield Write(quadrant_register_addr(chip, regmap.CTL, master), word)
