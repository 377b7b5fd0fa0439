/* monitor_decode.c - links and default routes out of their messages; see monitor.h */
#include "netlink/monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

#include "netlink/attribute.h"

static int take_link_attribute(const struct nlattr *attr, void *arg)
{
	struct monitor_link *link = arg;
	size_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (len > sizeof(link->name) || mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
			return -EBADMSG;
		memcpy(link->name, mnl_attr_get_payload(attr), len);
		return 0;
	case IFLA_ADDRESS:
		if (len == sizeof(link->mac.b))
			memcpy(link->mac.b, mnl_attr_get_payload(attr), len);
		return 0;
	default:
		return 0;
	}
}

int monitor_decode_link(const void *message, size_t len, struct monitor_link *link)
{
	const struct nlmsghdr *h = attribute_message(message, len);
	const struct ifinfomsg *m;
	int error;

	if (!h)
		return -EBADMSG;
	if (h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return -EBADMSG;
	m = mnl_nlmsg_get_payload(h);
	/* Bridges report their ports in a family of their own, and a port's leaving as DELLINK. */
	if (m->ifi_family != AF_UNSPEC)
		return -ENOMSG;
	if (m->ifi_index <= 0)
		return -EBADMSG;
	*link = (struct monitor_link){
		.ifindex = m->ifi_index,
		.up = (m->ifi_flags & IFF_UP) != 0,
		/* IFF_RUNNING follows later: the kernel delays it. */
		.carrier = (m->ifi_flags & IFF_LOWER_UP) != 0,
		.gone = h->nlmsg_type == RTM_DELLINK,
	};
	error = attribute_walk_message(h, sizeof(*m), take_link_attribute, link);
	return error ? error : link->name[0] ? 0 : -EBADMSG;
}

struct hops {
	struct monitor_event event;
	const struct nlattr *multipath;
	bool elsewhere; /* not in the main table */
};

static int take_gateway(const void *data, size_t len, uint8_t family, struct monitor_route *r)
{
	struct ha_address a = {.family = family};

	if (ha_address_len(&a) == 0 || len != ha_address_len(&a))
		return -EBADMSG;
	memcpy(a.b, data, len);
	r->gateway = a;
	return 0;
}

/* RTA_VIA: a gateway of another family than the route. */
static int take_via(const struct nlattr *attr, struct monitor_route *r)
{
	size_t len = mnl_attr_get_payload_len(attr);
	const uint8_t *at = mnl_attr_get_payload(attr);
	uint16_t family;

	if (len < sizeof(family))
		return -EBADMSG;
	memcpy(&family, at, sizeof(family));
	if (family != AF_INET && family != AF_INET6)
		return 0;
	return take_gateway(at + sizeof(family), len - sizeof(family),
			    family == AF_INET ? HA_IPV4 : HA_IPV6, r);
}

static int take_route_attribute(const struct nlattr *attr, void *arg)
{
	struct hops *hops = arg;
	struct monitor_route *r = &hops->event.route;

	switch (mnl_attr_get_type(attr)) {
	case RTA_GATEWAY:
		return take_gateway(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr),
				    r->family, r);
	case RTA_VIA:
		return take_via(attr, r);
	case RTA_OIF:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			return -EBADMSG;
		r->ifindex = (int)mnl_attr_get_u32(attr);
		return 0;
	case RTA_TABLE:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			return -EBADMSG;
		hops->elsewhere = mnl_attr_get_u32(attr) != RT_TABLE_MAIN;
		return 0;
	case RTA_MULTIPATH:
		hops->multipath = attr;
		return 0;
	default:
		return 0;
	}
}

/* Each next hop is a small header with a length of its own, and attributes. */
static int take_multipath(struct hops *hops, monitor_fn *callback, void *arg)
{
	const uint8_t *at = mnl_attr_get_payload(hops->multipath);
	size_t left = mnl_attr_get_payload_len(hops->multipath);
	const struct rtnexthop *hop;
	size_t step;
	int error;

	while (left > 0) {
		hop = (const void *)at;
		if (left < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > left)
			return -EBADMSG;
		hops->event.route.gateway = (struct ha_address){0};
		hops->event.route.ifindex = hop->rtnh_ifindex;
		error = attribute_walk(at + sizeof(*hop), hop->rtnh_len - sizeof(*hop),
				       take_route_attribute, hops);
		if (error)
			return error;
		if (hops->event.route.gateway.family)
			callback(&hops->event, arg);
		step = (size_t)(hop->rtnh_len + 3) & ~(size_t)3;
		step = step < left ? step : left;
		at += step;
		left -= step;
	}
	return 0;
}

int monitor_decode_route(const void *message, size_t len, monitor_fn *callback, void *arg)
{
	const struct nlmsghdr *h = attribute_message(message, len);
	struct hops hops = {.event.type = MONITOR_ROUTE};
	const struct rtmsg *m;
	int error;

	if (!h)
		return -EBADMSG;
	if (h->nlmsg_type != RTM_NEWROUTE && h->nlmsg_type != RTM_DELROUTE)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return -EBADMSG;
	m = mnl_nlmsg_get_payload(h);
	if ((m->rtm_family != AF_INET && m->rtm_family != AF_INET6) || m->rtm_dst_len != 0 ||
	    m->rtm_type != RTN_UNICAST || (m->rtm_flags & RTM_F_CLONED))
		return -ENOMSG;
	hops.elsewhere = m->rtm_table != RT_TABLE_MAIN;
	hops.event.route.added = h->nlmsg_type == RTM_NEWROUTE;
	hops.event.route.family = m->rtm_family == AF_INET ? HA_IPV4 : HA_IPV6;
	error = attribute_walk_message(h, sizeof(*m), take_route_attribute, &hops);
	if (error)
		return error;
	if (hops.elsewhere)
		return -ENOMSG;
	if (hops.multipath)
		return take_multipath(&hops, callback, arg);
	if (!hops.event.route.gateway.family)
		return -ENOMSG;
	callback(&hops.event, arg);
	return 0;
}
