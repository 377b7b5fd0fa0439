/* join.c - see join.h. */
#include "agent/join.h"

#include <assert.h>
#include <string.h>

#include "agent/config.h"

static struct join_step join_nothing(void)
{
	return (struct join_step){.what = JOIN_NOTHING};
}

static struct join_step join_fail(struct join *join, const char *text, bool refused)
{
	join->phase = JOIN_IDLE;
	return (struct join_step){.what = JOIN_FAILED, .text = text, .refused = refused};
}

void join_start(struct join *join, const struct ha_address *address, ha_time now)
{
	*join = (struct join){
		.joiner = true,
		.phase = JOIN_MEETING,
		.address = *address,
		.until = now + JOIN_TIMEOUT,
		.next = HA_NEVER,
	};
}

ha_time join_deadline(const struct join *join)
{
	if (!join->joiner || join->phase == JOIN_IDLE)
		return HA_NEVER;
	return join->next < join->until ? join->next : join->until;
}

static struct join_step join_ask(struct join *join, ha_time now)
{
	join->next = now + JOIN_REPEAT;
	return (struct join_step){
		.what = JOIN_SEND,
		.message = {.op = JOIN_REQUEST, .address = join->address},
	};
}

struct join_step join_timer(struct join *join, ha_time now)
{
	if (now < join_deadline(join))
		return join_nothing();
	if (now < join->until)
		return join_ask(join, now);
	switch (join->phase) {
	case JOIN_MEETING:
		return join_fail(join,
				 "no appliance answers on the link: is the cable in, and is "
				 "haagent running at the other end?",
				 false);
	case JOIN_ASKING:
		return join_fail(join, "the other appliance does not answer the request", false);
	default:
		return join_fail(join, "the cluster record is still not on disk", false);
	}
}

struct join_step join_up(struct join *join, const uint8_t peer_key[HA_KEY_LEN],
			 const uint8_t pair_secret[HA_KEY_LEN], ha_time now)
{
	if (join->phase != JOIN_MEETING && join->phase != JOIN_ASKING)
		return join_nothing();
	join->phase = JOIN_ASKING;
	join->identity_known = false;
	memcpy(join->peer_key, peer_key, HA_KEY_LEN);
	memcpy(join->pair_secret, pair_secret, HA_KEY_LEN);
	return join_ask(join, now);
}

void join_identity(struct join *join, const struct msg_identity *identity)
{
	if (join->phase != JOIN_ASKING)
		return;
	join->identity = *identity;
	join->identity_known = true;
}

/* What the record says is what the guardian puts on: in the order of the node, and each a station's. */
static bool join_has_vips(const struct msg_identity *identity)
{
	unsigned n = 0;

	while (n < HA_VIP_MAX && identity->vip[n].family != HA_FAMILY_NONE)
		n++;
	for (unsigned i = 0; i < HA_VIP_MAX; i++)
		if (i < n ? config_no_station(&identity->vip[i]) != NULL
			  : identity->vip[i].family != HA_FAMILY_NONE)
			return false;
	return n > 0;
}

struct join_step join_answer(struct join *join, const struct msg_join *answer)
{
	if (!join->joiner || join->phase != JOIN_ASKING)
		return join_nothing();
	if (answer->op == JOIN_REFUSE)
		return join_fail(join, join_refusal_text(answer->refusal), true);
	/* The virtual IPs come with the identity; it is sent again with the next answer. */
	if (answer->op != JOIN_ACCEPT || !join->identity_known)
		return join_nothing();
	if (!join_has_vips(&join->identity))
		return join_fail(join, "the other appliance states no usable virtual IP", false);
	memcpy(join->cluster_id, answer->cluster_id, HA_CLUSTER_ID_LEN);
	join->term = answer->term;
	join->phase = JOIN_SAVING;
	join->next = HA_NEVER;
	return (struct join_step){.what = JOIN_SAVE};
}

/* The first rule that speaks against it. The cluster requirements have their place behind these. */
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

struct join_step join_request(struct join *join, const struct join_view *view,
			      const uint8_t peer_key[HA_KEY_LEN],
			      const uint8_t pair_secret[HA_KEY_LEN],
			      const uint8_t fresh[HA_CLUSTER_ID_LEN])
{
	enum msg_join_refusal why;

	if (join->phase == JOIN_SAVING)
		return join_nothing(); /* the answer follows; the request comes again besides */
	if (join->joiner && join->phase != JOIN_IDLE)
		return join_refuse(JOIN_NOT_ACTIVE);
	*join = (struct join){.phase = JOIN_IDLE, .term = view->term};
	if (view->paired && memcmp(view->peer_key, peer_key, HA_KEY_LEN) == 0 &&
	    memcmp(view->pair_secret, pair_secret, HA_KEY_LEN) == 0) {
		memcpy(join->cluster_id, view->cluster_id, HA_CLUSTER_ID_LEN);
		return join_accept(join, JOIN_SEND); /* accepted before; that answer was lost */
	}
	why = join_refusal(view, peer_key);
	if (why != JOIN_OK)
		return join_refuse(why);
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
	join->phase = JOIN_IDLE;
	if (join->joiner && !ok)
		return join_fail(join, "the cluster record could not be written", false);
	if (!ok)
		return join_refuse(JOIN_STORE);
	if (join->joiner)
		return (struct join_step){.what = JOIN_PAIRED};
	return join_accept(join, JOIN_PAIRED);
}

void join_record(const struct join *join, const struct ha_address *own, unsigned own_n,
		 struct store_record *record)
{
	assert(own_n <= HA_VIP_MAX);
	record->paired = true;
	record->mode = join->joiner ? HA_MODE_PRIMARY_PASSIVE : HA_MODE_PRIMARY_ACTIVE;
	record->peer_boot = 0;
	record->suspended = false;
	record->whole_copy = !join->joiner;
	record->in_sync = false;
	if (join->term > record->term)
		record->term = join->term;
	memcpy(record->peer_key, join->peer_key, HA_KEY_LEN);
	memcpy(record->pair_secret, join->pair_secret, HA_KEY_LEN);
	memcpy(record->cluster_id, join->cluster_id, HA_CLUSTER_ID_LEN);
	memset(record->peer_name, 0, sizeof(record->peer_name));
	memset(record->vip, 0, sizeof(record->vip));
	if (join->joiner) {
		memcpy(record->vip, join->identity.vip, sizeof(record->vip));
		memcpy(record->peer_name, join->identity.host_name, sizeof(record->peer_name) - 1);
	} else {
		memcpy(record->vip, own, own_n * sizeof(*own));
	}
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
		[JOIN_REQUIREMENTS] = "the cluster requirements are not met",
		[JOIN_STORE] = "the other appliance could not write its cluster record",
	};

	return why < JOIN_REFUSAL_N ? text[why] : "?";
}
