#include "proto/reason.h"

#include <stddef.h>

static const struct {
	const char *rule, *text;
} reasons[REASON_N] = {
	[REASON_NONE] = {"", "none"},
	[REASON_STARTING] = {"boot", "starting: listening for the peer"},
	[REASON_STANDALONE] = {"boot", "standalone: no virtual IP and no peer"},
	[REASON_UNPAIRED] = {"boot", "no peer yet; nobody answered for the virtual IP"},
	[REASON_VIP_TAKEN] = {"boot", "no peer yet; another station answers for the virtual IP"},
	[REASON_HOLDER_HEARD] = {"boot", "the peer holds the virtual IP"},
	[REASON_PEER_HEARD] = {"I1", "the peer is heard; nobody holds the virtual IP"},
	[REASON_HANDOVER] = {"T1", "the peer handed over"},
	[REASON_BOTH_SILENT] = {"T2", "peer silent on both paths, segment alive"},
	[REASON_NO_WITNESS] = {"T2", "peer silent on both paths, the witness too"},
	[REASON_CARRIER_LOST] = {"T3", "link carrier lost and no answer on management"},
	[REASON_NOBODY] = {"T4", "both nodes up, neither held the virtual IP"},
	[REASON_ALONE] = {"T5", "alone at boot"},
	[REASON_FORCED] = {"T5", "forced by an operator"},
	[REASON_TOOK_BACK] = {"T1", "the peer did not use the handover"},
	[REASON_DISPROVED] = {"V1", "the peer, thought dead, answers for the virtual IP"},
	[REASON_CHECK_FAILED] = {"Y1", "a service check failed beyond recovery"},
	[REASON_DEAF] = {"Y1", "management hears nobody, the peer's does"},
	[REASON_CARRIER_DOWN] = {"Y1", "management has no carrier, the peer's has"},
	[REASON_GUARDIAN] = {"Y1", "the virtual IP cannot be kept on the interface"},
	[REASON_ISOLATED] = {"Y2", "isolated: peer lost, management hears nobody"},
	[REASON_HIGHER_TERM] = {"Y3", "the peer holds with a higher term"},
	[REASON_UNHEARD] = {"Y5", "the peer holds and does not hear this node"},
	[REASON_PAUSED] = {"Y6", "this node was paused for too long"},
	[REASON_LEASE_LOST] = {"Y6", "the lease on the virtual IP ran out"},
	[REASON_SWAP] = {"T1", "swapped by an operator"},
	[REASON_SHUTDOWN] = {"T1", "shutting down"},
	[REASON_SUSPENDED] = {"S1", "suspended by an operator"},
	[REASON_RESUMED] = {"S1", "resumed by an operator"},
	[REASON_STORE] = {"boot", "the stored state cannot be read"},
	[REASON_JOINED] = {"boot", "joined the pair"},
	[REASON_DETACHED] = {"D1", "the pair was ended by an operator"},
	[REASON_REMOVED] = {"D3", "the other appliance has removed this one from the pair"},
	[REASON_LEFT] = {"D2", "an operator removed the other appliance from the pair"},
	[REASON_SUSPENSION_OVER] = {"S1", "the suspension has ended by itself"},
	[REASON_UPGRADED] = {"U1", "it held before the upgrade, and has held on"},
	[REASON_READDRESSED] = {"X1", "the virtual IP was changed by an operator"},
};

const char *reason_text(enum ha_reason reason)
{
	return (size_t)reason < REASON_N ? reasons[reason].text : "?";
}

const char *reason_rule(enum ha_reason reason)
{
	return (size_t)reason < REASON_N ? reasons[reason].rule : "?";
}

enum ha_reason reason_heard(uint8_t value)
{
	return value < REASON_N ? (enum ha_reason)value : REASON_NONE;
}
