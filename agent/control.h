/* control.h - the control socket: one JSON request and its answer per packet, read-only for the
 * group, changes for root, and some of them for operators that the configuration names.
 *
 *   request  {"action": "dump"}   {"action": "join", "address": "192.0.2.1"}
 *   answer   {"result": "done" | "refused" | "error", "text": "...", "data": {...}}
 *            {"result": "busy", "text": "..."} at once, and nothing was read: too many at a time
 *
 * Who may connect is the socket file's business; who may change something is decided by the peer's
 * credentials at the time it connected. A client that asks too much, sends garbage or keeps still
 * for CONTROL_PATIENCE is shown the door, and no client can make this process wait or allocate:
 * jansson works in a fixed arena that is empty again after each answer. An answer may come later (a
 * join, a swap): by the number that the request was given.
 */
#ifndef HA_AGENT_CONTROL_H
#define HA_AGENT_CONTROL_H

#include <jansson.h>
#include <sys/types.h>

#include "agent/loop.h"

enum {
	CONTROL_CLIENTS_MAX = 8, /* one of them root's alone */
	CONTROL_REQUEST_MAX = 4096,
	CONTROL_ANSWER_MAX = 128 * 1024,
	CONTROL_ARENA_LEN = 1024 * 1024,
	CONTROL_TEXT_MAX = 512,
	CONTROL_NUMBER_MAX = 1 << 27, /* of requests: from 1 on, then from the start */
	CONTROL_NESTING_MAX = 8,      /* brackets that a request may open */
	CONTROL_BARRIER_S = 10,       /* how long a barrier waits, without "seconds" */
	CONTROL_BARRIER_MAX_S = 3600,
	CONTROL_OPERATORS_MAX = 4,
	CONTROL_USER_MAX = 32, /* with the terminator */
};

#define CONTROL_PATIENCE (10 * HA_SEC)

enum control_action {
	CONTROL_DUMP,
	CONTROL_HISTORY,
	CONTROL_SWAP,
	CONTROL_SUSPEND,
	CONTROL_RESUME,
	CONTROL_JOIN,
	CONTROL_TEST, /* --test-connection */
	CONTROL_DETACH,
	CONTROL_REMOVE,
	CONTROL_FORCE,
	CONTROL_IS_ACTIVE,
	CONTROL_SYNC, /* answered when a full compare has ended, and what it found is committed */
	CONTROL_BARRIER, /* {"seconds": N}; answered when the passive has everything up to now */
	CONTROL_WHY,
	CONTROL_CAPTURE,    /* answered with the flight recorder's memory, to be read */
	CONTROL_VIRTUAL_IP, /* {"addresses": ["192.0.2.100"]}: other virtual IPs */
	CONTROL_ACTION_N,
};

/* Another user than root who may change something. */
struct control_operator {
	char user[CONTROL_USER_MAX];
	uid_t uid;        /* CONTROL_NOBODY: there is no such user on this machine */
	uint32_t actions; /* bit 1 << enum control_action for each that is allowed */
};

#define CONTROL_NOBODY ((uid_t)-1)

enum control_result {
	CONTROL_DONE,
	CONTROL_REFUSED,
	CONTROL_ERROR,
};

struct control_answer {
	enum control_result result;
	char text[CONTROL_TEXT_MAX];
	json_t *data;   /* NULL: none; made inside the handler */
	int descriptor; /* that goes along, the handler's own; 0: none */
};

/* Carries out a request. True: *answer is complete; false: control_answer() follows with that
 * number, which is not 0. */
typedef bool control_fn(void *arg, enum control_action, const json_t *request, uint32_t number,
			struct control_answer *answer);

struct control_client {
	int fd; /* -1: free */
	uid_t uid;
	uint32_t waiting; /* number of the request that is not answered yet; 0 = none */
	ha_time heard;
	struct control *control;
};

struct control {
	struct loop *loop;
	int listener; /* -1: none */
	control_fn *handle;
	void *arg;
	uint32_t number; /* last given */
	uint64_t wake;   /* of the newest request: timers have their turn before the next */
	const struct control_operator *operator;
	unsigned operator_n;
	struct control_client client[CONTROL_CLIENTS_MAX];
	char request[CONTROL_REQUEST_MAX + 1];
	char answer[CONTROL_ANSWER_MAX];
};

/* Takes the listening socket into the loop. From here on jansson allocates from the arena, in this
 * whole process. 0 or -errno. */
int control_open(struct control *, struct loop *, int listener, control_fn *, void *arg);
void control_close(struct control *);

/* Who may change what besides root; the list stays where it is. */
void control_operators(struct control *, const struct control_operator *, unsigned n);

/* The action of that name which changes something, or CONTROL_ACTION_N: there is none. */
enum control_action control_change(const char *name);

/* Takes a connected client in. 0, or -EBUSY when there is no place for it: then fd is still the
 * caller's. */
int control_adopt(struct control *, int fd, uid_t uid);

/* "seconds" of a request, preset where there is none. False: it is no whole number from 1 to max. */
bool control_seconds(const json_t *request, uint32_t preset, uint32_t max, uint32_t *seconds);

/* The answer to a deferred request; nothing if its client has gone meanwhile. */
void control_answer(struct control *, uint32_t number, enum control_result, const char *text);

/* The same with data, which make builds where jansson allocates from the arena. */
typedef json_t *control_data_fn(const void *arg);
void control_answer_data(struct control *, uint32_t number, enum control_result, const char *text,
			 control_data_fn *make, const void *arg);

ha_time control_deadline(const struct control *); /* when control_timer() is due, or HA_NEVER */
void control_timer(struct control *, ha_time now);

#endif
