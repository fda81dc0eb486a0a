"""Time and energy of everything the chip does for an answer: loading, then inference. Estimates.

Cycles of the inference come from the latency formula, its power from `facts.energy`. Loading
is a copy by the core, one 32-bit word after the other. Knows nothing of boards: what one measures
is printed by `max78000 energy`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.energy import IDLE_MW, PROCESSOR_MW, layer_energy_uj
from synthesis.place.place import Placement
from synthesis.read.description import DataFormat

# A word of a copy loop takes about ten cycles of the core at 100 MHz: load 2, store 2, count 1 and
# branch 3 ([Cortex-M4], instruction timings), and what is left of the two
# 50 MHz cycles of a write on the peripheral bus (AMBA APB). Not measured.
WORD_US = 0.1
SOURCE = (
    f"time times ({IDLE_MW:g} mW + {PROCESSOR_MW:g} mW a processor), from published measurements "
    "(arXiv 2202.07503, arXiv 2306.00001, AICAS 2022); loading: 10 core cycles a 32-bit word"
)
ACCURACY_FACTOR = 2  # the truth may be so many times as much, or as little


@dataclass(frozen=True, slots=True)
class Work:
    """One step on the way to an answer.

    Attributes:
        words: 32-bit words that the core stores.
        is_repeated: needed for every answer; otherwise once after power-on.
    """

    name: str
    words: int
    microseconds: float
    energy_uj: float
    is_repeated: bool


def make_work(
    placement: Placement, layers_us: Sequence[float], total_us: float, chip: Chip
) -> tuple[Work, ...]:
    """Loading of weights, biases and input, then the inference.

    Args:
        placement: where everything lies.
        layers_us: time of every layer.
        total_us: time of the inference, start-up and wake-up included.
        chip: the accelerator's facts.
    """
    n_kernel_words = int(placement.kernels.is_used.sum())
    weights = -(-n_kernel_words * chip.kernel_word_bytes // WORD_BYTES)
    biases = sum(map(len, placement.biases.contents))  # each byte has a word to itself
    return (
        loading("weights", weights, is_repeated=False),
        loading("biases", biases, is_repeated=False),
        loading("input", input_words(placement), is_repeated=True),
        _inference(placement, layers_us, total_us),
    )


def input_words(placement: Placement) -> int:
    """Words of the network input: four channels of a pixel each, or four pixels of a channel."""
    shape = placement.graph.input_shape
    if placement.layers[0].data_format is DataFormat.CHW:
        return shape.channels * -(-shape.n_pixels // WORD_BYTES)
    return shape.n_pixels * -(-shape.channels // WORD_BYTES)


def loading(name: str, words: int, *, is_repeated: bool) -> Work:
    """Stores of so many 32-bit words by the core, one after the other."""
    time_us = words * WORD_US
    return Work(
        name=name,
        words=words,
        microseconds=time_us,
        energy_uj=layer_energy_uj(time_us, 0),
        is_repeated=is_repeated,
    )


def _inference(placement: Placement, layers_us: Sequence[float], total_us: float) -> Work:
    """The layers, and the rest of the time with the accelerator on and nothing to do."""
    counts = [placed.processors.bit_count() for placed in placement.layers]
    busy_uj = sum(map(layer_energy_uj, layers_us, counts))
    idle_uj = layer_energy_uj(total_us - sum(layers_us), 0)
    return Work(
        name="inference",
        words=0,
        microseconds=total_us,
        energy_uj=busy_uj + idle_uj,
        is_repeated=True,
    )
