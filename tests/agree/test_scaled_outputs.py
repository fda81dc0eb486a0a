"""Outputs multiplied by their final scale: emitted C, executed by a Cortex-M4 on the accelerator.

The interpreter's integers times two to the power of the scale are what has to come out, element by
element, and nothing may be written behind the buffer.
"""

import re
from dataclasses import replace

import numpy as np
import pytest
from emulator import COMPILERS, build
from installed import needs_gcc
from test_emitted_c import POSE, started

from max78000.facts.chip import MAX78000
from networks import Net, compile_net, project_of
from synthesis.emit.options import ProjectOptions
from synthesis.generate.unload import unload_layout

GUARD = 0xA5
IN = "in_sequences: input, output: true"
ENDS = (
    f"{{name: a, kernel_size: 1x1, pad: 0, output_shift: -2, {IN}}}\n"
    f"{{name: b, kernel_size: 1x1, pad: 0, output_width: 32, {IN}}}\n"
    f"{{name: c, kernel_size: 1x1, pad: 0, output_shift: -2, {IN}}}\n"
    f"{{name: d, kernel_size: 1x1, pad: 0, output_shift: -2, {IN}}}"
)
SHAPES = "3x2x1x1 5x2x1x1 7x2x1x1 6x2x1x1"
MIXED = Net(ENDS, SHAPES, "2x2x2", bias=3, scales="3 1 -2 11")
PASSED = Net("{output_shift: -3}\n{op: none, max_pool: 2, pool_stride: 2}", "5x2x3x3", scales="4")
LISTED = Net(
    "{name: a, processors: 3, kernel_size: 1x1, pad: 0, out_offset: 0x100, output: true,"
    " output_processors: 0xff0}\n"
    "{name: b, processors: 3, in_sequences: input, kernel_size: 1x1, pad: 0, in_offset: 0,"
    " out_offset: 0x400}",
    "8x2x1x1 4x2x1x1",
    sections="unload:\n"
    "  - {processors: 0xf, channels: 4, dim: [6, 6], offset: 0x400}\n"
    "  - {processors: 0xf0, channels: 4, dim: [6, 6], offset: 0x100}\n",
    scales="2 -1",
)
SCORES = Net("{op: linear, flatten: true, output_shift: -6}", "5x8", "2x2x2", bias=3)


def built(net, folder, compiler="zig", **options):
    compiled = compile_net(net)
    project = ProjectOptions(**options)
    files = project_of(compiled, POSE, project)
    for name, text in files.items():
        (folder / name).write_text(text)
    build(COMPILERS[compiler], folder, folder / "firmware.elf")
    placed = compiled.placement.placed_graph
    layout = unload_layout(placed, MAX78000, scales=project.scales_outputs)
    return compiled, layout, files


def unloaded(net, folder, **options):
    """Compile, run, unload: every part's elements; the words behind the buffer stay."""
    compiled, layout, files = built(net, folder, **options)
    core, machine = started(folder / "firmware.elf", compiled)
    assert core.call("check_output") == 1  # in data memory nothing is scaled
    core.call("CNN_ISR")  # the gather needs an accelerator that stands still
    address, n_bytes = core.symbols["results"], 4 * layout.n_words
    core.write(address, bytes([GUARD]) * (n_bytes + 64))
    core.call("cnn_unload", address)
    assert core.read(address + n_bytes, 64) == bytes([GUARD]) * 64
    assert int(re.search(r"CNN_UNLOAD_WORDS (\d+)", files["cnn.h"])[1]) == layout.n_words
    assert int(re.search(r"CNN_NUM_OUTPUTS (\d+)", files["cnn.h"])[1]) == layout.n_values
    found = core.read(address, n_bytes)
    elements = [
        np.frombuffer(found, f"<i{part.element_bits // 8}", part.n_values, 4 * part.offset_words)
        for part in layout.parts
    ]
    stored = [machine.read_output(part.output) for part in layout.parts]
    return elements, stored, layout, files


def in_order(values, part):
    """Values of a part in the order of the buffer."""
    if not part.is_wide:
        return values.reshape(-1)
    pixels = values.reshape(len(values), -1)
    blocks = [channel // 16 for channel in part.output.channel_addrs]
    chosen = ([i for i, one in enumerate(blocks) if one == block] for block in sorted({*blocks}))
    return np.concatenate([pixels[list(channels)].T.reshape(-1) for channels in chosen])


# fmt: off
CASES = [
    (MIXED,                                 {}),
    (MIXED,                                 {"gathers_bytes": True}),
    (MIXED,                                 {"scales_outputs": False}),
    (replace(MIXED, image="2x3x3"),         {"gathers_bytes": True}),
    (replace(MIXED, scales="-1 -3 8 9"),    {"gathers_bytes": True}),
    (replace(MIXED, scales="0 25 0 31"),    {}),
    (replace(MIXED, scales="0 0 0 0"),      {}),
    (PASSED,                                {}),
    (LISTED,                                {}),
    (LISTED,                                {"gathers_bytes": True}),
    *((replace(SCORES, scales=str(scale)),  {}) for scale in (-9, -1, 0, 1, 8, 9, 30)),
]
# fmt: on


@pytest.mark.long
@pytest.mark.parametrize(("net", "options"), CASES)
def test_outputs_are_scaled(tmp_path, net, options):
    are_scaled(tmp_path, net, options)


@pytest.mark.long
@needs_gcc
@pytest.mark.parametrize("gathers", [False, True])
def test_outputs_are_scaled_by_the_other_compiler(tmp_path, gathers):
    are_scaled(tmp_path, MIXED, {"gathers_bytes": gathers, "compiler": "gcc"})


def are_scaled(tmp_path, net, options):
    """Run a network, and compare every element in the buffer."""
    elements, stored, layout, _ = unloaded(net, tmp_path, **options)
    for found, values, part in zip(elements, stored, layout.parts, strict=True):
        exact = np.floor(values * 2.0**part.scale)
        wanted = np.clip(exact, -(2.0**31), 2.0**31 - 1)  # only here may anything be cut
        assert np.array_equal(found, in_order(wanted, part)), part.output.name
        assert np.array_equal(part.delivered(values), wanted)
        assert (values < 0).any() or values.size < 10
    if not options.get("scales_outputs", True):
        assert [part.scale for part in layout.parts] == [0, 0, 0, 0]


def test_the_known_answer_is_not_scaled():
    """Files of a network with and without scales differ only in what unloads."""
    plain, scaled = (
        project_of(compile_net(replace(MIXED, scales=scales)), POSE, ProjectOptions())
        for scales in ("", MIXED.scales)
    )
    differing = {name for name in plain if plain[name] != scaled[name]}
    assert differing == {"cnn.c", "cnn.h", "program.json", "report.json", "report.html"}
    note = "// Final scales of outputs, by layer: {0: 3, 1: 1, 2: -2, 3: 11}\n"
    assert note in scaled["cnn.c"]
    assert "inal scale" not in plain["cnn.c"]
    assert "c, 7x2x2 values of type int16_t, multiplied by 2^-2\n" in scaled["cnn.h"]


# -- soft-max --------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(
    ("net", "one"),
    [
        (replace(SCORES, scales="0"), 1),  # bytes count as whole powers of two
        (replace(SCORES, scales="3"), 128),
        (replace(SCORES, scales="-2"), 128),
        (replace(SCORES, scales="10"), 128),
        (replace(SCORES, layers="{op: linear, flatten: true, output_width: 32}", scales="1"),
         1 << 14),
    ],
)  # fmt: skip
def test_softmax_is_that_of_the_scaled_values(tmp_path, net, one):
    compiled, layout, _ = built(net, tmp_path, has_softmax=True)
    core, _ = started(tmp_path / "firmware.elf", compiled)
    core.call("softmax_layer")
    (part,) = layout.parts
    shares = np.frombuffer(core.read(core.symbols["ml_softmax"], 10), "<i2")
    exponents = part.delivered(compiled.results[-1]).reshape(-1) / one
    exact = np.exp2(exponents - exponents.max())
    assert shares[exact.argmax()] == shares.max() > 0
    # Exponents are rounded to whole numbers: each share is within a factor of two.
    assert np.abs(shares / 32768 - exact / exact.sum()).max() < (0.001 if one == 1 else 0.21)


@pytest.mark.long
@pytest.mark.parametrize("scales", ["0", "4", "10"])
def test_main_prints_what_is_unloaded(tmp_path, scales):
    compiled, layout, _ = built(replace(SCORES, scales=scales), tmp_path, has_softmax=True)
    core, _ = started(tmp_path / "firmware.elf", compiled)
    core.call("CNN_ISR")
    assert core.begin("main", 3_000_000)
    assert "*** PASS ***" in core.console
    (part,) = layout.parts
    for i, value in enumerate(part.delivered(compiled.results[-1]).reshape(-1)):
        assert f"[{value:7}] -> Class {i}: " in core.console
