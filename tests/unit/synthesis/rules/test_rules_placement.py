"""Every rule of a placed network: one that breaks it, word by word, and one that keeps it."""

from dataclasses import replace

import pytest

from max78000.errors import CapacityError, InputError, UnsupportedError
from max78000.facts.chip import MAX78000
from networks import Net, placement_of
from synthesis.read.source import InputPath
from synthesis.rules.placement_rules import PLACEMENT_RULES
from synthesis.rules.rule import apply_rules
from synthesis.rules.stream_rules import STREAM_RULES

ALL_RULES = (*PLACEMENT_RULES, *STREAM_RULES)
RULES = {rule.id: rule for rule in ALL_RULES}
W, W4 = "4x2x3x3", "4x4x3x3"
IN, OUT = "processors: 0x3", "output_processors: 0xf"
S = "op: conv2d, streaming: true"
HALF = "move out_offset to the other half (0x4000), or use other processors"
# Two producers for one element-wise layer, interleaved.
OPERANDS = (
    f"{{{IN}, OUT0, out_offset: 0x2000, write_gap: 1}}\n"
    f"{{{IN}, in_sequences: input, in_offset: 0, OUT1, out_offset: 0x2004, write_gap: 1}}\n"
    "{op: add, in_sequences: [0, 1], in_offset: 0x2000, processors: 0xf, out_offset: 0x4000}"
)


def operands(first, second):
    return OPERANDS.replace("OUT0", f"output_processors: {first}").replace(
        "OUT1", f"output_processors: {second}"
    )


def joined(order, first="0xf", second="0xf0", both="0xff"):
    """Two layers on the input, on neighbouring processors, and one that joins their channels."""
    return (
        f"{{name: a, {IN}, output_processors: {first}, out_offset: 0x4000}}\n"
        f"{{name: b, in_sequences: input, in_offset: 0, {IN}, output_processors: {second},"
        " out_offset: 0x4000}\n"
        f"{{in_sequences: {order}, processors: {both}, in_offset: 0x4000}}"
    )


def fifo(layers, weights=W, image="2x6x6", **more):
    return Net(layers, weights, image, input_path=InputPath.FIFO, **more)


def fast(layers, weights=W, image="2x6x6"):
    return Net(layers, weights, image, input_path=InputPath.FAST_FIFO)


def streams(*layers):
    """Layers behind each other, each on the data memory of its own; their weights."""
    placed = [
        f"{{{keys}, processors: {0xF << 4 * i if i else 3}, output_processors: {0xF0 << 4 * i}}}"
        for i, keys in enumerate(layers)
    ]
    return "\n".join(placed), " ".join([W, *[W4] * (len(layers) - 1)])


# fmt: off
CASES = [
    # rule, network that breaks it,
    #     the message after file name and rule,
    #     network that keeps it
    ("P2", Net("{processors: 0x7}", W),
        "4 layers[0]: processors has 3 bits, 2 channels need 2 (use processors: "
        "0x0000000000000003, or check the sample's size)",
        Net("{processors: 0x5, out_offset: 0x4000}", W)),
    ("P2", Net("{processors: 0xff}", "4x72x3x3", "72x6x6"),
        "4 layers[0]: processors has 8 bits, 72 channels in 2 passes need 36 (use processors: "
        "0x0000000fffffffff, or check the sample's size)",
        Net("{processors: 0xfffffffff, out_offset: 0x4000}", "4x72x3x3", "72x6x6")),
    ("P3", Net("{output_processors: 0x7}", W),
        "4 layers[0]: output_processors has 3 bits, 4 channels need 4 (use output_processors: "
        "0x000000000000000f, or check the sample's size)",
        Net("{output_processors: 0xf0}", W)),
    ("P5", Net("{data_format: chw, processors: 0x3}", W),
        "4 layers[0]: processors 0x0000000000000003 share data memories (use every fourth "
        "processor, or data_format: HWC)",
        Net("{data_format: chw, processors: 0x11, out_offset: 0x4000}", W)),
    ("P5", Net("{data_format: chw, eltwise: add, processors: 0x11}", W, "4x6x6"),
        "4 layers[0]: CHW with several operands, passes or pixels flattened (use data_format: HWC)",
        Net("{data_format: hwc, eltwise: add}", W, "4x6x6")),
    ("P5", Net("{data_format: chw}\n{in_sequences: input}", f"{W} {W}"),
        "5 layers[1]: reads a CHW input, which only the first layer can (use data_format: HWC in "
        "the first layer)",
        Net("{}\n{in_sequences: input}", f"{W} {W}")),
    ("P6", Net(f"{{{IN}, {OUT}, out_offset: 0x4000}}\n"
               "{op: none, processors: 0xf, output_processors: 0x1e}", W),
        "5 layers[1]: quadrant 0: inputs 0x000f become outputs 0x000f, not 0x001e (use 0x000f "
        "there, or the same moved by 4)",
        Net(f"{{{IN}, {OUT}, out_offset: 0x4000}}\n"
            "{op: none, processors: 0xf, output_processors: 0xf0}", W)),
    ("P12", Net("{output_processors: 0x17}", W),
        "4 layers[0]: output_processors 0x0017 in quadrant 0 (use neighbouring processors)",
        Net("{output_processors: 0x55}", W)),
    ("P7", Net(operands("0xf", "0xf0"), f"{W} {W}"),
        "6 layers[2]: operands on different processors: 0x000000000000000f, 0x00000000000000f0 "
        "(give all producers the same output_processors)",
        Net(operands("0xf", "0xf"), f"{W} {W}")),
    ("P8", Net(f"{{{IN}, output_processors: 0xf0, out_offset: 0x4000}}\n{{processors: 0x1e}}",
               f"{W} {W4}"),
        "5 layers[1]: processors 0x000000000000000e read what no producer writes (correct "
        "processors, or output_processors of the producers)",
        Net(f"{{{IN}, output_processors: 0xf0, out_offset: 0x4000}}\n{{processors: 0xf0}}",
            f"{W} {W4}")),
    ("P9", Net(joined("[b, a]"), "4x2x3x3 4x2x3x3 4x8x3x3"),
        "6 layers[2]: joins b on 0x00000000000000f0 and a on 0x000000000000000f (list the "
        "producers by ascending processors, in the order of the channels)",
        Net(joined("[a, b]"), "4x2x3x3 4x2x3x3 4x8x3x3")),
    ("P10", Net(joined("[a, b]", "0x3f", "0x3c0", "0x3ff"), "6x2x3x3 4x2x3x3 4x10x3x3"),
        "6 layers[2]: a has 6 channels and ends in a word of b, in data memory 1 (make 8 channels "
        "of them, or let the second start at the next multiple of 4)",
        Net(joined("[a, b]", "0x3f", "0xf00", "0xf3f"), "6x2x3x3 4x2x3x3 4x10x3x3")),
    ("P11", Net(f"{{{IN}, output_processors: 0x1e0, out_offset: 0x4000, quantization: 4}}", W,
                bits=4),
        "4 layers[0]: 4-bit weights, outputs start at processor 5 (let output_processors start at "
        "4)",
        Net(f"{{{IN}, output_processors: 0x1e0, out_offset: 0x4000}}", W)),
    ("E6", Net(f"{{{IN}, {OUT}, out_offset: 0x2000}}\n"
               "{op: add, in_sequences: [0, 0], processors: 0xf, out_offset: 0x4000}", W),
        "5 layers[1]: reads 2 operands word by word, layer0 is written without gap (give its "
        "producers write_gap: 1 and offsets 4 bytes apart, or copy the tensor there (op: "
        "passthrough))",
        Net(operands("0xf", "0xf"), f"{W} {W}")),
    ("E6a", Net("{write_gap: 1}\n{}", f"{W} {W4}"),
        "5 layers[1]: reads 1 words a pixel, layer0 writes every 2 words (write the tensor a "
        "second time without gap (op: passthrough))",
        Net(operands("0xf", "0xf"), f"{W} {W}")),
    ("D9", Net(f"{{{IN}, {OUT}, out_offset: 0x2000}}\n{{processors: 0xf, in_offset: 0x1000}}",
               f"{W} {W4}"),
        "5 layers[1]: in_offset 0x1000 expects layer0 at 0x1000, it is at 0x2000 (use in_offset: "
        "0x2000)",
        Net(f"{{{IN}, {OUT}, out_offset: 0x2000}}\n{{processors: 0xf, in_offset: 0x2000}}",
            f"{W} {W4}")),
    ("D4", Net("{in_offset: 2}", W),
        "4 layers[0]: in_offset 0x2 is not a multiple of 4 (use 0x0)",
        Net("{in_offset: 4}", W)),
    ("D4", Net("{out_offset: 0x2003}", W),
        "4 layers[0]: out_offset 0x2003 is not a multiple of 4 (use 0x2000)",
        Net("{out_offset: 0x2004}", W)),
    ("D4", Net(f"{{op: conv1d, kernel_size: 3, pad: 0, dilation: 5, {IN}, out_offset: 16}}",
               "4x2x3", "2x20"),
        "4 layers[0]: out_offset 0x10, 20 bytes before it are written too (use 0x14 or more)",
        Net("{op: conv1d, kernel_size: 3, pad: 0, dilation: 5, out_offset: 0x400}",
            "4x2x3", "2x20")),
    ("D5", Net("{}", W, "2x91x91"),
        "4 layers[0]: input 2x91x91 needs 33124 bytes from 0x0, an instance has 32768 (fold the "
        "picture by 2 (2070 pixels), or pool in the layer before)",
        Net("{pad: 0, max_pool: 16, pool_stride: 16, output_processors: 0xf0}", W, "2x90x91")),
    ("D5", Net("{in_offset: 0x7ff0}", W),
        "4 layers[0]: input 2x6x6 needs 144 bytes from 0x7ff0, an instance has 32768 (use "
        "in_offset: 0x7f70 or less)",
        Net("{in_offset: 0x7f70}", W)),
    ("D6", Net("{out_offset: 0x7f74}", W),
        "4 layers[0]: output 4x6x6 of 8 bits needs 144 bytes from 0x7f74, an instance has 32768 "
        "(use out_offset: 0x7f70 or less)",
        Net("{out_offset: 0x7f70}", W)),
    ("D6", Net("{output_width: 32}", W, "2x50x50"),
        "4 layers[0]: output 4x50x50 of 32 bits needs 40000 bytes from 0x2710, an instance has "
        "32768 (use output_width: 8, or pool in the layer before)",
        Net("{output_width: 32, output_processors: 0xf0}", W, "2x45x45")),
    ("D7", Net(f"{{{IN}, {OUT}, in_offset: 0, out_offset: 64}}", W),
        "4 layers[0]: its output overwrites the input at byte 0x40 of a data memory, before layer0 "
        f"has read it ({HALF})",
        Net(f"{{{IN}, {OUT}, in_offset: 0, out_offset: 144}}", W)),
    ("D8", Net(f"{{name: a, {IN}, {OUT}, out_offset: 0x2000, output: true}}\n"
               f"{{name: b, processors: 0xf, {OUT}, out_offset: 0x3000}}\n"
               f"{{processors: 0xf, {OUT}, out_offset: 0x2048}}", f"{W} {W4} {W4}"),
        "6 layers[2]: its output overwrites a at byte 0x2048 of a data memory, before it is "
        f"unloaded ({HALF})",
        Net(f"{{name: a, {IN}, {OUT}, out_offset: 0x2000}}\n"
            f"{{name: b, processors: 0xf, {OUT}, out_offset: 0x3000}}\n"
            f"{{processors: 0xf, {OUT}, out_offset: 0x2048}}", f"{W} {W4} {W4}")),
    ("D11", Net("{write_gap: 8}", "70x1x3x3", "1x2x2"),
        "4 layers[0]: write step 18, limit 16 (reduce write_gap)",
        Net("{write_gap: 7}", "70x1x3x3", "1x2x2")),
    ("C12", Net("{}", "1024x64x3x3", "64x6x6"),
        "4 layers[0]: weights need 589,824 bytes of 442,368; processor 0 needs 1024 of 768 kernel "
        "words: layer0 1024 (use narrower weights, fewer channels or fewer layers)",
        Net("{}", "768x64x3x3", "64x6x6")),
    ("C14", Net("{bias_group: 0}\n{bias_group: 0}", "512x2x3x3 1x512x3x3", bias=1),
        " biases need 513 bytes of 512 in quadrant 0 (train the widest layers without bias, or "
        "spread them with bias_group)",
        Net("{bias_group: 0}\n{bias_group: [1, 2]}", "512x2x3x3 1x512x3x3", bias=1)),
    ("C15", Net("{bias_group: [0, 2]}", W, bias=1),
        "4 layers[0]: bias_group [2] is not in use (use 0)",
        Net("{bias_group: 0}", W, bias=1)),
    ("G17", Net("{processors: 0x10000, output_processors: 0x20000}", "1x1x3x3", "1x6x6"),
        "4 layers[0]: no layer uses processors 0..15 (move a layer to quadrant 0)",
        Net("{processors: 0x10000, output_processors: 0x2}", "1x1x3x3", "1x6x6")),
    ("S1", Net(f"{{{S}}}", W),
        "4 layers[0]: streams without FIFO (give --fifo)",
        fifo(f"{{{S}}}")),
    ("S2", fifo(f"{{{S}}}\n{{}}\n{{{S}}}", f"{W} {W4} {W4}"),
        "6 layers[2]: streams behind a layer that does not (remove streaming)",
        fifo(f"{{{S}}}\n{{}}\n{{}}", f"{W} {W4} {W4}")),
    ("S3", fifo(*streams(*[S] * 9)),
        "12 layers[8]: 9 streaming layers of 8 (remove streaming from the last ones)",
        fifo(*streams(*[S] * 8))),
    ("S5", fifo(*streams(S, S + ", pad: 0", "pad: 1")),
        "5 layers[1]: last streaming layer without padding (give pad: 1, or let the next layer "
        "stream too)",
        fifo(*streams(S, S + ", pad: 1", "pad: 0"))),
    ("S6", fifo(f"{{{S}}}\n{{kernel_size: 1x1, pad: 1}}", f"{W} 4x4x1x1"),
        "5 layers[1]: 1x1 kernel with padding (give pad: 0)",
        fifo(f"{{{S}}}\n{{kernel_size: 1x1, pad: 0}}", f"{W} 4x4x1x1")),
    ("S7", fifo(f"{{{S}}}", bias=1),
        "4 layers[0]: streams with a bias (train it without bias)",
        fifo("{}", bias=1)),
    ("S8", fifo("{processors: 0x10}", "4x1x3x3", "1x6x6"),
        "4 layers[0]: processors 0x0000000000000010 have no FIFO (use processors of "
        "0x000f000f000f000f)",
        fifo("{processors: 0x1, out_offset: 0x4000}", "4x1x3x3", "1x6x6")),
    ("S8", fifo("{data_format: chw, processors: 0x11}"),
        "4 layers[0]: processors 0x0000000000000010 have no FIFO (use processors of "
        "0x0001000100010001)",
        fifo("{data_format: chw, processors: 0x10001, out_offset: 0x4000}")),
    ("S8a", fifo("{processors: 0x10001}"),
        "4 layers[0]: processors 0x0000000000010001 leave lanes of a FIFO empty (fill processors "
        "0..3 first, then 16..19, 32..35, 48..51)",
        fifo("{processors: 0x1000f, out_offset: 0x4000}", "4x5x3x3", "5x6x6")),
    ("S8a", fast("{processors: 0x10001}"),
        "4 layers[0]: processors 0x0000000000010001 leave lanes of a FIFO empty (fill processors "
        "0..3 first, then 16..19, 32..35, 48..51)",
        fast("{processors: 0x3, out_offset: 0x4000}")),
    ("S9", fast("{}", "4x5x3x3", "5x6x6"),
        "4 layers[0]: 5 channels, the fast FIFO carries 4 (use --fifo)",
        fast("{}", "4x4x3x3", "4x6x6")),
    ("S9", fast("{data_format: chw}"),
        "4 layers[0]: 2 channels, the fast FIFO carries 1 (use --fifo)",
        fast("{data_format: chw}", "4x1x3x3", "1x6x6")),
    ("S9", fast("{processors: 0x9}"),
        "4 layers[0]: the fast FIFO does not feed 0x9 (use processors 0x3 or 0x10001)",
        fast("{processors: 0x3, out_offset: 0x4000}")),
    ("S9", fast("{op: passthrough}", ""),
        "4 layers[0]: pass-through layer on the fast FIFO (begin with a convolution)",
        fifo("{op: passthrough}", "")),
    ("S9", fast("{output_width: 32, activate: none}"),
        "4 layers[0]: 32-bit results of a layer on the fast FIFO (use --fifo, or 8 bits)",
        fast("{}")),
    ("S10", fifo(f"{{{S}}}\n" * 3, "1024x2x3x3 4x1024x3x3 4x4x3x3", bits=1),
        "6 layers[2]: 17 passes in the streaming layers before, limit 15 (use 64 channels or fewer "
        "in the layers before, or let this one not stream)",
        fifo(f"{{{S}}}\n" * 3, "4x2x3x3 4x4x3x3 4x4x3x3")),
    ("S11", fifo(*streams(S, S, S, S), "2x8x1000"),
        "7 layers[3]: row buffers end at entry 4000 of 3072 (use a narrower picture, or stream "
        "fewer layers)",
        fifo(*streams(S, S, S), "2x8x1000")),
    ("S12", fifo(*streams(S, S + ", max_pool: [16, 1], pool_stride: 4"), "2x64x1000"),
        "5 layers[1]: start count 17039, limit 16383 (use a smaller picture or window)",
        fifo(*streams(S, S + ", max_pool: [2, 1], pool_stride: 4"), "2x64x1000")),
    ("S13", fifo(*streams(S + ", out_offset: 0x7f38", S), "2x20x20"),
        "5 layers[1]: ring ends at 0x8000, an instance has 0x8000 (lower in_offset)",
        fifo(*streams(S + ", out_offset: 0x7f34", S), "2x20x20")),
    ("S14", fifo("{op: add}", "", "4x6x6"),
        "4 layers[0]: element-wise layer on FIFO input (load without FIFO)",
        Net("{op: add}", "", "4x6x6")),
    ("S15", fifo("{}", W, "2x128x128"),
        "4 layers[0]: start count 16384, limit 16383 (stream the layer, or use a smaller picture "
        "or window)",
        fifo("{}", W, "2x12x12")),
    ("S16", fifo(*streams(S + ", output: true", S)),
        "4 layers[0]: is an output, but passes through a ring to layer1 (let layer1 not stream)",
        fifo(*streams(S, S + ", output: true"))),
    ("S17", fifo(f"{{{S}}}\n{{{S}, max_pool: 3, pool_stride: 3}}", "256x2x3x3 4x256x3x3", "2x6x18",
                 bits=2),
        "5 layers[1]: ring of 128 words, 4 passes of a pooling window have 156 (pool less, use 64 "
        "channels or fewer, or let it not stream)",
        fifo(f"{{{S}}}\n{{{S}, max_pool: 3, pool_stride: 3}}", "128x2x3x3 4x128x3x3", "2x6x18",
             bits=2)),
]
# fmt: on
IDS = [f"{case[0]}-{i}" for i, case in enumerate(CASES)]


def verdict(placement):
    return apply_rules(ALL_RULES, placement, MAX78000, frozenset())


@pytest.mark.parametrize(("rule", "broken", "message", "kept"), CASES, ids=IDS)
def test_rule(rule, broken, message, kept):
    found = verdict(placement_of(broken))
    lines = found.warnings if RULES[rule].error is None else map(str, found.errors)
    tag = f" [{rule}]"
    own = [line.replace(tag, "") for line in lines if tag in line]
    assert own[:1] == [f"net.yaml:{message}"]
    assert all(type(error) is RULES[rule].error for error in found.errors if error.rule == rule)
    legal = verdict(placement_of(kept))
    assert not legal.errors
    assert not any(tag in warning for warning in legal.warnings)


def test_mask_counter():
    """C22: 768 words never need so many kernel positions, so a slot is made that does."""
    placement = placement_of(Net("{}", W))
    (placed,) = placement.layers

    def with_count(count):
        slot = replace(placed.kernel_slot, count=count)
        layers = (replace(placed, kernel_slot=slot),)
        return replace(placement, placed_graph=replace(placement.placed_graph, layers=layers))

    (error,) = verdict(with_count(8193)).errors
    assert str(error) == "net.yaml:4 layers[0]: kernel position 65536, limit 65535 [C22] (split it)"
    assert not verdict(with_count(8192)).errors


@pytest.mark.parametrize("pooled", ["", ", max_pool: 2, pool_stride: 2"])
def test_streams_without_fifo_are_one_finding(pooled):
    """There are no rings then, and nothing is said about their sizes."""
    layers = f"{{{S}}}\n{{{S}{pooled}}}\n{{{S}}}"
    placement = placement_of(Net(layers, "128x2x3x3 128x128x3x3 4x128x3x3", "2x12x12"))
    assert [error.rule for error in verdict(placement).errors] == ["S1"]


def test_every_rule_is_here():
    assert {case[0] for case in CASES} | {"C22"} == set(RULES)
    assert len(RULES) == len(ALL_RULES)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_kinds_and_ways_out(rule):
    assert rule.error in (None, InputError, CapacityError, UnsupportedError)
    assert rule.manual(MAX78000).endswith(".")
