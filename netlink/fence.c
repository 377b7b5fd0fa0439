/* fence.c - see fence.h
 *
 * To renew, the timed sets are emptied and filled in one transaction. Before Linux 6.12 adding an
 * element again does not renew it, and deleting it by name fails when it has just timed out;
 * emptying the set works in every case, and no packet ever sees the sets empty in between.
 */
#include "netlink/fence.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/sockios.h>

#include "netlink/ruleset.h"

int fence_adopt(struct fence *f, const char *ifname, const struct ha_address *addresses, unsigned n)
{
	static const char prefix[] = "haagent_";
	size_t len = strlen(ifname);

	_Static_assert(sizeof(f->ifname) == IFNAMSIZ, "an interface's name");
	_Static_assert(sizeof(f->renewal) >= RULESET_LEASE_MAX, "room for a renewal");
	_Static_assert(sizeof(f->table) >= sizeof(prefix) + sizeof(f->ifname), "table name");
	assert(len > 0 && len < sizeof(f->ifname));
	assert(n > 0 && n <= HA_VIP_MAX);
	memset(f, 0, sizeof(*f));
	memcpy(f->ifname, ifname, len);
	memcpy(f->table, prefix, sizeof(prefix) - 1);
	memcpy(f->table + sizeof(prefix) - 1, ifname, len);
	memcpy(f->addresses, addresses, n * sizeof(*addresses));
	f->n = n;
	return exchange_open(&f->exchange, NETLINK_NETFILTER);
}

int fence_open(struct fence *f, const char *ifname, const struct ha_address *addresses, unsigned n)
{
	int error = fence_adopt(f, ifname, addresses, n);

	if (error)
		return error;
	error = fence_install(f);
	if (error)
		fence_close(f);
	return error;
}

void fence_readdress(struct fence *f, const struct ha_address *addresses, unsigned n)
{
	assert(n > 0 && n <= HA_VIP_MAX);
	memcpy(f->addresses, addresses, n * sizeof(*addresses));
	f->n = n;
	f->hold_ms = 0;
}

/* Asked first: kernels answer differently where it is absent, and newer ones install the fence all
 * the same. */
static bool interface_exists(const struct fence *f)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, f->ifname, sizeof(f->ifname));
	return ioctl(mnl_socket_get_fd(f->exchange.socket), SIOCGIFINDEX, &request) == 0;
}

int fence_install(struct fence *f)
{
	_Alignas(8) uint8_t batch[RULESET_LEN_MAX];
	size_t len;
	int error;

	if (!interface_exists(f))
		return -ENODEV;
	error = ruleset_put_install(batch, &len, f->table, f->ifname, f->addresses, f->n);
	return error ? error : exchange_run(&f->exchange, batch, len, true);
}

int fence_hold(struct fence *f, unsigned timeout_ms)
{
	assert(timeout_ms > 0);
	if (timeout_ms != f->hold_ms) {
		f->renewal_len =
			ruleset_put_lease(f->renewal, f->table, f->addresses, f->n, timeout_ms);
		f->hold_ms = timeout_ms;
	}
	return exchange_run(&f->exchange, f->renewal, f->renewal_len, true);
}

int fence_shut(struct fence *f)
{
	_Alignas(8) uint8_t batch[RULESET_LEASE_MAX];
	size_t len = ruleset_put_lease(batch, f->table, f->addresses, f->n, 0);

	return exchange_run(&f->exchange, batch, len, true);
}

int fence_remove(struct fence *f)
{
	_Alignas(8) uint8_t batch[RULESET_LEASE_MAX];
	size_t len = ruleset_put_remove(batch, f->table);
	int error = exchange_run(&f->exchange, batch, len, true);

	return error == -ENOENT ? 0 : error;
}

void fence_close(struct fence *f)
{
	exchange_close(&f->exchange);
}
