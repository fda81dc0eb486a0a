/*
 * Takes inputs of the network on the console's serial line, and tells what it makes of them.
 * The host's end is `max78000 run`. Yours to edit.
 */

#include <stdio.h>

#include "network.h"
#include "serve.h"

int main(void)
{
    network_begin(&network);
    printf("\n%s: ready for inputs\n", network.name);
    serve(&network);
}
