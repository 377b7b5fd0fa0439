/* ruleset.c - see ruleset.h */
#include "netlink/ruleset.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

/* What nft calls its key types, so that `nft list table` shows addresses. */
enum {
	NFT_TYPE_IPV4_ADDR = 7,
	NFT_TYPE_IPV6_ADDR = 8
};

static const struct kind {
	uint8_t family;
	uint32_t key_type;
	const char *addresses; /* set of the virtual addresses */
	const char *lease;     /* timed set of those that may pass */
} kinds[] = {
	{HA_IPV4, NFT_TYPE_IPV4_ADDR, "vip4", "lease4"},
	{HA_IPV6, NFT_TYPE_IPV6_ADDR, "vip6", "lease6"},
};
enum {
	KINDS = sizeof(kinds) / sizeof(kinds[0])
};

/* Where an address stands, counted from the network header. */
static const struct place {
	uint16_t ether_type;
	uint32_t offset;
	bool advertisement; /* only in an ICMPv6 message of type 136 */
} places[] = {
	{ETH_P_ARP, 14, false}, /* sender protocol address, RFC 826 */
	{ETH_P_IP, 12, false},  /* source, RFC 791 */
	{ETH_P_IPV6, 8, false}, /* source, RFC 8200 */
	{ETH_P_IPV6, 48, true}, /* target, RFC 4861 4.4 */
};
enum {
	PLACES = sizeof(places) / sizeof(places[0])
};

enum {
	IPV6_NEXT_HEADER = 6,
	IPV6_HEADER_LEN = 40,
	ICMPV6 = 58,
	ADVERTISEMENT = 136
};

struct batch {
	char *buffer;
	size_t len;
	const char *table;
	const struct ha_address *addresses;
	unsigned n;
	bool failed; /* no memory for one of libnftnl's objects */
};

static struct nlmsghdr *put_message(struct batch *b, uint16_t type, uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(b->buffer + b->len, type, NFPROTO_NETDEV, flags, 0);
}

static void end_message(struct batch *b, const struct nlmsghdr *h)
{
	assert(h->nlmsg_len % MNL_ALIGNTO == 0);
	b->len += h->nlmsg_len;
}

static void put_begin(struct batch *b)
{
	end_message(b, nftnl_batch_begin(b->buffer + b->len, 0));
}

static void put_end(struct batch *b)
{
	end_message(b, nftnl_batch_end(b->buffer + b->len, 0));
}

static bool has_family(const struct batch *b, uint8_t family)
{
	unsigned i;

	for (i = 0; i < b->n; i++)
		if (b->addresses[i].family == family)
			return true;
	return false;
}

static void put_table(struct batch *b, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = put_message(b, type, flags);

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, b->table);
	end_message(b, h);
}

static void put_set(struct batch *b, const struct kind *kind, const char *name, uint32_t flags,
		    uint32_t id)
{
	struct ha_address any = {.family = kind->family};
	struct nftnl_set *set = nftnl_set_alloc();
	struct nlmsghdr *h;

	if (!set) {
		b->failed = true;
		return;
	}
	b->failed |= nftnl_set_set_str(set, NFTNL_SET_TABLE, b->table) < 0;
	b->failed |= nftnl_set_set_str(set, NFTNL_SET_NAME, name) < 0;
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_NETDEV);
	nftnl_set_set_u32(set, NFTNL_SET_ID, id);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, flags);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, kind->key_type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, (uint32_t)ha_address_len(&any));
	h = put_message(b, NFT_MSG_NEWSET, NLM_F_CREATE);
	nftnl_set_nlmsg_build_payload(h, set);
	end_message(b, h);
	nftnl_set_free(set);
}

/* All addresses of a kind into one of its sets; timeout_ms 0: without one. */
static void put_elements(struct batch *b, const struct kind *kind, const char *name,
			 unsigned timeout_ms, uint16_t flags)
{
	struct nlmsghdr *h = put_message(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE | flags);
	struct nlattr *list, *element, *key;
	unsigned i;

	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, b->table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, name);
	list = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (i = 0; i < b->n; i++) {
		const struct ha_address *a = &b->addresses[i];

		if (a->family != kind->family)
			continue;
		element = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
		key = mnl_attr_nest_start(h, NFTA_SET_ELEM_KEY);
		mnl_attr_put(h, NFTA_DATA_VALUE, ha_address_len(a), a->b);
		mnl_attr_nest_end(h, key);
		if (timeout_ms)
			mnl_attr_put_u64(h, NFTA_SET_ELEM_TIMEOUT, htobe64(timeout_ms));
		mnl_attr_nest_end(h, element);
	}
	mnl_attr_nest_end(h, list);
	end_message(b, h);
}

/* Deleting no element in particular deletes them all, and is no error when there is none. */
static void put_flush(struct batch *b, const char *name, uint16_t flags)
{
	struct nlmsghdr *h = put_message(b, NFT_MSG_DELSETELEM, flags);

	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, b->table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, name);
	end_message(b, h);
}

static void put_chain(struct batch *b, const char *ifname)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct nlmsghdr *h;

	if (!chain) {
		b->failed = true;
		return;
	}
	b->failed |= nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, b->table) < 0;
	b->failed |= nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, "out") < 0;
	b->failed |= nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter") < 0;
	b->failed |= nftnl_chain_set_str(chain, NFTNL_CHAIN_DEV, ifname) < 0;
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, NF_NETDEV_EGRESS);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, 0);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	h = put_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nftnl_chain_nlmsg_build_payload(h, chain);
	end_message(b, h);
	nftnl_chain_free(chain);
}

/* A new expression at the rule's end, which owns it; NULL where memory lacks. */
static struct nftnl_expr *add_expr(struct batch *b, struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	if (expr)
		nftnl_rule_add_expr(rule, expr);
	else
		b->failed = true;
	return expr;
}

static void add_load(struct batch *b, struct nftnl_rule *rule, uint32_t offset, size_t len)
{
	struct nftnl_expr *expr = add_expr(b, rule, "payload");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, (uint32_t)len);
}

static void add_equal(struct batch *b, struct nftnl_rule *rule, const void *value, uint32_t len)
{
	struct nftnl_expr *expr = add_expr(b, rule, "cmp");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	b->failed |= nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, value, len) < 0;
}

static void add_ether_type(struct batch *b, struct nftnl_rule *rule, uint16_t ether_type)
{
	struct nftnl_expr *expr = add_expr(b, rule, "meta");
	uint16_t value = htons(ether_type);

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, NFT_META_PROTOCOL);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
	add_equal(b, rule, &value, sizeof(value));
}

static void add_byte(struct batch *b, struct nftnl_rule *rule, uint32_t offset, uint8_t value)
{
	add_load(b, rule, offset, sizeof(value));
	add_equal(b, rule, &value, sizeof(value));
}

static void add_lookup(struct batch *b, struct nftnl_rule *rule, const char *set, uint32_t flags)
{
	struct nftnl_expr *expr = add_expr(b, rule, "lookup");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	b->failed |= nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, set) < 0;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, flags);
}

static void add_drop(struct batch *b, struct nftnl_rule *rule)
{
	struct nftnl_expr *expr = add_expr(b, rule, "immediate");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, NF_DROP);
}

/* Drop what has a virtual address at this place, unless the address is leased. */
static void put_rule(struct batch *b, const struct place *place, uint16_t flags)
{
	const struct kind *kind = &kinds[place->ether_type == ETH_P_IPV6];
	struct ha_address any = {.family = kind->family};
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nlmsghdr *h;

	if (!rule) {
		b->failed = true;
		return;
	}
	b->failed |= nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, b->table) < 0;
	b->failed |= nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, "out") < 0;
	add_ether_type(b, rule, place->ether_type);
	if (place->advertisement) {
		add_byte(b, rule, IPV6_NEXT_HEADER, ICMPV6);
		add_byte(b, rule, IPV6_HEADER_LEN, ADVERTISEMENT);
	}
	add_load(b, rule, place->offset, ha_address_len(&any));
	add_lookup(b, rule, kind->addresses, 0);
	add_lookup(b, rule, kind->lease, NFT_LOOKUP_F_INV);
	add_drop(b, rule);
	h = put_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | flags);
	nftnl_rule_nlmsg_build_payload(h, rule);
	end_message(b, h);
	nftnl_rule_free(rule);
}

int ruleset_put_install(void *buffer, size_t *len, const char *table, const char *ifname,
			const struct ha_address *addresses, unsigned n)
{
	struct batch b = {.buffer = buffer, .table = table, .addresses = addresses, .n = n};
	uint32_t i;

	memset(buffer, 0, RULESET_LEN_MAX); /* libmnl leaves its padding as it was */
	put_begin(&b);
	/* Creating it first makes the deletion succeed whether there was one or not. */
	put_table(&b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	put_table(&b, NFT_MSG_DELTABLE, 0);
	put_table(&b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	for (i = 0; i < KINDS; i++) {
		if (!has_family(&b, kinds[i].family))
			continue;
		put_set(&b, &kinds[i], kinds[i].addresses, NFT_SET_CONSTANT, 2 * i + 1);
		put_elements(&b, &kinds[i], kinds[i].addresses, 0, 0);
		put_set(&b, &kinds[i], kinds[i].lease, NFT_SET_TIMEOUT, 2 * i + 2);
	}
	put_chain(&b, ifname);
	for (i = 0; i < PLACES; i++)
		if (has_family(&b, places[i].ether_type == ETH_P_IPV6 ? HA_IPV6 : HA_IPV4))
			put_rule(&b, &places[i], NLM_F_ACK);
	put_end(&b);
	assert(b.len <= RULESET_LEN_MAX);
	*len = b.len;
	return b.failed ? -ENOMEM : 0;
}

size_t ruleset_put_remove(void *buffer, const char *table)
{
	struct batch b = {.buffer = buffer, .table = table};

	memset(buffer, 0, RULESET_LEASE_MAX);
	put_begin(&b);
	put_table(&b, NFT_MSG_DELTABLE, NLM_F_ACK);
	put_end(&b);
	return b.len;
}

size_t ruleset_put_lease(void *buffer, const char *table, const struct ha_address *addresses,
			 unsigned n, unsigned timeout_ms)
{
	struct batch b = {.buffer = buffer, .table = table, .addresses = addresses, .n = n};
	uint32_t i;

	memset(buffer, 0, RULESET_LEASE_MAX);
	put_begin(&b);
	for (i = 0; i < KINDS; i++) {
		if (!has_family(&b, kinds[i].family))
			continue;
		put_flush(&b, kinds[i].lease, timeout_ms ? 0 : NLM_F_ACK);
		if (timeout_ms)
			put_elements(&b, &kinds[i], kinds[i].lease, timeout_ms, NLM_F_ACK);
	}
	put_end(&b);
	assert(b.len <= RULESET_LEASE_MAX);
	return b.len;
}
