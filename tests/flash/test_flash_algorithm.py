"""The flash algorithm: the shipped words are those of the C, and each function does its work."""

import shutil
import subprocess
import sys
from itertools import pairwise

import pytest

from max78000.board.board import VirtualBoard
from max78000.board.devices.flash_controller import FlashController
from max78000.firmware.stub import generate, words
from max78000.firmware.stub.algorithm import ALGORITHM, RESULTS, result_text

DONE, REFUSED, NO_CLOCK = 0, 2, 3
CLKCTRL_ADDR = 0x4000_0008
OSCILLATORS_ON = 1 << 17 | 1 << 18 | 1 << 19 | 1 << 20  # ERTCO, ISO, IPO, IBRO
START_UP_NS = 2_000_000_000
FLC_CLKDIV_ADDR = 0x4002_9004
PC, SP, LR, XPSR = 15, 13, 14, 16
MAX_SLICES = 100


def has_the_compiler():
    if not shutil.which(generate.COMPILER):
        return False
    told = subprocess.check_output([generate.COMPILER, "--version"], text=True)
    return told.splitlines()[0] == words.COMPILER


@pytest.mark.skipif(
    not has_the_compiler(),
    reason=f"{words.COMPILER} is not installed (apt install gcc-arm-none-eabi)",
)
def test_the_shipped_words_are_the_source_compiled():
    assert generate.words_text(generate.compile_algorithm()) == generate.WORDS_FILE.read_text()


def test_the_other_compiler_accepts_the_source(tmp_path):
    warnings = [flag for flag in generate.FLAGS if flag.startswith("-W") and "," not in flag]
    options = ["--target=thumb-freestanding-eabi", "-mcpu=cortex_m4", "-Os", "-std=c11", "-c"]
    source = generate.FOLDER / "flash_algorithm.c"
    command = [sys.executable, "-m", "ziglang", "cc", *options, *warnings, str(source)]
    command += ["-o", str(tmp_path / "algorithm.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_layout_does_not_overlap():
    end_addr = ALGORITHM.load_addr + len(ALGORITHM.code)
    assert end_addr <= ALGORITHM.stack_end_addr < ALGORITHM.stack_top_addr
    starts = (ALGORITHM.stack_top_addr, *ALGORITHM.buffer_addrs)
    assert all(b - a >= 0x2000 for a, b in pairwise(starts[1:]))
    assert ALGORITHM.buffer_addrs[-1] + 0x2000 <= 0x2000_C000, "OpenOCD's work area"
    assert ALGORITHM.words[0] & 0xFFFF == 0xBE00, "calls return to a breakpoint"


def test_results_have_words():
    assert [result_text(code) for code in range(len(RESULTS))] == list(RESULTS)
    assert result_text(0x77) == "the flash algorithm returned 0x77"


class Caller:
    """Calls functions of the algorithm as a debugger does."""

    def __init__(self):
        self.board = VirtualBoard()
        self.board.reset(is_halting=True)
        self.board.write_memory(ALGORITHM.load_addr, ALGORITHM.code)

    def call(self, entry_addr, *arguments):
        board = self.board
        registers = dict(enumerate(arguments)) | {
            PC: entry_addr,
            SP: ALGORITHM.stack_top_addr,
            LR: ALGORITHM.load_addr | 1,
            XPSR: 1 << 24,
        }
        for number, value in registers.items():
            board.write_register(number, value)
        board.resume()
        for _ in range(MAX_SLICES):
            board.run_slice()
            if board.is_halted:
                break
        assert board.read_register(PC) == ALGORITHM.load_addr
        assert board.read_register(SP) == ALGORITHM.stack_top_addr
        return board.read_register(0)

    def word(self, addr):
        return int.from_bytes(self.board.read_memory(addr, 4), "little")

    def set_clock(self, source, divider_log2=0):
        word = self.word(CLKCTRL_ADDR) & ~0xFC0 | OSCILLATORS_ON
        self.board.write_memory(CLKCTRL_ADDR, word.to_bytes(4, "little"))
        self.board.timeline.advance(START_UP_NS)
        word |= source << 9 | divider_log2 << 6
        self.board.write_memory(CLKCTRL_ADDR, word.to_bytes(4, "little"))


@pytest.fixture
def caller():
    return Caller()


def test_program_erase_and_erase_all(caller):
    flash, data = caller.board.flash, bytes(range(256)) * 2
    buffer = ALGORITHM.buffer_addrs[0]
    assert caller.call(ALGORITHM.init_addr, 0, 0, 1) == DONE
    caller.board.write_memory(buffer, data)
    for addr in (0x1000_1F00, 0x1000_6000):
        assert caller.call(ALGORITHM.program_page_addr, addr, len(data), buffer) == DONE
        assert flash[addr - 0x1000_0000 :][: len(data)] == data
    assert caller.call(ALGORITHM.erase_sector_addr, 0x1000_6000) == DONE
    assert flash[0x6000:0x6200] == b"\xff" * 512
    assert flash[0x1F00:0x2100] == data
    assert caller.call(ALGORITHM.erase_chip_addr) == DONE
    assert flash == b"\xff" * len(flash)
    assert caller.call(ALGORITHM.uninit_addr, 1) == DONE


def test_locked_pages_are_reported(caller):
    devices = caller.board.devices.devices
    controller = next(device for device in devices if isinstance(device, FlashController))
    controller.locked_pages = frozenset({0})
    caller.call(ALGORITHM.init_addr, 0, 0, 1)
    assert caller.call(ALGORITHM.erase_sector_addr, 0x1000_0000) == REFUSED
    buffer = ALGORITHM.buffer_addrs[0]
    assert caller.call(ALGORITHM.program_page_addr, 0x1000_0000, 16, buffer) == REFUSED
    assert caller.call(ALGORITHM.erase_chip_addr) == REFUSED


# fmt: off
CLOCKS = (
    # oscillator   divided by 2^n   CLKDIV
    (0,            0,               60),   # ISO
    (4,            0,               100),  # IPO
    (4,            1,               50),
    (5,            0,               7),    # IBRO
)
# fmt: on


@pytest.mark.parametrize(("source", "divider_log2", "expected"), CLOCKS)
def test_the_flash_clock_follows_the_system_clock(caller, source, divider_log2, expected):
    caller.set_clock(source, divider_log2)
    assert caller.call(ALGORITHM.init_addr, 0, 0, 1) == DONE
    assert caller.word(FLC_CLKDIV_ADDR) == expected


@pytest.mark.parametrize(("source", "divider_log2"), [(6, 0), (3, 0), (5, 3)])
def test_a_clock_that_is_too_slow_is_refused(caller, source, divider_log2):
    caller.set_clock(source, divider_log2)
    assert caller.call(ALGORITHM.init_addr, 0, 0, 1) == NO_CLOCK
