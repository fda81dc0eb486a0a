"""The vendor's drivers of SPI, I2C and I2S on the virtual board, with something to talk to."""

import numpy as np
import pytest
from genuine_sdk import build_text, needs_sdk

from max78000.board.board import End, Limits, VirtualBoard
from max78000.board.outside.max20303 import Max20303
from max78000.board.outside.microphone import Microphone
from max78000.board.outside.sounds import Sound
from max78000.board.world import World

pytestmark = [pytest.mark.slow, needs_sdk]

HEADERS = """
#include <stdio.h>
#include <string.h>
#include "mxc_device.h"
#include "mxc_sys.h"
#include "nvic_table.h"
#include "board.h"
#include "dma.h"
#include "spi.h"
#include "i2c.h"
#include "i2s.h"
"""
SPI = """
#define COUNT 100
static uint16_t sent[COUNT], received[COUNT];
static volatile int result;
static void done(void *req, int error) { (void)req; result = error; }
void SPI1_IRQHandler(void) { MXC_SPI_AsyncHandler(MXC_SPI1); }
void DMA0_IRQHandler(void) { MXC_DMA_Handler(); }

static int exchange(int bits, int how)
{
    mxc_spi_pins_t pins = {.clock = true, .ss0 = true, .miso = true, .mosi = true};
    mxc_spi_req_t request = {
        .spi = MXC_SPI1, .ssIdx = 0, .ssDeassert = 1, .txData = (uint8_t *)sent,
        .rxData = (uint8_t *)received, .txLen = COUNT, .rxLen = COUNT, .completeCB = (void *)done,
    };
    for (int i = 0; i < COUNT; i++) sent[i] = (uint16_t)(i * 0x1357 + 0xA5A5);
    memset(received, 0, sizeof(received));
    if (MXC_SPI_Init(MXC_SPI1, 1, 0, 1, 0, 100000, pins) != 0) return 1;
    if (MXC_SPI_SetDataSize(MXC_SPI1, bits) != 0) return 2;
    MXC_SPI_SetWidth(MXC_SPI1, SPI_WIDTH_STANDARD);
    result = 1;
    if (how == 0) { if (MXC_SPI_MasterTransaction(&request) != 0) return 3; }
    else if (how == 1) {
        NVIC_EnableIRQ(SPI1_IRQn);
        MXC_SPI_MasterTransactionAsync(&request);
        while (result == 1) { }
    } else {
        MXC_DMA_ReleaseChannel(0);
        NVIC_EnableIRQ(DMA0_IRQn);
        request.rxData = 0;  /* the driver's end of both directions loads from address 0 */
        MXC_SPI_MasterTransactionDMA(&request);
        while (result == 1) { }
        while (!(MXC_SPI1->intfl & MXC_F_SPI_INTFL_MST_DONE)) { }
        return MXC_SPI_Shutdown(MXC_SPI1);
    }
    const uint8_t *in = (const uint8_t *)received, *out = (const uint8_t *)sent;
    for (int i = 0; i < COUNT; i++) {
        unsigned want = bits > 8 ? sent[i] & ((1u << bits) - 1) : out[i] & ((1u << bits) - 1);
        unsigned got = bits > 8 ? received[i] : in[i];
        if (want != got) { printf("%d: %04x, not %04x\\n", i, got, want); return 4; }
    }
    return MXC_SPI_Shutdown(MXC_SPI1);
}

int main(void)
{
    for (int how = 0; how < 3; how++)
        for (int bits = 2; bits < 17; bits++) printf("%d", exchange(bits, how));
    printf("\\n");
    __BKPT(0);
    return 0;
}
"""
I2C = """
int main(void)
{
    uint8_t out[2] = {0, 0}, in[4] = {0};
    mxc_i2c_req_t request = {.i2c = MXC_I2C1, .addr = 0x28, .tx_buf = out, .tx_len = 1,
                             .rx_buf = in, .rx_len = 4};
    printf("%d ", MXC_I2C_Init(MXC_I2C1, 1, 0));
    MXC_I2C_SetFrequency(MXC_I2C1, 400000);
    printf("%d %02x%02x ", MXC_I2C_MasterTransaction(&request), in[0], in[1]);
    out[0] = 0x0F; out[1] = 0x5A;
    request.tx_len = 2; request.rx_len = 0;
    printf("%d ", MXC_I2C_MasterTransaction(&request));
    request.tx_len = 1; request.rx_len = 1;
    MXC_I2C_MasterTransaction(&request);
    printf("%02x ", in[0]);
    request.addr = 0x30;
    printf("%s\\n", MXC_I2C_MasterTransaction(&request) == 0 ? "found" : "nobody");
    __BKPT(0);
    return 0;
}
"""
I2S = """
#define COUNT 64
static int32_t samples[COUNT];
static volatile int is_done;
static void done(int channel, int error) { (void)channel; (void)error; is_done = 1; }
void DMA0_IRQHandler(void) { MXC_DMA_Handler(); }
int main(void)
{
    mxc_i2s_req_t request = {
        .channelMode = MXC_I2S_INTERNAL_SCK_WS_0, .stereoMode = MXC_I2S_MONO_LEFT_CH,
        .wordSize = MXC_I2S_DATASIZE_WORD, .sampleSize = MXC_I2S_SAMPLESIZE_THIRTYTWO,
        .clkdiv = 5, .rxData = samples, .length = COUNT,
    };
    printf("%d ", MXC_I2S_Init(&request));
    NVIC_EnableIRQ(DMA0_IRQn);
    for (int n = 0; n < 2; n++) {
        is_done = 0;
        if (n == 0) { MXC_I2S_RXDMAConfig(samples, sizeof(samples)); MXC_DMA_SetCallback(0, done); }
        else {
            MXC_DMA->ch[0].dst = (uint32_t)samples; MXC_DMA->ch[0].cnt = sizeof(samples);
            MXC_DMA->ch[0].ctrl |= 1;
        }
        while (!is_done) { }
        for (int i = 0; i < COUNT; i++) printf("%d ", (int)(samples[i] >> 14));
    }
    printf("\\n");
    __BKPT(0);
    return 0;
}
"""


class Jumper:
    """MOSI and MISO are one wire, and somebody watches it."""

    def __init__(self):
        self.words = []

    def select(self):
        """Nothing."""

    def deselect(self):
        """Nothing."""

    def transfer(self, words, _n_bits):
        """What is sent comes back."""
        self.words += words
        return words


def console_of(text, world):
    board = VirtualBoard(world=world, is_strict=False)
    board.load_elf(build_text(HEADERS + text))
    outcome = board.run(limits=Limits(virtual_s=20))
    assert outcome.end is End.BKPT, outcome.console
    return outcome.console.strip()


def test_spi_from_2_to_16_bits_in_three_ways():
    jumper = Jumper()
    assert console_of(SPI, World(spi={(1, 0): jumper})) == "0" * 45
    assert jumper.words[-100:] == [n * 0x1357 + 0xA5A5 & 0xFFFF for n in range(100)]
    assert jumper.words == jumper.words[:1500] * 3


def test_i2c_reads_and_writes_registers():
    world = World(i2c={1: {0x28: Max20303()}})
    assert console_of(I2C, world) == "0 0 0202 0 5a nobody"


def test_i2s_takes_samples_by_dma():
    sound = Sound(np.arange(4, 4000, 4, dtype=np.int16), 16_000)
    result, *samples = map(int, console_of(I2S, World(microphone=Microphone(sound))).split())
    heard = [n for n in samples if n]
    assert result == 0
    assert len(samples) == 128
    assert heard == list(range(1, len(heard) + 1))
    assert len(heard) > 100
