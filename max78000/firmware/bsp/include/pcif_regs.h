/*
 * The parallel camera interface, and the pulse trains, one of which is the camera's clock.
 *
 * Source of numbers: docs/hardware/board.md#camera; [MSDK] cameraif_regs.h, ptg_regs.h, pt_regs.h.
 */
#ifndef PCIF_REGS_H
#define PCIF_REGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t ver; /* 0x00 */
    volatile uint32_t fifo_size; /* 0x04 */
    volatile uint32_t ctrl; /* 0x08 */
    volatile uint32_t int_en; /* 0x0C */
    volatile uint32_t int_fl; /* 0x10 */
    volatile uint32_t ds_timing_codes; /* 0x14 */
    uint32_t reserved_18[6];
    volatile uint32_t fifo_data; /* 0x30 */
} mxc_pcif_regs_t;

_Static_assert(offsetof(mxc_pcif_regs_t, fifo_data) == 0x30, "PCIF");

#define MXC_F_PCIF_CTRL_READ_MODE 3u
#define MXC_S_PCIF_CTRL_READ_MODE_SINGLE 1u
#define MXC_F_PCIF_CTRL_FIFO_THRSH_POS 5
#define MXC_F_PCIF_CTRL_RX_DMA (1u << 16)
#define MXC_F_PCIF_CTRL_RX_DMA_THRSH_POS 17
#define MXC_F_PCIF_CTRL_PCIF_SYS (1u << 31)
#define MXC_F_PCIF_INT_FL_IMG_DONE (1u << 0)

typedef struct {
    volatile uint32_t rate_length; /* 26:0 peripheral clocks a bit, 31:27 mode */
    volatile uint32_t train;
    volatile uint32_t loop;
    volatile uint32_t restart;
    uint32_t reserved_10[4];
} mxc_pt_regs_t;

typedef struct {
    volatile uint32_t enable; /* 0x00: bit n starts train n */
    volatile uint32_t resync; /* 0x04 */
    uint32_t reserved_08[6];
    mxc_pt_regs_t trains[4]; /* 0x20 */
} mxc_ptg_regs_t;

_Static_assert(offsetof(mxc_ptg_regs_t, trains) == 0x20 && sizeof(mxc_pt_regs_t) == 0x20, "PT");

#define MXC_S_PT_RATE_LENGTH_MODE_SQUARE_WAVE (1u << 27)

#endif
