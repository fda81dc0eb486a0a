"""Kernels behind word 255 of a memory, read back by the emitted C."""

from pathlib import Path

import pytest
from emulator import COMPILERS, Core, build

from max78000.facts.chip import MAX78000
from max78000.machine import Machine
from max78000.program.program import KernelBlock
from networks import Net, checkpoint_of, compile_net, project_of, source_of
from synthesis.emit.options import ProjectOptions
from synthesis.read.files import Files

ROOT = Path(__file__).resolve().parents[2]
FILES = Files(ROOT / "README.md", ROOT / "LICENSE", None)  # only their hashes are printed


class Board:
    """The simulated accelerator behind the core."""

    def __init__(self):
        self.machine = Machine(MAX78000)

    def store(self, address, size, value):
        store = self.machine.store_byte if size == 1 else self.machine.store
        store(address, value)

    def load(self, address, _size):
        return self.machine.load(address)


@pytest.fixture
def compiled():
    """262 outputs take 280 words; the last 18 are zeros, left out, so that a second run begins."""
    net = Net(
        "{op: conv2d, pad: 1, processors: 0x1, out_offset: 0x1000, output: true,"
        " output_processors: 0xffffffffffffff}\n"
        "{op: conv2d, pad: 1, in_sequences: input, in_offset: 0, processors: 0x1,"
        " output_processors: 0xf, out_offset: 0x2000}",
        "262x1x3x3 4x1x3x3",
        "1x2x2",
    )
    assert checkpoint_of(net).layers[0].weight.any(axis=(1, 2, 3)).all()
    return compile_net(net, source_of(net), clears_memories=True)


def test_kernels_behind_word_255_are_read_back(compiled, tmp_path):
    blocks = compiled.program.phase("load_weights").operations
    starts = [(op.addr & 0x3FFF) // 4 for op in blocks if isinstance(op, KernelBlock)]
    assert max(starts) == 280
    options = ProjectOptions(verifies_kernels=True)
    for name, text in project_of(compiled, FILES, options).items():
        (tmp_path / name).write_text(text)
    build(COMPILERS["zig"], tmp_path, tmp_path / "firmware.elf")
    board = Board()
    core = Core(tmp_path / "firmware.elf", board)
    for name in ("cnn_init", "cnn_load_weights"):
        core.call(name)
    assert core.call("cnn_verify_weights") == 1
    board.machine.memories.kernels.bytes[0, 281, 3] ^= 1
    assert core.call("cnn_verify_weights") == 0
