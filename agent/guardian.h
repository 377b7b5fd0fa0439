/* guardian.h - the process that holds the privileges, starts the others and keeps the virtual IP.
 * Its policy is at the top of guardian.c.
 */
#ifndef HA_AGENT_GUARDIAN_H
#define HA_AGENT_GUARDIAN_H

/* Runs until SIGTERM or SIGINT. Exit status: 0 ended in order, 1 failed or refused, 2 the
 * configuration is wrong. */
int guardian_main(const char *config_file);

/* The same in the place of another program, which left this descriptor (upgrade.h). */
int guardian_go_on(int handover);

#endif
