"""Writes around the layers: initialisation, FIFO setting and start of the quadrants in use."""

from collections.abc import Iterator

from max78000 import regmap
from max78000.chip import Chip
from max78000.program import Write
from max78000.regmap import global_register_addr, quadrant_register_addr
from synthesis.place.fifo import enabled_fifos
from synthesis.place.placed import PlacedGraph, quadrant_map

# Memory margins and FIFO thresholds as the vendor's code writes them.
SRAM_SETTING = regmap.SRAM.pack(rmargin_en=1, rmargin=3, wneg_en=1)
FIFO_THRESHOLD = 2
SYNC_ENABLE = 4  # top bit of the synchronisation field; the rest is the master quadrant


def init_writes(graph: PlacedGraph, chip: Chip) -> Iterator[Write]:
    """Stop the state machine, set the memories' margins and the number of layers."""
    n_layers = len(graph.layers)
    yield Write(global_register_addr(chip, regmap.AON), regmap.AON.pack())
    for quadrant in graph.quadrants:
        control = regmap.CTL.pack(clk_en=1, mexpress=1, fifo_en=int(graph.graph.uses_fifo))
        yield Write(quadrant_register_addr(chip, regmap.CTL, quadrant), control)
        yield Write(quadrant_register_addr(chip, regmap.SRAM, quadrant), SRAM_SETTING)
        if n_layers > 1:
            last = regmap.LCNT_MAX.pack(value=n_layers - 1)
            yield Write(quadrant_register_addr(chip, regmap.LCNT_MAX, quadrant), last)


def fifo_writes(graph: PlacedGraph, chip: Chip) -> Iterator[Write]:
    """Switch on the FIFOs that feed the first layer, in lock step."""
    if graph.graph.uses_fifo:
        word = regmap.FIFO_CTL.pack(
            full_thresh=FIFO_THRESHOLD,
            empty_thresh=FIFO_THRESHOLD,
            fifo_cpl=1,
            fifo_en=sum(1 << fifo for fifo in enabled_fifos(graph.layers[0])),
        )
        yield Write(global_register_addr(chip, regmap.FIFO_CTL), word)


def start_writes(graph: PlacedGraph, round_average: bool, chip: Chip) -> Iterator[Write]:
    """Arm the other quadrants, then start the master, which runs them all."""
    quadrants, uses_fifo = graph.quadrants, graph.graph.uses_fifo
    master = quadrants[0]
    streams = graph.graph.n_streaming > 0
    common = {
        "clk_en": 1,
        "mexpress": 1,
        "poolrnd": int(round_average),
        "stream_en": int(streams),
        "lilbuf": int(uses_fifo and streams),
    }
    for quadrant in quadrants:
        word = regmap.CTL.pack(
            ext_sync=SYNC_ENABLE | master,
            cnn_en=int(quadrant != master),
            fifo_en=int(uses_fifo),
            **common,
        )
        yield Write(quadrant_register_addr(chip, regmap.CTL, quadrant), word)
    is_fed = uses_fifo and bool(quadrant_map(graph.layers[0].processors, master) & 0xF)
    word = regmap.CTL.pack(
        cnn_en=1, ext_sync=SYNC_ENABLE if uses_fifo else 0, fifo_en=int(is_fed), **common
    )
    yield Write(quadrant_register_addr(chip, regmap.CTL, master), word)
