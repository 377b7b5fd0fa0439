/* netlink - datagrams of rtnetlink: the kernel's, or such as pretend to be.
 *
 *   sender; state of the monitor; the datagram
 *
 * The same bytes go to all that read such messages: the monitor and behind it the engine's picture of the segment, the
 * acknowledgements of a batch, and the decoders alone.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "agent/segment.h"
#include "netlink/address.h"
#include "netlink/exchange.h"
#include "netlink/monitor.h"

static struct segment place;
static unsigned events;

static bool is_address(const struct ha_address *a)
{
	return a->family == HA_IPV4 || a->family == HA_IPV6;
}

static void on_event(const struct monitor_event *e, void *arg)
{
	(void)arg;
	events++;
	switch (e->type) {
	case MONITOR_LINK:
		FUZZ_CHECK(e->link.ifindex > 0 && e->link.name[0] != '\0' &&
			   memchr(e->link.name, '\0', sizeof(e->link.name)) != NULL);
		break;
	case MONITOR_ADDRESS:
		FUZZ_CHECK(is_address(&e->address.address));
		FUZZ_CHECK(e->address.prefix_len <= 8 * ha_address_len(&e->address.address));
		break;
	case MONITOR_ROUTE:
		FUZZ_CHECK(is_address(&e->route.gateway));
		break;
	default:
		break;
	}
	(void)segment_observe(&place, e);
}

static void monitor(const uint8_t *datagram, size_t len, uint32_t sender, uint8_t how)
{
	static struct monitor m;

	memset(&m, 0, offsetof(struct monitor, buffer));
	m.port = 7;
	m.what = MONITOR_ALL;
	m.seq = 1;
	m.running = how & 4 ? 1u << (how & 3) % 3 : 0;
	m.pending = m.running | (how & 8 ? MONITOR_ROUTES : 0);
	m.begin = how & 16;
	m.resyncing = how & 32;
	m.overflowed = how & 64;
	events = 0;
	monitor_take(&m, datagram, len, sender, on_event, NULL);
	FUZZ_CHECK(sender == 0 || (events == 0 && m.foreign_n == 1));
}

static void picture(void)
{
	struct msg_prefix identity[HA_ADDRESS_MAX];
	struct ha_address gateway[NODE_STATIONS_MAX];
	static const struct ha_address target = {HA_IPV4, {192, 0, 2, 9}};
	const struct ha_address *from = segment_sender(&place, &target);

	FUZZ_CHECK(from == NULL || (from->family == HA_IPV4 && segment_owns(&place, from)));
	segment_identity(&place, identity);
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++)
		FUZZ_CHECK(identity[i].address.family == HA_FAMILY_NONE ||
			   is_address(&identity[i].address));
	FUZZ_CHECK(segment_gateways(&place, gateway) <= NODE_STATIONS_MAX);
}

/* A batch of three of which two are to be acknowledged. */
static void exchange(const uint8_t *datagram, size_t len, uint32_t sender)
{
	_Alignas(8) uint8_t batch[3 * 16] = {0};
	static struct exchange x;
	bool done;

	for (unsigned i = 0; i < 3; i++) {
		struct nlmsghdr *h = mnl_nlmsg_put_header(batch + 16 * (size_t)i);

		h->nlmsg_flags = i == 1 ? NLM_F_REQUEST : NLM_F_REQUEST | NLM_F_ACK;
	}
	memset(&x, 0, offsetof(struct exchange, buffer));
	x.first = 1;
	exchange_number(&x, batch, sizeof(batch));
	done = exchange_take(&x, datagram, len, sender, false);
	FUZZ_CHECK(done == (x.wanted == 0));
	FUZZ_CHECK((x.wanted & ~5u) == 0 && (x.acked & x.wanted) == 0);
	FUZZ_CHECK(sender == 0 || (x.wanted == 5 && x.foreign_n == 1));
}

static void decoders(const uint8_t *datagram, size_t len)
{
	struct monitor_link link;
	struct address_event address;
	int error = address_decode(datagram, len, &address);

	FUZZ_CHECK(error == 0 || error == -ENOMSG || error == -EBADMSG);
	error = monitor_decode_link(datagram, len, &link);
	FUZZ_CHECK(error == 0 || error == -ENOMSG || error == -EBADMSG);
	error = monitor_decode_route(datagram, len, on_event, NULL);
	FUZZ_CHECK(error == 0 || error == -ENOMSG || error == -EBADMSG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len)
{
	static const struct ha_mac mac = {{2, 0, 0, 0, 0, 1}};
	static const struct ha_address vip = {HA_IPV4, {192, 0, 2, 100}};
	struct script s = {data, data_len};
	uint32_t sender = script_u8(&s) == 0xff;
	uint8_t how = script_u8(&s);
	size_t len;
	uint8_t *datagram = script_copy(&s, 16384, &len);

	segment_init(&place, "eth0", 2, &mac);
	segment_set_vips(&place, &vip, 1);
	monitor(datagram, len, sender, how);
	picture();
	exchange(datagram, len, sender);
	decoders(datagram, len);
	free(datagram);
	return 0;
}
