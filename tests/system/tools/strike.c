/* strike.c - a power failure, or a machine that freezes, at one moment.
 *
 *   strike power NAMESPACE:DEVICE... -- PID...   kills the processes and sets the interfaces down
 *   strike freeze NAMESPACE:PORT... -- PID...    disables the bridge ports (carrier stays), stops the processes
 *   strike thaw NAMESPACE:PORT... -- PID...      the other way round
 *   strike down NAMESPACE:DEVICE...              interfaces down, in the order given
 *   strike up NAMESPACE:DEVICE...                and up
 *
 * All sockets are open and all messages built before the first thing happens, so that only system calls lie between.
 * Interfaces come in the order given: name the one that the client uses first, and the outage that it sees is not
 * flattered. Prints {"at": when it began, "took_us": how long}.
 */
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "tool.h"

enum {
	DEVICES_MAX = 16,
	PIDS_MAX = 64,
	PORT_DISABLED = 0, /* BR_STATE_DISABLED, BR_STATE_FORWARDING */
	PORT_FORWARDING = 3,
};

struct request {
	struct nlmsghdr header;
	struct ifinfomsg info;
	struct {
		struct rtattr nest, state;
		uint8_t value, pad[3];
	} port;
};

static struct {
	int fd;
	struct request request;
} device[DEVICES_MAX];
static unsigned devices;
static pid_t pid[PIDS_MAX];
static unsigned pids;

static void link_request(struct request *r, bool up)
{
	r->header.nlmsg_len = NLMSG_LENGTH(sizeof(r->info));
	r->header.nlmsg_type = RTM_NEWLINK;
	r->info.ifi_family = AF_UNSPEC;
	r->info.ifi_flags = up ? IFF_UP : 0;
	r->info.ifi_change = IFF_UP;
}

static void port_request(struct request *r, uint8_t state)
{
	r->header.nlmsg_len = sizeof(*r);
	r->header.nlmsg_type = RTM_SETLINK;
	r->info.ifi_family = AF_BRIDGE;
	r->port.nest.rta_len = sizeof(r->port);
	r->port.nest.rta_type = IFLA_PROTINFO | NLA_F_NESTED;
	r->port.state.rta_len = RTA_LENGTH(1);
	r->port.state.rta_type = IFLA_BRPORT_STATE;
	r->port.value = state;
}

static void open_device(const char *action, char *what)
{
	char *name = strchr(what, ':'), path[256];
	struct request *r;
	int ns;

	if (!name || devices == DEVICES_MAX)
		die("strike: not NAMESPACE:DEVICE, or too many: %s", what);
	r = &device[devices].request;
	*name++ = '\0';
	snprintf(path, sizeof(path), "/run/netns/%s", what);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die("strike: namespace %s: %s", what, strerror(errno));
	close(ns);
	device[devices].fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (device[devices].fd < 0)
		die("strike: netlink: %s", strerror(errno));
	if (!strcmp(action, "freeze"))
		port_request(r, PORT_DISABLED);
	else if (!strcmp(action, "thaw"))
		port_request(r, PORT_FORWARDING);
	else
		link_request(r, !strcmp(action, "up"));
	r->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	r->info.ifi_index = (int)if_nametoindex(name);
	if (!r->info.ifi_index)
		die("strike: no interface %s in %s", name, what);
	devices++;
}

/* The kernel does it within the send; the answer tells whether it did. */
static void set_devices(void)
{
	for (unsigned i = 0; i < devices; i++)
		if (send(device[i].fd, &device[i].request, device[i].request.header.nlmsg_len, 0) <
		    0)
			die("strike: send: %s", strerror(errno));
}

static void check_devices(void)
{
	for (unsigned i = 0; i < devices; i++) {
		struct {
			struct nlmsghdr header;
			struct nlmsgerr error;
			char rest[512];
		} answer;

		if (recv(device[i].fd, &answer, sizeof(answer), 0) < 0)
			die("strike: receive: %s", strerror(errno));
		if (answer.header.nlmsg_type == NLMSG_ERROR && answer.error.error)
			die("strike: interface %u: %s", i, strerror(-answer.error.error));
	}
}

static void signal_all(int signal)
{
	for (unsigned i = 0; i < pids; i++)
		(void)kill(pid[i], signal);
}

int main(int argc, char **argv)
{
	const char *action = argc > 2 ? argv[1] : "";
	int64_t at, done;
	int i = 2;

	if (strcmp(action, "power") && strcmp(action, "freeze") && strcmp(action, "thaw") &&
	    strcmp(action, "down") && strcmp(action, "up"))
		die("usage: strike power|freeze|thaw|down|up NAMESPACE:DEVICE... [-- PID...]");
	for (; i < argc && strcmp(argv[i], "--"); i++)
		open_device(action, argv[i]);
	for (i++; i < argc && pids < PIDS_MAX; i++)
		pid[pids++] = (pid_t)number(argv[i], INT32_MAX);
	real_time(80);

	at = realtime_ns();
	if (!strcmp(action, "power"))
		signal_all(SIGKILL);
	set_devices();
	if (!strcmp(action, "freeze"))
		signal_all(SIGSTOP);
	if (!strcmp(action, "thaw"))
		signal_all(SIGCONT);
	done = realtime_ns();
	check_devices();
	printf("{\"at\": %.6f, \"took_us\": %.0f}\n", seconds(at), (double)(done - at) / 1e3);
	return 0;
}
