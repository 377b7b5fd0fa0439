/* The agreement on a stream (SPEC 6.1): two ends, a wire that loses, delays and crosses, and somebody on it who has recorded
 * every HELLO and says them again.
 *
 * A salt is a number here, and so a story can be read: a's are 1, 2, 3 ..., b's 101, 102, 103 ...
 */
#include "agent/sync/hello.h"

#include <criterion/criterion.h>
#include <string.h>

enum {
	FLIGHT_MAX = 64,
	RECORD_MAX = 4096,
	STREAMS_MAX = 2048,
};

struct message {
	unsigned to;
	ha_time at; /* 0: the slot is free */
	bool proof; /* a frame of the stream of own and peer, as its sender has them */
	unsigned own, peer;
	struct sync_hello hello;
};

static struct end {
	struct hello hello;
	unsigned fresh; /* the next salt */
	unsigned streams;
	unsigned own[STREAMS_MAX], peer[STREAMS_MAX];
} end[2];

static struct message flight[FLIGHT_MAX];
static struct message record[RECORD_MAX];
static unsigned record_n, loss, delays;
static ha_time now;
static uint64_t dice;

static unsigned roll(unsigned sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (unsigned)(dice % sides);
}

static void write_salt(hello_salt out, unsigned number)
{
	memset(out, 0, SYNC_SALT_LEN);
	out[0] = (uint8_t)(number >> 8);
	out[1] = (uint8_t)number;
}

static unsigned read_salt(const hello_salt salt)
{
	return (unsigned)salt[0] << 8 | salt[1];
}

/* The process begins anew: it knows nothing. */
static void start(unsigned i)
{
	hello_salt salt;

	memset(&end[i].hello, 0, sizeof(end[i].hello));
	write_salt(salt, end[i].fresh++);
	hello_init(&end[i].hello, salt, now);
}

/* It ends its stream by itself. */
static void restart(unsigned i)
{
	hello_salt salt;

	write_salt(salt, end[i].fresh++);
	hello_init(&end[i].hello, salt, now);
}

static void enter(void)
{
	memset(end, 0, sizeof(end));
	memset(flight, 0, sizeof(flight));
	end[0].fresh = 1;
	end[1].fresh = 1001;
	record_n = loss = delays = 0;
	now = HA_SEC;
	start(0);
	start(1);
}

TestSuite(hello, .init = enter);

static void launch(const struct message *m, unsigned chance_of_loss)
{
	unsigned i = 0;

	if (roll(100) < chance_of_loss)
		return;
	while (i < FLIGHT_MAX && flight[i].at != 0)
		i++;
	cr_assert_lt(i, FLIGHT_MAX, "they talk without end");
	flight[i] = *m;
	flight[i].at = now + HA_MS + (delays ? roll(delays) * HA_MS : 0);
}

/* Each pair of salts serves one stream: else its keys would meet their nonces again. */
static void note_stream(struct end *e)
{
	unsigned own = read_salt(e->hello.own), peer = read_salt(e->hello.peer);

	for (unsigned i = 0; i < e->streams; i++)
		cr_assert_neq(e->own[i], own, "salt %u serves twice", own);
	cr_assert_lt(e->streams, STREAMS_MAX);
	e->own[e->streams] = own;
	e->peer[e->streams++] = peer;
}

static void arrive(const struct message *m)
{
	struct end *e = &end[m->to];
	hello_salt fresh;

	if (m->proof) { /* only the same stream's keys open it */
		if (e->hello.up && read_salt(e->hello.own) == m->peer &&
		    read_salt(e->hello.peer) == m->own)
			hello_proof(&e->hello);
		return;
	}
	write_salt(fresh, e->fresh);
	if (hello_heard(&e->hello, &m->hello, fresh, now) == HELLO_BEGIN) {
		e->fresh++;
		note_stream(e);
	}
}

static void speak(unsigned i)
{
	struct hello *h = &end[i].hello;
	struct message m = {.to = !i};

	if (now >= hello_due(h)) {
		hello_say(h, m.hello.salt, m.hello.echo, now);
		cr_assert_neq(read_salt(m.hello.salt), 0);
		launch(&m, loss);
		if (record_n < RECORD_MAX)
			record[record_n++] = m;
	}
	if (h->up && h->prove) {
		h->prove = false;
		m = (struct message){.to = !i,
				     .proof = true,
				     .own = read_salt(h->own),
				     .peer = read_salt(h->peer)};
		launch(&m, loss);
	}
}

static void run(ha_time duration)
{
	for (ha_time until = now + duration; now < until; now += HA_MS / 2) {
		for (unsigned i = 0; i < FLIGHT_MAX; i++)
			if (flight[i].at != 0 && flight[i].at <= now) {
				struct message m = flight[i];

				flight[i].at = 0;
				arrive(&m);
			}
		speak(0);
		speak(1);
	}
}

static bool agreed(void)
{
	const struct hello *a = &end[0].hello, *b = &end[1].hello;

	return a->up && b->up && a->proved && b->proved &&
	       memcmp(a->own, b->peer, SYNC_SALT_LEN) == 0 &&
	       memcmp(a->peer, b->own, SYNC_SALT_LEN) == 0;
}

Test(hello, two_that_start_together_agree_and_fall_silent)
{
	dice = 1;
	run(10 * HA_MS);
	cr_assert(agreed());
	cr_assert_eq(end[0].streams, 1);
	cr_assert_eq(end[1].streams, 1);
	cr_assert_eq(hello_due(&end[0].hello), HA_NEVER);
	cr_assert_eq(hello_due(&end[1].hello), HA_NEVER);
}

Test(hello, who_is_alone_asks_ever_more_seldom)
{
	dice = 1;
	loss = 100;
	run(HA_SEC);
	cr_assert(record_n >= 2 * HELLO_PATIENT && record_n < 3 * HELLO_PATIENT, "%u", record_n);
	run(30 * HA_SEC);
	record_n = 0;
	run(10 * HA_SEC);
	cr_assert_eq(record_n, 20, "once a second each: %u", record_n);
	loss = 0;
	run(HA_SEC + 10 * HA_MS);
	cr_assert(agreed());
}

Test(hello, a_peer_that_starts_anew_gets_a_new_stream)
{
	dice = 1;
	for (unsigned round = 0; round < 20; round++) {
		run(20 * HA_MS);
		cr_assert(agreed(), "round %u", round);
		cr_assert_eq(end[0].streams, round + 1);
		cr_assert_eq(end[1].streams, round + 1);
		if (round % 4 < 2)
			start(round % 2);
		else
			restart(round % 2);
	}
}

Test(hello, both_that_end_their_stream_together_agree_again)
{
	dice = 1;
	for (unsigned round = 0; round < 10; round++) {
		run(20 * HA_MS);
		cr_assert(agreed());
		restart(0);
		restart(1);
	}
}

Test(hello, nothing_that_was_ever_said_disturbs_a_stream_when_it_is_said_again)
{
	unsigned own;

	/* a long story: losses, crossings, restarts of either */
	dice = 77;
	loss = 30;
	delays = 40;
	for (unsigned round = 0; round < 60; round++) {
		run((ha_time)roll(200) * HA_MS);
		if (roll(2))
			restart(roll(2));
		else
			start(roll(2));
	}
	loss = delays = 0;
	run(3 * HA_SEC);
	cr_assert(agreed());
	own = read_salt(end[0].hello.own);
	cr_assert_gt(record_n, 300);
	/* each of them, to either end, and each answer to them as well */
	for (unsigned i = 0; i < record_n && i < RECORD_MAX - 1; i++) {
		struct message m = record[i];

		launch(&m, 0);
		m.to = !m.to; /* sent back: its MAC would tell, but it need not */
		run(5 * HA_MS);
		cr_assert(agreed(), "after %u", i);
		cr_assert_eq(read_salt(end[0].hello.own), own, "%u of %u: (%u, %u) has ended it", i,
			     record_n, read_salt(m.hello.salt), read_salt(m.hello.echo));
	}
}

Test(hello, a_flood_of_questions_is_answered_now_and_then)
{
	struct message question = {.to = 0};
	unsigned said;

	dice = 1;
	run(20 * HA_MS);
	write_salt(question.hello.salt, 0x7777);
	said = record_n;
	for (ha_time until = now + 100 * HA_MS; now < until;) {
		for (unsigned i = 0; i < 50; i++)
			arrive(&question);
		run(HA_MS / 2);
	}
	cr_assert(agreed());
	cr_assert_leq(record_n - said, 100 * HA_MS / HELLO_GAP + 1);
	cr_assert_gt(record_n - said, 10);
}

Test(hello, a_wrong_echo_is_given_up)
{
	struct message old = {.to = 0};

	/* b has a stream; a, that has none, hears an old HELLO, and echoes it: b cannot know that it is meant. */
	dice = 1;
	run(20 * HA_MS);
	start(0);
	write_salt(old.hello.salt, 0x7777);
	arrive(&old);
	loss = 0;
	run(HA_SEC);
	cr_assert(agreed());
}

/* Whatever happened before: once the wire is good both agree, and no salt has served twice. */
Test(hello, it_always_ends_well)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		enter();
		dice = seed * UINT64_C(0x9e3779b97f4a7c15);
		loss = roll(90);
		delays = 1 + roll(120);
		for (unsigned round = 0; round < 12; round++) {
			run((ha_time)roll(150) * HA_MS);
			switch (roll(5)) {
			case 0:
				restart(roll(2));
				break;
			case 1:
				start(roll(2));
				break;
			case 2: /* somebody repeats something */
				if (record_n > 0)
					launch(&record[roll(record_n)], 0);
				break;
			default:
				break;
			}
		}
		loss = delays = 0;
		run(3 * HA_SEC);
		cr_assert(agreed(), "seed %lu", seed);
		cr_assert_eq(hello_due(&end[0].hello), HA_NEVER, "seed %lu", seed);
		cr_assert_eq(hello_due(&end[1].hello), HA_NEVER, "seed %lu", seed);
	}
}
