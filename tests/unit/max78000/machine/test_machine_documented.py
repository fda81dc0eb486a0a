"""Published examples: kernel words, input words and answers that the vendor's generator gives.

Outside witnesses: they hold the tables, the memory layouts and the arithmetic without any vector.
"""

import numpy as np
import pytest
from hand_made import CHIP, Case

from max78000.facts import regmap
from max78000.machine import Machine
from max78000.program.program import Copy, KernelBlock, Phase, RegisterProgram, Write

IMAGE = np.stack([np.arange(-8, 1), np.arange(1, 10)]).reshape(1, 2, 3, 3)
TAPS = np.arange(1, 10)
WEIGHTS = np.array([[32 * o + 16 * c + TAPS for c in range(2)] for o in range(2)])
WEIGHTS = WEIGHTS.reshape(2, 2, 3, 3)


def hexes(text):
    return [int(word, 16) for word in text.split()]


def ran(case):
    machine = Machine()
    machine.run(case.program())
    return machine


def words(machine, addr, n, mask=0xFFFF_FFFF):
    return [machine.load(addr + 4 * index) & mask for index in range(n)]


def kernel_words(case):
    return [list(block.words) for block in case.kernels()]


def test_two_channels_to_two_outputs():
    case = Case(IMAGE, WEIGHTS, bias=np.array([5, -7]), pad=(1, 1), out_word=0x800)
    assert kernel_words(case) == [
        hexes("01020304 05060708 09212223 24252627 28290000"),
        hexes("11121314 15161718 19313233 34353637 38390000"),
    ]
    assert list(case.input_words()[0].words) == hexes(
        "000001f8 000002f9 000003fa 000004fb 000005fc 000006fd 000007fe 000008ff 00000900"
    )
    expected = "f706 f807 fa07 fd09 020c 010a 0009 050b 0209"
    assert words(ran(case), 0x5040_2000, 9, 0xFFFF) == hexes(expected)


def test_the_same_with_32_bit_output():
    case = Case(IMAGE, WEIGHTS, bias=np.array([5, -7]), pad=(1, 1), is_wide=True, out_word=0x800)
    machine = ran(case)
    assert words(machine, 0x5040_2000, 2) == hexes("00000300 fffffb80")
    assert words(machine, 0x5040_2010, 2) == hexes("000003a5 fffffc25")
    assert words(machine, 0x5040_2080, 2) == hexes("00000490 00000110")


def test_four_bit_weights():
    taps = np.array([[(5 * o + tap) % 16 - 8 for tap in range(9)] for o in range(3)])
    case = Case(
        np.arange(-8, 1).reshape(1, 1, 3, 3),
        taps.reshape(3, 1, 3, 3),
        bits=4,
        shift=4,
        pad=(1, 1),
        out_word=0x800,
    )
    assert kernel_words(case) == [hexes("d8e9fa0b 1c2d3e4f 50020304 05060708 090a0000")]
    assert words(ran(case), 0x5040_2000, 9, 0xFFFFFF) == hexes(
        "fbf807 fbf80d fefc09 f50011 f3031a f80311 fa0109 fa030d fd0207"
    )


def test_conv1d_of_three_taps():
    taps = np.array([[16 * o + tap + 1 for tap in range(3)] for o in range(4)])
    data = np.array([-20, -10, 0, 10, 20]).reshape(1, 1, 5, 1)
    case = Case(data, taps.reshape(4, 1, 3, 1), pad=(1, 0), out_word=0x800)
    assert kernel_words(case) == [hexes("21222311 12130102 03000000 00000031 32330000")]
    expected = "f4f8fcff f4f8fc00 00000000 0c080401 0c080400"
    assert words(ran(case), 0x5040_2000, 5) == hexes(expected)


def test_two_input_passes():
    weights = np.array([[32 * o + c // 8 for c in range(72)] for o in range(3)])
    case = Case(np.zeros((1, 72, 1, 1), np.int64), weights.reshape(3, 72, 1, 1))
    assert kernel_words(case)[0] == hexes("00000044 40242004 00000000")


def test_seventy_outputs_of_one_pixel():
    weights = np.arange(70).reshape(70, 1, 1, 1)
    case = Case(np.full((1, 1, 1, 1), 127), weights, shift=0, out_word=0x800)
    machine = ran(case)
    # 127/128 of the channel number, rounded half up: nothing is lost below 64
    assert words(machine, 0x5040_2000, 2) == hexes("03020100 27262524")
    assert words(machine, 0x5040_A000, 2) == hexes("07060504 2b2a2928")


def test_transposed_convolution():
    case = Case(
        np.array([16, 32, 48, 64]).reshape(1, 1, 2, 2),
        (8 * TAPS).reshape(1, 1, 3, 3),
        is_transposed=True,
        pad=(1, 1),
    )
    machine = ran(case)
    assert kernel_words(case) == [hexes("08101820 28303840 48000000")]
    assert machine.read_output(case.output_map()).tolist() == [
        [[5, 16, 10, 8], [26, 64, 36, 30], [15, 36, 20, 16], [6, 15, 8, 4]]
    ]


def test_average_pool_before_convolution():
    windows = np.array([[1, 2, 3, 5], [-3, -4, -2, -2]]).reshape(1, 2, 2, 2)
    weights = np.zeros((2, 2, 1, 1), np.int64)
    weights[0, 0] = weights[1, 1] = 64

    def answer(is_rounding):
        case = Case(windows, weights, pool=(2, 2), step=2, is_average=True, is_rounding=is_rounding)
        return ran(case).read_output(case.output_map())[:, 0, 0]

    assert answer(False).tolist() == [1, -1]
    assert answer(True).tolist() == [2, -1]


def flatten_program(n_positions, kernels, data):
    """Two channels of `n_positions` elements each to three outputs, 32 bit, with bias."""
    is_long = n_positions > 16
    fields = {
        regmap.WPTR_BASE: {"word": 0x800},
        regmap.WPTR_TOFFS: {"value": 1},
        regmap.WPTR_MOFFS: {"value": 0x2000},
        regmap.LCTL: {"master": 1, "maxpl_en": 1, "sramlsrc": 1, "bigdwrt": 1},
        regmap.LCTL2: {"inpchexp": (n_positions - 1) % 16, "xpch_max": 16},
        regmap.MCNT: {"end": (3 * n_positions - 1) * 8},
        regmap.ONED: {"oned_width": 1},
        regmap.TPTR: {"start": n_positions - 1, "max": 2 * n_positions - 1} if is_long else {},
        regmap.POST: {"bptr_en": 1, "flatten_en": is_long, "xpmp_cnt": (n_positions - 1) // 16},
        regmap.ENA: {"pro_en": 3, "mask_en": 3},
    }
    configure = tuple(
        Write(regmap.layer_register_addr(CHIP, register, 0, 0), register.pack(**values))
        for register, values in fields.items()
    )
    ctl = regmap.quadrant_register_addr(CHIP, regmap.CTL, 0)
    idle = regmap.CTL.pack(clk_en=1, mexpress=1)
    lanes = tuple((int(a) & 255) | (int(b) & 255) << 8 for a, b in data.T)
    blocks = (KernelBlock(CHIP.kernel_addr(p), tuple(w)) for p, w in enumerate(kernels))
    return RegisterProgram(
        "flatten",
        CHIP.name,
        (
            Phase("init", (Write(ctl, idle),)),
            Phase("load_weights", tuple(blocks)),
            Phase("load_bias", (Copy(CHIP.bias_addr(0), (1, 2, 0xFD)),)),
            Phase("configure", configure),
            Phase("load_input", (Copy(CHIP.data_addr(0), lanes),)),
            Phase("start", (Write(ctl, idle | 1),)),
        ),
    )


def test_flatten():
    kernels = [
        hexes("21141312 11040302 01000000 00000024 23220000"),
        hexes("25181716 15080706 05000000 00000028 27260000"),
    ]
    machine = Machine()
    result = machine.run(flatten_program(4, kernels, np.arange(-3, 5).reshape(2, 4)))
    assert words(machine, 0x5040_2000, 3) == hexes("000000bc 0000017c ffffff3c")
    assert result.cycles == 1 + 4 * (2 + 3)


@pytest.mark.parametrize("n_positions", [16, 17, 40])
def test_long_flatten(n_positions):
    """More than 16 elements per processor use the wide pass counter."""
    generator = np.random.default_rng(n_positions)
    data = generator.integers(-128, 128, (2, n_positions))
    weights = generator.integers(-128, 128, (3, 2, n_positions))
    kernels = []
    for processor in range(2):
        stream = weights[:, processor].ravel().astype(np.int8)
        stream = np.pad(stream, (0, -len(stream) % 9)).reshape(-1, 9)[:, ::-1].tobytes()
        packed = stream + bytes(-len(stream) % 4)
        kernels.append(np.frombuffer(packed, ">u4").tolist())
    machine = Machine()
    result = machine.run(flatten_program(n_positions, kernels, data))
    totals = (weights * data).sum(axis=(1, 2)) + 128 * np.array([1, 2, -3])
    assert words(machine, 0x5040_2000, 3) == [int(total) & 0xFFFF_FFFF for total in totals]
    assert result.cycles == 1 + 5 * n_positions + (n_positions > 16)
