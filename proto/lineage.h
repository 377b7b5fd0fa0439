/* lineage.h - whose settings are newer: generations, and where they come from (SPEC 6.2).
 *
 * A generation is one state of all settings. It has a number that rises by one over the whole life of a lineage, the
 * term in which its maker held the virtual IP, and a digest over all entries. A lineage lists for each term the last
 * number made in it, as far back as there is room: from two of them it follows which side has only missed something,
 * and whether both made something of their own.
 */
#ifndef HA_PROTO_LINEAGE_H
#define HA_PROTO_LINEAGE_H

#include "proto/types.h"

enum {
	LINEAGE_MAX = 16, /* terms; the oldest give way */
};

struct lineage_point {
	uint64_t term, number;
};

struct lineage {
	unsigned n;                              /* 0: there is no generation yet */
	struct lineage_point point[LINEAGE_MAX]; /* rising in both; the last one is the head */
	uint8_t digest[HA_KEY_LEN];              /* of the head; zeros while there is none */
};

enum lineage_relation {
	LINEAGE_SAME = 0,
	LINEAGE_BEHIND,   /* own head is an ancestor of the other's: nothing of its own */
	LINEAGE_AHEAD,    /* the other's head is an ancestor of the own one */
	LINEAGE_DIVERGED, /* both made generations since the newest that they have in common */
};

/* How own stands to other. *common: number of the newest generation in both, 0 = none. The same head with different
 * digests is LINEAGE_DIVERGED, with *common one below the head. One with n = 0 is behind every other that has any. What
 * gave way is not known to be common: two that have no term left in common are LINEAGE_DIVERGED, with *common 0, so
 * that nothing is lost that one of them may have made. */
enum lineage_relation lineage_compare(const struct lineage *own, const struct lineage *other,
				      uint64_t *common);

/* The next generation, made in term: never below the head's (asserted). */
void lineage_extend(struct lineage *, uint64_t term, const uint8_t digest[HA_KEY_LEN]);

/* The same terms, numbers and digest. */
bool lineage_equal(const struct lineage *, const struct lineage *);

/* Head, or zeros. */
struct lineage_point lineage_head(const struct lineage *);

/* May it be one: n in range, points rising, numbers from 1, numbers and terms below 2^63 - 2^32, and no digest without a
 * generation. And may it come from the other one: they are below 2^62, too, so that there is always a next. */
bool lineage_valid(const struct lineage *);
bool lineage_heard_valid(const struct lineage *);

#endif
