"""Writes around the layers: initialisation, FIFO setting and start of the quadrants in use."""

from collections.abc import Iterator

from max78000.facts import regmap
from max78000.facts.chip import Chip
from max78000.facts.regmap import global_register_addr, quadrant_register_addr
from max78000.program.program import Operation, Poll, Require, Write
from synthesis.generate.options import ProgramOptions
from synthesis.place.fifo import enabled_fifos, is_grouped, lanes_of
from synthesis.place.placed import PlacedGraph
from synthesis.read.source import InputPath

# Memory margins and FIFO thresholds as the vendor's code writes them.
# Quirk vendor-settings: the same in every program; nothing tells what others would do.
SRAM_SETTING = regmap.SRAM.pack(rmargin_en=1, rmargin=3, wneg_en=1)
FIFO_THRESHOLD = 2
FAST_FIFO_THRESHOLD = 10
TESTED_MEMORIES = ("sram", "mram", "tram", "bram")  # in the order of the vendor's code
# Quirk sync-field: so in every program, but for the master's last write; the guide says otherwise.
SYNC_ENABLE = 4  # top bit of the synchronisation field; the rest is the master quadrant


def init_operations(graph: PlacedGraph, options: ProgramOptions, chip: Chip) -> Iterator[Operation]:
    """Stop the state machine, set the memories' margins and the number of layers."""
    n_layers = len(graph.layers)
    always_on = regmap.AON.pack(rdy_sel=options.ready.always_on)
    yield Write(global_register_addr(chip, regmap.AON), always_on)
    for quadrant in graph.quadrants:
        control = regmap.CTL.pack(
            rdy_sel=options.ready.quadrants,
            clk_en=1,
            mexpress=int(options.packs_kernels),
            fifo_en=int(graph.input_path.is_fifo),
        )
        yield Write(quadrant_register_addr(chip, regmap.CTL, quadrant), control)
        yield Write(quadrant_register_addr(chip, regmap.SRAM, quadrant), SRAM_SETTING)
        if n_layers > 1:
            last = regmap.LCNT_MAX.pack(value=n_layers - 1)
            yield Write(quadrant_register_addr(chip, regmap.LCNT_MAX, quadrant), last)
    if options.clears_memories:
        yield from _self_tests(graph, chip)


def _self_tests(graph: PlacedGraph, chip: Chip) -> Iterator[Operation]:
    """Test every memory of the quadrants in use, one kind after the other; the test leaves zeros.

    Source: docs/hardware/registers.md#self-test.
    """
    # Quirk self-test-zeros: no other way to clear memories was ever seen to run.
    test = regmap.SRAM_TEST
    for memory in TESTED_MEMORIES:
        done = test.pack(**{"done": 1, f"{memory}_done": 1})
        for quadrant in graph.quadrants:
            addr = quadrant_register_addr(chip, test, quadrant)
            yield Write(addr, test.pack(**{f"{memory}_run": 1}))
            yield Poll(addr, done, done)
            yield Require(addr, test.pack(**{f"{memory}_fail": 1}), 0)
            yield Write(addr, test.pack())


def fifo_writes(graph: PlacedGraph, options: ProgramOptions, chip: Chip) -> Iterator[Write]:
    """Switch on the FIFOs that feed the first layer, in lock step, or the fast one."""
    if graph.input_path is InputPath.FAST_FIFO:
        word = regmap.FFIFO_CTL.pack(thresh=FAST_FIFO_THRESHOLD)
        yield Write(global_register_addr(chip, regmap.FFIFO_CTL), word)
    elif graph.input_path.is_fifo:
        word = regmap.FIFO_CTL.pack(
            rdy_sel=options.ready.fifos,
            full_thresh=FIFO_THRESHOLD,
            empty_thresh=FIFO_THRESHOLD,
            fifo_cpl=1,
            fifo_en=sum(1 << fifo for fifo in enabled_fifos(graph.layers[0])),
        )
        yield Write(global_register_addr(chip, regmap.FIFO_CTL), word)


def start_writes(graph: PlacedGraph, options: ProgramOptions, chip: Chip) -> Iterator[Write]:
    """Arm the other quadrants, then start the master, which runs them all."""
    quadrants, uses_fifo = graph.quadrants, graph.input_path.is_fifo
    master = quadrants[0]
    streams = graph.n_streaming > 0
    common = {
        "rdy_sel": options.ready.quadrants,
        "clk_en": 1,
        "mexpress": int(options.packs_kernels),
        "poolrnd": int(options.round_average),
        "stream_en": int(streams),
        "lilbuf": int(uses_fifo and streams),
    }
    for quadrant in quadrants:
        word = regmap.CTL.pack(
            ext_sync=SYNC_ENABLE | master,
            cnn_en=int(quadrant != master),
            fifo_en=int(uses_fifo),
            **_fast_fifo(graph, quadrant),
            **common,
        )
        yield Write(quadrant_register_addr(chip, regmap.CTL, quadrant), word)
    unused = sum(1 << q for q in range(chip.n_quadrants) if q not in quadrants)
    if options.powers_down and unused:
        word = regmap.AON.pack(rdy_sel=options.ready.always_on, pd=unused)
        yield Write(global_register_addr(chip, regmap.AON), word)
    word = regmap.CTL.pack(
        cnn_en=1,
        ext_sync=SYNC_ENABLE if uses_fifo else 0,
        fifo_en=int(uses_fifo and _is_fed(graph, master)),
        **_fast_fifo(graph, master),
        **common,
    )
    yield Write(quadrant_register_addr(chip, regmap.CTL, master), word)


def _is_fed(graph: PlacedGraph, quadrant: int) -> bool:
    """Whether a FIFO reaches processors of the first layer in a quadrant."""
    return bool(lanes_of(graph.layers[0], quadrant))


def _fast_fifo(graph: PlacedGraph, quadrant: int) -> dict[str, int]:
    """Control bits of a quadrant that the fast FIFO feeds; none otherwise."""
    if not (graph.input_path is InputPath.FAST_FIFO and _is_fed(graph, quadrant)):
        return {}
    return {"ffifo_en": 1, "fifogrp": int(is_grouped(graph.layers[0]))}
