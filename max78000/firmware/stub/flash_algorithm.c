/*
 * Flash algorithm: the five functions by which a debugger programs the MAX78000 from its own RAM.
 *
 * The calling convention is that of CMSIS-Pack flash algorithms, which pyOCD speaks and which our
 * OpenOCD script calls the same way: arguments in r0 to r3, return address on the breakpoint in the
 * first word, 0 or an error number in r0. No data section, no library, no interrupts.
 *
 * Source: docs/hardware/firmware.md#flash-controller; [MSDK] flc_regs.h, gcr_regs.h, and the order of
 * flc_reva.c and flc_me17.c, written anew; [CMSIS-Pack].
 *
 * Compiled to words.py by generate.py; the words are what is shipped and used.
 */
#include <stdint.h>

#define REGISTER(addr) (*(volatile uint32_t *)(addr))

#define GCR_SYSCTRL REGISTER(0x40000000u)
#define GCR_CLKCTRL REGISTER(0x40000008u)
#define FLC_ADDR    REGISTER(0x40029000u)
#define FLC_CLKDIV  REGISTER(0x40029004u)
#define FLC_CTRL    REGISTER(0x40029008u)
#define FLC_INTR    REGISTER(0x40029024u)
#define FLC_DATA(n) REGISTER(0x40029030u + 4u * (n))

#define SYSCTRL_FLUSH      (1u << 6)
#define CLKCTRL_DIV(word)  ((word) >> 6 & 7u)  /* the chosen oscillator is divided by 2^n */
#define CLKCTRL_SEL(word)  ((word) >> 9 & 7u)
#define CTRL_WRITE         (1u << 0)
#define CTRL_MASS_ERASE    (1u << 1)
#define CTRL_PAGE_ERASE    (1u << 2)
#define CTRL_BUSY          (7u | 1u << 24)
#define CTRL_SETTINGS      (0xFu << 28 | 0xFFu << 8 | 1u << 4)  /* unlock, erase code, width */
#define CTRL_UNLOCKED      (2u << 28)
#define CTRL_LOCKED        (3u << 28)
#define CTRL_PAGE_CODE     (0x55u << 8)
#define CTRL_MASS_CODE     (0xAAu << 8)
#define INTR_FLAGS         (1u << 0 | 1u << 1)
#define INTR_FAILED        (1u << 1)

#define OFFSET_MASK        0x7FFFFu  /* the controller counts from the start of the flash */
#define FLASH_START        0x10000000u
#define PAGE_BYTES         0x2000u
#define LINE_BYTES         16u
#define MOST_POLLS         4000000u  /* over 100 ms at 100 MHz; an erase takes 20 to 30 ms */

enum { DONE = 0, BUSY = 1, REFUSED = 2, NO_CLOCK = 3 };

__attribute__((section(".header"), used)) const uint32_t header = 0xE00ABE00u; /* bkpt 0 first */

static int ready(void)
{
    for (uint32_t polls = 0; polls < MOST_POLLS; polls++) {
        if (!(FLC_CTRL & CTRL_BUSY)) {
            return DONE;
        }
    }
    return BUSY;
}

/* One operation from unlocking to locking; the data registers are already filled. */
static int operate(uint32_t addr, uint32_t settings, uint32_t go)
{
    if (ready() != DONE) {
        return BUSY;
    }
    FLC_INTR &= ~INTR_FLAGS;
    FLC_ADDR = addr & OFFSET_MASK;
    uint32_t ctrl = (FLC_CTRL & ~CTRL_SETTINGS) | CTRL_UNLOCKED | settings;
    FLC_CTRL = ctrl;
    FLC_CTRL = ctrl | go;
    int status = ready();
    FLC_CTRL = (FLC_CTRL & ~CTRL_SETTINGS) | CTRL_LOCKED;
    if (status == DONE && FLC_INTR & INTR_FAILED) {
        status = REFUSED;
    }
    return status;
}

/* System clock in MHz: 0 ISO 60, 4 IPO 100, 5 IBRO 7.3728; the slow ones cannot time the flash. */
static uint32_t system_clock_mhz(void)
{
    uint32_t clkctrl = GCR_CLKCTRL;
    uint32_t source = CLKCTRL_SEL(clkctrl);
    uint32_t mhz = source == 0u ? 60u : source == 4u ? 100u : source == 5u ? 7u : 0u;
    return mhz >> CLKCTRL_DIV(clkctrl);
}

/* Keep the stopped program's interrupts away and give the flash its 1 MHz, whatever clock runs. */
int Init(uint32_t addr, uint32_t clock_hz, uint32_t function)
{
    (void)addr, (void)clock_hz, (void)function;
    __asm volatile("cpsid i");
    uint32_t mhz = system_clock_mhz();
    if (mhz == 0u) {
        return NO_CLOCK;
    }
    if (ready() != DONE) {
        return BUSY;
    }
    /* Quirk flash-clock: 60 after a reset, 100 under firmware; one divider does not suit both. */
    FLC_CLKDIV = mhz;
    return DONE;
}

/* Drop what the cache and the line buffer remember of the old contents. */
int UnInit(uint32_t function)
{
    (void)function;
    GCR_SYSCTRL |= SYSCTRL_FLUSH;
    uint32_t polls = 0;
    while (GCR_SYSCTRL & SYSCTRL_FLUSH) {
        if (++polls == MOST_POLLS) {
            return BUSY;
        }
    }
    (void)REGISTER(FLASH_START);
    (void)REGISTER(FLASH_START + PAGE_BYTES);
    return DONE;
}

int EraseSector(uint32_t addr)
{
    return operate(addr, CTRL_PAGE_CODE, CTRL_PAGE_ERASE);
}

int EraseChip(void)
{
    return operate(0u, CTRL_MASS_CODE, CTRL_MASS_ERASE);
}

/* Write whole 16-byte lines; address and length are multiples of 16. */
int ProgramPage(uint32_t addr, uint32_t n_bytes, const uint32_t *words)
{
    for (uint32_t done = 0; done < n_bytes; done += LINE_BYTES) {
        for (uint32_t n = 0; n < LINE_BYTES / 4u; n++) {
            FLC_DATA(n) = *words++;
        }
        int status = operate(addr + done, 0u, CTRL_WRITE);
        if (status != DONE) {
            return status;
        }
    }
    return DONE;
}
