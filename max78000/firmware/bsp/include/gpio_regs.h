/*
 * One GPIO port: a bit per pin in each register.
 *
 * Source of numbers: [MSDK] gpio_regs.h.
 */
#ifndef GPIO_REGS_H
#define GPIO_REGS_H

#include <stddef.h>
#include <stdint.h>

/* EN0, EN1, EN2 select the function: 1 0 0 GPIO, 0 0 0 alternate 1, 0 1 0 alternate 2. */
typedef struct {
    volatile uint32_t en0, en0_set, en0_clr; /* 0x00 */
    volatile uint32_t outen, outen_set, outen_clr; /* 0x0C */
    volatile uint32_t out, out_set, out_clr; /* 0x18 */
    volatile uint32_t in; /* 0x24 */
    volatile uint32_t intmode; /* 0x28 */
    volatile uint32_t intpol; /* 0x2C */
    volatile uint32_t inen; /* 0x30: the input is sensed */
    volatile uint32_t inten, inten_set, inten_clr; /* 0x34 */
    volatile uint32_t intfl; /* 0x40 */
    uint32_t reserved0;
    volatile uint32_t intfl_clr; /* 0x48 */
    uint32_t reserved1[5];
    volatile uint32_t padctrl0; /* 0x60: pull up */
    volatile uint32_t padctrl1; /* 0x64: pull down */
    volatile uint32_t en1, en1_set, en1_clr; /* 0x68 */
    volatile uint32_t en2, en2_set, en2_clr; /* 0x74 */
    uint32_t reserved2[14];
    volatile uint32_t ps; /* 0xB8: the pull is strong */
    uint32_t reserved3;
    volatile uint32_t vssel; /* 0xC0: 0 VDDIO, 1 VDDIOH */
} mxc_gpio_regs_t;

_Static_assert(offsetof(mxc_gpio_regs_t, in) == 0x24, "GPIO");
_Static_assert(offsetof(mxc_gpio_regs_t, intfl_clr) == 0x48, "GPIO");
_Static_assert(offsetof(mxc_gpio_regs_t, padctrl0) == 0x60, "GPIO");
_Static_assert(offsetof(mxc_gpio_regs_t, en2_clr) == 0x7C, "GPIO");
_Static_assert(offsetof(mxc_gpio_regs_t, vssel) == 0xC0, "GPIO");

#endif
