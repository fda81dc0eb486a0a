"""Small programs of ours on the vendor's genuine drivers, one for each peripheral.

Each uses the drivers as their headers say and prints what came out; the snapshot of the SDK has the
make files of its own examples, but not their sources.
"""

from sdk_secret_programs import ADC, INFO

HEAD = """
#include <stdio.h>
#include <string.h>
#include "mxc_device.h"
#include "mxc_sys.h"
#include "mxc_delay.h"
#include "mxc_errors.h"
#include "board.h"
#include "led.h"
"""

HELLO = """
int main(void)
{
    for (int i = 0; i < 3; i++) {
        LED_On(0); MXC_Delay(MXC_DELAY_MSEC(500));
        LED_Off(0); MXC_Delay(MXC_DELAY_MSEC(500));
        printf("count %d\\n", i);
    }
    return 0;
}
"""

TRNG = """
#include "trng.h"
static volatile int done;
static void on_end(void *request, int error) { (void)request; done = error == 0; }
void TRNG_IRQHandler(void) { MXC_TRNG_Handler(); }
int main(void)
{
    uint8_t first[16], second[16];
    MXC_TRNG_Init();
    MXC_TRNG_Random(first, 16);
    NVIC_EnableIRQ(TRNG_IRQn);
    MXC_TRNG_RandomAsync(second, 16, on_end);
    while (!done) { }
    puts(memcmp(first, second, 16) ? "differ" : "equal");
    return 0;
}
"""

CRC = """
#include "crc.h"
int main(void)
{
    static uint32_t data[64];
    for (int i = 0; i < 64; i++) data[i] = 0x01010101u * i;
    MXC_CRC_Init();
    MXC_CRC_SetPoly(0xEDB88320);
    mxc_crc_req_t request = { data, 64, 0 };
    MXC_CRC_Compute(&request);
    printf("%08lx\\n", (unsigned long)~request.resultCRC);
    return 0;
}
"""

WUT = """
#include "wut.h"
static volatile int count;
void WUT_IRQHandler(void) { MXC_WUT_IntClear(); count++; }
int main(void)
{
    mxc_wut_cfg_t config = { .mode = MXC_WUT_MODE_CONTINUOUS };
    uint32_t ticks;
    MXC_WUT_GetTicks(100, MXC_WUT_UNIT_MILLISEC, &ticks);
    config.cmp_cnt = ticks;
    MXC_WUT_Init(MXC_WUT_PRES_1);
    MXC_WUT_Config(&config);
    NVIC_EnableIRQ(WUT_IRQn);
    MXC_WUT_Enable();
    while (count < 3) __WFI();
    MXC_WUT_Disable();
    printf("%d\\n", count);
    return 0;
}
"""

RTC = """
#include "rtc.h"
static volatile int n_days, n_shorts;
void RTC_IRQHandler(void)
{
    int flags = MXC_RTC_GetFlags();
    if (flags & MXC_F_RTC_CTRL_SSEC_ALARM) {
        MXC_RTC_ClearFlags(MXC_F_RTC_CTRL_SSEC_ALARM); n_shorts++;
    }
    if (flags & MXC_F_RTC_CTRL_TOD_ALARM) {
        MXC_RTC_ClearFlags(MXC_F_RTC_CTRL_TOD_ALARM); n_days++;
    }
}
int main(void)
{
    uint32_t seconds, part;
    NVIC_EnableIRQ(RTC_IRQn);
    MXC_RTC_Init(0, 0);
    MXC_RTC_SetTimeofdayAlarm(2);
    MXC_RTC_EnableInt(MXC_F_RTC_CTRL_TOD_ALARM_IE);
    MXC_RTC_SetSubsecondAlarm(0 - 1024u);
    MXC_RTC_EnableInt(MXC_F_RTC_CTRL_SSEC_ALARM_IE);
    MXC_RTC_Start();
    while (!n_days) __WFI();
    while (MXC_RTC_GetTime(&seconds, &part) != E_NO_ERROR) { }
    MXC_RTC_Stop();
    printf("%d %d %lu\\n", n_days, n_shorts, (unsigned long)seconds);
    return 0;
}
"""

WDT = """
#include "wdt.h"
static volatile int count;
void WDT0_IRQHandler(void)
{
    MXC_WDT_ClearIntFlag(MXC_WDT0);
    if (++count < 3) MXC_WDT_ResetTimer(MXC_WDT0);
}
int main(void)
{
    mxc_wdt_cfg_t config = { .mode = MXC_WDT_COMPATIBILITY };
    MXC_WDT_Init(MXC_WDT0, &config);
    if (MXC_WDT_GetResetFlag(MXC_WDT0)) {
        MXC_WDT_ClearResetFlag(MXC_WDT0);
        puts("reset by the watchdog");
        return 0;
    }
    config.upperResetPeriod = MXC_WDT_PERIOD_2_28;
    config.upperIntPeriod = MXC_WDT_PERIOD_2_27;
    MXC_WDT_SetResetPeriod(MXC_WDT0, &config);
    MXC_WDT_SetIntPeriod(MXC_WDT0, &config);
    MXC_WDT_EnableReset(MXC_WDT0);
    MXC_WDT_EnableInt(MXC_WDT0);
    NVIC_EnableIRQ(WDT0_IRQn);
    MXC_WDT_Enable(MXC_WDT0);
    MXC_WDT_ResetTimer(MXC_WDT0);
    while (count < 3) { }
    puts("not fed");
    while (1) { }
}
"""

TMR = """
#include "tmr.h"
static volatile int n_long, n_half, n_low;
void TMR1_IRQHandler(void) { MXC_TMR_ClearFlags(MXC_TMR1); n_long++; }
void TMR2_IRQHandler(void) { MXC_TMR_ClearFlags(MXC_TMR2); n_half++; }
void TMR4_IRQHandler(void) { MXC_TMR_ClearFlags(MXC_TMR4); n_low++; }
static void start(mxc_tmr_regs_t *timer, mxc_tmr_cfg_t config)
{
    MXC_TMR_Shutdown(timer);
    if (MXC_TMR_Init(timer, &config, false) != E_NO_ERROR) puts("refused");
    MXC_TMR_EnableInt(timer);
    if (config.bitMode != TMR_BIT_MODE_16B) MXC_TMR_Start(timer);
}
int main(void)
{
    NVIC_EnableIRQ(TMR1_IRQn); NVIC_EnableIRQ(TMR2_IRQn); NVIC_EnableIRQ(TMR4_IRQn);
    start(MXC_TMR1, (mxc_tmr_cfg_t){ .pres = TMR_PRES_4, .mode = TMR_MODE_CONTINUOUS,
          .bitMode = TMR_BIT_MODE_32, .clock = MXC_TMR_APB_CLK, .cmp_cnt = 125000 });
    start(MXC_TMR2, (mxc_tmr_cfg_t){ .pres = TMR_PRES_4, .mode = TMR_MODE_CONTINUOUS,
          .bitMode = TMR_BIT_MODE_16B, .clock = MXC_TMR_APB_CLK, .cmp_cnt = 12500 });
    start(MXC_TMR4, (mxc_tmr_cfg_t){ .pres = TMR_PRES_4, .mode = TMR_MODE_ONESHOT,
          .bitMode = TMR_BIT_MODE_32, .clock = MXC_TMR_32K_CLK, .cmp_cnt = 4096 });
    while (!n_low) { }
    MXC_TMR_Shutdown(MXC_TMR1); MXC_TMR_Shutdown(MXC_TMR2);
    printf("%d %d %d\\n", n_long, n_half, n_low);
    MXC_TMR_SW_Start(MXC_TMR0);
    MXC_Delay(MXC_DELAY_MSEC(5));
    unsigned microseconds = MXC_TMR_SW_Stop(MXC_TMR0);
    puts(microseconds > 4990 && microseconds < 5200 ? "5 ms" : "another time");
    return 0;
}
"""

DMA = """
#include "dma.h"
static volatile int flag;
static char source[64], target[64], more[64];
static void on_copy(void *where) { flag = where == target; }
static void on_count(int channel, int error) { (void)channel; flag = !error; }
void DMA0_IRQHandler(void) { MXC_DMA_Handler(); }
int main(void)
{
    memcpy(source, "the quick brown fox jumps over the lazy dog", 44);
    MXC_DMA_Init();
    NVIC_EnableIRQ(DMA0_IRQn);
    MXC_DMA_MemCpy(target, source, 64, on_copy);
    while (!flag) { }
    printf("%d", memcmp(source, target, 64));
    flag = 0;
    memset(target, 0, 64);
    int ch = MXC_DMA_AcquireChannel();
    mxc_dma_config_t config = { ch, MXC_DMA_REQUEST_MEMTOMEM, MXC_DMA_WIDTH_WORD,
                                MXC_DMA_WIDTH_WORD, 1, 1 };
    mxc_dma_srcdst_t first = { ch, source, target, 32 }, second = { ch, source, more, 16 };
    MXC_DMA_ConfigChannel(config, first);
    MXC_DMA_SetSrcReload(second);
    MXC_DMA_SetCallback(ch, on_count);
    MXC_DMA_EnableInt(ch);
    MXC_DMA_SetChannelInterruptEn(ch, 0, 1);
    MXC_DMA_Start(ch);
    while (!flag) { }
    MXC_Delay(1000);
    printf(" %d %d\\n", memcmp(source, target, 32), memcmp(source, more, 16));
    return 0;
}
"""

UART = """
#include "uart.h"
static volatile int is_sent, is_received;
static uint8_t out[256], in[256];
void UART1_IRQHandler(void) { MXC_UART_AsyncHandler(MXC_UART1); }
void UART2_IRQHandler(void) { MXC_UART_AsyncHandler(MXC_UART2); }
static void on_sent(mxc_uart_req_t *request, int error) { (void)request; is_sent = !error; }
static void on_received(mxc_uart_req_t *request, int error)
{
    (void)request; is_received = !error;
}
int main(void)
{
    for (int i = 0; i < 256; i++) out[i] = (uint8_t)i;
    MXC_UART_Init(MXC_UART1, 115200, MXC_UART_IBRO_CLK);
    MXC_UART_Init(MXC_UART2, 115200, MXC_UART_IBRO_CLK);
    NVIC_EnableIRQ(UART1_IRQn); NVIC_EnableIRQ(UART2_IRQn);
    mxc_uart_req_t receive = { .uart = MXC_UART2, .rxData = in, .rxLen = 256,
                               .callback = on_received };
    mxc_uart_req_t send = { .uart = MXC_UART1, .txData = out, .txLen = 256, .callback = on_sent };
    MXC_UART_TransactionAsync(&receive);
    MXC_UART_TransactionAsync(&send);
    while (!is_sent || !is_received) { }
    printf("%d\\n", memcmp(in, out, 256));
    return 0;
}
"""

GPIO = """
#include "gpio.h"
static volatile int count;
static void on_edge(void *what) { (void)what; count++; }
int main(void)
{
    mxc_gpio_cfg_t in = { MXC_GPIO0, MXC_GPIO_PIN_19, MXC_GPIO_FUNC_IN, MXC_GPIO_PAD_PULL_UP,
                          MXC_GPIO_VSSEL_VDDIO };
    mxc_gpio_cfg_t out = { MXC_GPIO0, MXC_GPIO_PIN_7, MXC_GPIO_FUNC_OUT, MXC_GPIO_PAD_NONE,
                           MXC_GPIO_VSSEL_VDDIO };
    MXC_GPIO_Config(&in); MXC_GPIO_Config(&out);
    MXC_GPIO_RegisterCallback(&out, on_edge, 0);
    MXC_GPIO_IntConfig(&out, MXC_GPIO_INT_BOTH);
    MXC_GPIO_EnableInt(out.port, out.mask);
    NVIC_EnableIRQ(GPIO0_IRQn);
    for (int i = 0; i < 6; i++) MXC_GPIO_OutToggle(out.port, out.mask);
    printf("%d %d\\n", count, MXC_GPIO_InGet(in.port, in.mask) != 0);
    return 0;
}
"""

LP = """
#include "lp.h"
#include "rtc.h"
#include "pwrseq_regs.h"
static volatile int count;
void RTC_IRQHandler(void) { MXC_RTC_ClearFlags(MXC_F_RTC_CTRL_TOD_ALARM); count++; }
static void set_alarm(int seconds)
{
    MXC_RTC_Init(0, 0);
    MXC_RTC_SetTimeofdayAlarm(seconds);
    MXC_RTC_EnableInt(MXC_F_RTC_CTRL_TOD_ALARM_IE);
    MXC_RTC_Start();
}
int main(void)
{
    if (MXC_PWRSEQ->lppwst & MXC_F_PWRSEQ_LPPWST_BACKUP) {
        MXC_RTC_Stop(); puts("backup");
        return 0;
    }
    NVIC_EnableIRQ(RTC_IRQn);
    MXC_LP_EnableRTCAlarmWakeup();
    set_alarm(2); MXC_LP_EnterSleepMode(); printf("sleep %d\\n", count);
    set_alarm(2); MXC_LP_EnterLowPowerMode(); printf("low %d\\n", count);
    set_alarm(2); MXC_LP_EnterMicroPowerMode(); printf("micro %d\\n", count);
    set_alarm(2); MXC_LP_EnterStandbyMode(); printf("standby %d\\n", count);
    set_alarm(2); MXC_LP_EnterBackupMode();
    return 0;
}
"""

SEMA = """
#include "sema.h"
int main(void)
{
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_SMPHR);
    MXC_SEMA_Init();
    int first = MXC_SEMA_GetSema(3), second = MXC_SEMA_GetSema(3);
    MXC_SEMA_FreeSema(3);
    printf("%d %d %d\\n", first == E_NO_ERROR, second == E_BUSY, MXC_SEMA_CheckSema(3));
    return 0;
}
"""

FLASH = """
#include "flc.h"
#include "icc.h"
int main(void)
{
    uint32_t data[8], back[8];
    for (int i = 0; i < 8; i++) data[i] = 0xA5A5A5A5u + i;
    MXC_ICC_Disable(MXC_ICC0);
    printf("%d ", MXC_FLC_PageErase(0x1007E000));
    printf("%d ", MXC_FLC_Write(0x1007E000, 32, data));
    printf("%d ", MXC_FLC_Write32(0x1007E020, 0x12345678));
    MXC_FLC_Read(0x1007E000, back, 32);
    printf("%d %d\\n", memcmp(data, back, 32), *(volatile uint32_t *)0x1007E020 == 0x12345678);
    return 0;
}
"""

# fmt: off
PROGRAMS = {
    # peripheral: (program, what it prints)
    "hello": (HELLO, "count 0 count 1 count 2"),
    "trng":  (TRNG,  "differ"),
    "crc":   (CRC,   "2566a3e1"),  # as zlib has it
    "wut":   (WUT,   "3"),
    "rtc":   (RTC,   "1 7 2"),
    "wdt":   (WDT,   "not fed reset by the watchdog"),
    "tmr":   (TMR,   "29 299 1 5 ms"),
    "dma":   (DMA,   "0 0 0"),
    "uart":  (UART,  "0"),
    "gpio":  (GPIO,  "6 1"),
    "lp":    (LP,    "sleep 1 low 2 micro 3 standby 4 backup"),
    "sema":  (SEMA,  "1 1 0"),
    "flash": (FLASH, "0 0 0 0 1"),
    "adc":   (ADC,   "0 512 839 209"),
    "info":  (INFO,  "ffffffff 0 something 0 3 0 ffffffff"),
}
# fmt: on
