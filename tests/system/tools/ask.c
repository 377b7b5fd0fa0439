/* ask.c - one request to the control socket of the agent, as it is; prints the answer.
 *
 *   ask SOCKET REQUEST
 *
 * For what the command line does not say, or would not let pass. Exits 0 if an answer came, 1 if the connection was
 * closed without one or none came within 30 s.
 */
#include <sys/un.h>
#include <unistd.h>

#include "tool.h"

enum {
	ANSWER_MAX = 131072,
	PATIENCE_S = 30,
};

int main(int argc, char **argv)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	static char answer[ANSWER_MAX];
	ssize_t len;
	int fd;

	if (argc != 3)
		die("usage: ask SOCKET REQUEST");
	if ((size_t)snprintf(to.sun_path, sizeof(to.sun_path), "%s", argv[1]) >=
	    sizeof(to.sun_path))
		die("ask: the name is too long: %s", argv[1]);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		die("ask: %s: %s", argv[1], strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		die("ask: %s", strerror(errno));
	if (send(fd, argv[2], strlen(argv[2]), MSG_NOSIGNAL) < 0)
		die("ask: send: %s", strerror(errno));
	len = recv(fd, answer, sizeof(answer), 0);
	if (len <= 0)
		return 1;
	printf("%.*s\n", (int)len, answer);
	return 0;
}
