"""Steps behind the accelerator beside options of a project: no warnings, and right answers."""

import re

import numpy as np
import pytest

from max78000.board.board import VirtualBoard
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_zig
from networks import Net, compile_net, project_of, write_files
from synthesis.emit.options import FileNames, ProjectOptions, RiscV
from synthesis.graph.interpret import answers
from synthesis.read.files import Files

NET = Net(
    "{name: a, op: conv2d, kernel_size: 3x3, pad: 1}\n"
    "{name: b, op: linear, flatten: true, output_width: 32}",
    "4x2x3x3 5x144",
    sections="finish:\n"
    "  - {name: p, op: softmax, dim: 0, result: true}\n"
    "  - {name: best, op: argmax, dim: 0, input: b, result: true}\n"
    "  - {name: l, op: log_softmax, dim: 0, input: b, result: true}\n"
    "  - {op: clamp, min: -0.25, max: 0.25, input: b, result: true}\n"
    "  - {op: tanh, input: b, result: true}\n"
    "  - {op: exp, result: true}\n",
)
OPTIONS = {
    "softmax": ProjectOptions(has_softmax=True),
    "all in main": ProjectOptions(names=FileNames(api=None, sample_output=None)),
    "gather": ProjectOptions(gathers_bytes=True),
    "without unload": ProjectOptions(has_unload=False),
    "energy": ProjectOptions(measures_energy=True),
    "forever": ProjectOptions(runs_forever=True),
}


@pytest.fixture(scope="module")
def compiled():
    return compile_net(NET)


def written(compiled, options, folder):
    files = Files(*write_files(folder, NET))
    project = folder / "net"
    project.mkdir()
    for name, text in project_of(compiled, files, options).items():
        (project / name).write_text(text, encoding="utf-8")
    return project


def refuse_warnings(text, *, is_warning):
    assert not is_warning, text


@pytest.mark.long
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_project_builds_and_answers(compiled, options, tmp_path):
    image = build_project(written(compiled, options, tmp_path), find_zig(), watch=refuse_warnings)
    if options.runs_forever or options.measures_energy:
        return
    board = VirtualBoard()
    board.load_elf(image.elf)
    outcome = board.run()
    assert outcome.is_pass
    assert ("Answers:" in outcome.console) == options.has_unload
    for name, wanted in answers(compiled.graph, compiled.results).items():
        line = re.search(rf"^{name}: (.*)$", outcome.console, re.MULTILINE)
        assert (line is not None) == options.has_unload
        if line is not None:
            np.testing.assert_allclose([float(word) for word in line[1].split()], wanted, atol=6e-5)


def test_the_riscv_core_does_it(compiled, tmp_path):
    project = written(compiled, ProjectOptions(riscv=RiscV()), tmp_path)
    assert "cnn_finish(" in (project / "main_riscv.c").read_text(encoding="utf-8")
    assert "cnn_finish" not in (project / "main.c").read_text(encoding="utf-8")
    assert "putting cnn_finish.c into Makefile.RISCV" in (project / "Makefile").read_text(
        encoding="utf-8"
    )
