/* monitor.c - the monitor's socket and its dumps; see monitor.h
 *
 * A socket can run one dump at a time (another request is answered EBUSY), so a resync is a small
 * machine: `pending` holds the dumps still to be made, `running` the one under way. It is repeated
 * if the kernel marks any part of it as interrupted, and the resync starts over if the queue
 * overflowed meanwhile: only then, since what a dump has in flight cannot be taken back.
 */
#include "netlink/monitor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "netlink/attribute.h"
#include "netlink/exchange.h"

static unsigned groups_of(unsigned what)
{
	unsigned groups = 0;

	if (what & MONITOR_LINKS)
		groups |= RTMGRP_LINK;
	if (what & MONITOR_ADDRESSES)
		groups |= RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
	if (what & MONITOR_ROUTES)
		groups |= RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_LINK;
	return groups;
}

int monitor_open(struct monitor *m, unsigned what)
{
	int error;

	assert(what != 0 && (what & ~(unsigned)MONITOR_ALL) == 0);
	memset(m, 0, offsetof(struct monitor, buffer));
	m->what = what;
	m->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!m->socket)
		return -errno;
	if (mnl_socket_bind(m->socket, groups_of(what), MNL_SOCKET_AUTOPID) < 0) {
		error = -errno;
		monitor_close(m);
		return error;
	}
	m->port = mnl_socket_get_portid(m->socket);
	return 0;
}

void monitor_close(struct monitor *m)
{
	if (m->socket)
		(void)mnl_socket_close(m->socket);
	m->socket = NULL;
}

int monitor_fd(const struct monitor *m)
{
	return mnl_socket_get_fd(m->socket);
}

/* Asks for the lowest pending dump, if none is under way. */
static int start_dump(struct monitor *m)
{
	_Alignas(8) uint8_t message[64];
	struct nlmsghdr *h;

	if (m->running || !m->pending)
		return 0;
	m->running = m->pending & -m->pending;
	m->interrupted = false;
	h = mnl_nlmsg_put_header(message);
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = ++m->seq;
	switch (m->running) {
	case MONITOR_LINKS:
		h->nlmsg_type = RTM_GETLINK;
		mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
		break;
	case MONITOR_ADDRESSES:
		h->nlmsg_type = RTM_GETADDR;
		mnl_nlmsg_put_extra_header(h, sizeof(struct ifaddrmsg));
		break;
	default:
		h->nlmsg_type = RTM_GETROUTE;
		mnl_nlmsg_put_extra_header(h, sizeof(struct rtmsg));
		break;
	}
	if (mnl_socket_sendto(m->socket, h, h->nlmsg_len) < 0) {
		m->running = 0;
		return -errno;
	}
	return 0;
}

/* Everything anew: at once, or after the dump under way. */
static void start_over(struct monitor *m)
{
	if (m->running) {
		m->overflowed = true;
		return;
	}
	m->overflowed = false;
	m->pending = m->what;
	m->begin = true;
}

int monitor_dump(struct monitor *m)
{
	start_over(m);
	return start_dump(m);
}

static void end_dump(struct monitor *m, int error, monitor_fn *callback, void *arg)
{
	struct monitor_event end = {.type = MONITOR_RESYNC_END};
	bool again = m->interrupted || error == -EINTR || error == -EBUSY || error == -EAGAIN;

	if (!again)
		m->pending &= ~m->running;
	m->running = 0;
	if (m->overflowed) {
		start_over(m);
	} else if (!m->pending && m->resyncing) {
		m->resyncing = false;
		callback(&end, arg);
	}
}

struct relay {
	struct monitor *monitor;
	monitor_fn *callback;
	void *arg;
	bool live; /* not part of a dump */
};

static void take_link(struct relay *r, const struct nlmsghdr *h)
{
	struct monitor_event e = {.type = MONITOR_LINK};
	int error = monitor_decode_link(h, h->nlmsg_len, &e.link);

	if (error == -EBADMSG)
		r->monitor->malformed_n++;
	if (error)
		return;
	if (r->monitor->what & MONITOR_LINKS)
		r->callback(&e, r->arg);
	/* The IPv4 routes through it have vanished without a word. */
	if (r->live && (r->monitor->what & MONITOR_ROUTES) && (!e.link.up || e.link.gone))
		start_over(r->monitor);
}

static void take_message(struct relay *r, const struct nlmsghdr *h)
{
	struct monitor_event e = {.type = MONITOR_ADDRESS};
	int error = 0;

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		take_link(r, h);
		return;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		error = address_decode(h, h->nlmsg_len, &e.address);
		if (!error)
			r->callback(&e, r->arg);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		error = monitor_decode_route(h, h->nlmsg_len, r->callback, r->arg);
		break;
	default:
		break;
	}
	if (error == -EBADMSG)
		r->monitor->malformed_n++;
}

/* Only now: what was queued before the dump is older than it, and what was lost may have undone it.
 */
static void begin_resync(struct relay *r)
{
	struct monitor_event begin = {.type = MONITOR_RESYNC_BEGIN};

	r->monitor->begin = false;
	r->monitor->resyncing = true;
	r->callback(&begin, r->arg);
}

void monitor_take(struct monitor *m, const void *data, size_t len, uint32_t sender,
		  monitor_fn *callback, void *arg)
{
	struct relay relay = {.monitor = m, .callback = callback, .arg = arg};
	const struct nlmsghdr *h;
	int error;

	if (sender != 0) {
		m->foreign_n++;
		return;
	}
	for (h = attribute_message(data, len); h; h = attribute_next(h, &len)) {
		bool ours = m->running && h->nlmsg_pid == m->port && h->nlmsg_seq == m->seq;

		relay.live = !ours;
		if (ours && m->begin)
			begin_resync(&relay);
		if (h->nlmsg_type != NLMSG_DONE && h->nlmsg_type != NLMSG_ERROR) {
			m->interrupted |= ours && (h->nlmsg_flags & NLM_F_DUMP_INTR);
			take_message(&relay, h);
			continue;
		}
		if (!ours)
			continue;
		/* Both begin with an error number. */
		m->interrupted |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (mnl_nlmsg_get_payload_len(h) < sizeof(error))
			error = 0;
		else
			memcpy(&error, mnl_nlmsg_get_payload(h), sizeof(error));
		end_dump(m, error, callback, arg);
	}
	if (len > 0)
		m->malformed_n++;
}

int monitor_read(struct monitor *m, monitor_fn *callback, void *arg)
{
	uint32_t sender = 0;
	ssize_t len;
	int error, i;

	for (i = 0; i < MONITOR_READ_MAX; i++) {
		error = start_dump(m);
		if (error)
			return error;
		len = exchange_receive(monitor_fd(m), m->buffer, sizeof(m->buffer), &sender);
		if (len == -EAGAIN)
			return 0;
		if (len == -ENOBUFS || len == -EMSGSIZE) {
			m->overflow_n++;
			start_over(m);
		} else if (len < 0) {
			return (int)len;
		} else {
			monitor_take(m, m->buffer, (size_t)len, sender, callback, arg);
		}
	}
	return start_dump(m);
}
