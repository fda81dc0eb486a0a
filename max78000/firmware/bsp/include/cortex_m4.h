/*
 * The processor core: intrinsics, interrupt controller, system control, SysTick.
 *
 * Names as in Arm's CMSIS, as far as applications use them.
 * Source of numbers: [Armv7-M] B3.2 to B3.4.
 */
#ifndef CORTEX_M4_H
#define CORTEX_M4_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t ISER[8]; /* 0x000: write 1 enables */
    uint32_t reserved0[24];
    volatile uint32_t ICER[8]; /* 0x080: write 1 disables */
    uint32_t reserved1[24];
    volatile uint32_t ISPR[8]; /* 0x100: write 1 makes pending */
    uint32_t reserved2[24];
    volatile uint32_t ICPR[8]; /* 0x180: write 1 withdraws */
    uint32_t reserved3[24];
    volatile uint32_t IABR[8]; /* 0x200: being handled */
    uint32_t reserved4[56];
    volatile uint8_t IP[240]; /* 0x300: 7:5 priority, 0 the most urgent */
} NVIC_Type;

typedef struct {
    volatile uint32_t CPUID; /* 0x00 */
    volatile uint32_t ICSR; /* 0x04: 8:0 number of the exception being handled */
    volatile uint32_t VTOR; /* 0x08: address of the vector table */
    volatile uint32_t AIRCR; /* 0x0C */
    volatile uint32_t SCR; /* 0x10: 2 deep sleep */
    volatile uint32_t CCR; /* 0x14 */
    volatile uint8_t SHP[12]; /* 0x18: priorities of exceptions 4 to 15 */
    volatile uint32_t SHCSR; /* 0x24 */
    volatile uint32_t CFSR; /* 0x28: why memory, bus or usage fault */
    volatile uint32_t HFSR; /* 0x2C: why hard fault */
    volatile uint32_t DFSR; /* 0x30 */
    volatile uint32_t MMFAR; /* 0x34: address of a memory fault */
    volatile uint32_t BFAR; /* 0x38: address of a bus fault */
    uint32_t reserved0[19];
    volatile uint32_t CPACR; /* 0x88: 23:20 access to the floating-point unit */
} SCB_Type;

typedef struct {
    volatile uint32_t CTRL; /* 0x0: 0 enable, 1 interrupt, 2 processor clock, 16 has reached 0 */
    volatile uint32_t LOAD; /* 0x4: 23:0 what follows 0 */
    volatile uint32_t VAL; /* 0x8: a write clears it */
} SysTick_Type;

typedef struct {
    volatile uint32_t CTRL; /* 0x0: 0 count cycles */
    volatile uint32_t CYCCNT; /* 0x4: cycles of the core, none while it sleeps */
} DWT_Type;

typedef struct {
    volatile uint32_t DHCSR; /* 0x0: 0 a debugger is there */
    volatile uint32_t DCRSR; /* 0x4 */
    volatile uint32_t DCRDR; /* 0x8 */
    volatile uint32_t DEMCR; /* 0xC: 24 the DWT is on */
} CoreDebug_Type;

typedef struct {
    volatile uint32_t TYPE; /* 0x00: 15:8 regions */
    volatile uint32_t CTRL; /* 0x04 */
    volatile uint32_t RNR; /* 0x08: the region that the next two registers are of */
    volatile uint32_t RBAR; /* 0x0C: 31:5 address, 3:0 another region if 4 is set */
    volatile uint32_t RASR; /* 0x10: 26:24 access, 15:8 subregions off, 5:1 size, 0 enable */
} MPU_Type;

_Static_assert(offsetof(NVIC_Type, ICPR) == 0x180, "NVIC");
_Static_assert(offsetof(NVIC_Type, IP) == 0x300, "NVIC");
_Static_assert(offsetof(SCB_Type, CPACR) == 0x88, "SCB");

#define DWT ((DWT_Type *)0xE0001000u)
#define SysTick ((SysTick_Type *)0xE000E010u)
#define NVIC ((NVIC_Type *)0xE000E100u)
#define SCB ((SCB_Type *)0xE000ED00u)
#define MPU ((MPU_Type *)0xE000ED90u)
#define CoreDebug ((CoreDebug_Type *)0xE000EDF0u)

#define __NVIC_PRIO_BITS 3u

#define SCB_ICSR_VECTACTIVE_Msk 0x1FFu
#define SCB_ICSR_PENDSTCLR_Msk (1u << 25)
#define SCB_AIRCR_RESET 0x05FA0004u /* the key, and SYSRESETREQ */
#define SCB_SCR_SLEEPDEEP_Msk (1u << 2)
#define SCB_SHCSR_MEMFAULTENA_Msk (1u << 16)
#define SCB_CFSR_MSTKERR_Msk (1u << 4) /* no frame: there was no room on the stack */
#define SCB_CFSR_MMARVALID_Msk (1u << 7) /* MMFAR has the address */
#define MPU_CTRL_ENABLE_Msk (1u << 0)
#define MPU_CTRL_PRIVDEFENA_Msk (1u << 2) /* what no region has is open */
#define MPU_RBAR_VALID_Msk (1u << 4)
#define MPU_RASR_ENABLE_Msk (1u << 0)
#define MPU_RASR_SIZE_Pos 1
#define MPU_RASR_XN_Msk (1u << 28)
#define SCB_CPACR_FPU_FULL_ACCESS (0xFu << 20)
#define SysTick_CTRL_ENABLE_Msk (1u << 0)
#define SysTick_CTRL_TICKINT_Msk (1u << 1)
#define SysTick_CTRL_CLKSOURCE_Msk (1u << 2)
#define SysTick_CTRL_COUNTFLAG_Msk (1u << 16)
#define SysTick_LOAD_RELOAD_Msk 0xFFFFFFu
#define DWT_CTRL_CYCCNTENA_Msk (1u << 0)
#define CoreDebug_DEMCR_TRCENA_Msk (1u << 24)

/* Every intrinsic also keeps the compiler from moving memory accesses across it. */
static inline void __disable_irq(void) { __asm volatile("cpsid i" ::: "memory"); }
static inline void __enable_irq(void) { __asm volatile("cpsie i" ::: "memory"); }
static inline void __WFI(void) { __asm volatile("wfi" ::: "memory"); }
static inline void __WFE(void) { __asm volatile("wfe" ::: "memory"); }
static inline void __SEV(void) { __asm volatile("sev" ::: "memory"); }
static inline void __DSB(void) { __asm volatile("dsb" ::: "memory"); }
static inline void __DMB(void) { __asm volatile("dmb" ::: "memory"); }
static inline void __ISB(void) { __asm volatile("isb" ::: "memory"); }
static inline void __NOP(void) { __asm volatile("nop" ::: "memory"); }

/* 1 while interrupts are disabled: kept at the start of a critical section, set again at its end. */
static inline uint32_t __get_PRIMASK(void)
{
    uint32_t is_disabled;
    __asm volatile("mrs %0, primask" : "=r"(is_disabled) :: "memory");
    return is_disabled;
}

static inline void __set_PRIMASK(uint32_t is_disabled)
{
    __asm volatile("msr primask, %0" ::"r"(is_disabled) : "memory");
}

/* Number of the exception being handled, 0 outside of one. */
static inline uint32_t __get_IPSR(void)
{
    uint32_t exception;
    __asm volatile("mrs %0, ipsr" : "=r"(exception));
    return exception;
}

static inline uint32_t __get_MSP(void)
{
    uint32_t top;
    __asm volatile("mrs %0, msp" : "=r"(top));
    return top;
}

/* Leading zeros; 32 of zero. */
static inline uint8_t __CLZ(uint32_t value)
{
    return value == 0 ? 32 : (uint8_t)__builtin_clz(value);
}

static inline uint32_t __REV(uint32_t value) { return __builtin_bswap32(value); }

/* `irq` is an IRQn_Type; each word of the controller holds 32 of them. */
static inline void NVIC_EnableIRQ(int irq) { NVIC->ISER[irq / 32] = 1u << (irq % 32); }

static inline uint32_t NVIC_GetEnableIRQ(int irq)
{
    return NVIC->ISER[irq / 32] >> (irq % 32) & 1u;
}

static inline void NVIC_DisableIRQ(int irq)
{
    NVIC->ICER[irq / 32] = 1u << (irq % 32);
    __DSB();
    __ISB();
}

static inline void NVIC_SetPendingIRQ(int irq) { NVIC->ISPR[irq / 32] = 1u << (irq % 32); }
static inline void NVIC_ClearPendingIRQ(int irq) { NVIC->ICPR[irq / 32] = 1u << (irq % 32); }

static inline uint32_t NVIC_GetPendingIRQ(int irq)
{
    return NVIC->ISPR[irq / 32] >> (irq % 32) & 1u;
}

/* From 0, the most urgent, to 7; exceptions of the core have negative numbers, the last is -1. */
static inline void NVIC_SetPriority(int irq, uint32_t priority)
{
    const uint8_t bits = (uint8_t)(priority << (8u - __NVIC_PRIO_BITS));
    if (irq >= 0) {
        NVIC->IP[irq] = bits;
    } else {
        SCB->SHP[irq + 12] = bits;
    }
}

static inline uint32_t NVIC_GetPriority(int irq)
{
    const uint8_t bits = irq >= 0 ? NVIC->IP[irq] : SCB->SHP[irq + 12];
    return bits >> (8u - __NVIC_PRIO_BITS);
}

__attribute__((noreturn)) static inline void NVIC_SystemReset(void)
{
    __DSB();
    SCB->AIRCR = SCB_AIRCR_RESET;
    for (;;) {
    }
}

/* Have SysTick_Handler() called every so many cycles, at least 2; 1 if that is more than it counts. */
static inline uint32_t SysTick_Config(uint32_t ticks)
{
    if (ticks - 1u > SysTick_LOAD_RELOAD_Msk) {
        return 1;
    }
    SysTick->LOAD = ticks - 1u;
    NVIC_SetPriority(-1, (1u << __NVIC_PRIO_BITS) - 1u);
    SysTick->VAL = 0;
    SysTick->CTRL = SysTick_CTRL_CLKSOURCE_Msk | SysTick_CTRL_TICKINT_Msk | SysTick_CTRL_ENABLE_Msk;
    return 0;
}

#endif
