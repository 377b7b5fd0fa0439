/* server.h - HTTPS by libmicrohttpd, driven by the loop of everything else: no thread of its own.
 */
#ifndef HA_CONSOLE_SERVER_H
#define HA_CONSOLE_SERVER_H

#include "console/console.h"
#include "console/tls.h"

/* Listens at the socket handed over, or -1: at address and port of the configuration. 0 or -errno. */
int server_open(struct console *, const struct tls *, int listener);
unsigned server_port(const struct console *); /* at which it listens, whoever opened it */
/* Takes no more connections: who comes now waits at the socket for the next console, if a service manager holds it. */
void server_quiesce(struct console *);
/* Ends streams, and connections when they have got what was on its way. */
void server_close(struct console *);

/* To be called after everything else of a wake. When again, or HA_NEVER: when a descriptor says so. */
ha_time server_run(struct console *);

#endif
