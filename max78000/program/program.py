"""The register program: what is stored where, in order, and which answer must come out.

The narrow waist of the toolchain: the compiler makes one, the C emitter prints it, the simulated
accelerator executes it, and none of them needs to know the network. Values only: what a register
means is in `regmap.py`, how a layer is computed in `machine`.

A program lists its phases in the order of `PHASE_NAMES`; with a FIFO `start` precedes `load_input`,
because the words are pushed into a running accelerator.
"""

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from max78000.errors import InputError, InternalError, ToolError
from max78000.facts.chip import MAX78000, PLAIN_KERNEL_WORDS, Chip
from max78000.facts.regmap import describe_addr, locate
from max78000.program.operations import (
    Copy,
    FastFifo,
    Fifo,
    KernelBlock,
    Operation,
    Poll,
    Require,
    Write,
    require_word_addr,
    require_words,
)
from max78000.program.strict_json import JsonNode, first_difference, hex_word, hex_words

__all__ = [
    "Copy",
    "Cycles",
    "Expected",
    "FastFifo",
    "Fifo",
    "KernelBlock",
    "Operation",
    "OutputMap",
    "Phase",
    "Poll",
    "RegisterProgram",
    "Require",
    "Write",
    "chip_of",
    "from_json",
    "to_json",
    "to_text",
]

FORMAT = "max78000-program-1"
CHIPS = (MAX78000,)
PHASE_NAMES = ("init", "load_weights", "load_bias", "configure", "load_input", "start")


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of the C interface, such as `configure`: operations in order."""

    name: str
    operations: tuple[Operation, ...]

    def __post_init__(self) -> None:
        if self.name not in PHASE_NAMES:
            raise InternalError(f"phase {self.name!r} is none of {', '.join(PHASE_NAMES)}")


@dataclass(frozen=True, slots=True)
class Expected:
    """Known answer: the words from `addr` upwards, compared under `mask`, that `layer` leaves."""

    layer: int
    addr: int
    mask: int
    words: tuple[int, ...]

    def __post_init__(self) -> None:
        require_word_addr(self.addr)
        require_words((self.mask, *self.words))


@dataclass(frozen=True, slots=True)
class OutputMap:
    """Where an output tensor lies in data memory; for messages and for reading results.

    `channel_addrs` holds the byte address of each channel's first element (with 8 bits the low two
    address bits are the byte lane); the element of pixel d is `d * pixel_stride_bytes` further on.
    What the network answers is the element times two to the power of `final_scale`.
    """

    layer: int
    name: str
    shape: tuple[int, int, int]  # channels, rows, columns
    width_bits: int  # 8 or 32
    channel_addrs: tuple[int, ...]
    pixel_stride_bytes: int
    final_scale: int = 0

    def __post_init__(self) -> None:
        if self.width_bits not in (8, 32):
            raise InternalError(f"output {self.name}: width {self.width_bits} is neither 8 nor 32")
        if len(self.shape) != 3 or self.pixel_stride_bytes < 1:
            raise InternalError(f"output {self.name}: shape or pixel stride is impossible")
        if len(self.channel_addrs) != self.shape[0]:
            raise InternalError(f"output {self.name}: a place for each channel is needed")

    def place(self, channel: int, row: int, column: int) -> tuple[int, int]:
        """Word address and byte lane (0 with 32 bits) of one element."""
        pixel = row * self.shape[2] + column
        addr = self.channel_addrs[channel] + pixel * self.pixel_stride_bytes
        return addr & ~3, addr & 3

    def find(self, addr: int, lane: int) -> tuple[int, int, int] | None:
        """Channel, row and column of the element at a word address and lane, if there is one."""
        n_pixels = self.shape[1] * self.shape[2]
        byte_addr = (addr & ~3) + (lane if self.width_bits == 8 else 0)
        for channel, first_addr in enumerate(self.channel_addrs):
            pixel, rest = divmod(byte_addr - first_addr, self.pixel_stride_bytes)
            if rest == 0 and 0 <= pixel < n_pixels:
                return channel, *divmod(pixel, self.shape[2])
        return None


@dataclass(frozen=True, slots=True)
class Cycles:
    """Predicted clock cycles of the CNN clock, for reports."""

    startup: int
    layers: tuple[int, ...]
    is_estimate: bool = False  # streaming layers are only estimated

    @property
    def total(self) -> int:
        """Start-up and all layers."""
        return self.startup + sum(self.layers)


@dataclass(frozen=True, slots=True)
class RegisterProgram:
    """Everything a chip needs to run one network once, and what it must answer."""

    name: str
    chip_name: str
    phases: tuple[Phase, ...]
    known_answer: tuple[Expected, ...] = ()
    outputs: tuple[OutputMap, ...] = ()
    cycles: Cycles | None = None

    def phase(self, name: str) -> Phase:
        """Find a phase; empty if the program has none of that name."""
        for phase in self.phases:
            if phase.name == name:
                return phase
        return Phase(name, ())


def chip_of(program: RegisterProgram) -> Chip:
    """Find the chip that a program is for.

    Raises:
        InputError: no such chip is known here.
    """
    for chip in CHIPS:
        if chip.name == program.chip_name:
            return chip
    raise InputError(f"no chip is called {program.chip_name!r}")


# -- text ----------------------------------------------------------------------------------------


def to_text(program: RegisterProgram, chip: Chip) -> str:
    """Print a program for people and golden files: one line per operation, stable."""
    lines = [f"program {program.name} for {program.chip_name}"]
    for phase in program.phases:
        lines += ["", f"phase {phase.name}"]
        lines += [f"  {_operation_text(operation, chip)}" for operation in phase.operations]
    if program.known_answer:
        lines += ["", "known answer"]
    for want in program.known_answer:
        where = f"layer {want.layer} {want.addr:#010x} mask {want.mask:#010x}"
        lines.append(f"  {where}  {_words_text(want.words)}")
    if program.outputs:
        lines += ["", "outputs"]
    for output in program.outputs:
        shape = "x".join(map(str, output.shape)) + f" of {output.width_bits} bits"
        where = f"from {output.channel_addrs[0]:#010x}"
        scale = f" times 2^{output.final_scale}" if output.final_scale else ""
        lines.append(f"  layer {output.layer} {output.name} {shape} {where}{scale}")
    if program.cycles is not None:
        layers = " ".join(map(str, program.cycles.layers))
        kind = "estimated cycles" if program.cycles.is_estimate else "cycles"
        lines += ["", f"{kind} {program.cycles.total}: {program.cycles.startup} + {layers}"]
    return "\n".join(lines) + "\n"


def _operation_text(operation: Operation, chip: Chip) -> str:
    match operation:
        case Write(addr, value):
            location = locate(chip, addr)
            fields = f": {location.register.describe(value)}" if location else ""
            return f"{addr:#010x} = {value:#010x}  {describe_addr(chip, addr)}{fields}"
        case KernelBlock(addr, words):
            stride = chip.processor_stride
            slow_addr = addr & -stride | addr % stride * PLAIN_KERNEL_WORDS
            return f"{addr:#010x} kernels {_words_text(words)}  {describe_addr(chip, slow_addr)}"
        case Copy(addr, words):
            return f"{addr:#010x} copy {_words_text(words)}  {describe_addr(chip, addr)}"
        case Fifo() | FastFifo():
            name = f"fifo {operation.fifo_index}" if isinstance(operation, Fifo) else "fast fifo"
            return f"{name} {_words_text(operation.words)}"
        case Poll(addr, mask, value):
            return f"{addr:#010x} & {mask:#010x} == {value:#010x}?  {describe_addr(chip, addr)}"
        case Require(addr, mask, value):
            return f"{addr:#010x} & {mask:#010x} == {value:#010x}!  {describe_addr(chip, addr)}"


def _words_text(words: tuple[int, ...]) -> str:
    """Count and checksum: enough to see in a diff that something changed."""
    return f"{len(words)} words crc {zlib.crc32(struct.pack(f'>{len(words)}I', *words)):08x}"


# -- JSON ----------------------------------------------------------------------------------------


def to_json(program: RegisterProgram, chip: Chip) -> str:
    """Write a program as JSON: same program, same bytes; one line per operation.

    Register name, layer, quadrant and field values stand beside each register write for readers;
    `from_json` refuses a file in which they contradict the value.
    """
    parts = [f"{json.dumps(key)}: {_dump(value)}" for key, value in _encode(program, chip).items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def from_json(text: str, source: str = "") -> RegisterProgram:
    """Read what `to_json` wrote; `source` names the file in messages.

    Raises:
        InputError: not JSON, a key missing, unknown or of the wrong kind, a value out of range, or
            a register name or field that contradicts the value beside it.
    """
    try:
        data = json.loads(text)
        program = _decode(JsonNode(data))
        contradiction = first_difference(data, _encode(program, chip_of(program)))
    except (ValueError, RecursionError, ToolError) as error:
        raise InputError(f"not a register program: {error}", where=source) from None
    if contradiction:
        raise InputError(f"not a register program: {contradiction}", where=source)
    return program


def _dump(value: Any) -> str:
    """One line for everything but the lists of the outer levels, whose items get a line each."""
    if not isinstance(value, list) or not any(isinstance(item, dict) for item in value):
        return json.dumps(value)
    items = [
        f'{{"name": {json.dumps(item["name"])}, "operations": {_dump(item["operations"])}}}'
        if "operations" in item
        else json.dumps(item)
        for item in value
    ]
    return "[\n" + ",\n".join(items) + "\n]"


# What each value holds and how it is written; `words` are hexadecimal text.
# fmt: off
_KEYS: tuple[tuple[type, str, tuple[tuple[str, str], ...]], ...] = (
    # type       op         key -> kind, in the order of the constructor
    (Write,       "write",   (("addr", "word"), ("value", "word"))),
    (KernelBlock, "kernels", (("addr", "word"), ("words", "words"))),
    (Copy,        "copy",    (("addr", "word"), ("words", "words"))),
    (Fifo,        "fifo",    (("fifo_index", "number"), ("words", "words"))),
    (FastFifo,    "fast_fifo", (("words", "words"),)),
    (Poll,        "poll",    (("addr", "word"), ("mask", "word"), ("value", "word"))),
    (Require,     "require", (("addr", "word"), ("mask", "word"), ("value", "word"))),
    (Expected,    "",        (("layer", "number"), ("addr", "word"), ("mask", "word"),
                              ("words", "words"))),
    (OutputMap,   "",        (("layer", "number"), ("name", "text"), ("shape", "numbers"),
                              ("width_bits", "number"), ("channel_addrs", "words"),
                              ("pixel_stride_bytes", "number"),
                              ("final_scale", "number_or_0"))),
    (Cycles,      "",        (("startup", "number"), ("layers", "numbers"),
                              ("is_estimate", "flag"))),
)
# fmt: on


def _encode(program: RegisterProgram, chip: Chip) -> dict[str, Any]:
    phases = [
        {"name": phase.name, "operations": [_encode_operation(op, chip) for op in phase.operations]}
        for phase in program.phases
    ]
    return {
        "format": FORMAT,
        "name": program.name,
        "chip": program.chip_name,
        "cycles": None if program.cycles is None else _encode_value(program.cycles),
        "phases": phases,
        "known_answer": [_encode_value(expected) for expected in program.known_answer],
        "outputs": [_encode_value(output) for output in program.outputs],
    }


def _encode_value(value: Any) -> dict[str, Any]:
    op, keys = next((op, keys) for kind, op, keys in _KEYS if kind is type(value))
    entry: dict[str, Any] = {"op": op} if op else {}
    writers: dict[str, Callable[[Any], Any]]
    writers = {"word": hex_word, "words": hex_words, "numbers": list}
    for key, kind in keys:
        item = getattr(value, key)
        if kind == "number_or_0" and not item:
            continue
        entry[key] = writers[kind](item) if kind in writers else item
    return entry


def _encode_operation(operation: Operation, chip: Chip) -> dict[str, Any]:
    entry = _encode_value(operation)
    location = locate(chip, operation.addr) if isinstance(operation, Write) else None
    if isinstance(operation, Write) and location is not None:
        entry["register"] = location.register.name
        for key, number in (("layer", location.layer), ("quadrant", location.quadrant)):
            if number is not None:
                entry[key] = number
        fields = location.register.unpack(operation.value)
        entry["fields"] = {name: value for name, value in fields.items() if value}
    return entry


def _decode(root: JsonNode) -> RegisterProgram:
    if root.text("format") != FORMAT:
        raise InputError(f"format is {root.text('format')!r}, not {FORMAT!r}")
    cycles = root.at("cycles", dict, type(None))
    return RegisterProgram(
        name=root.text("name"),
        chip_name=root.text("chip"),
        phases=tuple(
            Phase(node.text("name"), tuple(map(_decode_operation, node.nodes("operations"))))
            for node in root.nodes("phases")
        ),
        known_answer=tuple(_decode_value(Expected, node) for node in root.nodes("known_answer")),
        outputs=tuple(_decode_value(OutputMap, node) for node in root.nodes("outputs")),
        cycles=None if cycles is None else _decode_value(Cycles, JsonNode(cycles, "cycles")),
    )


def _decode_operation(node: JsonNode) -> Operation:
    name = node.text("op")
    for kind, op, _ in _KEYS:
        if op and op == name:
            operation: Operation = _decode_value(kind, node)
            return operation
    raise InputError(f"there is no operation {name!r}", where=f"{node.path}.op")


def _decode_value(wanted: type, node: JsonNode) -> Any:
    keys = next(keys for kind, _, keys in _KEYS if kind is wanted)
    arguments = {key: getattr(node, kind)(key) for key, kind in keys}
    try:
        return wanted(**arguments)
    except InternalError as error:  # the constructor refuses the values
        raise InputError(str(error), where=node.path) from None
