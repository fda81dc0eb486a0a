"""Register program -> rows of text that the C templates print: addresses, values, comments, arrays.

Comments come from the register tables, so that a generated line can be checked by eye.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from max78000.errors import InternalError
from max78000.facts import regmap
from max78000.facts.chip import PLAIN_KERNEL_WORDS, WORD_BYTES, Chip
from max78000.facts.regmap import fifo_data_addr, global_register_addr, locate
from max78000.program.program import (
    Copy,
    FastFifo,
    Fifo,
    KernelBlock,
    Operation,
    Phase,
    Poll,
    RegisterProgram,
    Require,
    Write,
)
from max78000.program.strict_json import hex_word

WORDS_PER_LINE = 8
BYTES_PER_LINE = 16


@dataclass(frozen=True, slots=True)
class Block:
    """C statements under a comment, such as the writes of one layer in one quadrant."""

    title: str
    statements: tuple[str, ...]


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

    @property
    def stores(self) -> Iterator[str]:
        """One C statement a word."""
        for index, word in enumerate(self.words):
            addr = hex_word(int(self.addr, 16) + 4 * index)
            yield f"*(volatile uint32_t *){addr} = {hex_word(word)};"


@dataclass(frozen=True, slots=True)
class FifoRow(InputRow):
    """Words for a FIFO. `number` is its own; `status` & `full` tells whether it has no room."""

    status: str
    full: str
    is_fast: bool = False


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


def statements(phase: Phase, chip: Chip) -> tuple[str, ...]:
    """The operations of a phase as C, each with the register's fields that are not 0."""
    return tuple(_statement(operation, chip) for operation in phase.operations)


def _statement(operation: Operation, chip: Chip, *, store: str = "REG({}) = {};") -> str:
    match operation:
        case Write(addr, value):
            location = locate(chip, addr)
            assert location is not None, hex_word(addr)
            comment = f"{location.register.name}: {location.register.describe(value)}"
            return f"{store.format(hex_word(addr), hex_word(value))} /* {comment} */"
        case Poll(addr, mask, value):
            return f"while ({_differs(addr, mask, value)}) {{ }} {_fields(chip, operation)}"
        case Require(addr, mask, value):
            failed = f"if ({_differs(addr, mask, value)}) {{ return CNN_FAIL; }}"
            return f"{failed} {_fields(chip, operation)}"
        case Copy(addr, words) if not any(words):
            return f"clear((volatile uint32_t *){hex_word(addr)}, {len(words)});"
        case _:
            raise InternalError(f"no C statement for {operation!r:.60}")


def _differs(addr: int, mask: int, value: int) -> str:
    return f"(REG({hex_word(addr)}) & {hex_word(mask)}u) != {hex_word(value)}u"


def _fields(chip: Chip, look: Poll | Require) -> str:
    """A comment: the fields that are looked at."""
    location = locate(chip, look.addr)
    assert location is not None, hex_word(look.addr)
    names = [field.name for field in location.register.fields if field.mask & look.mask]
    return f"/* {location.register.name}: {' '.join(names)} */"


def configure_blocks(program: RegisterProgram, chip: Chip, *, verifies: bool) -> Iterator[Block]:
    """The layer registers, grouped by layer and quadrant; `verifies` reads each of them back."""
    operations = program.phase("configure").operations
    store = "SET({}, {});" if verifies else "REG({}) = {};"

    def place(operation: Operation) -> str:
        location = locate(chip, operation.addr) if isinstance(operation, Write) else None
        if location is None or location.layer is None:
            return "all layers"
        return f"Layer {location.layer}, quadrant {location.quadrant}"

    for title, group in groupby(operations, place):
        yield Block(title, tuple(_statement(op, chip, store=store) for op in group))


def kernel_array(program: RegisterProgram, *, is_compact: bool = False) -> Array:
    """Records of address, word count, words; a 0 ends the list.

    Compact: of the four words of a plain kernel the last, which is always 0, is left out.
    """
    words: list[int] = []
    for block in program.phase("load_weights").operations:
        assert isinstance(block, KernelBlock | Copy)
        stored = block.words
        if is_compact:
            stored = tuple(word for i, word in enumerate(stored, 1) if i % PLAIN_KERNEL_WORDS)
        words += [block.addr, len(stored), *stored]
    return word_array("KERNELS", [*words, 0])


def word_array(name: str, words: Sequence[int]) -> Array:
    """A list of 32-bit constants."""
    digits = struct.pack(f">{len(words)}I", *words).hex(" ", WORD_BYTES)
    text = f"0x{digits}, ".replace(" ", ", 0x", len(words) - 1) if words else ""
    length = len("0x00000000, ") * WORDS_PER_LINE
    lines = (text[start : start + length].rstrip() for start in range(0, len(text), length))
    return Array(name, tuple(lines))


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


def fifo_rows(program: RegisterProgram, chip: Chip) -> tuple[FifoRow, ...]:
    """Sample data per FIFO, numbered by the FIFO; the fast one is the only one, number 0."""
    rows = (_fifo_row(op, chip) for op in program.phase("load_input").operations)
    return tuple(row for row in rows if row is not None)


def _fifo_row(operation: Operation, chip: Chip) -> FifoRow | None:
    match operation:
        case Fifo(index, words):
            status = hex_word(global_register_addr(chip, regmap.FIFO_STAT))
            data = hex_word(fifo_data_addr(chip, index))
            full = f"0x{1 << index:x}u"
            return FifoRow(number=index, addr=data, words=words, status=status, full=full)
        case FastFifo(words):
            status = hex_word(global_register_addr(chip, regmap.FFIFO_STAT))
            data = hex_word(global_register_addr(chip, regmap.FFIFO_DATA))
            full = f"0x{regmap.FFIFO_STAT.field('full').mask:x}u"
            return FifoRow(number=0, addr=data, words=words, status=status, full=full, is_fast=True)
        case _:
            return None


def known_answer_array(program: RegisterProgram) -> Array:
    """Records of address, mask, word count, words; a 0 ends the list."""
    words: list[int] = []
    for block in program.known_answer:
        words += [block.addr, block.mask, len(block.words), *block.words]
    return word_array("SAMPLE_OUTPUT", [*words, 0])


def _lines(items: Sequence[str], per_line: int) -> Iterator[str]:
    for start in range(0, len(items), per_line):
        yield ", ".join(items[start : start + per_line]) + ","
