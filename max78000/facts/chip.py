"""What the silicon has: counts, sizes, limits, addresses. One frozen value per chip, no behaviour.

A limit that is the width of a register field names the register; a test compares it with the
register tables. Source: docs/hardware/registers.md#address-map; [UG] CNN chapter.
"""

from dataclasses import dataclass

from max78000.facts.memory_map import FLASH_BYTES

WORD_BYTES = 4  # of the bus, of data memory and of the register interface
PLAIN_KERNEL_WORDS = 4  # of the bus, for a kernel word in the plain (unpacked) window
WEIGHT_BITS = (1, 2, 4, 8)  # how wide a weight can be


@dataclass(frozen=True, slots=True)
class Chip:
    """Limits and address map of one accelerator. Sizes in bytes unless the name says otherwise.

    A `max_` is the largest value that is possible, a `_limit` the first one that is not.
    """

    name: str
    n_quadrants: int
    processors_per_quadrant: int
    processors_per_instance: int
    n_layers: int
    kernel_words: int  # 72-bit words per processor
    kernel_word_bytes: int
    bias_bytes_per_quadrant: int
    data_instance_bytes: int
    tram_words: int  # 16-bit entries per processor
    cnn_clock_hz: int
    core_clock_hz: int  # of the Arm core, by its fast oscillator
    flash_bytes: int  # of the microcontroller, for code and constants
    wakeup_us: float  # added to cycles / clock by the published board timings

    # What a layer can be.
    max_channels: int  # of the input, and of the output
    max_taps: int  # of a kernel: weights that a processor multiplies at a time
    max_pad: int  # rows or columns of zeros on each side; the field would hold 3
    max_size: int  # rows or columns, padding included; RCNT, CCNT
    frame_limit: int  # input pixels times passes: the frame counter
    max_pool: int  # rows and columns of a window, and its step; PRCNT, PCCNT, STRIDE
    max_operands: int  # of an element-wise operation; ONED
    max_flat: int  # pixels times input passes of a flattened layer; POST and LCTL2, four bits each
    max_write_step: int  # words from an output position to the next; LCTL2
    mask_limit: int  # kernel positions, in bits of weight; MCNT
    bias_limit: int  # of a bias byte, which is signed: -limit .. limit - 1

    # What a stream can be, in words unless the name says otherwise.
    max_streaming: int  # layers: sets of stream registers
    stream_start_limit: int  # before a layer starts; STREAM1
    stream_passes_limit: int  # input passes of the layers before; STREAM2
    stream_step_limit: int  # before it goes on inside a row; STREAM2
    stream_row_step_limit: int  # before it goes on in the next row; STREAM2
    ring_limit: int  # of data memory that its input goes round in; FMAX
    fifo_frame_limit: int  # of a picture, from each FIFO; IFRM

    fifo_base: int
    fast_fifo_base: int  # on the bus of the RISC-V core
    aon_base: int
    quadrant_base: int
    quadrant_stride: int
    layer_register_offset: int
    layer_register_stride: int
    bias_offset: int
    tram_offset: int
    kernel_offset: int
    processor_stride: int  # between kernel memories, and between TRAMs, of two processors
    data_offset: int

    @property
    def n_processors(self) -> int:
        """Processors of the whole accelerator."""
        return self.n_quadrants * self.processors_per_quadrant

    @property
    def n_instances(self) -> int:
        """Data memory instances of the whole accelerator."""
        return self.n_processors // self.processors_per_instance

    @property
    def n_fifos(self) -> int:
        """FIFOs: each feeds the first data memory instance of a quadrant."""
        return self.n_quadrants

    @property
    def fifo_channels(self) -> int:
        """Channels that the FIFOs carry at most: a byte for each processor that they feed."""
        return self.n_fifos * self.processors_per_instance

    @property
    def max_passes(self) -> int:
        """Rounds in which a layer reads, or writes, the most channels."""
        return self.max_channels // self.n_processors

    @property
    def max_flat_inputs(self) -> int:
        """Values that a flattened layer reads at most."""
        return self.max_flat * self.n_processors

    @property
    def weight_bytes(self) -> int:
        """Kernel memory of all processors."""
        return self.n_processors * self.kernel_words * self.kernel_word_bytes

    @property
    def bias_bytes(self) -> int:
        """Bias memory of all quadrants."""
        return self.n_quadrants * self.bias_bytes_per_quadrant

    @property
    def data_bytes(self) -> int:
        """Data memory of all instances."""
        return self.n_instances * self.data_instance_bytes

    @property
    def data_instance_words(self) -> int:
        """Words of one data memory instance."""
        return self.data_instance_bytes // WORD_BYTES

    @property
    def data_words(self) -> int:
        """Words of all data memory instances, which pointers count through."""
        return self.data_bytes // WORD_BYTES

    def quadrant_addr(self, quadrant: int) -> int:
        """First address of a quadrant's registers."""
        return self.quadrant_base + quadrant * self.quadrant_stride

    def kernel_addr(self, processor: int, word: int = 0) -> int:
        """Address of one 72-bit kernel word in the plain (unpacked) window."""
        quadrant, local = divmod(processor, self.processors_per_quadrant)
        window = self.quadrant_addr(quadrant) + self.kernel_offset
        offset_bytes = WORD_BYTES * PLAIN_KERNEL_WORDS * word
        return window + local * self.processor_stride + offset_bytes

    def bias_addr(self, quadrant: int, offset: int = 0) -> int:
        """Address of one bias byte; each has a 32-bit word to itself."""
        return self.quadrant_addr(quadrant) + self.bias_offset + WORD_BYTES * offset

    def data_addr(self, processor: int, offset_bytes: int = 0) -> int:
        """Address of a byte offset in the data memory instance that serves a processor."""
        quadrant, local = divmod(processor, self.processors_per_quadrant)
        instance = local // self.processors_per_instance
        base = self.quadrant_addr(quadrant) + self.data_offset
        return base + instance * self.data_instance_bytes + offset_bytes


MAX78000 = Chip(
    name="MAX78000",
    n_quadrants=4,
    processors_per_quadrant=16,
    processors_per_instance=4,
    n_layers=32,
    kernel_words=768,
    kernel_word_bytes=9,
    bias_bytes_per_quadrant=512,
    data_instance_bytes=0x8000,
    tram_words=3072,
    cnn_clock_hz=50_000_000,
    core_clock_hz=100_000_000,
    flash_bytes=FLASH_BYTES,
    # Quirk wake-up: what four published board timings have in common over the cycles.
    wakeup_us=6.7,
    max_channels=1024,
    max_taps=9,
    max_pad=2,
    max_size=1024,
    frame_limit=1 << 21,
    max_pool=16,
    max_operands=16,
    max_flat=256,
    max_write_step=16,
    mask_limit=1 << 16,
    bias_limit=128,
    max_streaming=8,
    stream_start_limit=1 << 14,
    stream_passes_limit=16,
    stream_step_limit=32,
    stream_row_step_limit=1 << 12,
    ring_limit=1 << 17,
    fifo_frame_limit=1 << 20,
    fifo_base=0x5000_0000,
    fast_fifo_base=0x400C_0400,
    aon_base=0x5000_1000,
    quadrant_base=0x5010_0000,
    quadrant_stride=0x40_0000,
    layer_register_offset=0x10,
    layer_register_stride=0x80,
    bias_offset=0x8000,
    tram_offset=0x1_0000,
    kernel_offset=0x8_0000,
    processor_stride=0x4000,
    data_offset=0x30_0000,
)
