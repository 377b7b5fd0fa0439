/* node_peer.c - SPEC 5.3: what is known of the peer, and from which frames. */
#include "tests/unit/node_solo.h"

#include "proto/peer.h"

#include <criterion/criterion.h>

static struct solo s;

static void setup(void)
{
	solo_active(&s);
}

TestSuite(node_peer, .init = setup);

static bool audible(enum ha_path path)
{
	return node_path_audible(solo_node(&s), path, solo_now(&s));
}

static uint64_t us(ha_time t)
{
	return (uint64_t)(t / HA_US);
}

Test(node_peer, P1_a_path_is_audible_for_a_dead_interval)
{
	solo_say(&s);
	world_run(&s.w, s.w.timing.dead - 1);
	cr_assert(audible(HA_PATH_LINK));
	world_run(&s.w, 1);
	cr_assert(!audible(HA_PATH_LINK));
	cr_assert(!audible(HA_PATH_MANAGEMENT));
	cr_assert(world_saw(&s.w, "a path_down link"));
}

/* Both frames of a round trip took 51 ms, or the peer held it back: it comes too late to mean anything. */
/* One that waited in another queue than those that were read before. */
Test(node_peer, P1_a_frame_that_comes_late_makes_the_path_no_older)
{
	struct node_event ev = {.type = EV_SOLICIT, .path = HA_PATH_LINK};
	ha_time heard;

	solo_start(&s);
	solo_say(&s);
	heard = solo_now(&s);
	ev.heard_at = heard - 50 * HA_MS;
	world_event(&s.w, A, &ev);
	world_run(&s.w, s.w.timing.dead - HA_MS);
	cr_assert(node_path_audible(solo_node(&s), HA_PATH_LINK, solo_now(&s)));
	world_run(&s.w, HA_MS);
	cr_assert_not(node_path_audible(solo_node(&s), HA_PATH_LINK, solo_now(&s)));
}

Test(node_peer, P1_a_stale_frame_counts_for_nothing)
{
	ha_time heard = s.w.n[A].node.path[HA_PATH_LINK].heard;

	s.says.number++;
	s.says.claim = HA_CLAIM_HOLDING;
	s.says.term = 99;
	world_run(&s.w, 50 * HA_MS);
	s.says.echo_us = us(solo_now(&s)) - 101000;
	s.says.echo_hold_us = 0;
	solo_hear(&s, HA_PATH_LINK);
	cr_assert_eq(solo_node(&s)->path[HA_PATH_LINK].heard, heard);
	cr_assert_eq(solo_node(&s)->term_known, 4u);
	s.says.echo_hold_us = 2000; /* so much of it the peer had it in hand */
	s.says.claim = HA_CLAIM_NONE;
	solo_hear(&s, HA_PATH_LINK);
	cr_assert_gt(solo_node(&s)->path[HA_PATH_LINK].heard, heard);
	cr_assert_eq(solo_node(&s)->term_known, 99u);
}

/* For 72 minutes this node was not heard there: how long the echo was held is not known. */
Test(node_peer, P1_an_echo_held_for_ever_makes_no_frame_stale)
{
	struct node_event ev = {.type = EV_HEARTBEAT, .heard_at = 5000 * HA_SEC};
	struct node *n = solo_node(&s);

	ev.heartbeat = s.says;
	ev.heartbeat.number++;
	ev.heartbeat.echo_us = 1;
	ev.heartbeat.echo_hold_us = UINT32_MAX - 1;
	cr_assert_eq(peer_heartbeat(n, &ev), PEER_STALE);
	ev.heartbeat.echo_hold_us = UINT32_MAX;
	cr_assert_eq(peer_heartbeat(n, &ev), PEER_CONTENT);
}

Test(node_peer, P1_an_answer_to_an_earlier_question_is_no_sign_of_life)
{
	struct node_event ev = {.type = EV_ANSWER, .path = HA_PATH_MANAGEMENT, .nonce = 1};

	solo_say(&s);
	world_run(&s.w, s.w.timing.dead);
	ev.heard_at = solo_now(&s);
	world_event(&s.w, A, &ev);
	cr_assert(!audible(HA_PATH_MANAGEMENT));
	ev.nonce = solo_node(&s)->solicit.nonce;
	world_event(&s.w, A, &ev);
	cr_assert(audible(HA_PATH_MANAGEMENT));
}

/* It lost its record, and counts its starts from one. */
Test(node_peer, P3_after_a_new_join_its_boots_count_anew)
{
	struct node_event ev = {.type = EV_PAIRED};
	struct node *n = solo_node(&s);

	s.w.terms_unchecked = true; /* the join is ahead of the disk */
	ev.paired.mode = HA_MODE_PRIMARY_ACTIVE;
	ev.paired.lower = true;
	ev.paired.vip_n = n->config.vip_n;
	memcpy(ev.paired.vip, n->config.vip, sizeof(ev.paired.vip));
	world_run(&s.w, HA_SEC);
	world_event(&s.w, A, &ev);
	s.says.boot = 1;
	s.says.number = 0;
	solo_session(&s, HA_PATH_LINK);
	solo_session(&s, HA_PATH_MANAGEMENT);
	solo_goes_on(&s, 100 * HA_MS);
	cr_assert(audible(HA_PATH_LINK));
	cr_assert_eq(n->peer.boot, 1u);
	cr_assert_eq(world_holder(&s.w), A);
}

Test(node_peer, P2_a_path_that_had_no_session_is_silent_when_the_boot_wait_is_over)
{
	struct clock c = {.next = HA_NEVER};

	world_init(&s.w, 1);
	world_power_on(&s.w, A);
	world_run(&s.w, 2999 * HA_MS);
	c.now = solo_now(&s);
	cr_assert(!path_silent(solo_node(&s), HA_PATH_MANAGEMENT, &c));
	c.now += HA_MS;
	cr_assert(path_silent(solo_node(&s), HA_PATH_MANAGEMENT, &c));
	cr_assert(!path_audible(solo_node(&s), HA_PATH_MANAGEMENT, &c));
}

Test(node_peer, P3_content_is_taken_only_from_a_newer_state_whichever_path_it_came_on)
{
	struct msg_heartbeat old = s.says;

	s.says.number = old.number + 2;
	s.says.lineage.number = 22;
	solo_hear(&s, HA_PATH_MANAGEMENT);
	s.says.number = old.number + 1;
	s.says.lineage.number = 11;
	s.says.term = 99;
	world_run(&s.w, 10 * HA_MS);
	solo_hear(&s, HA_PATH_LINK);
	cr_assert_eq(solo_node(&s)->peer.last.lineage.number, 22u);
	cr_assert_eq(solo_node(&s)->term_known, 4u);
	cr_assert_eq(solo_node(&s)->path[HA_PATH_LINK].heard, solo_now(&s), "but a sign of life");
}

Test(node_peer, P3_of_an_older_boot_nothing_is_taken)
{
	ha_time heard = solo_node(&s)->path[HA_PATH_LINK].heard;

	s.says.boot = 10;
	s.says.number += 100;
	world_run(&s.w, 10 * HA_MS);
	solo_hear(&s, HA_PATH_LINK);
	cr_assert_eq(solo_node(&s)->path[HA_PATH_LINK].heard, heard);
	cr_assert_eq(solo_node(&s)->peer.boot, 11u);
}

Test(node_peer, P3_a_newer_boot_starts_its_numbers_anew)
{
	s.says.boot = 12;
	s.says.number = 1;
	s.says.echo_us = 0;
	solo_session(&s, HA_PATH_LINK);
	solo_hear(&s, HA_PATH_LINK);
	cr_assert_eq(solo_node(&s)->peer.last.number, 1u);
	cr_assert(world_saw(&s.w, "a peer_restarted"));
}

Test(node_peer, P4_echoes_of_an_older_boot_are_forgotten)
{
	struct msg_heartbeat hb;

	s.says.boot = 12;
	solo_session(&s, HA_PATH_LINK);
	node_heartbeat(solo_node(&s), HA_PATH_LINK, solo_now(&s), &hb);
	cr_assert_eq(hb.echo_us, 0u);
	s.says.number = 1;
	s.says.sent_us = 17; /* a clock that has just begun */
	s.says.echo_us = 0;
	solo_hear(&s, HA_PATH_LINK);
	node_heartbeat(solo_node(&s), HA_PATH_LINK, solo_now(&s), &hb);
	cr_assert_eq(hb.echo_us, 17u);
	s.says.number = 2;
	s.says.sent_us = us(solo_now(&s)) + 1000000000; /* or one far ahead of the old one */
	s.says.echo_us = us(solo_now(&s));
	s.says.boot = 13;
	solo_session(&s, HA_PATH_LINK);
	solo_hear(&s, HA_PATH_LINK);
	s.says.number = 3;
	solo_hear(&s, HA_PATH_LINK);
	cr_assert(solo_node(&s)->lease.wanted, "and no jump of its clock (Y6)");
}

Test(node_peer, who_leaves_is_not_ready_whatever_else_it_says)
{
	solo_start(&s);
	solo_say(&s);
	cr_assert(node_peer_ready(solo_node(&s), solo_now(&s)));
	s.says.flags |= MSG_FLAG_LEAVING;
	solo_say(&s);
	cr_assert_not(node_peer_ready(solo_node(&s), solo_now(&s)));
}

Test(node_peer, P5_a_solicit_is_answered_at_once_on_its_path)
{
	for (int path = 0; path < HA_PATH_N; path++) {
		struct node_actions out;
		struct node_event ev = {.type = EV_SOLICIT,
					.now = solo_now(&s),
					.path = path ? HA_PATH_MANAGEMENT : HA_PATH_LINK,
					.heard_at = solo_now(&s),
					.nonce = 77};

		node_step(solo_node(&s), &ev, &out);
		cr_assert_eq(out.a[0].type, ACT_ANSWER);
		cr_assert_eq(out.a[0].path, ev.path);
		cr_assert_eq(out.a[0].nonce, 77u);
	}
}

Test(node_peer, the_matrix_says_what_was_heard_on_each_path)
{
	struct msg_heartbeat hb;

	solo_say(&s);
	world_run(&s.w, 7 * HA_MS);
	solo_hear(&s, HA_PATH_LINK);
	world_run(&s.w, 2 * HA_MS);
	node_heartbeat(solo_node(&s), HA_PATH_LINK, solo_now(&s), &hb);
	cr_assert_eq(hb.heard[HA_PATH_LINK].age_us, 2000u);
	cr_assert_eq(hb.heard[HA_PATH_LINK].counter, s.counter);
	cr_assert_eq(hb.heard[HA_PATH_MANAGEMENT].age_us, 9000u);
	cr_assert_eq(hb.heard[HA_PATH_MANAGEMENT].counter, s.counter - 1);
}

Test(node_peer, the_worst_of_the_last_one_to_two_minutes_is_remembered)
{
	struct node_worst worst = {.since = 0};

	worst_note(&worst, HA_SEC, 9);
	worst_note(&worst, 2 * HA_SEC, 3);
	cr_assert_eq(worst_of(&worst), 9);
	worst_note(&worst, 61 * HA_SEC, 2);
	cr_assert_eq(worst_of(&worst), 9);
	worst_note(&worst, 122 * HA_SEC, 1);
	cr_assert_eq(worst_of(&worst), 2);
	worst_note(&worst, 400 * HA_SEC, 0);
	cr_assert_eq(worst_of(&worst), 0);
}
