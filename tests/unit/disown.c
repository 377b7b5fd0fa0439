/* DISOWN: what a former peer is told (SPEC 3.8, 4.8). */
#include "proto/disown.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

enum {
	LEN = 91,
	CLUSTER = 18, /* offsets in the frame */
	KEY = 34,
	BOOT = 66,
	WHY = 74,
	MAC = 75,
};

static const struct msg_disown sample = {
	.cluster_id = {0xc0, 0xc1, [15] = 0xcf},
	.key = {0xb0, 0xb1, [31] = 0xbf},
	.boot = 0x0102030405060708,
	.why = PARTING_REMOVED,
};

static const uint8_t secret[HA_KEY_LEN] = {0x5a, 0x5b, [31] = 0x5f};

static void seal(const struct msg_disown *m, uint8_t frame[LEN])
{
	cr_assert_eq(disown_seal(m, HA_PATH_LINK, secret, frame, LEN), LEN);
}

/* The verdict of who expects the sample; *why is written exactly on success. */
static enum ha_drop verdict(const uint8_t *frame, size_t len)
{
	enum msg_parting why = PARTING_N;
	enum ha_drop drop = disown_open(frame, len, HA_PATH_LINK, &sample, secret, &why);

	cr_assert_eq(why != PARTING_N, drop == DROP_NONE);
	return drop;
}

/* The MAC as SPEC 4.R36 says it, made here anew. */
static void sign(uint8_t frame[LEN])
{
	uint8_t key[HA_KEY_LEN];

	crypto_generichash(key, sizeof(key), (const uint8_t *)"haagent disown", 14, secret,
			   sizeof(secret));
	crypto_generichash(frame + MAC, LEN - MAC, frame, MAC, key, sizeof(key));
}

Test(disown, spec_3_8_round_trip)
{
	static const enum msg_parting reasons[] = {PARTING_DETACHED, PARTING_REMOVED};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		enum msg_parting why = PARTING_N;
		struct msg_disown m = sample;
		uint8_t frame[LEN];

		m.why = (uint8_t)reasons[i];
		seal(&m, frame);
		cr_assert_eq(disown_open(frame, LEN, HA_PATH_LINK, &sample, secret, &why),
			     DROP_NONE);
		cr_assert_eq(why, reasons[i]);
	}
}

Test(disown, spec_3_8_bytes)
{
	/* clang-format off */
	uint8_t golden[LEN] = {
		1, 9, 0, 0, 0, 91,                       /* version, type, path, flags, length */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,      /* receiver, counter */
		0xc0, 0xc1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xcf,
		0xb0, 0xb1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbf,
		1, 2, 3, 4, 5, 6, 7, 8, 2,               /* boot, why */
	};
	/* clang-format on */
	uint8_t frame[LEN];

	seal(&sample, frame);
	sign(golden);
	cr_assert_arr_eq(frame, golden, LEN);
	cr_assert_eq(msg_body_len(MSG_DISOWN), LEN - MSG_HEADER_LEN);
}

Test(disown, it_needs_its_room)
{
	for (size_t cap = 0; cap < LEN; cap++) {
		uint8_t *out = malloc(cap ? cap : 1);

		cr_assert_eq(disown_seal(&sample, HA_PATH_LINK, secret, out, cap), 0);
		free(out);
	}
}

Test(disown, spec_2_R4_truncated_at_every_length)
{
	uint8_t frame[LEN];

	seal(&sample, frame);
	for (size_t len = 0; len < LEN; len++) {
		/* on the heap, and of just that size: a byte read too far is caught */
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, frame, len);
		cr_assert_eq(verdict(copy, len), DROP_TRUNCATED, "%zu bytes", len);
		free(copy);
	}
}

Test(disown, spec_1_R6_padding_is_ignored)
{
	uint8_t frame[LEN + 20];

	memset(frame, 0xee, sizeof(frame));
	seal(&sample, frame);
	cr_assert_eq(verdict(frame, sizeof(frame)), DROP_NONE);
}

Test(disown, spec_4_R37_every_changed_bit_is_refused)
{
	uint8_t frame[LEN];

	seal(&sample, frame);
	for (size_t i = 0; i < 8 * LEN; i++) {
		size_t at = i / 8;
		uint8_t bit = (uint8_t)(1 << i % 8);
		enum ha_drop drop;

		frame[at] ^= bit;
		drop = verdict(frame, LEN);
		if (at >= CLUSTER && at < BOOT)
			cr_assert_eq(drop, DROP_WRONG_PEER, "byte %zu", at);
		else if (at >= BOOT && at < WHY)
			cr_assert_eq(drop, DROP_STALE_HANDSHAKE, "byte %zu", at);
		else if (at >= WHY || at == 3 || at >= 6) /* why, MAC, flags, receiver, counter */
			cr_assert_eq(drop, DROP_BAD_TAG, "byte %zu", at);
		else
			cr_assert_neq(drop, DROP_NONE, "byte %zu", at);
		frame[at] ^= bit;
	}
	cr_assert_eq(verdict(frame, LEN), DROP_NONE);
}

Test(disown, spec_4_R37_of_another_peer_cluster_or_start)
{
	uint8_t frame[LEN];
	struct msg_disown m = sample;

	m.key[31] ^= 1;
	seal(&m, frame);
	cr_assert_eq(verdict(frame, LEN), DROP_WRONG_PEER);
	m = sample;
	m.cluster_id[15] ^= 1;
	seal(&m, frame);
	cr_assert_eq(verdict(frame, LEN), DROP_WRONG_PEER);
	for (int step = -1; step <= 1; step += 2) { /* the one before, and one to come */
		m = sample;
		m.boot += (uint64_t)step;
		seal(&m, frame);
		cr_assert_eq(verdict(frame, LEN), DROP_STALE_HANDSHAKE);
	}
}

Test(disown, spec_4_R36_under_another_secret)
{
	enum msg_parting why = PARTING_N;
	uint8_t frame[LEN], other[HA_KEY_LEN];

	seal(&sample, frame);
	for (size_t i = 0; i < sizeof(other); i++) {
		memcpy(other, secret, sizeof(other));
		other[i] ^= 1;
		cr_assert_eq(disown_open(frame, LEN, HA_PATH_LINK, &sample, other, &why),
			     DROP_BAD_TAG);
	}
	cr_assert_eq(why, PARTING_N);
}

Test(disown, spec_3_R21_why_is_detached_or_removed)
{
	for (unsigned value = 0; value <= UINT8_MAX; value++) {
		bool good = value == PARTING_DETACHED || value == PARTING_REMOVED;
		struct msg_disown m = sample;
		uint8_t frame[LEN];

		m.why = (uint8_t)value;
		seal(&m, frame);
		cr_assert_eq(verdict(frame, LEN), good ? DROP_NONE : DROP_BAD_VALUE, "%u", value);
	}
}

Test(disown, spec_3_R21_receiver_and_counter_are_zero)
{
	for (size_t at = 6; at < CLUSTER; at++) {
		uint8_t frame[LEN];

		seal(&sample, frame);
		frame[at] = 1;
		sign(frame);
		cr_assert_eq(verdict(frame, LEN), DROP_BAD_VALUE, "byte %zu", at);
	}
}

Test(disown, spec_2_R2_flags_are_ignored)
{
	uint8_t frame[LEN];

	seal(&sample, frame);
	frame[3] = 0xff;
	sign(frame);
	cr_assert_eq(verdict(frame, LEN), DROP_NONE);
}

Test(disown, spec_2_R9_of_the_other_path)
{
	enum msg_parting why = PARTING_N;
	uint8_t frame[LEN];

	cr_assert_eq(disown_seal(&sample, HA_PATH_MANAGEMENT, secret, frame, LEN), LEN);
	cr_assert_eq(verdict(frame, LEN), DROP_BAD_PATH);
	cr_assert_eq(disown_open(frame, LEN, HA_PATH_MANAGEMENT, &sample, secret, &why), DROP_NONE);
}

Test(disown, another_type_is_none)
{
	uint8_t frame[LEN];

	seal(&sample, frame);
	frame[1] = MSG_SYNC_FIRST;
	cr_assert_eq(verdict(frame, LEN), DROP_BAD_TYPE);
}
