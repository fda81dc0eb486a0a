"""Sections `unload` and `data_buffer` in emitted C, executed by a Cortex-M4 on the accelerator."""

from dataclasses import replace

import numpy as np
import pytest
from emulator import COMPILERS, build
from test_emitted_c import POSE, started

from max78000.errors import ToolError
from networks import Net, compile_net, graph_of, image_of, project_of, source_of
from synthesis.emit.options import ProjectOptions
from synthesis.graph.interpret import interpret, run_layer

LAYERS = (
    "{processors: 0x3, kernel_size: 1x1, pad: 0, out_offset: 0x100, output_processors: 0xff0}\n"
    "{processors: 0xff0, kernel_size: 1x1, pad: 0, in_offset: 0x100, out_offset: 0x400}"
)
UNLOAD = """\
unload:
  - {processors: 0xf0, channels: 4, dim: [6, 6], offset: 0x100}
  - {processors: 0xf, channels: 4, dim: [6, 6], offset: 0x400}
"""
TWO = Net(LAYERS, "8x2x1x1 4x8x1x1", sections=UNLOAD)
BUFFER = """\
data_buffer:
  - {name: past, processors: 0xff, channels: 8, dim: 5, offset: 0x7fec}
"""
ROLLING = Net(
    "{op: none, name: copy}\n{op: none, in_sequences: past, buffer_shift: 1}\n"
    "{kernel_size: 3x3, pad: 0, in_sequences: copy, buffer_insert: 1}\n"
    "{op: conv1d, kernel_size: 3, pad: 0, in_sequences: past}",
    "8x2x3x3 4x8x3",
    "2x3x3",
    sections=BUFFER,
)


def firmware(net, folder):
    compiled = compile_net(net)
    for name, text in project_of(compiled, POSE, ProjectOptions()).items():
        (folder / name).write_text(text)
    build(COMPILERS["zig"], folder, folder / "firmware.elf")
    return compiled, *started(folder / "firmware.elf", compiled)


def test_what_the_list_names_is_unloaded(tmp_path):
    compiled, core, _ = firmware(TWO, tmp_path)
    core.call("cnn_unload", core.symbols["results"])
    parts = [compiled.results[0][:4], compiled.results[1]]
    wanted = b"".join(part.astype(np.int8).tobytes() for part in parts)
    assert core.read(core.symbols["results"], len(wanted)) == wanted


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{processors: 0x7, channels: 4, dim: 36, offset: 0}",
         "net.yaml:7 unload[0]: processors has 3 bits, 4 are needed [P3] (name the processors that "
         "hold the 4 channels)"),
        ("{processors: 0xf, channels: 4, dim: 36, offset: 0x7fa0}",
         "net.yaml:7 unload[0]: 144 bytes from 0x7fa0 on are not in the memory [D6] (offset is a "
         "multiple of 4, an instance has 0x8000 bytes)"),
    ],
)  # fmt: skip
def test_entries_that_name_nothing_are_refused(entry, message):
    with pytest.raises(ToolError) as refusal:
        graph_of(replace(TWO, sections=f"unload:\n  - {entry}\n"))
    assert str(refusal.value) == message


def test_the_rolling_buffer_starts_empty_and_is_kept(tmp_path):
    """Two pictures, the second loaded over the first: the answer needs both."""
    compiled, core, machine = firmware(ROLLING, tmp_path)
    assert core.call("check_output") == 1
    core.call("CNN_ISR")
    second = compile_net(ROLLING, replace(source_of(ROLLING), image=image_of(ROLLING, 5)))
    machine.execute(second.program.phase("load_input"))
    core.call("cnn_start")
    graph = compiled.graph
    newest = [
        results[2][:, :, 0]
        for results in (compiled.results, interpret(graph, image_of(ROLLING, 5)))
    ]
    past = np.concatenate([np.zeros((8, 3), np.int64), *newest], axis=1)[:, :, None]
    expected = run_layer(graph.layers[3], [past])
    assert np.array_equal(machine.read_output(compiled.program.outputs[-1]), expected)
