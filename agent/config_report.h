/* config_report.h - what became of the newest attempt to reload the configuration, or to go on with a new program.
 *
 * The guardian gathers it, from what the reader says (reader.h) and from what it does itself; the engine is given the whole, for
 * the dump.
 */
#ifndef HA_AGENT_CONFIG_REPORT_H
#define HA_AGENT_CONFIG_REPORT_H

#include "proto/types.h"

enum {
	CONFIG_LINES_MAX = 80, /* every mistake that is kept, or every option */
	CONFIG_LINE_MAX = 320, /* with the terminator */
};

enum config_line {
	CONFIG_BEGINS = 1, /* an attempt: forgets the one before */
	CONFIG_MISTAKE,    /* text: as --check-config prints it */
	CONFIG_APPLIED,    /* text: an option or section that has been changed */
	CONFIG_WAITS,      /* text: ... that was left as it was, until the next start */
	CONFIG_ENDS,       /* ok; text: why not, "" where the mistakes say it */
	CONFIG_LINE_N,
};

enum config_purpose {
	CONFIG_RELOAD = 1, /* SIGHUP */
	CONFIG_UPGRADE,    /* SIGUSR2 */
};

/* IPC_CONFIG_LINE */
struct config_news {
	uint8_t line;    /* enum config_line */
	uint8_t purpose; /* CONFIG_BEGINS: enum config_purpose */
	uint8_t ok;      /* CONFIG_ENDS */
	uint32_t number; /* CONFIG_BEGINS: which attempt since the start this is */
	uint32_t
		format; /* CONFIG_ENDS, of the reader: of the state that its program can take over */
	char text[CONFIG_LINE_MAX];
};

struct config_report {
	uint32_t number;             /* 0: there was no attempt yet */
	enum config_purpose purpose; /* valid if there was */
	bool ended, ok;
	char why[CONFIG_LINE_MAX];
	unsigned n, more; /* lines kept, and how many there were besides */
	struct {
		enum config_line line;
		char text[CONFIG_LINE_MAX];
	} lines[CONFIG_LINES_MAX];
};

/* Takes note of it. False, and nothing is changed: it is out of range. */
bool config_report_take(struct config_report *, const struct config_news *);

/* May it come from another process? Its texts end. */
bool config_report_valid(const struct config_report *);

#endif
