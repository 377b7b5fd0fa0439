/* decode.h - a capture of the protocol as text: one line a frame, whatever is in it.
 *
 *   2026-01-31T12:00:00.123456789Z link 02:00:00:03:00:0b HEARTBEAT number=12 state=active claim=holding ...
 *   time, path, source, type, and what the frame says by name; or, where its fields cannot be had, why not: bad_length ...
 *
 * It decodes with what the agent decodes with. It has no keys: so tags are not verified, and what was dropped for them is
 * shown like any other. A frame that was cut when it was captured is shown as far as its header, and says so. Whatever a
 * peer sent is made fit for a terminal.
 */
#ifndef HA_AGENT_DECODE_H
#define HA_AGENT_DECODE_H

#include <stdio.h>

#include "proto/types.h"

enum {
	DECODE_LINE_MAX = 4096, /* longer than any */
};

struct decode_frame {
	int64_t time_ns; /* since 1970 */
	struct ha_mac source;
	const uint8_t *message; /* what follows the EtherType */
	size_t len, wire_len;   /* what there is of it; what there was */
};

/* The line, without its end. False: the frame is malformed, and the line names how. */
bool decode_line(char out[DECODE_LINE_MAX], const struct decode_frame *);

struct decode_count {
	uint64_t frames, malformed;
	uint64_t foreign; /* of other protocols: they have no line */
};

/* All of a capture, pcap or pcapng; `in` is closed. 0; -EIO: it is damaged, or no capture, and why[] says how: what was before that is
 * printed and counted; -errno of the output. */
int decode_stream(FILE *in, FILE *out, struct decode_count *, char why[256]);

/* --decode FILE, "-" for standard input. The exit status. */
int decode_main(const char *file);

#endif
