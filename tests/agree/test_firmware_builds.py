"""Every shipped network, and code in the vendor's style, becomes firmware with every compiler.

Without a single warning. What the firmware does is the virtual board's to say.
"""

from shutil import copytree

import pytest
from installed import needs_gcc, of_zig
from shipped import NETWORKS

from max78000.facts.memory_map import FLASH_BYTES
from max78000.firmware.build import build_project
from max78000.firmware.sources import BOARDS
from max78000.firmware.toolchain import find_gcc, find_zig

EVERY = pytest.mark.parametrize(
    "toolchain",
    [
        pytest.param(find_zig(), id="zig", marks=of_zig),
        pytest.param(find_gcc(), id="gcc", marks=needs_gcc),
    ],
)

# Names and headers as applications for the vendor's SDK have them.
VENDOR_STYLE = """
#include <stdlib.h>
#include <stdint.h>
#include <inttypes.h>
#include <string.h>
#include <stdio.h>
#include "mxc.h"
#include "mxc_device.h"
#include "mxc_sys.h"
#include "mxc_delay.h"
#include "nvic_table.h"
#include "gcfr_regs.h"
#include "icc.h"
#include "board.h"
#include "led.h"
#include "pb.h"
#include "tmr.h"
#include "gpio.h"
#include "uart.h"
#include "lp.h"

static volatile uint32_t cnn_time;

static void on_cnn(void)
{
    cnn_time = MXC_TMR_SW_Stop(MXC_TMR0);
    NVIC_ClearPendingIRQ(CNN_IRQn);
}

int main(void)
{
    const mxc_gpio_cfg_t boost = { MXC_GPIO2, MXC_GPIO_PIN_5, MXC_GPIO_FUNC_OUT, MXC_GPIO_PAD_NONE,
                                   MXC_GPIO_VSSEL_VDDIOH };
    char text[20];
    MXC_ICC_Enable(MXC_ICC0);
    if (MXC_SYS_Clock_Select(MXC_SYS_CLOCK_IPO) != E_NO_ERROR) {
        return E_TIME_OUT;
    }
    SystemCoreClockUpdate();
    MXC_GPIO_Config(&boost);
    MXC_GPIO_OutSet(boost.port, boost.mask);
    MXC_NVIC_SetVector(CNN_IRQn, on_cnn);
    NVIC_EnableIRQ(CNN_IRQn);
    MXC_GCFR->reg0 = 0xF;
    MXC_GCR->pclkdiv |= MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV1;
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_CNN);
    MXC_TMR_SW_Start(MXC_TMR0);
    MXC_TMR_Delay(MXC_TMR1, MSEC(500));
    MXC_Delay(SEC(1));
    while (!PB_Get(0)) {
        LED_Toggle(0);
    }
    __disable_irq();
    while (cnn_time == 0) {
        MXC_LP_EnterSleepMode();
        __enable_irq();
        __disable_irq();
    }
    __enable_irq();
    NVIC_DisableIRQ(CNN_IRQn);
    memset(text, 0, sizeof(text));
    snprintf(text, sizeof(text), "%5" PRIu32, cnn_time);
    printf("%s us, %d\\n", text, abs(-5));
    puts("done");
    return uart_read_byte(1000);
}
"""


class Warnings(list):
    """Keeps what a build warns of."""

    def __call__(self, text, *, is_warning):
        if is_warning:
            self.append(text)


@pytest.fixture(scope="module", params=NETWORKS)
def project(request, shipped, tmp_path_factory):
    return copytree(shipped(request.param), tmp_path_factory.mktemp("builds") / request.param)


@EVERY
def test_shipped_networks_build_without_warnings(project, toolchain):
    warnings = Warnings()
    image = build_project(project, toolchain, watch=warnings)
    assert warnings == []
    assert image.elf.name == f"{project.name}.elf"
    assert image.symbol("kernels").size_bytes < image.flash_bytes < FLASH_BYTES
    for name in ("cnn_init", "CNN_ISR", "sample_output"):
        assert image.symbol(name), name


@EVERY
@pytest.mark.parametrize("board", BOARDS)
def test_code_in_the_vendors_style_builds_without_warnings(tmp_path, toolchain, board):
    (tmp_path / "main.c").write_text(VENDOR_STYLE)
    warnings = Warnings()
    build_project(tmp_path, toolchain, board, watch=warnings)
    assert warnings == []
