"""Exceptions on the virtual board: entry, return, nesting, masks, sleep, and the core's timers."""

import pytest
from board_programs import board_with, printed, run

from max78000.board.board import End
from max78000.errors import BoardError

pytestmark = pytest.mark.long  # a compiler, or a whole command, each

WAIT_LOOPS = {
    "race-free": "DISABLE(); while (!done) { WFI(); ENABLE(); DISABLE(); } ENABLE();",
    "plain": "while (!done) WFI();",
    "busy": "while (!done) { }",
    "polling": "while (!(REG(TMR0 + 0x0C) & 1)) { } while (!done) { }",
}


@pytest.mark.parametrize("loop", WAIT_LOOPS.values(), ids=WAIT_LOOPS)
def test_waiting_for_an_interrupt(loop):
    source = f"""
    static volatile uint32_t done;
    void tmr0_handler(void) {{ done++; REG(TMR0 + 0x0C) = 1; }}
    int main(void)
    {{
        uart_on(); fast_clock(); IRQ_ON(5);
        timer_start(TMR0, INTERRUPT, ONE_SHOT, 1001);
        {loop}
        print_number(done);
        return 0;
    }}
    """
    outcome = run(source)
    assert outcome.console.split() == ["1"]
    assert outcome.time_ns < 100_000


def test_an_interrupt_at_once_after_its_pend_bit():
    source = """
    static volatile uint32_t order;
    void tmr0_handler(void) { order = order * 10 + 1; }
    int main(void)
    {
        uart_on(); IRQ_ON(5);
        IRQ_PEND(5); order = order * 10 + 2;
        print_number(order);
        DISABLE(); IRQ_PEND(5); order = order * 10 + 3; ENABLE(); WFI();
        print_number(order);
        return 0;
    }
    """
    assert printed(source) == ["12", "1231"]


def test_priorities_nest():
    source = """
    static volatile uint32_t order;
    void tmr0_handler(void) { order = order * 10 + 1; IRQ_PEND(6); order = order * 10 + 2; }
    void tmr1_handler(void) { order = order * 10 + 7; }
    int main(void)
    {
        volatile uint8_t *priority = (volatile uint8_t *)0xE000E400u;
        uart_on(); IRQ_ON(5); IRQ_ON(6);
        priority[5] = 0x40; priority[6] = 0x20;
        IRQ_PEND(5); print_number(order);
        order = 0; priority[6] = 0x40;
        IRQ_PEND(5); print_number(order);
        order = 0; priority[6] = 0x60;
        IRQ_PEND(6); print_number(order);
        print_number(priority[6]);
        return 0;
    }
    """
    assert printed(source) == ["172", "127", "7", "96"]


def test_base_priority_masks():
    source = """
    static volatile uint32_t count;
    void tmr0_handler(void) { count++; }
    int main(void)
    {
        uart_on(); IRQ_ON(5);
        *(volatile uint8_t *)0xE000E405u = 0x40;
        __asm volatile("msr basepri, %0" :: "r"(0x40));
        IRQ_PEND(5); print_number(count);
        __asm volatile("msr basepri, %0" :: "r"(0x60));
        WFI(); print_number(count);
        return 0;
    }
    """
    assert printed(source) == ["0", "1"]


def test_supervisor_call_and_pendsv():
    source = """
    static volatile uint32_t order;
    void svc_handler(void) { order = order * 10 + 1; REG(0xE000ED04u) = 1u << 28; }
    void pendsv_handler(void) { order = order * 10 + 2; }
    int main(void)
    {
        uart_on();
        __asm volatile("svc 0" ::: "memory");
        print_number(order);
        return 0;
    }
    """
    assert printed(source) == ["12"]


@pytest.mark.parametrize(
    "call",
    [
        'DISABLE(); __asm volatile("svc 0");',
        'REG(0xE000ED1C) = 0x40u << 24; __asm volatile("msr basepri, %0; svc 0" :: "r"(0x20));',
        "IRQ_ON(5); IRQ_PEND(5);",
    ],
    ids=["masked", "not urgent enough", "in a handler"],
)
def test_a_supervisor_call_that_cannot_come_is_a_hard_fault(call):
    source = f"""
    static volatile uint32_t order;
    void svc_handler(void) {{ order = order * 10 + 1; }}
    void hard_handler(void) {{ order = order * 10 + 3 + (REG(0xE000ED2C) >> 30 & 1); }}
    void tmr0_handler(void) {{ __asm volatile("svc 0"); }}
    int main(void)
    {{
        uart_on();
        {call}
        print_number(order);
        return 0;
    }}
    """
    assert printed(source) == ["4"]


def test_registers_survive_an_interrupt():
    source = """
    void tmr0_handler(void)
    {
        __asm volatile("mov r0, #99\\n mov r1, #98\\n mov r2, #97\\n mov r3, #96\\n mov r12, #95\\n"
                       "cmp r0, #1" ::: "r0", "r1", "r2", "r3", "r12", "cc");
    }
    int main(void)
    {
        uint32_t sum, flags;
        uart_on(); IRQ_ON(5);
        __asm volatile("mov r0, #1\\n mov r1, #2\\n mov r2, #3\\n mov r12, #4\\n cmp r0, r0\\n"
                       "ldr r3, =0xE000E200\\n mov r4, #32\\n str r4, [r3]\\n"
                       "ite eq\\n moveq %1, #1\\n movne %1, #0\\n"
                       "add %0, r0, r1\\n add %0, r2\\n add %0, r12"
                       : "=&r"(sum), "=&r"(flags) :: "r0", "r1", "r2", "r3", "r4", "r12", "cc");
        print_number(sum); print_number(flags);
        return 0;
    }
    """
    assert printed(source) == ["10", "1"]


def test_conditional_blocks_survive_an_interrupt():
    source = """
    static volatile uint32_t count;
    void tmr0_handler(void) { count++; }
    int main(void)
    {
        uint32_t a = 0, b = 0;
        uart_on(); IRQ_ON(5);
        for (int i = 0; i < 4; i++) {
            __asm volatile("mov r3, #32\\n ldr r2, =0xE000E200\\n"
                           "cmp %2, #1\\n ittee eq\\n streq r3, [r2]\\n addeq %0, #1\\n"
                           "addne %1, #1\\n addne %1, #16\\n"
                           "cmp %2, #2\\n itett eq\\n addeq %0, #100\\n addne %1, #100\\n"
                           "addeq %0, #200\\n streq r3, [r2]\\n"
                           : "+r"(a), "+r"(b) : "r"(i) : "r2", "r3", "cc", "memory");
        }
        print_number(a); print_number(b); print_number(count > 0);
        return 0;
    }
    """
    assert printed(source) == ["301", "351", "1"]


def test_floats_survive_an_interrupt():
    source = """
    static volatile float other;
    void tmr0_handler(void) { other = other * 1.5f + 1.0f; IRQ_PEND(6); other += 1.0f; }
    void tmr1_handler(void) { other = other * 2.0f; }
    int main(void)
    {
        REG(0xE000ED88u) |= 15u << 20;
        uart_on(); IRQ_ON(5); IRQ_ON(6);
        *(volatile uint8_t *)0xE000E405u = 0x40;
        float sum = 0.0f;
        for (int i = 1; i <= 8; i++) {
            sum += 1.0f / (float)i;
            if (i == 4) IRQ_PEND(5);
        }
        print_number((uint32_t)(sum * 1000000.0f)); print_number((uint32_t)other);
        return 0;
    }
    """
    assert board_with(source, has_floats=True).run().console.split() == ["2717857", "3"]


def test_floating_point_must_be_on():
    source = """
    int main(void)
    {
        volatile float x = 1.5f;
        x = x * x;
        return (int)x;
    }
    """
    with pytest.raises(BoardError, match=r"floating point while it is off \(set bits"):
        board_with(source, has_floats=True).run()


def test_a_vector_that_is_no_function():
    source = "int main(void) { IRQ_ON(6); IRQ_PEND(6); return 0; }"
    with pytest.raises(BoardError, match="the vector of exception 22 is 0x00000000"):
        run(source)


def test_the_stack_must_hold_the_frame():
    source = """
    void tmr0_handler(void) { }
    int main(void)
    {
        IRQ_ON(5);
        __asm volatile("msr msp, %0" :: "r"(0x20000010u));
        IRQ_PEND(5);
        return 0;
    }
    """
    with pytest.raises(BoardError, match="the stack has run to 0x1ffffff0"):
        run(source)


def test_the_process_stack_is_refused():
    source = """
    int main(void)
    {
        __asm volatile("mrs r0, msp\\n msr psp, r0\\n msr control, %0\\n isb" :: "r"(2) : "r0");
        IRQ_ON(5); IRQ_PEND(5);
        return 0;
    }
    """
    with pytest.raises(BoardError, match="process stack is not modelled"):
        run(source)


def test_sleep_without_an_interrupt_is_the_end():
    assert run("int main(void) { WFI(); return 0; }").end is End.ASLEEP


# -- SysTick and cycle counter ---------------------------------------------------------------------


def test_systick_interrupts():
    source = """
    static volatile uint32_t ticks;
    void systick_handler(void) { ticks++; }
    int main(void)
    {
        uart_on(); fast_clock();
        REG(0xE000E014u) = 99999; REG(0xE000E018u) = 0; REG(0xE000E010u) = 7;
        while (ticks < 100) WFI();
        REG(0xE000E010u) = 0;
        print_number(ticks);
        return 0;
    }
    """
    outcome = run(source)
    assert outcome.console.split() == ["100"]
    assert outcome.time_ns == pytest.approx(100e6, rel=0.001)


def test_a_long_delay_takes_few_loads():
    source = """
    int main(void)
    {
        uint32_t loads = 0;
        uart_on(); fast_clock();
        for (int i = 0; i < 20; i++) {
            REG(0xE000E014u) = 9999999; REG(0xE000E018u) = 0; REG(0xE000E010u) = 5;
            do loads++; while (!(REG(0xE000E010u) & 1u << 16));
        }
        print_number(loads);
        return 0;
    }
    """
    outcome = run(source)
    assert 2.0 <= outcome.time_ns / 1e9 < 2.001
    assert int(outcome.console) < 5000


def test_short_waits_are_exact():
    source = """
    int main(void)
    {
        uart_on(); fast_clock();
        REG(0xE000E014u) = 999; REG(0xE000E018u) = 0; REG(0xE000E010u) = 5;
        uint32_t a = REG(0xE000E018u), b = REG(0xE000E018u);
        print_number(a - b); print_number(REG(0xE000E014u)); print_number(REG(0xE000E01Cu) >> 31);
        return 0;
    }
    """
    assert printed(source) == ["2", "999", "1"]


def test_systick_has_no_reference_clock():
    with pytest.raises(BoardError, match=r"SysTick: only the core clock is modelled"):
        run("int main(void) { REG(0xE000E010u) = 1; return 0; }")


def test_cycle_counter_stops_in_sleep():
    source = """
    void systick_handler(void) { REG(0xE000E010u) = 0; }
    int main(void)
    {
        uart_on(); fast_clock();
        REG(0xE000EDFCu) |= 1u << 24; REG(0xE0001000u) |= 1; REG(0xE0001004u) = 0;
        REG(0xE000E014u) = 9999999; REG(0xE000E018u) = 0; REG(0xE000E010u) = 7;
        WFI();
        print_number(REG(0xE0001004u) < 1000);
        return 0;
    }
    """
    outcome = run(source)
    assert outcome.console.split() == ["1"]
    assert outcome.time_ns > 100e6


def test_core_registers():
    source = """
    int main(void)
    {
        uart_on();
        print_number(REG(0xE000ED00u) == 0x410FC241u);
        print_number(REG(0xE000E004u));
        REG(0xE000E104u) = 5; print_number(REG(0xE000E184u));
        REG(0xE000E184u) = 1; print_number(REG(0xE000E104u));
        REG(0xE000ED18u) = 0x20406080u; print_number(REG(0xE000ED18u) == 0x20406080u);
        print_number(REG(0xE000ED08u) == 0x10000000u);
        print_number(REG(0xE000ED04u) & 0x1FF);
        return 0;
    }
    """
    assert printed(source) == ["1", "3", "5", "4", "1", "1", "0"]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("REG(0xE000ED08u) = 0x10000100u", "VTOR 0x10000100 is not a multiple of 512"),
        ("REG(0xE0003000u) = 1", "0xe0003000 is no register that is modelled"),
        ("(void)REG(0xE0003000u)", "0xe0003000 is no register that is modelled"),
        ("*(volatile uint8_t *)0xE000ED10u = 1", "takes words, not 1 bytes"),
    ],
)
def test_core_registers_that_are_refused(statement, message):
    with pytest.raises(BoardError, match=message):
        run(f"int main(void) {{ {statement}; return 0; }}")
