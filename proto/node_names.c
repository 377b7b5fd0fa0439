/* node_names.c - what people read of the node: names, levels, refusals, reasons. */
#include "proto/node.h"

static const struct {
	const char *name;
	enum node_level level;
} events[EVENT_CODE_N] = {
	[EVENT_NONE] = {"none", LEVEL_INFORMATIONAL},
	[EVENT_STATE] = {"state", LEVEL_INFORMATIONAL}, /* by state_level() */
	[EVENT_PATH_UP] = {"path_up", LEVEL_INFORMATIONAL},
	[EVENT_PATH_DOWN] = {"path_down", LEVEL_IMPORTANT},
	[EVENT_CARRIER_UP] = {"carrier_up", LEVEL_INFORMATIONAL},
	[EVENT_CARRIER_DOWN] = {"carrier_down", LEVEL_IMPORTANT},
	[EVENT_THIRD_PARTY] = {"third_party", LEVEL_CRITICAL},
	[EVENT_LEASE_LOST] = {"lease_lost", LEVEL_CRITICAL},
	[EVENT_HANDOVER_FAILED] = {"handover_failed", LEVEL_IMPORTANT},
	[EVENT_SUSPENDED] = {"suspended", LEVEL_IMPORTANT},
	[EVENT_RESUMED] = {"resumed", LEVEL_IMPORTANT},
	[EVENT_DEAF] = {"deaf", LEVEL_IMPORTANT},
	[EVENT_REACH_OK] = {"reach_ok", LEVEL_INFORMATIONAL},
	[EVENT_PEER_RESTARTED] = {"peer_restarted", LEVEL_IMPORTANT},
	[EVENT_CONFLICT] = {"conflict", LEVEL_CRITICAL},
	[EVENT_DISPROVED] = {"disproved", LEVEL_CRITICAL},
	[EVENT_STORE_FAILED] = {"store_failed", LEVEL_CRITICAL},
	[EVENT_JOINED] = {"joined", LEVEL_IMPORTANT},
	[EVENT_STARTED] = {"started", LEVEL_INFORMATIONAL},
	[EVENT_ADDRESS_MISSING] = {"address_missing", LEVEL_IMPORTANT},
	[EVENT_ADDRESSES_WHOLE] = {"addresses_whole", LEVEL_INFORMATIONAL},
	[EVENT_COPY_WHOLE] = {"copy_whole", LEVEL_INFORMATIONAL},
	[EVENT_OUT_OF_SYNC] = {"out_of_sync", LEVEL_IMPORTANT},
	[EVENT_IN_SYNC] = {"in_sync", LEVEL_INFORMATIONAL},
	[EVENT_NO_HANDOVER] = {"no_handover", LEVEL_CRITICAL},
	[EVENT_DETACHED] = {"detached", LEVEL_IMPORTANT},
	[EVENT_CHECK_FAILING] = {"check_failing", LEVEL_IMPORTANT},
	[EVENT_CHECK_RECOVERING] = {"check_recovering", LEVEL_INFORMATIONAL},
	[EVENT_CHECK_FAILED] = {"check_failed", LEVEL_CRITICAL},
	[EVENT_CHECK_RECOVERED] = {"check_recovered", LEVEL_IMPORTANT},
	[EVENT_HOOK_FAILED] = {"hook_failed", LEVEL_IMPORTANT},
	[EVENT_HOOK_TIMEOUT] = {"hook_timeout", LEVEL_IMPORTANT},
	[EVENT_VERSION_MISMATCH] = {"version_mismatch", LEVEL_IMPORTANT},
	[EVENT_VERSION_MATCH] = {"version_match", LEVEL_INFORMATIONAL},
	[EVENT_STRANGER] = {"stranger", LEVEL_IMPORTANT},
	[EVENT_SYNC_FAILED] = {"sync_failed", LEVEL_CRITICAL},
	[EVENT_SETTINGS_KEPT] = {"settings_kept", LEVEL_CRITICAL},
	[EVENT_SETTINGS_COMMAND] = {"settings_command", LEVEL_IMPORTANT},
	[EVENT_VIRTUAL_IP] = {"virtual_ip", LEVEL_IMPORTANT},
};

const char *node_event_name(enum node_event_code event)
{
	return (size_t)event < EVENT_CODE_N ? events[event].name : "?";
}

/* Active by a rule of the pair, not as an appliance of its own. */
static bool activated(enum ha_reason reason)
{
	return reason != REASON_UNPAIRED && reason != REASON_STANDALONE &&
	       reason != REASON_DETACHED && reason != REASON_REMOVED && reason != REASON_LEFT &&
	       reason != REASON_READDRESSED;
}

/* A passive that became active, and a node that can be neither, are what somebody has to look at. */
static enum node_level state_level(enum ha_state from, enum ha_state to, enum ha_reason reason)
{
	if (from == to)
		return LEVEL_INFORMATIONAL;
	switch (to) {
	case HA_ACTIVE:
		return activated(reason) ? LEVEL_CRITICAL : LEVEL_IMPORTANT;
	case HA_FAULTED:
	case HA_ISOLATED:
		return LEVEL_CRITICAL;
	case HA_PASSIVE:
		return from == HA_INITIALIZING ? LEVEL_INFORMATIONAL : LEVEL_IMPORTANT;
	case HA_INITIALIZING:
	case HA_SUSPENDED:
	case HA_STATE_N:
		break;
	}
	return LEVEL_IMPORTANT;
}

enum node_level node_event_level(enum node_event_code event, enum ha_state from, enum ha_state to,
				 enum ha_reason reason)
{
	if (event == EVENT_STATE)
		return state_level(from, to, reason);
	return (size_t)event < EVENT_CODE_N ? events[event].level : LEVEL_INFORMATIONAL;
}

const char *node_level_name(enum node_level level)
{
	static const char *const names[] = {
		[LEVEL_INFORMATIONAL] = "informational",
		[LEVEL_IMPORTANT] = "important",
		[LEVEL_CRITICAL] = "critical",
	};

	return (size_t)level < sizeof(names) / sizeof(*names) ? names[level] : "?";
}

const char *node_role_name(enum node_role role)
{
	static const char *const names[ROLE_N] = {
		[ROLE_NONE] = "none",
		[ROLE_STANDALONE] = "standalone",
		[ROLE_ACTIVE] = "active",
		[ROLE_PASSIVE] = "passive",
	};

	return (size_t)role < ROLE_N ? names[role] : "?";
}

const char *node_refusal_text(enum node_refusal refusal)
{
	static const char *const texts[REFUSED_N] = {
		[REFUSED_NOT] = "done",
		[REFUSED_NOT_ACTIVE] = "only the active can do that",
		[REFUSED_NO_PEER] = "the passive is not heard",
		[REFUSED_PEER_NOT_READY] = "the passive is not ready",
		[REFUSED_BUSY] = "a handover, or a detach, is under way",
		[REFUSED_TIMEOUT] = "the passive did not answer in time",
		[REFUSED_UNPAIRED] = "this appliance is not part of a pair",
		[REFUSED_STORE] = "the state could not be made durable",
		[REFUSED_PEER_ACTIVE] = "the peer holds the virtual IP",
		[REFUSED_SYNCING] = "the first copy of the settings is still under way",
		[REFUSED_PEER_HEARD] =
			"the other appliance is heard: it can be detached, at the active",
		[REFUSED_NO_VIP] = "no virtual IP is configured",
		[REFUSED_VIP_TAKEN] = "another station answers for the virtual IP",
		[REFUSED_READDRESSING] = "a change of the virtual IP is under way",
	};

	return (size_t)refusal < REFUSED_N ? texts[refusal] : "?";
}

const char *node_why_not_name(enum msg_why_not bit)
{
	switch (bit) {
	case WHY_NOT_COPY:
		return "no_copy";
	case WHY_NOT_SUSPENDED:
		return "suspended";
	case WHY_NOT_CHECK:
		return "check";
	case WHY_NOT_CARRIER:
		return "no_carrier";
	case WHY_NOT_DEAF:
		return "deaf";
	case WHY_NOT_STORE:
		return "store";
	case WHY_NOT_GUARDIAN:
		return "address";
	case WHY_NOT_STARTING:
		return "starting";
	case WHY_NOT_LEAVING:
		return "leaving";
	case WHY_NOT_DISPROVED:
		return "disproved";
	case WHY_NOT_ALL:
		break;
	}
	return "?";
}

const char *node_why_not_text(enum msg_why_not bit)
{
	switch (bit) {
	case WHY_NOT_COPY:
		return "no whole copy of the settings yet";
	case WHY_NOT_SUSPENDED:
		return "suspended by an operator";
	case WHY_NOT_CHECK:
		return "a service check fails or failed a short while ago";
	case WHY_NOT_CARRIER:
		return "management interface has no carrier";
	case WHY_NOT_DEAF:
		return "management interface hears nobody";
	case WHY_NOT_STORE:
		return "next term is not on disk";
	case WHY_NOT_GUARDIAN:
		return "the virtual IP cannot be put on the interface, or could not a short while "
		       "ago";
	case WHY_NOT_STARTING:
		return "starting, or watching after a pause";
	case WHY_NOT_LEAVING:
		return "shutting down";
	case WHY_NOT_DISPROVED:
		return "the peer still answers for the virtual IP";
	case WHY_NOT_ALL:
		break;
	}
	return "?";
}
