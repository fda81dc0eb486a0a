"""The core's memory protection: regions as registers, and the faults of those who do not care."""

import pytest
from board_programs import board_with, printed, run
from hypothesis import given
from hypothesis import strategies as st

from max78000.board import mpu
from max78000.board.mpu import ALL_RIGHTS, NO_RIGHTS, Mpu, Rights
from max78000.errors import BoardError

RAM = 0x2000_0000
SIZE_1K, SIZE_4K = 9, 11
NO, WRITE, READ = 0 << 24, 3 << 24, 6 << 24  # RASR.AP


def unit(*regions, control=mpu.ENABLE | mpu.BACKGROUND):
    """A unit with regions (base, size, further bits), the first one number 0."""
    result = Mpu()
    for number, (base, size, bits) in enumerate(regions):
        result.store(mpu.RBAR, base | mpu.VALID | number)
        result.store(mpu.RASR, size << 1 | bits | 1)
    result.store(mpu.CTRL, control)
    return result


def test_a_region_and_what_is_around_it():
    guarded = unit((RAM + 0x400, SIZE_1K, NO))
    assert guarded.rights(RAM + 0x3FF) == guarded.rights(RAM + 0x800) == ALL_RIGHTS
    assert guarded.rights(RAM + 0x400) == guarded.rights(RAM + 0x7FF) == NO_RIGHTS
    assert unit(control=mpu.ENABLE).rights(RAM) == NO_RIGHTS


def test_the_last_region_says_and_subregions_have_holes():
    protected = unit(
        (RAM, SIZE_4K, READ), (RAM, SIZE_4K, WRITE | mpu.NEVER_EXECUTE | 0b1111_1110 << 8)
    )
    assert protected.rights(RAM + 0x100) == Rights(True, True, False)
    assert protected.rights(RAM + 0x200) == Rights(True, False, True)
    assert RAM + 0x200 in protected.edges


@given(st.integers(0, 7), st.integers(4, 18), st.integers(0, 2**13 - 1))
def test_registers_read_back(number, size, multiple):
    chosen = Mpu()
    chosen.store(mpu.RNR, number)
    base = RAM + multiple * (2 << size) & 0xFFFF_FFE0
    chosen.store(mpu.RBAR, base)
    chosen.store(mpu.RASR + mpu.ALIAS_BYTES, size << 1 | 1)
    assert chosen.load(mpu.RBAR) == base | number
    assert chosen.load(mpu.RASR) == size << 1 | 1
    assert chosen.load(mpu.RNR) == number
    assert chosen.load(mpu.TYPE) == 8 << 8


def test_regions_that_the_core_does_not_have():
    with pytest.raises(BoardError, match="region 8 of the MPU is chosen; it has 8"):
        Mpu().store(mpu.RNR, 8)
    with pytest.raises(BoardError, match="under 32 bytes"):
        unit((RAM, 3, NO))
    with pytest.raises(BoardError, match="1024 bytes begin at 0x20000200"):
        unit((RAM + 0x200, SIZE_1K, NO))


def test_who_has_a_say_in_a_hard_fault():
    assert not unit().is_on(is_hard_fault=True)
    assert unit(control=mpu.ENABLE | mpu.IN_HARD_FAULT).is_on(is_hard_fault=True)
    assert not unit(control=0).is_on(is_hard_fault=False)


# -- programs --------------------------------------------------------------------------------------

PROTECT = """
enum { CTRL = 0xE000ED94, RBAR = 0xE000ED9C, RASR = 0xE000EDA0, SHCSR = 0xE000ED24 };
enum { CFSR = 0xE000ED28, HFSR = 0xE000ED2C, MMFAR = 0xE000ED34, HERE = 0x20008000 };
static inline void protect(uint32_t rights)
{
    REG(RBAR) = HERE | 1u << 4; REG(RASR) = rights << 24 | 9u << 1 | 1u; REG(CTRL) = 5;
}
"""
SKIPPING = """
static volatile uint32_t flags, addr, hard;
__attribute__((used)) void note(uint32_t *frame)
{
    flags = REG(CFSR); addr = REG(MMFAR); hard = REG(HFSR) >> 30;
    REG(CFSR) = flags; REG(HFSR) = 1u << 30;
    frame[6] += 2;
}
__attribute__((naked)) void memory_handler(void) { __asm volatile("mov r0, sp\\n b note"); }
__attribute__((naked)) void hard_handler(void) { __asm volatile("mov r0, sp\\n b note"); }
static inline void touch_store(uint32_t a) { __asm volatile("str %0, [%0]" :: "l"(a) : "memory"); }
static inline void touch_load(uint32_t a)
{
    __asm volatile("ldr %0, [%0]" : "+l"(a) :: "memory");
}
static void tell(void)
{
    print_number(flags); print_number(addr == HERE); print_number(hard);
    flags = addr = hard = 0;
}
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("enable", "rights", "expected"),
    [
        (1, 0, "130 1 0 130 1 0"),  # DACCVIOL and MMARVALID
        (0, 0, "130 1 1 130 1 1"),  # the same as a hard fault
        (1, 6, "130 1 0 0 0 0"),  # loads are allowed
        (1, 3, "0 0 0 0 0 0"),
    ],
)
def test_stores_and_loads(enable, rights, expected):
    source = f"""
    int main(void)
    {{
        uart_on(); REG(SHCSR) = {enable}u << 16; protect({rights}u);
        touch_store(HERE); tell(); touch_load(HERE); tell();
        REG(CTRL) = 0;
        touch_store(HERE); print_number(REG(HERE) == HERE);
        return 0;
    }}
    """
    assert printed(PROTECT + SKIPPING + source) == [*expected.split(), "1"]


@pytest.mark.long
def test_a_masked_fault_is_a_hard_one_and_in_a_hard_one_the_unit_is_off():
    source = """
    int main(void)
    {
        uart_on(); REG(SHCSR) = 1u << 16; protect(0);
        DISABLE(); touch_store(HERE); ENABLE(); tell();
        return 0;
    }
    """
    assert printed(PROTECT + SKIPPING + source) == ["130", "1", "1"]
    again = "void hard_handler(void) { REG(HERE) = 7; print_number(REG(HERE)); stop(); }"
    main = "int main(void) { uart_on(); protect(0); REG(HERE) = 1; return 0; }"
    assert printed(PROTECT + again + main) == ["7"]


@pytest.mark.long
def test_code_where_none_may_be():
    source = """
    void memory_handler(void) { print_number(REG(CFSR) & 0xFF); stop(); }
    int main(void)
    {
        uart_on(); REG(SHCSR) = 1u << 16;
        REG(HERE) = 0x4770; /* bx lr */
        ((void (*)(void))(HERE | 1u))(); print("ran ");
        REG(RBAR) = HERE | 1u << 4; REG(RASR) = 1u << 28 | 3u << 24 | 9u << 1 | 1u; REG(CTRL) = 5;
        ((void (*)(void))(HERE | 1u))();
        return 0;
    }
    """
    assert printed(PROTECT + source) == ["ran", "1"]


@pytest.mark.long
@pytest.mark.parametrize("name", ["memory_handler", "hard_handler"])
def test_a_stack_that_runs_into_a_guard(name):
    """The frame is lost; the handler takes another stack, and finds the flag that says so."""
    enable = "REG(SHCSR) = 1u << 16;" if name == "memory_handler" else ""
    source = f"""
    __attribute__((used)) void tell(void) {{ print_number(REG(CFSR) & 0xFF); stop(); }}
    __attribute__((naked)) void {name}(void)
    {{
        __asm volatile("movw r0, #0\\n movt r0, #0x2002\\n mov sp, r0\\n b tell");
    }}
    static volatile uint32_t depth;
    static uint32_t recurse(uint32_t n)
    {{
        volatile uint32_t here[16];
        here[n % 16] = n; depth++;
        return n == 9999 ? 0 : recurse(n + 1) + here[n % 16];
    }}
    int main(void)
    {{
        uart_on(); {enable} protect(0);
        print_number(recurse(0));
        return 0;
    }}
    """
    assert printed(PROTECT + source) == [str(0x80 | 0x10 | 0x02)]


@pytest.mark.long
def test_an_interrupt_whose_frame_does_not_fit():
    source = """
    void tmr0_handler(void) { print("never "); }
    void memory_handler(void) { }
    __attribute__((used)) void tell(void) { print_number(REG(CFSR) & 0xFF); stop(); }
    __attribute__((naked)) void hard_handler(void)
    {
        __asm volatile("movw r0, #0\\n movt r0, #0x2002\\n mov sp, r0\\n b tell");
    }
    int main(void)
    {
        uart_on(); REG(SHCSR) = 1u << 16; IRQ_ON(5); protect(0); DISABLE(); IRQ_PEND(5);
        __asm volatile("movw r0, #0x8410\\n movt r0, #0x2000\\n mov sp, r0\\n cpsie i\\n wfi\\n nop"
                       ::: "r0", "memory");
        return 0;
    }
    """
    assert printed(PROTECT + source) == [str(0x10)]


@pytest.mark.long
def test_what_the_board_cannot_hold_or_nobody_survives():
    fine = """
    int main(void)
    {
        REG(RBAR) = HERE | 1u << 4; REG(RASR) = 7u << 1 | 1; REG(CTRL) = 5;
        return 0;
    }
    """
    with pytest.raises(BoardError, match="256 bytes from 0x20008000 are protected"):
        run(PROTECT + fine)
    twice = """
    void hard_handler(void) { REG(HERE) = 1; }
    int main(void)
    {
        uart_on(); REG(RBAR) = HERE | 1u << 4; REG(RASR) = 9u << 1 | 1; REG(CTRL) = 7;
        REG(HERE) = 1;
        return 0;
    }
    """
    with pytest.raises(BoardError, match="in a handler of a hard fault"):
        run(PROTECT + twice)


@pytest.mark.long
def test_a_reset_ends_protection():
    board = board_with(
        PROTECT
        + """
    int main(void)
    {
        if (REG(HERE) == 5) return 6;
        REG(HERE) = 5; protect(0);
        REG(0xE000ED0C) = 0x05FA0004; for (;;) { }
    }
    """
    )
    board.run()
    assert board.read_register(0) == 6
