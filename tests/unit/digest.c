/* Fingerprints: two of a pair agree on them, nobody else can make them, and nothing that differs has the same. */
#include "agent/sync/digest.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

static struct digest digest;
static uint8_t block[SYNC_BLOCK_LEN];

static void setup(void)
{
	uint8_t key[HA_KEY_LEN];

	memset(key, 7, sizeof(key));
	cr_assert_eq(digest_open(&digest, key), 0);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 37 + (i >> 8));
}

static void teardown(void)
{
	digest_close(&digest);
}

TestSuite(digest, .init = setup, .fini = teardown);

static struct sync_entry sample(void)
{
	return (struct sync_entry){
		.type = SYNC_FILE,
		.root = 1,
		.mode = 0640,
		.uid = 3,
		.gid = 4,
		.mtime_ns = 1700000000123456789,
		.size = 5,
		.hash = {9, 8, 7},
		.path = "network/eth0",
		.path_len = 12,
		.xattr = (const uint8_t *)"\6user.a\0\1x",
		.xattr_len = 10,
	};
}

static struct digest_sum sum_of(const struct digest *d, const struct sync_entry *e)
{
	struct digest_sum sum = {{0}};

	digest_add(d, &sum, e);
	return sum;
}

static bool same(struct digest_sum a, struct digest_sum b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

Test(digest, a_block_has_the_same_tag_again_and_in_another_process_with_the_key)
{
	digest_tag first, again, other;
	struct digest peer;

	digest_block(&digest, block, sizeof(block), first);
	digest_block(&digest, block, 100, other); /* the context is used for another in between */
	digest_block(&digest, block, sizeof(block), again);
	cr_expect_arr_eq(first, again, sizeof(first));
	cr_assert_eq(digest_open(&peer, digest.key), 0);
	digest_block(&peer, block, sizeof(block), again);
	cr_expect_arr_eq(first, again, sizeof(first));
	digest_close(&peer);
}

Test(digest, without_the_key_the_tags_and_the_sums_are_others)
{
	struct sync_entry e = sample();
	uint8_t key[HA_KEY_LEN] = {1};
	struct digest stranger;
	digest_tag own, strange;

	cr_assert_eq(digest_open(&stranger, key), 0);
	digest_block(&digest, block, sizeof(block), own);
	digest_block(&stranger, block, sizeof(block), strange);
	cr_expect_arr_neq(own, strange, sizeof(own));
	digest_file(&digest, sizeof(block), &own, 1, own);
	digest_file(&stranger, sizeof(block), &own, 1, strange);
	cr_expect_arr_neq(own, strange, sizeof(own));
	cr_expect_not(same(sum_of(&digest, &e), sum_of(&stranger, &e)));
	digest_close(&stranger);
}

Test(digest, any_bit_and_the_length_of_a_block_matter)
{
	static const size_t len[] = {0, 1, 15, 16, 17, 4096, SYNC_BLOCK_LEN - 1, SYNC_BLOCK_LEN};
	digest_tag tag[8], changed;

	for (size_t i = 0; i < 8; i++) {
		digest_block(&digest, block, len[i], tag[i]);
		for (size_t j = 0; j < i; j++)
			cr_expect_arr_neq(tag[i], tag[j], SYNC_HASH_LEN);
		for (size_t at = 0; at < len[i]; at += len[i] / 16 + 1) {
			block[at] ^= 0x10;
			digest_block(&digest, block, len[i], changed);
			cr_expect_arr_neq(tag[i], changed, SYNC_HASH_LEN, "byte %zu of %zu", at,
					  len[i]);
			block[at] ^= 0x10;
		}
	}
	memset(block, 0, sizeof(block)); /* zeros of different lengths are what GHASH pads with */
	digest_block(&digest, block, 16, changed);
	digest_block(&digest, block, 17, tag[0]);
	cr_expect_arr_neq(tag[0], changed, SYNC_HASH_LEN);
}

Test(digest, a_file_is_its_size_and_its_blocks_in_order)
{
	digest_tag tags[2], swapped[2], a, b;

	memset(tags, 0, sizeof(tags));
	tags[1][15] = 1;
	memcpy(swapped[0], tags[1], SYNC_HASH_LEN);
	memcpy(swapped[1], tags[0], SYNC_HASH_LEN);
	digest_file(&digest, 2 * SYNC_BLOCK_LEN, tags, 2, a);
	digest_file(&digest, 2 * SYNC_BLOCK_LEN - 1, tags, 2, b);
	cr_expect_arr_neq(a, b, sizeof(a), "size");
	digest_file(&digest, 2 * SYNC_BLOCK_LEN, swapped, 2, b);
	cr_expect_arr_neq(a, b, sizeof(a), "order");
	digest_file(&digest, 2 * SYNC_BLOCK_LEN, tags, 2, b);
	cr_expect_arr_eq(a, b, sizeof(a));
	digest_file(&digest, 0, NULL, 0, b);
	cr_expect_arr_neq(a, b, sizeof(a), "empty");
}

Test(digest, every_field_of_an_entry_matters)
{
	struct sync_entry e = sample(), changed[12];
	size_t n = 0;

#define CHANGED(assignment)                                                                        \
	do {                                                                                       \
		changed[n] = e;                                                                    \
		changed[n].assignment;                                                             \
		n++;                                                                               \
	} while (0)
	CHANGED(type = SYNC_DIRECTORY);
	changed[0].size = 0;
	memset(changed[0].hash, 0, SYNC_HASH_LEN);
	CHANGED(root = 2);
	CHANGED(mode = 0600);
	CHANGED(uid = 0);
	CHANGED(gid = 0);
	CHANGED(mtime_ns++);
	CHANGED(size = 6);
	CHANGED(hash[15] = 1);
	CHANGED(path = "network/eth1");
	CHANGED(xattr = (const uint8_t *)"\6user.a\0\1y");
	CHANGED(path_len = 11);
	CHANGED(xattr_len = 0);
#undef CHANGED
	cr_assert_eq(n, 12);
	for (size_t i = 0; i < n; i++)
		cr_expect_not(same(sum_of(&digest, &e), sum_of(&digest, &changed[i])), "change %zu",
			      i);
}

Test(digest, the_target_of_a_symlink_matters)
{
	struct sync_entry a = {.type = SYNC_SYMLINK, .path = "l", .path_len = 1};
	struct sync_entry b = a;

	a.target = "eth0";
	b.target = "eth1";
	a.target_len = b.target_len = 4;
	cr_expect_not(same(sum_of(&digest, &a), sum_of(&digest, &b)));
}

Test(digest, a_sum_knows_no_order_and_forgets_what_is_taken_away)
{
	struct sync_entry a = sample(), b = sample();
	struct digest_sum forth = {{0}}, back = {{0}};
	uint8_t bytes[HA_KEY_LEN], zeros[HA_KEY_LEN] = {0};

	b.path = "network/eth1";
	digest_add(&digest, &forth, &a);
	digest_add(&digest, &forth, &b);
	digest_add(&digest, &back, &b);
	digest_add(&digest, &back, &a);
	cr_expect(same(forth, back));
	digest_subtract(&digest, &forth, &a);
	cr_expect(same(forth, sum_of(&digest, &b)));
	digest_subtract(&digest, &forth, &b);
	digest_sum_bytes(&forth, bytes);
	cr_expect_arr_eq(bytes, zeros, sizeof(bytes));
	digest_sum_bytes(&back, bytes);
	cr_expect_arr_neq(bytes, zeros, sizeof(bytes));
}

Test(digest, an_entry_twice_is_not_none)
{
	struct sync_entry a = sample();
	struct digest_sum twice = {{0}}, none = {{0}};

	digest_add(&digest, &twice, &a);
	digest_add(&digest, &twice, &a);
	cr_expect_not(same(twice, none));
}

Test(digest, what_is_gone_counts_for_nothing)
{
	struct sync_entry gone = {.type = SYNC_GONE, .path = "x", .path_len = 1};
	struct digest_sum sum = {{1, 2, 3, UINT64_MAX}}, was = sum;

	digest_add(&digest, &sum, &gone);
	cr_expect(same(sum, was));
	digest_subtract(&digest, &sum, &gone);
	cr_expect(same(sum, was));
}

Test(digest, a_sum_is_big_endian)
{
	struct digest_sum sum = {{0x0102030405060708, 0, 0, 0xf1f2f3f4f5f6f7f8}};
	uint8_t bytes[HA_KEY_LEN];

	digest_sum_bytes(&sum, bytes);
	cr_expect_arr_eq(bytes, "\1\2\3\4\5\6\7\10\0", 9);
	cr_expect_arr_eq(bytes + 24, "\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8", 8);
}

Test(digest, closing_wipes_the_keys)
{
	struct digest d, zeros;

	memset(&zeros, 0, sizeof(zeros));
	cr_assert_eq(digest_open(&d, digest.key), 0);
	digest_close(&d);
	cr_expect_eq(memcmp(&d, &zeros, sizeof(d)), 0);
	digest_close(&d); /* of zeros: fine */
}
