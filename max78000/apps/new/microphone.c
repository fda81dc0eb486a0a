/*
 * Listens, and prints what the network makes of what it heard. Yours to edit.
 */

#include <stdio.h>

#include "answer.h"
#include "audio_in.h"
#include "mxc.h"
#include "network.h"
#include "sound.h"
#include "watchdog.h"

#define STOPWATCH MXC_TMR3
#define WATCHDOG_MS 0u /* after which a board that hangs starts again; 0: never */

int main(void)
{
    const sound_t sound = { &network, network.raw };
    round_t round;

    network_begin(&network);
    (void)watchdog_start(WATCHDOG_MS);
    printf("\n%s: listening\n", network.name);
    for (;;) {
        watchdog_feed();
        MXC_TMR_SW_Start(STOPWATCH);
        if (audio_begin(network.form.rate) != E_NO_ERROR) {
            printf("\n*** FAIL: the microphone does not start ***\n");
            return 1;
        }
        const bool is_whole = audio_take(network.raw, sound_length(&network));
        audio_end();
        round.input_us = MXC_TMR_SW_Stop(STOPWATCH);
        if (!is_whole) {
            printf("samples were lost\n");
            continue;
        }

        MXC_TMR_SW_Start(STOPWATCH);
        network_load(&network, sound_value, &sound);
        round.load_us = MXC_TMR_SW_Stop(STOPWATCH);

        round.network_us = network_run(&network);

        MXC_TMR_SW_Start(STOPWATCH);
        network.answer();
        round.answer_us = MXC_TMR_SW_Stop(STOPWATCH);

        answer_print(&network);
        round_print(&network, &round);
    }
}
