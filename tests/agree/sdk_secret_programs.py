"""Programs of ours on the vendor's drivers of AES, ADC and the information block."""

AES_WRAPPERS = """
#include "aes.h"
#include "dma.h"
#include "aes_revb.h"
/* The snapshot of 2025 has the driver, but not the file of this chip that leads to it. */
#define ENGINE ((mxc_aes_revb_regs_t *)MXC_AES)
int MXC_AES_IsBusy(void) { return MXC_AES_RevB_IsBusy(ENGINE); }
void MXC_AES_Start(void) { MXC_AES_RevB_Start(ENGINE); }
int MXC_AES_Shutdown(void) { return MXC_AES_RevB_Shutdown(ENGINE); }
int MXC_AES_Generic(mxc_aes_req_t *request)
{
    return MXC_AES_RevB_Generic(ENGINE, (mxc_aes_revb_req_t *)request);
}
void MXC_AES_SetExtKey(const void *key, mxc_aes_keys_t size)
{
    MXC_AES_RevB_SetExtKey((mxc_aeskeys_revb_regs_t *)0x40007800, key, size);
}
int MXC_AES_Init(void)
{
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_AES);
    return MXC_AES_RevB_Init(ENGINE, MXC_DMA);
}
"""

AES = (
    AES_WRAPPERS
    + """
int main(void)
{
    uint8_t key[16], plain[32], cipher[32], back[32];
    for (int i = 0; i < 16; i++) {
        key[i] = plain[16 + i] = (uint8_t)i;
        plain[i] = (uint8_t)(0x11 * i);
    }
    MXC_AES_Init();
    MXC_AES_SetExtKey(key, MXC_AES_128BITS);
    mxc_aes_req_t request = { .length = 8, .inputData = (uint32_t *)plain,
                              .resultData = (uint32_t *)cipher, .keySize = MXC_AES_128BITS };
    MXC_AES_Generic(&request);
    for (int i = 0; i < 32; i++) printf("%02x", cipher[i]);
    for (int i = 1; i < 3; i++) {
        request = (mxc_aes_req_t){ .length = 8, .inputData = (uint32_t *)cipher,
                                   .resultData = (uint32_t *)back,
                                   .keySize = MXC_AES_128BITS, .encryption = i };
        MXC_AES_Generic(&request);
        printf(" %d", memcmp(plain, back, 32));
    }
    puts("");
    return 0;
}
"""
)

ADC = """
#include "adc.h"
static volatile int is_done;
static int result;
static void on_end(void *request, int value) { (void)request; result = value; is_done = 1; }
void ADC_IRQHandler(void) { MXC_ADC_Handler(); }
int main(void)
{
    printf("%d ", MXC_ADC_Init());
    printf("%d ", MXC_ADC_StartConversion(MXC_ADC_CH_0));
    NVIC_EnableIRQ(ADC_IRQn);
    MXC_ADC_StartConversionAsync(MXC_ADC_CH_1, on_end);
    while (!is_done) { }
    printf("%d ", result);
    MXC_ADC_SetExtScale(MXC_ADC_SCALE_4);
    printf("%d\\n", MXC_ADC_StartConversion(MXC_ADC_CH_1));
    MXC_ADC_Shutdown();
    return 0;
}
"""

INFO = """
#include "flc.h"
#include "icc.h"
int main(void)
{
    const volatile uint32_t *block = (const volatile uint32_t *)MXC_INFO_MEM_BASE;
    uint32_t data[4] = { 1, 2, 3, 4 };
    MXC_ICC_Disable(MXC_ICC0);
    printf("%lx ", (unsigned long)block[0]);
    printf("%d ", MXC_FLC_UnlockInfoBlock(MXC_INFO_MEM_BASE));
    puts(block[0] == 0xFFFFFFFF ? "nothing" : "something");
    printf("%d ", MXC_FLC_Write128(MXC_INFO_MEM_BASE + 0x1000, data));
    printf("%lx ", (unsigned long)block[0x402]);
    printf("%d ", MXC_FLC_LockInfoBlock(MXC_INFO_MEM_BASE));
    printf("%lx\\n", (unsigned long)block[0x402]);
    return 0;
}
"""

USN = (
    AES_WRAPPERS
    + """
int main(void)
{
    uint8_t number[MXC_SYS_USN_LEN], check[2];
    printf("%d ", MXC_SYS_GetUSN(number, check));
    for (int i = 0; i < MXC_SYS_USN_LEN; i++) printf("%02x", number[i]);
    puts("");
    return 0;
}
"""
)
