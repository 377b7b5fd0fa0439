/* renewal.h - the guardian's side of a reload or an upgrade, up to the moment when there is something to act on.
 *
 * It starts the reader (reader.h), gathers what that says, for the log and the dump, and gives it up when it does not end
 * in time. One at a time: what is asked for meanwhile is done afterwards, once.
 */
#ifndef HA_AGENT_RENEWAL_H
#define HA_AGENT_RENEWAL_H

#include "agent/child.h"
#include "agent/config_report.h"
#include "agent/loop.h"
#include "agent/runtime.h"

struct renewal {
	struct loop *loop;
	const char *file;              /* the configuration, as it was named at the start */
	int running;                   /* this program's executable */
	char program[CONFIG_PATH_MAX]; /* where another would be that was installed in its place */
	int executable;                /* of the reader; of an upgrade its own, -1: none */
	struct child reader;           /* pid 0: none runs */
	ha_time until;
	bool wanted[CONFIG_UPGRADE + 1]; /* by enum config_purpose */
	bool read_well;
	uint32_t format; /* of the reader's program: HANDOVER_FORMAT there */
	struct config_report report;
	/* The reading has ended well: config is the sealed memory file; executable, too, the callee's to close. */
	void (*read)(void *arg, struct renewal *, int config);
	void (*told)(void *arg); /* there is news in the report, which is whole */
	void *arg;
};

/* program: "" if the file of this one cannot be found. The struct stays where it is. */
void renewal_init(struct renewal *, struct loop *, const struct runtime *, const char *file,
		  void (*read)(void *arg, struct renewal *, int config), void (*told)(void *arg),
		  void *arg);

void renewal_want(struct renewal *, enum config_purpose, ha_time now);
void renewal_timer(struct renewal *, ha_time now);
ha_time renewal_next(const struct renewal *);
void renewal_reaped(struct renewal *, pid_t); /* a child of that pid has ended */
void renewal_stop(
	struct renewal
		*); /* the end: a reader that still waits, or writes its log, must not hold it up */

/* The end of the attempt, by whoever acts on it: why "" or what stood in the way. */
void renewal_note(struct renewal *, enum config_line, const char *text);
void renewal_end(struct renewal *, bool ok, const char *why);

#endif
