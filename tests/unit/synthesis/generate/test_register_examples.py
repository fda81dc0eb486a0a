"""Register words of six networks, against the values of the vendor's generator.

A line gives the registers of one layer, `/` separates quadrants where they differ, `-` is a
register that is not written.
Source: [tool], its words for these six.
"""

from dataclasses import dataclass

import pytest

from max78000.facts.chip import MAX78000
from max78000.facts.regmap import locate
from max78000.program.program import Write
from networks import Net, compile_net
from synthesis.read.source import InputPath


@dataclass(frozen=True, slots=True)
class Example:
    """A network and what its registers are; `control` and `started` are quadrant control words."""

    net: Net
    quadrants: tuple[int, ...]
    registers: str
    control: str = "100008"
    started: tuple[str, str] = ("100808", "100009")  # armed master, running master


# fmt: off
# Pooling, 4-bit weights, flatten with 32-bit output, three quadrants.
A = Example(
    Net(
        "{op: conv2d, activate: ReLU, processors: 0x7, output_processors: 0xffff, "
        "out_offset: 0x4000}\n"
        "{op: conv2d, max_pool: 2, pool_stride: 2, activate: ReLU, quantization: 4, "
        "processors: 0xffff, output_processors: 0x0000ffffffff0000, out_offset: 0}\n"
        "{op: linear, flatten: true, processors: 0x0000ffffffff0000, output_processors: 0x3ff, "
        "output_width: 32, out_offset: 0x1000}",
        "16x3x3x3 32x16x3x3 10x512", "3x8x8", bits=4, bias=1,
    ),
    (0, 1, 2), """
0: RCNT=10009 CCNT=10009 WPTR_BASE=1000 WPTR_MOFFS=2000 LCTL=4b20/b20/b20 LCTL2=7800 MCNT=78
   TPTR=7 POST=-/-/1000 ENA=70007/-/-
1: RCNT=10009 CCNT=10009 PRCNT=1 PCCNT=1 STRIDE=1 WPTR_BASE=8000 WPTR_MOFFS=2000
   RPTR_BASE=1000 LCTL=2ba0/ba0/ba0 LCTL2=7c00 MCNT=8000fc TPTR=3 POST=c08000/c09000/c08000
   ENA=ffffffff/-/-
2: WPTR_BASE=400 WPTR_TOFFS=1 WPTR_MOFFS=2000 LCTL=16920/10920/10920 LCTL2=480f MCNT=4f8
   ONED=100 POST=1000/-/- ENA=-/ffffffff/ffffffff
""")
# Two-bit weights, dilation on the 2D engine, dilation with pooling on the 1D engine.
B = Example(
    Net(
        "{op: conv1d, kernel_size: 5, pad: 2, activate: Abs, quantization: 2, output_shift: -1, "
        "processors: 0xff, output_processors: 0xfff, out_offset: 0x2000}\n"
        "{op: conv1d, kernel_size: 3, pad: 0, dilation: 10, processors: 0xfff, "
        "output_processors: 0xff0, out_offset: 0x1000}\n"
        "{op: conv1d, kernel_size: 3, pad: 1, dilation: 3, max_pool: 3, pool_stride: 2, "
        "processors: 0xff0, output_processors: 0xf, out_offset: 0x2000}",
        "12x8x5 8x12x3 4x8x3", "8x100", bits=2,
    ),
    (0,), """
0: RCNT=20067 WPTR_BASE=800 WPTR_MOFFS=2000 LCTL=920 LCTL2=1600 MCNT=16 ONED=1500
   POST=480a000 ENA=ff00ff
1: RCNT=1000b CCNT=1000b WPTR_BASE=23f6 WPTR_MOFFS=2000 RPTR_BASE=800 LCTL=920 LCTL2=3800
   MCNT=200058 TPTR=9 ENA=fff0fff
2: RCNT=10051 PRCNT=2 STRIDE=1 WPTR_BASE=800 WPTR_MOFFS=2000 RPTR_BASE=400 LCTL=9a0
   LCTL2=1800 MCNT=780090 ONED=1730 ENA=ff00ff0
""")
# Two passes both ways, transposed convolution with 32-bit output.
C = Example(
    Net(
        "{op: conv2d, kernel_size: 1x1, pad: 0, processors: 0xffffffffffffffff, "
        "output_processors: 0x0fffffffffffffff, out_offset: 0x4000}\n"
        "{op: convtranspose2d, pad: 1, processors: 0x0fffffffffffffff, output_processors: 0xff, "
        "output_width: 32, out_offset: 0}",
        "120x128x1x1 120x8x3x3t", "128x6x5", bias=1,
    ),
    (0, 1, 2, 3), """
0: RCNT=5 CCNT=4 WPTR_BASE=1000 WPTR_TOFFS=1 WPTR_MOFFS=2000 WPTR_CHOFFS=1
   LCTL=e920/920/920/920 LCTL2=1d811 MCNT=778 ONED=100 POST=1000/-/-/- ENA=ffffffff
1: RCNT=1000d CCNT=1000b WPTR_MOFFS=2000 RPTR_BASE=1000 LCTL=1e920/10920/10920/10920
   LCTL2=3801 MCNT=e00158 TPTR=9 POST=10000000/10001000/10000000/10000000
   ENA=ffffffff/ffffffff/ffffffff/fff0fff
""")
# Residual addition of two producers with write gap, pass-through copy and average pooling.
D = Example(
    Net(
        "{op: conv2d, activate: ReLU, processors: 0xf, output_processors: 0xf0ffff, "
        "out_offset: 0x2000, write_gap: 1}\n"
        "{op: none, in_sequences: input, in_offset: 0, processors: 0xf, output_processors: 0xf, "
        "out_offset: 0x1000}\n"
        "{op: conv2d, processors: 0xf, output_processors: 0xf0ffff, out_offset: 0x2004, "
        "write_gap: 1}\n"
        "{op: add, in_sequences: [0, 2], in_offset: 0x2000, processors: 0xf0ffff, "
        "output_processors: 0xfffff, out_offset: 0x6000}\n"
        "{op: none, avg_pool: [2, 3], pool_stride: 2, processors: 0xfffff, "
        "output_processors: 0xfffff, out_offset: 0}",
        "20x4x3x3 20x4x3x3", "4x10x12",
    ),
    (0, 1), """
0: RCNT=1000b CCNT=1000d WPTR_BASE=800 WPTR_MOFFS=2000 LCTL=b20 LCTL2=b810 MCNT=b8 TPTR=b
   ENA=f000f/-
1: RCNT=9 CCNT=b WPTR_BASE=400 WPTR_TOFFS=800 LCTL=920 ONED=100 POST=3000000 ENA=f/-
2: RCNT=1000b CCNT=1000d WPTR_BASE=801 WPTR_MOFFS=2000 RPTR_BASE=400 LCTL=920 LCTL2=b810
   MCNT=c00178 TPTR=b ENA=f000f/-
3: RCNT=9 CCNT=b WPTR_BASE=1800/9800 WPTR_TOFFS=2000 RPTR_BASE=800 LCTL=920 ONED=46003
   POST=1000000 ENA=ffff/f0
4: RCNT=9 CCNT=b PRCNT=1 PCCNT=2 STRIDE=1 WPTR_BASE=-/8000 WPTR_TOFFS=2000 RPTR_BASE=1800
   LCTL=8a0 ONED=103 POST=3000000 ENA=ffff/f
""")
# FIFO and streaming, CHW input, a 1x1 layer in the streaming group.
E = Example(
    Net(
        "{op: conv2d, data_format: CHW, streaming: true, activate: ReLU, "
        "processors: 0x0000000100010001, output_processors: 0xf0, out_offset: 0x1000}\n"
        "{op: conv2d, kernel_size: 1x1, pad: 0, streaming: true, max_pool: 2, pool_stride: 2, "
        "activate: ReLU, processors: 0xf0, output_processors: 0xf00, out_offset: 0x2000}\n"
        "{op: conv2d, processors: 0xf00, output_processors: 0xf, out_offset: 0x4000}",
        "4x3x3x3 4x4x1x1 4x4x3x3", "3x24x20", bias=1, input_path=InputPath.FIFO,
    ),
    (0, 1, 2), """
0: RCNT=10019 CCNT=10015 WPTR_BASE=2400 WPTR_MOFFS=2000 LCTL=6b60/b60/b60 LCTL2=1800 MCNT=18
   TPTR=13 POST=1000/-/- ENA=10001 STREAM1=1 FMAX=c
1: RCNT=10019 CCNT=10015 PRCNT=1 PCCNT=1 STRIDE=1 WPTR_BASE=4800 WPTR_MOFFS=2000
   RPTR_BASE=400 LCTL=2ba0/ba0/ba0 LCTL2=1800 MCNT=18 TPTR=14001d POST=-/1000/-
   ENA=f000f0/-/- STREAM1=48 STREAM2=180021 FMAX=5e
2: RCNT=1000d CCNT=1000b WPTR_BASE=1000 WPTR_MOFFS=2000 RPTR_BASE=800 LCTL=4920/920/920
   LCTL2=1800 MCNT=18 TPTR=9 POST=-/-/1000 ENA=f000f00/-/-
""",
    "108008", ("18c808", "18c809"))
# Three operands subtracted in front of a pooled convolution, 1-bit weights, evenly spaced outputs.
F = Example(
    Net(
        "{op: conv2d, pad: 2, eltwise: sub, operands: 3, avg_pool: 2, pool_stride: 1, "
        "quantization: 1, processors: 0xfffff0, output_processors: 0x5555555555555555, "
        "out_offset: 0x4000, bias_quadrant: 1}\n"
        "{op: none, max_pool: 3, pool_stride: 3, processors: 0x5555555555555555, "
        "output_processors: 0x00ff00ff00ff00ff, out_offset: 0x0100}",
        "32x20x3x3", "60x7x7", bits=1, bias=1,
    ),
    (0, 1, 2, 3), """
0: RCNT=2000a CCNT=2000a PRCNT=1 PCCNT=1 WPTR_BASE=1000 WPTR_MOFFS=2000
   LCTL=28a0/8a0/8a0/8a0 LCTL2=3e00 MCNT=3e ONED=b2000 TPTR=7
   POST=40e000/40f000/40e000/40e000 ENA=fff0fff0/ff00ff/-/-
1: RCNT=7 CCNT=7 PRCNT=2 PCCNT=2 STRIDE=2 WPTR_BASE=40/8040/10040/18040 WPTR_TOFFS=2000
   RPTR_BASE=1000 LCTL=9a0 ONED=101 POST=3000000 ENA=5555
""")
# fmt: on
EXAMPLES = pytest.mark.parametrize("example", [A, B, C, D, E, F], ids="ABCDEF")


def expected_registers(example):
    """(layer, register, quadrant) -> word, of the registers that are written."""
    words, layer = {}, 0
    for entry in example.registers.split():
        if entry.endswith(":"):
            layer = int(entry[:-1])
            continue
        name, _, values = entry.partition("=")
        each = values.split("/")
        for position, quadrant in enumerate(example.quadrants):
            value = each[position % len(each)]
            if value != "-":
                words[layer, name, quadrant] = int(value, 16)
    return words


def writes(compiled, phase):
    return [op for op in compiled.program.phase(phase).operations if isinstance(op, Write)]


@EXAMPLES
def test_layer_registers(example):
    found = {}
    for write in writes(compile_net(example.net), "configure"):
        location = locate(MAX78000, write.addr)
        if location.register.name not in ("IFRM", "FIFO_CTL"):  # see the last test
            assert write.value
            found[location.layer, location.register.name, location.quadrant] = write.value
    assert found == expected_registers(example)


@EXAMPLES
def test_control_words(example):
    """Quadrants are initialised one by one; the master is started last."""
    compiled = compile_net(example.net)
    n_layers = len(compiled.graph.layers)
    expected = [(0x50001000, 0)]
    for quadrant in example.quadrants:
        base = 0x50100000 + 0x400000 * quadrant
        expected += [
            (base, int(example.control, 16)), (base + 4, 0x40E), (base + 8, n_layers - 1)
        ]  # fmt: skip
    assert [(w.addr, w.value) for w in writes(compiled, "init")] == expected

    armed, running = (int(word, 16) for word in example.started)
    expected = [
        (0x50100000 + 0x400000 * quadrant, armed | (quadrant != 0))
        for quadrant in example.quadrants
    ]
    expected.append((0x50100000, running))
    assert [(w.addr, w.value) for w in writes(compiled, "start")] == expected


def test_fifo_registers():
    """Words of the input frame in every quadrant, then the FIFO control register."""
    words = {write.addr: write.value for write in writes(compile_net(E.net), "configure")}
    assert [words[0x50100990 + 0x400000 * q] for q in E.quadrants] == [0x78] * 3
    assert words[0x50000000] == 0x7908
