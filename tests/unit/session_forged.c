/* Handshakes that are wrong behind a good MAC (SPEC 4.2): of a peer that builds its frames by hand, or, before a join without
 * a passphrase, of anybody on the link. Each is refused, and the session that was there goes on. */
#include "tests/unit/session_rig.h"

enum {
	STEP = MSG_HEADER_LEN + 1,
	SENDER = MSG_HEADER_LEN + 2,
	MESSAGE = MSG_HEADER_LEN + 22,
	MAC_LEN = 16,
};

/* As the responder expects it. */
static void make_mac_good(const struct rig *r, struct frame *f)
{
	f->bytes[4] = (uint8_t)(f->len >> 8);
	f->bytes[5] = (uint8_t)f->len;
	crypto_generichash(f->bytes + f->len - MAC_LEN, MAC_LEN, f->bytes, f->len - MAC_LEN,
			   r->side[RESPONDER].mac_in, HA_KEY_LEN);
}

static void expect_refused(struct rig *r, struct frame f, enum ha_drop why)
{
	struct session before = r->side[RESPONDER];

	make_mac_good(r, &f);
	cr_expect_eq(rig_receive(r, RESPONDER, &f), why, "%s", drop_name(why));
	cr_expect_eq(r->out.frame_len, 0);
	cr_expect_not(r->out.up);
	before.limit = r->side[RESPONDER].limit;
	cr_expect_arr_eq(&before, &r->side[RESPONDER], sizeof(before));
}

static void each_field(enum session_pattern pattern)
{
	struct frame first, f;
	struct rig r;

	rig_establish(&r, pattern);
	rig_start(&r, INITIATOR);
	first = rig_timer(&r, INITIATOR);
	cr_assert_gt(first.len, MESSAGE + MAC_LEN);

	f = first;
	memset(f.bytes + SENDER, 0, 4);
	expect_refused(&r, f, DROP_BAD_VALUE);
	f = first;
	f.bytes[6] = 1; /* a receiver, who cannot be known yet */
	expect_refused(&r, f, DROP_BAD_VALUE);
	for (unsigned step = 0; step < 256; step++) {
		f = first;
		f.bytes[STEP] = (uint8_t)step;
		make_mac_good(&r, &f);
		if (step != 1)
			cr_expect_neq(rig_receive(&r, RESPONDER, &f), DROP_NONE, "step %u", step);
	}
	for (f = first; f.len > MSG_HEADER_LEN + MAC_LEN; f.len--)
		if (f.len != first.len)
			expect_refused(&r, f, DROP_BAD_LENGTH);
}

Test(session_forged, each_field_of_a_first_message_is_checked_behind_its_mac)
{
	each_field(SESSION_KK);
	each_field(SESSION_XX);
}

/* Noise itself: the curve's point is another. */
Test(session_forged, a_first_message_that_does_not_verify_disturbs_nothing)
{
	struct frame first;
	struct rig r, before;

	rig_establish(&r, SESSION_KK);
	r.now += HA_SEC * SESSION_REKEY_S;
	first = rig_timer(&r, INITIATOR);
	cr_assert_gt(first.len, 0);
	for (size_t i = MESSAGE; i < first.len - MAC_LEN; i++) {
		struct frame f = first;

		f.bytes[i] ^= 1;
		make_mac_good(&r, &f);
		cr_expect_eq(rig_receive(&r, RESPONDER, &f), DROP_BAD_HANDSHAKE, "byte %zu", i);
		cr_expect_eq(r.out.frame_len, 0);
	}
	before = r;
	rig_assert_unaffected(&r, &before, "forged");
}
