/* hold.h - the guardian's decisions on one lease on the virtual addresses, apart from the kernel
 * that they act on.
 *
 * The engine may hold the addresses until the deadline that it last stated, and not a moment
 * longer: its peer counts on that. Layer one is here: what is not renewed is withdrawn. Layer two,
 * the fence, is opened before the addresses come on and is given exactly what is left until the
 * deadline. After every call into the kernel the clock is read again, since a guardian that was
 * stopped meanwhile has opened the fence too late.
 *
 * A lease has a number. It rises with every acquisition, and one that has ended never lives again,
 * so that a request that waited in a queue cannot bring back what was withdrawn.
 *
 * Pure but for struct hold_kernel: the only source of time and the only way to the outside. No
 * heap.
 */
#ifndef HA_AGENT_HOLD_H
#define HA_AGENT_HOLD_H

#include "agent/ipc.h"

/* Masks: bit i = address i. Each int: 0 or -errno. */
struct hold_kernel {
	ha_time (*now)(void *arg);
	int (*add)(void *arg, uint32_t *acked);    /* all; renews those that are on */
	int (*restore)(void *arg, unsigned i);     /* one */
	int (*remove)(void *arg);                  /* all; not there counts as removed */
	uint32_t (*on)(void *arg);                 /* those known to be on the interface */
	int (*fence_hold)(void *arg, unsigned ms); /* ms >= 1; 0 too where there is no fence */
	int (*fence_shut)(void *arg);
	void *arg;
};

enum {
	HOLD_RESTORES_MAX = 10, /* addresses put back per second */
	HOLD_FENCE_TRIES = 3,   /* openings of the fence that each took a millisecond or more */
};

#define HOLD_RENEW_EVERY HA_SEC        /* the kernel address, whose lifetime is HOLD_VALID_S */
#define HOLD_RETRY_EVERY (200 * HA_MS) /* ... when that failed, and removals */
#define HOLD_VALID_S     3

struct hold {
	const struct hold_kernel *kernel;
	uint64_t lease; /* held; 0: nothing is */
	uint64_t ended; /* the newest that has ended */
	ha_time deadline;
	ha_time renew_at; /* the kernel address */
	int refused;      /* -errno of its last renewal, if none of them was renewed */
	uint32_t told;    /* mask that the engine was told last */
	uint64_t leaving; /* ended, but the kernel has not confirmed the removal yet; 0: none */
	uint8_t leaving_cause; /* 0: nobody is to be told */
	ha_time retry_at;
	uint32_t missing; /* mask: somebody deleted it, and too many were put back in this second */
	ha_time restore_since; /* when this second began */
	unsigned restore_n;    /* put back in it */
	uint32_t restored;     /* ... ever */
};

void hold_init(struct hold *, const struct hold_kernel *);

/* IPC_HOLD and IPC_RELEASE. Each writes an IPC_LEASE message to answer and returns whether there
 * is one to send. A renewal counts when its own deadline lies ahead, even if the running one has
 * passed meanwhile. */
bool hold_request(struct hold *, uint64_t lease, ha_time deadline, struct ipc_message *answer);
bool hold_release(struct hold *, uint64_t lease, struct ipc_message *answer);

/* At hold_next(), after all requests were read. Repeats until it returns false. */
bool hold_timer(struct hold *, struct ipc_message *answer);
ha_time hold_next(const struct hold *); /* HA_NEVER: nothing to wait for */

/* Address i came (added) or went, not by this module's doing. */
bool hold_observe(struct hold *, unsigned i, bool added, struct ipc_message *answer);

bool hold_gone(struct hold *, struct ipc_message *answer); /* the interface is gone */

/* Withdraws without an answer: there is no engine, or it is the end. */
void hold_withdraw(struct hold *);

/* Another program is about to go on, and its engine with lease 1 (SPEC 5.U1): what is held stays on until then, or until it
 * is renewed as that lease. False: nothing is held any more. */
bool hold_bridge(struct hold *, ha_time until);

/* There: the addresses are on, and promised until then. False: that time is over, and they are withdrawn. */
bool hold_adopt(struct hold *, ha_time until);

/* A new engine counts its leases anew. What its predecessor held is withdrawn. */
void hold_new_engine(struct hold *);

static inline bool hold_holds(const struct hold *hold)
{
	return hold->lease != 0;
}

#endif
