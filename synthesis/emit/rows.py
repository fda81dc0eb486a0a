"""Register program -> rows of text that the C templates print: addresses, values, comments, arrays.

Comments come from the register tables, so that a generated line can be checked by eye.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from max78000.chip import Chip
from max78000.program import Copy, Fifo, KernelBlock, OutputMap, Phase, RegisterProgram, Write
from max78000.regmap import fifo_data_addr, locate

WORDS_PER_LINE = 8
BYTES_PER_LINE = 16


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One register write."""

    addr: str
    value: str
    comment: str


@dataclass(frozen=True, slots=True)
class WriteBlock:
    """The writes of one layer in one quadrant."""

    title: str
    writes: tuple[WriteRow, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """A C initializer: name of the macro and its lines."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InputRow:
    """One block of sample data. `number` is its first processor."""

    number: int
    addr: str
    words: tuple[int, ...]

    @property
    def n_words(self) -> int:
        """Length of the block."""
        return len(self.words)


@dataclass(frozen=True, slots=True)
class BiasRow:
    """Bias bytes of one quadrant."""

    quadrant: int
    addr: str
    values: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        """Number of biases."""
        return len(self.values)


@dataclass(frozen=True, slots=True)
class UnloadRow:
    """Up to four neighbouring channels of an output: where they are and how to step."""

    addr: str
    n_pixels: int
    step_words: int
    first_lane: int
    n_lanes: int
    is_wide: int
    comment: str


def hex_word(value: int) -> str:
    """A 32-bit C constant."""
    return f"0x{value:08x}"


def write_rows(phase: Phase, chip: Chip) -> tuple[WriteRow, ...]:
    """The writes of a phase, each with the fields that are not 0."""
    return tuple(_row(op, chip) for op in phase.operations if isinstance(op, Write))


def _row(write: Write, chip: Chip) -> WriteRow:
    location = locate(chip, write.addr)
    assert location is not None, hex_word(write.addr)
    comment = f"{location.register.name}: {location.register.describe(write.value)}"
    return WriteRow(hex_word(write.addr), hex_word(write.value), comment)


def configure_blocks(program: RegisterProgram, chip: Chip) -> Iterator[WriteBlock]:
    """The layer registers, grouped by layer and quadrant."""
    writes = [op for op in program.phase("configure").operations if isinstance(op, Write)]

    def place(write: Write) -> str:
        location = locate(chip, write.addr)
        if location is None or location.layer is None:
            return "all layers"
        return f"Layer {location.layer}, quadrant {location.quadrant}"

    for title, group in groupby(writes, place):
        yield WriteBlock(title, tuple(_row(write, chip) for write in group))


def kernel_array(program: RegisterProgram) -> Array:
    """Records of address, word count, words; a 0 ends the list."""
    words: list[int] = []
    for block in program.phase("load_weights").operations:
        assert isinstance(block, KernelBlock)
        words += [block.addr, len(block.words), *block.words]
    return word_array("KERNELS", [*words, 0])


def word_array(name: str, words: Sequence[int]) -> Array:
    """A list of 32-bit constants."""
    return Array(name, tuple(_lines([hex_word(word) for word in words], WORDS_PER_LINE)))


def bias_rows(program: RegisterProgram, chip: Chip) -> tuple[BiasRow, ...]:
    """Bias bytes per quadrant."""
    rows = []
    for copy in program.phase("load_bias").operations:
        assert isinstance(copy, Copy)
        quadrant = (copy.addr - chip.quadrant_base) // chip.quadrant_stride
        rows.append(BiasRow(quadrant, hex_word(copy.addr), copy.words))
    return tuple(rows)


def bias_array(row: BiasRow) -> Array:
    """Bytes of one quadrant."""
    lines = _lines([f"0x{value:02x}" for value in row.values], BYTES_PER_LINE)
    return Array(f"BIAS_{row.quadrant}", tuple(lines))


def input_rows(program: RegisterProgram, chip: Chip) -> tuple[InputRow, ...]:
    """Sample data, one block per memory instance, numbered by the instance's first processor."""
    rows = []
    for copy in program.phase("load_input").operations:
        if not isinstance(copy, Copy):
            continue
        quadrant, offset = divmod(
            copy.addr - chip.quadrant_base - chip.data_offset, chip.quadrant_stride
        )
        instance = offset // chip.data_instance_bytes
        number = quadrant * chip.processors_per_quadrant + instance * chip.processors_per_instance
        rows.append(InputRow(number, hex_word(copy.addr), copy.words))
    return tuple(rows)


def fifo_rows(program: RegisterProgram, chip: Chip) -> tuple[InputRow, ...]:
    """Sample data per FIFO, numbered by the FIFO."""
    return tuple(
        InputRow(op.fifo_index, hex_word(fifo_data_addr(chip, op.fifo_index)), op.words)
        for op in program.phase("load_input").operations
        if isinstance(op, Fifo)
    )


def known_answer_array(program: RegisterProgram) -> Array:
    """Records of address, mask, word count, words; a 0 ends the list."""
    words: list[int] = []
    for block in program.known_answer:
        words += [block.addr, block.mask, len(block.words), *block.words]
    return word_array("SAMPLE_OUTPUT", [*words, 0])


def unload_rows(outputs: Iterable[OutputMap]) -> Iterator[UnloadRow]:
    """Blocks of an output, channel by channel: neighbours in one word (8 bits) or four (32
    bits).
    """
    for output in outputs:
        is_wide = output.width_bits == 32
        group_bytes, lane_bytes = (16, 4) if is_wide else (4, 1)
        runs: list[list[int]] = []
        for channel, addr in enumerate(output.channel_addrs):
            before = output.channel_addrs[channel - 1] if channel else None
            if before is not None and addr == before + lane_bytes and addr % group_bytes:
                runs[-1].append(channel)
            else:
                runs.append([channel])
        for run in runs:
            addr = output.channel_addrs[run[0]]
            base = addr - addr % group_bytes
            yield UnloadRow(
                addr=hex_word(base),
                n_pixels=output.shape[1] * output.shape[2],
                step_words=output.pixel_stride_bytes // 4,
                first_lane=(addr - base) // lane_bytes,
                n_lanes=len(run),
                is_wide=int(is_wide),
                comment=f"{output.name} channels {run[0]}..{run[-1]}",
            )


def _lines(items: Sequence[str], per_line: int) -> Iterator[str]:
    for start in range(0, len(items), per_line):
        yield ", ".join(items[start : start + per_line]) + ","
