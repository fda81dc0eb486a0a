"""What the registers say about one layer, as values: what it reads, computes and writes.

`decode` makes them, the engine acts on them. They know no register and no memory.
"""

from dataclasses import dataclass

from max78000.facts.chip import WORD_BYTES
from max78000.facts.fixed import Activation, Combine


@dataclass(frozen=True, slots=True)
class ReadSetup:
    """Which words are read: pixel-major, then pass, then operand."""

    first_word: int
    rows: int  # before pooling
    columns: int
    passes: int
    operands: int
    is_chw: bool  # a processor's pixels follow each other byte by byte
    start: int  # values of the layer before, or words of a FIFO, that it waits for
    ring_words: int  # size of a streaming layer's ring, 0 if the layer does not stream
    processors: tuple[int, ...]  # enabled ones, ascending over all quadrants

    @property
    def n_words(self) -> int:
        """Words read from each instance."""
        if self.is_chw:
            return -(-self.rows * self.columns // WORD_BYTES)
        return self.rows * self.columns * self.words_per_pixel

    @property
    def words_per_pixel(self) -> int:
        """Words of one pixel in each instance, unless it is_chw."""
        return self.passes * self.operands

    @property
    def n_channels(self) -> int:
        """Channels that there is room for, of all operands together."""
        return len(self.processors) * self.words_per_pixel


@dataclass(frozen=True, slots=True)
class PoolSetup:
    """Window, step and kind of pooling, and how operands are combined around it."""

    rows: int
    columns: int
    step: int  # also with a window of one element
    is_max: bool
    is_rounding: bool
    combine: Combine | None
    is_pooled_first: bool


@dataclass(frozen=True, slots=True)
class KernelSetup:
    """Where kernels are and how they slide."""

    rows: int
    columns: int
    pad_rows: int
    pad_columns: int
    is_transposed: bool
    weight_bits: int
    first_address: int  # in weight bits of a byte-aligned kernel, see `kernels_of`
    n_steps: int  # output columns times input passes
    byte_offset: int

    @property
    def taps(self) -> int:
        """Weights of one kernel."""
        return self.rows * self.columns


@dataclass(frozen=True, slots=True)
class PostSetup:
    """What happens to a sum before it is written."""

    shift: int
    activation: Activation
    is_wide: bool
    bias_quadrant: int | None
    bias_offset: int


@dataclass(frozen=True, slots=True)
class WriteSetup:
    """Where results go. Words count over all instances: instance number in the bits above 12.

    With local writes a data memory takes its data from its own quadrant's bus alone [UG], so that
    every quadrant that runs writes for itself; else the bus of quadrant 0 reaches all memories.
    """

    first_words: tuple[int, ...]  # per quadrant; a convolution uses that of quadrant 0
    local_quadrants: tuple[int, ...]  # those that run, with local writes; else none
    pixel_step: int
    pass_step: int
    group_step: int  # to the next four processors
    n_passes: int
    columns_per_pass: int  # convolution
    n_slots: int  # pass-through


@dataclass(frozen=True, slots=True)
class LayerSetup:
    """Everything the registers say about one layer; `kernel` is None for a pass-through."""

    index: int
    read: ReadSetup
    pool: PoolSetup
    kernel: KernelSetup | None
    post: PostSetup
    write: WriteSetup

    @property
    def pooled_shape(self) -> tuple[int, int]:
        """Rows and columns after pooling."""
        rows = (self.read.rows - self.pool.rows) // self.pool.step + 1
        return rows, (self.read.columns - self.pool.columns) // self.pool.step + 1

    @property
    def out_shape(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        rows, columns = self.pooled_shape
        kernel = self.kernel
        if kernel is None:
            return rows, columns
        scale = 2 if kernel.is_transposed else 1
        return (
            scale * rows + 2 * kernel.pad_rows - kernel.rows + 1,
            scale * columns + 2 * kernel.pad_columns - kernel.columns + 1,
        )

    @property
    def n_columns(self) -> int:
        """Output columns of a convolution, unused leading ones included."""
        return self.kernel.n_steps // self.read.passes if self.kernel else 0
