/* The survey: what is asked, which answers count, and what the link shows. */
#include "agent/survey.h"

#include <criterion/criterion.h>

#include <string.h>

#define WHOLE (2 * SURVEY_EVERY + SURVEY_PATIENCE)

static const struct ha_mac own_mac = {{2, 0, 0, 0, 0, 1}}, peer_mac = {{2, 0, 0, 0, 0, 2}},
			   other_mac = {{2, 0, 0, 0, 0, 3}}, own_link = {{2, 0, 0, 0, 3, 1}},
			   peer_link = {{2, 0, 0, 0, 3, 2}};

static const struct ha_address peer_v4 = {HA_IPV4, {192, 0, 2, 0x12}};
static const struct ha_address peer_v6 = {HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x12}};
static const struct ha_address vip_v4 = {HA_IPV4, {192, 0, 2, 100}};
static const struct ha_address vip_v6 = {HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x64}};

/* Dual stack; the virtual IPs at indices 0 and 3. */
static struct msg_identity identity(uint8_t last, const struct ha_mac *mac)
{
	return (struct msg_identity){
		.revision = 1,
		.management_mac = *mac,
		.management = {{{HA_IPV4, {192, 0, 2, last}}, 24},
			       {{HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = last}}, 64}},
		.vip = {[0] = vip_v4, [3] = vip_v6},
	};
}

static struct msg_identity own_identity(void)
{
	return identity(0x11, &own_mac);
}

static struct msg_identity peer_identity(void)
{
	return identity(0x12, &peer_mac);
}

static struct segment_frame frame(const struct ha_address *address, const struct ha_mac *mac)
{
	return (struct segment_frame){
		.source = *mac, .sender = *address, .sender_mac = *mac, .answer = true};
}

static void answer(struct survey *survey, const struct ha_address *address,
		   const struct ha_mac *mac)
{
	struct segment_frame f = frame(address, mac);

	survey_segment(survey, &f);
}

static unsigned timer(struct survey *survey, ha_time now)
{
	struct survey_question out[SURVEY_QUESTIONS_MAX];

	return survey_timer(survey, now, out);
}

/* Begun at 0, the first round of questions asked. */
static struct survey asking(bool is_active)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey survey = {0};

	survey_init(&survey, is_active, &own_mac);
	survey_begin(&survey, &own, &peer, 0);
	cr_assert_eq(timer(&survey, 0), 4);
	return survey;
}

/* To the end of its time. */
static void finish(struct survey *survey)
{
	while (survey_deadline(survey) != HA_NEVER)
		timer(survey, survey_deadline(survey));
}

/* ---- questions ---- */

Test(survey, asks_for_the_peer_s_addresses_and_the_virtual_ips)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey_question q[SURVEY_QUESTIONS_MAX];
	struct survey survey = {0};

	survey_init(&survey, false, &own_mac);
	cr_assert_eq(survey_deadline(&survey), HA_NEVER);
	survey_begin(&survey, &own, &peer, HA_SEC);
	cr_assert_eq(survey_deadline(&survey), HA_SEC, "at once");
	cr_assert_eq(survey_timer(&survey, HA_SEC, q), 4);
	cr_assert(ha_address_equal(&q[0].address, &peer_v4) && !q[0].vip && q[0].index == 0);
	cr_assert(ha_address_equal(&q[1].address, &peer_v6) && !q[1].vip && q[1].index == 1);
	cr_assert(ha_address_equal(&q[2].address, &vip_v4) && q[2].vip && q[2].index == 0);
	cr_assert(ha_address_equal(&q[3].address, &vip_v6) && q[3].vip && q[3].index == 3);
}

Test(survey, the_virtual_ips_are_those_of_the_active)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey_question q[SURVEY_QUESTIONS_MAX];

	memset(own.vip, 0, sizeof(own.vip));
	for (int is_active = 0; is_active < 2; is_active++) {
		struct survey survey = {0};

		survey_init(&survey, is_active, &own_mac);
		survey_begin(&survey, &own, &peer, 0);
		cr_assert_eq(survey_timer(&survey, 0, q), is_active ? 2 : 4);
	}
}

Test(survey, only_an_address_in_a_common_network_is_asked_for)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey_question q[SURVEY_QUESTIONS_MAX];
	struct survey survey = {0};

	memset(peer.vip, 0, sizeof(peer.vip));
	peer.management[0].length = 25;
	peer.management[1].address.b[7] = 1;
	survey_init(&survey, false, &own_mac);
	survey_begin(&survey, &own, &peer, 0);
	cr_assert_eq(timer(&survey, 0), 0, "another length, another prefix");
	cr_assert_not(survey.facts.proof[0].asked || survey.facts.proof[1].asked);

	/* 192.0.2.130/25 and 192.0.2.140/25 are neighbours, 192.0.2.18/25 is not. */
	own.management[0] = (struct msg_prefix){{HA_IPV4, {192, 0, 2, 130}}, 25};
	peer.management[5] = (struct msg_prefix){{HA_IPV4, {192, 0, 2, 140}}, 25};
	peer.management[6] = (struct msg_prefix){{HA_IPV4, {192, 0, 2, 141}}, 25};
	survey = (struct survey){0};
	survey_init(&survey, false, &own_mac);
	survey_begin(&survey, &own, &peer, 0);
	cr_assert_eq(survey_timer(&survey, 0, q), 1);
	cr_assert(ha_address_equal(&q[0].address, &peer.management[5].address), "the first");
	cr_assert(survey.facts.proof[0].asked && !survey.facts.proof[1].asked);
}

Test(survey, prefixes_longer_than_an_address_have_nothing_in_common)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey survey = {0};

	memset(peer.vip, 0, sizeof(peer.vip));
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++) {
		peer.management[i].address = peer_v6;
		peer.management[i].length = 255;
	}
	memcpy(own.management, peer.management, sizeof(own.management));
	survey_init(&survey, false, &own_mac);
	survey_begin(&survey, &own, &peer, 0);
	cr_assert_eq(timer(&survey, 0), 0);
}

Test(survey, asks_three_times_and_gives_up)
{
	struct survey survey = asking(false);

	cr_assert_eq(timer(&survey, SURVEY_EVERY - 1), 0);
	cr_assert_eq(timer(&survey, SURVEY_EVERY), 4);
	cr_assert_eq(survey_deadline(&survey), 2 * SURVEY_EVERY);
	cr_assert_eq(timer(&survey, 2 * SURVEY_EVERY), 4);
	cr_assert_eq(survey_deadline(&survey), WHOLE);
	cr_assert(survey.running && !survey.facts.vip_over && survey.facts.listening);
	cr_assert_not(survey.facts.proof[0].over);
	cr_assert_not(survey_complete(&survey, WHOLE));
	cr_assert_eq(timer(&survey, WHOLE), 0);
	cr_assert(survey.facts.vip_over && !survey.facts.listening);
	cr_assert(survey.facts.proof[0].over && survey.facts.proof[1].over);
	cr_assert(survey_complete(&survey, WHOLE));
	cr_assert_eq(survey_deadline(&survey), HA_NEVER);
	cr_assert_eq(survey.ended, WHOLE);
}

Test(survey, without_a_question_it_takes_its_time_all_the_same)
{
	struct msg_identity none = {.revision = 1};
	struct survey survey = {0};

	survey_init(&survey, false, &own_mac);
	survey_begin(&survey, &none, &none, 0);
	cr_assert_eq(timer(&survey, 0), 0);
	cr_assert_not(survey_complete(&survey, 0), "the link has to be listened to");
	finish(&survey);
	cr_assert(survey_complete(&survey, WHOLE));
	cr_assert_not(survey.facts.proof[0].over, "nothing was asked");
}

Test(survey, what_is_answered_is_not_asked_again)
{
	struct survey survey = asking(false);
	struct survey_question q[SURVEY_QUESTIONS_MAX];

	answer(&survey, &peer_v4, &peer_mac);
	answer(&survey, &vip_v4, &peer_mac); /* others may answer for it as well */
	cr_assert_eq(survey_timer(&survey, SURVEY_EVERY, q), 3);
	cr_assert(ha_address_equal(&q[0].address, &peer_v6));
	answer(&survey, &vip_v4, &other_mac);
	cr_assert_eq(timer(&survey, 2 * SURVEY_EVERY), 2);
}

/* ---- answers ---- */

Test(survey, the_peer_s_answers_prove_its_addresses)
{
	struct survey survey = asking(false);

	answer(&survey, &peer_v4, &peer_mac);
	cr_assert(survey.facts.proof[0].answered && !survey.facts.proof[1].answered);
	answer(&survey, &peer_v6, &peer_mac);
	cr_assert(survey.facts.proof[1].answered);
	cr_assert_not(survey.facts.proof[0].other_mac || survey.facts.proof[1].other_mac);
}

Test(survey, two_that_answer_for_one_address_are_both_noted)
{
	struct survey survey = asking(false);

	answer(&survey, &peer_v4, &peer_mac);
	answer(&survey, &peer_v4, &other_mac);
	cr_assert(survey.facts.proof[0].answered && survey.facts.proof[0].other_mac);
	answer(&survey, &peer_v6, &other_mac);
	answer(&survey, &peer_v6, &peer_mac);
	cr_assert(survey.facts.proof[1].answered && survey.facts.proof[1].other_mac);
}

Test(survey, a_second_answer_counts_until_the_end)
{
	struct survey survey = asking(false);

	answer(&survey, &peer_v4, &peer_mac);
	timer(&survey, SURVEY_EVERY);
	timer(&survey, 2 * SURVEY_EVERY);
	answer(&survey, &peer_v4, &other_mac);
	cr_assert(survey.facts.proof[0].other_mac);
}

Test(survey, a_question_of_the_peer_is_no_answer_but_a_claim_of_another_is_one)
{
	struct survey survey = asking(false);
	struct segment_frame request = frame(&peer_v4, &peer_mac);

	request.answer = false;
	survey_segment(&survey, &request);
	cr_assert_not(survey.facts.proof[0].answered);
	request.source = request.sender_mac = other_mac;
	survey_segment(&survey, &request);
	cr_assert(survey.facts.proof[0].other_mac);
}

Test(survey, answers_before_the_question_and_after_the_end_are_nothing)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey survey = {0};

	survey_init(&survey, false, &own_mac);
	answer(&survey, &peer_v4, &peer_mac);
	answer(&survey, &vip_v4, &other_mac);
	survey_begin(&survey, &own, &peer, 0);
	answer(&survey, &peer_v4, &peer_mac);
	answer(&survey, &vip_v4, &other_mac);
	cr_assert_eq(survey.facts.vip_third, 0);
	cr_assert_not(survey.facts.proof[0].answered);
	finish(&survey);
	answer(&survey, &peer_v4, &peer_mac);
	answer(&survey, &vip_v4, &other_mac);
	cr_assert_eq(survey.facts.vip_third, 0);
	cr_assert_not(survey.facts.proof[0].answered);
}

Test(survey, frames_of_no_sender_or_of_another_address_are_nothing)
{
	struct survey survey = asking(false);
	const struct ha_address nobody = {0}, another = {HA_IPV4, {192, 0, 2, 77}};
	struct requirement_facts before = survey.facts;

	answer(&survey, &nobody, &other_mac);
	answer(&survey, &another, &other_mac);
	cr_assert_arr_eq(&survey.facts, &before, sizeof(before));
}

Test(survey, the_peer_may_answer_for_its_virtual_ips_and_nobody_else)
{
	struct survey survey = asking(false);

	answer(&survey, &vip_v4, &peer_mac);
	answer(&survey, &vip_v6, &own_mac); /* an echo */
	cr_assert_eq(survey.facts.vip_third, 0);
	answer(&survey, &vip_v6, &other_mac);
	cr_assert_eq(survey.facts.vip_third, 1 << 3);
	answer(&survey, &vip_v4, &other_mac);
	cr_assert_eq(survey.facts.vip_third, 1 << 3 | 1 << 0);
}

Test(survey, nobody_may_answer_for_the_virtual_ips_of_this_side)
{
	struct survey survey = asking(true);

	answer(&survey, &vip_v4, &own_mac);
	cr_assert_eq(survey.facts.vip_third, 0, "its own announcements");
	answer(&survey, &vip_v4, &peer_mac);
	answer(&survey, &vip_v6, &other_mac);
	cr_assert_eq(survey.facts.vip_third, 1 << 3 | 1 << 0);
}

/* ---- beginning anew ---- */

Test(survey, the_same_identities_change_nothing)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey survey = asking(false);

	answer(&survey, &peer_v4, &peer_mac);
	survey_begin(&survey, &own, &peer, 10 * HA_MS);
	cr_assert(survey.facts.proof[0].answered);
	cr_assert_eq(survey.asked, 1);
	finish(&survey);
	survey_begin(&survey, &own, &peer, WHOLE + SURVEY_TTL);
	cr_assert(survey_complete(&survey, WHOLE + SURVEY_TTL));
}

static void expect_anew(const struct msg_identity *own, const struct msg_identity *peer)
{
	struct survey survey = asking(false);

	survey_authentic(&survey, &peer_link, SURVEY_TO_NEAREST);
	answer(&survey, &peer_v4, &peer_mac);
	answer(&survey, &vip_v4, &other_mac);
	finish(&survey);
	survey_begin(&survey, own, peer, 2 * HA_SEC);
	cr_assert_not(survey_complete(&survey, 2 * HA_SEC));
	cr_assert_eq(survey_deadline(&survey), 2 * HA_SEC);
	cr_assert_eq(survey.facts.vip_third, 0);
	cr_assert_not(survey.facts.vip_over || survey.facts.proof[0].answered);
	cr_assert(survey.facts.listening);
	cr_assert(survey.facts.direct, "what the link showed has not changed");
	cr_assert_gt(timer(&survey, 2 * HA_SEC), 0);
}

Test(survey, another_identity_begins_anew)
{
	struct msg_identity own = own_identity(), peer = peer_identity();

	peer.revision++;
	expect_anew(&own, &peer);
	peer = peer_identity();
	peer.management_mac = other_mac;
	expect_anew(&own, &peer);
	peer = peer_identity();
	peer.vip[1] = (struct ha_address){HA_IPV4, {192, 0, 2, 101}};
	expect_anew(&own, &peer);
	peer = peer_identity();
	own.management[1].length = 65;
	expect_anew(&own, &peer);
}

Test(survey, a_peer_that_is_another_every_time_does_not_make_it_ask_faster)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey survey = asking(false);
	unsigned asked = 0;

	for (ha_time now = HA_MS; now < SURVEY_EVERY; now += HA_MS) {
		peer.revision++;
		survey_begin(&survey, &own, &peer, now);
		asked += timer(&survey, now);
	}
	cr_assert_eq(asked, 0);
	cr_assert_eq(timer(&survey, SURVEY_EVERY), 4);
}

Test(survey, an_identity_that_is_malformed_is_one_until_the_next)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey survey = asking(false);

	cr_assert_not(survey.facts.malformed);
	survey_malformed(&survey);
	cr_assert(survey.facts.malformed);
	survey_begin(&survey, &own, &peer, HA_MS);
	cr_assert_not(survey.facts.malformed, "the same as before");
	survey_malformed(&survey);
	survey_init(&survey, false, &own_mac);
	cr_assert_not(survey.facts.malformed);
}

/* Each new session begins one anew, and anybody may begin sessions. */
Test(survey, one_that_is_begun_anew_every_time_does_not_make_it_ask_faster)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey survey = asking(true);
	unsigned asked = 0;

	for (ha_time now = HA_MS; now < SURVEY_EVERY; now += HA_MS) {
		survey_init(&survey, true, &own_mac);
		cr_assert_eq(survey_deadline(&survey), HA_NEVER);
		survey_begin(&survey, &own, &peer, now);
		asked += timer(&survey, now);
	}
	cr_assert_eq(asked, 0);
	cr_assert_eq(timer(&survey, SURVEY_EVERY), 4);
}

Test(survey, what_is_old_is_no_longer_complete_and_is_gathered_anew)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey survey = asking(false);
	const ha_time late = WHOLE + SURVEY_TTL + 1;

	survey_authentic(&survey, &peer_link, SURVEY_TO_NEAREST);
	survey_station(&survey, &other_mac);
	finish(&survey);
	cr_assert(survey_complete(&survey, late - 1));
	cr_assert_not(survey_complete(&survey, late));
	survey_begin(&survey, &own, &peer, late);
	cr_assert_eq(survey_deadline(&survey), late);
	cr_assert(survey.facts.heard);
	cr_assert_not(survey.facts.direct || survey.facts.stations);
	survey_station(&survey, &peer_link);
	survey_authentic(&survey, &peer_link, SURVEY_TO_OTHER);
	cr_assert_not(survey.facts.direct || survey.facts.stations);
	finish(&survey);
	cr_assert(survey_complete(&survey, late + WHOLE));
}

/* ---- the link ---- */

Test(survey, an_authentic_frame_tells_how_it_came)
{
	struct survey survey = {0};

	survey_init(&survey, false, &own_mac);
	cr_assert_not(survey.facts.heard);
	survey_authentic(&survey, &peer_link, SURVEY_TO_OTHER);
	cr_assert(survey.facts.heard && !survey.facts.direct);
	survey_authentic(&survey, &peer_link, SURVEY_TO_NEAREST);
	cr_assert(survey.facts.direct);
	survey_authentic(&survey, &peer_link, SURVEY_TO_OTHER);
	cr_assert(survey.facts.direct, "one of them is enough");
	cr_assert_not(survey.facts.stations);
}

Test(survey, another_station_is_one_that_is_not_the_peer)
{
	struct survey survey = {0};

	survey_init(&survey, false, &own_mac);
	survey_authentic(&survey, &peer_link, SURVEY_TO_NEAREST);
	survey_station(&survey, &peer_link);
	cr_assert_not(survey.facts.stations);
	survey_station(&survey, &other_mac);
	cr_assert(survey.facts.stations);
}

Test(survey, a_station_heard_before_the_peer_is_judged_when_that_is_known)
{
	struct survey survey = {0};

	survey_init(&survey, false, &own_mac);
	survey_station(&survey, &peer_link);
	survey_station(&survey, &peer_link);
	survey_authentic(&survey, &peer_link, SURVEY_TO_NEAREST);
	cr_assert_not(survey.facts.stations);

	survey_init(&survey, false, &own_mac);
	survey_station(&survey, &other_mac);
	cr_assert_not(survey.facts.stations, "it may be the peer");
	survey_authentic(&survey, &peer_link, SURVEY_TO_NEAREST);
	cr_assert(survey.facts.stations);
}

Test(survey, a_flood_of_stations_hides_none)
{
	struct survey survey = {0};
	struct ha_mac mac = peer_link;

	survey_init(&survey, false, &own_mac);
	survey_station(&survey, &peer_link);
	for (unsigned i = 0; i < 100000; i++) {
		memcpy(mac.b + 1, &i, sizeof(i));
		survey_station(&survey, &mac);
	}
	cr_assert(survey.facts.stations);
	survey_authentic(&survey, &peer_link, SURVEY_TO_NEAREST);
	cr_assert(survey.facts.stations && survey.facts.heard);
	cr_assert(ha_mac_equal(&survey.peer_link_mac, &peer_link));
}

Test(survey, the_peer_s_frames_under_another_address_were_sent_on_by_somebody)
{
	struct survey survey = {0};

	survey_init(&survey, false, &own_mac);
	survey_authentic(&survey, &peer_link, SURVEY_TO_OTHER);
	survey_authentic(&survey, &own_link, SURVEY_TO_OTHER);
	cr_assert(survey.facts.stations);
	cr_assert(ha_mac_equal(&survey.peer_link_mac, &peer_link));
}

Test(survey, what_the_link_showed_before_the_identity_came_counts)
{
	struct msg_identity own = own_identity(), peer = peer_identity();
	struct survey survey = {0};

	survey_init(&survey, false, &own_mac);
	survey_version(&survey);
	survey_authentic(&survey, &peer_link, SURVEY_TO_NEAREST);
	survey_station(&survey, &other_mac);
	survey_begin(&survey, &own, &peer, 0);
	cr_assert(survey.facts.heard && survey.facts.direct && survey.facts.stations &&
		  survey.facts.other_version);
}

Test(survey, a_beacon_says_something_only_while_no_handshake_succeeds)
{
	struct survey survey = {0};

	survey_init(&survey, false, &own_mac);
	survey_beacon(&survey);
	cr_assert(survey.facts.unverified);
	survey_authentic(&survey, &peer_link, SURVEY_TO_NEAREST);
	cr_assert_not(survey.facts.unverified);
	survey_beacon(&survey);
	cr_assert_not(survey.facts.unverified);
}
