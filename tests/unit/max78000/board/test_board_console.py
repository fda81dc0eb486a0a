"""The console of the virtual board, and what ends a run."""

import pytest
from board_programs import board_with, run

from max78000.board.board import End, Limits, VirtualBoard
from max78000.errors import BoardError, InputError

pytestmark = pytest.mark.long  # a compiler, or a whole command, each

ECHO = """
int main(void)
{
    uart_on();
    for (;;) {
        while (REG(UART + 4) & 1u << 4) { }
        uint32_t byte = REG(UART + 0x20);
        if (byte == '.') return 0;
        send((char)(byte + 1));
    }
}
"""
ECHO_BY_INTERRUPT = """
void uart_handler(void)
{
    while (!(REG(UART + 4) & 1u << 4)) send((char)(REG(UART + 0x20) + 1));
    REG(UART + 0x0C) = 1u << 4;
}
int main(void)
{
    uart_on();
    REG(UART + 8) = 1u << 4;
    IRQ_ON(14);
    for (;;) WFI();
}
"""


def test_console_text():
    outcome = run('int main(void) { uart_on(); print("hello\\r\\nboard\\n"); return 0; }')
    assert outcome.console == "hello\nboard\n"
    assert outcome.end is End.BKPT
    assert not outcome.is_pass


@pytest.mark.parametrize(
    ("text", "end", "is_pass"),
    [
        ("*** PASS ***\\n", End.ASLEEP, True),
        ("*** FAIL ***\\n", End.FAIL, False),
        ("*** PASS ***\\n*** FAIL ***\\n", End.FAIL, False),
        ("*** PASS ***\\n*** FAULT: bus fault ***\\n", End.ASLEEP, False),
        ("nothing\\n", End.ASLEEP, False),
    ],
)
def test_verdict(text, end, is_pass):
    outcome = run(f'int main(void) {{ uart_on(); print("{text}"); for (;;) WFI(); }}')
    assert (outcome.end, outcome.is_pass) == (end, is_pass)


def test_a_program_that_goes_on_after_its_verdict():
    source = """
    int main(void)
    {
        uart_on(); print("*** PASS ***");
        volatile uint32_t n = 0;
        for (;;) n++;
    }
    """
    outcome = run(source, after_pass_s=0.01)
    assert (outcome.end, outcome.is_pass) == (End.ENOUGH, True)


def test_waiting_for_text():
    board = board_with('int main(void) { uart_on(); print("one two"); for (;;) WFI(); }')
    assert board.run(until=b"one").end is End.TEXT


def test_endless_loop_is_seen():
    assert run("int main(void) { for (;;) { } }").end is End.STUCK


def test_no_end_is_an_error_with_the_place():
    source = "int main(void) { volatile uint32_t n = 0; for (;;) n++; }"
    with pytest.raises(BoardError, match=r"PC 0x1000\w+ in main.*no end after 0.00\d virtual"):
        run(source, n_slices=5)
    with pytest.raises(BoardError, match=r"no end after 0.00\d virtual seconds"):
        run(source, virtual_s=0.001)


@pytest.mark.parametrize("source", [ECHO, ECHO_BY_INTERRUPT], ids=["polled", "interrupt"])
def test_host_and_program_talk(source):
    stream = board_with(source).stream()
    assert stream.write(b"HAL") == 3
    assert stream.read(3) == b"IBM"
    stream.write(b"a" * 100)
    assert stream.read(100) == b"b" * 100
    assert stream.in_waiting == 0


def test_time_out_is_virtual():
    board = board_with(ECHO)
    stream = board.stream()
    stream.timeout = 3.0
    assert stream.read(1) == b""
    assert 3.0 <= board.timeline.now_ns / 1e9 < 3.001


def test_a_board_that_stands_still_ends_a_read():
    with board_with(ECHO_BY_INTERRUPT).stream() as stream:
        stream.timeout = None
        stream.write(b"a")
        assert stream.read(2) == b"b"
        stream.reset_input_buffer()
        stream.flush()
        assert stream.read(1) == b""


def test_bytes_are_held_back_while_the_fifo_is_full():
    source = """
    int main(void)
    {
        uart_on();
        while (!(REG(UART + 4) & 1u << 5)) { }
        print_number(REG(UART + 4) >> 8 & 15);
        for (int i = 0; i < 10; i++) send((char)REG(UART + 0x20));
        print_number(REG(UART + 4) >> 4 & 1);
        return 0;
    }
    """
    board = board_with(source)
    board.stream().write(b"0123456789")
    assert board.run().console == "8 01234567891 "


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("CLKCTRL &= ~(1u << 20);", r"sends, but IBRO is off \(GCR CLKCTRL bit 20\)"),
        ("REG(UART) &= ~(1u << 15);", r"its clock is not enabled \(CTRL bit 15\)"),
        ("REG(UART) &= ~(1u << 10);", r"do not have 8 bits"),
        ("REG(UART) |= 1u << 12;", r"parity or a second stop bit is on"),
        ("REG(UART) |= 1u << 16;", r"clock source 3 is not modelled"),
        ("REG(UART + 0x10) = 32;", r"it runs at 230400 baud instead of 115200 \(CLKDIV is 32\)"),
        ("REG(UART + 0x10) = 0;", r"it runs at 0 baud"),
        ("REG(GPIO0 + 4) = 2;", r"pin P0.1 \(TX\) does not have alternate function 1"),
        ("REG(GPIO0 + 0x6C) = 1;", r"pin P0.0 \(RX\) does not have alternate function 1"),
        ("PCLKDIS0 |= 1u << 9;", r"UART0: is used at 0x4004200. while its clock is off \(clear"),
        ("(void)REG(UART + 0x20);", r"takes a byte from the empty receive FIFO"),
        ("REG(UART + 0x50) = 1;", r"stores offset 0x50, where no register is modelled"),
        ("REG(UART + 4) = 1u << 20;", r"sets bits 0x00100000, which are not modelled"),
        ("*(volatile uint8_t *)(UART + 0x10) = 65;", r"a store of 1 bytes to 0x40042010"),
    ],
)
def test_what_the_console_misses_is_named(change, message):
    with pytest.raises(BoardError, match=message):
        run(f"int main(void) {{ uart_on(); {change} send('x'); return 0; }}")


def test_console_on_the_peripheral_clock():
    source = """
    int main(void)
    {
        fast_clock(); uart_on();
        REG(UART) &= ~(2u << 16);
        REG(UART + 0x10) = 434;
        print("fast");
        return 0;
    }
    """
    assert run(source).console == "fast"


def test_flash_image_without_an_elf(tmp_path):
    reference = board_with('int main(void) { uart_on(); print("image"); return 0; }')
    board = VirtualBoard()
    board.load_flash(bytes(reference.flash))
    assert board.run().console == "image"
    with pytest.raises(InputError, match="the image has 524289 bytes, the flash 524288"):
        board.load_flash(bytes(0x80001))


def test_files_that_are_no_programs(tmp_path):
    board = VirtualBoard()
    with pytest.raises(InputError, match="cannot be read"):
        board.load_elf(tmp_path / "none.elf")
    other = tmp_path / "text.elf"
    other.write_text("no ELF file, but long enough to be read as the header of one")
    with pytest.raises(InputError, match="cannot be read: Magic number"):
        board.load_elf(other)


def test_erased_flash_runs_nothing():
    outcome = VirtualBoard().run(limits=Limits(n_slices=3))
    assert outcome.end is End.ASLEEP
    assert outcome.console == ""
