/* passphrase.h - what the configured passphrase is in the protocol: a key (SPEC 4.R20).
 *
 * Argon2id, version 1.3, 4 passes over 64 MiB, one lane, 32 bytes. Both appliances derive the key by themselves, before
 * they have exchanged anything, and so with the same salt: a salt of its own for each pair would have to be agreed on
 * first, in the clear, with whoever is there. What a fixed salt gives away: one table of guesses serves against all
 * pairs that there are. Each guess still costs what it costs here, some 0.1 s and 64 MiB, and needs a recorded frame of
 * a join to be tried on. So a word that is in a dictionary is found in hours, six random ones never.
 *
 * The salt is the first 16 bytes of BLAKE2b-256("haagent cluster passphrase").
 */
#ifndef HA_AGENT_PASSPHRASE_H
#define HA_AGENT_PASSPHRASE_H

#include "proto/types.h"

/* Takes a tenth of a second, and 64 MiB that are given back. 0 or -errno; -ENOMEM: there is not so
 * much. */
int passphrase_hash(uint8_t out[HA_KEY_LEN], const char *text);

#endif
