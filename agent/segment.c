/* segment.c - see segment.h. */
#include "agent/segment.h"

#include <assert.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

void segment_init(struct segment *segment, const char *ifname, int ifindex,
		  const struct ha_mac *mac)
{
	*segment = (struct segment){.ifindex = ifindex, .mac = *mac};
	assert(strlen(ifname) < sizeof(segment->ifname));
	memcpy(segment->ifname, ifname, strlen(ifname));
}

void segment_set_vips(struct segment *segment, const struct ha_address *vip, unsigned n)
{
	assert(n <= HA_VIP_MAX);
	segment->vip_n = n;
	for (unsigned i = 0; i < n; i++)
		segment->vip[i] = vip[i];
}

static bool segment_is_virtual(const struct segment *segment, const struct address_event *event)
{
	if (event->proto == ADDRESS_PROTO)
		return true;
	for (unsigned i = 0; i < segment->vip_n; i++)
		if (ha_address_equal(&segment->vip[i], &event->address))
			return true;
	return false;
}

static struct segment_address *segment_find(struct segment *segment,
					    const struct ha_address *address)
{
	for (unsigned i = 0; i < SEGMENT_ADDRESSES_MAX; i++)
		if (ha_address_equal(&segment->address[i].address, address))
			return &segment->address[i];
	return NULL;
}

static unsigned segment_address_event(struct segment *segment, const struct address_event *event)
{
	static const struct ha_address none;
	struct segment_address *known, new = {
					       .address = event->address,
					       .prefix_len = event->prefix_len,
					       .global = event->scope == RT_SCOPE_UNIVERSE ||
							 event->scope == RT_SCOPE_SITE,
					       .seen = true,
				       };
	bool usable = event->added && !(event->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED));
	bool same;

	if (event->ifindex != segment->ifindex || segment_is_virtual(segment, event))
		return 0;
	known = segment_find(segment, &event->address);
	if (!usable) {
		if (known == NULL)
			return 0;
		*known = (struct segment_address){0};
		return SEGMENT_ADDRESSES;
	}
	if (known == NULL)
		known = segment_find(segment, &none);
	if (known == NULL)
		return 0;
	same = ha_address_equal(&known->address, &new.address) &&
	       known->prefix_len == new.prefix_len && known->global == new.global;
	*known = new;
	return same ? 0 : SEGMENT_ADDRESSES;
}

static unsigned segment_route_event(struct segment *segment, const struct monitor_route *route)
{
	struct segment_gateway *free_one = NULL;

	if (route->ifindex != segment->ifindex || ha_address_len(&route->gateway) == 0)
		return 0;
	for (unsigned i = 0; i < NODE_STATIONS_MAX; i++) {
		struct segment_gateway *gateway = &segment->gateway[i];

		if (ha_address_len(&gateway->address) == 0 && free_one == NULL)
			free_one = gateway;
		if (!ha_address_equal(&gateway->address, &route->gateway))
			continue;
		if (route->added)
			gateway->seen = true;
		else
			segment->stale = true;
		return 0;
	}
	if (!route->added || free_one == NULL)
		return 0;
	*free_one = (struct segment_gateway){.address = route->gateway, .seen = true};
	return SEGMENT_GATEWAYS;
}

static void segment_forget(struct segment *segment)
{
	memset(segment->address, 0, sizeof(segment->address));
	memset(segment->gateway, 0, sizeof(segment->gateway));
}

static unsigned segment_link_event(struct segment *segment, const struct monitor_link *link)
{
	unsigned changed = 0;

	if (link->gone && link->ifindex == segment->ifindex) {
		segment->ifindex = 0;
		segment_forget(segment);
		return SEGMENT_ADDRESSES | SEGMENT_GATEWAYS | SEGMENT_INTERFACE;
	}
	if (link->gone || strncmp(link->name, segment->ifname, sizeof(segment->ifname)) != 0)
		return 0;
	if (link->ifindex != segment->ifindex) {
		/* What was reported for the new index before its name was is read again. */
		segment->ifindex = link->ifindex;
		segment->stale = true;
		segment_forget(segment);
		changed |= SEGMENT_INTERFACE | SEGMENT_ADDRESSES;
	}
	if (!ha_mac_is_zero(&link->mac) && !ha_mac_equal(&link->mac, &segment->mac)) {
		segment->mac = link->mac;
		changed |= SEGMENT_ADDRESSES | SEGMENT_INTERFACE;
	}
	return changed;
}

/* BEGIN marks everything as unseen, END drops what still is. */
static unsigned segment_resync(struct segment *segment, bool end)
{
	unsigned changed = 0;

	for (unsigned i = 0; i < SEGMENT_ADDRESSES_MAX; i++) {
		struct segment_address *known = &segment->address[i];

		if (!end) {
			known->seen = false;
		} else if (!known->seen && ha_address_len(&known->address) != 0) {
			*known = (struct segment_address){0};
			changed |= SEGMENT_ADDRESSES;
		}
	}
	for (unsigned i = 0; i < NODE_STATIONS_MAX; i++) {
		struct segment_gateway *known = &segment->gateway[i];

		if (!end) {
			known->seen = false;
		} else if (!known->seen && ha_address_len(&known->address) != 0) {
			*known = (struct segment_gateway){0};
			changed |= SEGMENT_GATEWAYS;
		}
	}
	return changed;
}

unsigned segment_observe(struct segment *segment, const struct monitor_event *event)
{
	switch (event->type) {
	case MONITOR_LINK:
		return segment_link_event(segment, &event->link);
	case MONITOR_ADDRESS:
		return segment_address_event(segment, &event->address);
	case MONITOR_ROUTE:
		return segment_route_event(segment, &event->route);
	case MONITOR_RESYNC_BEGIN:
		return segment_resync(segment, false);
	case MONITOR_RESYNC_END:
		return segment_resync(segment, true);
	}
	return 0;
}

const struct ha_address *segment_sender(const struct segment *segment,
					const struct ha_address *target)
{
	const struct ha_address *any = NULL;

	for (unsigned i = 0; i < SEGMENT_ADDRESSES_MAX; i++) {
		const struct segment_address *own = &segment->address[i];

		if (own->address.family != target->family)
			continue;
		if (ha_address_same_network(&own->address, target, own->prefix_len))
			return &own->address;
		if (any == NULL)
			any = &own->address;
	}
	return any;
}

bool segment_owns(const struct segment *segment, const struct ha_address *address)
{
	for (unsigned i = 0; i < SEGMENT_ADDRESSES_MAX; i++)
		if (ha_address_len(address) != 0 &&
		    ha_address_equal(&segment->address[i].address, address))
			return true;
	return false;
}

void segment_identity(const struct segment *segment, struct msg_prefix out[HA_ADDRESS_MAX])
{
	unsigned n = 0;

	memset(out, 0, HA_ADDRESS_MAX * sizeof(*out));
	for (unsigned i = 0; i < SEGMENT_ADDRESSES_MAX && n < HA_ADDRESS_MAX; i++) {
		const struct segment_address *own = &segment->address[i];

		if (ha_address_len(&own->address) == 0 || !own->global)
			continue;
		out[n].address = own->address;
		out[n].length = own->prefix_len;
		n++;
	}
}

unsigned segment_gateways(const struct segment *segment, struct ha_address out[NODE_STATIONS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < NODE_STATIONS_MAX; i++)
		if (ha_address_len(&segment->gateway[i].address) != 0)
			out[n++] = segment->gateway[i].address;
	return n;
}
