/* The cluster requirements: SPEC 7. A scene is two appliances that may be a pair; each case changes one thing, and
 * says what both of them then see. */
#include "proto/requirement.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define V4(last)                                                                                   \
	{                                                                                          \
		HA_IPV4,                                                                           \
		{                                                                                  \
			192, 0, 2, last                                                            \
		}                                                                                  \
	}
#define V4_ELSE(last)                                                                              \
	{                                                                                          \
		HA_IPV4,                                                                           \
		{                                                                                  \
			198, 51, 100, last                                                         \
		}                                                                                  \
	}
#define V6(last)                                                                                   \
	{                                                                                          \
		HA_IPV6,                                                                           \
		{                                                                                  \
			0x20, 0x01, 0x0d, 0xb8, [15] = last                                        \
		}                                                                                  \
	}
#define V6_ELSE(last)                                                                              \
	{                                                                                          \
		HA_IPV6,                                                                           \
		{                                                                                  \
			0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = last                                  \
		}                                                                                  \
	}

struct scene {
	struct msg_identity active, passive;
	struct requirement_facts facts; /* as both see them */
	struct ha_address typed;
	bool active_paired, active_holds, passive_paired, passive_holds;
	bool strange; /* neither knows the other's identity */
	bool reported;
	enum msg_join_refusal refusal;
	unsigned model_n;
};

static const char models[3][MSG_MODEL_LEN + 1] = {"1000", "1100", "1200"};

/* Everything is met. */
static struct scene scene_new(void)
{
	struct scene s = {
		.active =
			{
				.model = "1100",
				.firmware = "7.1.0.1234",
				.hotfix = "1050",
				.patch = "2",
				.host_name = "first",
				.management = {{V4(11), 24}, {V6(0x11), 64}},
				.vip = {V4(100), V6(0x64)},
				.flags = MSG_IDENTITY_DIRECT,
				.heartbeat_us = 20000,
				.dead_us = 100000,
				.confirm_us = 5000,
			},
		.facts = {.heard = true,
			  .direct = true,
			  .proof = {{.asked = true, .answered = true},
				    {.asked = true, .answered = true}},
			  .vip_over = true},
		.typed = V4(11),
		.active_holds = true,
		.reported = true,
		.model_n = 3,
	};

	s.passive = s.active;
	strcpy(s.passive.host_name, "second");
	s.passive.management[0].address.b[3] = 12;
	s.passive.management[1].address.b[15] = 0x12;
	memset(s.passive.vip, 0, sizeof(s.passive.vip));
	return s;
}

static void scene_judge(const struct scene *s, bool is_active, uint8_t cause[REQUIREMENT_N])
{
	const struct msg_identity *peer = is_active ? &s->passive : &s->active;
	const struct requirement_view view = {
		.is_active = is_active,
		.own = is_active ? &s->active : &s->passive,
		.peer = s->strange ? NULL : peer,
		.model = models,
		.model_n = s->model_n,
		.address = s->typed,
		.own_paired = is_active ? s->active_paired : s->passive_paired,
		.own_holds = is_active ? s->active_holds : s->passive_holds,
		.reported = s->reported,
		.refusal = s->refusal,
		.facts = s->facts,
	};

	memset(cause, 0xee, REQUIREMENT_N);
	requirements_judge(&view, cause);
}

/* ---- what may be wrong ---- */

#define CHANGE(name) static void name(struct scene *s)

CHANGE(nothing)
{
	(void)s;
}

CHANGE(model_other)
{
	strcpy(s->passive.model, "1200");
}

CHANGE(model_longer)
{
	strcpy(s->passive.model, "1100x");
}

CHANGE(model_unknown)
{
	strcpy(s->active.model, "900");
	strcpy(s->passive.model, "900");
}

CHANGE(model_none_supported)
{
	s->model_n = 0;
}

CHANGE(model_missing)
{
	s->passive.model[0] = '\0';
}

CHANGE(model_missing_on_both)
{
	s->active.model[0] = s->passive.model[0] = '\0';
}

CHANGE(model_fills_its_field)
{
	memset(s->active.model, 'm', MSG_MODEL_LEN);
	memset(s->passive.model, 'm', MSG_MODEL_LEN);
	s->passive.model[MSG_MODEL_LEN - 1] = 'n';
}

CHANGE(relayed)
{
	s->facts.direct = false;
}

CHANGE(relayed_among_stations)
{
	s->facts.direct = false;
	s->facts.stations = true;
}

CHANGE(relayed_perhaps)
{
	s->facts.direct = false;
	s->facts.listening = true;
}

CHANGE(alone_perhaps)
{
	s->facts.listening = true;
}

CHANGE(stations)
{
	s->facts.stations = true;
}

CHANGE(stations_before_listening_ends)
{
	s->facts.stations = s->facts.listening = true;
}

CHANGE(unheard)
{
	s->facts.heard = s->facts.direct = false;
	s->facts.stations = true; /* whoever it is */
}

CHANGE(waived)
{
	s->active.flags = s->passive.flags = 0;
	s->facts.direct = false;
}

CHANGE(waived_among_stations)
{
	waived(s);
	s->facts.stations = true;
}

CHANGE(waived_by_one)
{
	s->passive.flags = 0;
}

CHANGE(waived_by_one_unheard)
{
	s->active.flags = 0;
	unheard(s);
}

CHANGE(firmware_other)
{
	strcpy(s->passive.firmware, "7.1.0.1235");
	strcpy(s->passive.patch, "3");
}

CHANGE(hotfix_other)
{
	strcpy(s->passive.hotfix, "1051");
	strcpy(s->passive.patch, "3");
}

CHANGE(hotfix_on_one)
{
	s->active.hotfix[0] = '\0';
}

CHANGE(hotfix_on_none)
{
	s->active.hotfix[0] = s->passive.hotfix[0] = '\0';
	s->active.patch[0] = s->passive.patch[0] = '\0';
}

CHANGE(patch_other)
{
	strcpy(s->passive.patch, "3");
}

CHANGE(patch_on_one)
{
	s->passive.patch[0] = '\0';
}

CHANGE(firmware_missing)
{
	s->active.firmware[0] = '\0';
}

CHANGE(firmware_missing_on_both)
{
	s->active.firmware[0] = s->passive.firmware[0] = '\0';
}

CHANGE(host_same)
{
	strcpy(s->passive.host_name, "first");
}

CHANGE(host_same_but_for_case)
{
	strcpy(s->passive.host_name, "FiRsT");
}

CHANGE(host_same_from_a_to_z)
{
	strcpy(s->active.host_name, "AZ-az");
	strcpy(s->passive.host_name, "az-AZ");
}

CHANGE(host_not_letters)
{
	strcpy(s->active.host_name, "a@[`{");
	strcpy(s->passive.host_name, "a`{@["); /* 32 apart, and no letters */
}

CHANGE(host_beyond_ascii)
{
	strcpy(s->active.host_name, "wächter");
	strcpy(s->passive.host_name, "wÄchter");
}

CHANGE(host_longer)
{
	strcpy(s->passive.host_name, "first2");
}

CHANGE(host_missing)
{
	s->active.host_name[0] = '\0';
}

static void no_family(struct msg_identity *who, uint8_t family)
{
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++)
		if (who->management[i].address.family == family)
			memset(&who->management[i], 0, sizeof(who->management[i]));
}

CHANGE(active_has_more)
{
	no_family(&s->passive, HA_IPV4);
}

CHANGE(passive_has_more)
{
	no_family(&s->active, HA_IPV6);
}

CHANGE(nothing_in_common)
{
	no_family(&s->active, HA_IPV6);
	no_family(&s->passive, HA_IPV4);
}

CHANGE(no_address)
{
	memset(s->passive.management, 0, sizeof(s->passive.management));
}

CHANGE(network_other)
{
	s->passive.management[0] = (struct msg_prefix){V4_ELSE(12), 24};
}

CHANGE(network6_other)
{
	s->passive.management[1] = (struct msg_prefix){V6_ELSE(0x12), 64};
}

CHANGE(length_other)
{
	s->passive.management[0].length = 25; /* .12 is in 192.0.2.0/25, too */
}

CHANGE(networks_of_one_host)
{
	s->active.management[0].length = s->passive.management[0].length = 32;
}

CHANGE(network_of_everybody)
{
	s->active.management[0].length = s->passive.management[0].length = 0;
}

CHANGE(network_not_whole_bytes)
{
	s->active.management[0].length = s->passive.management[0].length = 28;
	s->passive.management[0].address.b[3] = 3; /* the first bit of the rest is another */
	s->active.vip[0].b[3] = 13;
}

CHANGE(network_not_whole_bytes_other)
{
	network_not_whole_bytes(s);
	s->passive.management[0].address.b[3] = 16;
}

CHANGE(one_network_of_two)
{
	s->active.management[2] = (struct msg_prefix){V4_ELSE(11), 26};
	s->passive.management[3] = s->passive.management[0];
	s->passive.management[0] = (struct msg_prefix){V4_ELSE(12), 27};
}

CHANGE(same_address)
{
	s->passive.management[1].address.b[15] = 0x11;
}

CHANGE(other_mac)
{
	s->facts.proof[1].other_mac = true;
}

CHANGE(other_mac_before_the_rest)
{
	s->facts.proof[0] = (struct requirement_proof){.asked = true, .over = true};
	s->facts.proof[1].other_mac = true;
}

CHANGE(not_answered)
{
	s->facts.proof[0] = (struct requirement_proof){.asked = true, .over = true};
	s->facts.proof[1].answered = false;
}

CHANGE(answered_and_over)
{
	s->facts.proof[0].over = s->facts.proof[1].over = true;
}

CHANGE(not_answered_yet)
{
	s->facts.proof[1].answered = false;
}

CHANGE(not_asked)
{
	memset(s->facts.proof, 0, sizeof(s->facts.proof));
}

CHANGE(not_to_be_asked)
{
	no_family(&s->active, HA_IPV6);
	no_family(&s->passive, HA_IPV6);
	memset(&s->active.vip[1], 0, sizeof(s->active.vip[1]));
	s->facts.proof[1] = (struct requirement_proof){.over = true, .other_mac = true};
}

CHANGE(vip_missing)
{
	memcpy(s->passive.vip, s->active.vip, sizeof(s->passive.vip));
	memset(s->active.vip, 0, sizeof(s->active.vip));
}

CHANGE(vip_missing_as_reported)
{
	s->refusal = JOIN_NO_VIP;
}

CHANGE(vip_outside)
{
	s->active.vip[1] = (struct ha_address)V6_ELSE(0x64);
}

CHANGE(vip_outside_of_the_passive)
{
	s->active.management[2] = (struct msg_prefix){V4_ELSE(11), 24};
	s->active.vip[3] = (struct ha_address)V4_ELSE(100);
}

CHANGE(vip_of_a_family_that_one_lacks)
{
	no_family(&s->active, HA_IPV6);
}

CHANGE(vip_is_active)
{
	s->active.vip[0] = (struct ha_address)V4(11);
}

CHANGE(vip_is_passive)
{
	s->active.vip[1] = (struct ha_address)V6(0x12);
	s->facts.vip_third = 3;
	s->facts.vip_over = false;
}

CHANGE(vip_answered)
{
	s->facts.vip_third = 1 << 1;
	s->facts.vip_over = false;
}

CHANGE(vip_answered_of_none)
{
	s->facts.vip_third = 1 << 5;
}

CHANGE(vip_waiting)
{
	s->facts.vip_over = false;
}

CHANGE(typed_second_address)
{
	s->typed = (struct ha_address)V6(0x11);
}

CHANGE(typed_nothing)
{
	s->typed = (struct ha_address){0};
}

CHANGE(typed_own)
{
	s->typed = (struct ha_address)V4(12);
}

CHANGE(typed_vip)
{
	s->typed = (struct ha_address)V4(100);
}

CHANGE(typed_is_refused)
{
	s->refusal = JOIN_WRONG_ADDRESS;
}

CHANGE(not_active)
{
	s->active_holds = false;
	s->refusal = JOIN_NOT_ACTIVE;
}

CHANGE(both_active)
{
	s->passive_holds = true;
}

CHANGE(unreported)
{
	s->reported = false;
	s->refusal = JOIN_OCCUPIED; /* means nothing then */
}

CHANGE(unreported_unheard)
{
	unreported(s);
	unheard(s);
}

CHANGE(occupied)
{
	s->active_paired = true;
	s->refusal = JOIN_OCCUPIED;
}

CHANGE(paired_elsewhere)
{
	s->passive_paired = true;
}

CHANGE(store)
{
	s->refusal = JOIN_STORE;
}

CHANGE(refused_for_requirements)
{
	s->refusal = JOIN_REQUIREMENTS;
}

CHANGE(heartbeat_other)
{
	s->passive.heartbeat_us++;
}

CHANGE(dead_other)
{
	s->passive.dead_us++;
}

CHANGE(confirm_other)
{
	s->passive.confirm_us++;
}

CHANGE(strange)
{
	s->strange = true;
	s->reported = false;
	memset(&s->facts, 0, sizeof(s->facts));
	s->facts.heard = s->facts.direct = true;
}

CHANGE(nobody)
{
	strange(s);
	s->facts.heard = s->facts.direct = false;
}

CHANGE(version_other)
{
	nobody(s);
	s->facts.other_version = s->facts.unverified = true;
}

CHANGE(passphrase_other)
{
	nobody(s);
	s->facts.unverified = true;
}

CHANGE(crossed)
{
	passphrase_other(s);
	s->facts.crossed = true;
}

/* The session was up, and then the other one began its own. */
CHANGE(crossed_in_the_middle)
{
	unreported(s);
	s->facts.crossed = true;
}

CHANGE(crossed_after_the_report)
{
	s->facts.crossed = true;
}

/* Nothing of it is known, though it is who it is. */
CHANGE(malformed)
{
	strange(s);
	s->facts.malformed = true;
}

CHANGE(malformed_by_now)
{
	s->facts.malformed = true;
}

CHANGE(malformed_and_crossed)
{
	crossed_in_the_middle(s);
	s->facts.malformed = true;
}

CHANGE(version_of_a_third)
{
	s->facts.other_version = s->facts.unverified = true;
}

CHANGE(link_lost)
{
	unheard(s);
	s->facts.unverified = true;
}

CHANGE(nobody_and_own_faults)
{
	nobody(s);
	strcpy(s->active.model, "900");
	strcpy(s->passive.model, "900");
	s->active.firmware[0] = s->passive.firmware[0] = '\0';
	s->active.host_name[0] = s->passive.host_name[0] = '\0';
	memset(s->active.management, 0, sizeof(s->active.management));
	memset(s->passive.management, 0, sizeof(s->passive.management));
	memset(s->active.vip, 0, sizeof(s->active.vip));
}

CHANGE(nobody_and_own_vip_outside)
{
	nobody(s);
	vip_outside(s);
}

CHANGE(nobody_and_typed_own)
{
	nobody(s);
	s->typed = (struct ha_address)V4(12);
}

struct scene_case {
	unsigned rule; /* of SPEC 7 */
	const char *name;
	void (*change)(struct scene *);
	enum requirement row;
	enum requirement_cause active, passive; /* what each of them sees */
};

#define CASE(rule, change, row, active, passive)                                                   \
	{                                                                                          \
		rule, #change, change, REQUIREMENT_##row, CAUSE_##active, CAUSE_##passive          \
	}
#define BOTH(rule, change, row, cause) CASE(rule, change, row, cause, cause)

static const struct scene_case cases[] = {
	/* partial knowledge */
	BOTH(3, strange, MODEL, PENDING),
	BOTH(3, strange, CABLE, PENDING),
	BOTH(3, strange, VERSION, PENDING),
	BOTH(3, strange, HOST_NAME, PENDING),
	BOTH(3, strange, FAMILIES, PENDING),
	BOTH(3, strange, SEGMENT, PENDING),
	BOTH(3, strange, VIRTUAL_IP, PENDING),
	CASE(3, strange, ADDRESS, NONE, PENDING),
	CASE(3, strange, ROLE, NONE, PENDING),
	CASE(3, strange, VACANT, NONE, PENDING),
	BOTH(3, strange, TIMING, PENDING),
	BOTH(3, strange, PROTOCOL, NONE),
	BOTH(3, nobody, MODEL, UNHEARD),
	BOTH(3, nobody, CABLE, UNHEARD),
	BOTH(3, nobody, VERSION, UNHEARD),
	BOTH(3, nobody, HOST_NAME, UNHEARD),
	BOTH(3, nobody, FAMILIES, UNHEARD),
	BOTH(3, nobody, SEGMENT, UNHEARD),
	BOTH(3, nobody, VIRTUAL_IP, UNHEARD),
	CASE(3, nobody, ADDRESS, NONE, UNHEARD),
	CASE(3, nobody, ROLE, NONE, UNHEARD),
	CASE(3, nobody, VACANT, NONE, UNHEARD),
	BOTH(3, nobody, TIMING, UNHEARD),
	BOTH(3, nobody, PROTOCOL, UNHEARD),
	BOTH(3, nobody_and_own_faults, MODEL, MODEL_UNSUPPORTED),
	BOTH(3, nobody_and_own_faults, VERSION, NO_FIRMWARE),
	BOTH(3, nobody_and_own_faults, HOST_NAME, NO_HOST_NAME),
	BOTH(3, nobody_and_own_faults, FAMILIES, NO_ADDRESS),
	BOTH(3, nobody_and_own_faults, SEGMENT, NO_ADDRESS),
	CASE(3, nobody_and_own_faults, VIRTUAL_IP, NO_VIP, UNHEARD),
	CASE(3, nobody_and_own_vip_outside, VIRTUAL_IP, VIP_OUTSIDE, UNHEARD),
	CASE(3, nobody_and_typed_own, ADDRESS, ADDRESS_OTHER, ADDRESS_OWN),
	/* the seven */
	BOTH(6, nothing, MODEL, NONE),
	BOTH(6, model_other, MODEL, MODEL_DIFFERS),
	BOTH(6, model_longer, MODEL, MODEL_DIFFERS),
	BOTH(6, model_fills_its_field, MODEL, MODEL_DIFFERS),
	BOTH(6, model_unknown, MODEL, MODEL_UNSUPPORTED),
	BOTH(6, model_none_supported, MODEL, MODEL_UNSUPPORTED),
	BOTH(6, model_missing, MODEL, NO_MODEL),
	BOTH(6, model_missing_on_both, MODEL, NO_MODEL),
	BOTH(7, nothing, CABLE, NONE),
	BOTH(7, relayed, CABLE, RELAYED),
	BOTH(7, relayed_among_stations, CABLE, RELAYED),
	BOTH(7, relayed_perhaps, CABLE, PENDING),
	BOTH(7, alone_perhaps, CABLE, PENDING),
	BOTH(7, stations, CABLE, STATIONS),
	BOTH(7, stations_before_listening_ends, CABLE, STATIONS),
	BOTH(7, unheard, CABLE, UNHEARD),
	BOTH(7, waived, CABLE, NONE),
	BOTH(7, waived_among_stations, CABLE, STATIONS),
	BOTH(7, waived_by_one, CABLE, LINK_DIRECT),
	BOTH(7, waived_by_one_unheard, CABLE, LINK_DIRECT),
	BOTH(8, nothing, VERSION, NONE),
	BOTH(8, firmware_other, VERSION, FIRMWARE_DIFFERS),
	BOTH(8, hotfix_other, VERSION, HOTFIX_DIFFERS),
	BOTH(8, hotfix_on_one, VERSION, HOTFIX_DIFFERS),
	BOTH(8, hotfix_on_none, VERSION, NONE),
	BOTH(8, patch_other, VERSION, PATCH_DIFFERS),
	BOTH(8, patch_on_one, VERSION, PATCH_DIFFERS),
	BOTH(8, firmware_missing, VERSION, NO_FIRMWARE),
	BOTH(8, firmware_missing_on_both, VERSION, NO_FIRMWARE),
	BOTH(9, nothing, HOST_NAME, NONE),
	BOTH(9, host_same, HOST_NAME, SAME_HOST_NAME),
	BOTH(9, host_same_but_for_case, HOST_NAME, SAME_HOST_NAME),
	BOTH(9, host_same_from_a_to_z, HOST_NAME, SAME_HOST_NAME),
	BOTH(9, host_not_letters, HOST_NAME, NONE),
	BOTH(9, host_beyond_ascii, HOST_NAME, NONE),
	BOTH(9, host_longer, HOST_NAME, NONE),
	BOTH(9, host_missing, HOST_NAME, NO_HOST_NAME),
	BOTH(10, nothing, FAMILIES, NONE),
	BOTH(10, active_has_more, FAMILIES, FAMILY_ACTIVE),
	BOTH(10, passive_has_more, FAMILIES, FAMILY_PASSIVE),
	BOTH(10, nothing_in_common, FAMILIES, FAMILY_ACTIVE),
	BOTH(10, no_address, FAMILIES, NO_ADDRESS),
	BOTH(11, nothing, SEGMENT, NONE),
	BOTH(11, network_other, SEGMENT, PREFIX_DIFFERS),
	BOTH(11, network6_other, SEGMENT, PREFIX_DIFFERS),
	BOTH(11, length_other, SEGMENT, PREFIX_DIFFERS),
	BOTH(11, networks_of_one_host, SEGMENT, PREFIX_DIFFERS),
	BOTH(11, network_of_everybody, SEGMENT, PREFIX_DIFFERS),
	BOTH(11, network_not_whole_bytes, SEGMENT, NONE),
	BOTH(11, network_not_whole_bytes_other, SEGMENT, PREFIX_DIFFERS),
	BOTH(11, one_network_of_two, SEGMENT, NONE),
	BOTH(11, nothing_in_common, SEGMENT, PREFIX_DIFFERS),
	BOTH(11, active_has_more, SEGMENT, NONE),
	BOTH(11, no_address, SEGMENT, NO_ADDRESS),
	BOTH(11, same_address, SEGMENT, SAME_ADDRESS),
	BOTH(12, other_mac, SEGMENT, OTHER_MAC),
	BOTH(12, other_mac_before_the_rest, SEGMENT, OTHER_MAC),
	BOTH(12, not_answered, SEGMENT, NOT_ANSWERED),
	BOTH(12, answered_and_over, SEGMENT, NONE),
	BOTH(12, not_answered_yet, SEGMENT, PENDING),
	BOTH(12, not_asked, SEGMENT, PENDING),
	BOTH(12, not_to_be_asked, SEGMENT, NONE),
	BOTH(13, nothing, VIRTUAL_IP, NONE),
	BOTH(13, vip_missing, VIRTUAL_IP, NO_VIP),
	CASE(13, vip_missing_as_reported, VIRTUAL_IP, NONE, NO_VIP),
	BOTH(13, vip_outside, VIRTUAL_IP, VIP_OUTSIDE),
	BOTH(13, vip_outside_of_the_passive, VIRTUAL_IP, VIP_OUTSIDE),
	BOTH(13, vip_of_a_family_that_one_lacks, VIRTUAL_IP, VIP_OUTSIDE),
	BOTH(13, network_of_everybody, VIRTUAL_IP, VIP_OUTSIDE),
	BOTH(13, network_not_whole_bytes, VIRTUAL_IP, NONE),
	BOTH(13, vip_is_active, VIRTUAL_IP, VIP_IS_MANAGEMENT),
	BOTH(13, vip_is_passive, VIRTUAL_IP, VIP_IS_MANAGEMENT),
	BOTH(13, vip_answered, VIRTUAL_IP, VIP_THIRD_PARTY),
	BOTH(13, vip_answered_of_none, VIRTUAL_IP, NONE),
	BOTH(13, vip_waiting, VIRTUAL_IP, PENDING),
	BOTH(13, not_to_be_asked, VIRTUAL_IP, NONE),
	/* what a join takes besides */
	BOTH(14, nothing, ADDRESS, NONE),
	BOTH(14, typed_second_address, ADDRESS, NONE),
	BOTH(14, typed_nothing, ADDRESS, NONE),
	BOTH(14, typed_own, ADDRESS, ADDRESS_OWN),
	BOTH(14, typed_vip, ADDRESS, ADDRESS_OTHER),
	CASE(14, typed_is_refused, ADDRESS, NONE, ADDRESS_OTHER),
	BOTH(15, nothing, ROLE, NONE),
	BOTH(15, not_active, ROLE, NOT_ACTIVE),
	CASE(15, both_active, ROLE, NONE, BOTH_ACTIVE),
	CASE(15, unreported, ROLE, NONE, PENDING),
	CASE(15, unreported_unheard, ROLE, NONE, UNHEARD),
	CASE(15, refused_for_requirements, ROLE, NONE, NOT_SEEN),
	CASE(15, occupied, ROLE, NONE, NOT_SEEN),
	BOTH(15, nothing, VACANT, NONE),
	BOTH(15, occupied, VACANT, OCCUPIED),
	CASE(15, paired_elsewhere, VACANT, NONE, PAIRED),
	CASE(15, store, VACANT, NONE, STORE),
	CASE(15, unreported, VACANT, NONE, PENDING),
	CASE(15, refused_for_requirements, VACANT, NONE, NOT_SEEN),
	CASE(15, not_active, VACANT, NONE, NOT_SEEN),
	BOTH(16, nothing, TIMING, NONE),
	BOTH(16, heartbeat_other, TIMING, TIMING_DIFFERS),
	BOTH(16, dead_other, TIMING, TIMING_DIFFERS),
	BOTH(16, confirm_other, TIMING, TIMING_DIFFERS),
	BOTH(17, nothing, PROTOCOL, NONE),
	BOTH(17, version_other, PROTOCOL, VERSION),
	BOTH(17, passphrase_other, PROTOCOL, PASSPHRASE),
	BOTH(17, crossed, PROTOCOL, CROSSED),
	CASE(17, crossed_in_the_middle, PROTOCOL, CROSSED, CROSSED),
	CASE(17, crossed_after_the_report, PROTOCOL, NONE, NONE),
	BOTH(17, malformed, PROTOCOL, IDENTITY),
	BOTH(17, malformed_by_now, PROTOCOL, IDENTITY),
	BOTH(17, malformed_and_crossed, PROTOCOL, IDENTITY),
	BOTH(17, version_of_a_third, PROTOCOL, NONE),
	BOTH(17, link_lost, PROTOCOL, NONE),
};
enum {
	CASES_N = sizeof(cases) / sizeof(*cases)
};

static void check_rule(unsigned rule)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CASES_N; i++) {
		const struct scene_case *c = &cases[i];
		uint8_t active[REQUIREMENT_N], passive[REQUIREMENT_N];
		struct scene s = scene_new();

		if (c->rule != rule)
			continue;
		n++;
		c->change(&s);
		scene_judge(&s, true, active);
		scene_judge(&s, false, passive);
		cr_expect_eq(active[c->row], c->active, "%s, %s, active: %u, not %u", c->name,
			     requirement_name(c->row), active[c->row], c->active);
		cr_expect_eq(passive[c->row], c->passive, "%s, %s, passive: %u, not %u", c->name,
			     requirement_name(c->row), passive[c->row], c->passive);
	}
	cr_assert_gt(n, 0U);
}

Test(requirement, 7_R3_partial_knowledge)
{
	check_rule(3);
}

Test(requirement, 7_R6_hardware_model)
{
	check_rule(6);
}

Test(requirement, 7_R7_physical_connection)
{
	check_rule(7);
}

Test(requirement, 7_R8_version)
{
	check_rule(8);
}

Test(requirement, 7_R9_host_name)
{
	check_rule(9);
}

Test(requirement, 7_R10_ip_addresses)
{
	check_rule(10);
}

/* Each combination of families, in the words. */
Test(requirement, 7_R10_every_combination_of_families)
{
	static const uint8_t lacks[3] = {HA_IPV6, HA_IPV4, 0}; /* IPv4 only, IPv6 only, both */
	static const uint8_t expected[3][3] = {
		/* the passive: IPv4 only, IPv6 only, both */
		{CAUSE_NONE, CAUSE_FAMILY_ACTIVE, CAUSE_FAMILY_PASSIVE}, /* active IPv4 only */
		{CAUSE_FAMILY_ACTIVE, CAUSE_NONE, CAUSE_FAMILY_PASSIVE}, /* active IPv6 only */
		{CAUSE_FAMILY_ACTIVE, CAUSE_FAMILY_ACTIVE, CAUSE_NONE},  /* active both */
	};

	for (unsigned a = 0; a < 3; a++)
		for (unsigned p = 0; p < 3; p++) {
			uint8_t cause[REQUIREMENT_N];
			struct scene s = scene_new();

			if (lacks[a] != 0)
				no_family(&s.active, lacks[a]);
			if (lacks[p] != 0)
				no_family(&s.passive, lacks[p]);
			for (int is_active = 0; is_active < 2; is_active++) {
				scene_judge(&s, is_active, cause);
				cr_expect_eq(cause[REQUIREMENT_FAMILIES], expected[a][p],
					     "%u %u: %u", a, p, cause[REQUIREMENT_FAMILIES]);
				/* with the same families there is nothing wrong with the segment either */
				cr_expect(a != p || cause[REQUIREMENT_SEGMENT] == CAUSE_NONE);
			}
		}
}

Test(requirement, 7_R11_network_segment)
{
	check_rule(11);
}

Test(requirement, 7_R12_proof_of_the_segment)
{
	check_rule(12);
}

Test(requirement, 7_R13_virtual_ip)
{
	check_rule(13);
}

Test(requirement, 7_R14_address)
{
	check_rule(14);
}

Test(requirement, 7_R15_role_and_vacancy)
{
	check_rule(15);
}

Test(requirement, 7_R16_timing)
{
	check_rule(16);
}

Test(requirement, 7_R17_protocol)
{
	check_rule(17);
}

Test(requirement, 7_R18_a_settled_pair_meets_them_all)
{
	struct scene s = scene_new();
	uint8_t cause[REQUIREMENT_N];

	s.typed = (struct ha_address){0};
	memcpy(s.passive.vip, s.active.vip, sizeof(s.passive.vip));
	for (int is_active = 0; is_active < 2; is_active++)
		for (int reported = 0; reported < 2; reported++) {
			s.reported = reported;
			scene_judge(&s, is_active, cause);
			cr_assert(requirements_met(cause), "%d %d", is_active, reported);
		}
	/* and one that has been changed does not */
	strcpy(s.passive.patch, "3");
	scene_judge(&s, false, cause);
	cr_assert_not(requirements_met(cause));
	cr_assert_eq(cause[REQUIREMENT_VERSION], CAUSE_PATCH_DIFFERS);
}

Test(requirement, 7_R1_two_that_may_be_a_pair_meet_them_on_both_sides)
{
	const struct scene s = scene_new();
	uint8_t cause[REQUIREMENT_N];

	for (int is_active = 0; is_active < 2; is_active++) {
		scene_judge(&s, is_active, cause);
		cr_assert(requirements_met(cause), "%d", is_active);
	}
}

/* One thing that is wrong is told in one row, or in those that cannot be right either. */
Test(requirement, 7_R1_a_row_fails_by_itself)
{
	static const enum requirement besides[][2] = {
		{REQUIREMENT_FAMILIES, REQUIREMENT_SEGMENT},
		{REQUIREMENT_FAMILIES, REQUIREMENT_VIRTUAL_IP},
		{REQUIREMENT_SEGMENT, REQUIREMENT_FAMILIES},
		{REQUIREMENT_SEGMENT, REQUIREMENT_VIRTUAL_IP},
		{REQUIREMENT_VIRTUAL_IP, REQUIREMENT_FAMILIES},
		{REQUIREMENT_VIRTUAL_IP, REQUIREMENT_SEGMENT},
		{REQUIREMENT_ROLE, REQUIREMENT_VACANT},
		{REQUIREMENT_VACANT, REQUIREMENT_ROLE},
	};

	for (unsigned i = 0; i < CASES_N; i++) {
		const struct scene_case *c = &cases[i];
		uint8_t cause[REQUIREMENT_N];
		struct scene s = scene_new();

		if (c->rule < 6)
			continue;
		c->change(&s);
		scene_judge(&s, true, cause);
		for (unsigned row = 0; row < REQUIREMENT_N; row++) {
			bool excused =
				row == c->row || requirement_result(cause[row]) != REQUIREMENT_FAIL;

			for (unsigned j = 0; j < sizeof(besides) / sizeof(*besides); j++)
				excused |= besides[j][0] == c->row && besides[j][1] == row;
			cr_expect(excused, "%s: %s fails, too: %u", c->name, requirement_name(row),
				  cause[row]);
		}
	}
}

Test(requirement, 7_R2_every_cause_can_be_told)
{
	bool told[CAUSE_N] = {false};

	for (unsigned i = 0; i < CASES_N; i++)
		for (int is_active = 0; is_active < 2; is_active++) {
			uint8_t cause[REQUIREMENT_N];
			struct scene s = scene_new();

			cases[i].change(&s);
			scene_judge(&s, is_active, cause);
			for (unsigned row = 0; row < REQUIREMENT_N; row++) {
				cr_assert_lt(cause[row], CAUSE_N);
				told[cause[row]] = true;
			}
		}
	for (unsigned cause = 0; cause < CAUSE_N; cause++)
		cr_expect(told[cause], "cause %u is never told", cause);
}

Test(requirement, 7_R2_results_and_causes_out_of_the_list)
{
	for (unsigned cause = 0; cause < 256; cause++) {
		enum requirement_result result = requirement_result((enum requirement_cause)cause);

		if (cause == CAUSE_NONE)
			cr_assert_eq(result, REQUIREMENT_PASS);
		else if (cause <= CAUSE_NOT_SEEN)
			cr_assert_eq(result, REQUIREMENT_UNKNOWN, "%u", cause);
		else
			cr_assert_eq(result, REQUIREMENT_FAIL, "%u", cause);
	}
	cr_assert_eq(requirement_remedy(CAUSE_N), requirement_remedy((enum requirement_cause)255));
	cr_assert_str_not_empty(requirement_remedy(CAUSE_N));
}

/* They travel as numbers: nothing may be put in between. */
Test(requirement, 7_R2_numbers_stay_what_they_are)
{
	cr_assert_eq(CAUSE_MODEL_DIFFERS, 4);
	cr_assert_eq(CAUSE_FIRMWARE_DIFFERS, 9);
	cr_assert_eq(CAUSE_PREFIX_DIFFERS, 17);
	cr_assert_eq(CAUSE_NO_VIP, 20);
	cr_assert_eq(CAUSE_ADDRESS_OWN, 24);
	cr_assert_eq(CAUSE_STORE, 33);
	cr_assert_eq(CAUSE_SAME_ADDRESS, 36);
	cr_assert_eq(CAUSE_CROSSED, 37);
	cr_assert_eq(CAUSE_IDENTITY, 38);
}

Test(requirement, 7_R4_merge)
{
	enum {
		NEWER = CAUSE_N + 7
	};
	static const struct {
		uint8_t own, peer, merged;
	} table[] = {
		{CAUSE_NONE, CAUSE_NONE, CAUSE_NONE},
		{CAUSE_NONE, CAUSE_NOT_SEEN, CAUSE_NONE},
		{CAUSE_NONE, CAUSE_PENDING, CAUSE_PENDING},
		{CAUSE_NONE, CAUSE_UNHEARD, CAUSE_UNHEARD},
		{CAUSE_NONE, CAUSE_STATIONS, CAUSE_STATIONS},
		{CAUSE_NONE, NEWER, NEWER},
		{CAUSE_NOT_SEEN, CAUSE_NONE, CAUSE_NONE},
		{CAUSE_NOT_SEEN, CAUSE_NOT_SEEN, CAUSE_NOT_SEEN},
		{CAUSE_NOT_SEEN, CAUSE_PENDING, CAUSE_PENDING},
		{CAUSE_NOT_SEEN, CAUSE_OCCUPIED, CAUSE_OCCUPIED},
		{CAUSE_PENDING, CAUSE_NONE, CAUSE_PENDING},
		{CAUSE_PENDING, CAUSE_NOT_SEEN, CAUSE_PENDING},
		{CAUSE_PENDING, CAUSE_UNHEARD, CAUSE_PENDING},
		{CAUSE_UNHEARD, CAUSE_PENDING, CAUSE_UNHEARD},
		{CAUSE_PENDING, CAUSE_RELAYED, CAUSE_RELAYED},
		{CAUSE_UNHEARD, NEWER, NEWER},
		{CAUSE_RELAYED, CAUSE_NONE, CAUSE_RELAYED},
		{CAUSE_RELAYED, CAUSE_NOT_SEEN, CAUSE_RELAYED},
		{CAUSE_RELAYED, CAUSE_PENDING, CAUSE_RELAYED},
		{CAUSE_RELAYED, CAUSE_STATIONS, CAUSE_RELAYED},
		{CAUSE_RELAYED, NEWER, CAUSE_RELAYED},
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(*table); i++)
		for (unsigned row = 0; row < REQUIREMENT_N; row++) {
			uint8_t own[REQUIREMENT_N] = {0}, peer[REQUIREMENT_N] = {0};

			own[row] = table[i].own;
			peer[row] = table[i].peer;
			requirements_merge(own, peer);
			for (unsigned j = 0; j < REQUIREMENT_N; j++)
				cr_assert_eq(own[j], j == row ? table[i].merged : CAUSE_NONE,
					     "%u and %u in row %u", table[i].own, table[i].peer,
					     row);
		}
}

/* What the joiner is shown when the active objects to two rows at once, and can name but one refusal. */
Test(requirement, 7_R4_the_report_tells_what_the_joiner_cannot_see)
{
	uint8_t active[REQUIREMENT_N], passive[REQUIREMENT_N];
	struct scene s = scene_new();

	not_active(&s);
	s.active_paired = true;
	scene_judge(&s, true, active);
	scene_judge(&s, false, passive);
	requirements_merge(passive, active);
	cr_assert_eq(passive[REQUIREMENT_ROLE], CAUSE_NOT_ACTIVE);
	cr_assert_eq(passive[REQUIREMENT_VACANT], CAUSE_OCCUPIED);

	s = scene_new();
	refused_for_requirements(&s);
	scene_judge(&s, true, active);
	scene_judge(&s, false, passive);
	cr_assert_not(requirements_met(passive));
	requirements_merge(passive, active);
	cr_assert(requirements_met(passive));
}

Test(requirement, 7_R5_each_has_to_be_met)
{
	for (unsigned row = 0; row < REQUIREMENT_N; row++)
		for (unsigned value = 0; value < 256; value++) {
			uint8_t cause[REQUIREMENT_N] = {0};

			cause[row] = (uint8_t)value;
			cr_assert_eq(requirements_met(cause), value == CAUSE_NONE);
		}
}

/* ---- texts ---- */

Test(requirement, names_and_titles)
{
	static const char *const expected[REQUIREMENT_N][2] = {
		{"hardware_model", "Hardware model"},
		{"physical_connection", "Physical connection"},
		{"version", "Firmware, hotfix, and patch version"},
		{"host_name", "Host name"},
		{"ip_addresses", "IP addresses"},
		{"network_segment", "Network segment"},
		{"virtual_ip", "Virtual IP address"},
		{"address", "Active primary IP address"},
		{"role", "Role of the other appliance"},
		{"vacant", "Free to take a passive"},
		{"timing", "Timing"},
		{"protocol", "Protocol and passphrase"},
	};

	for (unsigned i = 0; i < REQUIREMENT_N; i++) {
		cr_assert_str_eq(requirement_name(i), expected[i][0]);
		cr_assert_str_eq(requirement_title(i), expected[i][1]);
	}
	cr_assert_str_eq(requirement_name(REQUIREMENT_N), "?");
	cr_assert_str_eq(requirement_title((enum requirement)1000), "?");
	cr_assert_str_eq(requirement_result_name(REQUIREMENT_PASS), "pass");
	cr_assert_str_eq(requirement_result_name(REQUIREMENT_FAIL), "fail");
	cr_assert_str_eq(requirement_result_name(REQUIREMENT_UNKNOWN), "unknown");
	cr_assert_str_eq(requirement_result_name((enum requirement_result)3), "?");
}

Test(requirement, each_cause_has_a_remedy_of_one_sentence)
{
	cr_assert_str_empty(requirement_remedy(CAUSE_NONE));
	for (unsigned i = CAUSE_NONE + 1; i <= CAUSE_N; i++) {
		const char *remedy = requirement_remedy(i);

		cr_assert(remedy[0] >= 'A' && remedy[0] <= 'Z', "%u: %s", i, remedy);
		cr_assert_eq(strchr(remedy, '.'), remedy + strlen(remedy) - 1, "%u: %s", i, remedy);
		for (unsigned j = CAUSE_NONE; j < i; j++)
			cr_assert_str_neq(remedy, requirement_remedy(j));
	}
}

/* ---- properties ---- */

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void random_facts(struct requirement_facts *facts, uint64_t *state)
{
	uint64_t bits = random_next(state);
	bool *const flag[] = {
		&facts->heard,
		&facts->direct,
		&facts->stations,
		&facts->listening,
		&facts->other_version,
		&facts->unverified,
		&facts->crossed,
		&facts->malformed,
		&facts->vip_over,
		&facts->proof[0].asked,
		&facts->proof[0].answered,
		&facts->proof[0].over,
		&facts->proof[0].other_mac,
		&facts->proof[1].asked,
		&facts->proof[1].over,
		&facts->proof[1].answered,
		&facts->proof[1].other_mac,
	};

	for (unsigned i = 0; i < sizeof(flag) / sizeof(*flag); i++)
		*flag[i] = bits >> i & 1;
	facts->vip_third = (uint8_t)(bits >> 48 & bits >> 56);
}

/* Some of what the cases have changed, all at once: so one meets the other. */
static struct scene random_scene(uint64_t *state)
{
	struct scene s = scene_new();

	for (uint64_t n = random_next(state) % 5; n > 0; n--)
		cases[random_next(state) % CASES_N].change(&s);
	return s;
}

/* Of the same identities and the same network both say the same, but for what is only one's to tell. */
Test(requirement, 7_R1_both_sides_see_the_same)
{
	uint64_t state = 0x5eed0007;

	for (unsigned i = 0; i < 20000; i++) {
		uint8_t active[REQUIREMENT_N], passive[REQUIREMENT_N];
		struct scene s = random_scene(&state);

		s.strange = false;
		s.reported = false;
		scene_judge(&s, true, active);
		scene_judge(&s, false, passive);
		for (unsigned row = 0; row < REQUIREMENT_N; row++)
			if (row != REQUIREMENT_ROLE && row != REQUIREMENT_VACANT)
				cr_assert_eq(active[row], passive[row], "%u, %s: %u %u", i,
					     requirement_name(row), active[row], passive[row]);
	}
}

/* Who is active is all the difference: two that change places are judged as each other was. */
Test(requirement, 7_R1_sides_may_be_swapped)
{
	uint64_t state = 0x5eed0008;

	for (unsigned i = 0; i < 5000; i++) {
		uint8_t before[REQUIREMENT_N], after[REQUIREMENT_N];
		struct scene s = random_scene(&state), t = s;

		t.active = s.passive;
		t.passive = s.active;
		s.typed = t.typed = (struct ha_address){0};
		scene_judge(&s, true, before);
		scene_judge(&t, false, after); /* the same appliance asks */
		for (unsigned row = 0; row < REQUIREMENT_N; row++) {
			if (row == REQUIREMENT_VIRTUAL_IP || row == REQUIREMENT_ROLE ||
			    row == REQUIREMENT_VACANT)
				continue; /* the other one's count now */
			if (before[row] == CAUSE_FAMILY_ACTIVE ||
			    before[row] == CAUSE_FAMILY_PASSIVE)
				cr_assert(after[row] == CAUSE_FAMILY_ACTIVE ||
						  (after[row] == CAUSE_FAMILY_PASSIVE &&
						   before[row] == CAUSE_FAMILY_ACTIVE),
					  "%u: %u %u", i, before[row], after[row]);
			else
				cr_assert_eq(after[row], before[row], "%u, %s: %u %u", i,
					     requirement_name(row), before[row], after[row]);
		}
	}
}

/* Bytes as no decoder lets them through: texts without an end, lengths and families that there are not. The identities
 * lie in blocks of their own, so that the sanitizer sees the first byte beyond. */
Test(requirement, reads_whatever_is_in_an_identity)
{
	struct msg_identity *own = malloc(sizeof(*own)), *peer = malloc(sizeof(*peer));
	char(*model)[MSG_MODEL_LEN + 1] = malloc(sizeof(*model));
	uint64_t state = 0x5eed0009;

	cr_assert(own && peer && model);
	for (unsigned i = 0; i < 20000; i++) {
		struct requirement_view view = {.own = own, .model = model, .model_n = 1};
		uint8_t cause[REQUIREMENT_N], again[REQUIREMENT_N];
		uint64_t bits = random_next(&state);

		for (size_t j = 0; j < sizeof(*own); j++) {
			((uint8_t *)own)[j] = (uint8_t)random_next(&state);
			((uint8_t *)peer)[j] = (uint8_t)random_next(&state);
		}
		if (bits & 1)
			*peer = *own; /* equal texts are read to their end */
		for (unsigned j = 0; (bits & 2) && j < HA_ADDRESS_MAX; j++) {
			own->management[j].address.family = j % 2 ? HA_IPV4 : HA_IPV6;
			peer->management[j].address = own->management[j].address;
			peer->management[j].address.b[15] ^= (uint8_t)(bits >> 8 & 1);
			peer->management[j].length = own->management[j].length;
			own->vip[j].family = j % 2 ? HA_IPV4 : HA_IPV6;
		}
		memcpy(model, own->model, sizeof(*model));
		view.peer = bits & 4 ? NULL : peer;
		view.is_active = bits & 8;
		view.own_paired = bits & 16;
		view.own_holds = bits & 32;
		view.reported = bits & 64;
		view.refusal = (enum msg_join_refusal)(bits >> 16 & 255);
		view.address = own->management[0].address;
		random_facts(&view.facts, &state);
		requirements_judge(&view, cause);
		requirements_judge(&view, again);
		cr_assert_arr_eq(cause, again, REQUIREMENT_N);
		for (unsigned row = 0; row < REQUIREMENT_N; row++)
			cr_assert_lt(cause[row], CAUSE_N);
	}
	free(own);
	free(peer);
	free(model);
}
