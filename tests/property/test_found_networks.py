"""Networks that random search has found to go wrong once: each agrees now, or is refused.

Some come from the vendor's generator, which stores kernels and biases of these layers where the
accelerator does not read them (docs/hardware/memories.md#output-columns), or accepts them although
its known answer cannot come out.
"""

import pytest
from property.agreement import compile_or_refuse, require_three_answers

from max78000.errors import ToolError
from max78000.facts.chip import MAX78000
from networks import Net, source_of
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.source import InputPath

ONE = "op: conv2d, kernel_size: 1x1, pad: 0"
NINE = "op: conv2d, kernel_size: 3x3, pad: 1"
WIDE = "output_width: 32"
READS_TWO = "processors: 3, out_offset: 0x2000, output_processors"  # two channels in

# fmt: off
AGREE = {
    "narrow weights, last pass not full":
        Net(f"{{{ONE}, quantization: 2}}", "9x70x1x1", "70x3x3", bits=2, bias=3),
    "narrow weights, outputs from lane 1":
        Net(f"{{{NINE}, quantization: 4, {READS_TWO}: 0x3e}}", "5x2x3x3", bits=4, bias=3),
    "two output passes from lane 2":
        Net(f"{{{ONE}, {READS_TWO}: 0x3fffffffffc}}", "80x2x1x1", bias=3),
    "spaced outputs with bias":
        Net(f"{{{ONE}, {READS_TWO}: 0x155}}", "5x2x1x1", bias=3),
    "flattened, outputs from lane 3":
        Net("{op: linear, flatten: true, processors: 3, out_offset: 0x2000, "
            "output_processors: 0x38}", "3x18", "2x3x3", bias=3),
    "equal kernels and biases, outputs from other lanes":
        Net(f"{{{ONE}, output: true, {READS_TWO}: 0xf}}\n"
            f"{{{ONE}, in_sequences: input, in_offset: 0, processors: 3, out_offset: 0x3000, "
            "output_processors: 0x3c0}", "4x2x1x1 4x2x1x1", fill=5, bias=3),
    "pass-through last, on given processors":
        Net(f"{{{NINE}, output_processors: 0xf0}}\n{{op: none, processors: 0xf0}}", "4x2x3x3"),
    "pass-through of several quadrants":
        Net(f"{{{NINE}, output_processors: 0xfff00}}\n{{op: none, processors: 0xfff00}}\n"
            f"{{{ONE}}}", "12x2x3x3 3x12x1x1"),
    "CHW image placed by the compiler, pixels no multiple of four":
        Net(f"{{{NINE}, data_format: CHW}}", "4x3x3x3", "3x5x3"),
    "operands from an image that is named as the source":
        Net(f"{{{NINE}, eltwise: add, in_sequences: input}}", "4x2x3x3", "4x5x5"),
    "flattened layer that names its source":
        Net(f"{{{NINE}}}\n{{op: linear, flatten: true, in_sequences: 0}}", "4x2x3x3 3x36", "2x3x3"),
    "dilated by more than the tensor's rest, two taps":
        Net("{op: conv1d, kernel_size: 2, pad: 0, dilation: 23}\n{op: conv1d, kernel_size: 1, "
            "pad: 0}", "4x2x2 3x4x1", "2x30"),
    "dilated, three taps, result behind the image":
        Net("{op: conv1d, kernel_size: 3, pad: 0, dilation: 7}", "4x2x3", "2x30"),
    "dilated, three taps, 32 bits":
        Net(f"{{op: conv1d, kernel_size: 3, pad: 0, dilation: 7, {WIDE}}}", "4x2x3", "2x30"),
    "cropped rows of a tensor that the compiler places":
        Net(f"{{{NINE}}}\n{{{ONE}, in_crop: [2, 1], in_dim: [3, 6]}}", "4x2x3x3 3x4x1x1"),
    "a hole in the last word of the known answer":
        Net(f"{{{ONE}, {READS_TWO}: 0x5}}", "2x2x1x1"),
    "image through the FIFOs, placed by the compiler":
        Net(f"{{{NINE}}}", "4x7x3x3", "7x5x5", input_path=InputPath.FIFO),
    "streaming layers, placed by the compiler, rings larger than the image":
        Net(f"{{{NINE}, streaming: true, data_format: CHW}}\n{{{NINE}, streaming: true}}",
            "4x1x3x3 2x4x3x3", "1x5x5", input_path=InputPath.FIFO),
}

REFUSED = {
    "a pass-through layer starts in lane 1":
        ("P6", Net("{op: none, processors: 0x6, output_processors: 0x6, out_offset: 0x2000}")),
    "CHW image flattened":
        ("P5", Net("{op: linear, flatten: true, data_format: CHW}", "3x72")),
    "CHW image read by the second layer":
        ("P5", Net(f"{{{ONE}, data_format: CHW, output: true}}\n{{{ONE}, in_sequences: input}}",
                   "4x2x1x1 4x2x1x1")),
    "output processors unevenly spaced":
        ("P12", Net(f"{{{ONE}, {READS_TWO}: 0xb}}", "3x2x1x1")),
    "the image cropped":
        ("D13", Net(f"{{{ONE}, in_crop: [1, 0], in_dim: [5, 6]}}", "4x2x1x1")),
    "no pooling stride":
        ("L1", Net(f"{{{ONE}, max_pool: 2, pool_stride: 0}}", "4x2x1x1")),
    "transposed convolution with a pooling stride":
        ("L2", Net("{op: convtranspose2d, max_pool: 2, pool_stride: 2}", "2x4x3x3")),
    "flattened with a large kernel":
        ("F3", Net("{op: conv2d, flatten: true, pad: 0}", "4x72x3x3")),
    "Conv1d on an image":
        ("G16", Net("{op: conv1d, kernel_size: 3, pad: 1}", "4x2x3")),
    "another number of outputs than the weights make":
        ("P3", Net(f"{{{ONE}, out_channels: 3}}", "4x2x1x1")),
    "dilated in columns only":
        ("C7", Net("{op: conv2d, dilation: [1, 2]}", "4x2x3x3")),
    "a layer that looks elsewhere for its input":
        ("D9", Net(f"{{{NINE}, out_offset: 0x200}}\n{{{ONE}, in_offset: 0x100}}",
                   "4x2x3x3 3x4x1x1")),
    "an output that passes through a ring":
        ("S16", Net(f"{{{NINE}, streaming: true, output: true}}\n{{{NINE}, streaming: true}}",
                    "4x2x3x3 4x4x3x3", input_path=InputPath.FIFO)),
    "operands of half the pixels":
        ("G14", Net(f"{{{ONE}}}\n{{{ONE}, in_sequences: input}}\n{{op: add, in_sequences: [0, 1], "
                    "in_dim: [12, 6], processors: 0xf}", "4x2x1x1 4x2x1x1")),
}
# fmt: on


@pytest.mark.parametrize("net", AGREE.values(), ids=AGREE.keys())
def test_agrees(net):
    source = source_of(net)
    compiled = compile_or_refuse(source)
    assert compiled is not None
    require_three_answers(source, compiled)


@pytest.mark.parametrize(("rule", "net"), REFUSED.values(), ids=REFUSED.keys())
def test_is_refused(rule, net):
    with pytest.raises(ToolError) as caught:
        compile_source(source_of(net), ProgramOptions("found"), MAX78000)
    problems = getattr(caught.value, "problems", (caught.value,))
    assert rule in {problem.rule for problem in problems}
