"""The accelerator on the virtual board: power, clock, time, and what software may do when."""

from functools import cache

import pytest
from board_programs import board_with, program_text, run

from max78000.board.board import VirtualBoard
from max78000.errors import BoardError
from max78000.facts.chip import MAX78000 as CHIP
from max78000.facts.regmap import LCNT_MAX, Memory, quadrant_register_addr
from max78000.machine.machine import Machine
from networks import Net, compile_net

pytestmark = pytest.mark.long  # a compiler, or a whole command, each

NET = Net("{op: conv2d, kernel_size: 3x3, pad: 1, activate: ReLU}", "4x2x3x3", "2x6x6", bias=3)

HANDLER = """
static volatile uint32_t done;
void cnn_handler(void)
{
    for (uint32_t q = 0; q < 4; q++) REG(CTL + q * 0x400000u) &= ~(1u << 12 | 1u);
    done++;
}
"""
LOAD = "execute(init); execute(load_weights); execute(load_bias); execute(configure);"
INFER = "execute(load_input); execute(start);"
SLEEP = "DISABLE(); while (!done) { WFI(); ENABLE(); DISABLE(); } ENABLE();"


@cache
def program():
    return compile_net(NET).program


def firmware(body, declarations=""):
    """A program that holds the network and executes `body`."""
    text = program_text(program())
    unused = "\n".join(f"(void){phase.name};" for phase in program().phases)
    return f"{text}\n{HANDLER}\n{declarations}\nint main(void) {{ {unused} {body} return 0; }}"


def data_word_addr():
    """Address of a word of the network's result."""
    return program().known_answer[0].addr


def test_a_network_runs_and_takes_its_time():
    board = board_with(firmware(f"fast_clock(); cnn_on(); {LOAD} {INFER} {SLEEP}"))
    (cnn_run,) = board.run().runs
    machine = Machine(CHIP)
    assert cnn_run.result.cycles == machine.run(program()).cycles
    assert cnn_run.duration_ns == 20 * cnn_run.result.cycles
    assert board.devices.accelerator.machine.check_known_answer(program()) is None


@pytest.mark.parametrize(
    ("setting", "clock_hz"),
    [
        ("4u << 14", 50_000_000),
        ("0u << 14", 25_000_000),
        ("1u << 14", 12_500_000),
        ("2u << 14", 6_250_000),
        ("3u << 14", 3_125_000),
        ("4u << 14 | 1u << 17", 60_000_000),
    ],
)
def test_time_follows_the_clock(setting, clock_hz):
    board = board_with(firmware(f"fast_clock(); cnn_on(); PCLKDIV = {setting}; {LOAD} {INFER}"))
    (cnn_run,) = board.run().runs
    assert cnn_run.duration_ns == pytest.approx(cnn_run.result.cycles / clock_hz * 1e9, abs=1)


def test_a_clock_divider_that_does_not_exist():
    with pytest.raises(BoardError, match=r"CNNCLKDIV is 5, which divides by nothing known"):
        run(firmware(f"fast_clock(); cnn_on(); PCLKDIV = 5u << 14; {LOAD} {INFER}"))


@pytest.mark.parametrize(
    "wait",
    [
        SLEEP,
        "while (!done) { }",
        "while (!done) WFI();",
        "while (!(REG(CTL) & 1u << 12) && !done) { }",
    ],
    ids=["race-free", "busy", "plain", "polling"],
)
def test_the_stopwatch_shows_the_cycles(wait):
    body = f"""
    fast_clock(); uart_on(); cnn_on(); {LOAD} execute(load_input);
    timer_start(TMR0, 0, ONE_SHOT, 0xffffffff);
    execute(start);
    {wait}
    uint32_t ticks = REG(TMR0);
    print_number(done); print_number(ticks);
    """
    outcome = run(firmware(body))
    n_done, ticks = (int(word) for word in outcome.console.split())
    assert n_done == 1
    cycles = outcome.runs[0].result.cycles
    assert cycles <= ticks < cycles + 50


def test_polling_without_interrupts():
    body = f"""
    fast_clock(); uart_on(); cnn_on(); REG(0xE000E18Cu) = 1u << 5; {LOAD} {INFER}
    print_number(REG(CTL) >> 12 & 1);
    while (!(REG(CTL) & 1u << 12)) {{ }}
    REG(CTL) &= ~(1u << 12); print_number(REG(CTL) >> 12 & 1); print_number(done);
    """
    assert run(firmware(body)).console.split() == ["0", "0", "0"]


def test_an_interrupt_that_is_not_acknowledged_comes_again():
    body = f"fast_clock(); cnn_on(); {LOAD} {INFER} for (;;) WFI();"
    source = firmware(body).replace("&= ~(1u << 12 | 1u)", "|= 0")
    with pytest.raises(BoardError, match="no end"):
        run(source, n_slices=200)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (f"{LOAD}", r"is used at 0x5000\w+ while its clock is off \(clear GCR PCLKDIS0 bit 25"),
        (f"PCLKDIS0 &= ~(1u << 25); {LOAD}", r"quadrant 0 has no power \(GCFR REG0 bit 0\)"),
        (f"cnn_on(); REG(GCFR + 8) = 1; {LOAD}", r"quadrant 0 is isolated \(GCFR REG2 bit 0\)"),
        (f"cnn_on(); REG(GCFR + 12) = 1; {LOAD}", r"quadrant 0 is in reset \(GCFR REG3 bit 0\)"),
        (f"cnn_on(); REG(GCFR + 4) = 0; {LOAD}", r"whose memory has no power \(GCFR REG1 bit 0"),
        (f"cnn_on(); {LOAD} {INFER} (void)REG(0x50400000);", "is used while the network runs"),
        (f"cnn_on(); {LOAD} {INFER} REG(0x50400000) = 1;", "is used while the network runs"),
        (
            "cnn_on(); (void)REG(0x50400000);",
            r"in main.*load from 0x50400000, data memory 0 .*nobody gave",
        ),
        (
            "cnn_on(); REG(0x50420000) = 1; WFI();",
            r"a store to 0x50420000, where no word of a memory is",
        ),
        ("cnn_on(); REG(0x50100000 + 0x2000) = 1;", r"0x50102000"),
        ("cnn_on(); *(volatile uint16_t *)0x50400000 = 1;", r"a store of 2 bytes to 0x50400000"),
        ("cnn_on(); *(volatile uint8_t *)0x50400000 = 1;", r"byte 0x01 means nothing there"),
        ("cnn_on(); REG(CTL) = 1u << 21;", r"sets simple1b, which is not modelled"),
        ("cnn_on(); execute(start);", r"PC 0x\w+ in (main|execute)\+0x\w+: "),
    ],
)
def test_misuse_is_refused(body, message):
    with pytest.raises(BoardError, match=message):
        run(firmware(f"fast_clock(); {body}"))


def test_a_loss_of_power_loses_everything():
    body = f"""
    fast_clock(); cnn_on(); {LOAD} {INFER} {SLEEP}
    REG(GCFR + 12) = 15; REG(GCFR + 8) = 15; REG(GCFR) = 0; REG(GCFR + 4) = 0;
    """
    board = board_with(firmware(body))
    board.run()
    memories = board.devices.accelerator.machine.memories
    assert not memories.data.states.any()
    assert not memories.kernels.is_written.any()
    assert not memories.biases.is_written.any()
    assert (memories.data.lanes == 0xA5).all()
    again = f"{body} cnn_on(); execute(init); execute(configure); done = 0; {INFER}"
    with pytest.raises(BoardError, match=r"the whole output is undefined: .*kernels"):
        run(firmware(again))


def test_a_reset_keeps_the_memories():
    body = f"""
    fast_clock(); cnn_on(); {LOAD}
    REG(GCFR + 12) = 15; REG(GCFR + 12) = 0;
    execute(init); execute(configure); {INFER} {SLEEP}
    REG(GCR + 4) = 1u << 25;
    """
    board = board_with(firmware(body))
    assert len(board.run().runs) == 1
    machine = board.devices.accelerator.machine
    assert machine.check_known_answer(program()) is None
    assert not machine.is_irq_pending


def test_memories_forget_by_quadrant():
    machine = Machine(CHIP)
    machine.run(program())
    memories = machine.memories
    for memory in Memory:
        memories.clear(memory, 1)
        memories.forget(memory, 0)
    assert not memories.data.states[:4].any()
    assert memories.data.states[4:8].all()
    assert not memories.kernels.is_written[:16].any()
    assert memories.kernels.is_written[16:32].all()
    addrs = [quadrant_register_addr(CHIP, LCNT_MAX, quadrant) for quadrant in (0, 1)]
    for addr in addrs:
        machine.store(addr, 3)
    machine.registers.forget(0)
    assert [machine.load(addr) for addr in addrs] == [0, 3]


def test_results_are_loaded_by_word_half_and_byte():
    addr = data_word_addr()
    body = f"""
    fast_clock(); uart_on(); cnn_on(); {LOAD} {INFER} {SLEEP}
    uint32_t word = REG({addr});
    print_number(word == program_answer);
    print_number(*(volatile uint8_t *)({addr} + 1) == (word >> 8 & 255));
    print_number(*(volatile uint16_t *)({addr} + 2) == word >> 16);
    print_number(REG(0x50100000u + 8) < 32);
    print_number(REG(0x50180000u) == REG(0x50180000u));
    """
    answer = f"enum {{ program_answer = {program().known_answer[0].words[0]:#x} }};"
    assert run(firmware(body, answer)).console.split() == ["1"] * 5


def test_the_trace_tells_the_story():
    notes = []
    source = firmware(f"fast_clock(); cnn_on(); {LOAD} {INFER} {SLEEP}")
    board_with(source, watch=notes.append).run()
    texts = [note.text for note in notes]
    assert "GCFR REG0 = 0xf" in texts
    assert any("quadrant 0 layer 0 RCNT = 0x" in text for text in texts)
    run_text = next(text for text in texts if text.startswith("layer 0: "))
    story = [texts.index(text) for text in (run_text, "done", "interrupt 101")]
    assert story == sorted(story)
    times_ns = [note.time_ns for note in notes]
    assert times_ns == sorted(times_ns)


def test_a_debugger_sees_the_accelerator():
    board = VirtualBoard()
    with pytest.raises(BoardError, match="while its clock is off"):
        board.read_memory(CHIP.quadrant_addr(0), 4)
