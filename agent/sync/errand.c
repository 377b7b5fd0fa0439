/* errand.c - exports and imports, which the steward runs: when, in what order, and what they are worth.
 *
 * An export is run where the virtual IP is held, before a generation; an import after a commit that changed something of its
 * section. Between the two stands the ledger: while an import of a section has not passed, its file is newer than what it is
 * to be imported into, and so nothing is exported over it. Each has a number, so that an answer is never taken for
 * another's.
 */
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/sync/syncer_state.h"

#define EXPORT_AGAIN HA_SEC /* one that could not be asked for */

static uint32_t bit(unsigned section)
{
	return UINT32_C(1) << section;
}

static bool has_export(const struct syncer *s, unsigned section)
{
	return s->config.settings[section].export_command[0] != '\0';
}

uint32_t errand_importable(const struct syncer *s)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < s->config.settings_n; i++)
		if (s->config.settings[i].import_command[0] != '\0')
			mask |= bit(i);
	return mask;
}

uint32_t errand_imports(const struct syncer *s)
{
	return s->ledger.imports & errand_importable(s);
}

static bool ask(struct syncer *s, unsigned section, bool import, uint32_t *number)
{
	*number = ++s->errand_number;
	return syncer_run(s, section, import, *number);
}

/* ---- exports ---- */

static bool may_export(const struct syncer *s, unsigned section)
{
	return s->self.paired && s->self.holds && s->self_known && s->engine >= 0 &&
	       has_export(s, section) &&
	       ((errand_imports(s) | s->importing | s->exporting) & bit(section)) == 0;
}

static void export_start(struct syncer *s, unsigned section)
{
	ha_time now = loop_now();

	if (!may_export(s, section))
		return;
	errand_watch(s); /* what was not there at first may be by now */
	s->export_at[section] = now + EXPORT_AGAIN;
	if (!ask(s, section, false, &s->export_number[section]))
		return;
	s->exporting |= bit(section);
	s->watched &= ~bit(section);
	s->export_at[section] = now + s->config.settings[section].export_interval;
}

/* As of now: one that runs may have begun before. */
void errand_export_all(struct syncer *s)
{
	if (!s->self.holds)
		return;
	s->export_again |= s->exporting;
	for (unsigned i = 0; i < s->config.settings_n; i++)
		export_start(s, i);
}

static void exported(struct syncer *s, unsigned section, bool passed)
{
	s->exporting &= ~bit(section);
	if (passed)
		s->export_failed &= ~bit(section);
	else
		s->export_failed |= bit(section);
	if ((s->export_again | s->watched) & bit(section)) {
		s->export_again &= ~bit(section);
		export_start(s, section);
	}
	settle_exported(s);
}

/* What the sections watch: a database's file, say, which is not itself synced. That somebody closes it who could have written
 * says nothing: an export itself opens its database so, and would be the cause of the next one. */
void errand_watch(struct syncer *s)
{
	for (unsigned i = 0; i < s->config.settings_n; i++)
		for (unsigned k = 0; k < s->config.settings[i].watch_n; k++)
			s->watch_of[i][k] = inotify_add_watch(
				s->watch, s->config.settings[i].watch[k],
				IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ATTRIB);
}

static void note_watched(struct syncer *s, const struct inotify_event *event)
{
	for (unsigned i = 0; i < s->config.settings_n; i++)
		for (unsigned k = 0; k < s->config.settings[i].watch_n; k++)
			if (s->watch_of[i][k] == event->wd || (event->mask & IN_Q_OVERFLOW))
				s->watched |= bit(i);
}

void errand_watched(void *arg, uint32_t events)
{
	struct syncer *s = arg;
	_Alignas(struct inotify_event) char bytes[4096];
	ssize_t n;

	(void)events;
	while ((n = read(s->watch, bytes, sizeof(bytes))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const void *)(bytes + at);

			at += (ssize_t)(sizeof(*event) + event->len);
			note_watched(s, event);
		}
	errand_watch(s); /* a file that was replaced is another one now */
	for (unsigned i = 0; i < s->config.settings_n; i++)
		if (s->watched & bit(i))
			export_start(s, i);
}

/* ---- imports ---- */

/* Each once after the commit, and again later if it failed; then the hook, whatever became of them. */
static void import_due(struct syncer *s, ha_time now)
{
	uint32_t waiting = errand_imports(s) & ~s->importing;

	if (s->engine < 0 || !s->self_known || now < s->import_at)
		return;
	s->import_at = now + SYNCER_IMPORT_AGAIN;
	for (unsigned i = 0; i < s->config.settings_n; i++)
		if ((waiting & bit(i)) && ask(s, i, true, &s->import_number[i]))
			s->importing |= bit(i);
	if ((s->ledger.imports & LEDGER_APPLIED) && s->importing == 0 && !s->applying)
		s->applying = ask(s, IPC_RUN_APPLIED, true, &s->applied_number);
}

static void clear_ledger(struct syncer *s, uint32_t mask)
{
	struct ledger next = s->ledger;
	int error;

	next.imports &= ~mask;
	error = ledger_write(s->state, &next);
	if (error == 0)
		s->ledger = next;
	else
		log_event(LOG_ERR, "ledger", "error=%s", strerror(-error));
}

static void imported(struct syncer *s, unsigned section, bool passed)
{
	s->importing &= ~bit(section);
	/* A commit that came meanwhile is not in it. */
	if (passed && !(s->import_again & bit(section)))
		clear_ledger(s, bit(section));
	if (s->import_again & bit(section))
		s->import_at = 0;
	s->import_again &= ~bit(section);
	if (s->importing == 0 && (s->ledger.imports & LEDGER_APPLIED))
		s->import_at = 0;
}

void errand_committed(struct syncer *s)
{
	s->import_again |= s->importing;
	s->import_at = 0;
}

/* ---- both ---- */

void errand_ran(struct syncer *s, const struct ipc_message *message)
{
	unsigned section = message->u.run.section;
	uint32_t number = message->u.run.number;
	bool passed = message->u.run.outcome == COMMAND_PASSED;

	if (section == IPC_RUN_APPLIED) {
		if (!s->applying || number != s->applied_number)
			return;
		s->applying = false;
		clear_ledger(s, LEDGER_APPLIED);
	} else if (section >= s->config.settings_n) {
		return;
	} else if (message->u.run.import) {
		if ((s->importing & bit(section)) && number == s->import_number[section])
			imported(s, section, passed);
	} else if ((s->exporting & bit(section)) && number == s->export_number[section]) {
		exported(s, section, passed);
	}
}

/* Who was to pass it on is gone: it has not run, as far as is known. */
void errand_forget(struct syncer *s)
{
	s->importing = s->import_again = 0;
	s->applying = false;
	s->export_again = 0;
	for (unsigned i = 0; i < s->config.settings_n; i++)
		if (s->exporting & bit(i))
			exported(s, i, false);
	s->import_at = 0;
}

void errand_timer(struct syncer *s, ha_time now)
{
	for (unsigned i = 0; i < s->config.settings_n; i++)
		if (may_export(s, i) && now >= s->export_at[i])
			export_start(s, i);
	import_due(s, now);
}

ha_time errand_deadline(const struct syncer *s)
{
	ha_time at = HA_NEVER;

	for (unsigned i = 0; i < s->config.settings_n; i++)
		if (may_export(s, i) && s->export_at[i] < at)
			at = s->export_at[i];
	if (s->engine >= 0 && s->self_known && s->import_at < at &&
	    ((errand_imports(s) & ~s->importing) != 0 ||
	     ((s->ledger.imports & LEDGER_APPLIED) && s->importing == 0 && !s->applying)))
		at = s->import_at;
	return at;
}
