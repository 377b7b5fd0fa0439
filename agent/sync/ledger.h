/* ledger.h - what the syncer must not forget: its lineage, the key of all fingerprints, and which sections a commit has changed
 * that were not imported yet.
 *
 * A generation is in here before anybody is told of it, so that no number is ever used twice. One small file, replaced as
 * a whole; torn or foreign is told apart from missing.
 */
#ifndef HA_AGENT_SYNC_LEDGER_H
#define HA_AGENT_SYNC_LEDGER_H

#include "proto/lineage.h"
#include "proto/types.h"

struct ledger {
	struct lineage lineage;
	uint8_t key[HA_KEY_LEN];
	uint32_t
		imports; /* bit i: of section i of the configuration; LEDGER_APPLIED: the hook behind them */
	uint32_t full; /* bit i: root i had something in it */
};

#define LEDGER_FILE    "generation"
#define LEDGER_APPLIED (UINT32_C(1) << 31)

/* 0; -ENOENT; -EBADMSG: torn, or not written by this program; other -errno. */
int ledger_read(int directory, struct ledger *out);
int ledger_write(int directory, const struct ledger *); /* 0 or -errno; then it is on disk */

#endif
