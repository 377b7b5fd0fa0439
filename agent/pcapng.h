/* pcapng.h - capture files as Wireshark, tcpdump and libpcap read them: the three blocks that it takes
 * (draft-ietf-opsawg-pcapng).
 *
 * Bytes only, little-endian whatever the machine. Interfaces are numbered in the order in which they were written; all are
 * Ethernet with nanosecond times. Each function returns the bytes written, or 0 if the buffer is too small.
 */
#ifndef HA_AGENT_PCAPNG_H
#define HA_AGENT_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

enum {
	PCAPNG_BLOCK_MAX = 2048, /* room for any block that is asked for here */
	PCAPNG_SNAP_LEN = 1514,  /* one for all interfaces: libpcap wants it so */
};

/* Texts are UTF-8 and cut at 255 bytes; "" is left out. */
size_t pcapng_section(uint8_t *out, size_t cap, const char *hardware, const char *os,
		      const char *application);
size_t pcapng_interface(uint8_t *out, size_t cap, const char *name, const char *description);

enum pcapng_direction {
	PCAPNG_UNKNOWN = 0,
	PCAPNG_INBOUND = 1,
	PCAPNG_OUTBOUND = 2,
};

struct pcapng_frame {
	uint32_t interface;
	uint64_t time_ns; /* since 1970 */
	enum pcapng_direction direction;
	const uint8_t *bytes;
	uint32_t len,
		wire_len; /* what there is of it, at most PCAPNG_SNAP_LEN; its length on the wire */
};

size_t pcapng_frame(uint8_t *out, size_t cap, const struct pcapng_frame *);

#endif
