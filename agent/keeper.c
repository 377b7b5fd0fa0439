/* keeper.c - see keeper.h. */
#include "agent/keeper.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "agent/addresses.h"
#include "agent/log.h"
#include "agent/loop.h"

static ha_time kernel_now(void *arg)
{
	(void)arg;
	return loop_now();
}

static int kernel_restore(void *arg, unsigned i)
{
	struct keeper *keeper = arg;

	return vip_add_one(&keeper->vip, i);
}

static int kernel_remove(void *arg)
{
	struct keeper *keeper = arg;

	return keeper->vip_open ? vip_delete(&keeper->vip, NULL) : 0;
}

static uint32_t kernel_on(void *arg)
{
	struct keeper *keeper = arg;

	return keeper->vip_open ? keeper->vip.on : 0;
}

/* The fence as it should be, closed. Where there can be none, the lease and the lifetime of the
 * addresses serve. */
static int raise_fence(struct keeper *keeper)
{
	int error;

	if (!keeper->vip_open)
		return 0;
	if (keeper->fence_open)
		fence_readdress(&keeper->fence, keeper->vip.addresses, keeper->vip.n);
	error = keeper->fence_open ? fence_install(&keeper->fence)
				   : fence_open(&keeper->fence, keeper->ifname,
						keeper->vip.addresses, keeper->vip.n);
	if (error == 0)
		keeper->fence_open = true;
	if (error != keeper->fence_error)
		log_event(error == 0 ? LOG_INFO : LOG_WARNING, "fence",
			  "interface=%s in_place=%d error=%d", keeper->ifname, error == 0, error);
	keeper->fence_error = error;
	keeper->fenced = error == 0;
	keeper->fence_ifindex = keeper->vip.ifindex;
	return error;
}

static int kernel_add(void *arg, uint32_t *acked)
{
	struct keeper *keeper = arg;
	int error;

	*acked = 0;
	if (!keeper->vip_open)
		return -EADDRNOTAVAIL;
	error = vip_add(&keeper->vip, acked);
	/* Another interface of that name: closed until the next renewal. */
	if (keeper->vip.ifindex != keeper->fence_ifindex)
		raise_fence(keeper);
	return error;
}

static int kernel_fence_hold(void *arg, unsigned ms)
{
	struct keeper *keeper = arg;
	int error;

	if (!keeper->fenced)
		return 0;
	error = fence_hold(&keeper->fence, ms);
	if (error != -ENOENT)
		return error;
	log_event(LOG_WARNING, "fence", "interface=%s what=%s", keeper->ifname,
		  "removed by somebody else, put back");
	return raise_fence(keeper) == 0 ? fence_hold(&keeper->fence, ms) : 0;
}

static int kernel_fence_shut(void *arg)
{
	struct keeper *keeper = arg;

	return keeper->fenced ? fence_shut(&keeper->fence) : 0;
}

static void close_addresses(struct keeper *keeper)
{
	if (keeper->fence_open)
		fence_close(&keeper->fence);
	if (keeper->vip_open)
		vip_close(&keeper->vip);
	keeper->vip_open = keeper->fence_open = keeper->fenced = false;
}

/* To delete what was left behind takes no address in particular. */
static const struct ha_address any = {.family = HA_IPV4, .b = {192, 0, 2, 1}};

/* Removes a fence that no other takes the place of: what it held back may be an ordinary address
 * now. */
static void sweep_fence(struct keeper *keeper)
{
	if (fence_open(&keeper->fence, keeper->ifname, &any, 1) != 0)
		return;
	(void)fence_remove(&keeper->fence);
	fence_close(&keeper->fence);
}

/* The wanted addresses, if none is this host's own. */
static int take_on(struct keeper *keeper)
{
	int error = vip_open(&keeper->vip, keeper->ifname, keeper->wanted, keeper->wanted_n,
			     HOLD_VALID_S);

	if (error != 0)
		return error;
	error = vip_check(&keeper->vip);
	if (error != 0) {
		vip_close(&keeper->vip);
		return error;
	}
	keeper->vip_open = true;
	keeper->ifindex = keeper->vip.ifindex;
	raise_fence(keeper);
	return 0;
}

/* Takes on the wanted addresses if they are others. The new fence replaces the old in one
 * transaction. */
static int switch_addresses(struct keeper *keeper)
{
	unsigned n = keeper->wanted_n, held = keeper->vip_open ? keeper->vip.n : 0;
	bool fenced = keeper->fenced;
	int error;

	if (hold_holds(&keeper->hold) || keeper->hold.leaving != 0)
		return 0;
	if (n == held &&
	    memcmp(keeper->wanted, keeper->vip.addresses, n * sizeof(*keeper->wanted)) == 0)
		return 0;
	if (keeper->vip_open)
		vip_close(&keeper->vip);
	keeper->vip_open = keeper->fenced = false;
	error = n == 0 ? 0 : take_on(keeper);
	if (keeper->vip_open)
		return 0;
	close_addresses(keeper);
	if (fenced)
		sweep_fence(keeper);
	return error;
}

static int switch_and_log(struct keeper *keeper)
{
	int error = switch_addresses(keeper);

	if (error != 0 && error != keeper->address_error)
		log_event(LOG_ERR, "addresses", "interface=%s what=%s error=%d", keeper->ifname,
			  error == -EADDRINUSE ? "one is this host's own" : "cannot switch", error);
	keeper->address_error = error;
	return error;
}

static void answer_if(struct keeper *keeper, bool due, const struct ipc_message *message)
{
	if (due)
		keeper->answer(keeper->arg, message);
	(void)switch_and_log(keeper);
}

/* Deletes the addresses that an earlier guardian left behind, whatever its configuration was. */
static int sweep(struct keeper *keeper)
{
	int n = vip_open(&keeper->vip, keeper->ifname, &any, 1, HOLD_VALID_S);

	if (n != 0)
		return n;
	n = vip_sweep(&keeper->vip);
	vip_close(&keeper->vip);
	if (n > 0)
		log_event(LOG_NOTICE, "sweep", "addresses=%d", n);
	return n < 0 ? n : 0;
}

static void begin(struct keeper *keeper, const char *ifname, const struct ha_address *addresses,
		  unsigned n, keeper_answer_fn *answer, void *arg)
{
	assert(strlen(ifname) < sizeof(keeper->ifname) && n <= HA_VIP_MAX);
	*keeper = (struct keeper){.answer = answer, .arg = arg, .fence_error = 1};
	strncpy(keeper->ifname, ifname, sizeof(keeper->ifname) - 1);
	keeper->kernel = (struct hold_kernel){
		.now = kernel_now,
		.add = kernel_add,
		.restore = kernel_restore,
		.remove = kernel_remove,
		.on = kernel_on,
		.fence_hold = kernel_fence_hold,
		.fence_shut = kernel_fence_shut,
		.arg = keeper,
	};
	hold_init(&keeper->hold, &keeper->kernel);
	keeper->wanted_n = n;
	memcpy(keeper->wanted, addresses, n * sizeof(*addresses));
}

int keeper_open(struct keeper *keeper, const char *ifname, const struct ha_address *addresses,
		unsigned n, keeper_answer_fn *answer, void *arg)
{
	int error;

	begin(keeper, ifname, addresses, n, answer, arg);
	error = sweep(keeper);
	if (error != 0)
		return error;
	if (n == 0)
		sweep_fence(keeper);
	error = monitor_open(&keeper->monitor, MONITOR_LINKS | MONITOR_ADDRESSES);
	if (error != 0)
		return error;
	error = switch_and_log(keeper);
	if (error == 0 || error == -EADDRINUSE) /* which may change */
		error = monitor_dump(&keeper->monitor);
	if (error != 0)
		monitor_close(&keeper->monitor);
	return error;
}

/* The fence that another program has left, open. It is not replaced: a new one would begin closed. */
static void adopt_fence(struct keeper *keeper)
{
	int error =
		fence_adopt(&keeper->fence, keeper->ifname, keeper->vip.addresses, keeper->vip.n);

	keeper->fence_open = keeper->fenced = error == 0;
	keeper->fence_error = error;
	keeper->fence_ifindex = keeper->vip.ifindex;
}

int keeper_adopt(struct keeper *keeper, const char *ifname, const struct ha_address *addresses,
		 unsigned n, ha_time held_until, keeper_answer_fn *answer, void *arg)
{
	int error;

	begin(keeper, ifname, addresses, n, answer, arg);
	error = monitor_open(&keeper->monitor, MONITOR_LINKS | MONITOR_ADDRESSES);
	if (error != 0)
		return error;
	error = vip_open(&keeper->vip, ifname, addresses, n, HOLD_VALID_S);
	if (error == 0) {
		keeper->vip_open = true;
		keeper->ifindex = keeper->vip.ifindex;
		adopt_fence(keeper);
		if (!hold_adopt(&keeper->hold, held_until))
			log_event(LOG_WARNING, "adopt", "addresses=%u what=%s", n, "too late");
		error = monitor_dump(&keeper->monitor);
	}
	if (error != 0)
		monitor_close(&keeper->monitor);
	return error;
}

bool keeper_bridge(struct keeper *keeper, ha_time until)
{
	return hold_bridge(&keeper->hold, until);
}

void keeper_close(struct keeper *keeper)
{
	hold_withdraw(&keeper->hold);
	/* Closed, it stays in front of what the kernel would not remove. */
	if (keeper->fence_open && keeper->hold.leaving == 0)
		fence_remove(&keeper->fence);
	close_addresses(keeper);
	monitor_close(&keeper->monitor);
}

bool keeper_set_addresses(struct keeper *keeper, const struct ha_address *addresses, unsigned n)
{
	if (n > HA_VIP_MAX)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (config_no_station(&addresses[i]) != NULL)
			return false;
	keeper->wanted_n = n;
	memcpy(keeper->wanted, addresses, n * sizeof(*addresses));
	answer_if(keeper, false, NULL);
	return true;
}

bool keeper_means(const struct keeper *keeper, const struct ipc_message *message)
{
	unsigned n = keeper->vip_open ? keeper->vip.n : 0;

	return message->type != IPC_HOLD ||
	       message->u.lease.addresses == addresses_sum(keeper->vip.addresses, n);
}

/* Those that the record has by now? */
static bool wants(const struct keeper *keeper, const struct ipc_message *message)
{
	return message->u.lease.addresses == addresses_sum(keeper->wanted, keeper->wanted_n);
}

/* Other addresses than those at hand. A newer lease ends an older one, whose release may have been lost; so does the same
 * one, as that of another program was taken over (SPEC 5.U1) for what the record had before. Then those that are wanted by
 * now are taken on, and are the ones, or not yet: the next heartbeat asks again. */
static bool change_over(struct keeper *keeper, const struct ipc_message *message)
{
	uint64_t lease = message->u.lease.lease, held = keeper->hold.lease;

	if (keeper_means(keeper, message))
		return true;
	if (lease > held || (lease == held && wants(keeper, message))) {
		hold_withdraw(&keeper->hold);
		(void)keeper_read(keeper); /* of that, before the new ones are put on */
	}
	(void)switch_and_log(keeper);
	return keeper_means(keeper, message);
}

static void refuse(struct keeper *keeper, const struct ipc_message *message)
{
	struct ipc_message answer = {.type = IPC_LEASE, .error = -ESTALE};

	answer.u.lease.lease = message->u.lease.lease;
	answer.u.lease.status = LEASE_FAILED;
	keeper->answer(keeper->arg, &answer);
}

void keeper_request(struct keeper *keeper, const struct ipc_message *message)
{
	struct ipc_message answer;
	bool due;

	/* What the kernel reported of our own last removal must not be taken for somebody
	 * else's. An error shows at the next read. */
	if (!hold_holds(&keeper->hold)) {
		(void)keeper_read(keeper);
		if (!keeper->fenced && message->type == IPC_HOLD)
			raise_fence(keeper);
	}
	if (!change_over(keeper, message)) {
		refuse(keeper, message);
		return;
	}
	if (message->type == IPC_HOLD)
		due = hold_request(&keeper->hold, message->u.lease.lease, message->u.lease.deadline,
				   &answer);
	else
		due = hold_release(&keeper->hold, message->u.lease.lease, &answer);
	answer_if(keeper, due, &answer);
}

void keeper_new_engine(struct keeper *keeper)
{
	hold_new_engine(&keeper->hold);
	answer_if(keeper, false, NULL);
}

static void interface_gone(struct keeper *keeper)
{
	struct ipc_message answer;
	bool due = hold_gone(&keeper->hold, &answer);

	/* The kernel may have been asked in between, and then the new one of that name is known
	 * already. */
	if (keeper->vip.ifindex == keeper->ifindex)
		vip_set_ifindex(&keeper->vip, 0);
	keeper->ifindex = 0;
	keeper->fenced = false; /* its chain went with it */
	keeper->fence_error = -ENODEV;
	log_event(LOG_WARNING, "interface", "interface=%s present=%d", keeper->ifname, 0);
	answer_if(keeper, due, &answer);
}

static void on_link(struct keeper *keeper, const struct monitor_link *link)
{
	bool here = !link->gone && strcmp(link->name, keeper->ifname) == 0;
	bool known = link->ifindex == keeper->ifindex;

	/* Deleted or renamed, or another has its name. */
	if (keeper->ifindex != 0 && here != known)
		interface_gone(keeper);
	if (!here)
		return;
	keeper->link_seen = true;
	if (link->ifindex == keeper->ifindex)
		return;
	keeper->ifindex = link->ifindex;
	vip_set_ifindex(&keeper->vip, link->ifindex);
	log_event(LOG_NOTICE, "interface", "interface=%s present=%d", keeper->ifname, 1);
	if (!keeper->fenced || keeper->fence_ifindex != link->ifindex)
		raise_fence(keeper);
}

static void on_address(struct keeper *keeper, const struct address_event *event)
{
	struct ipc_message answer;
	int i = vip_observe(&keeper->vip, event);

	if (i < 0)
		return;
	if (event->added)
		keeper->seen |= UINT32_C(1) << i;
	answer_if(keeper, hold_observe(&keeper->hold, (unsigned)i, event->added, &answer), &answer);
}

/* Reports were lost: what was on and did not come again is gone. */
static void on_resync_end(struct keeper *keeper)
{
	if (keeper->ifindex != 0 && !keeper->link_seen)
		interface_gone(keeper);
	for (unsigned i = 0; i < keeper->vip.n; i++) {
		struct address_event lost = {
			.ifindex = keeper->vip.ifindex,
			.address = keeper->vip.addresses[i],
			.prefix_len = address_prefix_len(&keeper->vip.addresses[i]),
		};

		if ((keeper->vip.on & ~keeper->seen) >> i & 1)
			on_address(keeper, &lost);
	}
}

static void on_event(const struct monitor_event *event, void *arg)
{
	struct keeper *keeper = arg;

	if (!keeper->vip_open)
		return;
	switch (event->type) {
	case MONITOR_LINK:
		on_link(keeper, &event->link);
		break;
	case MONITOR_ADDRESS:
		on_address(keeper, &event->address);
		break;
	case MONITOR_RESYNC_BEGIN:
		keeper->link_seen = false;
		keeper->seen = 0;
		break;
	case MONITOR_RESYNC_END:
		on_resync_end(keeper);
		break;
	case MONITOR_ROUTE:
		break;
	}
}

int keeper_fd(const struct keeper *keeper)
{
	return monitor_fd(&keeper->monitor);
}

int keeper_read(struct keeper *keeper)
{
	return monitor_read(&keeper->monitor, on_event, keeper);
}

void keeper_timer(struct keeper *keeper)
{
	struct ipc_message answer;

	while (hold_timer(&keeper->hold, &answer))
		answer_if(keeper, true, &answer);
	answer_if(keeper, false, NULL);
}

ha_time keeper_next(const struct keeper *keeper)
{
	return hold_next(&keeper->hold);
}
