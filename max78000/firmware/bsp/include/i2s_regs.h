/*
 * I2S, as far as a microphone needs it.
 *
 * Source of numbers: docs/hardware/board.md#microphone; [MSDK] i2s_regs.h.
 */
#ifndef I2S_REGS_H
#define I2S_REGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t ctrl0ch0; /* 0x00 */
    uint32_t reserved_04[3];
    volatile uint32_t ctrl1ch0; /* 0x10 */
    uint32_t reserved_14[7];
    volatile uint32_t dmach0; /* 0x30: 31:24 words that were received */
    uint32_t reserved_34[3];
    volatile uint32_t fifoch0; /* 0x40 */
    uint32_t reserved_44[3];
    volatile uint32_t intfl; /* 0x50 */
} mxc_i2s_regs_t;

_Static_assert(offsetof(mxc_i2s_regs_t, dmach0) == 0x30, "I2S");
_Static_assert(offsetof(mxc_i2s_regs_t, intfl) == 0x50, "I2S");

#define MXC_S_I2S_CTRL0CH0_STEREO_MONO_LEFT (2u << 12)
#define MXC_S_I2S_CTRL0CH0_WSIZE_WORD (2u << 14)
#define MXC_F_I2S_CTRL0CH0_RX_EN (1u << 17)
#define MXC_F_I2S_CTRL0CH0_FLUSH (1u << 18)
#define MXC_F_I2S_CTRL0CH0_RX_THD_VAL_POS 24
#define MXC_F_I2S_CTRL1CH0_BITS_WORD_POS 0
#define MXC_F_I2S_CTRL1CH0_EN (1u << 8)
#define MXC_F_I2S_CTRL1CH0_SMP_SIZE_POS 9
#define MXC_F_I2S_CTRL1CH0_CLKDIV_POS 16
#define MXC_F_I2S_DMACH0_RX_LVL_POS 24
#define MXC_F_I2S_INTFL_RX_OV_CH0 (1u << 0)

#endif
