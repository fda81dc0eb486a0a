/*
 * The serial application's conversation: input in, answers out, any layer's memory on request.
 * Described in docs/protocol.md; the other end is max78000/apps/run/client.py.
 */

#ifndef APP_SERVE_H
#define APP_SERVE_H

#include "network.h"

/* Answer requests about a network that is in the accelerator, for ever. */
_Noreturn void serve(const network_t *net);

#endif /* APP_SERVE_H */
