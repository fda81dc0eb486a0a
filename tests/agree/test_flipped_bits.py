"""One wrong bit anywhere in a project: the firmware says FAIL, and where the first difference is.

Bits are flipped in what the C project says: weights, biases, the accelerator's registers, the
known answer. A bit that changes no output may pass; one that the chip forbids stops the run.
"""

import random
import re

import pytest

from max78000.board.board import End, VirtualBoard
from max78000.errors import BoardError
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from networks import Net, compile_net, project_of
from synthesis.emit.options import ProjectOptions
from synthesis.read.files import Files

NET = Net(
    "{max_pool: 2, pool_stride: 2, activate: ReLU, name: first}\n"
    "{kernel_size: 1x1, pad: 0, name: second}\n{activate: Abs, name: third}",
    "12x3x3x3 8x12x1x1 4x8x3x3",
    "3x8x8",
    bias=5,
)
PLACE = re.compile(
    r"Data mismatch at 0x5\w{7}: 0x\w+, expected 0x\w+ "
    r"\(layer 2 third, channel \d+, row \d+, column \d+\)"
)
FEW, MANY = 5, 50  # flips in each part
# File, where in it, and how many words behind an address say how to read the others.
PARTS = {
    "weights": ("weights.h", r"#define KERNELS \{(.*?)\n\}", 1),
    "biases": ("weights.h", r"#define BIAS_\d \{(.*?)\n\}", 0),
    "registers": ("cnn.c", r"int cnn_configure\(void\)\n\{(.*?)\n\}", 0),
    "answer": ("sampleoutput.h", r"#define SAMPLE_OUTPUT \{(.*?)\n\}", 2),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flipped")
    files = Files(folder / "a", folder / "b", None)
    for path in (files.network, files.checkpoint):
        path.write_text("")
    for name, text in project_of(compile_net(NET), files, ProjectOptions()).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def outcome_of(folder):
    board = VirtualBoard()
    board.load_elf(build_project(folder, find_toolchain()).elf)
    return board.run()


def is_addr(number):
    return len(number[1]) == 8 and number[1].startswith(("50", "51"))


def flipped(text, pattern, n_header, draw):
    """The text with one bit of one of its constants flipped; addresses stay what they are."""
    body = re.search(pattern, text, re.DOTALL)
    numbers = list(re.finditer(r"0x([0-9a-f]+)", body[1]))
    fixed = {
        i + behind
        for i, number in enumerate(numbers)
        for behind in range(n_header + 1)
        if is_addr(number)
    }
    number = draw.choice(
        [n for i, n in enumerate(numbers[:-1]) if i not in fixed and n[1].strip("0")]
    )
    bit = draw.randrange(int(number[1], 16).bit_length())
    start = body.start(1) + number.start(1)
    changed = f"{int(number[1], 16) ^ 1 << bit:0{len(number[1])}x}"
    return text[:start] + changed + text[start + len(number[1]) :]


def test_the_project_passes_as_it_is(project):
    assert outcome_of(project).is_pass


@pytest.mark.parametrize("n_flips", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("part", PARTS)
def test_a_flipped_bit_is_found_and_placed(project, part, n_flips):
    name, pattern, n_header = PARTS[part]
    whole = (project / name).read_text(encoding="utf-8")
    draw = random.Random(part)
    placed = 0
    try:
        for _ in range(n_flips):
            (project / name).write_text(flipped(whole, pattern, n_header, draw), encoding="utf-8")
            try:
                outcome = outcome_of(project)
            except BoardError:  # the accelerator refuses what the registers say
                assert part == "registers"
                continue
            if outcome.is_pass:
                assert part != "answer"
                continue
            assert outcome.end is End.FAIL, outcome.console
            assert PLACE.search(outcome.console), outcome.console
            placed += 1
    finally:
        (project / name).write_text(whole, encoding="utf-8")
    # Of registers many bits are refused, or mean nothing to this network.
    assert placed > n_flips // (6 if part == "registers" else 3)
