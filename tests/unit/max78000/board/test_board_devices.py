"""Clocks, timers, pins and unknown addresses on the virtual board, as programs meet them."""

import pytest
from board_programs import board_with, printed, run

from max78000.errors import BoardError

pytestmark = pytest.mark.long  # a compiler, or a whole command, each

# -- clocks ----------------------------------------------------------------------------------------


def test_clock_after_reset_and_fast_clock():
    source = """
    static void measure(uint32_t core_cycles)
    {
        timer_start(TMR0, 2, CONTINUOUS, 0xffffffff);
        wait(core_cycles);
        print_number(REG(TMR0));
        REG(TMR0 + 0x10) = 0;
    }
    int main(void)
    {
        uart_on();
        measure(60000); fast_clock(); measure(100000); CLKCTRL |= 2u << 6; measure(25000);
        print_number(CLKCTRL >> 26 & 7);
        return 0;
    }
    """
    counts = [int(word) for word in printed(source)]
    assert counts[:3] == [pytest.approx(7373, abs=10)] * 3  # of IBRO, in a millisecond
    assert counts[3] == 7


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CLKCTRL |= 4u << 9", r"SYSCLK_SEL chooses IPO, which does not run yet \(set CLKCTRL bit"),
        ("CLKCTRL |= 1u << 19; CLKCTRL |= 4u << 9", r"IPO, which does not run yet"),
        ("CLKCTRL |= 7u << 9", r"SYSCLK_SEL is 7, a clock that is not modelled"),
        ("CLKCTRL = (5u << 9) | 1u << 18", r"SYSCLK_SEL chooses IBRO, which does not run yet"),
        ("CLKCTRL |= 1u << 31", r"GCR CLKCTRL: 0x\w+ sets bits 0x80000000"),
        ("REG(GCR + 0x0C) = 3", r"PM asks for low-power mode 3, which is none"),
        ("REG(GCR + 0x60) = 0", r"GCR: the program stores offset 0x60, where no register"),
        ("(void)REG(TMR0)", r"TMR0: is used at 0x40010000 while its clock is off \(clear GCR PCLK"),
        ("(void)REG(GPIO2)", r"GPIO2: is used at 0x40080400 while its clock is off \(clear LPGCR"),
        ("(void)REG(0x40030000)", r"no device is modelled at 0x40030000"),
        ("REG(0x4002A000 + 0x20) = 0", r"ICC0: the program stores offset 0x20"),
    ],
)
def test_what_the_board_refuses(statement, message):
    with pytest.raises(BoardError, match=rf"^PC 0x1000\w+ in main\+0x\w+: .*{message}"):
        run(f"int main(void) {{ {statement}; return 0; }}")


def test_start_up_blocks_answer():
    source = """
    int main(void)
    {
        uart_on();
        REG(0x4002A000u + 0x100) &= ~1u; REG(0x4002A000u + 0x700) = 1;
        print_number(REG(0x4002A000u + 0x100));
        REG(0x4002A000u + 0x100) |= 1u; print_number(REG(0x4002A000u + 0x100));
        REG(GCR) |= 1u << 6; print_number(REG(GCR) >> 6 & 1);
        REG(GCR + 4) = 1u << 5; print_number(REG(GCR + 4));
        REG(0x40006804u) = 0xffffffffu; print_number(REG(0x40006804u));
        REG(0x4000440Cu) = 0x43; print_number(REG(0x4000440Cu)); print_number(REG(0x40004440u));
        print_number(REG(GCR + 0x50));
        return 0;
    }
    """
    assert printed(source) == ["65536", "65537", "0", "0", "0", "67", "15", "161"]


def test_a_part_of_a_register_can_be_loaded():
    source = """
    int main(void)
    {
        uart_on();
        print_number(*(volatile uint8_t *)(GCR + 0x50)); print_number(*(volatile uint16_t *)GPIO0);
        return 0;
    }
    """
    assert printed(source) == ["161", "65532"]


# -- timers ----------------------------------------------------------------------------------------


def test_timer_counts_the_peripheral_clock():
    source = """
    int main(void)
    {
        uart_on(); fast_clock();
        timer_start(TMR0, 0, ONE_SHOT, 0xffffffff);
        wait(100000);
        uint32_t ticks = REG(TMR0);
        REG(TMR0 + 0x10) &= ~(1u << 15);
        print_number(ticks);
        print_number(REG(TMR0) - ticks < 4); print_number(REG(TMR0) == REG(TMR0));
        return 0;
    }
    """
    ticks, *claims = printed(source)
    assert 50000 <= int(ticks) < 50010
    assert claims == ["1", "1"]


def test_timer_interrupts_every_period():
    source = """
    static volatile uint32_t count;
    void tmr1_handler(void)
    {
        REG(0x4001100Cu) = 1;
        if (++count == 50) REG(0x40011010u) &= ~(1u << 15);
    }
    int main(void)
    {
        uart_on(); fast_clock(); IRQ_ON(6);
        timer_start(0x40011000u, INTERRUPT, CONTINUOUS | 2u << 4, 12500);
        while (count < 50) WFI();
        print_number(count);
        WFI();
        return 0;
    }
    """
    outcome = run(source)
    assert outcome.console.split() == ["50"]
    assert outcome.time_ns == pytest.approx(50 * 12500 * 4 * 20, rel=0.001)


def test_one_shot_stops_and_compare_goes_on():
    source = """
    int main(void)
    {
        uart_on(); fast_clock();
        timer_start(TMR0, 0, ONE_SHOT, 1001);
        while (!(REG(TMR0 + 0x0C) & 1)) { }
        print_number(REG(TMR0)); print_number(REG(TMR0 + 0x10) >> 15 & 1);
        timer_start(TMR0 + 0x1000, 0, COMPARE, 1001);
        while (!(REG(TMR0 + 0x100C) & 1)) { }
        print_number(REG(TMR0 + 0x1000) > 1000); print_number(REG(TMR0 + 0x1010) >> 15 & 1);
        return 0;
    }
    """
    assert printed(source) == ["1", "0", "1", "1"]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("REG(TMR0 + 0x10) = 1u << 15", "TMR0: is enabled without a clock"),
        ("REG(TMR0 + 0x10) |= 1u << 15 | 6", "mode 6 is not modelled"),
        ("REG(TMR0 + 0x10) |= 1u << 15 | 13u << 4", "no prescaler of 2"),
        ("REG(TMR0 + 0x18) |= 3; REG(TMR0 + 0x10) |= 1u << 15", "ERTCO is used, but it is off"),
    ],
)
def test_timers_that_are_refused(statement, message):
    source = f"""
    int main(void)
    {{
        timer_start(TMR0, 0, ONE_SHOT, 100);
        REG(TMR0 + 0x10) &= ~(1u << 15);
        {statement};
        return 0;
    }}
    """
    with pytest.raises(BoardError, match=message):
        run(source)


# -- pins ------------------------------------------------------------------------------------------

BLINK = """
int main(void)
{
    REG(0x4008000Cu) &= ~1u;
    REG(GPIO2 + 0x1C) = 3;
    REG(GPIO2 + 0x10) = 3;
    REG(GPIO2 + 0x20) = 1;
    REG(GPIO2 + 0x18) ^= 2;
    return 0;
}
"""


def test_pins_drive_leds():
    notes = []
    board = board_with(BLINK, watch=notes.append)
    board.run()
    pins = [note.text for note in notes if note.source == "GPIO2"]
    assert pins == ["P2.0 high", "P2.1 high", "P2.0 low", "P2.1 low"]
    assert not board.devices.ports[2].level(0)


def test_buttons_and_pull_resistors():
    source = """
    int main(void)
    {
        uart_on();
        PCLKDIS0 &= ~2u;
        REG(0x40009000u + 0x60) = 0xc0; REG(0x40009000u + 0x30) = 0x1c0;
        print_number(REG(0x40009000u + 0x24));
        return 0;
    }
    """
    assert printed(source) == ["192"]
    board = board_with(source)
    board.devices.ports[1].press(6)
    assert board.run().console.split() == ["128"]
    board.devices.ports[1].press(6, is_pressed=False)
    assert board.devices.ports[1].level(6)


# -- memory ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("(void)REG(0x60000000u)", r"the program loads from 0x60000000, where nothing is"),
        ("REG(0x20020000u) = 1", r"the program stores to 0x20020000, where nothing is"),
        ("REG(0x10000400u) = 1", r"the program stores to 0x10000400, which is flash"),
        ("((void (*)(void))0x30000001u)()", r"the program jumps to 0x30000000, .* came from in ma"),
        ('__asm volatile("udf 0")', r"in main\+0x\w+: invalid instruction"),
        ('__asm volatile("bx %0" :: "r"(0xfffffff9u))', r"returns although none is active"),
    ],
)
def test_accesses_that_go_nowhere(statement, message):
    with pytest.raises(BoardError, match=message):
        run(f"int main(void) {{ {statement}; return 0; }}")


def test_ram_is_not_zero_at_power_on():
    source = """
    static volatile uint32_t left __attribute__((section(".noinit")));
    static volatile uint32_t cleared;
    int main(void) { uart_on(); print_number(left); print_number(cleared); return 0; }
    """
    assert printed(source) == [str(0xA5A5A5A5), "0"]


@pytest.mark.parametrize("statement", ["REG(0xE000ED0Cu) = 0x05FA0004u", "REG(GCR + 4) = 1u << 31"])
def test_system_reset(statement):
    source = f"""
    static volatile uint32_t runs __attribute__((section(".noinit")));
    int main(void)
    {{
        uart_on();
        runs = runs == 0xA5A5A5A5u ? 1 : runs + 1;
        print_number(runs); print_number(CLKCTRL >> 19 & 1);
        CLKCTRL |= 1u << 19;
        if (runs < 3) {statement};
        return 0;
    }}
    """
    assert printed(source) == ["1", "0", "2", "0", "3", "0"]


def test_block_reset():
    source = """
    int main(void)
    {
        uart_on();
        timer_start(TMR0, 0, ONE_SHOT, 12345);
        REG(GCR + 4) = 1u << 5;
        print_number(REG(TMR0 + 4)); print_number(REG(TMR0 + 0x10));
        return 0;
    }
    """
    assert printed(source) == ["0", "0"]


def test_same_program_same_times():
    def notes():
        found = []
        board_with(BLINK, watch=found.append).run()
        return [str(note) for note in found]

    assert notes() == notes() != []
