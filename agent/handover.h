/* handover.h - what a guardian leaves to the program that goes on in its place (SPEC 5.U1).
 *
 * The same process, another program: descriptors stay open, addresses and fence stay in the kernel. What they are is
 * told in a sealed memory file of this layout, which has a number: a program that knows another number is started anew instead,
 * in good order. Only fixed types, nothing of another module, so that no change elsewhere changes it.
 */
#ifndef HA_AGENT_HANDOVER_H
#define HA_AGENT_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

enum {
	HANDOVER_FORMAT = 1,
	HANDOVER_VIP_MAX = 8,
	HANDOVER_NAME_MAX = 128,
};

enum handover_fd {
	HANDOVER_DIRECTORY, /* the runtime directory, ... */
	HANDOVER_LOCK,      /* its lock */
	HANDOVER_STATE,     /* the lock of the state directory; -1: none */
	HANDOVER_STATION,   /* the claim on the management interface */
	HANDOVER_CONTROL,   /* the listening control socket */
	HANDOVER_CONFIG,    /* the configuration, by the new program's own reader */
	HANDOVER_FD_N,
};

struct handover {
	char magic[8]; /* "haagent" */
	uint32_t format, size;
	int32_t fd[HANDOVER_FD_N];
	uint32_t uid, gid; /* of the engine */
	uint32_t upgrades; /* with this one */
	uint32_t restored;
	uint64_t held_until; /* CLOCK_BOOTTIME, ns: `held` is on until then; 0: nothing is held */
	struct handover_vips {
		uint32_t n;
		struct {
			uint8_t family; /* 4 or 6, as in proto/types.h */
			uint8_t bytes[16];
		} vip[HANDOVER_VIP_MAX];
	} held, configured;
	/* What the descriptors are of: with others in its configuration a program starts anew. */
	char management[16];
	char runtime_directory[HANDOVER_NAME_MAX];
	char state_directory[HANDOVER_NAME_MAX];
	char file[HANDOVER_NAME_MAX]; /* the configuration, as it was named */
};

/* A sealed memory file with it, or -errno. */
int handover_seal(struct handover *);

/* Of such a file. 0; -EPROTO: it is none, or has a format that this program does not know; other -errno. */
int handover_unseal(int fd, struct handover *out);

#endif
