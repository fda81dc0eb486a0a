"""The vendor's networks as firmware of ours on the virtual board, where the vectors are at hand.

Every accepted case whose constants fit the flash: compiled, built with the board support package,
run from reset to PASS. Elsewhere the shipped networks do the same (`test_virtual_board`).
"""

import pytest
from test_vectors import ACCEPTED, CASES, compile_case

from max78000.board.board import VirtualBoard
from max78000.facts.chip import MAX78000
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from networks import project_of
from synthesis.emit.flash_size import check_flash
from synthesis.emit.options import ProjectOptions
from synthesis.read.files import Files

# Their own answer cannot come from their own registers: see the vectors' README.
UNREACHABLE = ("test-fifostream-group-notvga64x48-hwc-fifo", "test-multilayer-eltwise")
REACHABLE = [folder for folder in ACCEPTED if folder.name not in UNREACHABLE]
BATCH = 8  # cases a test: they share the objects of the board support package
BATCHES = [REACHABLE[i : i + BATCH] for i in range(0, len(REACHABLE), BATCH)]


def write_case(case, compiled, folder):
    """The project of a case, in a folder that earlier cases were in."""
    for old in folder.glob("*.[ch]"):
        old.unlink()
    files = Files(case / "network.yaml", case / "checkpoint.pth.tar", case / "sample.npy")
    options = ProjectOptions(timer=0, has_unload="--no-unload" not in CASES[case].get("flags", []))
    for name, text in project_of(compiled, files, options).items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch[0].name)
def test_accepted_networks_pass_as_firmware(batch, tmp_path):
    toolchain = find_toolchain("auto")
    for case in batch:
        compiled = compile_case(case)
        if check_flash(compiled.program, ProjectOptions(), MAX78000):
            continue  # only the known answer is too long
        write_case(case, compiled, tmp_path)
        board = VirtualBoard()
        board.load_elf(build_project(tmp_path, toolchain).elf)
        outcome = board.run()
        assert outcome.is_pass, f"{case.name}\n{outcome.console}"


def test_most_of_them_fit_the_flash():
    if not REACHABLE:
        return
    assert len(REACHABLE) == 239
