/* reconfigure.c - the engine by another configuration, while it runs (haagent.conf(5) says what can change so).
 *
 * What hangs on sockets, directories and the timing never changes here (config_change.h); the rest is looked up when it is needed,
 * so that most of what changes needs nothing but to be there. The virtual IP of a pair is its record's; where there is no pair it
 * decides what this node is, and that is a start's to decide: this process ends, and is there again in a moment.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/config_change.h"
#include "agent/engine_state.h"
#include "agent/log.h"
#include "agent/sealed.h"

static void reconfigure_witnesses(struct engine *engine)
{
	engine->witness_again = true;
	watch_witnesses(engine);
	engine->witness_again = false;
}

/* What was known of the former ones counts for those that are as they were, and for no others. */
static void reconfigure_checks(struct engine *engine, const struct config *old)
{
	const struct config *new = &engine->config;

	for (unsigned i = 0; i < CONFIG_CHECKS_MAX; i++)
		if (i >= old->check_n || i >= new->check_n ||
		    !config_same(&old->check[i], &new->check[i], sizeof(new->check[i])))
			engine->check[i] = (struct dump_check){.state = CHECK_UNKNOWN};
	role_feed_checks(engine);
}

static void reconfigure_take(struct engine *engine, const struct config *old,
			     const struct config_change *change)
{
	if (config_changed(change, PART_WITNESS))
		reconfigure_witnesses(engine);
	if (config_changed(change, PART_APPLIANCE)) {
		act_refresh_identity(engine);
		act_identity(engine, false);
	}
	if (config_changed(change, PART_PASSPHRASE))
		meet_rekey(engine);
	if (config_changed(change, PART_CHECK))
		reconfigure_checks(engine, old);
}

void reconfigure(struct engine *engine, int fd)
{
	static struct config next, old;
	struct config_change change;
	int error = sealed_read(fd, &next, sizeof(next));

	close(fd);
	if (error)
		engine_fatal("configuration", error);
	old = engine->config;
	change = config_change(&old, &next);
	engine->config = next;
	serve_operators(engine);
	if (config_changed(&change, PART_SETTINGS) || config_changed(&change, PART_SYNC_DEBOUNCE) ||
	    config_changed(&change, PART_SYNC_SCRUB))
		copy_close(engine); /* its process is about to be another */
	if (engine->running && !engine->record.paired && config_changed(&change, PART_VIRTUAL_IP)) {
		log_event(LOG_NOTICE, "restart", "what=%s", "virtual_ip");
		exit(0);
	}
	if (engine->running)
		reconfigure_take(engine, &old, &change);
	sodium_memzero(&next, sizeof(next));
	sodium_memzero(&old, sizeof(old));
}

void reconfigure_report(struct engine *engine, int fd)
{
	static struct config_report report;
	int error = sealed_read(fd, &report, sizeof(report));

	close(fd);
	if (error || !config_report_valid(&report))
		engine_fatal("guardian", error ? error : -EPROTO);
	engine->report = report;
	engine->report_at = act_realtime();
}
