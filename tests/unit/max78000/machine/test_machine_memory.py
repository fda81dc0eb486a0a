"""Stores and loads: every memory by address, and what is refused."""

import numpy as np
import pytest
from hand_made import CHIP
from hypothesis import given
from hypothesis import strategies as st

from max78000.facts import regmap
from max78000.facts.chip import PLAIN_KERNEL_WORDS
from max78000.machine import Machine, MachineFault
from max78000.machine.memory import LANES, PLAIN_PARTS, ByteState

CTL0 = regmap.quadrant_register_addr(CHIP, regmap.CTL, 0)
TEST0 = regmap.quadrant_register_addr(CHIP, regmap.SRAM_TEST, 0)
PACKED = regmap.CTL.pack(clk_en=1, mexpress=1)
PLAIN = regmap.CTL.pack(clk_en=1)


def machine(ctl=PACKED):
    made = Machine()
    made.store(CTL0, ctl)
    return made


@given(st.integers(0, 63), st.integers(0, 8191), st.integers(0, 2**32 - 1))
def test_data_words(processor, word, value):
    made = machine()
    addr = CHIP.data_addr(processor, 4 * word)
    made.store(addr, value)
    assert made.load(addr) == value


def test_packed_kernels_are_seen_in_the_plain_window():
    made = machine()
    addr = CHIP.kernel_addr(3) + 4 * 10  # word 10
    made.store_byte(addr | 1, 1)
    made.store_words(addr, (0x0102_0304, 0x0506_0708, 0x0911_1213, 0x1415_1617, 0x1819_0000))
    plain = CHIP.kernel_addr(3, 10)
    assert [made.load(plain + 4 * part) for part in range(4)] == [1, 0x0203_0405, 0x0607_0809, 0]
    assert [made.load(plain + 16 + 4 * part) for part in range(3)] == [
        0x11,
        0x1213_1415,
        0x1617_1819,
    ]


def test_packed_words_one_by_one_are_the_same():
    together, apart = machine(), machine()
    addr = CHIP.kernel_addr(0)
    words = tuple(0x0101_0101 * n for n in range(1, 6))
    for made in (together, apart):
        made.store_byte(addr | 1, 1)
    together.store_words(addr, words)
    for index, word in enumerate(words):
        apart.store(addr + 4 * index, word)
    assert (together.memories.kernels.bytes == apart.memories.kernels.bytes).all()
    assert together.memories.kernels.is_written.sum() == 2


def test_left_over_bytes_do_not_reach_the_next_run():
    made = machine()
    addr = CHIP.kernel_addr(0)
    made.store_byte(addr | 1, 1)
    made.store_words(addr, (0xFFFF_FFFF,))
    made.store_byte(addr + 4 | 1, 1)
    made.store_words(addr + 4, (0x0102_0304, 0x0506_0708, 0x0900_0000))
    assert made.load(CHIP.kernel_addr(0, 1)) == 1
    assert not made.memories.kernels.is_written[0, 0]


def test_plain_kernels():
    made = machine(PLAIN)
    addr = CHIP.kernel_addr(5, 7)
    made.store_words(addr, (9, 0x0102_0304, 0x0506_0708))
    assert not made.memories.kernels.is_written[5, 7]
    made.store(addr + 12, 0)
    assert made.memories.kernels.is_written[5, 7]
    assert made.memories.kernels.bytes[5, 7].tolist() == [9, 1, 2, 3, 4, 5, 6, 7, 8]


def test_bias_and_row_buffer_entries():
    made = machine()
    bias, row = CHIP.bias_addr(2, 511), 0x5011_0000 + 0x4000 * 15 + 4 * 3071
    made.store(bias, 0xF9)
    made.store(row, 0xABCD)
    assert (made.load(bias), made.load(row)) == (0xF9, 0xABCD)


def test_registers_read_back_and_start_at_zero():
    made = machine()
    post = regmap.layer_register_addr(CHIP, regmap.POST, 3, 1)
    assert made.load(post) == 0
    made.store(post, 0x00C0_9000)
    assert made.load(post) == 0x00C0_9000
    assert made.load(regmap.global_register_addr(CHIP, regmap.FIFO_STAT)) & 0xF == 0


def test_registers_can_be_copied():
    made = machine()
    rcnt = regmap.layer_register_addr(CHIP, regmap.RCNT, 4, 0)
    made.store_words(rcnt, (1, 2, 3))
    assert [made.registers.load(regmap.RCNT, 0, layer) for layer in (4, 5, 6)] == [1, 2, 3]
    last = regmap.layer_register_addr(CHIP, regmap.LCTL2, 31, 0)
    with pytest.raises(MachineFault, match="the words run past the registers"):
        made.store_words(last, (0, 0))


def test_self_test_leaves_zeros_and_says_so():
    made = machine()
    addr = CHIP.data_addr(0)
    made.store(addr, 77)
    for field in ("sram_run", "mram_run", "tram_run", "bram_run"):
        made.store(TEST0, regmap.SRAM_TEST.pack(**{field: 1}))
        done = regmap.SRAM_TEST.unpack(made.load(TEST0))
        assert done[field.replace("run", "done")] == done["done"] == 1
        assert done["fail"] == 0
    made.store(TEST0, 0)
    assert made.load(TEST0) == 0
    assert made.load(addr) == made.load(CHIP.data_addr(15, 0x7FFC)) == 0
    assert made.memories.kernels.is_written[:16].all()
    assert not made.memories.kernels.is_written[16:].any()


@pytest.mark.parametrize("quadrant", [0, 3])
def test_self_test_clears_its_own_quadrant(quadrant):
    made = Machine()
    made.store(
        regmap.quadrant_register_addr(CHIP, regmap.SRAM_TEST, quadrant),
        regmap.SRAM_TEST.pack(sram_zero=1, mram_zero=1, tram_zero=1, bram_zero=1),
    )
    memories, every = made.memories, np.arange(4)
    is_cleared = every == quadrant
    assert (memories.data.states.reshape(4, -1).all(axis=1) == is_cleared).all()
    assert (memories.kernels.is_written.reshape(4, -1).all(axis=1) == is_cleared).all()
    assert (memories.tram.is_written.reshape(4, -1).all(axis=1) == is_cleared).all()
    assert (memories.biases.is_written.all(axis=1) == is_cleared).all()
    assert not (memories.data.states.any() and (memories.data.states == ByteState.UNDEFINED).any())


@pytest.mark.parametrize(
    ("addr", "value", "message"),
    [
        (0x5010_2000, 0, "store to 0x50102000, no such address: there is no word"),
        (0x5042_0000, 0, "no such address"),
        (0x5040_0002, 0, "there is no word"),
        (CHIP.bias_addr(0), 256, "biases of quadrant 0 offset 0x0000: 0x100 does not fit 8 bits"),
        (0x5011_0000, 0x1_0000, "row buffer of processor 0 .*: 0x10000 does not fit 16 bits"),
        (0x5011_3000, 0, "entry 3072 is not in 0..3071"),
        (CHIP.kernel_addr(0), 0, "packed kernels without a start word"),
        (CTL0, 1 << 8, "quadrant 0 CTL: 0x00000100 sets oneshot, which is not modelled"),
        (0x5010_0790, 1 << 31, "quadrant 0 layer 0 POST: 0x80000000 sets unnamed bits 0x80000000"),
        (regmap.fifo_data_addr(CHIP, 2), 0, "FIFO 2: nothing takes words from this FIFO"),
    ],
)
def test_stores_that_are_refused(addr, value, message):
    with pytest.raises(MachineFault, match=message):
        machine().store(addr, value)


@pytest.mark.parametrize("word", [768, 1023])
def test_plain_kernels_end_with_the_memory(word):
    with pytest.raises(MachineFault, match=f"kernel word {word} is not in 0..767"):
        machine(PLAIN).store(CHIP.kernel_addr(1) + 16 * word, 0)


def test_packed_kernels_end_with_the_memory():
    made = machine()
    addr = CHIP.kernel_addr(0) + 4 * 767
    made.store_byte(addr | 1, 1)
    made.store_words(addr, (0, 0, 0))
    with pytest.raises(MachineFault, match=r"kernel words 768..768 are not in 0..767"):
        made.store_words(addr + 12, (0, 0))


def test_a_copy_ends_with_the_instance():
    with pytest.raises(MachineFault, match=r"words 0x1fff..0x2000 are not in 0..0x1fff"):
        machine().store_words(CHIP.data_addr(0, 0x7FFC), (1, 2))


@pytest.mark.parametrize(
    ("addr", "value"), [(CHIP.data_addr(0) | 1, 1), (CHIP.kernel_addr(0), 1), (CTL0 | 1, 1)]
)
def test_bytes_that_mean_nothing(addr, value):
    with pytest.raises(MachineFault, match="byte 0x01 means nothing there"):
        machine().store_byte(addr, value)


def test_a_data_word_that_nobody_wrote_cannot_be_loaded():
    with pytest.raises(MachineFault, match="data memory 0 offset 0x0010: nobody gave this word"):
        machine().load(CHIP.data_addr(0, 16))


def test_words_have_the_lanes_and_parts_of_the_chip():
    assert CHIP.processors_per_instance == LANES
    assert len(PLAIN_PARTS) == PLAIN_KERNEL_WORDS
    assert sum(part.stop - part.start for part in PLAIN_PARTS) == CHIP.kernel_word_bytes
