/* engine_rig.h - the engine's state without its loop: the test is the steward, and the wires. */
#ifndef HA_TESTS_UNIT_ENGINE_RIG_H
#define HA_TESTS_UNIT_ENGINE_RIG_H

#include "agent/engine_state.h"

#include <criterion/criterion.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct engine_rig {
	struct engine engine;
	int steward;         /* the other end of the engine's */
	int wire[HA_PATH_N]; /* what it sends */
};

static inline int rig_socket(int *other)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
		     0);
	*other = ends[1];
	return ends[0];
}

/* Paired, with nobody heard yet. */
static inline void rig_init(struct engine_rig *rig)
{
	struct engine *engine = &rig->engine;

	memset(rig, 0, sizeof(*rig));
	engine->now = loop_now() + HA_SEC * 3600; /* it stands still */
	engine->running = true;
	engine->stations = engine->guardian = engine->copy.fd = -1;
	engine->steward = rig_socket(&rig->steward);
	for (int i = 0; i < HA_PATH_N; i++) {
		engine->path[i].wire.fd = rig_socket(&rig->wire[i]);
		engine->path[i].wire.path = (enum ha_path)i;
	}
	for (unsigned i = 0; i < DUMP_STRANGERS_MAX; i++)
		engine->stranger[i].heard = -1;
	engine->record.paired = engine->node.config.paired = true;
	engine->record.boot = 3;
	engine->node.config.timing =
		(struct node_timing){.heartbeat = 20 * HA_MS, .dead = 100 * HA_MS};
	engine->node.config.store_ok = true;
	engine->node.mode = HA_MODE_PRIMARY_ACTIVE;
}

static inline void rig_close(struct engine_rig *rig)
{
	close(rig->engine.steward);
	close(rig->steward);
	for (int i = 0; i < HA_PATH_N; i++) {
		close(rig->engine.path[i].wire.fd);
		close(rig->wire[i]);
	}
}

/* The peer is there, and was so just now. */
static inline void rig_peer(struct engine_rig *rig, enum ha_claim claim)
{
	struct engine *engine = &rig->engine;

	engine->peer_known = engine->node.peer.known = true;
	engine->node.peer.last.claim = (uint8_t)claim;
	engine->node.path[HA_PATH_LINK].session = true;
	engine->node.path[HA_PATH_LINK].heard = engine->now;
	strcpy(engine->peer.host_name, "first");
	engine->peer.management[0].address = (struct ha_address){HA_IPV4, {192, 0, 2, 11}};
}

/* What the steward hears next; false: nothing. */
static inline bool rig_heard(struct engine_rig *rig, struct ipc_message *message)
{
	return ipc_receive(rig->steward, message, NULL) == 1;
}

/* Frames that have gone out since it was asked last. */
static inline unsigned rig_frames(struct engine_rig *rig, enum ha_path path)
{
	uint8_t frame[2048];
	unsigned n = 0;

	while (recv(rig->wire[path], frame, sizeof(frame), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

#endif
