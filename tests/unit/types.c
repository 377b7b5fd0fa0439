/* The shared value types: comparisons, and the names that dump, history and log use. */
#include "proto/types.h"

#include <criterion/criterion.h>

Test(types, macs_are_equal_in_all_six_bytes)
{
	const struct ha_mac a = {{2, 0, 0, 0, 0, 1}};

	cr_assert(ha_mac_equal(&a, &a));
	for (size_t i = 0; i < 6; i++) {
		struct ha_mac b = a;

		b.b[i] ^= 0x10;
		cr_assert_not(ha_mac_equal(&a, &b), "byte %zu", i);
	}
}

Test(types, mac_zero_and_group)
{
	const struct ha_mac zero = {{0}}, last = {{0, 0, 0, 0, 0, 1}}, group = {{1, 0x80, 0xc2}};

	cr_assert(ha_mac_is_zero(&zero));
	cr_assert_not(ha_mac_is_zero(&last));
	cr_assert(ha_mac_is_group(&group));
	cr_assert_not(ha_mac_is_group(&last), "the group bit is in the first byte");
}

Test(types, address_length_follows_the_family)
{
	struct ha_address a = {.family = HA_IPV4};

	cr_assert_eq(ha_address_len(&a), 4);
	a.family = HA_IPV6;
	cr_assert_eq(ha_address_len(&a), 16);
	a.family = HA_FAMILY_NONE;
	cr_assert_eq(ha_address_len(&a), 0);
	a.family = 5;
	cr_assert_eq(ha_address_len(&a), 0);
}

Test(types, a_network_is_its_first_bits_in_one_family)
{
	for (unsigned family = HA_IPV4; family <= HA_IPV6; family += HA_IPV6 - HA_IPV4) {
		const unsigned all = family == HA_IPV4 ? 32 : 128;
		const struct ha_address a = {.family = (uint8_t)family, .b = {10, 20, 30, 40}};

		for (unsigned differs = 0; differs < all; differs++) {
			struct ha_address b = a;

			b.b[differs / 8] ^= (uint8_t)(0x80 >> differs % 8);
			for (unsigned bits = 1; bits <= all; bits++)
				cr_assert_eq(ha_address_same_network(&a, &b, bits), bits <= differs,
					     "bit %u, /%u", differs, bits);
		}
		cr_assert(ha_address_same_network(&a, &a, all));
		cr_assert_not(ha_address_same_network(&a, &a, all + 1));
		cr_assert_not(ha_address_same_network(&a, &a, 0), "everybody would be in it");
	}
}

Test(types, a_network_has_one_family)
{
	const struct ha_address a = {HA_IPV4, {10}}, b = {HA_IPV6, {10}}, none = {0};

	cr_assert_not(ha_address_same_network(&a, &b, 8));
	cr_assert_not(ha_address_same_network(&none, &none, 8));
}

Test(types, addresses_are_equal_in_family_and_used_bytes)
{
	struct ha_address a = {HA_IPV4, {192, 0, 2, 1}}, b = a;

	cr_assert(ha_address_equal(&a, &b));
	b.b[3] = 2;
	cr_assert_not(ha_address_equal(&a, &b));
	b = a;
	b.b[4] = 1;
	cr_assert(ha_address_equal(&a, &b), "an IPv4 address has four bytes");
	b = a;
	b.family = HA_IPV6;
	cr_assert_not(ha_address_equal(&a, &b));
	a.family = HA_IPV6;
	cr_assert(ha_address_equal(&a, &b));
	b.b[15] = 1;
	cr_assert_not(ha_address_equal(&a, &b));
}

Test(types, every_value_has_a_name)
{
	cr_assert_str_eq(ha_path_name(HA_PATH_LINK), "link");
	cr_assert_str_eq(ha_path_name(HA_PATH_MANAGEMENT), "management");
	cr_assert_str_eq(ha_mode_name(HA_MODE_STANDALONE), "standalone");
	cr_assert_str_eq(ha_mode_name(HA_MODE_PRIMARY_ACTIVE), "primary (active)");
	cr_assert_str_eq(ha_mode_name(HA_MODE_PRIMARY_PASSIVE), "primary (passive)");
	cr_assert_str_eq(ha_state_name(HA_INITIALIZING), "initializing");
	cr_assert_str_eq(ha_state_name(HA_ACTIVE), "active");
	cr_assert_str_eq(ha_state_name(HA_PASSIVE), "passive");
	cr_assert_str_eq(ha_state_name(HA_SUSPENDED), "suspended");
	cr_assert_str_eq(ha_state_name(HA_FAULTED), "faulted");
	cr_assert_str_eq(ha_state_name(HA_ISOLATED), "isolated");
	cr_assert_str_eq(ha_claim_name(HA_CLAIM_NONE), "none");
	cr_assert_str_eq(ha_claim_name(HA_CLAIM_TAKING), "taking");
	cr_assert_str_eq(ha_claim_name(HA_CLAIM_HOLDING), "holding");
	cr_assert_str_eq(ha_claim_name(HA_CLAIM_RESIGNED), "resigned");
}

Test(types, a_value_out_of_range_has_a_name_too)
{
	cr_assert_str_eq(ha_path_name(HA_PATH_N), "?");
	cr_assert_str_eq(ha_mode_name(HA_MODE_N), "?");
	cr_assert_str_eq(ha_state_name(HA_STATE_N), "?");
	cr_assert_str_eq(ha_claim_name(HA_CLAIM_N), "?");
	cr_assert_str_eq(ha_state_name((enum ha_state)255), "?");
}
