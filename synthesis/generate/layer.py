"""One placed layer -> its register words, one short function per register.

The formulas reproduce the vendor generator's values on all its accepted networks; registers and
fields come from the register tables.

Source: docs/hardware/registers.md#layer-registers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from max78000.facts import regmap
from max78000.facts.chip import Chip
from max78000.facts.fixed import Activation, Combine
from max78000.facts.regs import Register
from synthesis.graph.ir import PoolKind
from synthesis.lower.hardware import row_buffer_entries
from synthesis.place.placed import (
    PlacedGraph,
    PlacedLayer,
    highest,
    lowest,
    members,
    quadrant_map,
)
from synthesis.place.stream import frame_words, stream_of
from synthesis.read.description import DataFormat, Operator

EWISE_FUNC = MappingProxyType({Combine.SUB: 0, Combine.ADD: 1, Combine.OR: 2, Combine.XOR: 3})
# Quirk mask-size: 8 bits are code 0, the others in their order.
MASK_SIZE = MappingProxyType({0: 0, 8: 0, 1: 1, 2: 2, 4: 3})
TIME_SLOT_WORDS = 0x800  # step per time slot of a pass-through layer on a single instance
# Quirk flatten-counter: from here on the count needs four more bits, in POST, and all of TPTR.
FLATTEN_LIMIT = regmap.LCTL2.field("inpchexp").limit


@dataclass(frozen=True, slots=True)
class Context:
    """What a layer's registers depend on besides the layer: its quadrant and the quadrants in
    use.
    """

    placed: PlacedLayer
    graph: PlacedGraph
    quadrant: int

    @property
    def chip(self) -> Chip:
        """The chip of the placed layer."""
        return self.placed.chip

    @property
    def in_map(self) -> int:
        """This quadrant's part of the input map."""
        return quadrant_map(self.placed.processors, self.quadrant, self.chip)

    @property
    def out_map(self) -> int:
        """This quadrant's part of the output map."""
        return quadrant_map(self.placed.output_processors, self.quadrant, self.chip)

    @property
    def is_master(self) -> bool:
        """True in the quadrant that collects the sums of the others."""
        return self.quadrant == self.graph.quadrants[0]


def layer_words(
    placed: PlacedLayer, graph: PlacedGraph, quadrant: int
) -> list[tuple[Register, int]]:
    """Registers of one layer in one quadrant, in the order they are written; zeros included."""
    context = Context(placed, graph, quadrant)
    words = [(register, REGISTERS[register.name](context)) for register in ORDER]
    if placed.layer.index == 0 and graph.input_path.is_fifo:
        words.append((regmap.IFRM, regmap.IFRM.pack(value=frame_words(placed))))
    return words


def _rcnt(c: Context) -> int:
    return _count(regmap.RCNT, c.placed, 0)


def _ccnt(c: Context) -> int:
    return _count(regmap.CCNT, c.placed, 1)


def _count(register: Register, placed: PlacedLayer, axis: int) -> int:
    """Unpooled input size and padding along one axis."""
    size, pad = placed.hardware.in_dims[axis], placed.hardware.pad[axis]
    # Quirk flatten-pixel: one pixel; those that are flattened are among the passes.
    if placed.layer.flatten:
        return register.pack(max=placed.layer.pool.window[axis] - 1)
    if placed.hardware.op is Operator.CONVTRANSPOSE2D:
        size *= 2
    elif placed.is_emulated and axis == 0:
        size *= placed.in_passes.n
    return register.pack(max=size - 1 + 2 * pad, pad=pad)


def _prcnt(c: Context) -> int:
    return regmap.PRCNT.pack(max=c.placed.layer.pool.window[0] - 1)


def _pccnt(c: Context) -> int:
    return regmap.PCCNT.pack(max=c.placed.layer.pool.window[1] - 1)


def _stride(c: Context) -> int:
    # Quirk transposed-stride: 0 whatever is asked for; rule L2 asks for nothing.
    if c.placed.hardware.op is Operator.CONVTRANSPOSE2D:
        return 0
    # Quirk stride-alone: it works without a window, and is the only way to drop pixels.
    return regmap.STRIDE.pack(max=c.placed.layer.pool.stride[0] - 1)


def _wptr_base(c: Context) -> int:
    placed = c.placed
    word = (placed.out_offset - placed.hardware.lead_bytes) // 4
    return regmap.WPTR_BASE.pack(word=word, instance=_first_instance(c))


def _first_instance(c: Context) -> int:
    """Data memory in which the quadrant's write pointer starts.

    With local writes quadrant q starts at the first output processor from 4*q on, or, if there is
    none, in data memory q - 1. The machine refuses what would depend on it.
    """
    # Quirk local-pointer: 16*q would make sense; so [tool] writes it, and calls it untested.
    first, n_lanes = lowest(c.placed.output_processors), c.chip.processors_per_instance
    if _writes_locally(c):
        behind = c.placed.output_processors >> n_lanes * c.quadrant
        return c.quadrant + lowest(behind) // n_lanes
    if not c.placed.has_convolution:
        start = c.chip.processors_per_quadrant * c.quadrant
        first = start + lowest(c.out_map) if c.out_map else 0
    return first // n_lanes


def _wptr_toffs(c: Context) -> int:
    placed = c.placed
    if placed.has_convolution:
        # Quirk passthrough-slots: 1 with 1x1 kernels; nobody says why.
        return regmap.WPTR_TOFFS.pack(value=int(_is_1x1(placed)))
    spreads = placed.processors.bit_count() > placed.chip.processors_per_instance
    is_wide = spreads or (placed.layer.operands > 1 and placed.in_passes.n > 1)
    return regmap.WPTR_TOFFS.pack(value=c.chip.data_instance_words if is_wide else TIME_SLOT_WORDS)


def _wptr_moffs(c: Context) -> int:
    step = c.chip.data_instance_words  # from one data memory to the next
    return regmap.WPTR_MOFFS.pack(value=step if c.placed.has_convolution else 0)


def _wptr_choffs(c: Context) -> int:
    if c.placed.out_passes.n == 1:
        return 0
    step = c.placed.layer.output_width // 8 * (c.placed.write_gap + 1)
    return regmap.WPTR_CHOFFS.pack(value=step)


def _rptr_base(c: Context) -> int:
    return regmap.RPTR_BASE.pack(value=c.placed.in_offset // 4)


def _lctl(c: Context) -> int:
    layer = c.placed.layer
    return regmap.LCTL.pack(
        master=1,
        parallel=int(c.placed.data_format is DataFormat.CHW),
        pool_en=int(layer.pool.has_window),
        # Quirk maximum-bit: set without pooling, too; only an average clears it.
        maxpl_en=int(layer.pool.kind is PoolKind.MAX),
        act_en=int(layer.activation is Activation.RELU),
        sramlsrc=int(not _writes_locally(c)),
        cnnsi_en=_collected_quadrants(c),
        bigdwrt=int(layer.output_width == 32),
    )


def _collected_quadrants(c: Context) -> int:
    """Other quadrants whose sums, or whose bias, the master quadrant adds."""
    if not (c.is_master and c.placed.has_convolution):
        return 0
    # Quirk sum-quadrants: a quadrant that only has the bias needs its bit as well.
    maps = (quadrant_map(c.placed.processors, q, c.chip) for q in range(c.chip.n_quadrants))
    collected = sum(1 << q for q, processors in enumerate(maps) if q and processors)
    if c.placed.bias_slot is not None and c.placed.bias_slot.quadrant:
        collected |= 1 << c.placed.bias_slot.quadrant
    return collected


def _lctl2(c: Context) -> int:
    placed = c.placed
    if placed.layer.flatten:
        rounds = placed.flatten_product & 0xF
    elif placed.is_emulated:
        rounds = 0
    else:
        rounds = placed.in_passes.n - 1
    step = placed.write_gap + 1
    span = highest(placed.output_processors) - (lowest(placed.output_processors) & ~3)
    return regmap.LCTL2.pack(
        inpchexp=rounds,
        # Quirk passthrough-step: a pass-through layer advances after each pass.
        wptr_inc=(placed.out_passes.n if placed.has_convolution else 1) * step - 1,
        xpch_max=span * placed.bits,
    )


def _mcnt(c: Context) -> int:
    placed = c.placed
    if placed.kernel_slot is None:
        end = 0 if placed.is_emulated else (placed.out_passes.n - 1) * 8
        return regmap.MCNT.pack(end=end)
    start, _ = _kernel_start(placed)
    return regmap.MCNT.pack(
        start=8 * start, end=8 * start + (placed.kernel_slot.count - 1) * placed.bits
    )


def _kernel_start(placed: PlacedLayer) -> tuple[int, int]:
    """First kernel of the layer in units of its own taps, and the bytes left over."""
    assert placed.kernel_slot is not None
    # Quirk kernel-remainder: only with 5, 7 or 8 taps bytes are left over.
    return divmod(9 * placed.kernel_slot.first_word, placed.hardware.n_taps)


def _oned(c: Context) -> int:
    placed, layer = c.placed, c.placed.layer
    fields = {}
    if layer.combine is not None:
        fields = {
            "ewise_en": 1,
            "ewise_func": EWISE_FUNC[layer.combine],
            "prepool": int(layer.pool.has_window and layer.pool_first),
            "conv_2d": int(placed.has_convolution),
            "ewise_cnt": layer.operands - 1,
        }
    is_1d = placed.hardware.op is Operator.CONV1D
    return regmap.ONED.pack(
        tscnt_max=0 if placed.has_convolution else c.graph.max_time_slots(placed) - 1,
        oned_sad=_kernel_start(placed)[1] if placed.kernel_slot is not None else 0,
        oned_width=placed.hardware.kernel_size[0] if is_1d else int(_is_narrow(placed)),
        oned_en=int(is_1d),
        **fields,
    )


def _is_narrow(placed: PlacedLayer) -> bool:
    """True where the width field says one tap: 1x1 kernels, plain pass-through."""
    if placed.has_convolution:
        return _is_1x1(placed)
    return placed.layer.combine is None


def _is_1x1(placed: PlacedLayer) -> bool:
    is_2d = placed.hardware.op in (Operator.CONV2D, Operator.LINEAR)
    return is_2d and placed.hardware.kernel_size == (1, 1)


def _tptr(c: Context) -> int:
    placed = c.placed
    product = placed.flatten_product
    is_unbuffered = _is_1x1(placed) and not (placed.layer.index and placed.layer.is_streaming)
    if placed.hardware.op is Operator.CONV1D or is_unbuffered:
        if product < FLATTEN_LIMIT:
            return 0
        return regmap.TPTR.pack(start=product, max=2 * product + 1)
    start = stream_of(placed, c.graph).row_buffer_start
    entries = row_buffer_entries(placed.hardware, placed.layer.output_pad)
    return regmap.TPTR.pack(start=start, max=start + entries - 1)


def _post(c: Context) -> int:
    placed, layer = c.placed, c.placed.layer
    slot = placed.bias_slot
    has_bias = slot is not None and slot.quadrant == c.quadrant
    shift = layer.kernel.shift if layer.kernel is not None else 0
    is_large = placed.flatten_product >= FLATTEN_LIMIT
    return regmap.POST.pack(
        bptr_sad=slot.offset if slot is not None and has_bias else 0,
        bptr_en=int(has_bias),
        scale_reg=abs(shift),
        scale_shft=int(shift < 0),
        xpmp_cnt=placed.flatten_product >> 4 if is_large else 0,
        mask_size=MASK_SIZE[placed.bits] if placed.has_convolution else 0,
        ts_en=int(not placed.has_convolution),
        # Quirk onexone-pass: the name says 1x1, programs set it where one operand passes through.
        onexone_en=int(not placed.has_convolution and layer.combine is None),
        out_abs=int(layer.activation is Activation.ABS),
        flatten_en=int(is_large),
        deconv_en=int(placed.hardware.op is Operator.CONVTRANSPOSE2D),
    )


def _ena(c: Context) -> int:
    return regmap.ENA.pack(pro_en=c.in_map, mask_en=c.in_map if c.placed.has_convolution else 0)


def _stream1(c: Context) -> int:
    return regmap.STREAM1.pack(start=stream_of(c.placed, c.graph).start)


def _stream2(c: Context) -> int:
    stream = stream_of(c.placed, c.graph)
    return regmap.STREAM2.pack(
        invol=stream.earlier_passes, delta1=stream.delta1, delta2=stream.delta2
    )


def _fmax(c: Context) -> int:
    return regmap.FMAX.pack(value=stream_of(c.placed, c.graph).ring_words)


def _writes_locally(c: Context) -> bool:
    """True if the output map cannot be written through the common pointer: uneven spacing."""
    is_local = False
    for quadrant in c.graph.quadrants:
        lanes = members(quadrant_map(c.placed.output_processors, quadrant, c.chip))
        if is_local or len(lanes) < 2:
            continue
        gaps = [b - a - 1 for a, b in pairwise(lanes)]
        is_uneven = max(gaps) != min(gaps)
        is_local = is_uneven or (max(gaps) > 0 and not c.placed.has_convolution)
    return is_local


REGISTERS: MappingProxyType[str, Callable[[Context], int]] = MappingProxyType(
    {
        "RCNT": _rcnt,
        "CCNT": _ccnt,
        "PRCNT": _prcnt,
        "PCCNT": _pccnt,
        "STRIDE": _stride,
        "WPTR_BASE": _wptr_base,
        "WPTR_TOFFS": _wptr_toffs,
        "WPTR_MOFFS": _wptr_moffs,
        "WPTR_CHOFFS": _wptr_choffs,
        "RPTR_BASE": _rptr_base,
        "LCTL": _lctl,
        "LCTL2": _lctl2,
        "MCNT": _mcnt,
        "ONED": _oned,
        "TPTR": _tptr,
        "POST": _post,
        "ENA": _ena,
        "STREAM1": _stream1,
        "STREAM2": _stream2,
        "FMAX": _fmax,
    }
)
ORDER = tuple(register for register in regmap.LAYER_REGISTERS if register.name in REGISTERS)
