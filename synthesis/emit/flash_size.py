"""What a project takes in the chip's flash, before anybody compiles it (rule O9).

Arrays are counted exactly. For code there is a measured allowance: the board support package with
its texts takes 4.7 KB (gcc 12) to 7.3 KB (clang of zig 0.17), the functions of a network of six
layers 4.0 to 5.7 KB; each register write is three instructions with two constants.
"""

from collections.abc import Mapping, Sequence

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
SHARED_CODE_BYTES = 7_000  # of it: the board support package
BYTES_PER_WRITE = 12
SAMPLE = "the sample input"
FINISH_BYTES, BYTES_PER_CALL = 2_000, 90  # cnn_finish: functions with expf and logf; a call
ANSWER = "the known answer"
TEST = (SAMPLE, ANSWER)


def check_flash(
    program: RegisterProgram, options: ProjectOptions, chip: Chip, where: str = ""
) -> tuple[str, ...]:
    """Find out what the linker would find out; returns warnings.

    The network has to fit. If sample and known answer do not fit beside it, that is a warning: the
    accelerator has room for it, and an application leaves the test out.

    Raises:
        CapacityError: the flash is too small for the network alone.
    """
    return check_parts(flash_parts(program, options), chip, where)


def check_parts(
    parts: Mapping[str, int], chip: Chip, where: str, *, of_several: bool = False
) -> tuple[str, ...]:
    """Find out whether the parts of a firmware fit; returns and raises as `check_flash`.

    Args:
        parts: their bytes.
        chip: size of the flash.
        where: what begins the messages.
        of_several: networks, which are not given every option that one is.
    """
    network = {name: size for name, size in parts.items() if name not in TEST}
    test = {name: size for name, size in parts.items() if name in TEST}
    needed = sum(network.values())
    if needed > chip.flash_bytes:
        what = "the networks without their tests need" if of_several else "the network alone needs"
        why = f"{what} about {needed:,} of {chip.flash_bytes:,} bytes of flash: "
        why += _listed(network)
        fix = "use narrower weights (`quantization: 4`)"
        raise CapacityError(why, where=where, fix=fix, rule="O9")
    free = chip.flash_bytes - needed
    if sum(test.values()) <= free:
        return ()
    what = "the known-answer test" if test[ANSWER] else "the sample"
    why = f"{what} needs about {sum(test.values()):,} bytes of flash, the network leaves {free:,} "
    why += f"of {chip.flash_bytes:,}: {_listed(test)}"
    way_out = _way_out_of_several(test, free) if of_several else _way_out(test, free)
    return (f"{where}: {why} [O9] ({way_out})",)


def flash_parts(
    program: RegisterProgram, options: ProjectOptions, n_finish_calls: int = 0
) -> Mapping[str, int]:
    """Bytes of each part of the firmware; with so many calls in `cnn_finish`."""
    answer = sum(WORD_BYTES * (len(block.words) + 3) for block in program.known_answer)
    writes = sum(
        isinstance(operation, Write) for phase in program.phases for operation in phase.operations
    )
    load_input = program.phase("load_input")
    is_made_up = options.has_fixed_input and all(
        isinstance(operation, Copy) for operation in load_input.operations
    )
    finish = FINISH_BYTES + BYTES_PER_CALL * n_finish_calls if n_finish_calls else 0
    return {
        "weights": _array_bytes(program.phase("load_weights")),
        "biases": _array_bytes(program.phase("load_bias")) // WORD_BYTES,
        SAMPLE: 0 if is_made_up else _array_bytes(load_input),
        ANSWER: answer if options.has_kat else 0,
        "code": CODE_BYTES + BYTES_PER_WRITE * writes + finish,
    }


def sum_of_parts(networks: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    """Parts of a firmware of several networks: what they share is there once."""
    total: dict[str, int] = {}
    for parts in networks:
        for name, size in parts.items():
            total[name] = total.get(name, 0) + size
    total["code"] -= SHARED_CODE_BYTES * (len(networks) - 1)
    return total


def _listed(parts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {size:,}" for name, size in parts.items() if size)


def _way_out(test: Mapping[str, int], free: int) -> str:
    """The options that make room for what is left of the test."""
    if test[SAMPLE] <= free:
        return f"--no-kat saves {test[ANSWER]:,} bytes, --max-checklines most of them"
    options = "--no-kat --fixed-input" if test[ANSWER] else "--fixed-input"
    return f"{options} saves {sum(test.values()):,} bytes; an application brings its own input"


def _way_out_of_several(test: Mapping[str, int], free: int) -> str:
    """The same among the options for several networks, whose main.c checks every answer."""
    options = "--max-checklines" if test[SAMPLE] <= free else "--max-checklines --fixed-input"
    return f"{options} saves most of them; an application leaves the tests out"


def _array_bytes(phase: Phase) -> int:
    return WORD_BYTES * sum(map(_n_words, phase.operations))


def _n_words(operation: Operation) -> int:
    if isinstance(operation, Copy | Fifo | FastFifo | KernelBlock):
        return len(operation.words) + 2
    return 0
