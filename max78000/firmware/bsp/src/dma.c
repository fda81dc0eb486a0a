/*
 * DMA, looked after by asking: no interrupts.
 *
 * Source of numbers: [MSDK] dma_reva.c.
 */
#include "dma.h"

#include "mxc.h"

#define WORD_BYTES 4u
#define MOST_BYTES 0xFFFFFFu
#define FLAGS 0x5Cu /* of a channel's status */

int dma_receive(uint32_t channel, uint32_t request, uint32_t *to, uint32_t n_bytes)
{
    if (channel >= DMA_N_CHANNELS || n_bytes % WORD_BYTES != 0 || n_bytes > MOST_BYTES ||
        (uintptr_t)to % WORD_BYTES != 0) {
        return E_BAD_PARAM;
    }
    mxc_dma_ch_regs_t *ch = &MXC_DMA->ch[channel];
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_DMA);
    ch->ctrl = 0;
    ch->status = FLAGS;
    ch->dst = (uint32_t)(uintptr_t)to;
    ch->cnt = n_bytes;
    ch->ctrl = MXC_F_DMA_CTRL_EN | request << MXC_F_DMA_CTRL_REQUEST_POS |
               MXC_S_DMA_CTRL_SRCWD_WORD | MXC_S_DMA_CTRL_DSTWD_WORD | MXC_F_DMA_CTRL_DSTINC |
               (WORD_BYTES - 1u) << MXC_F_DMA_CTRL_BURST_SIZE_POS;
    return E_NO_ERROR;
}

uint32_t dma_bytes_left(uint32_t channel)
{
    return channel < DMA_N_CHANNELS ? MXC_DMA->ch[channel].cnt : 0;
}

bool dma_is_busy(uint32_t channel)
{
    return channel < DMA_N_CHANNELS &&
           (MXC_DMA->ch[channel].status & MXC_F_DMA_STATUS_STATUS) != 0;
}

void dma_stop(uint32_t channel)
{
    if (channel < DMA_N_CHANNELS) {
        MXC_DMA->ch[channel].ctrl = 0;
    }
}
