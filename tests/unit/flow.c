/* The reliable stream's bookkeeping (SPEC 6.1): first its rules one by one, then sender and receiver at the two ends of
 * a wire that loses, repeats and reorders, drawn from a seed.
 */
#include "proto/flow.h"

#include <criterion/criterion.h>
#include <string.h>

static struct flow_sender sender;
static struct flow_receiver receiver;

static bool is_idle(void)
{
	return sender.base == sender.next;
}

static void send_frames(unsigned n, ha_time now)
{
	while (n-- > 0)
		flow_send(&sender, now);
}

/* An ACK of all below cumulative, and of others, up to UINT64_MAX. */
static struct sync_ack ack_of(uint64_t cumulative, const uint64_t *others)
{
	struct sync_ack ack = {.cumulative = cumulative};

	for (; others != NULL && *others != UINT64_MAX; others++) {
		uint64_t bit = *others - cumulative - 1;

		ack.bitmap[bit / 8] |= (uint8_t)(1U << (bit % 8));
	}
	return ack;
}

static bool acknowledge(uint64_t cumulative, const uint64_t *others, ha_time now)
{
	struct sync_ack ack = ack_of(cumulative, others);

	return flow_acknowledge(&sender, &ack, now);
}

static void expect_lost(uint64_t expected, ha_time now)
{
	uint64_t number;

	cr_assert(flow_lost(&sender, now, &number));
	cr_assert_eq(number, expected, "%lu, not %lu", number, expected);
}

static void expect_none_lost(void)
{
	uint64_t number;

	cr_assert_not(flow_lost(&sender, 0, &number));
}

#define AND(...) ((const uint64_t[]){__VA_ARGS__, UINT64_MAX})

Test(flow, the_window_bounds_what_is_under_way)
{
	flow_sender_init(&sender, 3);
	for (uint64_t n = 0; n < 3; n++) {
		cr_assert(flow_may_send(&sender));
		cr_assert_eq(flow_send(&sender, 0), n);
	}
	cr_assert_not(flow_may_send(&sender));
	cr_assert(acknowledge(0, AND(1, 2), 1));
	cr_assert_not(flow_may_send(&sender), "the oldest is still under way");
	cr_assert(acknowledge(3, NULL, 2));
	cr_assert(flow_may_send(&sender));
	cr_assert(is_idle());
	cr_assert_eq(flow_deadline(&sender), HA_NEVER);
}

Test(flow, lost_is_what_something_sent_later_has_overtaken)
{
	flow_sender_init(&sender, 64);
	send_frames(6, 0);
	acknowledge(1, AND(3), HA_MS);
	expect_lost(1, HA_MS);
	expect_lost(2, HA_MS);
	expect_none_lost();
	/* A repetition counts by when it was repeated: 4 and 5 were sent before it. */
	acknowledge(1, AND(3, 5), 2 * HA_MS);
	expect_lost(4, 2 * HA_MS);
	expect_none_lost();
	/* 2 was repeated after 1, 4 after both. */
	acknowledge(1, AND(2, 3, 5), 3 * HA_MS);
	expect_lost(1, 3 * HA_MS);
	expect_none_lost();
	acknowledge(6, NULL, 4 * HA_MS);
	cr_assert(is_idle());
	cr_assert_eq(sender.repeats, 4);
	cr_assert_eq(sender.timeouts, 0);
}

Test(flow, what_arrives_after_all_is_not_repeated)
{
	flow_sender_init(&sender, 64);
	send_frames(4, 0);
	acknowledge(0, AND(3), HA_MS);
	acknowledge(1, AND(2, 3), HA_MS);
	expect_lost(1, HA_MS);
	expect_none_lost();
}

Test(flow, silence_is_ended_by_a_timeout_that_doubles)
{
	ha_time now = 0, timeout = FLOW_TIMEOUT_MIN;

	flow_sender_init(&sender, 64);
	send_frames(20, now);
	for (unsigned round = 0; round < 10; round++) {
		cr_assert_eq(flow_deadline(&sender), now + timeout, "round %u", round);
		flow_timer(&sender, now + timeout - 1);
		expect_none_lost();
		now += timeout;
		flow_timer(&sender, now);
		cr_assert_eq(flow_deadline(&sender), HA_NEVER, "there is something to repeat");
		for (uint64_t n = 0; n < FLOW_PROBE_FRAMES; n++)
			expect_lost(2 * n, now);
		expect_none_lost();
		timeout = 2 * timeout < FLOW_TIMEOUT_MAX ? 2 * timeout : FLOW_TIMEOUT_MAX;
	}
	cr_assert_eq(timeout, FLOW_TIMEOUT_MAX);
	/* One that gets through ends the doublings; it says nothing of the round trip, having been sent so often. */
	acknowledge(1, NULL, now + HA_MS);
	cr_assert_eq(sender.timeout, FLOW_TIMEOUT_MIN);
	cr_assert_eq(sender.rtt, 0);
}

Test(flow, a_receiver_that_slept_over_the_timeout_costs_the_probes_and_no_more)
{
	/* All of it has arrived; the ACKs come late, and each tells of frames that were sent only once. */
	flow_sender_init(&sender, 1024);
	send_frames(1024, 0);
	flow_timer(&sender, FLOW_TIMEOUT_MIN);
	for (uint64_t n = 0; n < FLOW_PROBE_FRAMES; n++)
		expect_lost(128 * n, FLOW_TIMEOUT_MIN);
	for (uint64_t n = FLOW_ACK_EVERY; n <= 1024; n += FLOW_ACK_EVERY) {
		acknowledge(n, NULL, FLOW_TIMEOUT_MIN + HA_MS);
		expect_none_lost();
	}
	cr_assert(is_idle());
}

Test(flow, when_only_probes_arrive_all_the_others_are_lost)
{
	flow_sender_init(&sender, 64);
	send_frames(16, 0);
	flow_timer(&sender, FLOW_TIMEOUT_MIN);
	for (uint64_t n = 0; n < FLOW_PROBE_FRAMES; n++)
		expect_lost(2 * n, FLOW_TIMEOUT_MIN);
	acknowledge(1, AND(2, 4), FLOW_TIMEOUT_MIN + HA_MS);
	for (uint64_t n = 1; n < 16; n += 2)
		expect_lost(n, FLOW_TIMEOUT_MIN + HA_MS);
	expect_none_lost();
}

Test(flow, the_round_trip_is_measured_on_what_was_sent_once)
{
	flow_sender_init(&sender, 64);
	send_frames(1, 0);
	send_frames(1, HA_MS);
	acknowledge(2, NULL, 5 * HA_MS);
	cr_assert_eq(sender.rtt, 4 * HA_MS, "of the newest");
	send_frames(1, 10 * HA_MS);
	acknowledge(3, NULL, 22 * HA_MS);
	cr_assert_eq(sender.rtt, 5 * HA_MS, "an eighth of the difference");
	cr_assert_eq(sender.timeout, FLOW_TIMEOUT_MIN + 2 * sender.rtt);
	send_frames(1, 30 * HA_MS);
	acknowledge(4, NULL, 30 * HA_SEC);
	cr_assert_eq(sender.timeout, FLOW_TIMEOUT_MAX);
}

Test(flow, an_ack_that_says_nothing_new_changes_nothing)
{
	struct flow_sender before;

	flow_sender_init(&sender, 64);
	send_frames(8, 0);
	acknowledge(4, AND(6), HA_MS);
	before = sender;
	cr_assert(acknowledge(4, AND(6), 9 * HA_MS));
	cr_assert(acknowledge(2, AND(3), 9 * HA_MS), "an old one");
	cr_assert(acknowledge(0, NULL, 9 * HA_MS));
	cr_assert_arr_eq(&sender, &before, sizeof(sender));
	/* but an old one may know of what the newer did not */
	cr_assert(acknowledge(2, AND(3, 5), 9 * HA_MS));
	cr_assert(acknowledge(5, NULL, 9 * HA_MS));
	cr_assert_eq(sender.base, 7);
}

Test(flow, an_ack_of_what_was_never_sent_is_nonsense)
{
	struct flow_sender before;

	flow_sender_init(&sender, 64);
	send_frames(8, 0);
	before = sender;
	cr_assert_not(acknowledge(9, NULL, HA_MS));
	cr_assert_not(acknowledge(UINT64_MAX, NULL, HA_MS));
	for (uint64_t n = 8; n < 1000; n += 7)
		cr_assert_not(acknowledge(3, AND(5, n), HA_MS), "%lu", n);
	cr_assert_not(acknowledge(8, AND(9), HA_MS));
	cr_assert_arr_eq(&sender, &before, sizeof(sender));
	cr_assert(acknowledge(3, AND(7), HA_MS));
}

/* ---- receiver ---- */

static void receive(uint64_t number)
{
	cr_assert_eq(flow_judge(&receiver, number), FLOW_NEW, "%lu", number);
	flow_received(&receiver, number, false);
}

static struct sync_ack say(void)
{
	struct sync_ack ack;

	flow_ack(&receiver, &ack);
	cr_assert_not(flow_ack_due(&receiver));
	return ack;
}

Test(flow, each_frame_is_new_once_and_the_window_has_an_end)
{
	flow_receiver_init(&receiver);
	for (uint64_t n = FLOW_WINDOW_MAX; n-- > 0;)
		receive(n);
	cr_assert_eq(receiver.cumulative, FLOW_WINDOW_MAX);
	for (uint64_t n = 0; n < FLOW_WINDOW_MAX; n++)
		cr_assert_eq(flow_judge(&receiver, n), FLOW_DUPLICATE);
	cr_assert_eq(flow_judge(&receiver, 2 * FLOW_WINDOW_MAX - 1), FLOW_NEW);
	cr_assert_eq(flow_judge(&receiver, 2 * FLOW_WINDOW_MAX), FLOW_BEYOND);
	cr_assert_eq(flow_judge(&receiver, UINT64_MAX), FLOW_BEYOND);
}

Test(flow, an_ack_is_due_after_so_many_or_at_once_when_it_matters)
{
	struct sync_ack ack;

	flow_receiver_init(&receiver);
	for (uint64_t n = 0; n < FLOW_ACK_EVERY; n++) {
		cr_assert_not(flow_ack_due(&receiver));
		receive(n);
	}
	cr_assert(flow_ack_due(&receiver));
	ack = say();
	cr_assert_eq(ack.cumulative, FLOW_ACK_EVERY);

	receive(40); /* a gap */
	cr_assert(flow_ack_due(&receiver));
	ack = say();
	cr_assert_eq(ack.cumulative, FLOW_ACK_EVERY);
	cr_assert(ack.bitmap[0] == 1 << (40 - FLOW_ACK_EVERY - 1));
	receive(41); /* the gap is known */
	cr_assert_not(flow_ack_due(&receiver));

	flow_received(&receiver, 41, false); /* its ACK was lost */
	cr_assert(flow_ack_due(&receiver));
	say();
	flow_received(&receiver, 42, true); /* nothing will follow */
	cr_assert(flow_ack_due(&receiver));
}

/* ---- both, and a wire between them ---- */

enum {
	IN_FLIGHT = 4096,
	FRAMES = 20000,
	FRAME_NS = 10000, /* the sender takes so long for one */
	WIRE_NS = 200000,
};

struct wire {
	unsigned loss, duplicates, late; /* per cent; late ones take up to ten times as long */
	bool cut;
};

struct packet {
	ha_time at; /* HA_NEVER: the slot is free */
	bool is_ack;
	uint64_t number;
	struct sync_ack ack;
};

static struct packet flight[IN_FLIGHT];
static uint8_t times_new[FRAMES];
static uint64_t dice;

static unsigned roll(unsigned sides) /* xorshift */
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (unsigned)(dice % sides);
}

static void launch(const struct wire *wire, ha_time now, const struct packet *packet)
{
	unsigned copies = 1 + (roll(100) < wire->duplicates);

	while (copies-- > 0) {
		unsigned i = 0;
		ha_time delay = WIRE_NS;

		if (roll(100) < wire->late)
			delay += roll(10) * WIRE_NS + roll(WIRE_NS);
		if (wire->cut || roll(100) < wire->loss)
			continue;
		while (i < IN_FLIGHT && flight[i].at != HA_NEVER)
			i++;
		cr_assert_lt(i, IN_FLIGHT);
		flight[i] = *packet;
		flight[i].at = now + delay;
	}
}

static struct packet *next_packet(void)
{
	struct packet *next = &flight[0];

	for (unsigned i = 1; i < IN_FLIGHT; i++)
		if (flight[i].at < next->at)
			next = &flight[i];
	return next;
}

static void at_receiver(uint64_t number, const struct wire *back, ha_time now)
{
	enum flow_verdict verdict = flow_judge(&receiver, number);
	struct packet packet = {.is_ack = true};

	cr_assert_neq(verdict, FLOW_BEYOND, "the sender has exceeded the window");
	if (verdict == FLOW_NEW)
		times_new[number]++;
	flow_received(&receiver, number, number == FRAMES - 1);
	if (!flow_ack_due(&receiver))
		return;
	flow_ack(&receiver, &packet.ack);
	launch(back, now, &packet);
}

/* What the sender puts on the wire now, if anything: what is lost first. */
static bool at_sender(const struct wire *there, uint64_t frames, ha_time now)
{
	struct packet packet = {0};

	if (!flow_lost(&sender, now, &packet.number)) {
		if (sender.next == frames || !flow_may_send(&sender))
			return false;
		packet.number = flow_send(&sender, now);
	}
	cr_assert_leq(sender.next - sender.base, sender.window);
	launch(there, now, &packet);
	return true;
}

/* Runs until all frames are acknowledged or the time has come; returns when. */
static ha_time run(ha_time now, ha_time until, uint64_t frames, const struct wire *there,
		   const struct wire *back)
{
	while (now < until && (sender.next < frames || !is_idle())) {
		struct packet *packet = next_packet();
		ha_time deadline = flow_deadline(&sender);

		if (at_sender(there, frames, now)) {
			now += FRAME_NS;
		} else if (packet->at == HA_NEVER || deadline < packet->at) {
			cr_assert_neq(deadline, HA_NEVER, "nothing will ever happen");
			now = deadline > now ? deadline : now;
			flow_timer(&sender, now);
			continue;
		} else if (packet->at > now) {
			now = packet->at;
		}
		while ((packet = next_packet())->at <= now) {
			if (packet->is_ack)
				cr_assert(flow_acknowledge(&sender, &packet->ack, now));
			else
				at_receiver(packet->number, back, now);
			packet->at = HA_NEVER;
		}
	}
	return now;
}

static void begin(uint64_t seed, uint32_t window)
{
	dice = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		flight[i].at = HA_NEVER;
	memset(times_new, 0, sizeof(times_new));
	flow_sender_init(&sender, window);
	flow_receiver_init(&receiver);
}

static void expect_all(uint64_t frames, uint64_t seed)
{
	cr_assert_eq(sender.base, frames, "seed %lu: only %lu got through", seed, sender.base);
	cr_assert_eq(receiver.cumulative, frames);
	cr_assert_eq(sender.lost_n, 0);
	for (uint64_t n = 0; n < frames; n++)
		cr_assert_eq(times_new[n], 1, "seed %lu: frame %lu", seed, n);
}

Test(flow, a_good_wire_repeats_nothing)
{
	struct wire good = {0};

	begin(1, 256);
	run(0, 60 * HA_SEC, FRAMES, &good, &good);
	expect_all(FRAMES, 1);
	cr_assert_eq(sender.repeats, 0);
	cr_assert_eq(sender.timeouts, 0);
	cr_assert(sender.rtt >= 2 * WIRE_NS && sender.rtt < 4 * WIRE_NS);
}

Test(flow, what_is_lost_is_repeated_about_as_often_as_it_is_lost)
{
	/* Losses of acknowledgements cost nothing: the next says it all. */
	struct wire there = {.loss = 1}, back = {.loss = 20};

	begin(2, 256);
	run(0, 60 * HA_SEC, FRAMES, &there, &back);
	expect_all(FRAMES, 2);
	cr_assert(sender.repeats > FRAMES / 200 && sender.repeats < FRAMES / 33, "%lu",
		  sender.repeats);
}

Test(flow, everything_arrives_once_over_any_wire)
{
	static const struct {
		struct wire there, back;
	} wires[] = {
		{{.loss = 1}, {.loss = 1}},
		{{.loss = 20}, {.loss = 20}},
		{{.loss = 60}, {.loss = 60}},
		{{.duplicates = 30}, {.duplicates = 30}},
		{{.late = 30}, {.late = 30}},
		{{.loss = 0}, {.loss = 90}},
		{{.loss = 20, .duplicates = 20, .late = 20},
		 {.loss = 20, .duplicates = 5, .late = 20}},
	};
	static const uint32_t windows[] = {1, 7, 256, FLOW_WINDOW_MAX};
	uint64_t seed = 100;

	for (unsigned i = 0; i < sizeof(wires) / sizeof(wires[0]); i++)
		for (unsigned w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
			uint64_t frames = windows[w] < 100 ? 100 : 4000;

			begin(++seed, windows[w]);
			run(0, 600 * HA_SEC, frames, &wires[i].there, &wires[i].back);
			expect_all(frames, seed);
		}
}

Test(flow, a_cut_in_either_direction_heals)
{
	static const struct wire good = {0}, dead = {.cut = true};

	for (unsigned direction = 0; direction < 2; direction++) {
		const struct wire *there = direction == 0 ? &dead : &good;
		const struct wire *back = direction == 0 ? &good : &dead;
		uint64_t sent, seed = 200 + direction;
		ha_time now;

		begin(seed, 256);
		now = run(0, 10 * HA_MS, FRAMES, &good, &good);
		now = run(now, now + 20 * HA_SEC, FRAMES, there, back);
		sent = sender.next;
		cr_assert_lt(sent, FRAMES);
		/* While it is cut it asks, and not often. */
		cr_assert(sender.timeouts > 30 && sender.timeouts < 60, "%lu", sender.timeouts);
		cr_assert_eq(sender.timeout, FLOW_TIMEOUT_MAX);
		now = run(now, now + 60 * HA_SEC, FRAMES, &good, &good);
		expect_all(FRAMES, seed);
	}
}

Test(flow, a_wire_slower_than_the_timeout_is_learned)
{
	/* The round trip is ten times the shortest timeout: the first probes are in vain, then it is known. */
	begin(3, 256);
	for (uint64_t round = 0, number; round < 50; round++) {
		ha_time now = (ha_time)round * HA_SEC;

		flow_send(&sender, now);
		for (ha_time at; (at = flow_deadline(&sender)) < now + 100 * HA_MS;) {
			flow_timer(&sender, at);
			cr_assert(flow_lost(&sender, at, &number));
		}
		send_frames(1, now + 1);
		acknowledge(2 * round + 2, NULL, now + 100 * HA_MS);
	}
	cr_assert(sender.rtt > 50 * HA_MS && sender.rtt <= 100 * HA_MS);
	cr_assert_lt(sender.timeouts, 20);
}

Test(flow, equal_seeds_give_equal_runs)
{
	struct wire bad = {.loss = 20, .duplicates = 20, .late = 20};
	struct flow_sender first;
	ha_time end;

	begin(7, 256);
	end = run(0, 60 * HA_SEC, 4000, &bad, &bad);
	first = sender;
	begin(7, 256);
	cr_assert_eq(run(0, 60 * HA_SEC, 4000, &bad, &bad), end);
	cr_assert_arr_eq(&sender, &first, sizeof(sender));
}
