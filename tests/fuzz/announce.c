/* announce - an ARP or neighbour discovery frame from the management segment: the bytes that anybody there can send.
 *
 *   whether the checksum of ICMPv6 is made good; the Ethernet frame
 */
#include "tests/fuzz/fuzz.h"

#include "proto/announce.h"

static bool plausible(const struct ha_address *a)
{
	return a->family == HA_FAMILY_NONE || a->family == HA_IPV4 || a->family == HA_IPV6;
}

/* What was said of an address could have been said by this program: it reads it so. */
static void say_again(const struct segment_frame *heard, bool router)
{
	enum announce_form form =
		heard->sender.family == HA_IPV6 ? ANNOUNCE_NA : ANNOUNCE_ARP_REPLY;
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	struct segment_frame read;
	size_t len = announce_build(frame, form, &heard->sender, &heard->sender_mac, router);

	FUZZ_CHECK(len > 0 && segment_parse(frame, len, &read));
	FUZZ_CHECK(read.answer && ha_address_equal(&read.sender, &heard->sender));
	FUZZ_CHECK(ha_mac_equal(&read.sender_mac, &heard->sender_mac));
	for (size_t cut = 0; cut < (form == ANNOUNCE_NA ? len : 42); cut++)
		FUZZ_CHECK(!segment_parse(frame, cut, &read));
}

static void ask(const struct segment_frame *heard)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	struct segment_frame read;
	size_t len = announce_question(frame, &heard->target, &heard->source, &heard->sender,
				       &heard->sender_mac);

	if (len == 0)
		return; /* two families */
	FUZZ_CHECK(segment_parse(frame, len, &read));
	FUZZ_CHECK(!read.answer && ha_address_equal(&read.target, &heard->target));
}

enum {
	IP6 = 14,
	ICMP6 = IP6 + 40,
	NEXT_HEADER = 58,
};

/* RFC 8200 8.1: over addresses, length and next header, and all of the message. */
static void make_good(uint8_t *frame, size_t len)
{
	size_t said;
	uint32_t sum = NEXT_HEADER;

	if (len < ICMP6 + 4)
		return;
	said = (size_t)frame[IP6 + 4] << 8 | frame[IP6 + 5];
	if (said > len - ICMP6)
		return;
	frame[ICMP6 + 2] = frame[ICMP6 + 3] = 0;
	sum += (uint32_t)said;
	for (size_t i = IP6 + 8; i < ICMP6 + said; i++)
		sum += (uint32_t)frame[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	frame[ICMP6 + 2] = (uint8_t)(~sum >> 8);
	frame[ICMP6 + 3] = (uint8_t)~sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len)
{
	struct script s = {data, data_len};
	struct segment_frame heard;
	bool good = script_bool(&s);
	size_t len;
	uint8_t *frame = script_copy(&s, 2048, &len);

	if (good)
		make_good(frame, len);
	if (segment_parse(frame, len, &heard)) {
		FUZZ_CHECK(plausible(&heard.sender) && plausible(&heard.target));
		FUZZ_CHECK(heard.sender.family != HA_FAMILY_NONE ||
			   heard.target.family != HA_FAMILY_NONE);
		/* Some clusters say a group's MAC is theirs: no frame of this program comes from one. */
		if (ha_mac_is_group(&heard.sender_mac))
			goto out;
		if (heard.sender.family != HA_FAMILY_NONE)
			say_again(&heard, len % 2);
		if (heard.target.family != HA_FAMILY_NONE)
			ask(&heard);
	}
out:
	free(frame);
	return 0;
}
