/* config_parse.h - what the parts of the configuration reader share.
 *
 *   config.c        the files, libconfuse's table, defaults, what must hold between options
 *   config_keys.c   which options there are
 *   config_scan.c   what libconfuse would not tell: unknown and repeated options, what is not closed
 *   config_value.c  one value: syntax, range, and into the configuration
 *
 * libconfuse stops at the first mistake; an operator wants them all. So the scan goes first: it reports what concerns
 * the names of options, and blanks out what libconfuse would stop at or count lines wrongly by (it takes a comment in
 * slash and asterisk for one line more). Then libconfuse sees only options it knows, all of them strings, whose values
 * are checked here. Only a true syntax error ends the reading.
 *
 * The passphrase is taken out by the scan, so that libconfuse leaves no copy of it on the heap. Where this reader has
 * it, in the text of the file and in the draft, it is wiped. Out of reach are the kernel's cache of the file and what
 * the compiler spilled on the stack, which the guardian overwrites later (memory_prepare()); and after a syntax error
 * before it, libconfuse may have read ahead: then nothing starts.
 */
#ifndef HA_AGENT_CONFIG_PARSE_H
#define HA_AGENT_CONFIG_PARSE_H

#include "agent/config.h"

enum config_kind {
	KIND_INTERFACE,
	KIND_BOOL,
	KIND_VIP,
	KIND_WITNESS,
	KIND_TIMING,
	KIND_NUMBER, /* a long */
	KIND_TIME,   /* ms, kept as ha_time */
	KIND_COUNT,  /* uint32_t */
	KIND_DIRECTORY,
	KIND_HOOKS, /* a directory, or "none" */
	KIND_USER,
	KIND_TEXT,
	KIND_MODEL,
	KIND_PASSPHRASE,
	KIND_FILE, /* absolute */
	KIND_COMMAND,
	KIND_WHEN,
	KIND_PATH,     /* absolute, checked and not kept */
	KIND_NONEMPTY, /* checked and not kept */
};

/* An option. */
struct config_key {
	const char *section; /* "" outside of sections */
	const char *name;
	enum config_kind kind;
	const char *preset; /* default as it would be written, or NULL: none */
	size_t offset; /* of the value in struct config_draft; of a check's, in struct config_check */
	size_t cap;    /* bytes there, of strings */
	long min, max; /* of a number */
	bool list;
	bool required; /* in each section of its name */
};

enum {
	CONFIG_KEYS_MAX = 48,
	CONFIG_OPENED_MAX = CONFIG_CHECKS_MAX + 2, /* sections: checks, and one of each other */
	CONFIG_MISTAKE_MAX = 192,
	CONFIG_NUMBER_UNSET = -1,
};

extern const struct config_key config_keys[];
extern const size_t config_keys_n;

struct config_section {
	const char *name;
	bool titled; /* section "title" { }, any number of them */
};
extern const struct config_section config_sections[];
extern const size_t config_sections_n;

/* NULL if there is no such option or section. */
const struct config_key *config_key_find(const char *section, const char *name, size_t name_len);
const struct config_section *config_section_find(const char *name, size_t name_len);

struct config_mistakes {
	unsigned n; /* all; only the first CONFIG_ERRORS_MAX are kept */
	struct {
		int line; /* 0 = concerns no line */
		char text[CONFIG_MISTAKE_MAX];
	} list[CONFIG_ERRORS_MAX];
};

/* A file while it is read. */
struct config_draft {
	const char *section; /* that the whole file is the body of; "": it is the configuration */
	struct config config;
	struct config_mistakes mistakes;
	int line[CONFIG_KEYS_MAX]; /* where each option was set last; 0 = not set */
	bool wrong[CONFIG_KEYS_MAX];
	/* ms, or CONFIG_NUMBER_UNSET */
	long heartbeat_ms, dead_ms, confirm_ms, boot_wait_ms, boot_wait_passive_ms;
	struct config_check *check; /* to which the options of the section being read belong */
	struct config_check spare;  /* ... if there are too many */
	char appliance_file[CONFIG_PATH_MAX];
	char passphrase[CONFIG_PASSPHRASE_MAX + 1];
};

void config_mistake(struct config_draft *, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Reports, takes the passphrase and blanks out, as said above. 0, or the line where the text could not be followed any
 * more: that is either reported already or left for libconfuse to report. */
int config_scan(struct config_draft *, char *text, size_t len);

/* Checks a value and keeps it, and its line: 0 for a default. */
void config_value(struct config_draft *, const struct config_key *, const char *value, int line);

/* Sets draft->config.timing to the preset. False if there is none of that name. */
bool config_timing_preset(struct config_draft *, const char *name);

#endif
