"""Where this compiler deliberately differs from the vendor's generator, and the page that says so.

Here are the tests of differences that nothing else holds; `docs/deviations.md` names all others.
"""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from onnx import helper, numpy_helper
from property.agreement import compile_or_refuse, require_agreement

from max78000.errors import ToolError
from max78000.facts.chip import MAX78000
from networks import (
    Net,
    graph_of,
    network_of,
    placement_of,
    source_of,
    write_checkpoint,
    write_files,
)
from synthesis.commands.synthesize import synthesize
from synthesis.lower.lower import lower
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.onnx_file import read_onnx
from synthesis.read.source import Source
from synthesis.rules.placement_rules import PLACEMENT_RULES
from synthesis.rules.rule import apply_rules

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs" / "deviations.md"
ROW = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$")
CITED = re.compile(r"`(test_\w+\.py)::(test_\w+)(?:\[([^`]*)\])?`")
W = "4x2x3x3"


# -- the page --------------------------------------------------------------------------------------


def rows():
    found = [ROW.match(line) for line in PAGE.read_text(encoding="utf-8").splitlines()]
    cells = [match.groups() for match in found if match]
    return [row for row in cells if row[0] != "what" and not row[0].startswith("---")]


def cited():
    return {groups for row in rows() for groups in CITED.findall(row[3])}


def functions(path):
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }


def test_every_deviation_names_its_test():
    without = [what for what, _, _, held_by in rows() if not CITED.search(held_by)]
    assert without == []
    assert len(rows()) > 50


@pytest.mark.parametrize(("file", "function", "case"), sorted(cited()))
def test_cited_tests_exist(file, function, case):
    (path,) = (ROOT / "tests").rglob(file)
    assert function in functions(path)
    assert not case or f'"{case}"' in path.read_text(encoding="utf-8")


def test_every_test_here_is_cited():
    here = {name for name in functions(Path(__file__)) if name.startswith("test_")}
    about_the_page = {
        "test_every_deviation_names_its_test",
        "test_cited_tests_exist",
        "test_every_test_here_is_cited",
    }
    assert here - about_the_page == {
        name for file, name, _ in cited() if file == Path(__file__).name
    }


# -- the language ----------------------------------------------------------------------------------


def test_default_padding_is_each_layers_own():
    """A Conv1d without `pad` leaves the other layers' padding alone."""
    line, image = graph_of(
        Net("{op: conv1d, kernel_size: 3}\n{in_dim: [4, 4]}", "4x2x3 4x4x3x3", "2x16")
    ).layers
    assert (line.pad, image.pad) == ((1, 0), (1, 1))


def test_eltwise_takes_the_long_words():
    layers = "{op: none, eltwise: %s, in_channels: 2}"
    short, long = (graph_of(Net(layers % word, "", "4x6x6")) for word in ("xor", "BitwiseXor"))
    assert short.layers[0].combine is long.layers[0].combine is not None


def test_a_transposed_layer_may_give_its_stride_and_pool():
    layers = "{op: convtranspose2d, stride: 2, max_pool: 2, pool_stride: 1}"
    compiled = compile_or_refuse(source_of(Net(layers, "2x4x3x3t")))
    assert compiled is not None
    require_agreement(compiled)


def test_rows_can_be_cropped_at_one_end_only():
    for crop in ("[2, 0]", "[0, 2]"):
        layers = f"{{}}\n{{kernel_size: 1x1, pad: 0, in_crop: {crop}, in_dim: [4, 6]}}"
        compiled = compile_or_refuse(source_of(Net(layers, f"{W} 3x4x1x1")))
        assert compiled is not None
        require_agreement(compiled)


def test_joined_tensors_may_have_different_channels():
    placed = (
        "{processors: 3, output_processors: 0xf, out_offset: 0x4000}\n"
        "{in_sequences: input, in_offset: 0, processors: 3, output_processors: 0xff0,"
        " out_offset: 0x4000}\n"
        "{in_sequences: [0, 1], in_offset: 0x4000, processors: 0xfff}"
    )
    compiled = compile_or_refuse(source_of(Net(placed, f"{W} 8x2x3x3 3x12x3x3")))
    assert compiled is not None
    require_agreement(compiled)


def test_the_input_may_be_joined_with_tensors_of_other_channels():
    net = Net("{}\n{in_sequences: [input, 0]}\n{}", f"{W} 5x6x3x3 7x5x3x3")
    assert [layer.in_shape.channels for layer in graph_of(net).layers] == [2, 6, 5]


def test_width_of_an_unload_list_counts():
    sections = "unload:\n  - {processors: 0xf, channels: 4, dim: [6, 6], offset: 0, width: 32}\n"
    (entry,) = graph_of(Net("{output_width: 32}", W, sections=sections)).unload
    assert entry.width_bits == 32


def test_a_window_larger_than_the_picture_is_refused():
    """The size left is negative, not zero."""
    with pytest.raises(ToolError, match=r"pooled to -1x-1, .* \[D3\]"):
        graph_of(Net("{max_pool: 8, pool_stride: 1}", W))


# -- files -----------------------------------------------------------------------------------------


def test_a_checkpoint_needs_no_epoch(tmp_path):
    state = {"a.op.weight": np.ones((4, 2, 3, 3))}
    path = write_checkpoint(tmp_path / "q.pth.tar", {"state_dict": state})
    assert len(read_checkpoint(path).layers) == 1


def test_onnx_weights_pass_over_layers_without(tmp_path):
    """The keys behind the pass-through layer are those of the second convolution."""
    nodes, tensors = [], []
    for name, shape in (("first", (4, 2, 3, 3)), ("second", (5, 4, 3, 3))):
        tensors.append(numpy_helper.from_array(np.full(shape, -1, np.float32), f"{name}.w"))
        nodes.append(helper.make_node("Conv", ["x", f"{name}.w"], [f"{name}.y"], name=name))
    path = tmp_path / "net.onnx"
    model = helper.make_model(helper.make_graph(nodes, "net", [], [], tensors))
    path.write_bytes(model.SerializeToString())
    net = Net("{quantization: 8}\n{op: none}\n{quantization: 4, output_shift: 2}")
    source = Source(network_of(net), read_onnx(path), np.zeros((2, 6, 6), np.int64))
    first, _, second = lower(source, MAX78000).layers
    assert (first.kernel.bits, first.kernel.output_shift) == (8, 0)
    assert (second.kernel.bits, second.kernel.output_shift) == (4, 2)


# -- the project -----------------------------------------------------------------------------------


def test_the_end_of_the_network_cannot_be_slept_through(tmp_path):
    """Interrupts are off from before the test of the end until the sleep, which they end."""
    network, checkpoint, sample = map(str, write_files(tmp_path, Net("{}", W)))
    options = ["--checkpoint-file", checkpoint, "--sample-input", sample]
    result = CliRunner().invoke(synthesize, [network, *options, "--test-dir", str(tmp_path)])
    assert result.exit_code == 0, result.output
    text = (tmp_path / "tiny" / "main.c").read_text()
    names = r"__disable_irq|cnn_time == 0|MXC_LP_EnterSleepMode|__enable_irq"
    assert re.findall(names, text)[:4] == [
        "__disable_irq",
        "cnn_time == 0",
        "MXC_LP_EnterSleepMode",
        "__enable_irq",
    ]


# -- limits ----------------------------------------------------------------------------------------


def refused_by(net):
    found = apply_rules(PLACEMENT_RULES, placement_of(net), MAX78000, frozenset())
    return {error.rule for error in found.errors}


def test_gaps_count_as_output():
    """576 words at every 16th place end 36 KiB further on, not 2 KiB."""
    layers = "{processors: 3, output_processors: 0xf0, out_offset: %s, write_gap: 15}"
    assert refused_by(Net(layers % "0x6000", W, "2x12x12")) == {"D6"}
    assert refused_by(Net(layers % "0x5c00", W, "2x12x12")) == set()


@pytest.mark.parametrize("processors", ["0x3", "0xc", "0x90", "0x60"])
def test_all_lanes_of_a_chw_input_are_checked(processors):
    layers = f"{{data_format: CHW, processors: {processors}, out_offset: 0x4000}}"
    assert "P5" in refused_by(Net(layers, W))
