"""Every CNN register and field that programs touch, with its source; addresses both ways.

Tables only: what the values mean for a layer is computed by `synthesis.generate` and read back by
`machine.decode`. Field names are the user guide's where it has one; the others are called `max` (a
count minus one), `pad`, `start`, `end` and `value`.

Source: docs/hardware/registers.md. [UG] is the user guide, [tool] what the vendor's generator does
where that differs from the guide or the guide is silent.
"""

from dataclasses import dataclass
from enum import Enum

from max78000.errors import ToolError
from max78000.facts.chip import Chip
from max78000.facts.regs import Bank, Field, Model, Register

HELD = Model.HELD
FORBIDDEN = Model.FORBIDDEN

# -- layer registers; index = register number n of [UG] ------------------------------------------
# fmt: off

RCNT = Register("RCNT", index=0, source="[UG] RCNT: rows", fields=(
    #     name             lsb  width
    Field("max",             0, 10),  # input rows - 1 + 2*pad
    Field("pad",            16,  2),
))
CCNT = Register("CCNT", index=1, source="[UG] CCNT: columns", fields=(
    Field("max",             0, 10),  # input columns - 1 + 2*pad
    Field("pad",            16,  2),
))
ONED = Register("ONED", index=2, source="[UG] ONED: 1D, 1x1 and element-wise", fields=(
    Field("tscnt_max",       0,  4),  # pass-through: time slots - 1
    Field("oned_sad",        4,  4),  # byte offset of the first kernel inside its word
    Field("oned_width",      8,  4),  # taps
    Field("oned_en",        12),
    Field("ewise_en",       13),
    Field("ewise_func",     14,  2),  # 0 sub, 1 add, 2 or, 3 xor
    Field("prepool",        16),      # pool each operand, then combine
    Field("conv_2d",        17),      # [UG] 2d_conv: a convolution follows the element-wise step
    Field("ewise_cnt",      18,  4),  # operands - 1
))
PRCNT = Register("PRCNT", index=3, source="[UG] PRCNT: pool rows", fields=(
    Field("max",             0,  4),
))
PCCNT = Register("PCCNT", index=4, source="[UG] PCCNT: pool columns", fields=(
    Field("max",             0,  4),
))
STRIDE = Register("STRIDE", index=5, source="[UG] STRIDE, 2 bits; [tool] writes 4", fields=(
    Field("max",             0,  4),  # pool step - 1, both directions
))
WPTR_BASE = Register("WPTR_BASE", index=6, source="[UG] WPTR_BASE: first output word", fields=(
    Field("word",            0, 13),
    Field("instance",       13,  4),  # 0..15 over all quadrants
))
WPTR_TOFFS = Register("WPTR_TOFFS", index=7, source="[UG] WPTR_TOFF: step per time slot", fields=(
    Field("value",           0, 17),
))
WPTR_MOFFS = Register("WPTR_MOFFS", index=8, source="[UG] WPTR_MOFF: step per instance", fields=(
    Field("value",           0, 17),
))
WPTR_CHOFFS = Register("WPTR_CHOFFS", index=9, source="[UG] WPTR_CHOFF: step per pass", fields=(
    Field("value",           0, 17),
))
RPTR_BASE = Register("RPTR_BASE", index=10, source="[UG] RPTR_BASE: first input word", fields=(
    Field("value",           0, 17),  # 13 bits address an instance
))
LCTL = Register("LCTL", index=11, source="[UG] LCTRL0", fields=(
    Field("sslave",          0,  4, FORBIDDEN),
    Field("mslave",          4,  1, FORBIDDEN),
    Field("master",          5),
    Field("parallel",        6),      # CHW input
    Field("pool_en",         7),
    Field("maxpl_en",        8),
    Field("act_en",          9),      # ReLU
    Field("cpad_only",      10,  1, FORBIDDEN),
    Field("sramlsrc",       11),      # global write
    Field("cnnsi_en",       12,  4),  # bit q: add the sum (or the bias) of quadrant q
    Field("bigdwrt",        16),      # 32-bit output
))
# Quirk mask-address: split at bit 3; the guide prints bit 4, which fits no program.
MCNT = Register("MCNT", index=12, source="[tool]; [UG] MCNT misprints the bit split", fields=(
    Field("end",             0, 16),  # last mask address, inclusive, in weight bits
    Field("start",          16, 16),
))
TPTR = Register("TPTR", index=13, source="[UG] TPTR, 11 bits each; [tool] writes more", fields=(
    Field("max",             0, 16),
    Field("start",          16, 16),
))
ENA = Register("ENA", index=14, source="[UG] EN: enables, bit = local processor", fields=(
    Field("pro_en",          0, 16),
    Field("mask_en",        16, 16),
))
POST = Register("POST", index=15, source="[UG] POST: post-processing", fields=(
    Field("bptr_sad",        0, 12),
    Field("bptr_en",        12),
    Field("scale_reg",      13,  4),
    Field("scale_shft",     17),      # 1: scale_reg shifts right
    Field("xpmp_cnt",       18,  4),  # flatten passes - 1, bits 7:4
    Field("mask_size",      22,  2),  # weight bits: 0, 1, 2, 3 for 8, 1, 2, 4
    Field("ts_en",          24),      # pass-through
    Field("onexone_en",     25),      # pass-through of one operand
    Field("out_abs",        26),
    Field("flatten_en",     27),
    Field("deconv_en",      28),
))
STREAM1 = Register("STREAM1", index=16, source="[UG] STRM0", fields=(
    Field("start",           0, 14),
))
STREAM2 = Register("STREAM2", index=17, source="[UG] STRM1", fields=(
    Field("invol",           0,  4, HELD),  # input passes of all layers before
    Field("delta1",          4,  5, HELD),  # further values to wait for inside a row
    Field("delta2",         16, 12, HELD),  # the same at the end of a row
))
FMAX = Register("FMAX", index=18, source="[UG] FBUF: ring size in words", fields=(
    Field("value",           0, 17),
))
IFRM = Register("IFRM", index=19, source="[UG] IFRM, 17 bits; [tool] allows 20", fields=(
    Field("value",           0, 20),  # words of each FIFO; sits in the slot of layer 0
))
LCTL2 = Register("LCTL2", index=20, source="[UG] LCTRL1", fields=(
    Field("inpchexp",        0,  4),  # input passes - 1, bits 3:0
    Field("wptr_inc",        4,  4),  # words between output positions - 1
    Field("xpch_max",        8,  9),  # (columns per pass - 1) * weight bits
))

# -- quadrant registers; index = word offset in the quadrant -------------------------------------

CTL = Register("CTL", index=0, bank=Bank.QUADRANT, source="[UG] CNNx16_n_CTRL", fields=(
    Field("cnn_en",          0),
    Field("rdy_sel",         1,  2, HELD),
    Field("clk_en",          3),
    Field("calcmax",         4,  1, FORBIDDEN),
    Field("pool_en",         5,  1, FORBIDDEN),
    Field("bigdata",         6,  1, FORBIDDEN),
    Field("apbclk_en",       7,  1, FORBIDDEN),
    Field("oneshot",         8,  1, FORBIDDEN),
    Field("ext_sync",        9,  3, HELD),
    Field("cnn_irq",        12),
    Field("poolrnd",        13),
    Field("stream_en",      14),
    Field("fifo_en",        15),
    Field("mlat_ld",        16),      # byte gather; 0 to 1 takes its address from WPTR_BASE
    Field("mlatch_sel",     17,  2),  # lane that it gathers
    Field("lilbuf",         19),
    Field("mexpress",       20),
    Field("simple1b",       21,  1, FORBIDDEN),
    Field("ffifo_en",       22),      # the FIFO that feeds this quadrant is the fast one
    Field("fifogrp",        23),      # its four bytes are processors 0..3; else 0, 16, 32, 48
    Field("fclk_dly",       24,  6, FORBIDDEN),
    Field("timeshft",       30,  1, FORBIDDEN),
    Field("qupac",          31,  1, FORBIDDEN),
))
SRAM = Register("SRAM", index=1, bank=Bank.QUADRANT, source="[UG] CNNx16_n_SRAM", fields=(
    Field("extacc",          0,  1, HELD),
    Field("rmargin_en",      1,  1, HELD),
    Field("rmargin",         2,  4, HELD),
    Field("ra",              6,  2, HELD),
    Field("wneg_vol",        8,  2, HELD),
    Field("wneg_en",        10,  1, HELD),
    Field("wpulse",         11,  3, HELD),
    Field("ds",             15,  1, FORBIDDEN),
    Field("pd",             16,  1, FORBIDDEN),
    Field("light_sleep",    19,  4, FORBIDDEN),
))
LCNT_MAX = Register("LCNT_MAX", index=2, bank=Bank.QUADRANT, source="[UG] LCNT_MAX", fields=(
    Field("value",           0,  5),  # index of the last layer
))
SRAM_TEST = Register("SRAM_TEST", index=3, bank=Bank.QUADRANT, source="[UG] SRAM_TEST", fields=(
    Field("sram_run",        0), Field("sram_zero",       1),
    Field("mram_run",        2), Field("mram_zero",       3),
    Field("tram_run",        4), Field("tram_zero",       5),
    Field("bram_run",        6), Field("bram_zero",       7),
    Field("status_sel",      8,  6, HELD),
    Field("sram_fail",      14), Field("mram_fail",      15),
    Field("tram_fail",      16), Field("bram_fail",      17),
    Field("sram_done",      18), Field("mram_done",      19),
    Field("tram_done",      20), Field("bram_done",      21),
    Field("sram_zero_done", 22), Field("mram_zero_done", 23),
    Field("tram_zero_done", 24), Field("bram_zero_done", 25),
    Field("fail",           26), Field("done",           27), Field("zero_done", 28),
))
MLAT = Register("MLAT", index=0x400, bank=Bank.QUADRANT, source="[UG] MLAT: byte gather", fields=(
    Field("value",           0, 32),
))

# -- registers of the whole accelerator; index = word offset in their block ----------------------

AON = Register("AON", index=0, bank=Bank.AON, source="[UG] CNNx16_AOD_CTRL", fields=(
    Field("rdy_sel",         0,  2, HELD),
    Field("dsleep",          8,  4, FORBIDDEN),
    Field("pd",             12,  4),  # bit q: kernels of quadrant q lose power
    Field("rm",             16,  4, HELD),
))
FIFO_CTL = Register("FIFO_CTL", index=0, bank=Bank.FIFO, source="[UG] CNNx16_FIFO_CTRL", fields=(
    Field("rdy_sel",         0,  2, HELD),
    Field("full_thresh",     2,  3, HELD),
    Field("empty_thresh",    7,  3, HELD),
    Field("fifo_cpl",       11),      # lock step
    Field("fifo_en",        12,  4),  # bit f: FIFO f
    Field("irq_en",         16, 16, FORBIDDEN),
))
FIFO_STAT = Register("FIFO_STAT", index=1, bank=Bank.FIFO, source="[UG] CNNx16_FIFO_STAT", fields=(
    Field("full",            0,  4),  # bit f: FIFO f
    Field("empty",           4,  4),
    Field("almost_full",     8,  4),
    Field("almost_empty",   12,  4),
    Field("aggregate",      16,  6),
))
FIFO_DATA = Register("FIFO_DATA", index=2, bank=Bank.FIFO, source="[UG] CNNx16_FIFO_WRn", fields=(
    Field("value",           0, 32),  # four of them, one per FIFO
))

FFIFO_CTL = Register("FFIFO_CTL", index=0, bank=Bank.FAST_FIFO, source="[tool] CR", fields=(
    Field("thresh",          4,  4, HELD),
))
FFIFO_STAT = Register("FFIFO_STAT", index=1, bank=Bank.FAST_FIFO, source="[tool] SR", fields=(
    Field("full",            1),
))
FFIFO_DATA = Register("FFIFO_DATA", index=4, bank=Bank.FAST_FIFO, source="[tool] DR", fields=(
    Field("value",           0, 32),
))

# The order in which one layer of one quadrant is written ([tool]); IFRM for layer 0 only.
LAYER_REGISTERS: tuple[Register, ...] = (
    RCNT, CCNT, PRCNT, PCCNT, STRIDE,
    WPTR_BASE, WPTR_TOFFS, WPTR_MOFFS, WPTR_CHOFFS, RPTR_BASE,
    LCTL, LCTL2, MCNT, ONED, TPTR, POST, ENA,
    STREAM1, STREAM2, FMAX, IFRM,
)
QUADRANT_REGISTERS: tuple[Register, ...] = (CTL, SRAM, LCNT_MAX, SRAM_TEST, MLAT)
FIFO_REGISTERS: tuple[Register, ...] = (FIFO_CTL, FIFO_STAT, FIFO_DATA)
# Interrupts and DMA of the fast FIFO are not modelled: nothing is at their addresses.
FAST_FIFO_REGISTERS: tuple[Register, ...] = (FFIFO_CTL, FFIFO_STAT, FFIFO_DATA)
# fmt: on
REGISTERS: tuple[Register, ...] = (
    *LAYER_REGISTERS,
    *QUADRANT_REGISTERS,
    *FIFO_REGISTERS,
    *FAST_FIFO_REGISTERS,
    AON,
)


@dataclass(frozen=True, slots=True)
class Location:
    """A register in its place; for FIFO_DATA `quadrant` is the FIFO's number."""

    register: Register
    quadrant: int | None = None
    layer: int | None = None

    def __str__(self) -> str:
        if self.register is FIFO_DATA:
            return f"FIFO_DATA {self.quadrant}"
        quadrant = "" if self.quadrant is None else f"quadrant {self.quadrant} "
        layer = "" if self.layer is None else f"layer {self.layer} "
        return f"{quadrant}{layer}{self.register.name}"


class Memory(Enum):
    """The memories that software can address; the value says what a bank of it is."""

    DATA = "data memory"
    KERNEL = "kernels of processor"
    TRAM = "row buffer of processor"
    BIAS = "biases of quadrant"


@dataclass(frozen=True, slots=True)
class MemoryPlace:
    """A byte of a memory's address space; `bank` counts over all quadrants."""

    memory: Memory
    bank: int
    byte: int

    def __str__(self) -> str:
        return f"{self.memory.value} {self.bank} offset {self.byte:#06x}"


def layer_register_addr(chip: Chip, register: Register, layer: int, quadrant: int) -> int:
    """Address of a layer register.

    Raises:
        ToolError: the chip has no such layer or quadrant; IFRM exists for layer 0 only.
    """
    _require_bank(register, Bank.LAYER)
    _require_quadrant(chip, register, quadrant)
    n_layers = 1 if register is IFRM else chip.n_layers
    if not 0 <= layer < n_layers:
        raise ToolError(f"{register.name}: layer {layer} is not in 0..{n_layers - 1}")
    bank_addr = chip.quadrant_addr(quadrant) + chip.layer_register_offset
    return bank_addr + chip.layer_register_stride * register.index + 4 * layer


def quadrant_register_addr(chip: Chip, register: Register, quadrant: int) -> int:
    """Address of a quadrant register.

    Raises:
        ToolError: the chip has no such quadrant.
    """
    _require_bank(register, Bank.QUADRANT)
    _require_quadrant(chip, register, quadrant)
    return chip.quadrant_addr(quadrant) + 4 * register.index


def global_register_addr(chip: Chip, register: Register) -> int:
    """Address of a register that the accelerator has once: AON, FIFO and fast FIFO."""
    _require_bank(register, Bank.AON, Bank.FIFO, Bank.FAST_FIFO)
    block_addrs = {
        Bank.AON: chip.aon_base,
        Bank.FIFO: chip.fifo_base,
        Bank.FAST_FIFO: chip.fast_fifo_base,
    }
    return block_addrs[register.bank] + 4 * register.index


def fifo_data_addr(chip: Chip, fifo_index: int) -> int:
    """Address to which the words of one FIFO are stored."""
    _require_quadrant(chip, FIFO_DATA, fifo_index)
    return chip.fifo_base + 4 * (FIFO_DATA.index + fifo_index)


def locate(chip: Chip, addr: int) -> Location | None:
    """Find the register at an address; None for memories, holes, addresses inside a word."""
    if addr % 4:
        return None
    if addr < chip.quadrant_base:
        return _locate_global(chip, addr)
    quadrant, offset = divmod(addr - chip.quadrant_base, chip.quadrant_stride)
    if quadrant >= chip.n_quadrants:
        return None
    for register in QUADRANT_REGISTERS:
        if offset == 4 * register.index:
            return Location(register, quadrant)
    number, entry = divmod(offset - chip.layer_register_offset, chip.layer_register_stride)
    for register in LAYER_REGISTERS:
        if register.index == number and (register is not IFRM or entry == 0):
            return Location(register, quadrant, entry // 4)
    return None


def _locate_global(chip: Chip, addr: int) -> Location | None:
    """`locate` below the quadrants."""
    if addr == global_register_addr(chip, AON):
        return Location(AON)
    for register in (FIFO_CTL, FIFO_STAT, *FAST_FIFO_REGISTERS):
        if addr == global_register_addr(chip, register):
            return Location(register)
    fifo_index = (addr - fifo_data_addr(chip, 0)) // 4
    return Location(FIFO_DATA, fifo_index) if 0 <= fifo_index < chip.n_quadrants else None


def locate_memory(chip: Chip, addr: int) -> MemoryPlace | None:
    """Find the memory that holds an address; None for registers and holes."""
    quadrant, offset = divmod(addr - chip.quadrant_base, chip.quadrant_stride)
    if not 0 <= quadrant < chip.n_quadrants:
        return None
    n_instances, n_processors = chip.n_instances // chip.n_quadrants, chip.processors_per_quadrant
    # fmt: off
    memories = (
        # memory        offset              banks         bytes of address space per bank
        (Memory.DATA,   chip.data_offset,   n_instances,  chip.data_instance_bytes),
        (Memory.KERNEL, chip.kernel_offset, n_processors, chip.processor_stride),
        (Memory.TRAM,   chip.tram_offset,   n_processors, chip.processor_stride),
        (Memory.BIAS,   chip.bias_offset,   1,            4 * chip.bias_bytes_per_quadrant),
    )
    # fmt: on
    for memory, start, n_banks, bank_bytes in memories:
        bank, byte = divmod(offset - start, bank_bytes)
        if 0 <= bank < n_banks:
            return MemoryPlace(memory, quadrant * n_banks + bank, byte)
    return None


def describe_addr(chip: Chip, addr: int) -> str:
    """Where an address is, in words: a register, a place in a memory, or `no such address`."""
    place = locate(chip, addr & ~3) or locate_memory(chip, addr)
    return "no such address" if place is None else str(place)


def _require_bank(register: Register, *banks: Bank) -> None:
    """Refuse a register of another bank."""
    if register.bank not in banks:
        raise ToolError(f"{register.name} is {register.bank.value}")


def _require_quadrant(chip: Chip, register: Register, quadrant: int) -> None:
    """Refuse a quadrant (or FIFO) that the chip lacks."""
    if not 0 <= quadrant < chip.n_quadrants:
        raise ToolError(f"{register.name}: {quadrant} is not in 0..{chip.n_quadrants - 1}")
