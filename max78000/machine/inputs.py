"""Another input for a program: an image -> the stores of its phase `load_input`.

Knows where layer 0 reads from its registers alone; what the numbers mean is somebody else's matter.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError
from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.regmap import locate_memory
from max78000.machine.memory import LANES
from max78000.machine.setup import ReadSetup
from max78000.program.program import Copy, FastFifo, Fifo, Operation, Phase, RegisterProgram

LOAD_INPUT = "load_input"


def with_input(
    program: RegisterProgram, read: ReadSetup, image_chw: NDArray[Any], chip: Chip
) -> RegisterProgram:
    """The program with other input data; it has no known answer then.

    Args:
        program: keeps its way of loading, by copies or through FIFOs.
        read: how its layer 0 reads.
        image_chw: integers of 8 bits, channels of all operands one after the other.
        chip: its address map.
    Raises:
        InputError: the image does not have the shape that layer 0 reads, or its values do not fit.
    """
    _require_fit(read, image_chw)
    words = _words_by_instance(read, image_chw, chip)
    phases = (
        Phase(phase.name, tuple(_with_words(op, read, words, chip) for op in phase.operations))
        if phase.name == LOAD_INPUT
        else phase
        for phase in program.phases
    )
    return replace(program, phases=tuple(phases), known_answer=())


def pixel_channels(read: ReadSetup, n_inputs: int, chip: Chip) -> dict[int, tuple[int, ...]]:
    """Which channel is in which byte of a pixel's words: by data memory instance; -1 for none.

    Args:
        read: how layer 0 reads; planar inputs have a single channel in each instance.
        n_inputs: channels of all operands together.
        chip: its address map.
    """
    n_words = read.words_per_pixel
    width = len(read.processors)
    n_channels = n_inputs // read.operands
    found: dict[int, NDArray[np.int64]] = {}
    for channel in range(n_channels):
        pass_index, rank = divmod(channel, width)
        instance, lane = divmod(read.processors[rank], chip.processors_per_instance)
        lanes = found.setdefault(instance, np.full((n_words, LANES), -1))
        for operand in range(read.operands):
            lanes[pass_index * read.operands + operand, lane] = operand * n_channels + channel
    return {instance: tuple(lanes.ravel().tolist()) for instance, lanes in found.items()}


def _require_fit(read: ReadSetup, image_chw: NDArray[Any]) -> None:
    wanted = f"{read.n_channels}x{read.rows}x{read.columns}"
    if image_chw.ndim != 3 or image_chw.shape[1:] != (read.rows, read.columns):
        found = "x".join(map(str, image_chw.shape))
        raise InputError(f"the input is {found}, layer 0 reads {wanted}")
    n_channels, rest = divmod(len(image_chw), read.operands)
    if rest or -(-n_channels // len(read.processors)) != read.passes:
        raise InputError(f"the input has {len(image_chw)} channels, layer 0 reads {wanted}")
    if image_chw.min() < -128 or image_chw.max() > 127:
        found = f"{image_chw.min()}..{image_chw.max()}"
        raise InputError(f"values {found} are not in -128..127", fix="subtract 128 from pixels")


def _words_by_instance(
    read: ReadSetup, image_chw: NDArray[Any], chip: Chip
) -> dict[int, tuple[int, ...]]:
    """What each data memory instance holds from the first word that is read."""
    n_words, n_pixels = read.n_words, read.rows * read.columns
    lanes = np.zeros((chip.n_instances, n_words, LANES), np.uint8)
    pixels = image_chw.reshape(read.operands, -1, n_pixels).astype(np.int8).view(np.uint8)
    width = len(read.processors)
    for channel in range(pixels.shape[1]):
        pass_index, rank = divmod(channel, width)
        instance, lane = divmod(read.processors[rank], chip.processors_per_instance)
        if read.is_chw:
            lanes[instance].reshape(-1)[:n_pixels] = pixels[0, channel]
            continue
        slots = lanes[instance, :, lane].reshape(n_pixels, read.passes, read.operands)
        slots[:, pass_index] = pixels[:, channel].T
        lanes[instance, :, lane] = slots.reshape(-1)
    words = lanes.reshape(chip.n_instances, -1).view("<u4")
    return {instance: tuple(row.tolist()) for instance, row in enumerate(words)}


def _with_words(
    operation: Operation, read: ReadSetup, words: dict[int, tuple[int, ...]], chip: Chip
) -> Operation:
    """The same store with other words."""
    match operation:
        case Fifo(fifo_index, old):
            instance = fifo_index * chip.processors_per_quadrant // chip.processors_per_instance
            made: Operation = Fifo(fifo_index, words[instance])
        case FastFifo(old):
            instance = 0
            words = {0: _fast_words(read, words, chip)}
            made = FastFifo(words[0])
        case Copy(addr, old):
            place = locate_memory(chip, addr)
            if place is None or place.byte != WORD_BYTES * read.first_word:
                raise InputError(f"the program loads {addr:#010x}, where layer 0 does not read")
            instance = place.bank
            made = Copy(addr, words[instance])
        case _:
            return operation
    if len(words[instance]) != len(old):
        why = f"layer 0 reads {len(words[instance])} words, the program loads {len(old)}"
        raise InputError(why)
    return made


def _fast_words(read: ReadSetup, words: dict[int, tuple[int, ...]], chip: Chip) -> tuple[int, ...]:
    """Words of the fast FIFO: those of the first instance, or a byte of each quadrant's first."""
    if max(read.processors) < chip.processors_per_instance:
        return words[0]
    instances = range(0, chip.n_instances, chip.n_instances // chip.n_quadrants)
    lanes = [[word << (8 * q) for word in words[i]] for q, i in enumerate(instances)]
    return tuple(map(sum, zip(*lanes, strict=True)))
