/* exchange.c - see exchange.h */
#include "netlink/exchange.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include "netlink/attribute.h"

enum {
	DUMP_TIMEOUT_MS = 1000,
	READS_MAX =
		256, /* datagrams read for one batch: nobody can keep the caller by sending more */
};

int exchange_open(struct exchange *x, int bus)
{
	int one = 1;
	int error;

	memset(x, 0, offsetof(struct exchange, buffer));
	x->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!x->socket)
		return -errno;
	if (mnl_socket_bind(x->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		error = -errno;
		exchange_close(x);
		return error;
	}
	/* Without it an error repeats the whole request; where it is unknown that does no harm. */
	(void)mnl_socket_setsockopt(x->socket, NETLINK_CAP_ACK, &one, sizeof(one));
	x->first = 1; /* the kernel numbers its own reports 0 */
	return 0;
}

void exchange_close(struct exchange *x)
{
	if (x->socket)
		(void)mnl_socket_close(x->socket);
	x->socket = NULL;
}

ssize_t exchange_receive(int fd, void *buffer, size_t size, uint32_t *sender)
{
	struct sockaddr_nl from = {0};
	struct iovec part = {.iov_base = buffer, .iov_len = size};
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	ssize_t len;

	do
		len = recvmsg(fd, &message, MSG_DONTWAIT);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	*sender = from.nl_pid;
	if (message.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return len;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits for the next datagram until `deadline`; what is there already is taken even after it, since
 * a send may have taken long. Its length or -errno. */
static ssize_t next_datagram(struct exchange *x, int64_t deadline, uint32_t *sender)
{
	struct pollfd p = {.fd = mnl_socket_get_fd(x->socket), .events = POLLIN};
	ssize_t len;
	int64_t left;

	for (;;) {
		len = exchange_receive(p.fd, x->buffer, sizeof(x->buffer), sender);
		if (len != -EAGAIN)
			return len;
		left = deadline - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}

static int send_all(struct exchange *x, const void *data, size_t len)
{
	ssize_t sent;

	do
		sent = mnl_socket_sendto(x->socket, data, len);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == len ? 0 : -EIO;
}

void exchange_number(struct exchange *x, void *batch, size_t len)
{
	struct nlmsghdr *h = batch;
	int left = (int)len;

	x->first += x->n;
	x->n = 0;
	x->wanted = 0;
	x->acked = 0;
	x->error = 0;
	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		assert(x->n < EXCHANGE_MESSAGES_MAX);
		h->nlmsg_seq = x->first + x->n;
		x->result[x->n] = -ETIMEDOUT;
		if (h->nlmsg_flags & NLM_F_ACK)
			x->wanted |= UINT32_C(1) << x->n;
		x->n++;
	}
	assert(left == 0);
}

static void take_answer(struct exchange *x, const struct nlmsghdr *h, bool transaction)
{
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(h);
	uint32_t i = h->nlmsg_seq - x->first;

	if (i >= x->n || x->result[i] != -ETIMEDOUT) {
		x->late_n++;
		return;
	}
	x->result[i] = answer->error;
	x->wanted &= ~(UINT32_C(1) << i);
	if (answer->error == 0)
		x->acked |= UINT32_C(1) << i;
	else if (!x->error)
		x->error = answer->error;
	if (transaction && x->error)
		x->wanted = 0;
}

bool exchange_take(struct exchange *x, const void *data, size_t len, uint32_t sender,
		   bool transaction)
{
	const struct nlmsghdr *h;

	if (sender != 0) {
		x->foreign_n++;
		return x->wanted == 0;
	}
	for (h = attribute_message(data, len); h; h = attribute_next(h, &len))
		if (h->nlmsg_type == NLMSG_ERROR &&
		    mnl_nlmsg_get_payload_len(h) >= sizeof(struct nlmsgerr))
			take_answer(x, h, transaction);
	return x->wanted == 0;
}

int exchange_run(struct exchange *x, void *batch, size_t len, bool transaction)
{
	int64_t deadline = now_ms() + EXCHANGE_TIMEOUT_MS;
	unsigned reads = 0;
	uint32_t sender;
	ssize_t got;
	int error;

	exchange_number(x, batch, len);
	error = send_all(x, batch, len);
	if (error)
		return error;
	while (x->wanted) {
		got = reads++ < READS_MAX ? next_datagram(x, deadline, &sender) : -ETIMEDOUT;
		if (got < 0)
			return x->error ? x->error : (int)got;
		exchange_take(x, x->buffer, (size_t)got, sender, transaction);
	}
	return x->error;
}

/* -EINPROGRESS while more is to come, else the dump's outcome. */
static int take_dump(struct exchange *x, size_t len, uint32_t sender, bool *interrupted,
		     exchange_fn *callback, void *arg)
{
	const struct nlmsghdr *h;
	int error;

	if (sender != 0) {
		x->foreign_n++;
		return -EINPROGRESS;
	}
	for (h = attribute_message(x->buffer, len); h; h = attribute_next(h, &len)) {
		if (h->nlmsg_seq != x->first) {
			x->late_n++;
			continue;
		}
		*interrupted |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (h->nlmsg_type != NLMSG_DONE && h->nlmsg_type != NLMSG_ERROR) {
			callback(h, arg);
			continue;
		}
		/* Both begin with an error number; a dump that ends well says 0. */
		if (mnl_nlmsg_get_payload_len(h) < sizeof(error))
			return -EBADMSG;
		memcpy(&error, mnl_nlmsg_get_payload(h), sizeof(error));
		return error;
	}
	return -EINPROGRESS;
}

int exchange_dump(struct exchange *x, void *request, exchange_fn *callback, void *arg)
{
	struct nlmsghdr *h = request;
	int64_t deadline = now_ms() + DUMP_TIMEOUT_MS;
	bool interrupted = false;
	uint32_t sender = 0;
	ssize_t got;
	int error;

	exchange_number(x, h, h->nlmsg_len);
	error = send_all(x, h, h->nlmsg_len);
	if (error)
		return error;
	do {
		got = next_datagram(x, deadline, &sender);
		if (got < 0)
			return (int)got;
		error = take_dump(x, (size_t)got, sender, &interrupted, callback, arg);
		if (error == -EINPROGRESS && now_ms() > deadline)
			return -ETIMEDOUT;
	} while (error == -EINPROGRESS);
	return error ? error : interrupted ? -EINTR : 0;
}
