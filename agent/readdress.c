/* readdress.c - --virtual-ip: other virtual IPs while the agent runs (SPEC 5.12).
 *
 * Looked at here, asked for on the segment, agreed upon with the passive, which has them on its disk first, and written down:
 * then the node changes over. Nothing has changed before, at this appliance; what a lost answer has left at the other one is
 * mended by what a holder says of itself.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "agent/engine_state.h"

enum {
	PROBES =
		3, /* of each new address, to everybody: as before one is taken at boot (SPEC 5.4) */
};

#define PROBE_EVERY    (100 * HA_MS)
#define REPEAT         (200 * HA_MS)
#define ASK_TIMEOUT    (3 * HA_SEC)
#define CHANGE_TIMEOUT (3 * HA_SEC)
#define SETTLED        (10 * HA_SEC) /* longer than the active asks, writes and changes over */

bool readdress_is_busy(const struct engine *engine)
{
	return engine->readdress.phase != READDRESS_IDLE || engine->node.readdress.pending;
}

static void readdress_current(const struct engine *engine, struct addresses *out)
{
	const struct node *node = &engine->node;
	bool none = !node->config.paired && node->mode == HA_MODE_STANDALONE;

	*out = (struct addresses){.n = none ? 0 : node->config.vip_n};
	memcpy(out->vip, node->config.vip, out->n * sizeof(out->vip[0]));
}

static bool readdress_same(const struct addresses *a, const struct addresses *b)
{
	unsigned same = 0;

	for (unsigned i = 0; i < a->n; i++)
		same += addresses_have(b, &a->vip[i]);
	return a->n == b->n && same == a->n;
}

/* ---- are they fit? ---- */

/* Those that are not this appliance's yet. */
static bool readdress_is_new(const struct engine *engine, const struct ha_address *a)
{
	struct addresses current;

	readdress_current(engine, &current);
	return !addresses_have(&current, a);
}

/* On whatever interface: the guardian puts no address on that somebody else has put on this host. What is this appliance's
 * already may be on by the guardian's doing. */
static bool readdress_is_elsewhere(const struct engine *engine, const struct ha_address *a)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (!readdress_is_new(engine, a) || getifaddrs(&all) != 0)
		return false;
	for (const struct ifaddrs *one = all; one != NULL && !found; one = one->ifa_next) {
		const struct sockaddr *addr = one->ifa_addr;

		if (addr != NULL && addr->sa_family == AF_INET && a->family == HA_IPV4)
			found = memcmp(&((const struct sockaddr_in *)(const void *)addr)->sin_addr,
				       a->b, sizeof(struct in_addr)) == 0;
		else if (addr != NULL && addr->sa_family == AF_INET6 && a->family == HA_IPV6)
			found = memcmp(&((const struct sockaddr_in6 *)(const void *)addr)
						->sin6_addr,
				       a->b, sizeof(struct in6_addr)) == 0;
	}
	freeifaddrs(all);
	return found;
}

/* The first or the last of an IPv4 network: that of the network itself, or of all that are in it. */
static bool readdress_is_network(const struct msg_identity *own, const struct ha_address *a)
{
	uint32_t host, mask;

	memcpy(&host, a->b, sizeof(host));
	host = ntohl(host);
	for (unsigned i = 0; i < HA_ADDRESS_MAX && a->family == HA_IPV4; i++) {
		const struct msg_prefix *p = &own->management[i];

		if (!ha_address_same_network(&p->address, a, p->length) || p->length > 30)
			continue;
		mask = UINT32_MAX >> p->length;
		if ((host & mask) == 0 || (host & mask) == mask)
			return true;
	}
	return false;
}

static bool readdress_is_witness(const struct engine *engine, const struct ha_address *a)
{
	struct ha_address gateway[NODE_STATIONS_MAX];
	unsigned n = segment_gateways(&engine->segment, gateway);
	bool found = false;

	for (unsigned i = 0; i < engine->config.witness_n; i++)
		found |= ha_address_equal(&engine->config.witness[i], a);
	for (unsigned i = 0; i < n; i++)
		found |= ha_address_equal(&gateway[i], a);
	return found;
}

/* Of one address, NULL, or what is wrong with it. */
static const char *readdress_unfit(const struct engine *engine, const struct ha_address *a)
{
	const struct msg_identity *peer = engine->record.paired ? &engine->peer : NULL;

	if (segment_owns(&engine->segment, a) || msg_identity_has(&engine->own, a))
		return "is a management address of this appliance";
	if (peer != NULL && msg_identity_has(peer, a))
		return "is a management address of the other appliance";
	if (readdress_is_elsewhere(engine, a))
		return "is an address of another interface of this appliance";
	if (readdress_is_witness(engine, a))
		return "is a gateway, or a witness of the configuration";
	if (!msg_identity_reaches(&engine->own, a))
		return "is in no network of the management interface";
	if (readdress_is_network(&engine->own, a))
		return "is no address of a station in its network";
	if (peer != NULL && !msg_identity_reaches(peer, a))
		return "is in no network of the other appliance's management interface";
	return NULL;
}

/* Whatever the segment says. False: text says what is wrong. */
static bool readdress_fit(const struct engine *engine, const struct addresses *addresses,
			  char text[CONTROL_TEXT_MAX])
{
	for (unsigned i = 0; i < addresses->n; i++) {
		const struct ha_address *a = &addresses->vip[i];
		const struct addresses before = {.n = i, .vip = {{0}}};
		struct addresses seen = before;
		const char *never = config_no_station(a), *unfit;
		char name[DUMP_ADDRESS_MAX];

		dump_address(name, a);
		memcpy(seen.vip, addresses->vip, i * sizeof(*a));
		if (never != NULL) {
			snprintf(text, CONTROL_TEXT_MAX, "%s is %s", name, never);
			return false;
		}
		unfit = addresses_have(&seen, a) ? "is named twice" : readdress_unfit(engine, a);
		if (unfit != NULL) {
			snprintf(text, CONTROL_TEXT_MAX, "%s %s", name, unfit);
			return false;
		}
	}
	return true;
}

/* ---- the operator ---- */

bool readdress_may(struct engine *engine, char text[CONTROL_TEXT_MAX])
{
	enum node_refusal refusal = node_may_readdress(&engine->node, engine_now(engine));
	bool paired = engine->record.paired;

	if (refusal == REFUSED_NOT && engine->part.phase != PART_IDLE)
		refusal = REFUSED_BUSY;
	if (refusal == REFUSED_NOT && readdress_is_busy(engine))
		refusal = REFUSED_READDRESSING;
	text[0] = '\0';
	if (refusal != REFUSED_NOT)
		serve_refusal(engine, refusal, text);
	else if (engine->join.phase != JOIN_IDLE)
		snprintf(text, CONTROL_TEXT_MAX,
			 "a join, or a test of the connection, is under way");
	else if (paired && !engine->peer_known)
		snprintf(text, CONTROL_TEXT_MAX, "the passive has not said who it is yet");
	else if (paired && !(engine->peer.flags & MSG_IDENTITY_ADDRESSES))
		snprintf(text, CONTROL_TEXT_MAX,
			 "the passive runs a version of haagent that cannot change the virtual "
			 "IP: upgrade it first");
	return text[0] == '\0';
}

/* False: text says what it is not. */
static bool readdress_parse(const json_t *request, struct addresses *out,
			    char text[CONTROL_TEXT_MAX])
{
	const json_t *list = json_object_get(request, "addresses");
	size_t n = json_array_size(list);

	*out = (struct addresses){.n = 0};
	if (!json_is_array(list)) {
		snprintf(text, CONTROL_TEXT_MAX, "addresses is a list of IPv4 and IPv6 addresses");
		return false;
	}
	if (n > HA_VIP_MAX) {
		snprintf(text, CONTROL_TEXT_MAX, "%zu addresses are more than %d", n, HA_VIP_MAX);
		return false;
	}
	for (; out->n < n; out->n++) {
		const char *one = json_string_value(json_array_get(list, out->n));
		struct ha_address *a = &out->vip[out->n];

		if (one != NULL && inet_pton(AF_INET, one, a->b) == 1)
			a->family = HA_IPV4;
		else if (one != NULL && inet_pton(AF_INET6, one, a->b) == 1)
			a->family = HA_IPV6;
		if (a->family != HA_FAMILY_NONE)
			continue;
		snprintf(text, CONTROL_TEXT_MAX, "number %u of the list is no IPv4 or IPv6 address",
			 out->n + 1);
		return false;
	}
	return true;
}

static void readdress_describe(const struct addresses *addresses, char *text, size_t cap)
{
	const char *before = addresses->n == 1 ? "the virtual IP is " : "the virtual IPs are ";

	snprintf(text, cap, "%s",
		 addresses->n == 0 ? "there is no virtual IP now: this appliance is standalone"
				   : "");
	for (unsigned i = 0; i < addresses->n; i++) {
		size_t len = strlen(text);
		char name[DUMP_ADDRESS_MAX];

		dump_address(name, &addresses->vip[i]);
		snprintf(text + len, cap - len, "%s%s", before, name);
		before = ", ";
	}
}

static void readdress_answer(struct engine *engine, enum control_result result, const char *text)
{
	control_answer(&engine->control, engine->readdress.request, result, text);
	engine->readdress.request = 0;
	engine->readdress.phase = READDRESS_IDLE;
}

static bool readdress_has_new(const struct engine *engine)
{
	const struct addresses *wanted = &engine->readdress.addresses;

	for (unsigned i = 0; i < wanted->n; i++)
		if (readdress_is_new(engine, &wanted->vip[i]))
			return true;
	return false;
}

bool readdress_start(struct engine *engine, const json_t *request, uint32_t number,
		     struct control_answer *answer)
{
	struct readdress next = {.phase = READDRESS_PROBING, .request = number};
	struct addresses current;
	char *text = answer->text;

	answer->result = CONTROL_REFUSED;
	if (!readdress_parse(request, &next.addresses, text) || !readdress_may(engine, text) ||
	    !readdress_fit(engine, &next.addresses, text))
		return true;
	if (next.addresses.n == 0 && engine->record.paired) {
		snprintf(text, CONTROL_TEXT_MAX, "a pair needs a virtual IP: it has to have one");
		return true;
	}
	readdress_current(engine, &current);
	if (readdress_same(&next.addresses, &current)) {
		answer->result = CONTROL_DONE;
		readdress_describe(&current, text, CONTROL_TEXT_MAX);
		return true;
	}
	next.next = engine->now;
	next.settled = engine->readdress.settled;
	engine->readdress = next;
	if (!readdress_has_new(engine)) {
		engine->readdress.probes = PROBES;
	} else if (!engine->node.path[HA_PATH_MANAGEMENT].carrier) {
		snprintf(text, CONTROL_TEXT_MAX,
			 "the management interface has no carrier: whether an address is free "
			 "cannot be asked");
		engine->readdress.phase = READDRESS_IDLE;
		return true;
	}
	return false;
}

/* ---- the disk ---- */

void readdress_record(const struct engine *engine, struct store_record *record)
{
	addresses_record(record, &engine->config, &engine->readdress.addresses);
	/* Who is given one has it, also where the end of a pair had left it without (SPEC 5.X5). */
	record->detached &= engine->readdress.addresses.n == 0;
}

static void readdress_save(struct engine *engine)
{
	struct readdress *r = &engine->readdress;

	r->phase = READDRESS_SAVING;
	r->save = ENGINE_OWN_SAVE | ++engine->own_save;
	if (!act_save(engine, r->save))
		readdress_saved(engine, r->save, false);
}

/* ---- two of a pair ---- */

static void readdress_send(struct engine *engine, enum msg_addresses_op op,
			   enum msg_addresses_refusal why, const struct ha_address vip[HA_VIP_MAX])
{
	struct msg_addresses message = {.op = (uint8_t)op, .refusal = (uint8_t)why};
	uint8_t body[256];
	size_t len;

	memcpy(message.cluster_id, engine->record.cluster_id, HA_CLUSTER_ID_LEN);
	memcpy(message.vip, vip, sizeof(message.vip));
	len = msg_encode_addresses(body, sizeof(body), &message);
	assert(len != 0);
	for (int i = 0; i < HA_PATH_N; i++)
		act_message(engine, (enum ha_path)i, MSG_ADDRESSES, body, len);
}

static const char *readdress_refusal_text(enum msg_addresses_refusal why)
{
	static const char *const text[ADDRESSES_REFUSAL_N] = {
		[ADDRESSES_STORE] = "the passive appliance could not write its cluster record",
		[ADDRESSES_HOLDER] = "the passive appliance does not take this one for the holder",
		[ADDRESSES_SYNCING] = "the passive appliance is still copying the settings for the "
				      "first time",
		[ADDRESSES_OWN] = "one of them is an address of the passive appliance",
		[ADDRESSES_NETWORK] = "one of them is in no network of the passive appliance's "
				      "management interface",
		[ADDRESSES_WITNESS] = "one of them is a gateway, or a witness, of the passive "
				      "appliance",
		[ADDRESSES_BUSY] = "the passive appliance is busy with another change of the pair",
	};

	return why < ADDRESSES_REFUSAL_N && text[why] != NULL ? text[why]
							      : "the passive appliance refuses";
}

/* At the passive. */
static enum msg_addresses_refusal readdress_judge(struct engine *engine,
						  const struct addresses *addresses)
{
	enum msg_addresses_refusal refusal =
		node_may_be_readdressed(&engine->node, engine_now(engine));

	if (refusal != ADDRESSES_OK)
		return refusal;
	if (engine->readdress.phase != READDRESS_IDLE || engine->part.phase != PART_IDLE ||
	    engine->join.phase != JOIN_IDLE)
		return ADDRESSES_BUSY;
	for (unsigned i = 0; i < addresses->n; i++) {
		const struct ha_address *a = &addresses->vip[i];

		if (segment_owns(&engine->segment, a) || readdress_is_elsewhere(engine, a))
			return ADDRESSES_OWN;
		if (readdress_is_witness(engine, a))
			return ADDRESSES_WITNESS;
		if (config_no_station(a) != NULL || !msg_identity_reaches(&engine->own, a))
			return ADDRESSES_NETWORK;
	}
	return ADDRESSES_OK;
}

static void readdress_accepted(struct engine *engine, const struct ha_address vip[HA_VIP_MAX])
{
	engine->readdress.settled = engine_now(engine) + SETTLED;
	readdress_send(engine, ADDRESSES_ACCEPT, ADDRESSES_OK, vip);
}

static void readdress_proposed(struct engine *engine, const struct addresses *addresses)
{
	struct readdress *r = &engine->readdress;
	enum msg_addresses_refusal refusal;
	struct addresses current;

	if (r->phase == READDRESS_SAVING && r->proposed &&
	    addresses_same(&r->addresses, addresses->vip, addresses->n))
		return; /* the answer follows */
	refusal = readdress_judge(engine, addresses);
	if (refusal != ADDRESSES_OK) {
		readdress_send(engine, ADDRESSES_REFUSE, refusal, addresses->vip);
		return;
	}
	readdress_current(engine, &current);
	if (addresses_same(&current, addresses->vip, addresses->n)) {
		readdress_accepted(engine, addresses->vip);
		return;
	}
	*r = (struct readdress){.addresses = *addresses, .proposed = true, .settled = r->settled};
	readdress_save(engine);
}

void readdress_message(struct engine *engine, const struct msg_addresses *message)
{
	struct readdress *r = &engine->readdress;
	struct addresses addresses = {.n = ha_address_count(message->vip, HA_VIP_MAX)};

	if (memcmp(message->cluster_id, engine->record.cluster_id, HA_CLUSTER_ID_LEN) != 0)
		return;
	memcpy(addresses.vip, message->vip, sizeof(addresses.vip));
	if (message->op == ADDRESSES_PROPOSE) {
		readdress_proposed(engine, &addresses);
		return;
	}
	if (r->phase != READDRESS_ASKING ||
	    !addresses_same(&r->addresses, addresses.vip, addresses.n))
		return; /* to an earlier question */
	if (message->op == ADDRESSES_ACCEPT)
		readdress_save(engine);
	else
		readdress_answer(
			engine, CONTROL_REFUSED,
			readdress_refusal_text((enum msg_addresses_refusal)message->refusal));
}

/* ---- changing over ---- */

static void readdress_change(struct engine *engine)
{
	const struct readdress *r = &engine->readdress;
	struct node_event event = {.type = EV_ADDRESSES, .addresses.n = r->addresses.n};

	memcpy(event.addresses.vip, r->addresses.vip, sizeof(event.addresses.vip));
	segment_set_vips(&engine->segment, r->addresses.vip, r->addresses.n);
	engine_feed(engine, &event);
	act_refresh_identity(engine);
}

void readdress_saved(struct engine *engine, uint64_t number, bool ok)
{
	struct readdress *r = &engine->readdress;

	if (r->phase != READDRESS_SAVING || number != r->save)
		return;
	r->phase = READDRESS_IDLE;
	if (!ok) {
		r->settled = engine_now(engine) + SETTLED; /* not at every heartbeat */
		if (r->proposed)
			readdress_send(engine, ADDRESSES_REFUSE, ADDRESSES_STORE, r->addresses.vip);
		readdress_answer(
			engine, CONTROL_ERROR,
			"the cluster record could not be written; nothing has changed here");
		act_save(engine,
			 ENGINE_OWN_SAVE | ++engine->own_save); /* should that one come late */
		return;
	}
	readdress_record(engine, &engine->record);
	if (!r->proposed && !r->adopted) {
		r->phase = READDRESS_CHANGING;
		r->until = engine_now(engine) + CHANGE_TIMEOUT;
	}
	readdress_change(engine);
	if (r->proposed)
		readdress_accepted(engine, r->addresses.vip);
}

/* What is written from now on is without it, also where that was on its way to the disk. */
void readdress_give_up(struct engine *engine)
{
	if (engine->readdress.phase != READDRESS_IDLE)
		readdress_answer(engine, CONTROL_ERROR, "the pair has ended meanwhile");
}

void readdress_steward(struct engine *engine)
{
	struct readdress *r = &engine->readdress;

	if (r->phase == READDRESS_SAVING && !act_save(engine, r->save))
		readdress_saved(engine, r->save, false);
}

/* Is what was asked for done? Who held holds the new ones. */
static void readdress_done(struct engine *engine)
{
	const struct readdress *r = &engine->readdress;
	const struct node *node = &engine->node;
	bool held = node->state == HA_ACTIVE && node->lease.wanted;
	bool on = held && node->claim == HA_CLAIM_HOLDING;
	bool taking = (held && !on) || (!node->config.paired && node->state == HA_INITIALIZING);
	char text[CONTROL_TEXT_MAX];
	size_t len;

	if (r->phase != READDRESS_CHANGING)
		return;
	if ((node->readdress.pending || node->lease.again != HA_NEVER || taking) &&
	    engine->now < r->until)
		return;
	act_refresh_identity(engine);
	readdress_describe(&r->addresses, text, sizeof(text));
	len = strlen(text);
	if (r->addresses.n > 0 && !on)
		snprintf(text + len, sizeof(text) - len, "%s",
			 engine->record.paired || held
				 ? "; this appliance does not have it yet: see --dump"
				 : "; it is taken unless another station answers for it: see "
				   "--dump");
	readdress_answer(engine, CONTROL_DONE, text);
}

/* ---- what the holder has ---- */

/* SPEC 5.X4: what it says of itself, if that is not older than what its heartbeats say. */
static void readdress_adopt(struct engine *engine)
{
	const struct msg_identity *peer = &engine->peer;
	struct readdress *r = &engine->readdress;
	struct addresses current, theirs = {.n = 0};

	if (!engine->record.paired || !engine->peer_known || r->phase != READDRESS_IDLE ||
	    engine->now < r->settled)
		return;
	readdress_current(engine, &current);
	while (theirs.n < HA_VIP_MAX && peer->vip[theirs.n].family != HA_FAMILY_NONE &&
	       config_no_station(&peer->vip[theirs.n]) == NULL) {
		theirs.vip[theirs.n] = peer->vip[theirs.n];
		theirs.n++;
	}
	if (theirs.n == 0 || addresses_same(&theirs, current.vip, current.n) ||
	    peer->revision != engine->node.peer.last.identity_revision ||
	    engine->part.phase != PART_IDLE || engine->join.phase != JOIN_IDLE ||
	    !node_follows(&engine->node, engine->now))
		return;
	*r = (struct readdress){.addresses = theirs, .adopted = true, .settled = r->settled};
	readdress_save(engine);
}

void readdress_after(struct engine *engine)
{
	readdress_done(engine);
	readdress_adopt(engine);
}

/* ---- the segment, and time ---- */

void readdress_segment(struct engine *engine, const struct segment_frame *frame)
{
	const struct addresses *wanted = &engine->readdress.addresses;
	const struct ha_address *a =
		frame->sender.family != HA_FAMILY_NONE ? &frame->sender : &frame->target;
	const uint8_t *mac = frame->source.b;
	char name[DUMP_ADDRESS_MAX], text[CONTROL_TEXT_MAX];

	if (engine->readdress.phase != READDRESS_PROBING || !addresses_have(wanted, a) ||
	    !readdress_is_new(engine, a))
		return;
	dump_address(name, a);
	snprintf(text, sizeof(text),
		 "another station answers for %s: %02x:%02x:%02x:%02x:%02x:%02x", name, mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
	readdress_answer(engine, CONTROL_REFUSED, text);
}

static void readdress_probe(struct engine *engine)
{
	const struct addresses *wanted = &engine->readdress.addresses;

	for (unsigned i = 0; i < wanted->n; i++) {
		const struct node_action ask = {.type = ACT_PROBE, .address = wanted->vip[i]};

		if (readdress_is_new(engine, &wanted->vip[i]))
			act_question(engine, &ask);
	}
}

/* Nobody else has them: but is everything else still as it was? */
static void readdress_probed(struct engine *engine, ha_time now)
{
	struct readdress *r = &engine->readdress;
	char text[CONTROL_TEXT_MAX];

	r->phase = READDRESS_IDLE;
	if (!readdress_may(engine, text) || !readdress_fit(engine, &r->addresses, text)) {
		readdress_answer(engine, CONTROL_REFUSED, text);
		return;
	}
	if (!engine->record.paired) {
		readdress_save(engine);
		return;
	}
	r->phase = READDRESS_ASKING;
	r->until = now + ASK_TIMEOUT;
	r->next = now;
}

ha_time readdress_deadline(const struct engine *engine)
{
	const struct readdress *r = &engine->readdress;

	switch (r->phase) {
	case READDRESS_PROBING:
		return r->next;
	case READDRESS_ASKING:
		return r->next < r->until ? r->next : r->until;
	case READDRESS_CHANGING:
		return r->until;
	case READDRESS_IDLE:
	case READDRESS_SAVING:
		break;
	}
	return HA_NEVER;
}

void readdress_timer(struct engine *engine, ha_time now)
{
	struct readdress *r = &engine->readdress;

	if (now < readdress_deadline(engine))
		return;
	if (r->phase == READDRESS_PROBING && r->probes < PROBES) {
		r->probes++;
		r->next = now + PROBE_EVERY;
		readdress_probe(engine);
	} else if (r->phase == READDRESS_PROBING) {
		readdress_probed(engine, now);
	} else if (r->phase == READDRESS_ASKING && now >= r->until) {
		readdress_answer(engine, CONTROL_ERROR,
				 "the passive appliance did not answer; nothing has changed here");
	} else if (r->phase == READDRESS_ASKING) {
		r->next = now + REPEAT;
		readdress_send(engine, ADDRESSES_PROPOSE, ADDRESSES_OK, r->addresses.vip);
	}
}
