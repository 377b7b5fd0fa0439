/* hello.c - see hello.h.
 *
 * A HELLO says (salt, echo). What one does, by what this side has:
 *
 *	no stream; own salt S           a stream of (S, P); S is spent, N is the salt for the next
 *	-------------------------       ---------------------------------------------------------
 *	(s, S): stream of (S, s)        (s, N): the stream ends, one of (N, s) begins; a new N is made
 *	(s, ?): say (S, s)              (P, S): the peer may not know that this side is up: prove it; say (S, P) too
 *	                                        until the peer has proved that it is
 *	                                (P, ?): the peer has not heard S, or this is old: as (P, S)
 *	                                (s, 0), (s, S): a peer that began anew asks, or this is old: say (N, s)
 *	                                (s, ?): an answer to a question that nobody asks any more, or old: nothing
 *
 * "Prove" is a frame under the keys of the stream. Until one has come of the peer's, (S, P) is said every 50 ms.
 *
 * Why it ends well. Who is without a stream says HELLO for as long as it is; the other, with one, answers (N, s), on which
 * it begins and says (s, N), on which the other does. Where both are without they are heard crosswise and answer so. Where both
 * have streams of different pairs (each took the other's word of different moments), neither is proved: both go on
 * saying (S, P), which is (s, S) to one of them at least, and so is answered.
 *
 * Why an old one does no harm. To begin it takes the echo of a salt that is fresh. To an old (s, 0) or (s, S) this side
 * answers (N, s), and the peer, whose salt s is not any more, does nothing: the chain ends there.
 *
 * Who has no stream may have heard an old salt and echo it in vain: so an echo is given up after a few, and said as none.
 */
#include "agent/sync/hello.h"

#include <assert.h>
#include <string.h>

static const hello_salt none;

static bool same(const hello_salt a, const hello_salt b)
{
	return memcmp(a, b, SYNC_SALT_LEN) == 0;
}

static void set(hello_salt to, const hello_salt from)
{
	memcpy(to, from, SYNC_SALT_LEN);
}

/* At once, but for the gap. */
static void ask_for(struct hello *h, ha_time now)
{
	ha_time at = h->sent + HELLO_GAP > now ? h->sent + HELLO_GAP : now;

	if (at < h->due)
		h->due = at;
}

void hello_init(struct hello *h, const hello_salt fresh, ha_time now)
{
	assert(!same(fresh, none));
	*h = (struct hello){.sent = now - HELLO_GAP, .due = now};
	/* The salt that was for the next stream is not kept: it may have been said with what does not hold any more, as
	 * the MTU, and the peer takes up a stream by what it has heard. */
	set(h->own, fresh);
}

static enum hello_verdict begin(struct hello *h, const hello_salt peer, const hello_salt fresh,
				ha_time now)
{
	assert(!same(fresh, none));
	if (h->up)
		set(h->own, h->next);
	set(h->next, fresh);
	set(h->peer, peer);
	set(h->echo, none);
	h->up = h->prove = true;
	h->proved = false;
	h->echoed = 0;
	ask_for(h, now);
	return HELLO_BEGIN;
}

static void echo_next(struct hello *h, const hello_salt salt, ha_time now)
{
	if (!same(h->echo, salt))
		h->echoed = 0;
	set(h->echo, salt);
	ask_for(h, now);
}

enum hello_verdict hello_heard(struct hello *h, const struct sync_hello *m, const hello_salt fresh,
			       ha_time now)
{
	h->unheard = 0;
	if (same(m->echo, h->up ? h->next : h->own))
		return begin(h, m->salt, fresh, now);
	if (!h->up) {
		echo_next(h, m->salt, now);
	} else if (same(m->salt, h->peer)) {
		h->prove = true;
		if (!h->proved)
			ask_for(h, now);
	} else if (same(m->echo, none) || same(m->echo, h->own)) {
		echo_next(h, m->salt, now);
	}
	return HELLO_NOTED;
}

void hello_proof(struct hello *h)
{
	assert(h->up);
	if (h->proved)
		return;
	h->proved = true;
	if (same(h->echo, none))
		h->due = HA_NEVER;
}

ha_time hello_due(const struct hello *h)
{
	return h->due;
}

static ha_time interval(const struct hello *h)
{
	ha_time interval = HELLO_INTERVAL;

	for (unsigned n = HELLO_PATIENT; n < h->unheard && interval < HELLO_SLOW; n++)
		interval *= 2;
	return interval < HELLO_SLOW ? interval : HELLO_SLOW;
}

/* With a stream a question of another is answered once; the stream's own salts are said until it is proved. */
void hello_say(struct hello *h, hello_salt salt, hello_salt echo, ha_time now)
{
	bool answer = !same(h->echo, none);

	if (!h->up) {
		set(salt, h->own);
		set(echo, h->echo);
		if (answer && ++h->echoed >= HELLO_ECHOES)
			set(h->echo, none);
	} else {
		set(salt, answer ? h->next : h->own);
		set(echo, answer ? h->echo : h->peer);
		set(h->echo, none);
		if (!h->proved)
			h->prove = true;
	}
	h->sent = now;
	h->unheard++;
	h->due = h->up && h->proved ? HA_NEVER : now + interval(h);
}
