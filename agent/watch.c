/* watch.c - what the kernel reports on the interfaces, and carrier as asked for.
 *
 * The kernel may hold back its report of a lost carrier for most of a second, so it is asked: on
 * a wake that comes half a heartbeat or more after the last time. One that could take over (T3) asks for
 * the cable's five times a heartbeat besides, by a pulse of its own that costs one read: it is what an
 * idle passive does most.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/engine_state.h"

void watch_carrier(struct engine *engine, ha_time now)
{
	engine->carrier_at = now;
	/* Management first: whoever hears that the link is gone should know by then whether it is
	 * deaf itself. */
	for (int i = HA_PATH_N - 1; i >= 0; i--) {
		struct engine_path *p = &engine->path[i];
		struct node_event event = {.type = EV_CARRIER, .path = (enum ha_path)i};
		int up = plug_up(&p->plug, &engine->carrier);

		if (p->carrier == up)
			continue;
		p->carrier = up;
		event.up = up != 0;
		engine_feed(engine, &event);
	}
}

static void watch_pulse(void *arg, uint32_t events)
{
	struct engine *engine = arg;
	struct engine_path *link = &engine->path[HA_PATH_LINK];
	uint64_t expired;

	(void)events;
	if (read(engine->pulse, &expired, sizeof(expired)) < 0 || !engine->running)
		return;
	if (plug_up(&link->plug, &engine->carrier) != link->carrier)
		watch_carrier(engine, engine_now(engine));
}

/* Armed once, and for as long as this node could take over. */
static void watch_set_pulse(struct engine *engine)
{
	bool on = engine->node.config.paired && !engine->node.lease.wanted;
	ha_time interval = engine->config.timing.heartbeat / 5;
	struct itimerspec spec = {0};
	int error;

	if (on == engine->pulsing)
		return;
	engine->pulsing = on;
	if (interval < HA_MS)
		interval = HA_MS;
	if (on)
		spec.it_interval = (struct timespec){.tv_sec = (time_t)(interval / HA_SEC),
						     .tv_nsec = (long)(interval % HA_SEC)};
	spec.it_value = spec.it_interval;
	error = timerfd_settime(engine->pulse, 0, &spec, NULL);
	assert(error == 0);
}

void watch_follow(struct engine *engine, ha_time now)
{
	if (now - engine->carrier_at >= engine->config.timing.heartbeat / 2)
		watch_carrier(engine, now);
	watch_set_pulse(engine);
}

void watch_witnesses(struct engine *engine)
{
	struct node_event event = {.type = EV_WITNESS};

	event.witness.again = engine->witness_again;
	event.witness.learn = engine->config.witness_policy == CONFIG_WITNESS_AUTO;

	switch (engine->config.witness_policy) {
	case CONFIG_WITNESS_AUTO:
		event.witness.n = segment_gateways(&engine->segment, event.witness.address);
		break;
	case CONFIG_WITNESS_LIST:
		event.witness.n = engine->config.witness_n;
		memcpy(event.witness.address, engine->config.witness,
		       sizeof(engine->config.witness));
		break;
	case CONFIG_WITNESS_NONE:
		break;
	}
	engine_feed(engine, &event);
}

static void watch_link(struct engine *engine, const struct monitor_link *link)
{
	for (int i = 0; i < HA_PATH_N; i++) {
		struct engine_path *p = &engine->path[i];

		if (strncmp(p->wire.ifname, link->name, sizeof(link->name)) != 0)
			continue;
		engine->carrier_at = 0; /* ask now */
		plug_doubt(&p->plug);
		if (p->wire.pcap == NULL)
			p->reopen_at = engine->now;
		else if (!ha_mac_is_zero(&link->mac) && !ha_mac_equal(&link->mac, &p->wire.mac))
			hear_close(engine, (enum ha_path)i);
	}
}

static void watch_event(const struct monitor_event *event, void *arg)
{
	struct engine *engine = arg;
	unsigned changed = segment_observe(&engine->segment, event);

	if (event->type == MONITOR_LINK && !event->link.gone)
		watch_link(engine, &event->link);
	if (!engine->running)
		return;
	if (changed & SEGMENT_ADDRESSES)
		act_refresh_identity(engine);
	if ((changed & SEGMENT_GATEWAYS) && engine->config.witness_policy == CONFIG_WITNESS_AUTO)
		watch_witnesses(engine);
}

static void watch_ready(void *arg, uint32_t events)
{
	struct engine *engine = arg;
	int error = monitor_read(&engine->monitor, watch_event, engine);

	(void)events;
	if (!error && engine->segment.stale) {
		engine->segment.stale = false;
		error = monitor_dump(&engine->monitor);
	}
	if (error)
		engine_fatal("netlink monitor", error);
}

int watch_open(struct engine *engine)
{
	const char *ifname = engine->config.management;
	struct ha_mac mac = {{0}};
	int error, ifindex = carrier_ifindex(&engine->carrier, ifname);

	(void)carrier_mac(&engine->carrier, ifname, &mac);
	segment_init(&engine->segment, ifname, ifindex > 0 ? ifindex : 0, &mac);
	error = monitor_open(&engine->monitor, MONITOR_ALL);
	if (!error)
		error = monitor_dump(&engine->monitor);
	if (!error)
		error = loop_add(&engine->loop, monitor_fd(&engine->monitor), watch_ready, engine);
	if (error)
		return error;
	engine->pulse = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	return engine->pulse < 0 ? -errno
				 : loop_add(&engine->loop, engine->pulse, watch_pulse, engine);
}
