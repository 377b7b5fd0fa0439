/* attribute.h - walking the messages of a datagram and the attributes of a message, within their exact length.
 *
 * libmnl's iterators round the message up to four bytes and end quietly at an attribute that does
 * not fit; here that is an error. A message whose length is 2 GiB or more it takes for a whole one.
 */
#ifndef HA_NETLINK_ATTRIBUTE_H
#define HA_NETLINK_ATTRIBUTE_H

#include <stddef.h>

struct nlattr;
struct nlmsghdr;

typedef int attribute_fn(const struct nlattr *, void *arg); /* 0 or -errno, which ends the walk */

/* Calls back for each attribute in len bytes: 0, what the callback returned, or -EBADMSG. */
int attribute_walk(const void *attributes, size_t len, attribute_fn *, void *arg);

/* The same for those of a message behind its header of family_len bytes. -EBADMSG also when that is
 * cut. */
int attribute_walk_message(const struct nlmsghdr *, size_t family_len, attribute_fn *, void *arg);

/* The message at the front of len bytes, or NULL if it is not whole. */
const struct nlmsghdr *attribute_message(const void *data, size_t len);

/* The one behind it in a datagram; *len are the bytes from it on, and then from that one on: 0 at the datagram's end.
 * NULL if there is no whole one. */
const struct nlmsghdr *attribute_next(const struct nlmsghdr *, size_t *len);

#endif
