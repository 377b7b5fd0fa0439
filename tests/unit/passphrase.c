/* The key that a passphrase is: both appliances of a pair have to get the same one, of whatever version they are. */
#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

#include "agent/passphrase.h"

/* Computed with the reference implementation of Argon2 (RFC 9106), libargon2, and with Python's BLAKE2b. */
Test(passphrase, R20_key_is_argon2id_with_the_fixed_salt)
{
	static const uint8_t expected[HA_KEY_LEN] = {
		0x1f, 0x19, 0x73, 0x19, 0x44, 0x66, 0x27, 0x20, 0x84, 0x62, 0xfa,
		0xa3, 0xd9, 0x22, 0x79, 0x82, 0xca, 0x82, 0x1e, 0x93, 0xfc, 0x1d,
		0x70, 0xe9, 0x54, 0xc6, 0x5b, 0x19, 0xa4, 0x50, 0x12, 0x93};
	uint8_t key[HA_KEY_LEN];

	cr_expect_eq(passphrase_hash(key, "correct horse battery staple"), 0);
	cr_expect_arr_eq(key, expected, sizeof(key));
}

Test(passphrase, R20_every_byte_counts)
{
	uint8_t a[HA_KEY_LEN], b[HA_KEY_LEN];

	cr_expect_eq(passphrase_hash(a, "12345678"), 0);
	cr_expect_eq(passphrase_hash(b, "12345678 "), 0);
	cr_expect_neq(memcmp(a, b, sizeof(a)), 0);
}
