/* attribute.c - see attribute.h */
#include "netlink/attribute.h"

#include <errno.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

static size_t aligned(size_t len)
{
	return (len + MNL_ALIGNTO - 1) & ~(size_t)(MNL_ALIGNTO - 1);
}

int attribute_walk(const void *attributes, size_t len, attribute_fn *callback, void *arg)
{
	const uint8_t *at = attributes;
	const struct nlattr *attr;
	size_t step;
	int error;

	if (len > INT32_MAX)
		return -EBADMSG;
	while (len > 0) {
		attr = (const void *)at;
		if (!mnl_attr_ok(attr, (int)len))
			return -EBADMSG;
		error = callback(attr, arg);
		if (error)
			return error;
		step = aligned(attr->nla_len);
		if (step > len) /* the last one need not be padded */
			step = len;
		at += step;
		len -= step;
	}
	return 0;
}

int attribute_walk_message(const struct nlmsghdr *h, size_t family_len, attribute_fn *callback,
			   void *arg)
{
	size_t len = mnl_nlmsg_get_payload_len(h);

	family_len = aligned(family_len);
	if (len < family_len)
		return -EBADMSG;
	return attribute_walk((const uint8_t *)mnl_nlmsg_get_payload(h) + family_len,
			      len - family_len, callback, arg);
}

const struct nlmsghdr *attribute_message(const void *data, size_t len)
{
	const struct nlmsghdr *h = data;

	return len >= sizeof(*h) && h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= len ? h : NULL;
}

const struct nlmsghdr *attribute_next(const struct nlmsghdr *h, size_t *len)
{
	size_t step = aligned(h->nlmsg_len);

	if (step > *len)
		step = *len;
	*len -= step;
	return attribute_message((const uint8_t *)h + step, *len);
}
