/* upgrade.h - another program goes on in the place of this one, in the same process (SPEC 5.U1).
 *
 * By the time of it the new program has read the configuration (renewal.h): what it made of that is kept for it, and so is its
 * executable. Its engine starts at once. What was held is in the kernel meanwhile, for UPGRADE_BRIDGE at most; held is
 * only what nobody else can take in that time, which the engine has to know. One that knows another layout of what is handed
 * over is started anew instead, and so is one whose configuration names other directories or another interface.
 */
#ifndef HA_AGENT_UPGRADE_H
#define HA_AGENT_UPGRADE_H

#include "agent/handover.h"
#include "agent/keeper.h"
#include "agent/renewal.h"
#include "agent/runtime.h"

#define UPGRADE_BRIDGE                                                                             \
	(2500 * HA_MS) /* less than the addresses live by themselves (HOLD_VALID_S) */

struct upgrade {
	bool under_way;
	bool in_place; /* it understands what is handed over */
	bool held;     /* the addresses are on, and to be held on */
	int executable, config;
	uint32_t count; /* so far */
};

/* What the program before has left. */
struct upgrade_gift {
	struct runtime runtime;
	struct config config;
	unsigned vip_n; /* held until then; 0: nothing is */
	struct ha_address vip[HA_VIP_MAX];
	ha_time held_until;
	uint32_t count, restored;
	char file[HANDOVER_NAME_MAX];
};

/* Keeps what the reading has brought. 0 or -errno. */
int upgrade_prepare(struct upgrade *, const struct renewal *, int config);
void upgrade_cancel(struct upgrade *);

/* Returns only if it fails: -errno. */
int upgrade_exec(struct upgrade *, const struct runtime *, const struct config *,
		 const struct keeper *, const char *file);

/* In the new program: 0, or the exit status after a line on stderr. It may start this program anew, and not return. */
int upgrade_receive(int handover, struct upgrade_gift *);

#endif
