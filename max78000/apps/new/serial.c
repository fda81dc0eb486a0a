/*
 * Takes inputs of the network on the console's serial line, and tells what it makes of them.
 * The host's end is `max78000 run`. Yours to edit.
 */

#include <stdio.h>

#include "network.h"
#include "serve.h"
#include "watchdog.h"

#define WATCHDOG_MS 0u /* after which a board that hangs starts again; 0: never */

int main(void)
{
    network_begin(&network);
    (void)watchdog_start(WATCHDOG_MS);
    printf("\n%s: ready for inputs\n", network.name);
    serve(&network);
}
