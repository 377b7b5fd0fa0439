/* Messages between the processes: whole, known, or the end of the conversation. */
#include "agent/ipc.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void open_pair(int pair[2])
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
		     0);
}

static struct ipc_message message_of(enum ipc_type type)
{
	struct ipc_message message;

	memset(&message, 0, sizeof(message));
	message.type = type;
	return message;
}

Test(ipc, a_message_arrives_as_it_was_sent)
{
	struct ipc_message sent = message_of(IPC_HOLD), came;
	int pair[2], passed = 0;

	open_pair(pair);
	sent.u.lease.lease = 7;
	sent.u.lease.deadline = 123456789012345;
	cr_assert_eq(ipc_send(pair[0], &sent), 0);
	cr_assert_eq(ipc_receive(pair[1], &came, &passed), 1);
	cr_assert_eq(memcmp(&sent, &came, sizeof(sent)), 0);
	cr_assert_eq(passed, -1);
}

Test(ipc, nothing_waiting_is_zero_and_a_writer_that_is_gone_is_epipe)
{
	struct ipc_message message = message_of(IPC_ALIVE);
	int pair[2];

	open_pair(pair);
	cr_assert_eq(ipc_receive(pair[1], &message, NULL), 0);
	message.type = IPC_ALIVE;
	cr_assert_eq(ipc_send(pair[0], &message), 0);
	close(pair[0]);
	cr_assert_eq(ipc_receive(pair[1], &message, NULL), 1, "what it said last is still heard");
	cr_assert_eq(ipc_receive(pair[1], &message, NULL), -EPIPE);
}

Test(ipc, sending_to_a_reader_that_is_gone_is_epipe_and_no_signal)
{
	struct ipc_message message = message_of(IPC_ALIVE);
	int pair[2];

	open_pair(pair);
	close(pair[1]);
	cr_assert_eq(ipc_send(pair[0], &message), -EPIPE);
}

Test(ipc, a_full_queue_is_eagain_and_loses_nothing_that_was_accepted)
{
	struct ipc_message message = message_of(IPC_ALIVE);
	unsigned sent = 0, came = 0;
	int pair[2], error;

	open_pair(pair);
	while ((error = ipc_send(pair[0], &message)) == 0)
		sent++;
	cr_assert_eq(error, -EAGAIN);
	cr_assert_gt(sent, 16);
	while (ipc_receive(pair[1], &message, NULL) == 1)
		came++;
	cr_assert_eq(came, sent);
}

Test(ipc, a_packet_of_any_other_size_is_eproto)
{
	static const size_t sizes[] = {1, 4, sizeof(struct ipc_message) - 1,
				       sizeof(struct ipc_message) + 1,
				       2 * sizeof(struct ipc_message)};
	struct ipc_message two[2] = {message_of(IPC_ALIVE), message_of(IPC_ALIVE)}, came;
	int pair[2];

	open_pair(pair);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		cr_assert_eq(send(pair[0], two, sizes[i], 0), (ssize_t)sizes[i]);
		cr_assert_eq(ipc_receive(pair[1], &came, NULL), -EPROTO, "%zu bytes", sizes[i]);
	}
}

Test(ipc, an_unknown_type_is_eproto)
{
	static const uint32_t types[] = {0, IPC_TYPE_N, UINT32_MAX};
	struct ipc_message message, came;
	int pair[2];

	open_pair(pair);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		message = message_of(IPC_ALIVE);
		message.type = types[i];
		cr_assert_eq(send(pair[0], &message, sizeof(message), 0), (ssize_t)sizeof(message));
		cr_assert_eq(ipc_receive(pair[1], &came, NULL), -EPROTO, "type %u", types[i]);
	}
}

Test(ipc, a_descriptor_passes_and_is_closed_on_exec)
{
	struct ipc_message message = message_of(IPC_ENGINE), came;
	int pair[2], pipe_fd[2], passed = -1;
	struct stat sent, got;

	open_pair(pair);
	cr_assert_eq(pipe(pipe_fd), 0);
	cr_assert_eq(ipc_send_fd(pair[0], &message, pipe_fd[0]), 0);
	cr_assert_eq(ipc_receive(pair[1], &came, &passed), 1);
	cr_assert_geq(passed, 0);
	cr_assert_eq(fstat(pipe_fd[0], &sent), 0);
	cr_assert_eq(fstat(passed, &got), 0);
	cr_assert_eq(sent.st_ino, got.st_ino);
	cr_assert_eq(fcntl(passed, F_GETFD), FD_CLOEXEC);
}

/* A descriptor that nobody asked for would be a leak at best. */
Test(ipc, a_descriptor_that_is_not_expected_is_eproto_and_closed)
{
	struct ipc_message message = message_of(IPC_ALIVE), came;
	int pair[2], pipe_fd[2], passed = -1;
	char byte;

	open_pair(pair);
	cr_assert_eq(pipe(pipe_fd), 0);
	cr_assert_eq(ipc_send_fd(pair[0], &message, pipe_fd[1]), 0);
	cr_assert_eq(ipc_receive(pair[1], &came, &passed), -EPROTO, "a type that carries none");
	message.type = IPC_STEWARD;
	cr_assert_eq(ipc_send_fd(pair[0], &message, pipe_fd[1]), 0);
	cr_assert_eq(ipc_receive(pair[1], &came, NULL), -EPROTO, "a reader that takes none");
	close(pipe_fd[1]);
	cr_assert_eq(read(pipe_fd[0], &byte, 1), 0, "no copy is left open");
}

Test(ipc, a_type_that_carries_a_descriptor_without_one_is_eproto)
{
	struct ipc_message message = message_of(IPC_STEWARD), came;
	int pair[2], passed;

	open_pair(pair);
	cr_assert_eq(ipc_send(pair[0], &message), 0);
	cr_assert_eq(ipc_receive(pair[1], &came, &passed), -EPROTO);
}

/* Whoever lives is told of a new one of the others. */
Test(ipc, each_kin_comes_with_its_descriptor)
{
	static const enum ipc_type kin[] = {IPC_ENGINE, IPC_STEWARD, IPC_SYNCER};
	int pair[2], passed;

	open_pair(pair);
	for (size_t i = 0; i < sizeof(kin) / sizeof(kin[0]); i++) {
		struct ipc_message message = message_of(kin[i]), came;

		passed = -1;
		cr_assert_eq(ipc_send_fd(pair[0], &message, pair[0]), 0);
		cr_assert_eq(ipc_receive(pair[1], &came, &passed), 1);
		cr_assert_geq(passed, 0);
		close(passed);
	}
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A hostile engine could use up the guardian's. */
Test(ipc, more_descriptors_than_one_are_eproto_and_none_stays_open)
{
	static const enum ipc_type types[] = {IPC_ALIVE, IPC_ENGINE};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control;
	struct ipc_message message, came;
	struct iovec part = {.iov_base = &message, .iov_len = sizeof(message)};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes};
	int pair[2], passed = -1;
	unsigned before;

	open_pair(pair);
	before = open_descriptors();
	for (size_t i = 0; i < 12; i++) {
		size_t n = 1 + i % 3;
		const int fds[] = {pair[0], pair[0], pair[0]};
		bool listens = i >= 6, one = n == 1 && types[i & 1] == IPC_ENGINE && listens;

		message = message_of(types[i & 1]);
		memset(&control, 0, sizeof(control));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
		header.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cr_assert_eq(sendmsg(pair[0], &header, 0), (ssize_t)sizeof(message));
		cr_assert_eq(ipc_receive(pair[1], &came, listens ? &passed : NULL),
			     one ? 1 : -EPROTO, "%zu of them", n);
		if (one)
			close(passed);
		cr_assert_eq(open_descriptors(), before, "%zu of them", n);
	}
}

Test(ipc, a_writer_that_left_something_unread_is_still_heard_to_the_end)
{
	struct ipc_message message = message_of(IPC_EVENT), came;
	int pair[2];

	open_pair(pair);
	cr_assert_eq(ipc_send(pair[0], &message), 0);
	message.type = IPC_SAVED;
	cr_assert_eq(ipc_send(pair[1], &message), 0);
	close(pair[0]);
	cr_assert_eq(ipc_receive(pair[1], &came, NULL), 1);
	cr_assert_eq(came.type, IPC_EVENT);
	cr_assert_eq(ipc_receive(pair[1], &came, NULL), -EPIPE);
}
