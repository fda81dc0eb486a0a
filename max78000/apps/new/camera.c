/*
 * Takes pictures, and prints what the network makes of them. Yours to edit.
 */

#include <stdio.h>

#include "answer.h"
#include "image_sensor.h"
#include "mxc.h"
#include "network.h"
#include "picture.h"
#include "watchdog.h"

#define STOPWATCH MXC_TMR3
#define WATCHDOG_MS 0u /* after which a board that hangs starts again; 0: never */

int main(void)
{
    const picture_t picture = { &network, network.raw, 2 };
    round_t round;

    network_begin(&network);
    (void)watchdog_start(WATCHDOG_MS);
    if (sensor_begin(picture_rows(&network), picture_columns(&network), SENSOR_RGB565) !=
        E_NO_ERROR) {
        printf("\n*** FAIL: no camera answers ***\n");
        return 1;
    }
    printf("\n%s: watching\n", network.name);
    sensor_start(network.raw);
    for (;;) {
        watchdog_feed();
        MXC_TMR_SW_Start(STOPWATCH);
        const bool is_whole = sensor_wait();
        round.input_us = MXC_TMR_SW_Stop(STOPWATCH);
        if (!is_whole) {
            printf("a picture was lost\n");
            sensor_start(network.raw);
            continue;
        }

        MXC_TMR_SW_Start(STOPWATCH);
        network_load(&network, picture_value, &picture);
        round.load_us = MXC_TMR_SW_Stop(STOPWATCH);
        sensor_start(network.raw); /* the next one comes while this one is worked on */

        round.network_us = network_run(&network);

        MXC_TMR_SW_Start(STOPWATCH);
        network.answer();
        round.answer_us = MXC_TMR_SW_Stop(STOPWATCH);

        answer_print(&network);
        round_print(&network, &round);
    }
}
