/*
 * The microphone on I2S, polled: 32 bits a word on the line, of which 18 come from the microphone,
 * in the left channel.
 *
 * Samples are 18 bits times 4 as 16, cut where they do not fit: that is the level of recordings
 * which fill 16 bits, 24 dB below the microphone's full scale.
 *
 * Source of numbers: docs/hardware/board.md#microphone; [MSDK] i2s_reva.c, i2s_ai85.c.
 */
#include "audio_in.h"

#include "board.h"
#include "mxc.h"

#define LINE_CLOCK_HZ 12288000u
#define LINE_BITS 32u
#define MOST_RATE_HZ (LINE_CLOCK_HZ / (2u * 2u * LINE_BITS)) /* at divider 1 */
#define LOW_BITS 12 /* of a word, below a sample of 16 bits */

int audio_begin(uint32_t rate_hz)
{
    const mxc_gpio_cfg_t data = {
        .port = MXC_GPIO1,
        .mask = MXC_GPIO_PIN(2) | MXC_GPIO_PIN(3) | MXC_GPIO_PIN(4) | MXC_GPIO_PIN(5),
        .func = MXC_GPIO_FUNC_ALT1,
    };
    const mxc_gpio_cfg_t clock = {
        .port = MXC_GPIO0,
        .mask = MXC_GPIO_PIN(14),
        .func = MXC_GPIO_FUNC_ALT2,
    };
    if (rate_hz == 0 || MOST_RATE_HZ % rate_hz != 0) {
        return E_BAD_PARAM;
    }
    const int result = board_power_microphone();
    if (result != E_NO_ERROR) {
        return result;
    }
    const uint32_t divider = LINE_CLOCK_HZ / (4u * LINE_BITS * rate_hz);
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_I2S);
    (void)MXC_GPIO_Config(&data);
    (void)MXC_GPIO_Config(&clock);
    MXC_I2S->ctrl0ch0 = MXC_F_I2S_CTRL0CH0_FLUSH;
    MXC_I2S->ctrl0ch0 = MXC_S_I2S_CTRL0CH0_STEREO_MONO_LEFT | MXC_S_I2S_CTRL0CH0_WSIZE_WORD |
                        1u << MXC_F_I2S_CTRL0CH0_RX_THD_VAL_POS;
    MXC_I2S->ctrl1ch0 = (LINE_BITS - 1u) << MXC_F_I2S_CTRL1CH0_BITS_WORD_POS |
                        (LINE_BITS - 1u) << MXC_F_I2S_CTRL1CH0_SMP_SIZE_POS |
                        (divider - 1u) << MXC_F_I2S_CTRL1CH0_CLKDIV_POS | MXC_F_I2S_CTRL1CH0_EN;
    MXC_I2S->intfl = MXC_F_I2S_INTFL_RX_OV_CH0;
    MXC_I2S->ctrl0ch0 |= MXC_F_I2S_CTRL0CH0_RX_EN;
    return E_NO_ERROR;
}

void audio_end(void)
{
    MXC_I2S->ctrl0ch0 &= ~MXC_F_I2S_CTRL0CH0_RX_EN;
    MXC_I2S->ctrl1ch0 &= ~MXC_F_I2S_CTRL1CH0_EN;
    MXC_I2S->ctrl0ch0 |= MXC_F_I2S_CTRL0CH0_FLUSH;
    MXC_I2S->intfl = MXC_F_I2S_INTFL_RX_OV_CH0;
}

static int16_t cut(int32_t value)
{
    if (value > INT16_MAX) {
        return INT16_MAX;
    }
    return (int16_t)(value < INT16_MIN ? INT16_MIN : value);
}

bool audio_take(int16_t *samples, uint32_t n_samples)
{
    for (uint32_t i = 0; i < n_samples; i++) {
        while (MXC_I2S->dmach0 >> MXC_F_I2S_DMACH0_RX_LVL_POS == 0) {
        }
        samples[i] = cut((int32_t)MXC_I2S->fifoch0 >> LOW_BITS);
    }
    const bool is_whole = (MXC_I2S->intfl & MXC_F_I2S_INTFL_RX_OV_CH0) == 0;
    MXC_I2S->intfl = MXC_F_I2S_INTFL_RX_OV_CH0;
    return is_whole;
}
