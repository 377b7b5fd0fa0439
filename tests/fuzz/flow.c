/* flow - the bookkeeping of a stream: a sender and a receiver, a wire that does anything, and acknowledgements that nobody
 * ever said.
 *
 *   window; then steps: send, lose, deliver in any order, acknowledge, make an ACK up, let time pass
 *
 * The receiver takes each frame once. When the wire is good again everything arrives, and the sender knows.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/flow.h"

enum {
	FLIGHT = 256,
	STEPS_MAX = 1500,
	FRAMES_MAX = 100000,
};

static struct {
	struct flow_sender sender;
	struct flow_receiver receiver;
	uint64_t flight[FLIGHT];
	unsigned flight_n;
	uint64_t arrived; /* frames, each counted once */
	ha_time now;
	bool lied; /* an ACK was made up: what it told of may never come */
} w;

static void check(void)
{
	const struct flow_sender *f = &w.sender;

	FUZZ_CHECK(f->base <= f->next && f->next - f->base <= f->window);
	FUZZ_CHECK(f->lost_n <= f->next - f->base);
	FUZZ_CHECK(f->timeout >= FLOW_TIMEOUT_MIN && f->timeout <= FLOW_TIMEOUT_MAX);
	FUZZ_CHECK(w.receiver.cumulative <= w.receiver.top);
	FUZZ_CHECK(w.receiver.top <= w.receiver.cumulative + FLOW_WINDOW_MAX);
	FUZZ_CHECK(w.lied || f->base <= w.receiver.cumulative ||
		   w.receiver.cumulative == w.receiver.top);
}

static void fly(uint64_t number)
{
	w.flight[w.flight_n++ % FLIGHT] = number;
}

static void send(unsigned n)
{
	uint64_t number;

	while (n-- > 0) {
		if (flow_lost(&w.sender, w.now, &number)) {
			FUZZ_CHECK(number >= w.sender.base && number < w.sender.next);
			fly(number);
		} else if (flow_may_send(&w.sender) && w.sender.next < FRAMES_MAX) {
			fly(flow_send(&w.sender, w.now));
		}
		check();
	}
}

static void arrive(uint64_t number)
{
	enum flow_verdict verdict = flow_judge(&w.receiver, number);

	FUZZ_CHECK((verdict == FLOW_BEYOND) == (number >= w.receiver.cumulative + FLOW_WINDOW_MAX));
	if (verdict == FLOW_BEYOND)
		return;
	w.arrived += verdict == FLOW_NEW;
	flow_received(&w.receiver, number, number % 7 == 0);
	FUZZ_CHECK(flow_judge(&w.receiver, number) == FLOW_DUPLICATE);
	check();
}

static void acknowledge(void)
{
	struct sync_ack ack;

	flow_ack(&w.receiver, &ack);
	FUZZ_CHECK(!flow_ack_due(&w.receiver));
	FUZZ_CHECK(flow_acknowledge(&w.sender, &ack, w.now) || w.lied);
	check();
}

static void lie(struct script *s)
{
	static struct sync_ack ack;
	static struct flow_sender before;

	memset(&ack, 0, sizeof(ack));
	ack.cumulative = script_u8(s) ? w.sender.base + script_u8(s) : script_number(s, 8);
	for (unsigned n = script_u8(s) % 8; n > 0; n--) {
		unsigned bit = (unsigned)script_number(s, 2) % SYNC_ACK_BITS;

		ack.bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	before = w.sender;
	if (flow_acknowledge(&w.sender, &ack, w.now))
		w.lied = true;
	else
		FUZZ_CHECK(memcmp(&before, &w.sender, sizeof(before)) == 0);
	check();
}

static void timer(void)
{
	ha_time at = flow_deadline(&w.sender);

	if (at == HA_NEVER)
		return;
	w.now = at > w.now ? at : w.now;
	flow_timer(&w.sender, w.now);
	FUZZ_CHECK(flow_deadline(&w.sender) > w.now);
	check();
}

static void step(struct script *s)
{
	uint8_t op = script_u8(s), n = w.flight_n < FLIGHT ? (uint8_t)w.flight_n : FLIGHT - 1;

	switch (op % 8) {
	case 0:
		send(1 + script_u8(s) % 64);
		break;
	case 1:
	case 2:
		for (unsigned i = script_u8(s) % 32; n > 0 && i > 0; i--)
			arrive(w.flight[(w.flight_n - 1 - script_u8(s) % n) % FLIGHT]);
		break;
	case 3:
		for (unsigned i = 0; i < n; i++)
			if (script_u8(s) % 8 != 0)
				arrive(w.flight[(w.flight_n - n + i) % FLIGHT]);
		break;
	case 4:
		acknowledge();
		break;
	case 5:
		lie(s);
		break;
	case 6:
		w.now += script_u8(s) * HA_MS;
		if (flow_deadline(&w.sender) <= w.now)
			timer();
		break;
	default:
		arrive(op & 0x80 ? script_number(s, 8) & SYNC_COUNT_MAX
				 : w.receiver.cumulative + script_number(s, 2));
		w.lied = true;
		break;
	}
}

static bool is_idle(void)
{
	return w.sender.base == w.sender.next;
}

/* Nobody lies, nothing is lost. */
static void heal(void)
{
	uint64_t number;

	for (unsigned i = 0; i < FRAMES_MAX && !is_idle(); i++) {
		while (flow_lost(&w.sender, w.now, &number))
			arrive(number);
		w.now += HA_MS;
		acknowledge();
		if (flow_deadline(&w.sender) != HA_NEVER)
			timer();
	}
	FUZZ_CHECK(is_idle() && w.receiver.cumulative == w.sender.next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct script s = {data, len};

	memset(&w, 0, sizeof(w));
	w.now = HA_SEC;
	flow_sender_init(&w.sender, 1 + script_below(&s, FLOW_WINDOW_MAX));
	flow_receiver_init(&w.receiver);
	for (unsigned i = 0; i < STEPS_MAX && !script_ended(&s); i++)
		step(&s);
	if (!w.lied)
		heal();
	return 0;
}
