/* vip.c - see vip.h */
#include "netlink/vip.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/sockios.h>

enum {
	SWEEP_ROUND = 16,  /* addresses deleted per dump */
	SWEEP_ROUNDS = 64, /* bound, of dumps: somebody else may be adding addresses */
};

/* Any socket answers this one, also a netlink socket. */
static void look_up_ifindex(struct vip *vip)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, vip->ifname, sizeof(vip->ifname));
	if (ioctl(mnl_socket_get_fd(vip->exchange.socket), SIOCGIFINDEX, &request) < 0)
		request.ifr_ifindex = 0;
	vip_set_ifindex(vip, request.ifr_ifindex);
}

int vip_open(struct vip *vip, const char *ifname, const struct ha_address *addresses, unsigned n,
	     unsigned valid_s)
{
	size_t len = strlen(ifname);
	int error;

	_Static_assert(sizeof(vip->ifname) == IFNAMSIZ, "an interface's name");
	_Static_assert((int)HA_VIP_MAX <= (int)EXCHANGE_MESSAGES_MAX, "one batch");
	assert(len > 0 && len < sizeof(vip->ifname));
	assert(n > 0 && n <= HA_VIP_MAX);
	assert(valid_s > 0 && valid_s < UINT32_MAX);
	memset(vip, 0, sizeof(*vip));
	memcpy(vip->ifname, ifname, len);
	memcpy(vip->addresses, addresses, n * sizeof(*addresses));
	vip->n = n;
	vip->valid_s = valid_s;
	error = exchange_open(&vip->exchange, NETLINK_ROUTE);
	if (!error)
		look_up_ifindex(vip);
	return error;
}

void vip_close(struct vip *vip)
{
	exchange_close(&vip->exchange);
}

uint32_t vip_all(const struct vip *vip)
{
	return (UINT32_C(1) << vip->n) - 1;
}

void vip_set_ifindex(struct vip *vip, int ifindex)
{
	if (ifindex != vip->ifindex)
		vip->on = 0;
	vip->ifindex = ifindex;
}

/* Messages for addresses first .. first + n - 1. */
static int run(struct vip *vip, bool add, unsigned first, unsigned n)
{
	size_t len = 0;
	unsigned i;

	if (vip->ifindex <= 0)
		return -ENODEV;
	for (i = first; i < first + n; i++) {
		const struct ha_address *a = &vip->addresses[i];
		void *at = vip->batch + len;

		len += add ? address_put_add(at, a, vip->ifindex, vip->valid_s)
			   : address_put_delete(at, a, address_prefix_len(a), vip->ifindex);
	}
	return exchange_run(&vip->exchange, vip->batch, len, false);
}

/* The same, with a second look at the interface's name where it has no index or the kernel does not
 * know it. */
static int run_by_name(struct vip *vip, bool add, unsigned first, unsigned n)
{
	int before = vip->ifindex;
	int error = run(vip, add, first, n);

	if (error != -ENODEV)
		return error;
	look_up_ifindex(vip);
	return vip->ifindex > 0 && vip->ifindex != before ? run(vip, add, first, n) : -ENODEV;
}

static int add(struct vip *vip, unsigned first, unsigned n, uint32_t *acked)
{
	int error = run_by_name(vip, true, first, n);
	uint32_t mask = error == -ENODEV ? 0 : vip->exchange.acked << first;
	unsigned i;

	for (i = first; i < first + n; i++)
		if (mask >> i & 1 && vip->addresses[i].family == HA_IPV4)
			vip->on |= UINT32_C(1) << i;
	if (acked)
		*acked = mask;
	return error;
}

/* A deletion's errors that say that there is nothing to delete: no address, no interface, no IPv6
 * on it. */
static bool is_absent(int error)
{
	return error == -EADDRNOTAVAIL || error == -ENODEV || error == -ENXIO;
}

static int delete (struct vip *vip, unsigned first, unsigned n, uint32_t *gone)
{
	int outcome = run_by_name(vip, false, first, n);
	int error = 0;
	uint32_t mask = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		int result = outcome == -ENODEV ? outcome : vip->exchange.result[i];

		if (result == 0 || is_absent(result))
			mask |= UINT32_C(1) << (first + i);
		else if (!error)
			error = result == -ETIMEDOUT ? outcome : result;
	}
	vip->on &= ~mask;
	if (gone)
		*gone = mask;
	return error;
}

int vip_add(struct vip *vip, uint32_t *acked)
{
	return add(vip, 0, vip->n, acked);
}

int vip_delete(struct vip *vip, uint32_t *gone)
{
	return delete (vip, 0, vip->n, gone);
}

int vip_add_one(struct vip *vip, unsigned i)
{
	assert(i < vip->n);
	return add(vip, i, 1, NULL);
}

int vip_observe(struct vip *vip, const struct address_event *e)
{
	uint32_t bit;
	unsigned i;

	if (e->ifindex != vip->ifindex)
		return -1;
	for (i = 0; i < vip->n; i++)
		if (ha_address_equal(&e->address, &vip->addresses[i]) &&
		    e->prefix_len == address_prefix_len(&e->address))
			break;
	if (i == vip->n)
		return -1;
	bit = UINT32_C(1) << i;
	if (e->added && !(e->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
		vip->on |= bit;
	else
		vip->on &= ~bit;
	return (int)i;
}

struct search {
	const struct vip *vip;
	bool found;
};

static void compare(const struct nlmsghdr *h, void *arg)
{
	struct search *search = arg;
	struct address_event e;
	unsigned i;

	if (address_decode(h, h->nlmsg_len, &e) != 0 || e.proto == ADDRESS_PROTO)
		return;
	for (i = 0; i < search->vip->n; i++)
		search->found |= ha_address_equal(&e.address, &search->vip->addresses[i]);
}

int vip_check(struct vip *vip)
{
	_Alignas(8) uint8_t message[ADDRESS_MESSAGE_MAX];
	struct search search = {.vip = vip};
	int round, error = -EINTR;

	for (round = 0; round < SWEEP_ROUNDS && error == -EINTR && !search.found; round++) {
		(void)address_put_dump(message);
		error = exchange_dump(&vip->exchange, message, compare, &search);
	}
	return search.found ? -EADDRINUSE : error;
}

struct sweep {
	unsigned n;
	struct address_event found[SWEEP_ROUND];
};

static void collect(const struct nlmsghdr *h, void *arg)
{
	struct sweep *sweep = arg;
	struct address_event e;

	if (sweep->n < SWEEP_ROUND && address_decode(h, h->nlmsg_len, &e) == 0 &&
	    e.proto == ADDRESS_PROTO)
		sweep->found[sweep->n++] = e;
}

/* Deletes what one dump found; how many that were, or -errno. */
static int sweep_round(struct vip *vip)
{
	_Alignas(8) uint8_t message[ADDRESS_MESSAGE_MAX];
	struct sweep sweep = {0};
	size_t len;
	unsigned i;
	int dumped, error;

	(void)address_put_dump(message);
	dumped = exchange_dump(&vip->exchange, message, collect, &sweep);
	if (dumped && dumped != -EINTR)
		return dumped;
	for (i = 0; i < sweep.n; i++) {
		const struct address_event *e = &sweep.found[i];

		len = address_put_delete(message, &e->address, e->prefix_len, e->ifindex);
		error = exchange_run(&vip->exchange, message, len, false);
		if (error && !is_absent(error))
			return error;
	}
	/* An interrupted dump may have missed some: not the last round. */
	return dumped == -EINTR && sweep.n == 0 ? -EINTR : (int)sweep.n;
}

int vip_sweep(struct vip *vip)
{
	int total = 0;
	int n = 0;
	int round;

	for (round = 0; round < SWEEP_ROUNDS; round++) {
		n = sweep_round(vip);
		if (n == 0)
			break;
		if (n < 0 && n != -EINTR)
			return n;
		if (n > 0)
			total += n;
	}
	vip->on = 0;
	return n == 0 ? total : -EBUSY;
}
