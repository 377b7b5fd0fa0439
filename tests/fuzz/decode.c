/* decode - captures from anywhere, and what a hostile engine leaves in the flight recorder's memory.
 *
 *   0; a capture file      1; a frame behind its Ethernet header      2; how the memory begins
 *
 * Whatever it is, there is an end to it: each frame has one line, whole, in which nothing is that a terminal would obey; each
 * record is one that a capture has room for.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "agent/decode.h"
#include "agent/pcapng.h"
#include "agent/recorder.h"
#include "agent/text.h"

static char shown[1 << 20];

static void check_text(const char *text, size_t len)
{
	size_t step;

	for (size_t at = 0; at < len; at += step) {
		step = text[at] == '\n' ? 1 : text_character(text + at, len - at);
		FUZZ_CHECK(step > 0);
	}
}

static void capture(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	struct decode_count count;
	char why[256];
	FILE *in, *out;
	uint64_t lines = 0;
	long end;
	int error;

	FUZZ_CHECK(copy != NULL);
	memcpy(copy, data, len);
	copy[len] = 0;
	in = fmemopen(copy, len > 0 ? len : 1, "r");
	out = fmemopen(shown, sizeof(shown), "w");
	FUZZ_CHECK(in != NULL && out != NULL);
	error = decode_stream(in, out, &count, why);
	FUZZ_CHECK(fflush(out) == 0);
	end = ftell(out);
	FUZZ_CHECK(end >= 0 && fclose(out) == 0);
	for (long i = 0; i < end; i++)
		lines += shown[i] == '\n';
	FUZZ_CHECK(lines == count.frames && count.malformed <= count.frames);
	FUZZ_CHECK((error == -EIO) == (why[0] != '\0'));
	check_text(shown, (size_t)end);
	free(copy);
}

static void frame(const uint8_t *data, size_t len)
{
	struct script s = {data, len};
	struct decode_frame f = {.time_ns = (int64_t)script_number(&s, 8)};
	size_t more = script_number(&s, 2);
	char line[DECODE_LINE_MAX];
	uint8_t *copy = script_copy(&s, 10000, &f.len);

	f.message = copy;
	f.wire_len = f.len + more;
	(void)decode_line(line, &f);
	FUZZ_CHECK(strlen(line) < sizeof(line) - 1); /* nothing was cut */
	check_text(line, strlen(line));
	FUZZ_CHECK(strchr(line, '\n') == NULL);
	free(copy);
}

static void memory(const uint8_t *data, size_t len)
{
	static uint8_t shared[RECORDER_LEN] __attribute__((aligned(64)));
	static size_t used;
	struct recorder_reader reader;
	struct recorded recorded;
	unsigned n = 0;

	memset(shared, 0, used);
	used = len < sizeof(shared) ? len : sizeof(shared);
	memcpy(shared, data, used);
	recorder_read(&reader, shared);
	while (recorder_next(&reader, &recorded)) {
		FUZZ_CHECK(recorded.len <= PCAPNG_SNAP_LEN);
		FUZZ_CHECK(recorded.source < RECORDER_SOURCE_N);
		FUZZ_CHECK(++n <= RECORDER_LEN / 16);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	switch (data[0] % 3) {
	case 0:
		capture(data + 1, len - 1);
		break;
	case 1:
		frame(data + 1, len - 1);
		break;
	case 2:
		memory(data + 1, len - 1);
		break;
	}
	return 0;
}
