"""What a project takes in the chip's flash, before anybody compiles it (rule O9).

Arrays are counted exactly. For code there is a measured allowance: the board support package with
its texts takes 4.7 KB (gcc 12) to 7.3 KB (clang of zig 0.17), the functions of a network of six
layers 4.0 to 5.7 KB; each register write is three instructions with two constants.
"""

from collections.abc import Mapping

from max78000.errors import CapacityError
from max78000.facts.chip import WORD_BYTES, Chip
from max78000.program.program import (
    Copy,
    FastFifo,
    Fifo,
    KernelBlock,
    Operation,
    Phase,
    RegisterProgram,
    Write,
)
from synthesis.emit.options import ProjectOptions

CODE_BYTES = 12_000
BYTES_PER_WRITE = 12
ANSWER = "the known answer"


def check_flash(
    program: RegisterProgram, options: ProjectOptions, chip: Chip, where: str = ""
) -> tuple[str, ...]:
    """Find out what the linker would find out; returns warnings.

    What fits without the known answer is written all the same: the accelerator has room for it, and
    an application leaves the test out.

    Raises:
        CapacityError: the flash is too small, with what takes how much and what would help.
    """
    parts = flash_parts(program, options)
    needed = sum(parts.values())
    if needed <= chip.flash_bytes:
        return ()
    listed = ", ".join(f"{name} {size:,}" for name, size in parts.items() if size)
    why = f"the firmware needs about {needed:,} of {chip.flash_bytes:,} bytes of flash: {listed}"
    if needed - parts[ANSWER] > chip.flash_bytes:
        raise CapacityError(
            why, where=where, fix="use narrower weights (`quantization: 4`)", rule="O9"
        )
    fix = f"--no-kat saves {parts[ANSWER]:,} bytes, --max-checklines most of them"
    return (f"{where}: {why} [O9] ({fix})",)


def flash_parts(program: RegisterProgram, options: ProjectOptions) -> Mapping[str, int]:
    """Bytes of each part of the firmware."""
    answer = sum(WORD_BYTES * (len(block.words) + 3) for block in program.known_answer)
    writes = sum(
        isinstance(operation, Write) for phase in program.phases for operation in phase.operations
    )
    return {
        "weights": _array_bytes(program.phase("load_weights")),
        "biases": _array_bytes(program.phase("load_bias")) // WORD_BYTES,
        "the sample input": _array_bytes(program.phase("load_input")),
        ANSWER: answer if options.has_kat else 0,
        "code": CODE_BYTES + BYTES_PER_WRITE * writes,
    }


def _array_bytes(phase: Phase) -> int:
    return WORD_BYTES * sum(map(_n_words, phase.operations))


def _n_words(operation: Operation) -> int:
    if isinstance(operation, Copy | Fifo | FastFifo | KernelBlock):
        return len(operation.words) + 2
    return 0
