/* ledger.c - see ledger.h. */
#include "agent/sync/ledger.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "agent/file.h"
#include "proto/cursor.h"

enum {
	MAGIC = 0x48415347, /* "HASG" */
	VERSION = 1,
	SUM_LEN = 32,
	FIXED_LEN = 4 + 2 + HA_KEY_LEN + 4 + 4 + 2 + HA_KEY_LEN,
	POINT_LEN = 16,
	LEDGER_MAX = FIXED_LEN + LINEAGE_MAX * POINT_LEN + SUM_LEN,
};

static bool take(struct cursor_reader *r, struct ledger *out)
{
	if (cursor_get_u32(r) != MAGIC || cursor_get_u16(r) != VERSION)
		return false;
	cursor_get_bytes(r, out->key, sizeof(out->key));
	out->imports = cursor_get_u32(r);
	out->full = cursor_get_u32(r);
	out->lineage.n = cursor_get_u16(r);
	cursor_get_bytes(r, out->lineage.digest, sizeof(out->lineage.digest));
	if (out->lineage.n > LINEAGE_MAX)
		return false;
	for (unsigned i = 0; i < out->lineage.n; i++) {
		out->lineage.point[i].term = cursor_get_u64(r);
		out->lineage.point[i].number = cursor_get_u64(r);
	}
	return cursor_finished(r) && lineage_valid(&out->lineage);
}

int ledger_read(int directory, struct ledger *out)
{
	uint8_t bytes[LEDGER_MAX], sum[SUM_LEN];
	struct ledger ledger = {0};
	struct cursor_reader r;
	size_t len;
	int error;

	error = file_read(directory, LEDGER_FILE, bytes, sizeof(bytes), &len);
	if (error != 0)
		return error == -EFBIG ? -EBADMSG : error;
	if (len < FIXED_LEN + SUM_LEN)
		return -EBADMSG;
	len -= SUM_LEN;
	crypto_generichash(sum, sizeof(sum), bytes, len, NULL, 0);
	if (memcmp(sum, bytes + len, sizeof(sum)) != 0)
		return -EBADMSG;
	cursor_read(&r, bytes, len);
	if (!take(&r, &ledger))
		return -EBADMSG;
	*out = ledger;
	return 0;
}

int ledger_write(int directory, const struct ledger *ledger)
{
	uint8_t bytes[LEDGER_MAX];
	struct cursor_writer w;
	size_t len;

	cursor_write(&w, bytes, sizeof(bytes) - SUM_LEN);
	cursor_put_u32(&w, MAGIC);
	cursor_put_u16(&w, VERSION);
	cursor_put_bytes(&w, ledger->key, sizeof(ledger->key));
	cursor_put_u32(&w, ledger->imports);
	cursor_put_u32(&w, ledger->full);
	cursor_put_u16(&w, ledger->lineage.n);
	cursor_put_bytes(&w, ledger->lineage.digest, sizeof(ledger->lineage.digest));
	for (unsigned i = 0; i < ledger->lineage.n; i++) {
		cursor_put_u64(&w, ledger->lineage.point[i].term);
		cursor_put_u64(&w, ledger->lineage.point[i].number);
	}
	len = cursor_written(&w);
	crypto_generichash(bytes + len, SUM_LEN, bytes, len, NULL, 0);
	return file_replace(directory, LEDGER_FILE, LEDGER_FILE ".new", bytes, len + SUM_LEN);
}
