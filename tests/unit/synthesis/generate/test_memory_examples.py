"""Contents of kernel, bias and data memory and the known answer, against worked examples.

Source: [tool], its words for these networks.
"""

from dataclasses import replace

import numpy as np
import pytest

from max78000.program.program import Copy, KernelBlock
from networks import Net, compile_net, source_of
from synthesis.read.checkpoint import Checkpoint, LayerWeights


def compiled(net, weight, image, bias=None):
    """A network with given weights, bias bytes and sample."""
    entry = LayerWeights("w", weight, None if bias is None else np.array(bias), None, 0)
    source = replace(
        source_of(net), checkpoint=Checkpoint("q", None, (entry,)), image=np.array(image)
    )
    return compile_net(net, source)


def formula(of_indices, *shape):
    """Weights as the document writes them, from their indices."""
    return np.fromfunction(of_indices, shape, dtype=int)


def hex_words(words):
    return " ".join(f"{word:08x}" for word in words)


def kernels(program):
    return [
        f"{op.addr:08x} {hex_words(op.words)}"
        for op in program.phase("load_weights").operations
        if isinstance(op, KernelBlock)
    ]


def copies(program, phase):
    return [
        f"{op.addr:08x} {hex_words(op.words)}"
        for op in program.phase(phase).operations
        if isinstance(op, Copy)
    ]


def answers(program):
    return [
        f"{block.addr:08x} {block.mask:08x} {hex_words(block.words)}"
        for block in program.known_answer
    ]


# -- networks of the examples ----------------------------------------------------------------------

# fmt: off
WEIGHT_A = formula(lambda o, c, y, x: 32 * o + 16 * c + 3 * y + x + 1,      2, 2, 3, 3)
WEIGHT_B = formula(lambda o, c, y, x: (5 * o + 3 * y + x) % 16 - 8,         3, 1, 3, 3)
WEIGHT_C = formula(lambda o, c, t: 16 * o + t + 1,                          4, 1, 3)
WEIGHT_D = formula(lambda o, n: 16 * o + n + 1,                             3, 8)
WEIGHT_E = formula(lambda o, n: (3 * o + n) % 16 - 8,                       3, 8)
WEIGHT_F = formula(lambda o, c, y, x: 2 * o + c + 1,                        5, 2, 1, 1)
WEIGHT_G = formula(lambda o, c, y, x: 32 * o + c // 8,                      3, 72, 1, 1)
WEIGHT_H = formula(lambda o, c, y, x: (4 * o + 2 * (c // 36)) % 8,          4, 72, 1, 1)
WEIGHT_I = formula(lambda o, c, y, x: o,                                    70, 1, 1, 1)
WEIGHT_J = formula(lambda c, o, y, x: 8 * (9 - 3 * y - x),                  1, 1, 3, 3)
# fmt: on
IMAGE_A = np.stack([np.arange(-8, 1), np.arange(1, 10)]).reshape(2, 3, 3)
IMAGE_D = np.arange(-3, 5).reshape(2, 2, 2)

NET_A = Net("{op: conv2d, out_offset: 0x2000}", "2x2x3x3", "2x3x3")
CHW_A = replace(
    NET_A, layers="{op: conv2d, data_format: chw, processors: 0x11, out_offset: 0x2000}"
)
NET_B = Net("{op: conv2d, quantization: 4, out_offset: 0x2000}", "3x1x3x3", "1x3x3", bits=4)
NET_C = Net("{op: conv1d, kernel_size: 3, pad: 1, out_offset: 0x2000}", "4x1x3", "1x5")
NET_D = Net("{op: linear, flatten: true, out_offset: 0x2000}", "3x8", "2x2x2")
NET_E = replace(NET_D, layers="{op: linear, flatten: true, quantization: 4}", bits=4)
NET_F = Net("{op: conv2d, kernel_size: 1x1, pad: 0, output_processors: 0x3e}", "5x2x1x1", "2x2x2")
NET_G = Net("{op: conv2d, kernel_size: 1x1, pad: 0}", "3x72x1x1", "72x1x2")
NET_H = Net("{op: conv2d, kernel_size: 1x1, pad: 0, quantization: 4}", "4x72x1x1", "72x1x2", bits=4)
NET_I = Net("{op: conv2d, kernel_size: 1x1, pad: 0, out_offset: 0x2000}", "70x1x1x1", "1x1x1")
NET_J = Net("{op: convtranspose2d}", "1x1x3x3t", "1x3x3")

# fmt: off
KERNELS = {
    "a": (NET_A, WEIGHT_A, [
        "50180000 01020304 05060708 09212223 24252627 28290000",
        "50184000 11121314 15161718 19313233 34353637 38390000",
    ]),
    "a, CHW": (CHW_A, WEIGHT_A, [
        "50180000 01020304 05060708 09212223 24252627 28290000",
        "50190000 11121314 15161718 19313233 34353637 38390000",
    ]),
    "b": (NET_B, WEIGHT_B, [
        "50180000 d8e9fa0b 1c2d3e4f 50020304 05060708 090a0000",
    ]),
    "c": (NET_C, WEIGHT_C, [
        "50180000 21222311 12130102 03000000 00000031 32330000",
    ]),
    "d": (NET_D, WEIGHT_D, [
        "50180000 21141312 11040302 01000000 00000024 23220000",
        "50184000 25181716 15080706 05000000 00000028 27260000",
    ]),
    "e": (NET_E, WEIGHT_E, [
        "50180000 00000010 feedcbba 98000000",
        "50184000 00000054 32210ffe dc000000",
    ]),
    "f": (NET_F, WEIGHT_F, [
        "50180000 00000009 07050301 00000000 00000000 00000000",
        "50184000 0000000a 08060402 00000000 00000000 00000000",
    ]),
    "j": (NET_J, WEIGHT_J, [
        "50180000 08101820 28303840 48000000",
    ]),
}
# fmt: on


@pytest.mark.parametrize("name", KERNELS)
def test_kernels(name):
    net, weight, blocks = KERNELS[name]
    image = np.zeros(source_of(net).image.shape, np.int64)
    assert kernels(compiled(net, weight, image).program) == blocks


@pytest.mark.parametrize(
    ("net", "weight", "block"),
    [
        (NET_G, WEIGHT_G, "50180000 00000044 40242004 00000000"),
        (NET_H, WEIGHT_H, "50180000 00000000 00642064 20000000"),
    ],
    ids="gh",
)
def test_kernels_of_two_input_passes(net, weight, block):
    """The document gives the first of 36 processors."""
    blocks = kernels(compiled(net, weight, np.zeros((72, 1, 2), np.int64)).program)
    assert len(blocks) == 36
    assert blocks[0] == block


def test_kernels_of_two_output_passes():
    """Example i: 70 weights 0..69 and two unused slots, nine bytes a word, last byte first."""
    (block,) = kernels(compiled(NET_I, WEIGHT_I, [[[0]]]).program)
    stream = np.array([*range(70), 0, 0], np.uint8).reshape(8, 9)[:, ::-1]
    assert block == "50180000 " + hex_words(stream.reshape(-1).view(">u4").tolist())


@pytest.mark.parametrize(
    ("net", "weight", "n_words", "count"),
    [
        (NET_A, WEIGHT_A, 2, 2),
        (NET_B, WEIGHT_B, 2, 3),
        (NET_D, WEIGHT_D, 2, 12),
        (NET_G, WEIGHT_G, 1, 6),
        (NET_H, WEIGHT_H, 1, 8),
        (NET_I, WEIGHT_I, 8, 72),
    ],
    ids="abdghi",
)
def test_counts(net, weight, n_words, count):
    """`len` and `kcount` of the examples."""
    image = np.zeros(source_of(net).image.shape, np.int64)
    slot = compiled(net, weight, image).placement.layers[0].kernel_slot
    assert (slot.first_word, slot.n_words, slot.count) == (0, n_words, count)


@pytest.mark.parametrize(
    ("net", "weight", "image", "bias", "words"),
    [
        (NET_A, WEIGHT_A, IMAGE_A, [5, -7], "50108000 00000005 000000f9"),
        (NET_D, WEIGHT_D, IMAGE_D, [1, 2, -3], "50108000 00000001 00000002 000000fd"),
    ],
)
def test_biases(net, weight, image, bias, words):
    assert copies(compiled(net, weight, image, bias).program, "load_bias") == [words]


def test_input_hwc():
    assert copies(compiled(NET_A, WEIGHT_A, IMAGE_A).program, "load_input") == [
        "50400000 000001f8 000002f9 000003fa 000004fb 000005fc 000006fd 000007fe 000008ff 00000900"
    ]


def test_input_chw():
    assert copies(compiled(CHW_A, WEIGHT_A, IMAGE_A).program, "load_input") == [
        "50400000 fbfaf9f8 fffefdfc 00000000",
        "50408000 04030201 08070605 00000009",
    ]


def test_input_of_two_passes():
    image = np.repeat(np.arange(72) - 36, 2).reshape(72, 1, 2)
    blocks = copies(compiled(NET_G, WEIGHT_G, image).program, "load_input")
    assert len(blocks) == 9
    assert blocks[0] == "50400000 dfdedddc 03020100 dfdedddc 03020100"


def test_input_of_two_operands():
    net = Net("{op: conv2d, kernel_size: 1x1, pad: 0, eltwise: add}", "2x2x1x1", "4x1x2")
    image = [[[1, 2]], [[3, 4]], [[16, 32]], [[48, 64]]]
    assert copies(compiled(net, np.ones((2, 2, 1, 1), int), image).program, "load_input") == [
        "50400000 00000301 00003010 00000402 00004020"
    ]


def test_known_answer_chw_without_bias():
    assert answers(compiled(CHW_A, WEIGHT_A, IMAGE_A).program) == [
        "50402000 0000ffff 0000fe01 0000ff02 00000102 00000404 00000907 00000805 00000704 00000c06 "
        "00000904"
    ]


def test_known_answer_with_bias():
    assert answers(compiled(NET_A, WEIGHT_A, IMAGE_A, [5, -7]).program) == [
        "50402000 0000ffff 0000f706 0000f807 0000fa07 0000fd09 0000020c 0000010a 00000009 0000050b "
        "00000209"
    ]


def test_known_answer_of_32_bits():
    """The document prints the first two and the last of nine blocks."""
    wide = replace(NET_A, layers="{op: conv2d, output_width: 32, out_offset: 0x2000}")
    blocks = answers(compiled(wide, WEIGHT_A, IMAGE_A, [5, -7]).program)
    assert [block[:8] for block in blocks] == [f"{0x50402000 + 16 * i:08x}" for i in range(9)]
    assert blocks[0] == "50402000 ffffffff 00000300 fffffb80"
    assert blocks[1] == "50402010 ffffffff 000003a5 fffffc25"
    assert blocks[8] == "50402080 ffffffff 00000490 00000110"


def test_known_answer_of_unaligned_outputs():
    """Five outputs on processors 1..5: two memory instances, three lanes and two."""
    net = replace(NET_F, layers=NET_F.layers[:-1] + ", out_offset: 0x2000}", image="2x3x3")
    blocks = answers(compiled(net, WEIGHT_F, IMAGE_A).program)
    assert [(block[:17], len(block.split()) - 2) for block in blocks] == [
        ("5040a000 0000ffff", 9),
        ("50402000 ffffff00", 9),
    ]


def test_known_answer_of_two_passes():
    blocks = answers(compiled(NET_I, WEIGHT_I, [[[127]]]).program)
    assert len(blocks) == 10
    assert blocks[0] == "50c02004 0000ffff 00004443"
    assert blocks[1] == "50402000 ffffffff 03020100 27262524"
    assert blocks[2] == "5040a000 ffffffff 07060504 2b2a2928"
    assert blocks[9] == "50c02000 ffffffff 23222120"


def test_known_answer_of_a_flattened_layer():
    wide = replace(NET_D, layers=NET_D.layers[:-1] + ", output_width: 32}")
    assert answers(compiled(wide, WEIGHT_D, IMAGE_D, [1, 2, -3]).program) == [
        "50402000 ffffffff 000000bc 0000017c ffffff3c"
    ]


def test_known_answer_of_four_bit_weights():
    image = np.arange(-8, 1).reshape(1, 3, 3)
    assert answers(compiled(NET_B, WEIGHT_B, image).program) == [
        "50402000 00ffffff 00fbf807 00fbf80d 00fefc09 00f50011 00f3031a 00f80311 00fa0109 00fa030d "
        "00fd0207"
    ]


def test_known_answer_of_one_dimension():
    image = np.array([[[-20], [-10], [0], [10], [20]]])
    assert answers(compiled(NET_C, WEIGHT_C, image).program) == [
        "50402000 ffffffff f4f8fcff f4f8fc00 00000000 0c080401 0c080400"
    ]
