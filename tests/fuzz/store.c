/* store - what is on disk of this node: cluster record, key, history, and the syncer's ledger.
 *
 *   which file, and how much of it is as it should be; its content, without the checksum
 *
 * Whatever is there, it is read as what could have been written, or refused; and what was read is written and read again.
 */
#include "tests/fuzz/fuzz.h"

#include "agent/store.h"
#include "agent/sync/ledger.h"
#include "proto/msg.h"
#include "tests/fuzz/directory.h"

enum {
	CONTENT_MAX = 20000, /* more than the largest */
};

static const struct {
	const char *name, *magic;
	uint8_t versions;
} files[] = {{"cluster", "HAcl", 3},
	     {"key", "HAky", 1},
	     {"history", "HAhi", 2},
	     {"generation", "HASG", 1}};

static char top[128];
static struct store store;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	close(directory_make(top, sizeof(top)));
	return store_open(&store, top) != 0;
}

static bool ends(const char *text, size_t cap)
{
	return memchr(text, '\0', cap) != NULL;
}

static void record(void)
{
	struct store_record one, two;
	int error = store_read_record(&store, &one);

	FUZZ_CHECK(error == 0 || error == -EBADMSG);
	if (error != 0)
		return;
	FUZZ_CHECK(one.mode < HA_MODE_N && one.parting < PARTING_N && one.suspended_until >= 0);
	FUZZ_CHECK(ends(one.peer_name, sizeof(one.peer_name)));
	for (unsigned i = 0; i < STORE_FORMER_MAX; i++)
		FUZZ_CHECK(ends(one.former[i].name, sizeof(one.former[i].name)));
	FUZZ_CHECK(store_write_record(&store, &one) == 0);
	FUZZ_CHECK(store_read_record(&store, &two) == 0);
	FUZZ_CHECK(one.term == two.term && one.mode == two.mode && one.paired == two.paired);
	FUZZ_CHECK(memcmp(one.vip, two.vip, sizeof(one.vip)) == 0);
	FUZZ_CHECK(strcmp(one.peer_name, two.peer_name) == 0);
}

static void key(void)
{
	struct store_key one, two;
	int error = store_key(&store, false, &one);

	FUZZ_CHECK(error == 0 || error == -EBADMSG);
	if (error != 0)
		return;
	FUZZ_CHECK(store_key(&store, true, &two) == 0);
	FUZZ_CHECK(memcmp(&one, &two, sizeof(one)) == 0);
}

static void history(void)
{
	static struct store_event one[STORE_HISTORY_MAX], two[STORE_HISTORY_MAX];
	unsigned n, m;
	int error = store_read_history(&store, one, &n);

	FUZZ_CHECK((error == 0 || (error == -EBADMSG && n == 0)) && n <= STORE_HISTORY_MAX);
	if (error != 0)
		return;
	for (unsigned i = 0; i < n; i++)
		FUZZ_CHECK(ends(one[i].subject, sizeof(one[i].subject)));
	FUZZ_CHECK(store_write_history(&store, one, n) == 0);
	FUZZ_CHECK(store_read_history(&store, two, &m) == 0 && m == n);
	for (unsigned i = 0; i < n; i++)
		FUZZ_CHECK(one[i].term == two[i].term && one[i].event == two[i].event &&
			   strcmp(one[i].subject, two[i].subject) == 0);
}

static void ledger(void)
{
	struct ledger one = {0}, two = {0};
	int error = ledger_read(store.directory, &one);

	FUZZ_CHECK(error == 0 || error == -EBADMSG);
	if (error != 0)
		return;
	FUZZ_CHECK(lineage_valid(&one.lineage));
	FUZZ_CHECK(ledger_write(store.directory, &one) == 0);
	FUZZ_CHECK(ledger_read(store.directory, &two) == 0);
	FUZZ_CHECK(lineage_equal(&one.lineage, &two.lineage) && one.imports == two.imports);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const reads[])(void) = {record, key, history, ledger};
	static uint8_t bytes[CONTENT_MAX + SUM_LEN];
	struct script s = {data, len};
	uint8_t how = script_u8(&s), which = how % 4;
	size_t n = s.left < CONTENT_MAX - 6 ? s.left : CONTENT_MAX - 6;

	if (how & 0x80) { /* all of it is the fuzzer's */
		script_bytes(&s, bytes, n);
		directory_write(store.directory, files[which].name, bytes, n);
	} else {
		memcpy(bytes, files[which].magic, 4);
		bytes[4] = 0;
		bytes[5] = (uint8_t)(1 + (how >> 2) % files[which].versions);
		script_bytes(&s, bytes + 6, n);
		directory_write_summed(store.directory, files[which].name, bytes, n + 6);
	}
	reads[which]();
	return 0;
}
