"""The placed graph: every layer with its processors, offsets and memory slots. Values only.

A processor map is a number of which bit p is processor p. Passes are the rounds that a layer with
more channels than processors needs.
"""

from dataclasses import dataclass
from functools import cache

from max78000.facts.chip import Chip
from synthesis.graph.ir import Graph, Layer, Producer
from synthesis.lower.hardware import Hardware, Passes
from synthesis.read.description import DataFormat, Operator
from synthesis.read.source import InputPath


def packed_map(n_processors: int, first: int = 0) -> int:
    """A run of neighbouring processors."""
    return ((1 << n_processors) - 1) << first


def lowest(processors: int) -> int:
    """Index of the lowest processor in a map; -1 if it is empty."""
    return (processors & -processors).bit_length() - 1


def highest(processors: int) -> int:
    """Index of the highest processor in a map; -1 if it is empty."""
    return processors.bit_length() - 1


@cache  # asked for again and again while places are tried
def members(processors: int) -> tuple[int, ...]:
    """Processors of a map, ascending."""
    return tuple(p for p in range(processors.bit_length()) if processors >> p & 1)


def quadrant_map(processors: int, quadrant: int, chip: Chip) -> int:
    """The bits of one quadrant, its first processor at bit 0."""
    width = chip.processors_per_quadrant
    return processors >> width * quadrant & packed_map(width)


def quadrants_of(processors: int, chip: Chip) -> tuple[int, ...]:
    """Quadrants that a map touches, ascending."""
    return tuple(q for q in range(chip.n_quadrants) if quadrant_map(processors, q, chip))


def instances_of(processors: int, chip: Chip) -> frozenset[int]:
    """Data memory instances that a map touches."""
    return frozenset(p // chip.processors_per_instance for p in members(processors))


@dataclass(frozen=True, slots=True)
class KernelSlot:
    """Kernel memory of a layer: the same words in each of its processors."""

    first_word: int
    n_words: int
    count: int  # kernels the engine steps through, for the mask registers
    owner: int  # layer that stores them; another layer's index if they are shared

    @property
    def end(self) -> int:
        """The word behind the last one."""
        return self.first_word + self.n_words


@dataclass(frozen=True, slots=True)
class BiasSlot:
    """Bias memory of a layer."""

    quadrant: int
    offset: int
    length: int
    owner: int


@dataclass(frozen=True, slots=True)
class PlacedLayer:
    """A layer in its place. Offsets in bytes inside every data memory instance.

    It knows its chip: passes and lanes mean nothing without it, and all that reads a placed layer
    (packing, streams, registers) asks for them.
    """

    chip: Chip
    layer: Layer
    hardware: Hardware
    processors: int
    output_processors: int
    in_offset: int
    out_offset: int
    write_gap: int
    data_format: DataFormat
    kernel_slot: KernelSlot | None = None
    bias_slot: BiasSlot | None = None

    @property
    def in_passes(self) -> Passes:
        """Rounds of input channels."""
        return Passes.of(self.layer.in_shape.channels, self.chip)

    @property
    def out_passes(self) -> Passes:
        """Rounds of output channels."""
        return Passes.of(self.layer.out_shape.channels, self.chip)

    @property
    def has_fitting_maps(self) -> bool:
        """True if every channel of a pass has a processor; rules P2 and P3 refuse other layers."""
        is_read = self.processors.bit_count() == self.in_passes.width
        return is_read and self.output_processors.bit_count() == self.out_passes.width

    @property
    def has_convolution(self) -> bool:
        """True if the layer multiplies; pass-through layers do not."""
        return self.hardware.op is not Operator.PASSTHROUGH

    @property
    def bits(self) -> int:
        """Weight width; 0 for layers without weights that do not say otherwise."""
        # Quirk passthrough-width: a width given without weights shows in LCTL2.
        kernel = self.layer.kernel
        return kernel.bits if kernel is not None else self.layer.passthrough_bits

    @property
    def is_emulated(self) -> bool:
        """True for element-wise layers whose passes the hardware sees as further rows."""
        # Quirk emulated-passes: the engine combines one pass, or two operands of two.
        n, passes = self.layer.operands, self.in_passes.n
        return n > 1 and passes > 1 and n * passes != n + passes

    @property
    def flatten_product(self) -> int:
        """Input rounds of a flattened layer minus one; 0 for others."""
        if not self.layer.flatten:
            return 0
        rows, columns = self.hardware.pooled
        return self.in_passes.n * rows * columns - 1

    @property
    def lead(self) -> int:
        """Lanes of the first output word below the first output channel."""
        return lowest(self.output_processors) % self.chip.processors_per_instance


@dataclass(frozen=True, slots=True)
class PlacedGraph:
    """The whole network in its place."""

    graph: Graph
    layers: tuple[PlacedLayer, ...]

    @property
    def chip(self) -> Chip:
        """The chip that it is placed on."""
        return self.layers[0].chip

    @property
    def input_path(self) -> InputPath:
        """How the network input arrives."""
        return self.graph.input_path

    @property
    def n_streaming(self) -> int:
        """Layers that run at the same time, from the first on."""
        return self.graph.n_streaming

    @property
    def outputs(self) -> tuple[PlacedLayer, ...]:
        """Layers whose results are unloaded and checked."""
        return tuple(self.layers[layer.index] for layer in self.graph.outputs)

    @property
    def unloaded(self) -> tuple[PlacedLayer, ...]:
        """Layers that `cnn_unload` delivers, unless the description lists something else."""
        return tuple(self.layers[layer.index] for layer in self.graph.unloaded)

    def layer_of(self, producer: Producer) -> PlacedLayer | None:
        """The layer that makes a tensor; None for what is there before any layer runs."""
        return self.layers[producer.step] if producer.is_layer else None

    def writers(self, placed: PlacedLayer) -> tuple[PlacedLayer, ...]:
        """The layers among a layer's producers."""
        return tuple(filter(None, map(self.layer_of, placed.layer.sources)))

    def max_time_slots(self, placed: "PlacedLayer") -> int:
        """Words a pass-through layer writes per pixel, pass and quadrant."""
        maps = (quadrant_map(placed.processors, q, self.chip) for q in self.quadrants)
        return max(1, *(-(-m.bit_count() // self.chip.processors_per_instance) for m in maps))

    @property
    def quadrants(self) -> tuple[int, ...]:
        """Quadrants in use: those that a layer reads from, and those of all results."""
        # [tool] leaves results that are neither read nor last without power.
        used = 0
        for placed in self.layers:
            used |= placed.processors
        for placed in self.outputs:
            used |= placed.output_processors
        for unload in self.graph.unload:
            used |= unload.processors
        return quadrants_of(used, self.chip)
