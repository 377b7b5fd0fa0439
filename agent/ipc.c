/* ipc.c - see ipc.h. */
#include "agent/ipc.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union ipc_control {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int))];
};

static struct msghdr ipc_header(struct iovec *part, const struct ipc_message *message)
{
	/* sendmsg does not write through the pointer; the interface has no const. */
	memcpy(&part->iov_base, &message, sizeof(part->iov_base));
	part->iov_len = sizeof(*message);
	return (struct msghdr){.msg_iov = part, .msg_iovlen = 1};
}

static int ipc_transmit(int fd, const struct msghdr *header)
{
	ssize_t n;

	do
		n = sendmsg(fd, header, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	assert(n == sizeof(struct ipc_message)); /* packets go whole or not at all */
	return 0;
}

int ipc_send(int fd, const struct ipc_message *message)
{
	struct iovec part;
	struct msghdr header = ipc_header(&part, message);

	assert(message->type > 0 && message->type < IPC_TYPE_N);
	return ipc_transmit(fd, &header);
}

int ipc_send_fd(int fd, const struct ipc_message *message, int passed)
{
	union ipc_control control = {0};
	struct iovec part;
	struct msghdr header = ipc_header(&part, message);
	struct cmsghdr *c;

	assert(message->type > 0 && message->type < IPC_TYPE_N && passed >= 0);
	header.msg_control = control.bytes;
	header.msg_controllen = sizeof(control.bytes);
	c = CMSG_FIRSTHDR(&header);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(passed));
	memcpy(CMSG_DATA(c), &passed, sizeof(passed));
	return ipc_transmit(fd, &header);
}

/* The one descriptor that came along, or -1. */
static int ipc_passed(struct msghdr *header)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	int fd;

	if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

int ipc_receive(int fd, struct ipc_message *out, int *passed)
{
	union ipc_control control = {0};
	struct iovec part = {.iov_base = out, .iov_len = sizeof(*out)};
	/* Room for one descriptor, without the padding, in which the kernel would put another: what
	 * is over it closes, and says MSG_CTRUNC. */
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = passed == NULL ? NULL : control.bytes,
		.msg_controllen = passed == NULL ? 0 : CMSG_LEN(sizeof(int)),
	};
	bool expected;
	int came;
	ssize_t n;

	/* ECONNRESET is said once, when the writer has left something unread: before what it wrote
	 * itself, which is still to be heard. */
	do
		n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	came = ipc_passed(&header);
	if (n == 0 && came < 0)
		return -EPIPE;
	expected = n == sizeof(*out) && (out->type == IPC_ENGINE || out->type == IPC_STEWARD ||
					 out->type == IPC_SYNCER || out->type == IPC_CONFIG ||
					 out->type == IPC_CONFIG_REPORT);
	if (n != sizeof(*out) || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    out->type == 0 || out->type >= IPC_TYPE_N || (came >= 0) != expected) {
		if (came >= 0)
			close(came);
		return -EPROTO;
	}
	if (passed != NULL)
		*passed = came;
	return 1;
}

bool ipc_bool_valid(const bool *value)
{
	uint8_t byte;

	memcpy(&byte, value, 1);
	return byte <= 1;
}
