"""Choices of the command line that change the register program. Values only."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReadySelect:
    """Wait states of the bus, 0..3, of quadrants, FIFOs and the always-on block."""

    quadrants: int = 0
    fifos: int = 0
    always_on: int = 0


@dataclass(frozen=True, slots=True)
class ProgramOptions:
    """Choices of the command line that change the program."""

    name: str
    round_average: bool = False
    max_checked_words: int | None = None  # one more is compared, as the vendor generator does
    packs_kernels: bool = True  # kernels are loaded nine bytes a word; else in four 32-bit words
    clears_memories: bool = False  # the self test leaves zeros everywhere before anything is loaded
    powers_down: bool = False  # kernel memories of quadrants that are not used lose their power
    writes_zeros: bool = False  # layer registers whose value is 0 are written too
    has_fixed_input: bool = False  # a fixed pattern instead of the sample
    ready: ReadySelect = field(default_factory=ReadySelect)
