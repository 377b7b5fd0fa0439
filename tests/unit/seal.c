/* The bulk cipher (SPEC 6.1): what one end seals only the other end opens, and only unchanged. */
#include "agent/sync/seal.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

enum {
	AD_LEN = 27,
	LEN_MAX = 9173, /* of a jumbo frame */
};

static const uint8_t exporter[HA_KEY_LEN] = {1, 2, 3}, other_exporter[HA_KEY_LEN] = {1, 2, 4};
static const uint8_t salt_a[SYNC_SALT_LEN] = {0xa}, salt_b[SYNC_SALT_LEN] = {0xb},
		     salt_c[SYNC_SALT_LEN] = {0xc};

static struct seal a, b; /* the two ends; a's key is the lower one */
static uint8_t ad[AD_LEN], plain[LEN_MAX], sealed[LEN_MAX + MSG_TAG_LEN], opened[LEN_MAX];

static void enter(void)
{
	cr_assert_geq(sodium_init(), 0);
	randombytes_buf(ad, sizeof(ad));
	randombytes_buf(plain, sizeof(plain));
}

TestSuite(seal, .init = enter);

static void open_ends(bool aes)
{
	cr_assert_eq(seal_open(&a, exporter, true, salt_a, salt_b, aes), 0);
	cr_assert_eq(seal_open(&b, exporter, false, salt_b, salt_a, aes), 0);
}

static void close_ends(void)
{
	seal_close(&a);
	seal_close(&b);
}

/* Does b open what a sealed as number 7? */
static bool opens(struct seal *from, struct seal *to, uint64_t number)
{
	seal_data(from, 7, ad, sizeof(ad), plain, 1000, sealed);
	return unseal_data(to, number, ad, sizeof(ad), sealed, 1000, opened);
}

Test(seal, both_directions_any_length_any_order)
{
	static const size_t lengths[] = {1, 15, 16, 17, 1457, LEN_MAX};

	for (int aes = 0; aes < 2; aes++) {
		open_ends(aes);
		for (unsigned i = 0; i < 6; i++) {
			uint64_t number = UINT64_C(1) << (62 - 9 * i);
			size_t len = lengths[i];
			struct seal *from = i % 2 ? &a : &b, *to = i % 2 ? &b : &a;

			seal_data(from, number, ad, sizeof(ad), plain, len, sealed);
			cr_assert(memcmp(sealed, plain, len) != 0);
			cr_assert(unseal_data(to, number, ad, sizeof(ad), sealed, len, opened));
			cr_assert_arr_eq(opened, plain, len);
		}
		close_ends();
	}
}

Test(seal, in_place)
{
	uint8_t frame[100 + MSG_TAG_LEN];

	open_ends(true);
	memcpy(frame, plain, 100);
	seal_data(&a, 1, ad, sizeof(ad), frame, 100, frame);
	cr_assert(unseal_data(&b, 1, ad, sizeof(ad), frame, 100, frame));
	cr_assert_arr_eq(frame, plain, 100);
	close_ends();
}

Test(seal, every_changed_bit_is_seen_and_the_next_frame_opens_again)
{
	for (int aes = 0; aes < 2; aes++) {
		open_ends(aes);
		seal_data(&a, 3, ad, sizeof(ad), plain, 50, sealed);
		for (unsigned bit = 0; bit < 8 * (50 + MSG_TAG_LEN); bit++) {
			sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
			cr_assert_not(unseal_data(&b, 3, ad, sizeof(ad), sealed, 50, opened));
			sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
		for (unsigned bit = 0; bit < 8 * AD_LEN; bit++) {
			ad[bit / 8] ^= (uint8_t)(1U << bit % 8);
			cr_assert_not(unseal_data(&b, 3, ad, sizeof(ad), sealed, 50, opened));
			ad[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
		cr_assert_not(unseal_data(&b, 4, ad, sizeof(ad), sealed, 50, opened));
		cr_assert_not(unseal_data(&b, 3, ad, sizeof(ad) - 1, sealed, 50, opened));
		cr_assert(unseal_data(&b, 3, ad, sizeof(ad), sealed, 50, opened));
		close_ends();
	}
}

/* The other end with one thing different. */
static void expect_stranger(const uint8_t *key, bool lower, const uint8_t *own, const uint8_t *peer,
			    bool aes)
{
	struct seal stranger;

	cr_assert_eq(seal_open(&stranger, key, lower, own, peer, aes), 0);
	cr_assert_not(opens(&a, &stranger, 7));
	seal_close(&stranger);
}

Test(seal, a_key_is_of_one_stream_direction_and_cipher)
{
	open_ends(true);
	cr_assert(opens(&a, &b, 7));
	cr_assert_not(opens(&a, &b, 8));
	cr_assert_not(opens(&a, &a, 7), "its own frame, come back");
	expect_stranger(other_exporter, false, salt_b, salt_a, true);
	expect_stranger(exporter, true, salt_b, salt_a, true);
	expect_stranger(exporter, false, salt_a, salt_b, true);
	expect_stranger(exporter, false, salt_c, salt_a, true);
	expect_stranger(exporter, false, salt_b, salt_c, true);
	expect_stranger(exporter, false, salt_b, salt_a, false);
	close_ends();
}

Test(seal, an_acknowledgement_has_a_key_of_its_own)
{
	uint8_t tag[MSG_TAG_LEN], as_data[MSG_TAG_LEN];

	for (int aes = 0; aes < 2; aes++) {
		open_ends(aes);
		seal_ack(&b, 5, ad, sizeof(ad), tag);
		cr_assert(unseal_ack(&a, 5, ad, sizeof(ad), tag));
		cr_assert_not(unseal_ack(&a, 6, ad, sizeof(ad), tag));
		cr_assert_not(unseal_ack(&b, 5, ad, sizeof(ad), tag));
		ad[3] ^= 1;
		cr_assert_not(unseal_ack(&a, 5, ad, sizeof(ad), tag));
		ad[3] ^= 1;
		seal_data(&b, 5, ad, sizeof(ad), plain, 0, as_data);
		cr_assert_not(unseal_ack(&a, 5, ad, sizeof(ad), as_data));
		close_ends();
	}
}

/* The layout of key and nonce, computed by other means: libsodium's ciphers. */
static void key_of(const char *label, uint8_t from, uint8_t type, uint8_t aes, uint8_t *key)
{
	uint8_t text[64];
	size_t n = strlen(label);

	memcpy(text, label, n);
	text[n++] = from;
	text[n++] = type;
	text[n++] = aes;
	memcpy(text + n, salt_a, SYNC_SALT_LEN);
	memcpy(text + n + SYNC_SALT_LEN, salt_b, SYNC_SALT_LEN);
	crypto_generichash(key, 32, text, n + 2 * (size_t)SYNC_SALT_LEN, exporter, HA_KEY_LEN);
}

Test(seal, the_keys_and_nonces_are_as_specified)
{
	static const uint8_t nonce[12] = {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
	uint8_t key[32];

	for (uint8_t aes = 0; aes < 2; aes++) {
		int failed;

		if (aes && !crypto_aead_aes256gcm_is_available())
			continue;
		open_ends(aes);
		seal_data(&a, 0x0102030405060708, ad, sizeof(ad), plain, 99, sealed);
		key_of("haagent sync key", 1, MSG_SYNC_DATA, aes, key);
		failed = aes ? crypto_aead_aes256gcm_decrypt(opened, NULL, NULL, sealed,
							     99 + MSG_TAG_LEN, ad, sizeof(ad),
							     nonce, key)
			     : crypto_aead_chacha20poly1305_ietf_decrypt(opened, NULL, NULL, sealed,
									 99 + MSG_TAG_LEN, ad,
									 sizeof(ad), nonce, key);
		cr_assert_eq(failed, 0);
		cr_assert_arr_eq(opened, plain, 99);
		close_ends();
	}
}

Test(seal, the_mac_of_a_hello_knows_key_direction_and_every_byte)
{
	uint8_t mac[MSG_TAG_LEN], other[MSG_TAG_LEN];

	seal_hello_mac(exporter, true, plain, 58, mac);
	seal_hello_mac(exporter, true, plain, 58, other);
	cr_assert_arr_eq(mac, other, sizeof(mac));
	seal_hello_mac(exporter, false, plain, 58, other);
	cr_assert(memcmp(mac, other, sizeof(mac)) != 0);
	seal_hello_mac(other_exporter, true, plain, 58, other);
	cr_assert(memcmp(mac, other, sizeof(mac)) != 0);
	for (unsigned i = 0; i < 58; i++) {
		plain[i] ^= 1;
		seal_hello_mac(exporter, true, plain, 58, other);
		cr_assert(memcmp(mac, other, sizeof(mac)) != 0, "byte %u", i);
		plain[i] ^= 1;
	}
}

Test(seal, the_key_id_tells_exporters_apart_and_is_not_part_of_one)
{
	cr_assert_neq(seal_key_id(exporter), seal_key_id(other_exporter));
	cr_assert_eq(seal_key_id(exporter), seal_key_id(exporter));
	cr_assert_neq(seal_key_id(exporter), UINT32_C(0x01020300));
}

Test(seal, closed_twice_is_closed)
{
	open_ends(seal_has_aes());
	close_ends();
	cr_assert_null(a.data_out);
	close_ends();
}
