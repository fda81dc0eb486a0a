/*
 * The interrupts of the chip, by their names and numbers.
 *
 * The vector of interrupt n is entry 16 + n of the table; its handler is `NAME_IRQHandler`, which a
 * program may define, or what MXC_NVIC_SetVector() sets.
 *
 * Source of numbers: [MSDK] max78000.h.
 */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#define FOR_EACH_INTERRUPT(X) \
    X(PF, 0) \
    X(WDT0, 1) \
    X(RTC, 3) \
    X(TRNG, 4) \
    X(TMR0, 5) \
    X(TMR1, 6) \
    X(TMR2, 7) \
    X(TMR3, 8) \
    X(TMR4, 9) \
    X(TMR5, 10) \
    X(I2C0, 13) \
    X(UART0, 14) \
    X(UART1, 15) \
    X(SPI1, 16) \
    X(ADC, 20) \
    X(FLC0, 23) \
    X(GPIO0, 24) \
    X(GPIO1, 25) \
    X(GPIO2, 26) \
    X(DMA0, 28) \
    X(DMA1, 29) \
    X(DMA2, 30) \
    X(DMA3, 31) \
    X(UART2, 34) \
    X(I2C1, 36) \
    X(WUT, 53) \
    X(GPIOWAKE, 54) \
    X(SPI0, 56) \
    X(WDT1, 57) \
    X(PT, 59) \
    X(I2C2, 62) \
    X(RISCV, 63) \
    X(OWM, 67) \
    X(ECC, 82) \
    X(DVS, 83) \
    X(SIMO, 84) \
    X(UART3, 88) \
    X(PCIF, 91) \
    X(AES, 97) \
    X(I2S, 99) \
    X(CNN_FIFO, 100) \
    X(CNN, 101) \
    X(LPCMP, 103)

#define INTERRUPT_NUMBER(name, number) name##_IRQn = (number),

typedef enum {
    NonMaskableInt_IRQn = -14, /* exceptions of the core: number - 16 */
    HardFault_IRQn = -13,
    MemoryManagement_IRQn = -12,
    BusFault_IRQn = -11,
    UsageFault_IRQn = -10,
    SVCall_IRQn = -5,
    DebugMonitor_IRQn = -4,
    PendSV_IRQn = -2,
    SysTick_IRQn = -1,
    FOR_EACH_INTERRUPT(INTERRUPT_NUMBER) MXC_IRQ_EXT_COUNT = 104
} IRQn_Type;

#undef INTERRUPT_NUMBER

#define MXC_IRQ_COUNT (16 + MXC_IRQ_EXT_COUNT)

#endif
