"""More of the debug port than flashing needs: breakpoints, steps, registers, reset and halt."""

import subprocess

import pytest
from flash_bench import MARK_ADDR, Bench, marking_image
from installed import needs_openocd
from pyocd.core.session import Session
from pyocd.core.target import Target

from max78000.debug.remote_bitbang import BitbangPins, RemoteBitbangServer
from max78000.link.openocd_probe import CONFIGURATION
from max78000.link.pyocd_target import register_target
from max78000.link.pyocd_virtual import VirtualAdapter

MARK = 0x5A5
ENTRY_ADDR, STORE_ADDR, LOOP_ADDR = 0x1000_0010, 0x1000_0014, 0x1000_0016
N_POLLS = 50


@pytest.fixture
def bench():
    bench = Bench()
    image = marking_image(MARK)
    bench.board.flash[: len(image.data)] = image.data
    bench.board.reset(is_halting=False)
    return bench


@pytest.fixture
def target(bench):
    options = {
        "target_override": register_target(),
        "no_config": True,
        "reset.hold_time": 0.0,
        "reset.post_delay": 0.0,
    }
    with Session(VirtualAdapter(bench.port), options=options) as session:
        yield session.target


def run_to_halt(target):
    target.resume()
    for _ in range(N_POLLS):
        if target.get_state() is Target.State.HALTED:
            return
    pytest.fail("the core does not halt")


def test_reset_and_halt_stops_before_the_first_instruction(target):
    target.reset_and_halt()
    assert target.get_state() is Target.State.HALTED
    assert target.read_core_register("pc") == ENTRY_ADDR
    assert target.read_core_register("sp") == 0x2002_0000


@pytest.mark.parametrize("addr", [STORE_ADDR, LOOP_ADDR])
def test_a_breakpoint_stops_before_its_instruction(target, addr):
    target.reset_and_halt()
    target.write32(MARK_ADDR, 0)
    target.set_breakpoint(addr, Target.BreakpointType.HW)
    run_to_halt(target)
    assert target.read_core_register("pc") == addr
    assert target.get_halt_reason() is Target.HaltReason.BREAKPOINT
    assert target.read32(MARK_ADDR) == (0 if addr == STORE_ADDR else MARK)


def test_steps_go_one_instruction_each(target):
    target.reset_and_halt()
    addrs = []
    for _ in range(5):
        addrs.append(target.read_core_register("pc") - ENTRY_ADDR)
        target.step()
    assert addrs == [0, 2, 4, 6, 6]
    assert target.read_core_register("r1") == MARK


@pytest.mark.parametrize("name", ["r0", "r7", "r12", "lr", "msp", "psp", "primask"])
def test_core_registers_can_be_set(target, name):
    target.halt()
    value = 1 if name == "primask" else 0x2000_1230
    target.write_core_register(name, value)
    assert target.read_core_register(name) == value


def test_memory_is_read_back_over_block_borders(target):
    data = list(range(256)) * 40
    target.write_memory_block8(0x2000_0F01, data)
    assert target.read_memory_block8(0x2000_0F01, len(data)) == data


@needs_openocd
def test_openocd_resets_halts_and_steps(bench):
    with RemoteBitbangServer(BitbangPins(bench.port)) as server:
        commands = (
            *("gdb_port disabled", "tcl_port disabled", "telnet_port disabled"),
            *("adapter driver remote_bitbang", f"remote_bitbang port {server.port}"),
            *("remote_bitbang host 127.0.0.1", f"source {{{CONFIGURATION}}}", "init"),
            *("reset halt", f"bp {LOOP_ADDR:#x} 2 hw", "resume", "wait_halt 2000"),
            *("step", "echo [get_reg {pc r1}]", "shutdown"),
        )
        arguments = [word for command in commands for word in ("-c", command)]
        done = subprocess.run(
            ["openocd", *arguments], capture_output=True, text=True, check=False, timeout=60
        )
    assert f"pc {LOOP_ADDR:#x} r1 0x{MARK:08x}" in done.stderr
