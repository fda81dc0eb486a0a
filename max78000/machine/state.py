"""Recorded states: what some generator's C code stored, turned back into a `RegisterProgram`.

A state file is JSON, possibly gzipped. Under `state` it has the stores: `reg`, `aon`, `bias`,
`data` and `tram` map addresses in hexadecimal to the last word; `kernel` lists [start address,
words] per run; `fifo` and `start` list [address, word] in order, the FIFO control register first.
Under `sample_output` it has the known answer, [address, mask, words] each.
"""

import gzip
import io
import json
from pathlib import Path
from typing import Any

from max78000.errors import InputError, InternalError
from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.regmap import (
    FIFO_CTL,
    LCNT_MAX,
    fifo_data_addr,
    global_register_addr,
    locate,
    quadrant_register_addr,
)
from max78000.facts.regs import Bank
from max78000.files import DAMAGED
from max78000.program.program import (
    Copy,
    Expected,
    Fifo,
    KernelBlock,
    Operation,
    Phase,
    RegisterProgram,
    Write,
)

GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 1 << 26  # unpacked; all memories of the chip take a quarter of it


def read_state(path: Path, chip: Chip) -> RegisterProgram:
    """Read a recorded state; the program carries the name of the file's folder.

    Raises:
        InputError: no such file, not such a file, or a case that was refused and has no state.
    """
    try:
        raw = path.read_bytes()
        text = _unpacked(raw) if raw.startswith(GZIP_MAGIC) else raw
        data = json.loads(text, parse_float=_refuse_real)
    except (OSError, *DAMAGED) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from None
    if not isinstance(data, dict) or "state" not in data:
        raise InputError("holds no recorded state", where=str(path))
    try:
        return _program_of(path.resolve().parent.name, data, chip)
    except (InternalError, *DAMAGED) as error:  # operations refuse words that do not fit
        what = error if isinstance(error, InternalError) else repr(error)
        raise InputError(f"the recorded state is malformed: {what}", where=str(path)) from None


def _refuse_real(text: str) -> int:
    raise ValueError(f"{text} is no whole number, as words are")


def _unpacked(raw: bytes) -> bytes:
    with gzip.open(io.BytesIO(raw)) as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES:,} bytes unpacked")
    return text


def _program_of(name: str, data: dict[str, Any], chip: Chip) -> RegisterProgram:
    state = data["state"]
    registers = _by_addr(state["reg"])
    controls = {
        addr: value
        for addr, value in registers.items()
        if (place := locate(chip, addr)) and place.register.bank is Bank.QUADRANT
    }
    last_layer = registers.get(quadrant_register_addr(chip, LCNT_MAX, 0), 0)
    fifo_control, fifos = _fifos(state["fifo"], chip)
    init = _by_addr(state["aon"]) | controls
    configure = {a: v for a, v in registers.items() if a not in controls} | fifo_control
    start = Phase("start", tuple(Write(addr, value) for addr, value in state["start"]))
    load_input = Phase("load_input", (*_copies(state["data"]), *fifos))
    return RegisterProgram(
        name=name,
        chip_name=chip.name,
        phases=(
            Phase("init", _writes(init)),
            Phase("load_weights", tuple(KernelBlock(a, tuple(w)) for a, w in state["kernel"])),
            Phase("load_bias", (*_copies(state["bias"]), *_copies(state["tram"]))),
            Phase("configure", _writes(configure)),
            *((start, load_input) if fifos else (load_input, start)),
        ),
        known_answer=tuple(
            Expected(last_layer, addr, mask, tuple(words))
            for addr, mask, words in data.get("sample_output") or ()
        ),
    )


def _by_addr(stores: dict[str, int]) -> dict[int, int]:
    return {int(addr, 16): value for addr, value in stores.items()}


def _writes(stores: dict[int, int]) -> tuple[Operation, ...]:
    return tuple(Write(addr, value) for addr, value in stores.items())


def _copies(stores: dict[str, int]) -> tuple[Operation, ...]:
    """Group stores to consecutive addresses into copies."""
    copies: list[tuple[int, list[int]]] = []
    for addr, value in sorted(_by_addr(stores).items()):
        if copies and addr == copies[-1][0] + WORD_BYTES * len(copies[-1][1]):
            copies[-1][1].append(value)
        else:
            copies.append((addr, [value]))
    return tuple(Copy(addr, tuple(words)) for addr, words in copies)


def _fifos(stores: list[list[int]], chip: Chip) -> tuple[dict[int, int], tuple[Operation, ...]]:
    """Split FIFO stores into control register and the words of each FIFO."""
    control = global_register_addr(chip, FIFO_CTL)
    first_data = fifo_data_addr(chip, 0)
    words: dict[int, list[int]] = {}
    for addr, word in stores:
        if addr != control:
            words.setdefault((addr - first_data) // WORD_BYTES, []).append(word)
    fifos = tuple(Fifo(index, tuple(pushed)) for index, pushed in sorted(words.items()))
    return {addr: word for addr, word in stores if addr == control}, fifos
