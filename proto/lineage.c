#include "proto/lineage.h"

#include "proto/msg.h"

#include <assert.h>
#include <string.h>

struct lineage_point lineage_head(const struct lineage *l)
{
	struct lineage_point none = {0};

	return l->n == 0 ? none : l->point[l->n - 1];
}

bool lineage_equal(const struct lineage *a, const struct lineage *b)
{
	if (a->n != b->n || memcmp(a->digest, b->digest, sizeof(a->digest)) != 0)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (a->point[i].term != b->point[i].term ||
		    a->point[i].number != b->point[i].number)
			return false;
	return true;
}

bool lineage_valid(const struct lineage *l)
{
	static const uint8_t none[sizeof(l->digest)];

	if (l->n > LINEAGE_MAX)
		return false;
	if (l->n == 0)
		return memcmp(l->digest, none, sizeof(none)) == 0;
	for (unsigned i = 0; i < l->n; i++) {
		const struct lineage_point *p = &l->point[i];

		if (p->number == 0 || p->number > MSG_TERM_KEPT_MAX || p->term > MSG_TERM_KEPT_MAX)
			return false;
		if (i > 0 && (p->term <= p[-1].term || p->number <= p[-1].number))
			return false;
	}
	return true;
}

bool lineage_heard_valid(const struct lineage *l)
{
	struct lineage_point head = lineage_head(l);

	return lineage_valid(l) && head.term <= MSG_TERM_HEARD_MAX &&
	       head.number <= MSG_TERM_HEARD_MAX;
}

/* The last number before the point's term; 0 where that is forgotten. */
static uint64_t before(const struct lineage *l, unsigned i)
{
	return i == 0 ? 0 : l->point[i - 1].number;
}

/* The newest generation that both have made, or got, in one and the same term. Terms are node-unique (SPEC 5.4), and in
 * a term its holder makes one generation after the other: so within it the lower number is an ancestor of the higher. */
static uint64_t common_number(const struct lineage *a, const struct lineage *b)
{
	unsigned i = a->n, j = b->n;

	while (i > 0 && j > 0) {
		const struct lineage_point *p = &a->point[i - 1], *q = &b->point[j - 1];

		if (p->term == q->term) {
			uint64_t number = p->number < q->number ? p->number : q->number;

			if (number > before(a, i - 1) && number > before(b, j - 1))
				return number;
		}
		/* the one of the higher term cannot meet its like any more */
		if (p->term >= q->term)
			i--;
		if (q->term >= p->term)
			j--;
	}
	return 0;
}

enum lineage_relation lineage_compare(const struct lineage *own, const struct lineage *other,
				      uint64_t *common)
{
	uint64_t ours = lineage_head(own).number, theirs = lineage_head(other).number;

	*common = common_number(own, other);
	if (ours > *common && theirs > *common)
		return LINEAGE_DIVERGED;
	if (ours > *common)
		return LINEAGE_AHEAD;
	if (theirs > *common)
		return LINEAGE_BEHIND;
	if (ours > 0 && memcmp(own->digest, other->digest, sizeof(own->digest)) != 0) {
		*common = ours - 1;
		return LINEAGE_DIVERGED;
	}
	return LINEAGE_SAME;
}

void lineage_extend(struct lineage *l, uint64_t term, const uint8_t digest[HA_KEY_LEN])
{
	struct lineage_point next = lineage_head(l);

	assert(l->n <= LINEAGE_MAX && term >= next.term && term <= MSG_TERM_MAX);
	assert(next.number < MSG_TERM_MAX);
	if (l->n > 0 && term == next.term) {
		l->n--;
	} else if (l->n == LINEAGE_MAX) {
		memmove(l->point, l->point + 1, (LINEAGE_MAX - 1) * sizeof(*l->point));
		l->n--;
	}
	next.term = term;
	next.number++;
	l->point[l->n++] = next;
	memcpy(l->digest, digest, sizeof(l->digest));
}
