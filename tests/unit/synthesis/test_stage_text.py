"""Stages as text: exact words, and placed descriptions that read back to the same program."""

import gzip
import json
from dataclasses import replace

import pytest

from max78000.errors import ToolError
from max78000.facts.chip import MAX78000
from max78000.program.program import to_text
from networks import FILE, Net, compile_net, graph_of, network_of, placement_of, source_of
from synthesis.commands.options import STAGES
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.files import Files, read_source
from synthesis.read.source import InputPath
from synthesis.read.yaml_reader import read_network
from synthesis.text import graph_text, placed_yaml, stage_text

W, W4 = "4x2x3x3", "4x4x3x3"

MIXED = Net(
    "{name: stem, op: conv2d, activate: ReLU, max_pool: [2, 3], pool_stride: 1}\n"
    "{op: conv2d, kernel_size: 1x1, pad: 0, eltwise: add, in_sequences: [stem, stem], "
    "quantization: 4}\n"
    "{op: none, avg_pool: 2, pool_stride: 2}\n"
    "{op: linear, flatten: true, output_width: 32, output_shift: -1}",
    f"{W} 5x4x1x1 3x20", bits=4, bias=1,
)  # fmt: skip


def test_graph_text():
    assert graph_text(graph_of(MIXED)) == (
        "graph tiny: input 2x6x6\n"
        "  0 stem <- input: 2x6x6 -> 4x5x4; max pool (2, 3) step (1, 1); Conv2d (3, 3) pad (1, 1); "
        "8-bit weights, shift 0, bias; ReLU\n"
        "  1 layer1 <- 0, 0: 4x5x4 -> 5x5x4; Add of 2; Conv2d (1, 1) pad (0, 0); "
        "4-bit weights, shift 0, bias\n"
        "  2 layer2 <- 1: 5x5x4 -> 5x2x2; avg pool (2, 2) step (2, 2); Passthrough (1, 1) pad "
        "(0, 0)\n"
        "  3 layer3 <- 2: 5x2x2 -> 3x1x1; Linear (1, 1) pad (0, 0); 8-bit weights, shift -1, bias; "
        "32 bits\n"
    )


def test_graph_text_says_the_scale_of_answers():
    net = Net("{}\n{output: true}\n{in_sequences: 0}", f"{W} {W4} {W4}", scales="5 0 -2")
    lines = graph_text(graph_of(net)).splitlines()
    assert [line.partition("answers ")[2] for line in lines] == ["", "", "", "times 2^-2"]


def test_placed_yaml():
    net = Net(
        "{name: a, activate: ReLU, max_pool: 2, pool_stride: 2, bias_quadrant: [0, 1]}\n"
        "{name: b, op: linear, flatten: true, output_width: 32}",
        f"{W} 3x36", bias=1,
    )  # fmt: skip
    assert placed_yaml(placement_of(net).placed_graph) == (
        "---\n"
        "arch: tiny\n"
        "dataset: sample\n"
        "layers:\n"
        "  - name: a\n"
        "    op: Conv2d\n"
        "    in_sequences: [input]\n"
        "    in_channels: 2\n"
        "    in_dim: [6, 6]\n"
        "    kernel_size: 3x3\n"
        "    pad: 1\n"
        "    max_pool: [2, 2]\n"
        "    pool_stride: [2, 2]\n"
        "    activate: ReLU\n"
        "    quantization: 8\n"
        "    output_shift: 0\n"
        "    data_format: hwc\n"
        "    processors: 0x0000000000000003\n"
        "    output_processors: 0x000000000000000f\n"
        "    in_offset: 0x0000\n"
        "    out_offset: 0x0090\n"
        "    bias_group: [0, 1]\n"
        "  - name: b\n"
        "    op: Linear\n"
        "    in_sequences: [0]\n"
        "    in_channels: 36\n"
        "    in_dim: [3, 3]\n"
        "    pad: 0\n"
        "    flatten: true\n"
        "    activate: None\n"
        "    quantization: 8\n"
        "    output_shift: 0\n"
        "    output_width: 32\n"
        "    processors: 0x000000000000000f\n"
        "    output_processors: 0x0000000000000007\n"
        "    in_offset: 0x0090\n"
        "    out_offset: 0x0000\n"
    )


PLACED = "{processors: 3, output_processors: 0xf, out_offset: 0x1000"
SAME = {
    "automatic": Net("{}\n{}\n{op: none, max_pool: 2, pool_stride: 2}", f"{W} {W4}", bias=1),
    "widths": Net("{quantization: 4, output_shift: 2}\n{output_width: 32}", f"{W} {W4}", bits=4),
    "passes": Net("{kernel_size: 1x1, pad: 0}\n{}", "70x72x1x1 3x70x3x3", "72x4x4"),
    "one dimension": Net(
        "{op: conv1d, kernel_size: 3, pad: 1, max_pool: 2, pool_stride: 2}\n"
        "{op: conv1d, kernel_size: 3, pad: 1, dilation: 3}\n"
        "{op: conv1d, kernel_size: 2, pad: 0, dilation: 9}",
        "4x2x3 4x4x3 3x4x2", "2x40",
    ),
    "transposed": Net("{op: convtranspose2d, pad: 2, activate: Abs}", "2x4x3x3t"),
    "chw": Net("{data_format: chw}", W),
    "input operands": Net(
        "{eltwise: sub, operands: 3, avg_pool: 2, pool_stride: 1}", W, "6x6x6"
    ),
    "pool last": Net(
        "{eltwise: sub, pool_first: false, max_pool: 2, pool_stride: 2}", W, "4x6x6"
    ),
    "two producers": Net(
        f"{PLACED}, write_gap: 1}}\n"
        f"{{processors: 3, in_sequences: input, in_offset: 0, output_processors: 0xf, "
        "out_offset: 0x1004, write_gap: 1}\n"
        "{op: xor, in_sequences: [0, 1], in_offset: 0x1000, processors: 0xf, out_offset: 0x4000}",
        f"{W} {W}",
    ),
    "two outputs": Net("{output: true}\n{in_sequences: input, output: true}\n{}",
                       f"{W} {W} {W4}"),
    "cropped": Net("{}\n{in_crop: [1, 2], in_dim: [3, 6]}", f"{W} {W4}"),
    "shared weights": Net(
        "{name: a}\n{in_sequences: input}\n{weight_source: a, in_sequences: input}", f"{W} {W}"
    ),
    "weights of a width": Net("{}\n{op: none, quantization: 2}", W),
    "flattened": Net("{}\n{op: linear, flatten: true}", f"{W} 3x144", bias=1),
    "streaming": Net(
        "{streaming: true, processors: 3, output_processors: 0xf0}\n"
        "{streaming: true, processors: 0xf0, output_processors: 0xf00}\n"
        "{processors: 0xf00, out_offset: 0x100}", f"{W} {W4} {W4}", input_path=InputPath.FIFO,
    ),
    "odd names": Net(
        '{name: "yes"}\n{name: "1"}\n{name: "a: b #c"}\n{name: über, in_sequences: "1"}',
        f"{W} {W4} {W4} {W4}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_a_placed_description_gives_the_same_program(name):
    source = source_of(SAME[name])
    compiled = compile_net(SAME[name], source)
    network = read_network(placed_yaml(compiled.placement.placed_graph), "placed.yaml")
    again = compile_net(SAME[name], replace(source, network=network))
    assert again.program == compiled.program
    assert placed_yaml(again.placement.placed_graph) == placed_yaml(compiled.placement.placed_graph)


def test_an_output_map_is_kept():
    net = Net("{}", W)
    network = replace(network_of(net), output_map=0xF00)
    compiled = compile_net(net, replace(source_of(net), network=network))
    text = placed_yaml(compiled.placement.placed_graph)
    assert "output_map: 0x0000000000000f00\n" in text
    assert read_network(text, FILE).output_map == 0xF00


@pytest.mark.long
def test_networks_of_the_vendor_read_back(vectors_dir):
    """Every eighth; all of them take some seconds."""
    if vectors_dir is None:
        pytest.skip("the vendor's networks are not beside this checkout")
    cases = sorted((vectors_dir / "corpus").iterdir())[::8]
    assert len(cases) > 20
    for case in cases:
        expected = json.loads(gzip.decompress((case / "expected.json.gz").read_bytes()))
        if "unreachable" in expected:
            continue
        files = Files(case / "network.yaml", case / "checkpoint.pth.tar", case / "sample.npy")
        is_fifo = any("fifo" in flag for flag in expected["flags"])
        input_path = InputPath.FIFO if is_fifo else InputPath.MEMORY
        source = replace(read_source(files), input_path=input_path)
        compiled = compile_allowed(source, expected["flags"])
        network = read_network(placed_yaml(compiled.placement.placed_graph), "placed.yaml")
        again = compile_allowed(replace(source, network=network), expected["flags"])
        assert again.program == compiled.program, case.name


def compile_allowed(source, flags):
    allowed = frozenset({"D7"} if "--overlap-data" in flags else ())
    return compile_source(source, ProgramOptions("x"), MAX78000, allowed)


def test_stages_by_name():
    compiled = compile_net(SAME["flattened"])
    texts = [stage_text(stage, compiled, MAX78000) for stage in STAGES]
    assert texts == [
        graph_text(compiled.graph),
        placed_yaml(compiled.placement.placed_graph),
        to_text(compiled.program, MAX78000),
    ]
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in texts)


def test_watching_sees_every_stage():
    seen = []
    compile_source(
        source_of(SAME["flattened"]),
        ProgramOptions("tiny"),
        MAX78000,
        watch=lambda stage, value: seen.append((stage, type(value).__name__)),
    )
    assert seen == [
        ("network", "NetworkSpec"),
        ("graph", "Graph"),
        ("placed", "PlacedGraph"),
        ("program", "RegisterProgram"),
    ]
    with pytest.raises(ToolError):
        compile_net(Net("{stride: 2}", W))
