/* renew.h - --reload and --upgrade: a signal to the daemon, and what came of it. */
#ifndef HA_AGENT_RENEW_H
#define HA_AGENT_RENEW_H

#include "agent/action.h"
#include "agent/config_report.h"

enum action_exit renew_run(const char *config_file, enum config_purpose);

#endif
