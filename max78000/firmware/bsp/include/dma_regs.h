/*
 * The DMA controller, four channels.
 *
 * Source of numbers: [MSDK] dma_regs.h.
 */
#ifndef DMA_REGS_H
#define DMA_REGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t ctrl; /* 0x00 */
    volatile uint32_t status; /* 0x04: 0 enabled; the others are flags, cleared by ones */
    volatile uint32_t src; /* 0x08 */
    volatile uint32_t dst; /* 0x0C */
    volatile uint32_t cnt; /* 0x10: bytes that are left */
    volatile uint32_t srcrld; /* 0x14 */
    volatile uint32_t dstrld; /* 0x18 */
    volatile uint32_t cntrld; /* 0x1C */
} mxc_dma_ch_regs_t;

typedef struct {
    volatile uint32_t inten; /* 0x00: a bit for each channel */
    volatile uint32_t intfl; /* 0x04 */
    uint32_t reserved_08[62];
    mxc_dma_ch_regs_t ch[4]; /* 0x100 */
} mxc_dma_regs_t;

_Static_assert(offsetof(mxc_dma_regs_t, ch) == 0x100, "DMA");
_Static_assert(sizeof(mxc_dma_ch_regs_t) == 0x20, "DMA");

#define MXC_F_DMA_CTRL_EN (1u << 0)
#define MXC_F_DMA_CTRL_REQUEST_POS 4
#define MXC_S_DMA_CTRL_SRCWD_WORD (2u << 16)
#define MXC_F_DMA_CTRL_SRCINC (1u << 18)
#define MXC_S_DMA_CTRL_DSTWD_WORD (2u << 20)
#define MXC_F_DMA_CTRL_DSTINC (1u << 22)
#define MXC_F_DMA_CTRL_BURST_SIZE_POS 24 /* bytes of a burst, less one */
#define MXC_F_DMA_STATUS_STATUS (1u << 0)

#endif
