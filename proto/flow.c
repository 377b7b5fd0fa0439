/* flow.c - see flow.h. Slots are a ring by number: the window is never wider than it. */
#include "proto/flow.h"

#include <assert.h>
#include <string.h>

/* ---- sender ---- */

static struct flow_slot *slot_of(struct flow_sender *f, uint64_t number)
{
	return &f->slot[number % FLOW_WINDOW_MAX];
}

void flow_sender_init(struct flow_sender *f, uint32_t window)
{
	assert(window >= 1 && window <= FLOW_WINDOW_MAX);
	memset(f, 0, sizeof(*f));
	f->window = window;
	f->timeout = FLOW_TIMEOUT_MIN;
}

bool flow_may_send(const struct flow_sender *f)
{
	return f->next - f->base < f->window;
}

uint64_t flow_send(struct flow_sender *f, ha_time now)
{
	assert(flow_may_send(f));
	*slot_of(f, f->next) = (struct flow_slot){.order = ++f->order, .sent = now};
	return f->next++;
}

bool flow_lost(struct flow_sender *f, ha_time now, uint64_t *number)
{
	struct flow_slot *slot;

	if (f->lost_n == 0)
		return false;
	while (f->lost_hint < f->base || !slot_of(f, f->lost_hint)->lost)
		f->lost_hint++;
	assert(f->lost_hint < f->next);
	slot = slot_of(f, f->lost_hint);
	*slot = (struct flow_slot){.order = ++f->order, .sent = now, .repeated = true};
	f->lost_n--;
	f->repeats++;
	*number = f->lost_hint++;
	return true;
}

static void mark_lost(struct flow_sender *f, uint64_t number)
{
	struct flow_slot *slot = slot_of(f, number);

	if (slot->order == 0 || slot->lost)
		return;
	slot->lost = true;
	f->lost_n++;
	if (number < f->lost_hint)
		f->lost_hint = number;
}

/* What has become known by one ACK: of those it is the first to tell of, the ones sent last. Of a repeated one nobody
 * knows which sending has arrived: it tells no time; and nothing of others either, if the same ACK tells of one that
 * was sent only once. Else a receiver that slept over the timeout would cost a whole window: it gets what was sent at
 * first, and that looks as if the repetition had overtaken everything.
 */
struct gain {
	uint64_t once, repeated; /* orders; 0 = none */
	ha_time sent;            /* when the one of `once` was */
};

static void arrived(struct flow_sender *f, uint64_t number, struct gain *gain)
{
	struct flow_slot *slot = slot_of(f, number);

	if (slot->order == 0)
		return;
	if (slot->repeated && slot->order > gain->repeated)
		gain->repeated = slot->order;
	if (!slot->repeated && slot->order > gain->once) {
		gain->once = slot->order;
		gain->sent = slot->sent;
	}
	f->lost_n -= slot->lost;
	*slot = (struct flow_slot){0};
}

static bool selected(const struct sync_ack *ack, unsigned bit)
{
	return ack->bitmap[bit / 8] >> (bit % 8) & 1;
}

/* An ACK that speaks of frames that were never sent is not of this stream's making. */
static bool makes_sense(const struct flow_sender *f, const struct sync_ack *ack)
{
	uint64_t told; /* bits that may be set */

	if (ack->cumulative > f->next)
		return false;
	told = f->next - ack->cumulative;
	told = told > 0 ? told - 1 : 0;
	for (unsigned byte = 0; byte < SYNC_ACK_BITS / 8; byte++) {
		if (ack->bitmap[byte] == 0 || 8 * byte + 8 <= told)
			continue;
		for (unsigned bit = 8 * byte; bit < 8 * byte + 8; bit++)
			if (bit >= told && selected(ack, bit))
				return false;
	}
	return true;
}

static void measure(struct flow_sender *f, const struct gain *gain, ha_time now)
{
	if (gain->once != 0) {
		ha_time rtt = now > gain->sent ? now - gain->sent : 1;

		f->rtt = f->rtt == 0 ? rtt : f->rtt + (rtt - f->rtt) / 8;
	}
	/* Something gets through: the doublings are over. */
	f->timeout = FLOW_TIMEOUT_MIN + 2 * f->rtt;
	if (f->timeout > FLOW_TIMEOUT_MAX)
		f->timeout = FLOW_TIMEOUT_MAX;
}

/* Those sent before the newest that has arrived. The first one that was sent after it, and once, ends the search: all above
 * it were sent later still. */
static void find_lost(struct flow_sender *f)
{
	for (uint64_t n = f->base; n < f->next; n++) {
		const struct flow_slot *slot = slot_of(f, n);

		if (slot->order > f->newest && !slot->repeated)
			break;
		if (slot->order < f->newest)
			mark_lost(f, n);
	}
}

bool flow_acknowledge(struct flow_sender *f, const struct sync_ack *ack, ha_time now)
{
	struct gain gain = {0};
	uint64_t newest;

	if (!makes_sense(f, ack))
		return false;
	for (uint64_t n = f->base; n < ack->cumulative; n++)
		arrived(f, n, &gain);
	for (unsigned byte = 0; byte < SYNC_ACK_BITS / 8; byte++) {
		if (ack->bitmap[byte] == 0)
			continue;
		for (unsigned bit = 8 * byte; bit < 8 * byte + 8; bit++)
			if (selected(ack, bit) && ack->cumulative + 1 + bit >= f->base)
				arrived(f, ack->cumulative + 1 + bit, &gain);
	}
	newest = gain.once != 0 ? gain.once : gain.repeated;
	if (newest == 0) /* it says nothing new */
		return true;
	while (f->base < f->next && slot_of(f, f->base)->order == 0)
		f->base++;
	if (newest > f->newest)
		f->newest = newest;
	measure(f, &gain, now);
	find_lost(f);
	return true;
}

ha_time flow_deadline(const struct flow_sender *f)
{
	if (f->base == f->next || f->lost_n > 0)
		return HA_NEVER;
	return f->slot[f->base % FLOW_WINDOW_MAX].sent + f->timeout;
}

void flow_timer(struct flow_sender *f, ha_time now)
{
	uint64_t step = (f->next - f->base) / FLOW_PROBE_FRAMES;

	if (now < flow_deadline(f))
		return;
	f->timeouts++;
	f->timeout = f->timeout * 2 < FLOW_TIMEOUT_MAX ? f->timeout * 2 : FLOW_TIMEOUT_MAX;
	/* Spread, so that no run of acknowledgements is of repeated ones alone unless only these have arrived. */
	for (uint64_t i = 0, n = f->base; i < FLOW_PROBE_FRAMES && n < f->next; i++) {
		mark_lost(f, n);
		n += step > 0 ? step : 1;
	}
}

/* ---- receiver ---- */

static bool has(const struct flow_receiver *f, uint64_t number)
{
	return f->bitmap[number % FLOW_WINDOW_MAX / 64] >> (number % 64) & 1;
}

static void flip(struct flow_receiver *f, uint64_t number)
{
	f->bitmap[number % FLOW_WINDOW_MAX / 64] ^= UINT64_C(1) << (number % 64);
}

void flow_receiver_init(struct flow_receiver *f)
{
	memset(f, 0, sizeof(*f));
}

enum flow_verdict flow_judge(const struct flow_receiver *f, uint64_t number)
{
	if (number < f->cumulative)
		return FLOW_DUPLICATE;
	if (number - f->cumulative >= FLOW_WINDOW_MAX || number == UINT64_MAX)
		return FLOW_BEYOND;
	return has(f, number) ? FLOW_DUPLICATE : FLOW_NEW;
}

void flow_received(struct flow_receiver *f, uint64_t number, bool flush)
{
	enum flow_verdict verdict = flow_judge(f, number);

	assert(verdict != FLOW_BEYOND);
	f->unacknowledged++;
	if (verdict == FLOW_DUPLICATE) {
		f->urgent = true;
		return;
	}
	/* A gap is urgent once, when it opens: not each frame that comes until it is filled. */
	if (flush || number > f->top)
		f->urgent = true;
	if (number >= f->top)
		f->top = number + 1;
	flip(f, number);
	while (has(f, f->cumulative))
		flip(f, f->cumulative++);
}

bool flow_ack_due(const struct flow_receiver *f)
{
	return f->urgent || f->unacknowledged >= FLOW_ACK_EVERY;
}

void flow_ack(struct flow_receiver *f, struct sync_ack *out)
{
	uint64_t at = f->cumulative + 1;

	memset(out, 0, sizeof(*out));
	out->cumulative = f->cumulative;
	/* The one behind the last of the window would be the cumulative one again: it has not arrived. */
	for (; at < f->top; at++)
		if (has(f, at))
			out->bitmap[(at - f->cumulative - 1) / 8] |=
				(uint8_t)(1U << ((at - f->cumulative - 1) % 8));
	f->unacknowledged = 0;
	f->urgent = false;
}
