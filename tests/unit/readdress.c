/* Other virtual IPs, at the engine (SPEC 5.12): what is refused and in which words, what is asked of the segment and of the
 * peer, and what is written down before anything changes. The test is the steward, the segment and the peer. */
#include "tests/unit/engine_rig.h"

#include <jansson.h>

static const struct ha_address old4 = {HA_IPV4, {192, 0, 2, 100}};
static const struct ha_address new4 = {HA_IPV4, {192, 0, 2, 110}};
static const struct ha_address new6 = {HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [14] = 1, [15] = 0x10}};

static struct engine_rig rig;
static struct engine *const engine = &rig.engine;
static struct control_answer answer;

static void own_address(unsigned i, struct ha_address address, uint8_t bits)
{
	engine->segment.address[i] =
		(struct segment_address){.address = address, .prefix_len = bits, .global = true};
	segment_identity(&engine->segment, engine->own.management);
}

/* Active in a pair, with the passive there, which has its copy. */
static void setup(void)
{
	rig_init(&rig);
	rig_peer(&rig, HA_CLAIM_NONE);
	own_address(0, (struct ha_address){HA_IPV4, {192, 0, 2, 12}}, 24);
	own_address(1, (struct ha_address){HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x12}}, 64);
	memcpy(engine->peer.management, engine->own.management, sizeof(engine->peer.management));
	engine->peer.management[0].address.b[3] = 11;
	engine->peer.management[1].address.b[15] = 0x11;
	engine->peer.flags = MSG_IDENTITY_ADDRESSES;
	engine->node.config.vip[0] = engine->record.vip[0] = old4;
	engine->node.config.vip_n = 1;
	engine->node.whole_copy = true;
	engine->node.lease.wanted = true;
	engine->node.lease.again = HA_NEVER;
	engine->node.claim = HA_CLAIM_HOLDING;
	engine->node.state = HA_ACTIVE;
	engine->node.path[HA_PATH_MANAGEMENT].carrier = true;
	engine->node.last_step = engine->node.beat_at = engine->node.now = engine->now;
	engine->node.reserved = 2;
	engine->node.nobody_since = engine->node.verify_since = HA_NEVER;
}

static void teardown(void)
{
	rig_close(&rig);
}

TestSuite(readdress, .init = setup, .fini = teardown);

/* Complete at once? */
static bool ask(const char *request)
{
	json_t *json = json_loads(request, 0, NULL);
	bool complete;

	cr_assert_not_null(json, "%s", request);
	answer = (struct control_answer){.result = CONTROL_ERROR};
	complete = readdress_start(engine, json, 1, &answer);
	json_decref(json);
	return complete;
}

static void expect_refused(const char *request, const char *text)
{
	cr_expect(ask(request), "%s", request);
	cr_expect_eq(answer.result, CONTROL_REFUSED, "%s", request);
	cr_expect_str_eq(answer.text, text);
	cr_expect_eq(engine->readdress.phase, READDRESS_IDLE);
}

/* Nobody answers for the new ones. */
static void probe(void)
{
	cr_assert_eq(engine->readdress.phase, READDRESS_PROBING);
	for (int i = 0; i < 4; i++) {
		engine->now = readdress_deadline(engine);
		engine->node.last_step = engine->node.beat_at = engine->now;
		engine->node.path[HA_PATH_LINK].heard = engine->now;
		readdress_timer(engine, engine->now);
	}
}

/* What the steward is to write, but for what the node wants; false: nothing. */
static bool written(struct store_record *record)
{
	struct ipc_message message;

	while (rig_heard(&rig, &message))
		if (message.type == IPC_SAVE && message.u.record.number & ENGINE_OWN_SAVE) {
			*record = message.u.record.record;
			return true;
		}
	return false;
}

static struct msg_addresses message_of(enum msg_addresses_op op, const struct ha_address *a)
{
	return (struct msg_addresses){.op = (uint8_t)op, .vip = {*a}};
}

/* --- X1 --- */

Test(readdress, X1_what_no_virtual_ip_can_be_is_refused_by_name)
{
	engine->config.witness[0] = (struct ha_address){HA_IPV4, {192, 0, 2, 33}};
	engine->config.witness_n = 1;
	engine->segment.gateway[0].address = (struct ha_address){HA_IPV4, {192, 0, 2, 1}};
	expect_refused("{}", "addresses is a list of IPv4 and IPv6 addresses");
	expect_refused("{\"addresses\": [\"192.0.2.110\", 7]}",
		       "number 2 of the list is no IPv4 or IPv6 address");
	expect_refused("{\"addresses\": [\"192.0.2.1/24\"]}",
		       "number 1 of the list is no IPv4 or IPv6 address");
	expect_refused("{\"addresses\": [1, 2, 3, 4, 5, 6, 7, 8, 9]}",
		       "9 addresses are more than 8");
	expect_refused("{\"addresses\": []}", "a pair needs a virtual IP: it has to have one");
	expect_refused("{\"addresses\": [\"127.0.0.1\"]}", "127.0.0.1 is loopback");
	expect_refused("{\"addresses\": [\"ff02::1\"]}", "ff02::1 is multicast");
	expect_refused("{\"addresses\": [\"192.0.2.110\", \"192.0.2.110\"]}",
		       "192.0.2.110 is named twice");
	expect_refused("{\"addresses\": [\"192.0.2.12\"]}",
		       "192.0.2.12 is a management address of this appliance");
	expect_refused("{\"addresses\": [\"2001:db8::11\"]}",
		       "2001:db8::11 is a management address of the other appliance");
	expect_refused("{\"addresses\": [\"192.0.2.33\"]}",
		       "192.0.2.33 is a gateway, or a witness of the configuration");
	expect_refused("{\"addresses\": [\"192.0.2.1\"]}",
		       "192.0.2.1 is a gateway, or a witness of the configuration");
	expect_refused("{\"addresses\": [\"198.51.100.1\"]}",
		       "198.51.100.1 is in no network of the management interface");
	expect_refused("{\"addresses\": [\"192.0.2.255\"]}",
		       "192.0.2.255 is no address of a station in its network");
	expect_refused("{\"addresses\": [\"192.0.2.0\"]}",
		       "192.0.2.0 is no address of a station in its network");
	engine->peer.management[1].length = 120;
	expect_refused("{\"addresses\": [\"2001:db8::1:10\"]}",
		       "2001:db8::1:10 is in no network of the other appliance's management "
		       "interface");
}

Test(readdress, X1_when_it_is_not_possible_the_dump_says_what_the_refusal_says)
{
	char text[CONTROL_TEXT_MAX];

	cr_expect(readdress_may(engine, text));
	engine->peer.flags = 0;
	cr_expect_not(readdress_may(engine, text));
	expect_refused("{\"addresses\": [\"192.0.2.110\"]}", text);
	cr_expect_str_eq(text, "the passive runs a version of haagent that cannot change the "
			       "virtual IP: upgrade it first");
	engine->part.phase = PART_ASKING;
	expect_refused("{\"addresses\": [\"192.0.2.110\"]}",
		       "a handover, or a detach, is under way");
	engine->part.phase = PART_IDLE;
	engine->node.peer.last.why_not = WHY_NOT_COPY;
	expect_refused("{\"addresses\": [\"192.0.2.110\"]}",
		       "the first copy of the settings is still under way");
	engine->node.path[HA_PATH_LINK].session = false;
	expect_refused("{\"addresses\": [\"192.0.2.110\"]}", "the passive is not heard");
	engine->node.lease.wanted = false;
	expect_refused("{\"addresses\": [\"192.0.2.110\"]}", "only the active can do that");
}

Test(readdress, X1_one_at_a_time_and_no_end_of_the_pair_meanwhile)
{
	struct control_answer detach = {.result = CONTROL_ERROR};

	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	cr_expect(ask("{\"addresses\": [\"192.0.2.111\"]}"));
	cr_expect_str_eq(answer.text, "a change of the virtual IP is under way");
	cr_expect(part_start(engine, CONTROL_DETACH, 2, &detach));
	cr_expect_str_eq(detach.text, "a change of the virtual IP is under way");
}

Test(readdress, X1_the_same_ones_in_any_order_are_done_already)
{
	struct store_record record;

	engine->node.config.vip[1] = new4;
	engine->node.config.vip_n = 2;
	cr_expect(ask("{\"addresses\": [\"192.0.2.110\", \"192.0.2.100\"]}"));
	cr_expect_eq(answer.result, CONTROL_DONE);
	cr_expect_str_eq(answer.text, "the virtual IPs are 192.0.2.100, 192.0.2.110");
	cr_expect_eq(engine->readdress.phase, READDRESS_IDLE);
	cr_expect_not(written(&record));
}

Test(readdress, X1_a_station_that_has_a_new_one_keeps_it)
{
	struct segment_frame frame = {
		.source = {{2, 0, 0, 0, 0, 9}}, .sender = old4, .answer = true};

	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	readdress_timer(engine, engine->now);
	readdress_segment(engine, &frame);
	cr_expect_eq(engine->readdress.phase, READDRESS_PROBING,
		     "the present one is not asked for");
	frame.sender = new4;
	readdress_segment(engine, &frame);
	cr_expect_eq(engine->readdress.phase, READDRESS_IDLE);
	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	frame.sender = (struct ha_address){HA_FAMILY_NONE, {0}};
	frame.target = new4;
	readdress_segment(engine, &frame);
	cr_expect_eq(engine->readdress.phase, READDRESS_IDLE, "another one probes for it");
}

Test(readdress, X1_without_carrier_nobody_can_be_asked_for_a_new_one)
{
	engine->node.path[HA_PATH_MANAGEMENT].carrier = false;
	expect_refused("{\"addresses\": [\"192.0.2.110\"]}",
		       "the management interface has no carrier: whether an address is free cannot "
		       "be asked");
	engine->node.config.vip[1] = new4;
	engine->node.config.vip_n = 2;
	cr_expect_not(ask("{\"addresses\": [\"192.0.2.110\"]}"), "one less needs no question");
}

/* --- X2 --- */

Test(readdress, X2_nothing_is_written_before_the_passive_has_accepted)
{
	struct msg_addresses accept = message_of(ADDRESSES_ACCEPT, &new4);
	struct store_record record;

	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	probe();
	cr_expect_eq(engine->readdress.phase, READDRESS_ASKING);
	accept.vip[0] = new6;
	readdress_message(engine, &accept);
	cr_expect_eq(engine->readdress.phase, READDRESS_ASKING, "an answer to something else");
	accept.vip[0] = new4;
	accept.cluster_id[0] = 1;
	readdress_message(engine, &accept);
	cr_expect_eq(engine->readdress.phase, READDRESS_ASKING, "... or of another pair");
	cr_expect_not(written(&record));
	accept.cluster_id[0] = 0;
	readdress_message(engine, &accept);
	cr_assert_eq(engine->readdress.phase, READDRESS_SAVING);
	cr_assert(written(&record));
	cr_expect(record.vip_set && ha_address_equal(&record.vip[0], &new4));
	cr_expect_eq(record.vip[1].family, HA_FAMILY_NONE);
	cr_expect(ha_address_equal(&engine->record.vip[0], &old4), "it is not on disk yet");
	cr_expect_not(engine->node.readdress.pending);
	readdress_saved(engine, engine->readdress.save, true);
	cr_expect(ha_address_equal(&engine->record.vip[0], &new4));
	cr_expect(engine->node.readdress.pending, "it changes over");
	cr_expect_eq(engine->readdress.phase, READDRESS_CHANGING);
}

Test(readdress, X2_no_other_save_takes_back_what_is_being_written)
{
	struct msg_addresses accept = message_of(ADDRESSES_ACCEPT, &new4);
	struct store_record record;

	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	probe();
	readdress_message(engine, &accept);
	cr_assert(written(&record));
	act_save(engine, ENGINE_OWN_SAVE | ++engine->own_save);
	cr_assert(written(&record));
	cr_expect(ha_address_equal(&record.vip[0], &new4));
	readdress_steward(engine);
	cr_assert(written(&record), "a new steward is told again");
	cr_expect(ha_address_equal(&record.vip[0], &new4));
	readdress_saved(engine, engine->readdress.save, false);
	cr_expect_eq(engine->readdress.phase, READDRESS_IDLE);
	cr_assert(written(&record), "should the other one come late");
	cr_expect(ha_address_equal(&record.vip[0], &old4) && !record.vip_set);
	cr_expect_not(engine->node.readdress.pending);
}

Test(readdress, X2_refused_or_unanswered_it_is_given_up_and_nothing_has_changed)
{
	struct msg_addresses refuse = message_of(ADDRESSES_REFUSE, &new4);
	struct store_record record;

	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	probe();
	refuse.refusal = ADDRESSES_OWN;
	readdress_message(engine, &refuse);
	cr_expect_eq(engine->readdress.phase, READDRESS_IDLE);
	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	probe();
	for (int i = 0; i < 100 && engine->readdress.phase == READDRESS_ASKING; i++) {
		engine->now = readdress_deadline(engine);
		readdress_timer(engine, engine->now);
	}
	cr_expect_eq(engine->readdress.phase, READDRESS_IDLE);
	refuse.op = ADDRESSES_ACCEPT;
	readdress_message(engine, &refuse);
	cr_expect_eq(engine->readdress.phase, READDRESS_IDLE, "too late");
	cr_expect_not(written(&record));
	cr_expect(ha_address_equal(&engine->node.config.vip[0], &old4));
}

static void passive(void)
{
	engine->node.lease.wanted = false;
	engine->node.claim = HA_CLAIM_NONE;
	engine->node.state = HA_PASSIVE;
	engine->node.peer.last.claim = HA_CLAIM_HOLDING;
	engine->peer.vip[0] = old4;
}

Test(readdress, X2_the_passive_writes_first_and_then_has_them)
{
	struct msg_addresses propose = message_of(ADDRESSES_PROPOSE, &new4);
	struct store_record record;

	passive();
	propose.vip[1] = new6;
	readdress_message(engine, &propose);
	cr_assert_eq(engine->readdress.phase, READDRESS_SAVING);
	cr_assert(written(&record));
	readdress_message(engine, &propose);
	cr_expect_not(written(&record), "once is enough");
	readdress_saved(engine, engine->readdress.save, true);
	cr_expect_eq(engine->readdress.phase, READDRESS_IDLE);
	cr_expect_eq(engine->node.config.vip_n, 2);
	cr_expect(ha_address_equal(&engine->node.config.vip[1], &new6));
	cr_expect(ha_address_equal(&engine->segment.vip[1], &new6));
	cr_expect(ha_address_equal(&engine->own.vip[1], &new6), "and says so");
	readdress_message(engine, &propose);
	cr_expect_not(written(&record), "it has them");
}

Test(readdress, X2_the_passive_refuses_what_only_it_can_know)
{
	struct msg_addresses propose = message_of(ADDRESSES_PROPOSE, &new4);
	struct store_record record;

	passive();
	own_address(2, new4, 24);
	readdress_message(engine, &propose);
	cr_expect_not(written(&record), "an address of its own");
	own_address(2, (struct ha_address){HA_FAMILY_NONE, {0}}, 0);
	engine->config.witness[engine->config.witness_n++] = new4;
	readdress_message(engine, &propose);
	cr_expect_not(written(&record), "a witness of its");
	engine->config.witness_n = 0;
	engine->part.phase = PART_SAVING;
	readdress_message(engine, &propose);
	cr_expect_not(written(&record), "the pair is about to end");
	engine->part.phase = PART_IDLE;
	engine->node.claim = HA_CLAIM_TAKING;
	readdress_message(engine, &propose);
	cr_expect_not(written(&record), "it is taking over");
	engine->node.claim = HA_CLAIM_NONE;
	own_address(0, (struct ha_address){HA_IPV4, {192, 0, 3, 12}}, 24);
	readdress_message(engine, &propose);
	cr_expect_not(written(&record), "in no network of its");
	own_address(0, (struct ha_address){HA_IPV4, {192, 0, 2, 12}}, 24);
	readdress_message(engine, &propose);
	cr_expect(written(&record));
}

/* --- X4 --- */

Test(readdress, X4_a_passive_adopts_what_the_holder_has)
{
	struct store_record record;

	passive();
	readdress_after(engine);
	cr_expect_not(written(&record), "the same");
	engine->peer.vip[0] = new4;
	engine->peer.revision = 5;
	readdress_after(engine);
	cr_expect_not(written(&record), "an older word than its heartbeat");
	engine->node.peer.last.identity_revision = 5;
	engine->node.peer.last.term = 3;
	engine->node.term_known = 4;
	readdress_after(engine);
	cr_expect_not(written(&record), "an older term");
	engine->node.peer.last.term = 4;
	engine->node.peer.last.claim = HA_CLAIM_NONE;
	readdress_after(engine);
	cr_expect_not(written(&record), "no holder");
	engine->node.peer.last.claim = HA_CLAIM_HOLDING;
	engine->peer.vip[0] = (struct ha_address){HA_IPV4, {127, 0, 0, 1}};
	readdress_after(engine);
	cr_expect_not(written(&record), "none that a station can have");
	engine->peer.vip[0] = new4;
	readdress_after(engine);
	cr_assert(written(&record));
	cr_expect(ha_address_equal(&record.vip[0], &new4));
	readdress_saved(engine, engine->readdress.save, true);
	cr_expect(ha_address_equal(&engine->node.config.vip[0], &new4));
	readdress_after(engine);
	cr_expect_not(written(&record));
}

Test(readdress, X4_what_it_has_accepted_it_does_not_give_up_for_the_holder_s_word_before)
{
	struct msg_addresses propose = message_of(ADDRESSES_PROPOSE, &new4);
	struct store_record record;

	passive();
	readdress_message(engine, &propose);
	cr_assert(written(&record));
	readdress_saved(engine, engine->readdress.save, true);
	readdress_after(engine);
	cr_expect_not(written(&record), "the holder still has the former one");
	engine->now += 10 * HA_SEC + 1;
	engine->node.path[HA_PATH_LINK].heard = engine->now;
	readdress_after(engine);
	cr_assert(written(&record), "it has given it up");
	cr_expect(ha_address_equal(&record.vip[0], &old4));
}

/* It may have been started anew while the holder changed over, and have taken its old word for news. */
Test(readdress, X4_what_it_has_adopted_is_no_answer_and_gives_way_at_once)
{
	struct store_record record;

	passive();
	engine->peer.vip[0] = new4;
	readdress_after(engine);
	cr_assert(written(&record));
	readdress_saved(engine, engine->readdress.save, true);
	cr_expect_eq(engine->readdress.settled, 0);
	engine->peer.vip[0] = new6;
	readdress_after(engine);
	cr_assert(written(&record));
	cr_expect(ha_address_equal(&record.vip[0], &new6));
}

Test(readdress, X4_a_disk_that_is_full_is_not_asked_at_every_heartbeat)
{
	struct store_record record;

	passive();
	engine->peer.vip[0] = new4;
	readdress_after(engine);
	cr_assert(written(&record));
	readdress_saved(engine, engine->readdress.save, false);
	cr_expect(written(&record), "the former one again");
	readdress_after(engine);
	cr_expect_not(written(&record));
}

/* --- X5 --- */

static void alone(void)
{
	engine->record.paired = engine->node.config.paired = engine->peer_known = false;
	engine->config.vip[0] = old4;
	engine->config.vip_n = 1;
}

Test(readdress, X5_alone_it_is_written_at_once_and_goes_ahead_of_the_configuration)
{
	struct store_record record;
	struct addresses out;

	alone();
	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	probe();
	cr_assert_eq(engine->readdress.phase, READDRESS_SAVING);
	cr_assert(written(&record));
	cr_expect(addresses_are_recorded(&record, &engine->config));
	addresses_of(&record, &engine->config, &out);
	cr_expect(out.n == 1 && ha_address_equal(&out.vip[0], &new4));
	engine->config.vip[0].b[3] = 101;
	cr_expect_not(addresses_are_recorded(&record, &engine->config),
		      "until that is another one");
	addresses_of(&record, &engine->config, &out);
	cr_expect(out.n == 1 && out.vip[0].b[3] == 101);
}

/* Else both would be on their way to the disk, and what it is given would be that of the pair. */
Test(readdress, X1_alone_no_join_begins_meanwhile)
{
	char text[CONTROL_TEXT_MAX];

	alone();
	engine->node.lease.wanted = false;
	cr_expect(meet_may(engine, false, text));
	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	cr_expect_not(meet_may(engine, false, text));
	cr_expect_str_eq(text, "a change of the virtual IP is under way");
	probe();
	cr_assert_eq(engine->readdress.phase, READDRESS_SAVING);
	cr_expect_not(meet_may(engine, false, text));
}

Test(readdress, X5_alone_none_is_a_list_too)
{
	struct store_record record;
	struct addresses out;

	alone();
	cr_assert_not(ask("{\"addresses\": []}"));
	probe();
	cr_assert(written(&record));
	addresses_of(&record, &engine->config, &out);
	cr_expect_eq(out.n, 0);
	cr_expect(addresses_are_recorded(&record, &engine->config));
}

Test(readdress, X5_one_that_was_detached_has_what_it_is_given)
{
	struct store_record record;

	alone();
	engine->record.detached = true;
	engine->node.mode = HA_MODE_STANDALONE;
	engine->node.lease.wanted = false;
	cr_assert_not(ask("{\"addresses\": [\"192.0.2.100\"]}"), "it has not got it");
	probe();
	cr_assert(written(&record));
	cr_expect_not(record.detached);
}

/* --- the end of the pair meanwhile --- */

/* The record that is written last counts at the next start. */
static bool written_last(struct store_record *record)
{
	struct ipc_message message;
	bool any = false;

	while (rig_heard(&rig, &message)) {
		if (message.type != IPC_SAVE)
			continue;
		*record = message.u.record.record;
		any = true;
	}
	return any;
}

static void expect_no_pair_and_no_address(void)
{
	struct store_record record;

	cr_assert(written_last(&record));
	cr_expect_not(record.paired);
	cr_expect(record.detached, "it is standalone");
	cr_expect_not(record.vip_set);
	cr_expect_eq(record.vip[0].family, HA_FAMILY_NONE, "not the pair's at the next start");
}

Test(readdress, a_passive_that_is_disowned_while_it_writes_does_not_keep_them)
{
	struct msg_addresses propose = message_of(ADDRESSES_PROPOSE, &new4);

	passive();
	readdress_message(engine, &propose);
	cr_assert_eq(engine->readdress.phase, READDRESS_SAVING);
	part_disowned(engine, PARTING_REMOVED);
	readdress_saved(engine, engine->readdress.save, true);
	expect_no_pair_and_no_address();
	cr_expect_eq(engine->node.mode, HA_MODE_STANDALONE);
	cr_expect_eq(engine->node.config.vip_n, 0);
}

Test(readdress, who_is_disowned_while_an_operator_changes_them_takes_none)
{
	struct msg_addresses accept = message_of(ADDRESSES_ACCEPT, &new4);

	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	probe();
	readdress_message(engine, &accept);
	cr_assert_eq(engine->readdress.phase, READDRESS_SAVING);
	part_disowned(engine, PARTING_REMOVED);
	readdress_saved(engine, engine->readdress.save, true);
	expect_no_pair_and_no_address();
	cr_expect_eq(engine->node.mode, HA_MODE_STANDALONE);
	cr_expect_not(engine->node.readdress.pending);
}

/* What was asked of a pair is not done by one without. */
Test(readdress, the_end_of_the_pair_ends_the_probing_for_it)
{
	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	part_disowned(engine, PARTING_REMOVED);
	cr_expect_eq(engine->readdress.phase, READDRESS_IDLE);
	expect_no_pair_and_no_address();
}

Test(readdress, the_record_of_a_pair_that_ends_has_nothing_of_a_change)
{
	struct msg_addresses accept = message_of(ADDRESSES_ACCEPT, &new4);
	struct store_record record;

	cr_assert_not(ask("{\"addresses\": [\"192.0.2.110\"]}"));
	probe();
	readdress_message(engine, &accept);
	part_disowned(engine, PARTING_DETACHED);
	cr_assert(written_last(&record));
	cr_expect(!record.paired && ha_address_equal(&record.vip[0], &old4));
}

/* --- which list counts --- */

Test(readdress, the_end_of_a_pair_leaves_the_list_until_the_configuration_is_another)
{
	struct store_record record = {.paired = true};
	struct addresses set = {.n = 1, .vip = {new4}};

	engine->config.vip[0] = old4;
	engine->config.vip_n = 1;
	engine->part.keeps = true;
	engine->part.why = PARTING_LEFT;
	addresses_record(&record, &engine->config, &set);
	part_record(engine, &record);
	cr_expect(record.vip_set && ha_address_equal(&record.vip[0], &new4));
	cr_expect(addresses_are_recorded(&record, &engine->config));

	record.paired = true; /* again; the configuration changes while they are a pair */
	engine->config.vip[0].b[3] = 101;
	part_record(engine, &record);
	cr_expect(ha_address_equal(&record.vip[0], &new4), "what is held stays");
	cr_expect_not(record.vip_set, "until the next start");

	record.paired = true;
	engine->part.keeps = false;
	part_record(engine, &record);
	cr_expect_eq(record.vip[0].family, HA_FAMILY_NONE);
}

Test(readdress, the_sum_tells_lists_apart)
{
	const struct ha_address both[] = {old4, new4}, turned[] = {new4, old4};
	const struct ha_address six = {HA_IPV6, {192, 0, 2, 100}};

	cr_expect_eq(addresses_sum(both, 2), addresses_sum(both, 2));
	cr_expect_neq(addresses_sum(both, 2), addresses_sum(turned, 2));
	cr_expect_neq(addresses_sum(both, 2), addresses_sum(both, 1));
	cr_expect_neq(addresses_sum(&old4, 1), addresses_sum(&six, 1));
	cr_expect_neq(addresses_sum(&old4, 1), addresses_sum(NULL, 0));
}
