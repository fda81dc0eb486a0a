"""The register tables against values published elsewhere, and addresses there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.errors import ToolError
from max78000.facts import regmap
from max78000.facts.chip import MAX78000 as CHIP
from max78000.facts.regmap import (
    FIFO_CTL,
    IFRM,
    LAYER_REGISTERS,
    LCTL,
    LCTL2,
    MCNT,
    ONED,
    POST,
    RCNT,
    REGISTERS,
    STREAM2,
    TPTR,
    WPTR_BASE,
    describe_addr,
    layer_register_addr,
    locate,
    locate_memory,
    quadrant_register_addr,
)
from max78000.facts.regs import Bank

# Words from programs of the vendor's generator, and what they mean there.
WITNESSES = [
    (RCNT, 0x0001_0009, {"max": 9, "pad": 1}),
    (WPTR_BASE, 0x0000_8000, {"instance": 4}),
    (LCTL, 0x0001_6920, {"master": 1, "maxpl_en": 1, "sramlsrc": 1, "cnnsi_en": 6, "bigdwrt": 1}),
    (LCTL, 0x0000_0BA0, {"master": 1, "pool_en": 1, "maxpl_en": 1, "act_en": 1, "sramlsrc": 1}),
    (LCTL2, 0x0000_480F, {"inpchexp": 15, "xpch_max": 72}),
    (MCNT, 0x0080_00FC, {"start": 128, "end": 252}),
    (ONED, 0x000B_2000, {"ewise_en": 1, "prepool": 1, "conv_2d": 1, "ewise_cnt": 2}),
    (ONED, 0x0000_1500, {"oned_width": 5, "oned_en": 1}),
    (POST, 0x00C0_9000, {"bptr_en": 1, "scale_reg": 4, "mask_size": 3}),
    (POST, 0x0300_0000, {"ts_en": 1, "onexone_en": 1}),
    (POST, 0x0480_A000, {"scale_reg": 5, "mask_size": 2, "out_abs": 1}),
    (TPTR, 0x0014_001D, {"start": 20, "max": 29}),
    (STREAM2, 0x0018_0021, {"delta2": 24, "delta1": 2, "invol": 1}),
    (FIFO_CTL, 0x0000_7908, {"full_thresh": 2, "empty_thresh": 2, "fifo_cpl": 1, "fifo_en": 7}),
    (regmap.SRAM, 0x0000_040E, {"rmargin_en": 1, "rmargin": 3, "wneg_en": 1}),
]
OFFSETS = {
    "RCNT": 0x10, "CCNT": 0x90, "ONED": 0x110, "PRCNT": 0x190, "PCCNT": 0x210, "STRIDE": 0x290,
    "WPTR_BASE": 0x310, "WPTR_TOFFS": 0x390, "WPTR_MOFFS": 0x410, "WPTR_CHOFFS": 0x490,
    "RPTR_BASE": 0x510, "LCTL": 0x590, "MCNT": 0x610, "TPTR": 0x690, "ENA": 0x710, "POST": 0x790,
    "STREAM1": 0x810, "STREAM2": 0x890, "FMAX": 0x910, "IFRM": 0x990, "LCTL2": 0xA10,
}  # fmt: skip


MASKS = {
    "RCNT": 0x0003_03FF, "CCNT": 0x0003_03FF, "ONED": 0x003F_FFFF, "PRCNT": 0xF, "PCCNT": 0xF,
    "STRIDE": 0xF, "WPTR_BASE": 0x1_FFFF, "WPTR_TOFFS": 0x1_FFFF, "WPTR_MOFFS": 0x1_FFFF,
    "WPTR_CHOFFS": 0x1_FFFF, "RPTR_BASE": 0x1_FFFF, "LCTL": 0x1_FFFF, "LCTL2": 0x1_FFFF,
    "MCNT": 0xFFFF_FFFF, "TPTR": 0xFFFF_FFFF, "ENA": 0xFFFF_FFFF, "POST": 0x1FFF_FFFF,
    "STREAM1": 0x3FFF, "STREAM2": 0x0FFF_01FF, "FMAX": 0x1_FFFF, "IFRM": 0xF_FFFF,
    "CTL": 0xFFFF_FFFF, "SRAM": 0x0079_BFFF, "LCNT_MAX": 0x1F, "SRAM_TEST": 0x1FFF_FFFF,
    "MLAT": 0xFFFF_FFFF, "AON": 0x000F_FF03, "FIFO_CTL": 0xFFFF_FB9F, "FIFO_STAT": 0x003F_FFFF,
    "FIFO_DATA": 0xFFFF_FFFF, "FFIFO_CTL": 0xF0, "FFIFO_STAT": 0x2, "FFIFO_DATA": 0xFFFF_FFFF,
}  # fmt: skip


@pytest.mark.parametrize("register", REGISTERS, ids=lambda register: register.name)
def test_every_register_names_the_documented_bits(register):
    assert register.mask == MASKS[register.name], f"{register.mask:#010x}"


@pytest.mark.parametrize(("register", "word", "fields"), WITNESSES)
def test_words_of_known_programs(register, word, fields):
    assert {name: value for name, value in register.unpack(word).items() if value} == fields
    assert register.pack(**fields) == word


@pytest.mark.long
@given(st.data())
def test_unpack_inverts_pack_for_every_register(data):
    for register in REGISTERS:
        word = data.draw(st.integers(0, 0xFFFF_FFFF)) & register.mask
        assert register.pack(**register.unpack(word)) == word


@pytest.mark.parametrize("register", LAYER_REGISTERS, ids=lambda register: register.name)
def test_layer_register_offsets(register):
    addr = layer_register_addr(CHIP, register, 0, 0)
    assert addr == 0x5010_0000 + OFFSETS[register.name]


def test_every_layer_register_is_listed_once_in_the_order_of_writing():
    names = [register.name for register in LAYER_REGISTERS]
    assert sorted(names) == sorted(OFFSETS)
    assert names[:3] == ["RCNT", "CCNT", "PRCNT"]
    assert names[-5:] == ["ENA", "STREAM1", "STREAM2", "FMAX", "IFRM"]
    assert len({(register.bank, register.index) for register in REGISTERS}) == len(REGISTERS)


@given(st.sampled_from(LAYER_REGISTERS), st.integers(0, 31), st.integers(0, 3))
def test_locate_inverts_layer_register_addr(register, layer, quadrant):
    layer = 0 if register is IFRM else layer
    found = locate(CHIP, layer_register_addr(CHIP, register, layer, quadrant))
    assert found == regmap.Location(register, quadrant, layer)


def test_locate_the_other_registers():
    for register in regmap.QUADRANT_REGISTERS:
        addr = quadrant_register_addr(CHIP, register, 2)
        assert locate(CHIP, addr) == regmap.Location(register, 2)
    for register in (regmap.AON, FIFO_CTL, regmap.FIFO_STAT, *regmap.FAST_FIFO_REGISTERS):
        assert locate(CHIP, regmap.global_register_addr(CHIP, register)) == regmap.Location(
            register
        )
    assert locate(CHIP, regmap.fifo_data_addr(CHIP, 3)) == regmap.Location(regmap.FIFO_DATA, 3)


@pytest.mark.parametrize(
    "addr",
    [
        0,
        0x400C_0408,
        0x400C_040C,
        0x5000_0018,
        0x5010_0011,
        0x5010_0994,
        0x5040_0000,
        0x5110_0000,
        0x5200_0000,
    ],
)
def test_locate_finds_no_register_elsewhere(addr):
    assert locate(CHIP, addr) is None


@pytest.mark.parametrize(
    ("addr", "text"),
    [
        (0x5050_079C, "quadrant 1 layer 3 POST"),
        (0x50D0_0000, "quadrant 3 CTL"),
        (0x5000_1000, "AON"),
        (0x400C_0410, "FFIFO_DATA"),
        (0x5000_000C, "FIFO_DATA 1"),
        (0x5101_8004, "data memory 15 offset 0x0004"),
        (0x5058_8010, "kernels of processor 18 offset 0x0010"),
        (0x5090_8008, "biases of quadrant 2 offset 0x0008"),
        (0x5011_4004, "row buffer of processor 1 offset 0x0004"),
        (0x5010_2000, "no such address"),
        (0x4000_0000, "no such address"),
    ],
)
def test_every_address_has_a_name(addr, text):
    assert describe_addr(CHIP, addr) == text


@given(st.integers(0, 63), st.integers(0, 0x7FFC // 4))
def test_locate_memory_inverts_the_chip_addresses(processor, word):
    data = locate_memory(CHIP, CHIP.data_addr(processor, 4 * word))
    assert data == regmap.MemoryPlace(regmap.Memory.DATA, processor // 4, 4 * word)
    kernel = locate_memory(CHIP, CHIP.kernel_addr(processor, word % 768))
    assert kernel == regmap.MemoryPlace(regmap.Memory.KERNEL, processor, 16 * (word % 768))
    bias = locate_memory(CHIP, CHIP.bias_addr(processor // 16, word % 512))
    assert bias == regmap.MemoryPlace(regmap.Memory.BIAS, processor // 16, 4 * (word % 512))


@pytest.mark.parametrize(
    ("register", "layer", "quadrant", "message"),
    [
        (POST, 32, 0, "POST: layer 32 is not in 0..31"),
        (POST, 0, 4, "POST: 4 is not in 0..3"),
        (IFRM, 1, 0, "IFRM: layer 1 is not in 0..0"),
        (regmap.CTL, 0, 0, "CTL is one per quadrant"),
    ],
)
def test_addresses_that_do_not_exist(register, layer, quadrant, message):
    with pytest.raises(ToolError, match=message):
        layer_register_addr(CHIP, register, layer, quadrant)


def test_a_layer_register_has_no_quadrant_address():
    with pytest.raises(ToolError, match="POST is one per layer"):
        quadrant_register_addr(CHIP, POST, 0)
    assert regmap.CTL.bank is Bank.QUADRANT


# fmt: off
LIMITS = [
    # what the chip says, the register field that it comes from, as a limit
    (CHIP.max_size,              RCNT.field("max").limit),
    (CHIP.max_size,              regmap.CCNT.field("max").limit),
    (CHIP.max_pad,               RCNT.field("pad").limit - 2),  # 3 would fit
    (CHIP.max_pool,              regmap.PRCNT.field("max").limit),
    (CHIP.max_pool,              regmap.PCCNT.field("max").limit),
    (CHIP.max_pool,              regmap.STRIDE.field("max").limit),
    (CHIP.max_operands,          ONED.field("ewise_cnt").limit),
    (CHIP.max_flat,              POST.field("xpmp_cnt").limit * LCTL2.field("inpchexp").limit),
    (CHIP.max_passes,            LCTL2.field("inpchexp").limit),
    (CHIP.max_write_step,        LCTL2.field("wptr_inc").limit),
    (CHIP.mask_limit,            MCNT.field("end").limit),
    (CHIP.mask_limit,            MCNT.field("start").limit),
    (CHIP.n_layers,              regmap.LCNT_MAX.field("value").limit),
    (CHIP.data_words,            regmap.RPTR_BASE.field("value").limit),
    (CHIP.stream_start_limit,    regmap.STREAM1.field("start").limit),
    (CHIP.stream_passes_limit,   STREAM2.field("invol").limit),
    (CHIP.stream_step_limit,     STREAM2.field("delta1").limit),
    (CHIP.stream_row_step_limit, STREAM2.field("delta2").limit),
    (CHIP.ring_limit,            regmap.FMAX.field("value").limit),
    (CHIP.fifo_frame_limit,      IFRM.field("value").limit),
]
# fmt: on


@pytest.mark.parametrize(("limit", "field"), LIMITS)
def test_limits_of_the_chip_are_those_of_its_registers(limit, field):
    assert limit == field
