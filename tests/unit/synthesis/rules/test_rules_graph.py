"""Every rule of the graph: a network that breaks it, word by word, and one just inside it."""

import re

import pytest

from max78000.errors import CapacityError, InputError, UnsupportedError
from max78000.facts.chip import MAX78000
from networks import Net, graph_of
from synthesis.read.source import InputPath
from synthesis.rules.graph_rules import GRAPH_RULES
from synthesis.rules.rule import apply_rules

RULES = {rule.id: rule for rule in GRAPH_RULES}
WIDE = "{name: a, output_width: 32}"
ADD3 = "{eltwise: add, operands: 3}"

# fmt: off
CASES = [
    # rule, network that breaks it,
    #     the message after file name and rule,
    #     network that keeps it
    ("G23", Net("{}\n{data_format: chw}", "4x2x3x3 4x4x3x3"),
        "5 layers[1]: data_format: chw behind the first layer (remove it)",
        Net("{data_format: chw}\n{data_format: hwc}", "4x2x3x3 4x4x3x3")),
    ("G24", Net("{}", "4x2x3x3", "3x6x6"),
        "4 layers[0]: the sample has 3 channels, the first layer reads 2 (give a sample of 2x6x6)",
        Net("{}", "4x2x3x3", "2x6x6")),
    ("G24", Net("{eltwise: add}", "4x2x3x3", "2x6x6"),
        "4 layers[0]: the sample has 2 channels, the first layer reads 4 (give a sample of 4x6x6)",
        Net("{eltwise: add}", "4x2x3x3", "4x6x6")),
    ("G16a", Net("{op: conv1d, kernel_size: 3, pad: 1}\n{}", "4x2x3 4x4x3x3", "2x16"),
        "5 layers[1]: a 3x3 kernel reads a line of 16 values (give in_dim, or use Conv1d)",
        Net("{op: conv1d, kernel_size: 3, pad: 1}\n{in_dim: [4, 4]}", "4x2x3 4x4x3x3", "2x16")),
    ("G16a", Net("{op: conv1d, kernel_size: 3, pad: 1}\n{op: convtranspose2d}",
                 "4x2x3 4x4x3x3t", "2x16"),
        "5 layers[1]: a 3x3 kernel reads a line of 16 values (give in_dim, or use Conv1d)",
        Net("{op: conv1d, kernel_size: 3, pad: 1}\n{kernel_size: 1x1, pad: 0}",
            "4x2x3 4x4x1x1", "2x16")),
    ("G27", Net("{}", "4x2x3x3 3x2x3x3", bias=1),
        " 2 entries of the checkpoint are used by no layer: w1.op.weight, w1.op.bias (take them "
        "out, or correct the description or their names)",
        Net("{}", "4x2x3x3")),
    ("G28", Net("{}\n{in_sequences: input}\n{op: add, in_sequences: [0, 1]}",
                "4x2x3x3 4x2x3x3", scales="1 2"),
        "6 layers[2]: passes on tensors of final scales 1, 2: it is unloaded without (mark these "
        "layers `output: true` instead)",
        Net("{}\n{in_sequences: input}\n{op: add, in_sequences: [0, 1]}",
            "4x2x3x3 4x2x3x3", scales="2 2")),
    ("P15", Net("{}\n{}", "6x2x3x3 4x6x3x3"),
        "5 layers[1]: reads 6 channels in words of 4 (8 channels cost the same energy)",
        Net("{}\n{}", "8x2x3x3 6x8x3x3")),
    ("P4", Net("{kernel_size: 1x1, pad: 0}", "4x1025x1x1", "1025x2x2"),
        "4 layers[0]: 1025 input channels, the chip has 1024 (split the layer)",
        Net("{kernel_size: 1x1, pad: 0}", "4x1024x1x1", "1024x2x2")),
    ("P4", Net("{kernel_size: 1x1, pad: 0}", "1025x1x1x1", "1x2x2"),
        "4 layers[0]: 1025 output channels, the chip has 1024 (split the layer)",
        Net("{kernel_size: 1x1, pad: 0}", "1024x1x1x1", "1x2x2")),
    ("D1", Net("{op: conv1d, kernel_size: 3, pad: 1}", "4x2x3", "2x1023"),
        "4 layers[0]: 1023 rows with padding 1 need 1025 of 1024 counts (fold the image into "
        "channels, or crop it)",
        Net("{op: conv1d, kernel_size: 3, pad: 1}", "4x2x3", "2x1022")),
    ("D1", Net("{op: convtranspose2d}", "2x4x3x3t", "2x4x512"),
        "4 layers[0]: 512 columns with padding 1 need 1026 of 1024 counts (fold the image into "
        "channels, or crop it)",
        Net("{op: convtranspose2d}", "2x4x3x3t", "2x4x511")),
    ("D2", Net("{kernel_size: 1x1, pad: 0}", "1x65x1x1", "65x1024x1024"),
        "4 layers[0]: 2,097,152 of 2,097,151 input words (use a smaller picture or fewer channels)",
        Net("{kernel_size: 1x1, pad: 0}", "1x65x1x1", "65x1024x1023")),
    ("D13", Net("{in_crop: [1, 0], in_dim: [5, 6]}", "4x2x3x3"),
        "4 layers[0]: in_crop (1, 0) of the input (crop the sample)",
        Net("{}\n{in_crop: [1, 0], in_dim: [5, 6]}", "4x2x3x3 4x4x3x3")),
    ("D13", Net("{}\n{in_crop: [-1, 0], in_dim: [7, 6]}", "4x2x3x3 4x4x3x3"),
        "5 layers[1]: in_crop (-1, 0) (use numbers from 0)",
        Net("{}\n{in_crop: [1, 2], in_dim: [3, 6]}", "4x2x3x3 4x4x3x3")),
    ("D12", Net("{}", "4x256x3x3", "256x2x1000"),
        "4 layers[0]: rows of 1000 pixels and 256 channels need 4000 of 3072 row buffer entries "
        "(pool before, or fold the picture into more rows)",
        Net("{}", "4x192x3x3", "192x2x1000")),
    ("D12", Net("{op: convtranspose2d, kernel_size: 3x3}", "512x4x3x3t", "512x1x511"),
        "4 layers[0]: rows of 511 pixels and 512 channels need 8176 of 3072 row buffer entries "
        "(pool before, or fold the picture into more rows)",
        Net("{kernel_size: 1x1, pad: 0}", "4x512x1x1", "512x1x511")),
    ("C1", Net("{kernel_size: 2x2}", "4x2x2x2"),
        "4 layers[0]: Conv2d has no 2x2 kernel (build 5x5 from two 3x3, 2x2 from a 3x3 with zeros)",
        Net("{kernel_size: 3x3}", "4x2x3x3")),
    ("C2", Net("{op: conv1d, kernel_size: 10}", "4x2x10", "2x20"),
        "4 layers[0]: Conv1d has no 10-tap kernel (split the kernel into two layers)",
        Net("{op: conv1d, kernel_size: 9}", "4x2x9", "2x20")),
    ("C3", Net("{op: convtranspose2d, kernel_size: 1x1, pad: 0}", "2x4x1x1t"),
        "4 layers[0]: ConvTranspose2d has no 1x1 kernel (use a 3x3 kernel)",
        Net("{op: convtranspose2d}", "2x4x3x3t")),
    ("C3", Net("{op: convtranspose2d, output_pad: 0}", "2x4x3x3t"),
        "4 layers[0]: output_pad 0, has to be 1 (remove it)",
        Net("{op: convtranspose2d, output_pad: 1}", "2x4x3x3t")),
    ("C3", Net("{output_pad: 1}", "4x2x3x3"),
        "4 layers[0]: output_pad 1, has to be 0 (remove it)",
        Net("{output_pad: 0}", "4x2x3x3")),
    ("C4", Net("{stride: [1, 2]}", "4x2x3x3"),
        "4 layers[0]: stride (1, 2), Conv2d has 1 (pool before the next layer (max_pool: 1 drops "
        "pixels), or fold the input)",
        Net("{stride: 1}", "4x2x3x3")),
    ("C4", Net("{op: convtranspose2d, stride: 1}", "2x4x3x3t"),
        "4 layers[0]: stride (1, 1), ConvTranspose2d has 2 (remove stride)",
        Net("{op: convtranspose2d, stride: 2}", "2x4x3x3t")),
    ("C5", Net("{pad: 3}", "4x2x3x3"),
        "4 layers[0]: pad 3 with a kernel of 3 (use pad: 0 to 2)",
        Net("{pad: 2}", "4x2x3x3")),
    ("C5", Net("{pad: -1}", "4x2x3x3"),
        "4 layers[0]: pad -1 with a kernel of 3 (use pad: 0 to 2)",
        Net("{pad: 0}", "4x2x3x3")),
    ("C5", Net("{kernel_size: 1x1}", "4x2x1x1"),
        "4 layers[0]: pad 1 with a kernel of 1 (give pad: 0)",
        Net("{kernel_size: 1x1, pad: 0}", "4x2x1x1")),
    ("C6", Net("{op: conv1d, kernel_size: 1, pad: 0, dilation: 2}", "4x2x1", "2x20"),
        "4 layers[0]: dilation of a single tap (remove dilation)",
        Net("{op: conv1d, kernel_size: 2, pad: 0, dilation: 2}", "4x2x2", "2x20")),
    ("C6", Net("{op: conv1d, kernel_size: 4, pad: 0, dilation: 3}", "4x2x4", "2x20"),
        "4 layers[0]: kernel 4 with dilation 3: (k-1)d is 9 or more, which needs 2 or 3 taps, "
        "pad 0, no pooling and d below 1024 (use fewer taps, pad 0, and pool in another layer)",
        Net("{op: conv1d, kernel_size: 4, pad: 1, dilation: 2}", "4x2x4", "2x20")),
    ("C6", Net("{op: conv1d, kernel_size: 3, pad: 0, dilation: 5, out_offset: 16}",
               "4x2x3", "2x20"),
        "4 layers[0]: out_offset 0x10, 20 bytes before it are overwritten (use out_offset: 0x14 or "
        "more)",
        Net("{op: conv1d, kernel_size: 3, pad: 0, dilation: 5, out_offset: 20}",
            "4x2x3", "2x20")),
    ("C7", Net("{dilation: 2}", "4x2x3x3"),
        "4 layers[0]: Conv2d with dilation 2 (pool first, or use MAX78002)",
        Net("{dilation: 1}", "4x2x3x3")),
    ("C10", Net("{quantization: 4}", "4x2x3x3", fill=8),
        "4 layers[0]: weights 8..8 need 5 bits, the layer has 4 (quantize again with this width, "
        "or correct quantization)",
        Net("{quantization: 4}", "4x2x3x3", fill=7)),
    ("C10", Net("{quantization: 4}", "4x2x3x3", fill=-9),
        "4 layers[0]: weights -9..-9 need 5 bits, the layer has 4 (quantize again with this width, "
        "or correct quantization)",
        Net("{quantization: 4}", "4x2x3x3", fill=-8)),
    ("C10", Net("{quantization: 1}", "4x2x3x3", fill=1),
        "4 layers[0]: weights 1..1 need 2 bits, the layer has 1 (quantize again with this width, "
        "or correct quantization)",
        Net("{quantization: 1}", "4x2x3x3", fill=-1)),
    ("C11", Net("{output_shift: 16}", "4x2x3x3"),
        "4 layers[0]: output_shift 16, this weight width allows -15..15 (scale the weights)",
        Net("{output_shift: -15}", "4x2x3x3")),
    ("C11", Net("{quantization: 1, output_shift: 9}", "4x2x3x3", bits=1),
        "4 layers[0]: output_shift 9, this weight width allows -22..8 (scale the weights)",
        Net("{quantization: 1, output_shift: -22}", "4x2x3x3", bits=1)),
    ("C17", Net("{output_width: 32, activate: ReLU}", "4x2x3x3"),
        "4 layers[0]: activation with 32-bit output (use activate: None)",
        Net("{output_width: 32, activate: None}", "4x2x3x3")),
    ("C17", Net("{op: none, activate: Abs}"),
        "4 layers[0]: activation without convolution (use activate: None)",
        Net("{op: none, activate: None}")),
    ("C18", Net(f"{WIDE}\n{{}}", "4x2x3x3 4x4x3x3"),
        "4 layers[0] a: output_width 32, but layer1 reads it (use 8 bits)",
        Net(f"{WIDE}\n{{in_sequences: input}}", "4x2x3x3 4x2x3x3")),
    ("C23", Net("{}", "4x2x3x3", bias=128),
        "4 layers[0]: bias bytes 128..128, the memory holds -128..127 (quantize again)",
        Net("{}", "4x2x3x3", bias=-128)),
    ("L1", Net("{max_pool: [16, 17], pool_stride: 2}", "4x2x3x3", "2x20x20"),
        "4 layers[0]: pool window (16, 17), stride (2, 2): limit 16 (pool in two layers)",
        Net("{max_pool: 16, pool_stride: 2}", "4x2x3x3", "2x20x20")),
    ("L1", Net("{pool_stride: 17}", "4x2x3x3", "2x20x20"),
        "4 layers[0]: pool window (1, 1), stride (17, 17): limit 16 (pool in two layers)",
        Net("{pool_stride: 16}", "4x2x3x3", "2x20x20")),
    ("L2", Net("{max_pool: 2, pool_stride: [1, 2]}", "4x2x3x3"),
        "4 layers[0]: pool_stride is 1 for rows and 2 for columns (use one number)",
        Net("{max_pool: [1, 2], pool_stride: [2, 2]}", "4x2x3x3")),
    ("L2", Net("{op: convtranspose2d, max_pool: 2, pool_stride: 2}", "2x4x3x3t"),
        "4 layers[0]: pool_stride 2 in a ConvTranspose2d layer, whose stride register is 0 (pool "
        "in a layer before)",
        Net("{op: convtranspose2d, max_pool: 2, pool_stride: 1}", "2x4x3x3t")),
    ("L4", Net("{op: none, max_pool: 2, pool_stride: 2}", "", "65x6x6"),
        "4 layers[0]: pools 65 channels without convolution, 64 is the limit (put the pooling in "
        "front of a convolution)",
        Net("{op: none, max_pool: 6, pool_stride: 2}", "", "65x6x6")),
    ("L6", Net("{max_pool: 2}", "4x2x3x3"),
        "4 layers[0]: pooling with stride 1 (give pool_stride if unintended)",
        Net("{max_pool: 2, pool_stride: 1}", "4x2x3x3")),
    ("L6", Net("{avg_pool: [6, 5]}", "4x2x3x3"),
        "4 layers[0]: pooling with stride 1 (give pool_stride if unintended)",
        Net("{avg_pool: 6}", "4x2x3x3")),
    ("L8", Net("{avg_pool: 2, pool_stride: 2}", "4x2x3x3"),
        "4 layers[0]: the first layer pools 36 pixels to 9 (load a smaller picture)",
        Net("{}\n{avg_pool: 2, pool_stride: 2}", "4x2x3x3 4x4x3x3")),
    ("E3", Net("{op: conv1d, kernel_size: 3, eltwise: add}", "4x2x3", "4x20"),
        "4 layers[0]: element-wise with Conv1d (use a layer of its own before)",
        Net("{op: conv2d, eltwise: add}", "4x2x3x3", "4x6x6")),
    ("E4", Net("{eltwise: add, operands: 3, pool_first: no, max_pool: 2, pool_stride: 2}",
               "4x2x3x3", "6x6x6"),
        "4 layers[0]: pool_first: false, operands 3, pool window (2, 2) (remove it, or pool in a "
        "layer of its own)",
        Net("{eltwise: add, pool_first: no, max_pool: 2, pool_stride: 2}", "4x2x3x3", "4x6x6")),
    ("E4", Net("{pool_first: no}", "4x2x3x3"),
        "4 layers[0]: pool_first: false, operands 1, pool window (1, 1) (remove it, or pool in a "
        "layer of its own)",
        Net("{pool_first: yes}", "4x2x3x3")),
    ("E5", Net(ADD3, "4x65x3x3", "195x6x6"),
        "4 layers[0]: 3 operands of 65 channels with convolution or pooling (combine in a layer of "
        "its own)",
        Net("{op: add, operands: 3}", "", "195x6x6")),
    ("E5", Net("{op: add, operands: 2, max_pool: 2, pool_stride: 2}", "", "258x6x6"),
        "4 layers[0]: 2 operands of 129 channels with convolution or pooling (combine in a layer "
        "of its own)",
        Net("{eltwise: add, operands: 2}", "4x128x3x3", "256x6x6")),
    ("E6b", Net("{}\n{op: add}", "4x2x3x3"),
        "5 layers[1]: 2 operands, producers: 1 (list the producers in in_sequences)",
        Net("{}\n{op: add, in_sequences: [0, 0]}", "4x2x3x3")),
    ("E7", Net("{op: add, output_width: 32}", "", "4x6x6"),
        "4 layers[0]: output_width 32 without convolution (remove it)",
        Net("{op: add, output_width: 8}", "", "4x6x6")),
    ("F1", Net("{op: linear, flatten: true}", "3x514", "2x257"),
        "4 layers[0]: flattens 257 pixels of 256 (fold or pool the picture)",
        Net("{op: linear, flatten: true}", "3x512", "2x16x16")),
    ("F2", Net("{op: linear, flatten: true}", "3x8385", "65x3x43"),
        "4 layers[0]: flattens 129 pixels in 2 passes: 258 of 256 (fold or pool the picture, "
        "or use 64 channels)",
        Net("{op: linear, flatten: true}", "3x8320", "65x8x16")),
    ("F3", Net("{op: conv2d, flatten: true}", "4x2x3x3", "2x1x1"),
        "4 layers[0]: flatten with Conv2d, kernel 3x3, pad 1 (use op: linear)",
        Net("{op: linear, flatten: true}", "4x18", "2x3x3")),
    ("F3", Net("{op: conv1d, kernel_size: 1, pad: 0, flatten: true}", "4x40x1", "2x20"),
        "4 layers[0]: flatten with Conv1d, kernel 1x1, pad 0 (use op: linear)",
        Net("{op: conv2d, kernel_size: 1x1, pad: 0, flatten: true}", "4x40x1x1", "2x20")),
    ("F3", Net("{op: none, flatten: true}"),
        "4 layers[0]: flatten without weights (use op: linear)",
        Net("{op: linear, flatten: true}", "3x72")),
    ("F4", Net("{op: linear, flatten: true, max_pool: 2, pool_stride: 2}", "3x18"),
        "4 layers[0]: flatten with a pool window (2, 2), stride (2, 2) (pool in the layer before)",
        Net("{op: none, max_pool: 2, pool_stride: 2}\n{op: linear, flatten: true}", "3x18")),
    ("F5", Net("{op: linear, flatten: true, streaming: true}", "3x72", input_path=InputPath.FIFO),
        "4 layers[0]: flattens 36 pixels in a stream (remove streaming from this layer)",
        Net("{op: linear, flatten: true}", "3x72", input_path=InputPath.FIFO)),
    ("F6", Net("{op: linear, flatten: true}", "3x8", "8x1x1"),
        "4 layers[0]: flattens 1 pixel (remove flatten)",
        Net("{op: linear}", "3x8", "8x1x1")),
]
# fmt: on
IDS = [f"{case[0]}-{i}" for i, case in enumerate(CASES)]


def verdict(net, *, allowed=frozenset()):
    return apply_rules(GRAPH_RULES, graph_of(net), MAX78000, allowed)


@pytest.mark.parametrize(("rule", "broken", "message", "kept"), CASES, ids=IDS)
def test_rule(rule, broken, message, kept):
    found = verdict(broken)
    lines = found.warnings if RULES[rule].error is None else map(str, found.errors)
    tag = f" [{rule}]"
    own = [line.replace(tag, "") for line in lines if tag in line]
    assert own == [f"net.yaml:{message}"]
    assert all(type(error) is RULES[rule].error for error in found.errors if error.rule == rule)
    legal = verdict(kept)
    assert not legal.errors
    assert not any(f"[{rule}]" in warning for warning in legal.warnings)


def test_every_rule_is_here():
    assert {case[0] for case in CASES} == set(RULES)
    assert len(RULES) == len(GRAPH_RULES)


@pytest.mark.parametrize("rule", GRAPH_RULES, ids=lambda rule: rule.id)
def test_kinds_and_ways_out(rule):
    assert rule.error in (None, InputError, CapacityError, UnsupportedError)
    assert rule.manual(MAX78000).endswith(".")


def test_a_rule_that_is_allowed_warns():
    broken = Net("{dilation: 2, max_pool: 2}", "4x2x3x3", "2x9x9")
    assert [error.rule for error in verdict(broken).errors] == ["C7"]
    allowed = verdict(broken, allowed=frozenset({"C7"}))
    assert allowed.errors == ()
    warned = [re.findall(r" \[(\w+)\]", warning) for warning in allowed.warnings]
    assert warned == [["C7"], ["L6"], ["L8"]]


def test_all_layers_are_checked():
    net = Net("{pad: 3}\n{pad: 4}\n{op: none}\n{pad: 5}", "4x2x3x3 4x4x3x3 4x4x3x3")
    lines = [str(error).removeprefix("net.yaml:") for error in verdict(net).errors]
    assert [line.partition(" with")[0] for line in lines] == [
        "4 layers[0]: pad 3",
        "5 layers[1]: pad 4",
        "7 layers[3]: pad 5",
    ]
