/* reader.h - the process that reads the configuration anew while the agent runs, and then is gone.
 *
 * The guardian opens and parses nothing once it has started. It starts this one, root with normal scheduling as it was itself
 * when it read the configuration first; of the running program for a reload, and of the one that has been installed in
 * its place for an upgrade: so what comes of it is what that program will run by, and that it comes at all shows that
 * the program can be run here.
 *
 * It says each mistake (IPC_CONFIG_LINE), then that it has ended; if there was none, the configuration follows as a
 * sealed memory file (IPC_CONFIG).
 */
#ifndef HA_AGENT_READER_H
#define HA_AGENT_READER_H

#include <stdio.h>

#include "agent/config.h"

/* Reads file, with the passphrase as a key. 0 or the exit status, after lines on errors. */
int reader_read(struct config *, const char *file, FILE *errors);

int reader_main(const char *file);

#endif
