/* The durable store: what is written is read again, and nothing that is not whole is ever taken for good. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/file.h"
#include "agent/store.h"
#include "proto/msg.h"

enum {
	RECORD_1_LEN = 4 + 2 + 5 * 8 + 5 + 32 + 32 + 16 + 65 + 8 * 17, /* without its checksum */
	FORMER_LEN = 1 + 32 + 32 + 16 + 65,
	RECORD_2_LEN = RECORD_1_LEN + 8 + 1 + 1 + 4 * FORMER_LEN,
};

static char directory[64];
static struct store store;

static void setup(void)
{
	cr_assert_geq(sodium_init(), 0);
	snprintf(directory, sizeof(directory), "%s/haagent-store-XXXXXX", P_tmpdir);
	cr_assert(mkdtemp(directory) != NULL);
	cr_assert_eq(store_open(&store, directory), 0);
}

static void teardown(void)
{
	static const char *const names[] = {"cluster", "cluster.new", "key",
					    "key.new", "history",     "history.new"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlinkat(store.directory, names[i], 0);
	store_close(&store);
	rmdir(directory);
}

TestSuite(store, .init = setup, .fini = teardown);

static struct store_record sample(void)
{
	struct store_record r = {.boot = 7,
				 .term = MSG_TERM_KEPT_MAX,
				 .held_term = 4,
				 .reserved = 6,
				 .peer_boot = 0x0102030405060708,
				 .mode = HA_MODE_PRIMARY_PASSIVE,
				 .paired = true,
				 .whole_copy = true,
				 .suspended_until = 0x1122334455667788,
				 .parting = PARTING_REMOVED,
				 .detached = true,
				 .vip_set = true,
				 .vip_against = 0x2122232425262728,
				 .peer_name = "beta"};

	memset(r.peer_key, 0xa1, sizeof(r.peer_key));
	memset(r.pair_secret, 0xb2, sizeof(r.pair_secret));
	memset(r.cluster_id, 0xc3, sizeof(r.cluster_id));
	r.vip[0] = (struct ha_address){HA_IPV4, {192, 0, 2, 100}};
	r.vip[7] = (struct ha_address){HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	for (uint8_t i = 0; i < STORE_FORMER_MAX; i++) {
		struct store_former *f = &r.former[i];

		f->why = i; /* the first is unused */
		memset(f->key, 0xd0 + i, sizeof(f->key));
		memset(f->pair_secret, 0xe0 + i, sizeof(f->pair_secret));
		memset(f->cluster_id, 0xf0 + i, sizeof(f->cluster_id));
		snprintf(f->name, sizeof(f->name), "former %u", (unsigned)i);
	}
	return r;
}

static size_t slurp(const char *name, uint8_t *out, size_t cap)
{
	size_t len = 0;

	cr_assert_eq(file_read(store.directory, name, out, cap, &len), 0);
	return len;
}

static void spill(const char *name, const uint8_t *bytes, size_t len)
{
	int fd = openat(store.directory, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

/* Writes the content with a good checksum of its own. */
static void spill_signed(const char *name, uint8_t *bytes, size_t len)
{
	crypto_generichash(bytes + len - 32, 32, bytes, len - 32, NULL, 0);
	spill(name, bytes, len);
}

Test(store, first_start_has_neither_record_nor_history)
{
	struct store_event events[STORE_HISTORY_MAX];
	struct store_record r;
	unsigned n = 9;

	cr_expect_eq(store_read_record(&store, &r), -ENOENT);
	cr_expect_eq(store_read_history(&store, events, &n), -ENOENT);
	cr_expect_eq(n, 0);
}

Test(store, record_comes_back_as_it_was_written)
{
	struct store_record in = sample(), out = {.boot = 1};

	cr_assert_eq(store_write_record(&store, &in), 0);
	cr_assert_eq(store_read_record(&store, &out), 0);
	cr_expect_eq(out.boot, in.boot);
	cr_expect_eq(out.term, in.term);
	cr_expect_eq(out.held_term, in.held_term);
	cr_expect_eq(out.reserved, in.reserved);
	cr_expect_eq(out.peer_boot, in.peer_boot);
	cr_expect_eq(out.mode, in.mode);
	cr_expect(out.paired && out.whole_copy && !out.suspended && !out.in_sync);
	cr_expect_arr_eq(out.peer_key, in.peer_key, sizeof(in.peer_key));
	cr_expect_arr_eq(out.pair_secret, in.pair_secret, sizeof(in.pair_secret));
	cr_expect_arr_eq(out.cluster_id, in.cluster_id, sizeof(in.cluster_id));
	cr_expect_str_eq(out.peer_name, "beta");
	for (size_t i = 0; i < HA_VIP_MAX; i++)
		cr_expect(ha_address_equal(&out.vip[i], &in.vip[i]));
	cr_expect_eq(out.suspended_until, in.suspended_until);
	cr_expect_eq(out.parting, PARTING_REMOVED);
	cr_expect(out.detached);
	for (size_t i = 0; i < STORE_FORMER_MAX; i++) {
		const struct store_former *a = &in.former[i], *b = &out.former[i];

		cr_expect_eq(b->why, a->why);
		cr_expect_arr_eq(b->key, a->key, sizeof(a->key));
		cr_expect_arr_eq(b->pair_secret, a->pair_secret, sizeof(a->pair_secret));
		cr_expect_arr_eq(b->cluster_id, a->cluster_id, sizeof(a->cluster_id));
		cr_expect_str_eq(b->name, a->name);
	}
}

Test(store, record_is_big_endian_and_stays_so)
{
	struct store_record in = sample();
	uint8_t bytes[2048];
	size_t len;

	cr_assert_eq(store_write_record(&store, &in), 0);
	len = slurp("cluster", bytes, sizeof(bytes));
	cr_expect_eq(len, RECORD_2_LEN + 1 + 8 + 32);
	cr_expect_arr_eq(bytes, "HAcl\0\3\0\0\0\0\0\0\0\7", 14);
	cr_expect_arr_eq(bytes + RECORD_1_LEN, "\x11\x22\x33\x44\x55\x66\x77\x88\2\1\0\xd0", 12);
	cr_expect_arr_eq(bytes + RECORD_2_LEN, "\1\x21\x22\x23\x24\x25\x26\x27\x28", 9);
	cr_expect_arr_eq(bytes + 38, "\1\2\3\4\5\6\7\10", 8);
}

Test(store, record_torn_at_any_length_is_no_record)
{
	struct store_record in = sample(), out;
	uint8_t bytes[2048];
	size_t len;

	cr_assert_eq(store_write_record(&store, &in), 0);
	len = slurp("cluster", bytes, sizeof(bytes));
	for (size_t torn = 0; torn < len; torn++) {
		spill("cluster", bytes, torn);
		cr_expect_eq(store_read_record(&store, &out), -EBADMSG, "at %zu", torn);
	}
	bytes[len] = 0;
	spill("cluster", bytes, len + 1);
	cr_expect_eq(store_read_record(&store, &out), -EBADMSG);
	spill("cluster", bytes, len);
	cr_expect_eq(store_read_record(&store, &out), 0);
}

Test(store, record_with_any_byte_flipped_is_no_record)
{
	struct store_record in = sample(), out;
	uint8_t bytes[2048];
	size_t len;

	cr_assert_eq(store_write_record(&store, &in), 0);
	len = slurp("cluster", bytes, sizeof(bytes));
	for (size_t i = 0; i < len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[i] = (uint8_t)(bytes[i] ^ 1u << bit);
			spill("cluster", bytes, len);
			cr_expect_eq(store_read_record(&store, &out), -EBADMSG, "byte %zu bit %u",
				     i, bit);
			bytes[i] = (uint8_t)(bytes[i] ^ 1u << bit);
		}
	}
}

Test(store, a_bad_record_leaves_the_caller_s_untouched)
{
	struct store_record in = sample(), out = {.boot = 42};

	spill("cluster", (const uint8_t *)"HAcl", 4);
	cr_expect_eq(store_read_record(&store, &out), -EBADMSG);
	cr_expect_eq(out.boot, 42);
	cr_expect_eq(store_write_record(&store, &in), 0);
	cr_expect_eq(store_read_record(&store, &out), 0);
}

/* Rightly summed, but of another make: version, kind, a term without many more above it, mode, a flag that is none, an address family, a name that is no
 * text, a time before 1970, a parting. */
Test(store, record_of_another_version_or_kind_is_no_record)
{
	static const struct {
		size_t at;
		uint8_t value;
	} change[] = {{5, 4},
		      {5, 0},
		      {4, 1},
		      {2, 'k'},
		      {17, 0xff}, /* it is the highest that may be */
		      {22, 0x80},
		      {30, 0x80},
		      {46, HA_MODE_N},
		      {47, 2},
		      {50, 0xff},
		      {131, '\n'},
		      {131 + 65, 5},
		      {RECORD_1_LEN, 0x80},
		      {RECORD_1_LEN + 8, PARTING_N},
		      {RECORD_1_LEN + 9, 2},
		      {RECORD_2_LEN, 2},
		      {RECORD_1_LEN + 10, PARTING_N},
		      {RECORD_1_LEN + 10 + 3 * FORMER_LEN, 0xff},
		      {RECORD_1_LEN + 10 + FORMER_LEN - 65, 0xff}};
	struct store_record in = sample(), out;
	uint8_t bytes[2048];
	size_t len;

	cr_assert_eq(store_write_record(&store, &in), 0);
	len = slurp("cluster", bytes, sizeof(bytes));
	spill_signed("cluster", bytes, len);
	cr_expect_eq(store_read_record(&store, &out), 0);
	for (size_t i = 0; i < sizeof(change) / sizeof(*change); i++) {
		uint8_t was = bytes[change[i].at];

		bytes[change[i].at] = change[i].value;
		spill_signed("cluster", bytes, len);
		cr_expect_eq(store_read_record(&store, &out), -EBADMSG, "change %zu", i);
		bytes[change[i].at] = was;
	}
	for (size_t i = 0; i < 2; i++) { /* of the peer, of a former one */
		size_t at = i == 0 ? 131 : RECORD_1_LEN + 10 + FORMER_LEN - 65;
		uint8_t name[65];

		memcpy(name, bytes + at, sizeof(name));
		memset(bytes + at, 'x', sizeof(name));
		spill_signed("cluster", bytes, len);
		cr_expect_eq(store_read_record(&store, &out), -EBADMSG, "name %zu without an end",
			     i);
		memcpy(bytes + at, name, sizeof(name));
	}
	spill_signed("cluster", bytes, len - 1);
	cr_expect_eq(store_read_record(&store, &out), -EBADMSG, "too short a body");
}

Test(store, record_of_version_2_is_read_and_was_set_by_nobody)
{
	struct store_record in = sample(), out;
	uint8_t bytes[2048];

	cr_assert_eq(store_write_record(&store, &in), 0);
	slurp("cluster", bytes, sizeof(bytes));
	bytes[5] = 2;
	spill_signed("cluster", bytes, RECORD_2_LEN + 32);
	cr_assert_eq(store_read_record(&store, &out), 0);
	cr_expect_eq(out.parting, PARTING_REMOVED);
	cr_expect_eq(out.former[3].why, 3);
	cr_expect(ha_address_equal(&out.vip[7], &in.vip[7]));
	cr_expect_not(out.vip_set);
	cr_expect_eq(out.vip_against, 0);
	bytes[5] = 3;
	spill_signed("cluster", bytes, RECORD_2_LEN + 32);
	cr_expect_eq(store_read_record(&store, &out), -EBADMSG, "the new one has more");
}

Test(store, record_of_the_first_version_is_read_and_lacks_what_is_new)
{
	struct store_record in = sample(), out;
	uint8_t bytes[2048];

	cr_assert_eq(store_write_record(&store, &in), 0);
	slurp("cluster", bytes, sizeof(bytes));
	bytes[5] = 1;
	spill_signed("cluster", bytes, RECORD_1_LEN + 32);
	cr_assert_eq(store_read_record(&store, &out), 0);
	cr_expect_eq(out.boot, in.boot);
	cr_expect_str_eq(out.peer_name, "beta");
	cr_expect(ha_address_equal(&out.vip[7], &in.vip[7]));
	cr_expect_eq(out.suspended_until, 0);
	cr_expect_eq(out.parting, PARTING_NONE);
	cr_expect_not(out.detached);
	for (size_t i = 0; i < STORE_FORMER_MAX; i++)
		cr_expect_eq(out.former[i].why, PARTING_NONE);
	bytes[5] = 2;
	spill_signed("cluster", bytes, RECORD_1_LEN + 32);
	cr_expect_eq(store_read_record(&store, &out), -EBADMSG, "the new one has more");
}

Test(store, one_kind_of_file_is_not_read_as_another)
{
	struct store_event events[STORE_HISTORY_MAX];
	struct store_record in = sample(), out;
	struct store_key key;
	unsigned n;

	cr_assert_eq(store_write_record(&store, &in), 0);
	cr_assert_eq(renameat(store.directory, "cluster", store.directory, "key"), 0);
	cr_expect_eq(store_key(&store, true, &key), -EBADMSG);
	cr_assert_eq(renameat(store.directory, "key", store.directory, "history"), 0);
	cr_expect_eq(store_read_history(&store, events, &n), -EBADMSG);
	cr_expect_eq(store_read_record(&store, &out), -ENOENT);
}

Test(store, what_an_interrupted_write_left_is_no_problem)
{
	struct store_record in = sample(), out;

	cr_assert_eq(store_write_record(&store, &in), 0);
	spill("cluster.new", (const uint8_t *)"half of a", 9);
	cr_expect_eq(store_read_record(&store, &out), 0);
	in.term = 9;
	cr_expect_eq(store_write_record(&store, &in), 0);
	cr_expect_eq(store_read_record(&store, &out), 0);
	cr_expect_eq(out.term, 9);
	cr_expect_neq(faccessat(store.directory, "cluster.new", F_OK, 0), 0);
}

Test(store, a_write_that_fails_leaves_the_old_record)
{
	struct store_record in = sample(), out;

	cr_assert_eq(store_write_record(&store, &in), 0);
	cr_assert_eq(mkdirat(store.directory, "cluster.new", 0700), 0);
	in.term = 9;
	cr_expect_lt(store_write_record(&store, &in), 0);
	cr_expect_eq(store_read_record(&store, &out), 0);
	cr_expect_eq(out.term, MSG_TERM_KEPT_MAX);
	cr_assert_eq(unlinkat(store.directory, "cluster.new", AT_REMOVEDIR), 0);
}

/* Never active by guess: what is there but cannot be read is not "first start". */
Test(store, what_cannot_be_read_is_not_a_first_start)
{
	struct store_record out;
	struct store_key key;

	cr_assert_eq(mkdirat(store.directory, "cluster", 0700), 0);
	cr_assert_eq(mkdirat(store.directory, "key", 0700), 0);
	cr_expect_eq(store_read_record(&store, &out), -EISDIR);
	cr_expect_eq(store_key(&store, true, &key), -EISDIR);
	cr_assert_eq(unlinkat(store.directory, "cluster", AT_REMOVEDIR), 0);
	cr_assert_eq(unlinkat(store.directory, "key", AT_REMOVEDIR), 0);
	spill("key", (const uint8_t *)"", 0);
	cr_expect_eq(store_key(&store, true, &key), -EBADMSG);
}

Test(store, key_is_made_once_and_kept)
{
	struct store_key first, again;
	uint8_t public_key[HA_KEY_LEN];
	struct stat st;

	cr_expect_eq(store_key(&store, false, &first), -ENOENT, "a pair's key is not made anew");
	cr_assert_eq(store_key(&store, true, &first), 0);
	cr_assert_eq(store_key(&store, true, &again), 0);
	cr_expect_arr_eq(&again, &first, sizeof(first));
	crypto_scalarmult_base(public_key, first.secret_key);
	cr_expect_arr_eq(first.public_key, public_key, sizeof(public_key));
	cr_assert_eq(fstatat(store.directory, "key", &st, 0), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	unlinkat(store.directory, "key", 0);
	cr_assert_eq(store_key(&store, true, &again), 0);
	cr_expect_arr_neq(again.secret_key, first.secret_key, sizeof(first.secret_key));
}

Test(store, key_that_is_torn_is_never_replaced)
{
	struct store_key key;
	uint8_t bytes[128], after[128];
	size_t len;

	cr_assert_eq(store_key(&store, true, &key), 0);
	len = slurp("key", bytes, sizeof(bytes));
	for (size_t torn = 0; torn < len; torn++) {
		spill("key", bytes, torn);
		cr_expect_eq(store_key(&store, true, &key), -EBADMSG);
		cr_expect_eq(slurp("key", after, sizeof(after)), torn);
	}
	bytes[20] ^= 1;
	spill("key", bytes, len);
	cr_expect_eq(store_key(&store, true, &key), -EBADMSG);
}

Test(store, history_comes_back_in_order_empty_and_full)
{
	struct store_event in[STORE_HISTORY_MAX], out[STORE_HISTORY_MAX];
	uint8_t bytes[16384];
	unsigned n = 1;
	size_t len;

	cr_assert_eq(store_write_history(&store, NULL, 0), 0);
	cr_assert_eq(store_read_history(&store, out, &n), 0);
	cr_expect_eq(n, 0);
	for (unsigned i = 0; i < STORE_HISTORY_MAX; i++)
		in[i] = (struct store_event){.realtime_ns = -1 + (int64_t)i,
					     .term = UINT64_MAX - i,
					     .event = (uint8_t)i,
					     .from = 1,
					     .to = 2,
					     .reason = 3,
					     .detail = UINT32_MAX - i,
					     .subject = "analyzer"};
	memset(in[7].subject, '7', STORE_SUBJECT_LEN - 1);
	cr_assert_eq(store_write_history(&store, in, STORE_HISTORY_MAX), 0);
	cr_assert_eq(store_read_history(&store, out, &n), 0);
	cr_assert_eq(n, STORE_HISTORY_MAX);
	for (unsigned i = 0; i < n; i++) {
		cr_expect_eq(out[i].realtime_ns, in[i].realtime_ns);
		cr_expect_eq(out[i].term, in[i].term);
		cr_expect_eq(out[i].event, in[i].event);
		cr_expect(out[i].from == 1 && out[i].to == 2 && out[i].reason == 3);
		cr_expect_eq(out[i].detail, in[i].detail);
		cr_expect_str_eq(out[i].subject, in[i].subject);
	}
	len = slurp("history", bytes, sizeof(bytes));
	bytes[6] = 0xff;
	spill_signed("history", bytes, len);
	cr_expect_eq(store_read_history(&store, out, &n), -EBADMSG, "a count that lies");
	cr_expect_eq(n, 0);
}

Test(store, history_with_a_subject_that_is_no_text_is_none)
{
	struct store_event in[] = {{.event = 1, .subject = "a"}, {.event = 2, .subject = "b"}};
	struct store_event out[STORE_HISTORY_MAX];
	uint8_t bytes[1024];
	unsigned n;
	size_t len;

	cr_assert_eq(store_write_history(&store, in, 2), 0);
	len = slurp("history", bytes, sizeof(bytes));
	cr_assert_eq(len, 4 + 2 + 2 + 2 * (24 + 32) + 32);
	bytes[8 + 24 + 32 + 24] = 0x1b;
	spill_signed("history", bytes, len);
	cr_expect_eq(store_read_history(&store, out, &n), -EBADMSG);
	cr_expect_eq(n, 0);
}

Test(store, history_torn_at_any_length_is_none)
{
	struct store_event in[] = {{.event = 1, .subject = "a"}, {.event = 2, .subject = "b"}};
	struct store_event out[STORE_HISTORY_MAX];
	uint8_t bytes[1024];
	unsigned n;
	size_t len;

	cr_assert_eq(store_write_history(&store, in, 2), 0);
	len = slurp("history", bytes, sizeof(bytes));
	for (size_t torn = 0; torn < len; torn++) {
		spill("history", bytes, torn);
		cr_expect_eq(store_read_history(&store, out, &n), -EBADMSG, "at %zu", torn);
		cr_expect_eq(n, 0);
	}
}

Test(store, history_of_the_version_before_is_read_without_subjects)
{
	uint8_t bytes[4 + 2 + 2 + 2 * 24 + 32] = "HAhi\0\1\0\2";
	struct store_event out[STORE_HISTORY_MAX];
	unsigned n;

	memset(bytes + 8, 0x01, 24);
	memset(bytes + 8 + 24, 0x02, 24);
	spill_signed("history", bytes, sizeof(bytes));
	cr_assert_eq(store_read_history(&store, out, &n), 0);
	cr_assert_eq(n, 2);
	cr_expect_eq(out[0].detail, 0x01010101);
	cr_expect_eq(out[1].event, 2);
	cr_expect_str_eq(out[1].subject, "");
}

Test(store, directory_is_made_private)
{
	char inner[80], file[80];
	struct store other;
	struct stat st;

	snprintf(inner, sizeof(inner), "%s/inner", directory);
	snprintf(file, sizeof(file), "%s/cluster", directory);
	cr_assert_eq(store_open(&other, inner), 0);
	cr_expect_eq(stat(inner, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0700);
	store_close(&other);
	cr_assert_eq(chmod(inner, 0755), 0);
	cr_assert_eq(store_open(&other, inner), 0);
	cr_expect_eq(stat(inner, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0700);
	store_close(&other);
	cr_assert_eq(rmdir(inner), 0);
	snprintf(inner, sizeof(inner), "%s/missing/inner", directory);
	cr_expect_eq(store_open(&other, inner), -ENOENT);
	spill("cluster", (const uint8_t *)"", 0);
	cr_expect_eq(store_open(&other, file), -ENOTDIR);
}
