#include "proto/msg_names.h"

#include <stddef.h>

#include "proto/msg.h"
#include "proto/requirement.h"

#define NAME_OF(table, i)                                                                          \
	((i) < sizeof(table) / sizeof(*(table)) && (table)[i] != NULL ? (table)[i] : "?")

const char *msg_type_name(unsigned type)
{
	static const char *const names[] = {
		[MSG_BEACON] = "BEACON",       [MSG_HANDSHAKE] = "HANDSHAKE",
		[MSG_HEARTBEAT] = "HEARTBEAT", [MSG_SOLICIT] = "SOLICIT",
		[MSG_ANSWER] = "ANSWER",       [MSG_IDENTITY] = "IDENTITY",
		[MSG_JOIN] = "JOIN",           [MSG_DETACH] = "DETACH",
		[MSG_DISOWN] = "DISOWN",       [MSG_ACCOUNT] = "ACCOUNT",
		[MSG_ADDRESSES] = "ADDRESSES", [MSG_SYNC_DATA] = "SYNC_DATA",
		[MSG_SYNC_ACK] = "SYNC_ACK",   [MSG_SYNC_HELLO] = "SYNC_HELLO",
		[MSG_DECISION] = "DECISION",
	};

	return NAME_OF(names, type);
}

const char *msg_pattern_name(unsigned pattern)
{
	static const char *const names[] = {"XX", "KKpsk0"};

	return NAME_OF(names, pattern);
}

const char *msg_phase_name(unsigned phase)
{
	static const char *const names[HANDOVER_N] = {
		[HANDOVER_NONE] = "none",     [HANDOVER_INTENT] = "intent",
		[HANDOVER_ACK] = "ack",       [HANDOVER_RESIGNED] = "resigned",
		[HANDOVER_TAKING] = "taking",
	};

	return NAME_OF(names, phase);
}

const char *msg_join_op_name(unsigned op)
{
	static const char *const names[JOIN_OP_N] = {
		[JOIN_REQUEST] = "request", [JOIN_ACCEPT] = "accept", [JOIN_REFUSE] = "refuse",
		[JOIN_TEST] = "test",       [JOIN_REPORT] = "report",
	};

	return NAME_OF(names, op);
}

const char *msg_join_refusal_name(unsigned refusal)
{
	static const char *const names[JOIN_REFUSAL_N] = {
		[JOIN_OK] = "none",
		[JOIN_NOT_ACTIVE] = "not primary (active)",
		[JOIN_OCCUPIED] = "has a passive already",
		[JOIN_WRONG_ADDRESS] = "not one of its management addresses",
		[JOIN_NO_VIP] = "no virtual IP configured",
		[JOIN_REQUIREMENTS] = "requirements not met",
		[JOIN_STORE] = "could not write its cluster record",
	};

	return NAME_OF(names, refusal);
}

const char *msg_cause_name(unsigned cause)
{
	static const char *const names[CAUSE_N] = {
		[CAUSE_NONE] = "none",
		[CAUSE_UNHEARD] = "not heard",
		[CAUSE_PENDING] = "pending",
		[CAUSE_NOT_SEEN] = "not seen from here",
		[CAUSE_MODEL_DIFFERS] = "model differs",
		[CAUSE_MODEL_UNSUPPORTED] = "model not supported",
		[CAUSE_RELAYED] = "heard through a forwarding device only",
		[CAUSE_STATIONS] = "another station on the link",
		[CAUSE_LINK_DIRECT] = "link_direct differs",
		[CAUSE_FIRMWARE_DIFFERS] = "firmware differs",
		[CAUSE_HOTFIX_DIFFERS] = "hotfix differs",
		[CAUSE_PATCH_DIFFERS] = "patch differs",
		[CAUSE_SAME_HOST_NAME] = "same host name",
		[CAUSE_NO_HOST_NAME] = "no host name",
		[CAUSE_FAMILY_ACTIVE] = "a family of the active is missing",
		[CAUSE_FAMILY_PASSIVE] = "a family of the passive is missing",
		[CAUSE_NO_ADDRESS] = "no management address",
		[CAUSE_PREFIX_DIFFERS] = "no network in common",
		[CAUSE_OTHER_MAC] = "somebody else answers for the address",
		[CAUSE_NOT_ANSWERED] = "nobody answers for the address",
		[CAUSE_NO_VIP] = "no virtual IP configured",
		[CAUSE_VIP_OUTSIDE] = "virtual IP outside of the management networks",
		[CAUSE_VIP_IS_MANAGEMENT] = "virtual IP is a management address",
		[CAUSE_VIP_THIRD_PARTY] = "a third party answers for the virtual IP",
		[CAUSE_ADDRESS_OWN] = "address is its own",
		[CAUSE_ADDRESS_OTHER] = "address is not the other's",
		[CAUSE_NOT_ACTIVE] = "not primary (active)",
		[CAUSE_BOTH_ACTIVE] = "both are active",
		[CAUSE_OCCUPIED] = "has a passive already",
		[CAUSE_PAIRED] = "is in a pair already",
		[CAUSE_TIMING_DIFFERS] = "timing differs",
		[CAUSE_VERSION] = "protocol version differs",
		[CAUSE_PASSPHRASE] = "handshake does not verify",
		[CAUSE_STORE] = "could not write its cluster record",
		[CAUSE_NO_MODEL] = "no model",
		[CAUSE_NO_FIRMWARE] = "no firmware",
		[CAUSE_SAME_ADDRESS] = "a management address is on both",
		[CAUSE_CROSSED] = "the other one tests or joins at the same time",
		[CAUSE_IDENTITY] = "what the other one states of itself is malformed",
	};

	return NAME_OF(names, cause);
}

const char *msg_detach_op_name(unsigned op)
{
	static const char *const names[DETACH_OP_N] = {
		[DETACH_REQUEST] = "request",
		[DETACH_DONE] = "done",
		[DETACH_REFUSE] = "refuse",
	};

	return NAME_OF(names, op);
}

const char *msg_detach_refusal_name(unsigned refusal)
{
	static const char *const names[DETACH_REFUSAL_N] = {
		[DETACH_OK] = "none",
		[DETACH_SYNCING] = "first copy of the settings under way",
		[DETACH_STORE] = "could not write its cluster record",
		[DETACH_HOLDS] = "holds the virtual IP",
	};

	return NAME_OF(names, refusal);
}

const char *msg_addresses_op_name(unsigned op)
{
	static const char *const names[ADDRESSES_OP_N] = {
		[ADDRESSES_PROPOSE] = "propose",
		[ADDRESSES_ACCEPT] = "accept",
		[ADDRESSES_REFUSE] = "refuse",
	};

	return NAME_OF(names, op);
}

const char *msg_addresses_refusal_name(unsigned refusal)
{
	static const char *const names[ADDRESSES_REFUSAL_N] = {
		[ADDRESSES_OK] = "none",
		[ADDRESSES_STORE] = "could not write its cluster record",
		[ADDRESSES_HOLDER] = "not the holder",
		[ADDRESSES_SYNCING] = "first copy of the settings under way",
		[ADDRESSES_OWN] = "an address of its own",
		[ADDRESSES_NETWORK] = "in no network of its management",
		[ADDRESSES_WITNESS] = "a witness of its",
		[ADDRESSES_BUSY] = "another change under way",
	};

	return NAME_OF(names, refusal);
}

const char *msg_parting_name(unsigned why)
{
	static const char *const names[PARTING_N] = {
		[PARTING_NONE] = "none",
		[PARTING_DETACHED] = "detached",
		[PARTING_REMOVED] = "removed",
		[PARTING_LEFT] = "left",
	};

	return NAME_OF(names, why);
}

static unsigned lowest(unsigned bits)
{
	unsigned i = 0;

	while (i < 32 && (bits >> i & 1) == 0)
		i++;
	return i;
}

const char *msg_flag_name(unsigned bit)
{
	static const char *const names[] = {"eligible", "leaving", "degraded",
					    "reach_ok", "carrier", "reserved"};

	return NAME_OF(names, lowest(bit));
}

const char *msg_why_not_name(unsigned bit)
{
	static const char *const names[] = {"copy",    "suspended", "check",    "carrier",
					    "deaf",    "store",     "guardian", "starting",
					    "leaving", "disproved"};

	return NAME_OF(names, lowest(bit));
}
