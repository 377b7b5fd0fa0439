/* requirement.c - see requirement.h; the rules are SPEC 7.
 *
 * One function for each requirement, each of which asks in the same order: what the own identity decides by
 * itself, then whether the other one is known, then what the two decide together, and last what has to
 * be seen of the network. So a failure that is certain is told at once, and nothing passes unseen.
 */
#include "proto/requirement.h"

#include <assert.h>
#include <string.h>

enum {
	FAMILY_IPV4 = 1 << 0,
	FAMILY_IPV6 = 1 << 1,
	FAMILY_N = 2,
};

static const uint8_t family_of[FAMILY_N] = {HA_IPV4, HA_IPV6};

/* Texts are fields of size bytes; one that fills its field has no end. ASCII is all that a host name has. */
static bool text_equal(const char *a, const char *b, size_t size, bool fold)
{
	for (size_t i = 0; i < size; i++) {
		char x = a[i], y = b[i];

		if (fold && x >= 'A' && x <= 'Z')
			x = (char)(x - 'A' + 'a');
		if (fold && y >= 'A' && y <= 'Z')
			y = (char)(y - 'A' + 'a');
		if (x != y)
			return false;
		if (x == '\0')
			return true;
	}
	return true;
}

static const struct msg_identity *active_of(const struct requirement_view *view)
{
	return view->is_active ? view->own : view->peer;
}

static const struct msg_identity *passive_of(const struct requirement_view *view)
{
	return view->is_active ? view->peer : view->own;
}

/* What to say where the other one's identity would be needed. */
static uint8_t without_peer(const struct requirement_view *view)
{
	return view->facts.heard ? CAUSE_PENDING : CAUSE_UNHEARD;
}

/* Only the one that joins asks; and who has typed no address does not. */
static bool joining(const struct requirement_view *view)
{
	return !view->is_active && ha_address_len(&view->address) != 0;
}

static bool refused(const struct requirement_view *view, enum msg_join_refusal refusal)
{
	return joining(view) && view->reported && view->refusal == refusal;
}

/* ---- addresses ---- */

static unsigned families(const struct msg_identity *who)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++)
		for (unsigned f = 0; f < FAMILY_N; f++)
			if (who->management[i].address.family == family_of[f])
				bits |= 1U << f;
	return bits;
}

static bool common_network(const struct msg_identity *a, const struct msg_identity *b,
			   uint8_t family)
{
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++)
		for (unsigned j = 0; j < HA_ADDRESS_MAX; j++) {
			const struct msg_prefix *x = &a->management[i], *y = &b->management[j];

			if (x->address.family == family && x->length == y->length &&
			    ha_address_same_network(&x->address, &y->address, y->length))
				return true;
		}
	return false;
}

/* ---- the product's seven ---- */

static bool supported(const struct requirement_view *view)
{
	for (unsigned i = 0; i < view->model_n; i++)
		if (text_equal(view->own->model, view->model[i], MSG_MODEL_LEN + 1, false))
			return true;
	return false;
}

static uint8_t judge_model(const struct requirement_view *view)
{
	const struct msg_identity *own = view->own, *peer = view->peer;

	if (own->model[0] == '\0' || (peer != NULL && peer->model[0] == '\0'))
		return CAUSE_NO_MODEL;
	if (peer != NULL && !text_equal(own->model, peer->model, sizeof(own->model), false))
		return CAUSE_MODEL_DIFFERS;
	if (!supported(view))
		return CAUSE_MODEL_UNSUPPORTED;
	return peer != NULL ? CAUSE_NONE : without_peer(view);
}

static uint8_t judge_cable(const struct requirement_view *view)
{
	const struct requirement_facts *facts = &view->facts;
	const struct msg_identity *own = view->own, *peer = view->peer;

	if (peer != NULL && ((own->flags ^ peer->flags) & MSG_IDENTITY_DIRECT))
		return CAUSE_LINK_DIRECT;
	if (peer == NULL || !facts->heard)
		return without_peer(view);
	if ((own->flags & MSG_IDENTITY_DIRECT) && !facts->direct)
		return facts->listening ? CAUSE_PENDING : CAUSE_RELAYED;
	if (facts->stations)
		return CAUSE_STATIONS;
	return facts->listening ? CAUSE_PENDING : CAUSE_NONE;
}

/* An appliance may be without hotfix and patch; but each has a firmware. */
static uint8_t judge_version(const struct requirement_view *view)
{
	const struct msg_identity *own = view->own, *peer = view->peer;

	if (own->firmware[0] == '\0' || (peer != NULL && peer->firmware[0] == '\0'))
		return CAUSE_NO_FIRMWARE;
	if (peer == NULL)
		return without_peer(view);
	if (!text_equal(own->firmware, peer->firmware, sizeof(own->firmware), false))
		return CAUSE_FIRMWARE_DIFFERS;
	if (!text_equal(own->hotfix, peer->hotfix, sizeof(own->hotfix), false))
		return CAUSE_HOTFIX_DIFFERS;
	if (!text_equal(own->patch, peer->patch, sizeof(own->patch), false))
		return CAUSE_PATCH_DIFFERS;
	return CAUSE_NONE;
}

static uint8_t judge_host_name(const struct requirement_view *view)
{
	const struct msg_identity *own = view->own, *peer = view->peer;

	if (own->host_name[0] == '\0' || (peer != NULL && peer->host_name[0] == '\0'))
		return CAUSE_NO_HOST_NAME;
	if (peer == NULL)
		return without_peer(view);
	if (text_equal(own->host_name, peer->host_name, sizeof(own->host_name), true))
		return CAUSE_SAME_HOST_NAME;
	return CAUSE_NONE;
}

static uint8_t judge_families(const struct requirement_view *view)
{
	unsigned active, passive;

	if (families(view->own) == 0 || (view->peer != NULL && families(view->peer) == 0))
		return CAUSE_NO_ADDRESS;
	if (view->peer == NULL)
		return without_peer(view);
	active = families(active_of(view));
	passive = families(passive_of(view));
	if (active & ~passive)
		return CAUSE_FAMILY_ACTIVE;
	return passive & ~active ? CAUSE_FAMILY_PASSIVE : CAUSE_NONE;
}

/* Is the other one really in the segment? Of the families, the worst. */
static uint8_t judge_proof(const struct requirement_proof *proof, unsigned both)
{
	bool other_mac = false, over = false, pending = false;

	for (unsigned f = 0; f < FAMILY_N; f++) {
		if (!(both >> f & 1))
			continue;
		other_mac |= proof[f].other_mac;
		over |= !proof[f].answered && proof[f].over;
		pending |= !proof[f].answered;
	}
	return other_mac ? CAUSE_OTHER_MAC
	       : over    ? CAUSE_NOT_ANSWERED
	       : pending ? CAUSE_PENDING
			 : CAUSE_NONE;
}

static uint8_t judge_segment(const struct requirement_view *view)
{
	const struct msg_identity *own = view->own, *peer = view->peer;
	unsigned both;

	if (families(own) == 0 || (peer != NULL && families(peer) == 0))
		return CAUSE_NO_ADDRESS;
	if (peer == NULL)
		return without_peer(view);
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++)
		if (msg_identity_has(peer, &own->management[i].address))
			return CAUSE_SAME_ADDRESS;
	both = families(own) & families(peer);
	if (both == 0)
		return CAUSE_PREFIX_DIFFERS;
	for (unsigned f = 0; f < FAMILY_N; f++)
		if ((both >> f & 1) && !common_network(own, peer, family_of[f]))
			return CAUSE_PREFIX_DIFFERS;
	return judge_proof(view->facts.proof, both);
}

static uint8_t judge_virtual_ip(const struct requirement_view *view)
{
	const struct msg_identity *active = active_of(view), *passive = passive_of(view);
	bool management = false, outside = false, third = false;
	unsigned n = 0;

	if (active == NULL)
		return without_peer(view);
	for (unsigned i = 0; i < HA_VIP_MAX; i++) {
		const struct ha_address *vip = &active->vip[i];

		if (ha_address_len(vip) == 0)
			continue;
		n++;
		management |= msg_identity_has(active, vip);
		management |= passive != NULL && msg_identity_has(passive, vip);
		outside |= !msg_identity_reaches(active, vip);
		outside |= passive != NULL && !msg_identity_reaches(passive, vip);
		third |= view->facts.vip_third >> i & 1;
	}
	if (n == 0 || refused(view, JOIN_NO_VIP))
		return CAUSE_NO_VIP;
	if (management)
		return CAUSE_VIP_IS_MANAGEMENT;
	if (outside)
		return CAUSE_VIP_OUTSIDE;
	if (third)
		return CAUSE_VIP_THIRD_PARTY;
	if (passive == NULL)
		return without_peer(view);
	return view->facts.vip_over ? CAUSE_NONE : CAUSE_PENDING;
}

/* ---- what a join takes besides ---- */

/* The report says the first thing that the active objects to. So one that objects to this row decides it, one without
 * objections too; any other leaves it to the active's own table. */
static uint8_t judge_report(const struct requirement_view *view, enum msg_join_refusal objection,
			    enum requirement_cause cause)
{
	if (!view->reported)
		return without_peer(view);
	if (view->refusal == objection)
		return (uint8_t)cause;
	return view->refusal == JOIN_OK ? CAUSE_NONE : CAUSE_NOT_SEEN;
}

static uint8_t judge_address(const struct requirement_view *view)
{
	const struct msg_identity *active = active_of(view), *passive = passive_of(view);

	if (ha_address_len(&view->address) == 0)
		return CAUSE_NONE;
	if (passive != NULL && msg_identity_has(passive, &view->address))
		return CAUSE_ADDRESS_OWN;
	if (active == NULL)
		return without_peer(view);
	if (!msg_identity_has(active, &view->address) || refused(view, JOIN_WRONG_ADDRESS))
		return CAUSE_ADDRESS_OTHER;
	return CAUSE_NONE;
}

static uint8_t judge_role(const struct requirement_view *view)
{
	if (view->is_active)
		return view->own_holds ? CAUSE_NONE : CAUSE_NOT_ACTIVE;
	if (view->own_holds)
		return CAUSE_BOTH_ACTIVE;
	return joining(view) ? judge_report(view, JOIN_NOT_ACTIVE, CAUSE_NOT_ACTIVE) : CAUSE_NONE;
}

static uint8_t judge_vacant(const struct requirement_view *view)
{
	if (view->own_paired)
		return view->is_active ? CAUSE_OCCUPIED : CAUSE_PAIRED;
	if (!joining(view))
		return CAUSE_NONE;
	if (refused(view, JOIN_STORE))
		return CAUSE_STORE;
	return judge_report(view, JOIN_OCCUPIED, CAUSE_OCCUPIED);
}

static uint8_t judge_timing(const struct requirement_view *view)
{
	const struct msg_identity *own = view->own, *peer = view->peer;

	if (peer == NULL)
		return without_peer(view);
	if (own->heartbeat_us != peer->heartbeat_us || own->dead_us != peer->dead_us ||
	    own->confirm_us != peer->confirm_us)
		return CAUSE_TIMING_DIFFERS;
	return CAUSE_NONE;
}

/* Who was authenticated speaks the protocol, whatever else is heard, if it can say who it is; but one that then begins
 * a handshake of its own has left the session, and will not report. */
static uint8_t judge_protocol(const struct requirement_view *view)
{
	bool authentic = view->facts.heard || view->peer != NULL;

	if (authentic && view->facts.malformed)
		return CAUSE_IDENTITY;
	if (authentic && !(view->facts.crossed && !view->reported))
		return CAUSE_NONE;
	if (!authentic && view->facts.other_version)
		return CAUSE_VERSION;
	if (view->facts.crossed)
		return CAUSE_CROSSED;
	return view->facts.unverified ? CAUSE_PASSPHRASE : CAUSE_UNHEARD;
}

void requirements_judge(const struct requirement_view *view, uint8_t cause[REQUIREMENT_N])
{
	static uint8_t (*const judge[REQUIREMENT_N])(const struct requirement_view *) = {
		[REQUIREMENT_MODEL] = judge_model,
		[REQUIREMENT_CABLE] = judge_cable,
		[REQUIREMENT_VERSION] = judge_version,
		[REQUIREMENT_HOST_NAME] = judge_host_name,
		[REQUIREMENT_FAMILIES] = judge_families,
		[REQUIREMENT_SEGMENT] = judge_segment,
		[REQUIREMENT_VIRTUAL_IP] = judge_virtual_ip,
		[REQUIREMENT_ADDRESS] = judge_address,
		[REQUIREMENT_ROLE] = judge_role,
		[REQUIREMENT_VACANT] = judge_vacant,
		[REQUIREMENT_TIMING] = judge_timing,
		[REQUIREMENT_PROTOCOL] = judge_protocol,
	};

	assert(view->own != NULL);
	assert(view->model != NULL || view->model_n == 0);
	for (unsigned i = 0; i < REQUIREMENT_N; i++)
		cause[i] = judge[i](view);
}

/* ---- the table ---- */

/* Which of two sides is believed: the one of the higher weight. */
static unsigned weight(uint8_t cause)
{
	if (cause == CAUSE_NOT_SEEN)
		return 0;
	if (cause == CAUSE_NONE)
		return 1;
	return requirement_result((enum requirement_cause)cause) == REQUIREMENT_UNKNOWN ? 2 : 3;
}

void requirements_merge(uint8_t own[REQUIREMENT_N], const uint8_t peer[REQUIREMENT_N])
{
	for (unsigned i = 0; i < REQUIREMENT_N; i++)
		if (weight(peer[i]) > weight(own[i]))
			own[i] = peer[i];
}

bool requirements_met(const uint8_t cause[REQUIREMENT_N])
{
	for (unsigned i = 0; i < REQUIREMENT_N; i++)
		if (cause[i] != CAUSE_NONE)
			return false;
	return true;
}

enum requirement_result requirement_result(enum requirement_cause cause)
{
	switch (cause) {
	case CAUSE_NONE:
		return REQUIREMENT_PASS;
	case CAUSE_UNHEARD:
	case CAUSE_PENDING:
	case CAUSE_NOT_SEEN:
		return REQUIREMENT_UNKNOWN;
	default: /* also one that is not in the list: a newer peer's objection */
		return REQUIREMENT_FAIL;
	}
}

static const struct {
	const char *name, *title;
} requirements[REQUIREMENT_N] = {
	[REQUIREMENT_MODEL] = {"hardware_model", "Hardware model"},
	[REQUIREMENT_CABLE] = {"physical_connection", "Physical connection"},
	[REQUIREMENT_VERSION] = {"version", "Firmware, hotfix, and patch version"},
	[REQUIREMENT_HOST_NAME] = {"host_name", "Host name"},
	[REQUIREMENT_FAMILIES] = {"ip_addresses", "IP addresses"},
	[REQUIREMENT_SEGMENT] = {"network_segment", "Network segment"},
	[REQUIREMENT_VIRTUAL_IP] = {"virtual_ip", "Virtual IP address"},
	[REQUIREMENT_ADDRESS] = {"address", "Active primary IP address"},
	[REQUIREMENT_ROLE] = {"role", "Role of the other appliance"},
	[REQUIREMENT_VACANT] = {"vacant", "Free to take a passive"},
	[REQUIREMENT_TIMING] = {"timing", "Timing"},
	[REQUIREMENT_PROTOCOL] = {"protocol", "Protocol and passphrase"},
};

static const char *const remedies[CAUSE_N] = {
	[CAUSE_NONE] = "",
	[CAUSE_UNHEARD] = "Check that the cable is plugged in at eth3 of both appliances and that "
			  "haagent runs on the other one.",
	[CAUSE_PENDING] = "Test the connection again: the answer has not come yet.",
	[CAUSE_NOT_SEEN] = "Test the connection again: only the other appliance can tell, and it "
			   "has not said.",
	[CAUSE_MODEL_DIFFERS] = "Pair two appliances of the same hardware model.",
	[CAUSE_MODEL_UNSUPPORTED] = "Use appliances of a hardware model that may form a pair; the "
				    "configuration lists them.",
	[CAUSE_RELAYED] =
		"Wire eth3 of both appliances directly to each other, without a switch between.",
	[CAUSE_STATIONS] = "Disconnect every other station from the link: only the two appliances "
			   "may be on it.",
	[CAUSE_LINK_DIRECT] = "Set link_direct to the same value on both appliances.",
	[CAUSE_FIRMWARE_DIFFERS] = "Bring both appliances to the same firmware version.",
	[CAUSE_HOTFIX_DIFFERS] = "Install the same hotfix on both appliances.",
	[CAUSE_PATCH_DIFFERS] = "Install the same patch on both appliances.",
	[CAUSE_SAME_HOST_NAME] = "Give one of the appliances another host name.",
	[CAUSE_NO_HOST_NAME] = "Give each of the appliances a host name, of printable "
			       "characters.",
	[CAUSE_FAMILY_ACTIVE] = "Give the passive an IP address of the family that only the active "
				"has, or take that family from the active.",
	[CAUSE_FAMILY_PASSIVE] = "Take the IP addresses of the family that the active has not from "
				 "the passive, or give the active one.",
	[CAUSE_NO_ADDRESS] =
		"Give the management interface of each of the appliances an IP address.",
	[CAUSE_PREFIX_DIFFERS] = "Put the management interfaces into one network, with the same "
				 "prefix length, in each IP family that both have.",
	[CAUSE_OTHER_MAC] = "Find the station that answers for a management address of the "
			    "appliances, and give it another address.",
	[CAUSE_NOT_ANSWERED] =
		"Connect the management interfaces of both appliances to the same network segment.",
	[CAUSE_NO_VIP] = "Configure a virtual IP address on the active appliance (virtual_ip).",
	[CAUSE_VIP_OUTSIDE] =
		"Choose virtual IP addresses in a management network that both appliances are in.",
	[CAUSE_VIP_IS_MANAGEMENT] =
		"Choose virtual IP addresses that are no management address of either appliance.",
	[CAUSE_VIP_THIRD_PARTY] = "Find the station that answers for the virtual IP address and "
				  "give it another, or choose another virtual IP.",
	[CAUSE_ADDRESS_OWN] = "Name the management address of the active appliance, not that of "
			      "the one that joins.",
	[CAUSE_ADDRESS_OTHER] = "Name one of the management addresses of the appliance at the "
				"other end of the cable.",
	[CAUSE_NOT_ACTIVE] = "Join an appliance that is primary (active).",
	[CAUSE_BOTH_ACTIVE] =
		"Remove the virtual IP from the appliance that joins: it is active itself.",
	[CAUSE_OCCUPIED] =
		"Detach or remove the passive that the active appliance has, then join again.",
	[CAUSE_PAIRED] = "Detach this appliance from the pair that it is in, then join again.",
	[CAUSE_TIMING_DIFFERS] = "Set the same timing on both appliances.",
	[CAUSE_VERSION] = "Install the same version of haagent on both appliances.",
	[CAUSE_PASSPHRASE] = "Set the same cluster_passphrase on both appliances.",
	[CAUSE_STORE] = "Make the state directory of the active appliance writable: it cannot keep "
			"its cluster record.",
	[CAUSE_NO_MODEL] = "State the hardware model in the configuration of each of the "
			   "appliances (appliance).",
	[CAUSE_NO_FIRMWARE] = "State the firmware version in the configuration of each of the "
			      "appliances (appliance).",
	[CAUSE_SAME_ADDRESS] =
		"Give one of the appliances another management address: both have the same.",
	[CAUSE_CROSSED] = "Test or join from one of the two only, and try again: the other "
			  "appliance did the same just now.",
	[CAUSE_IDENTITY] = "Look at the configuration and the version of the other appliance: "
			   "what it states of itself is malformed.",
};

const char *requirement_name(enum requirement requirement)
{
	return (size_t)requirement < REQUIREMENT_N ? requirements[requirement].name : "?";
}

const char *requirement_title(enum requirement requirement)
{
	return (size_t)requirement < REQUIREMENT_N ? requirements[requirement].title : "?";
}

const char *requirement_result_name(enum requirement_result result)
{
	static const char *const names[] = {"pass", "fail", "unknown"};

	return (size_t)result < sizeof(names) / sizeof(*names) ? names[result] : "?";
}

const char *requirement_remedy(enum requirement_cause cause)
{
	return (size_t)cause < CAUSE_N ? remedies[cause]
				       : "Look at the other appliance: it runs a newer haagent, "
					 "whose objection is not known here.";
}
