/* config_parse.h - what the parts of the configuration reader share.
 *
 *   config.c           the files, libconfuse's table, defaults, what must hold between options
 *   config_keys.c      which options there are
 *   config_scan.c      what libconfuse would not tell: unknown and repeated options, what is not closed
 *   config_value.c     one value: syntax, range, and into the configuration
 *   config_settings.c  what is synced: its values, and what must hold between them
 *   config_operator.c  who may change something besides root
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
	KIND_SCRUB,  /* s, kept as ha_time; 0 = off, whatever min is */
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
	KIND_TREE,    /* a path that is synced */
	KIND_EXCLUDE, /* a pattern */
	KIND_WATCH,   /* absolute */
	KIND_ACTION,  /* that changes something */
};

/* An option. */
struct config_key {
	const char *section; /* "" outside of sections */
	const char *name;
	enum config_kind kind;
	const char *preset; /* default as it would be written, or NULL: none */
	size_t offset; /* of the value in struct config_draft; of a check's or settings', in theirs */
	size_t cap;    /* bytes there, of strings */
	long min, max; /* of a number */
	bool list;
	bool required; /* in each section of its name */
};

enum {
	CONFIG_KEYS_MAX = 48,
	CONFIG_OPENED_MAX =
		CONFIG_CHECKS_MAX + CONFIG_SETTINGS_MAX + CONTROL_OPERATORS_MAX + 1, /* sections */
	CONFIG_MISTAKE_MAX = 192,
	CONFIG_NUMBER_UNSET = -1,
};

extern const struct config_key config_keys[];
extern const size_t config_keys_n;

struct config_section {
	const char *name;
	bool titled; /* section "title" { } */
	unsigned max;
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
	struct control_operator *operator; /* the same of an operator */
	struct control_operator spare_operator;
	struct config_settings *settings; /* the same of settings */
	struct config_settings spare_settings;
	const void *settings_read; /* libconfuse's section that these are of */
	int path_line[SYNC_ROOTS_MAX];
	struct config_needs {
		int export_line, import_line, watch_line; /* 0: not set */
		bool paths;                               /* there was one, good or bad */
	} needs[CONFIG_SETTINGS_MAX + 1];
	bool names_runtime; /* the word runtime_directory is somewhere in it */
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
/* The defaults of a section's options, to where they belong now. */
void config_presets(struct config_draft *, const char *section);

/* False: reported. */
bool config_absolute(struct config_draft *, const struct config_key *, const char *value, int line);
bool config_nonempty(struct config_draft *, const struct config_key *, const char *value, int line);

/* Sets draft->config.timing to the preset. False if there is none of that name. */
bool config_timing_preset(struct config_draft *, const char *name);

/* ---- config_settings.c ---- */
/* From here on the values are of that section of libconfuse's: another than before is a new one of ours. */
void config_settings_select(struct config_draft *, const void *section);
/* The option is set there, to whatever. */
void config_settings_note(struct config_draft *, const struct config_key *, int line);
void config_settings_tree(struct config_draft *, const struct config_key *, const char *value,
			  int line);
void config_settings_exclude(struct config_draft *, const struct config_key *, const char *value,
			     int line);
void config_settings_watch(struct config_draft *, const struct config_key *, const char *value,
			   int line);
void config_settings_check(struct config_draft *); /* what must hold between them, and others */

/* ---- config_operator.c ---- */
void config_operator_select(struct config_draft *, const char *user, int line);
void config_operator_action(struct config_draft *, const struct config_key *, const char *value,
			    int line);

#endif
