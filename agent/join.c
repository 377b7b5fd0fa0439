/* join.c - see join.h. */
#include "agent/join.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "agent/config.h"

static const char join_unmet[] = "the cluster requirements are not met";

static struct join_step join_nothing(void)
{
	return (struct join_step){.what = JOIN_NOTHING};
}

static bool join_is_joining(const struct join *join)
{
	return join->joiner && join->phase != JOIN_IDLE;
}

/* A join that is over has no use for the secret, and nobody else should find it. */
static void join_end(struct join *join)
{
	join->phase = JOIN_IDLE;
	join->crossed = false; /* what comes next is another meeting */
	sodium_memzero(join->pair_secret, sizeof(join->pair_secret));
}

static struct join_step join_fail(struct join *join, const char *text, bool refused)
{
	join_end(join);
	join->tested = false;
	return (struct join_step){.what = JOIN_FAILED, .text = text, .refused = refused};
}

/* ... for what the table says. */
static struct join_step join_fail_table(struct join *join, const char *text)
{
	struct join_step step = join_fail(join, text, true);

	join->tested = true;
	return step;
}

void join_start(struct join *join, const struct ha_address *address, bool test_only,
		const uint8_t expected[HA_KEY_LEN], ha_time now)
{
	*join = (struct join){
		.joiner = true,
		.test_only = test_only,
		.phase = JOIN_MEETING,
		.address = *address,
		.until = now + JOIN_TEST_TIMEOUT,
		.next = HA_NEVER,
		.expecting = expected != NULL,
	};
	if (expected != NULL)
		memcpy(join->expected, expected, HA_KEY_LEN);
}

ha_time join_deadline(const struct join *join)
{
	if (!join->joiner || join->phase == JOIN_IDLE)
		return HA_NEVER;
	return join->next < join->until ? join->next : join->until;
}

static struct join_step join_ask(struct join *join, ha_time now)
{
	uint8_t op = join->phase == JOIN_TESTING ? JOIN_TEST : JOIN_REQUEST;

	join->next = now + JOIN_REPEAT;
	return (struct join_step){
		.what = JOIN_SEND,
		.message = {.op = op, .address = join->address},
	};
}

struct join_step join_timer(struct join *join, ha_time now)
{
	if (now < join_deadline(join))
		return join_nothing();
	if (now < join->until)
		return join_ask(join, now);
	switch (join->phase) {
	case JOIN_ASKING:
		return join_fail(join, "the other appliance does not answer the request", false);
	case JOIN_SAVING:
		return join_fail(join, "the cluster record is still not on disk", false);
	default:
		return join_nothing(); /* join_judged() has the table */
	}
}

void join_crossed(struct join *join)
{
	join->crossed |= join_is_joining(join);
}

static bool join_is_expected(const struct join *join, const uint8_t key[HA_KEY_LEN])
{
	uint8_t digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, key, HA_KEY_LEN);
	return memcmp(digest, join->expected, sizeof(digest)) == 0;
}

struct join_step join_up(struct join *join, const uint8_t peer_key[HA_KEY_LEN],
			 const uint8_t pair_secret[HA_KEY_LEN], ha_time now)
{
	bool same = join->met && memcmp(join->peer_key, peer_key, HA_KEY_LEN) == 0;

	if (!join->joiner || join->phase == JOIN_IDLE || join->phase == JOIN_SAVING)
		return join_nothing();
	if (join->expecting && !join_is_expected(join, peer_key))
		return join_fail(join,
				 "the appliance at the other end shows another key than the one "
				 "that was confirmed",
				 true);
	/* What was tested is good for the one that it was tested with. */
	if (join->phase != JOIN_ASKING || !same) {
		join->phase = JOIN_TESTING;
		join->reported = join->tested = false;
	}
	join->met = true;
	join->identity_known = false;
	memcpy(join->peer_key, peer_key, HA_KEY_LEN);
	memcpy(join->pair_secret, pair_secret, HA_KEY_LEN);
	return join_ask(join, now);
}

void join_identity(struct join *join, const struct msg_identity *identity)
{
	if (join->phase != JOIN_TESTING && join->phase != JOIN_ASKING)
		return;
	join->identity = *identity;
	join->identity_known = true;
}

/* What the record says is what the guardian puts on: in the order of the node, and each a station's. */
static bool join_has_vips(const struct msg_identity *identity)
{
	unsigned n = ha_address_count(identity->vip, HA_VIP_MAX);

	for (unsigned i = 0; i < HA_VIP_MAX; i++)
		if (i < n ? config_no_station(&identity->vip[i]) != NULL
			  : identity->vip[i].family != HA_FAMILY_NONE)
			return false;
	return n > 0;
}

static struct join_step join_accepted(struct join *join, const struct msg_join *accept)
{
	/* The virtual IPs come with the identity; it is sent again with the next answer. */
	if (!join->identity_known)
		return join_nothing();
	if (!join_has_vips(&join->identity))
		return join_fail(join, "the other appliance states no usable virtual IP", false);
	memcpy(join->cluster_id, accept->cluster_id, HA_CLUSTER_ID_LEN);
	join->term = accept->term;
	join->phase = JOIN_SAVING;
	join->next = HA_NEVER;
	return (struct join_step){.what = JOIN_SAVE};
}

/* Only the requirements change the table: by what the active has seen since its report. */
static struct join_step join_refused(struct join *join, const struct msg_join *refuse)
{
	if (refuse->refusal != JOIN_REQUIREMENTS)
		return join_fail(join, join_refusal_text((enum msg_join_refusal)refuse->refusal),
				 true);
	requirements_merge(join->cause, refuse->cause);
	return join_fail_table(join, join_unmet);
}

struct join_step join_answer(struct join *join, const struct msg_join *answer)
{
	if (join->joiner && join->phase == JOIN_TESTING && answer->op == JOIN_REPORT) {
		join->reported = true;
		join->refusal = (enum msg_join_refusal)answer->refusal;
		memcpy(join->report, answer->cause, sizeof(join->report));
	}
	if (!join->joiner || join->phase != JOIN_ASKING)
		return join_nothing();
	switch (answer->op) {
	case JOIN_ACCEPT:
		return join_accepted(join, answer);
	case JOIN_REFUSE:
		return join_refused(join, answer);
	default:
		return join_nothing();
	}
}

static const char *join_test_text(const struct join *join, bool met)
{
	if (met)
		return "all requirements are met: this appliance may join";
	if (join->met)
		return join_unmet;
	return join->crossed ? "the other appliance asks to join this one at the same time: only "
			       "one of the two may"
			     : "no connection with an appliance at the other end of the link";
}

struct join_step join_judged(struct join *join, const uint8_t cause[REQUIREMENT_N], bool open,
			     ha_time now)
{
	const char *text;
	bool met;

	if (!join->joiner || (join->phase != JOIN_MEETING && join->phase != JOIN_TESTING))
		return join_nothing();
	if ((open || !join->reported) && now < join->until)
		return join_nothing();
	join->tested = true;
	memcpy(join->cause, cause, sizeof(join->cause));
	if (join->reported)
		requirements_merge(join->cause, join->report);
	met = join->reported && join->refusal == JOIN_OK && requirements_met(join->cause);
	text = join_test_text(join, met);
	if (join->test_only) {
		join_end(join);
		return (struct join_step){.what = JOIN_TESTED, .text = text, .refused = !met};
	}
	if (!met)
		return join_fail_table(join, text);
	join->phase = JOIN_ASKING;
	join->until = now + JOIN_TIMEOUT;
	return join_ask(join, now);
}

/* The first rule that speaks against it. The cluster requirements come behind these. */
enum msg_join_refusal join_refusal(const struct join_view *view, const uint8_t key[HA_KEY_LEN])
{
	bool same = view->paired && memcmp(view->peer_key, key, HA_KEY_LEN) == 0;

	if (!view->active)
		return JOIN_NOT_ACTIVE;
	if (view->paired && (!same || view->peer_alive))
		return JOIN_OCCUPIED;
	if (!view->address_own)
		return JOIN_WRONG_ADDRESS;
	if (view->vip_n == 0)
		return JOIN_NO_VIP;
	if (!view->store_ok)
		return JOIN_STORE;
	return JOIN_OK;
}

static struct join_step join_accept(const struct join *join, enum join_do what)
{
	struct join_step step = {
		.what = what,
		.message = {.op = JOIN_ACCEPT, .term = join->term},
	};

	memcpy(step.message.cluster_id, join->cluster_id, HA_CLUSTER_ID_LEN);
	return step;
}

static struct join_step join_refuse(enum msg_join_refusal why)
{
	return (struct join_step){
		.what = JOIN_SEND,
		.message = {.op = JOIN_REFUSE, .refusal = (uint8_t)why},
	};
}

/* What the active cannot see is the joiner's to judge. */
static bool join_met(const struct join_view *view)
{
	uint8_t cause[REQUIREMENT_N];

	for (unsigned i = 0; i < REQUIREMENT_N; i++)
		cause[i] = view->cause[i] == CAUSE_NOT_SEEN ? CAUSE_NONE : view->cause[i];
	return requirements_met(cause);
}

struct join_step join_test(struct join *join, const struct join_view *view,
			   const uint8_t peer_key[HA_KEY_LEN])
{
	enum msg_join_refusal why =
		join_is_joining(join) ? JOIN_NOT_ACTIVE : join_refusal(view, peer_key);
	struct join_step step = {
		.what = JOIN_SEND,
		.message = {.op = JOIN_REPORT, .refusal = (uint8_t)why},
	};

	if (!view->surveyed)
		return join_nothing();
	memcpy(step.message.cause, view->cause, sizeof(step.message.cause));
	return step;
}

struct join_step join_request(struct join *join, const struct join_view *view,
			      const uint8_t peer_key[HA_KEY_LEN],
			      const uint8_t pair_secret[HA_KEY_LEN],
			      const uint8_t fresh[HA_CLUSTER_ID_LEN])
{
	enum msg_join_refusal why;

	if (join->phase == JOIN_SAVING)
		return join_nothing(); /* the answer follows; the request comes again besides */
	if (join_is_joining(join))
		return join_refuse(JOIN_NOT_ACTIVE);
	*join = (struct join){.phase = JOIN_IDLE, .term = view->term};
	if (view->paired && memcmp(view->peer_key, peer_key, HA_KEY_LEN) == 0 &&
	    sodium_memcmp(view->pair_secret, pair_secret, HA_KEY_LEN) == 0) {
		memcpy(join->cluster_id, view->cluster_id, HA_CLUSTER_ID_LEN);
		return join_accept(join, JOIN_SEND); /* accepted before; that answer was lost */
	}
	why = join_refusal(view, peer_key);
	if (why != JOIN_OK)
		return join_refuse(why);
	if (!view->surveyed)
		return join_nothing();
	if (!join_met(view)) {
		struct join_step step = join_refuse(JOIN_REQUIREMENTS);

		memcpy(step.message.cause, view->cause, sizeof(step.message.cause));
		return step;
	}
	memcpy(join->peer_key, peer_key, HA_KEY_LEN);
	memcpy(join->pair_secret, pair_secret, HA_KEY_LEN);
	memcpy(join->cluster_id, fresh, HA_CLUSTER_ID_LEN);
	join->phase = JOIN_SAVING;
	return (struct join_step){.what = JOIN_SAVE};
}

struct join_step join_saved(struct join *join, bool ok)
{
	if (join->phase != JOIN_SAVING)
		return join_nothing();
	if (join->joiner && !ok)
		return join_fail(join, "the cluster record could not be written", false);
	join_end(join);
	if (!ok)
		return join_refuse(JOIN_STORE);
	if (join->joiner)
		return (struct join_step){.what = JOIN_PAIRED};
	return join_accept(join, JOIN_PAIRED);
}

/* A former peer that is the peer again is no former one. */
static void join_readmit(const uint8_t key[HA_KEY_LEN], struct store_former *former)
{
	unsigned n = 0;

	for (unsigned i = 0; i < STORE_FORMER_MAX; i++)
		if (former[i].why != PARTING_NONE && memcmp(former[i].key, key, HA_KEY_LEN) != 0)
			former[n++] = former[i];
	sodium_memzero(former + n, (STORE_FORMER_MAX - n) * sizeof(*former));
}

void join_record(const struct join *join, const struct ha_address *own, unsigned own_n,
		 struct store_record *record)
{
	assert(own_n <= HA_VIP_MAX);
	record->paired = true;
	record->mode = join->joiner ? HA_MODE_PRIMARY_PASSIVE : HA_MODE_PRIMARY_ACTIVE;
	record->peer_boot = 0;
	record->suspended = false;
	record->suspended_until = 0;
	record->parting = PARTING_NONE;
	record->detached = false;
	record->whole_copy = !join->joiner;
	record->in_sync = false;
	if (join->term > record->term)
		record->term = join->term;
	if (join->joiner)
		record->held_term = 0; /* SPEC 5.D5 */
	memcpy(record->peer_key, join->peer_key, HA_KEY_LEN);
	memcpy(record->pair_secret, join->pair_secret, HA_KEY_LEN);
	memcpy(record->cluster_id, join->cluster_id, HA_CLUSTER_ID_LEN);
	memset(record->peer_name, 0, sizeof(record->peer_name));
	memset(record->vip, 0, sizeof(record->vip));
	record->vip_set &= !join->joiner; /* its own count no more */
	memcpy(record->peer_name, join->identity.host_name, sizeof(record->peer_name) - 1);
	if (join->joiner)
		memcpy(record->vip, join->identity.vip, sizeof(record->vip));
	else
		memcpy(record->vip, own, own_n * sizeof(*own));
	join_readmit(join->peer_key, record->former);
}

const char *join_refusal_text(enum msg_join_refusal why)
{
	static const char *const text[JOIN_REFUSAL_N] = {
		[JOIN_OK] = "it may join",
		[JOIN_NOT_ACTIVE] = "the other appliance is not primary (active)",
		[JOIN_OCCUPIED] = "the other appliance has a passive already",
		[JOIN_WRONG_ADDRESS] =
			"the address is not one of the other appliance's management addresses",
		[JOIN_NO_VIP] = "the other appliance has no virtual IP configured",
		[JOIN_REQUIREMENTS] = join_unmet,
		[JOIN_STORE] = "the other appliance could not write its cluster record",
	};

	return why < JOIN_REFUSAL_N ? text[why] : "?";
}
