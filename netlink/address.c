/* address.c - see address.h */
#include "netlink/address.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "netlink/attribute.h"

uint8_t address_prefix_len(const struct ha_address *a)
{
	return (uint8_t)(8 * ha_address_len(a));
}

static struct nlmsghdr *put_address(void *buffer, uint16_t type, uint16_t flags,
				    const struct ha_address *a, uint8_t prefix_len, int ifindex)
{
	struct nlmsghdr *h;
	struct ifaddrmsg *m;

	assert(a->family == HA_IPV4 || a->family == HA_IPV6);
	assert(ifindex > 0);
	memset(buffer, 0, ADDRESS_MESSAGE_MAX); /* libmnl leaves its padding as it was */
	h = mnl_nlmsg_put_header(buffer);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifa_family = a->family == HA_IPV4 ? AF_INET : AF_INET6;
	m->ifa_prefixlen = prefix_len;
	m->ifa_index = (uint32_t)ifindex;
	mnl_attr_put(h, IFA_LOCAL, ha_address_len(a), a->b);
	mnl_attr_put(h, IFA_ADDRESS, ha_address_len(a), a->b);
	return h;
}

size_t address_put_add(void *buffer, const struct ha_address *a, int ifindex, uint32_t valid_s)
{
	struct ifa_cacheinfo lifetime = {.ifa_valid = valid_s, .ifa_prefered = valid_s};
	uint32_t flags = IFA_F_NOPREFIXROUTE;
	struct nlmsghdr *h;
	struct ifaddrmsg *m;

	assert(valid_s > 0 && valid_s < UINT32_MAX);
	h = put_address(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, a, address_prefix_len(a),
			ifindex);
	m = mnl_nlmsg_get_payload(h);
	if (a->family == HA_IPV4) {
		/* Deprecated alone would not keep it from being the source of a broadcast. */
		m->ifa_scope = RT_SCOPE_HOST;
	} else {
		flags |= IFA_F_NODAD;
		lifetime.ifa_prefered = 0;
	}
	mnl_attr_put_u32(h, IFA_FLAGS, flags);
	mnl_attr_put(h, IFA_CACHEINFO, sizeof(lifetime), &lifetime);
	mnl_attr_put_u8(h, IFA_PROTO, ADDRESS_PROTO);
	assert(h->nlmsg_len <= ADDRESS_MESSAGE_MAX);
	return h->nlmsg_len;
}

size_t address_put_delete(void *buffer, const struct ha_address *a, uint8_t prefix_len, int ifindex)
{
	return put_address(buffer, RTM_DELADDR, 0, a, prefix_len, ifindex)->nlmsg_len;
}

size_t address_put_dump(void *buffer)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *m;

	h->nlmsg_type = RTM_GETADDR;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifa_family = AF_UNSPEC;
	return h->nlmsg_len;
}

struct decoding {
	struct address_event *event;
	bool local; /* IFA_LOCAL was there */
	bool any;   /* it or IFA_ADDRESS was */
};

static int take_ip(const struct nlattr *attr, struct decoding *d)
{
	struct ha_address *a = &d->event->address;

	if (mnl_attr_get_payload_len(attr) != ha_address_len(a))
		return -EBADMSG;
	memcpy(a->b, mnl_attr_get_payload(attr), ha_address_len(a));
	d->any = true;
	return 0;
}

static int take_attribute(const struct nlattr *attr, void *arg)
{
	struct decoding *d = arg;
	struct address_event *e = d->event;
	struct ifa_cacheinfo lifetime;

	switch (mnl_attr_get_type(attr)) {
	case IFA_LOCAL:
		d->local = true;
		return take_ip(attr, d);
	case IFA_ADDRESS: /* the other end's, where there is a local one */
		return d->local ? 0 : take_ip(attr, d);
	case IFA_FLAGS:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			return -EBADMSG;
		e->flags = mnl_attr_get_u32(attr);
		return 0;
	case IFA_PROTO:
		if (mnl_attr_validate(attr, MNL_TYPE_U8) < 0)
			return -EBADMSG;
		e->proto = mnl_attr_get_u8(attr);
		return 0;
	case IFA_CACHEINFO:
		if (mnl_attr_validate2(attr, MNL_TYPE_UNSPEC, sizeof(lifetime)) < 0)
			return -EBADMSG;
		memcpy(&lifetime, mnl_attr_get_payload(attr), sizeof(lifetime));
		e->valid_s = lifetime.ifa_valid;
		return 0;
	default:
		return 0;
	}
}

int address_decode(const void *message, size_t len, struct address_event *e)
{
	struct decoding d = {.event = e};
	const struct nlmsghdr *h = attribute_message(message, len);
	const struct ifaddrmsg *m;
	int error;

	if (!h)
		return -EBADMSG;
	if (h->nlmsg_type != RTM_NEWADDR && h->nlmsg_type != RTM_DELADDR)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return -EBADMSG;
	m = mnl_nlmsg_get_payload(h);
	if (m->ifa_family != AF_INET && m->ifa_family != AF_INET6)
		return -ENOMSG;
	if (m->ifa_index == 0 || m->ifa_index > INT32_MAX)
		return -EBADMSG;
	*e = (struct address_event){
		.added = h->nlmsg_type == RTM_NEWADDR,
		.ifindex = (int)m->ifa_index,
		.address.family = m->ifa_family == AF_INET ? HA_IPV4 : HA_IPV6,
		.prefix_len = m->ifa_prefixlen,
		.scope = m->ifa_scope,
		.flags = m->ifa_flags,
		.valid_s = UINT32_MAX,
	};
	if (e->prefix_len > address_prefix_len(&e->address))
		return -EBADMSG;
	error = attribute_walk_message(h, sizeof(*m), take_attribute, &d);
	return error ? error : d.any ? 0 : -EBADMSG;
}
