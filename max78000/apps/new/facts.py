"""What an application has to know of a network, from the files that `synthesize` wrote.

Reads and works out; text is `network_c.py`'s.
"""

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from max78000.errors import InputError, UnsupportedError
from max78000.facts import regmap
from max78000.facts.chip import Chip
from max78000.facts.regmap import (
    fifo_data_addr,
    global_register_addr,
    locate,
    locate_memory,
    quadrant_register_addr,
)
from max78000.files import DAMAGED
from max78000.machine.inputs import LOAD_INPUT, pixel_channels
from max78000.machine.predict import LoadedMachine
from max78000.program.folder import PROGRAM_FILE, REPORT_FILE, read_program, require_alone
from max78000.program.network_file import NetworkFacts, read_network_file
from max78000.program.program import Copy, Fifo, OutputMap, RegisterProgram, Write, chip_of

N_AXES_OF_PICTURE = 3  # channels, rows, columns
APP_TIMER = 3  # of applications; a project's own is another one
TIMER_LINE = re.compile(r"#define CNN_INFERENCE_TIMER MXC_TMR(\d)")
# The first row of what `cnn_unload` stores: the type of its values, and how they are scaled.
UNLOAD_LINE = re.compile(r"\* +0: .* values of type int(\d+)_t(?:, multiplied by 2\^(-?\d+))?")
NAMES_NEEDED = ("cnn.c", "cnn.h", "weights.h")


@dataclass(frozen=True, slots=True)
class InputBlock:
    """Words that go to one place, and the channels of a pixel's bytes; -1 for none."""

    addr: int
    fifo_full: int  # bit of the FIFOs' status; 0: memory
    channels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CoreAnswer:
    """The first result, as the core has it.

    Attributes:
        kind: of `values_kind_t`, without its prefix.
        unit: real number for an integer 1.
    """

    kind: str
    n_values: int
    unit: float


@dataclass(frozen=True, slots=True)
class AppNetwork:
    """One network for an application.

    Attributes:
        name: of the network.
        checksum: CRC-32 of `program.json`.
        shape: of its input, as the accelerator takes it: channels, rows, columns.
        is_planar: a block is one channel, four pixels a word.
        words_per_pixel: in each block.
        blocks: of the input, in the order of the program.
        n_words: of each block.
        last_layer_addrs: registers that say which layer is the last.
        last_layer: its index.
        outputs: what the accelerator leaves.
        facts: what the checkpoint and the description say.
        answer: the first result, as the core has it.
        has_finish: there is a `cnn_finish.c`.
        energy_uj: of input and inference, as the report estimates it; 0 where nobody says.
    """

    name: str
    checksum: int
    shape: tuple[int, int, int]
    is_planar: bool
    words_per_pixel: int
    blocks: tuple[InputBlock, ...]
    n_words: int
    last_layer_addrs: tuple[int, ...]
    last_layer: int
    outputs: tuple[OutputMap, ...]
    facts: NetworkFacts
    answer: CoreAnswer
    has_finish: bool
    energy_uj: int

    @property
    def is_fifo(self) -> bool:
        """True if the input goes through FIFOs while the network runs."""
        return any(block.fifo_full for block in self.blocks)

    @property
    def form(self) -> Mapping[str, Any]:
        """How training prepared inputs; empty where nobody says."""
        found: Mapping[str, Any] = self.facts.trained.get("input") or {}
        return found

    @property
    def fold(self) -> int:
        """Rows and columns of a picture for one of the input."""
        return int(self.form.get("fold", 1))

    @property
    def levels(self) -> tuple[tuple[int, ...], ...] | None:
        """What the 256 levels of each channel of a picture become; None: a level less 128, or the
        network takes no pictures as training prepared them.

        The same arithmetic, in single precision, as training's.
        """
        form = self.form
        if len(form.get("shape", ())) != N_AXES_OF_PICTURE:
            return None
        scale = 255 / (form["high"] - form["low"])
        mean = [(one - form["low"]) * scale for one in form["mean"]]
        zero = np.array(mean or [128.0], np.float32).reshape(-1, 1)
        whole = np.floor(np.arange(256, dtype=np.float32) - zero + 0.5).clip(-128, 127).astype(int)
        table = np.broadcast_to(whole, (int(form["shape"][0]), 256))
        if (table == np.arange(256) - 128).all():
            return None
        return tuple(map(tuple, table.tolist()))


def read_network(folder: Path) -> AppNetwork:
    """Read a project that `synthesize` wrote.

    Raises:
        InputError: files are missing or damaged.
        UnsupportedError: the network runs on the RISC-V core, or its code has no interface file.
    """
    require_alone(folder)
    program = read_program(folder)
    _check_code(folder)
    chip = chip_of(program)
    facts = read_network_file(folder)
    machine = LoadedMachine(program)
    read = machine.sample.setups[0].read
    shape = _shape(facts, (read.n_channels, read.rows, read.columns))
    read = machine.read_as(shape)
    channels = pixel_channels(read, shape[0], chip)
    blocks = tuple(_blocks(program, channels, chip))
    return AppNetwork(
        name=program.name,
        checksum=zlib.crc32((folder / PROGRAM_FILE).read_bytes()),
        shape=shape,
        is_planar=read.is_chw,
        words_per_pixel=read.words_per_pixel,
        blocks=blocks,
        n_words=read.n_words,
        last_layer_addrs=_last_layer_addrs(program, chip),
        last_layer=_last_layer(program, chip),
        outputs=program.outputs,
        facts=facts,
        answer=_core_answer(folder, machine, facts),
        has_finish=(folder / "cnn_finish.c").is_file(),
        energy_uj=_energy_uj(folder / REPORT_FILE),
    )


def _core_answer(folder: Path, machine: LoadedMachine, facts: NetworkFacts) -> CoreAnswer:
    """By the section `finish`, or what `cnn.h` says of the unload buffer."""
    if facts.finish:
        first = facts.finish[0]
        return CoreAnswer("INDEX" if first.is_index else "FLOAT", prod(first.shape), 1.0)
    output = machine.program.outputs[0]
    row = UNLOAD_LINE.search((folder / "cnn.h").read_text(encoding="utf-8"))
    bits, scale = (row[1], int(row[2] or 0)) if row else (str(output.width_bits), 0)
    return CoreAnswer(f"INT{bits}", prod(output.shape), machine.unit_of(output) * 2.0**-scale)


def _energy_uj(report: Path) -> int:
    """What is spent for every input."""
    try:
        work = json.loads(report.read_text(encoding="utf-8"))["work"]
        return round(sum(float(one["energy_uj"]) for one in work if one["is_repeated"]))
    except (OSError, *DAMAGED):
        return 0


def _check_code(folder: Path) -> None:
    for name in NAMES_NEEDED:
        if not (folder / name).is_file():
            fix = "synthesize without --riscv, --api-filename and --weight-filename"
            raise UnsupportedError(f"there is no {name}", where=str(folder), fix=fix)
    timer = TIMER_LINE.search((folder / "cnn.h").read_text(encoding="utf-8"))
    if timer and int(timer[1]) == APP_TIMER:
        why = f"measures with timer {APP_TIMER}, which applications need"
        raise UnsupportedError(why, where=str(folder), fix="synthesize with --timer 0")


def _shape(facts: NetworkFacts, read: tuple[int, int, int]) -> tuple[int, int, int]:
    """The input's shape: as trained, folded; else as layer 0 reads it, which can have channels
    that nobody gives.
    """
    form = facts.trained.get("input")
    if not form:
        return read
    fold = int(form["fold"])
    channels, *sizes = (int(size) for size in form["shape"])
    rows, columns = (*(size // fold for size in sizes), 1)[:2]
    return channels * fold * fold if len(sizes) == 2 else channels, rows, columns


def _blocks(
    program: RegisterProgram, channels: Mapping[int, tuple[int, ...]], chip: Chip
) -> Iterator[InputBlock]:
    for operation in program.phase(LOAD_INPUT).operations:
        match operation:
            case Copy(addr, _):
                place = locate_memory(chip, addr)
                assert place is not None
                yield InputBlock(addr, 0, channels[place.bank])
            case Fifo(index, _):
                instance = index * chip.processors_per_quadrant // chip.processors_per_instance
                yield InputBlock(fifo_data_addr(chip, index), 1 << index, channels[instance])
            case _:
                fix = "synthesize with --fifo, or without any FIFO"
                raise UnsupportedError("the input takes the RISC-V core", fix=fix)


def fifo_status_addr(chip: Chip) -> int:
    """Address of the register that says which FIFOs are full."""
    return global_register_addr(chip, regmap.FIFO_STAT)


def _last_layer_addrs(program: RegisterProgram, chip: Chip) -> tuple[int, ...]:
    """Of the quadrants that the program starts."""
    stores = (op for op in program.phase("start").operations if isinstance(op, Write))
    places = (locate(chip, store.addr) for store in stores)
    quadrants = {p.quadrant or 0 for p in places if p is not None and p.register is regmap.CTL}
    return tuple(quadrant_register_addr(chip, regmap.LCNT_MAX, one) for one in sorted(quadrants))


def _last_layer(program: RegisterProgram, chip: Chip) -> int:
    wanted = quadrant_register_addr(chip, regmap.LCNT_MAX, 0)
    for phase in program.phases:
        for operation in phase.operations:
            if isinstance(operation, Write) and operation.addr == wanted:
                return operation.value
    raise InputError("does not say which layer is the last", where=program.name)
