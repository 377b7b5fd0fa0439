/* seed - what the corpora begin with: one good thing of each kind, for those targets whose input has a form.
 *
 *   seed DIRECTORY      writes DIRECTORY/NAME/seed-KIND; the rest of a corpus is what the fuzzers found
 *
 * Scripts (node, session, sync, hello, flow, bulk, plan, journal) need none: any bytes are one.
 */
#include "tests/fuzz/directory.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

#include "agent/store.h"
#include "agent/sync/ledger.h"
#include "agent/sync/tree.h"
#include "netlink/address.h"
#include "proto/announce.h"
#include "proto/disown.h"
#include "proto/msg.h"
#include "proto/msg_account.h"
#include "proto/sync_msg.h"

static const char *corpus;
static uint8_t out[1 << 16];

static const struct ha_address v4 = {HA_IPV4, {192, 0, 2, 100}};
static const struct ha_address v6 = {HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x64}};
static const struct ha_mac mac = {{2, 0, 0, 0, 0, 1}}, other = {{2, 0, 0, 0, 0, 2}};

static void plant(const char *target, const char *kind, const void *bytes, size_t len)
{
	char name[512];
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", corpus, target);
	FUZZ_CHECK(mkdir(name, 0755) == 0 || errno == EEXIST);
	snprintf(name, sizeof(name), "%s/%s/seed-%s", corpus, target, kind);
	file = fopen(name, "w");
	FUZZ_CHECK(file != NULL && len > 0 && fwrite(bytes, len, 1, file) == 1);
	FUZZ_CHECK(fclose(file) == 0);
}

/* ---- frames ---- */

/* The body stands at out + 1 + MSG_HEADER_LEN. */
static void frame(const char *kind, enum msg_type type, size_t body_len)
{
	struct msg_header h = {.version = MSG_VERSION, .type = (uint8_t)type, .counter = 7};
	size_t len = MSG_HEADER_LEN + body_len + msg_tag_len(type);

	h.length = (uint16_t)len;
	out[0] = 0;
	FUZZ_CHECK(msg_encode_header(out + 1, MSG_HEADER_LEN, &h) > 0);
	memset(out + 1 + MSG_HEADER_LEN + body_len, 0xaa, msg_tag_len(type));
	plant("frame", kind, out, 1 + len);
}

static void frames(void)
{
	uint8_t *body = out + 1 + MSG_HEADER_LEN;
	size_t cap = sizeof(out) - MSG_HEADER_LEN - 64;
	struct msg_heartbeat hb = {.boot = 1,
				   .flags = MSG_FLAG_ELIGIBLE,
				   .mode = HA_MODE_PRIMARY_ACTIVE,
				   .state = HA_ACTIVE,
				   .claim = HA_CLAIM_HOLDING,
				   .handover = {HANDOVER_INTENT, 4, 1, 200}};
	struct msg_identity id = {.model = "1100",
				  .host_name = "alpha",
				  .management_mac = mac,
				  .management = {{v4, 24}, {v6, 64}},
				  .vip = {v4, v6},
				  .heartbeat_us = 20000,
				  .dead_us = 100000,
				  .confirm_us = 5000};
	struct msg_disown gone = {.boot = 3, .why = PARTING_DETACHED};
	static const uint8_t secret[HA_KEY_LEN] = "secret";
	struct msg_account account = {.boot = 3,
				      .decided = HA_SEC,
				      .from = HA_PASSIVE,
				      .to = HA_ACTIVE,
				      .reach = {.evidence = HA_SEC, .station = v4}};
	struct sync_hello hello = {.salt = {1}, .mtu = 1500, .window = 64};
	struct sync_ack ack = {.cumulative = 5};
	struct sync_data piece = {.offset = 9, .flags = SYNC_FLUSH};

	frame("beacon", MSG_BEACON, msg_encode_beacon(body, cap, &(struct msg_beacon){.boot = 1}));
	frame("heartbeat", MSG_HEARTBEAT, msg_encode_heartbeat(body, cap, &hb));
	frame("solicit", MSG_SOLICIT, msg_encode_solicit(body, cap, &(struct msg_solicit){42}));
	frame("identity", MSG_IDENTITY, msg_encode_identity(body, cap, &id));
	frame("join", MSG_JOIN,
	      msg_encode_join(body, cap, &(struct msg_join){.op = JOIN_REQUEST, .address = v4}));
	frame("report", MSG_JOIN,
	      msg_encode_join(body, cap, &(struct msg_join){.op = JOIN_REPORT, .cause = {1}}));
	frame("detach", MSG_DETACH,
	      msg_encode_detach(body, cap, &(struct msg_detach){.op = DETACH_REQUEST}));
	frame("addresses", MSG_ADDRESSES,
	      msg_encode_addresses(body, cap,
				   &(struct msg_addresses){.op = ADDRESSES_PROPOSE, .vip = {v4}}));
	frame("account", MSG_ACCOUNT, msg_encode_account(body, cap, &account));
	frame("sync-hello", MSG_SYNC_HELLO, sync_encode_hello(body, cap, &hello));
	frame("sync-ack", MSG_SYNC_ACK, sync_encode_ack(body, cap, &ack));
	frame("sync-data", MSG_SYNC_DATA, sync_encode_data(body, cap, &piece) + 40);
	out[0] = 0;
	plant("frame", "disown", out,
	      1 + disown_seal(&gone, HA_PATH_LINK, secret, out + 1, sizeof(out) - 1));
}

static void announcements(void)
{
	out[0] = 1;
	plant("announce", "arp-request", out,
	      1 + announce_build(out + 1, ANNOUNCE_ARP_REQUEST, &v4, &mac, false));
	plant("announce", "arp-reply", out,
	      1 + announce_build(out + 1, ANNOUNCE_ARP_REPLY, &v4, &mac, false));
	plant("announce", "na", out, 1 + announce_build(out + 1, ANNOUNCE_NA, &v6, &mac, true));
	plant("announce", "arp-question", out,
	      1 + announce_question(out + 1, &v4, &other, &v4, &mac));
	plant("announce", "ns", out, 1 + announce_question(out + 1, &v6, &other, &v6, &mac));
}

/* ---- records ---- */

static void record(const char *kind, enum sync_record_type type, size_t len, size_t more)
{
	memset(out + SYNC_RECORD_HEADER_LEN + len, 0x11, more);
	sync_encode_record(out, type, (uint32_t)(len + more));
	plant("record", kind, out, SYNC_RECORD_HEADER_LEN + len + more);
}

static void records(void)
{
	static const uint8_t xattr[] = {6, 'u', 's', 'e', 'r', '.', 'a', 0, 1, 'x'};
	uint8_t *at = out + SYNC_RECORD_HEADER_LEN;
	size_t cap = 4096;
	struct sync_head head = {.whole = true, .lineage = {.n = 2, .point = {{2, 5}, {4, 9}}}};
	struct sync_entry file = {.type = SYNC_FILE, .mode = 0644, .size = 3, .path = "d/file"};
	struct sync_entry link = {.type = SYNC_SYMLINK, .path = "l", .path_len = 1, .target = "to"};
	struct sync_want want = {.ticket = 1, .path = "d/file", .path_len = 6};
	struct sync_status status = {.phase = SYNC_PHASE_ERROR, .reason = "no room"};

	file.path_len = 6;
	file.xattr = xattr;
	file.xattr_len = sizeof(xattr);
	link.target_len = 2;
	record("head", SYNC_HEAD, sync_encode_head(at, cap, &head), 0);
	record("pull", SYNC_PULL, sync_encode_pull(at, cap, &(struct sync_pull){7}), 0);
	record("begin", SYNC_BEGIN, sync_encode_begin(at, cap, &(struct sync_begin){false, 3}), 0);
	record("file", SYNC_ENTRY, sync_encode_entry(at, cap, &file), 0);
	record("symlink", SYNC_ENTRY, sync_encode_entry(at, cap, &link), 0);
	record("end", SYNC_END, sync_encode_end(at, cap, &(struct sync_end){.head = {2, 5}}), 0);
	record("want", SYNC_WANT, sync_encode_want(at, cap, &want), 2 * SYNC_HASH_LEN);
	record("block", SYNC_BLOCK, sync_encode_block(at, cap, &(struct sync_block){1, 0, at, 9}),
	       9);
	record("done", SYNC_DONE, sync_encode_done(at, cap, &(struct sync_done){1, true}), 0);
	record("status", SYNC_STATUS, sync_encode_status(at, cap, &status), 0);
}

/* ---- netlink ---- */

static struct nlmsghdr *begin_message(uint16_t type, const void *family, size_t len)
{
	struct nlmsghdr *h;

	memset(out, 0, 512);
	h = mnl_nlmsg_put_header(out + 8);
	h->nlmsg_type = type;
	memcpy(mnl_nlmsg_put_extra_header(h, len), family, len);
	return h;
}

static void plant_message(const char *kind, size_t len)
{
	memmove(out + 2, out + 8, len);
	out[0] = out[1] = 0;
	plant("netlink", kind, out, 2 + len);
}

static void messages(void)
{
	struct ifinfomsg link = {.ifi_index = 2, .ifi_flags = IFF_UP | IFF_LOWER_UP};
	struct rtmsg route = {
		.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST};
	struct nlmsgerr answer = {0};
	uint8_t hops[16] = {16, 0, 0, 0, 2, 0, 0, 0, 8, 0, RTA_GATEWAY, 0, 192, 0, 2, 1};
	struct nlmsghdr *h;

	plant_message("address", address_put_add(out + 8, &v4, 2, 60));
	plant_message("address6", address_put_delete(out + 8, &v6, 64, 2));
	h = begin_message(RTM_NEWLINK, &link, sizeof(link));
	mnl_attr_put_strz(h, IFLA_IFNAME, "eth0");
	mnl_attr_put(h, IFLA_ADDRESS, sizeof(mac.b), mac.b);
	plant_message("link", h->nlmsg_len);
	h = begin_message(RTM_NEWROUTE, &route, sizeof(route));
	mnl_attr_put(h, RTA_GATEWAY, 4, v4.b);
	mnl_attr_put_u32(h, RTA_OIF, 2);
	mnl_attr_put_u32(h, RTA_TABLE, RT_TABLE_MAIN);
	plant_message("route", h->nlmsg_len);
	h = begin_message(RTM_NEWROUTE, &route, sizeof(route));
	mnl_attr_put(h, RTA_MULTIPATH, sizeof(hops), hops);
	plant_message("multipath", h->nlmsg_len);
	h = begin_message(NLMSG_ERROR, &answer, sizeof(answer));
	h->nlmsg_seq = 1;
	plant_message("acknowledgement", h->nlmsg_len);
}

/* ---- files ---- */

/* One that was written here, without its first `head` bytes and its checksum, behind `front`. */
static void plant_file(const char *target, const char *kind, int directory, const char *name,
		       size_t head, const void *front, size_t front_len)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	uint8_t *at = out + front_len;
	ssize_t len = fd < 0 ? -1 : read(fd, at, sizeof(out) - front_len);

	FUZZ_CHECK(len > (ssize_t)(head + SUM_LEN));
	close(fd);
	unlinkat(directory, name, 0);
	memmove(at, at + head, (size_t)len - head);
	if (front_len > 0)
		memcpy(out, front, front_len);
	plant(target, kind, out, front_len + (size_t)len - head - SUM_LEN);
}

static void files(void)
{
	struct store_record r = {.term = 4, .mode = HA_MODE_PRIMARY_PASSIVE, .peer_name = "beta"};
	struct store_event e = {.term = 4, .event = 3, .subject = "check"};
	struct ledger ledger = {.lineage = {.n = 2, .point = {{2, 5}, {4, 9}}}};
	struct store_key key;
	struct store store;
	char top[128];

	close(directory_make(top, sizeof(top)));
	FUZZ_CHECK(store_open(&store, top) == 0);
	FUZZ_CHECK(store_write_record(&store, &r) == 0 && store_key(&store, true, &key) == 0);
	FUZZ_CHECK(store_write_history(&store, &e, 1) == 0);
	FUZZ_CHECK(ledger_write(store.directory, &ledger) == 0);
	plant_file("store", "record", store.directory, "cluster", 6, "\4", 1);
	plant_file("store", "key", store.directory, "key", 6, "\1", 1);
	plant_file("store", "history", store.directory, "history", 6, "\6", 1);
	plant_file("store", "ledger", store.directory, LEDGER_FILE, 6, "\3", 1);
	store_close(&store);
	rmdir(top);
}

static void put(struct tree *t, struct sync_entry e, const char *path, size_t tags_n)
{
	static const digest_tag tags[2] = {{1}, {2}};
	struct tree_stat stat = {.inode = 5};

	e.path = path;
	e.path_len = (uint16_t)strlen(path);
	FUZZ_CHECK(tree_put(t, &e, &stat, tags_n > 0 ? tags : NULL, tags_n, 7, NULL) == 0);
}

static void index_file(void)
{
	static const uint8_t key[HA_KEY_LEN] = {1, 2, 3}, roots[SYNC_HASH_LEN] = "roots";
	struct lineage head = {.n = 1, .point = {{2, 7}}};
	struct sync_entry link = {.type = SYNC_SYMLINK, .target = "to", .target_len = 2};
	struct sync_entry large = {.type = SYNC_FILE, .mode = 0600, .size = SYNC_BLOCK_LEN + 1};
	struct digest digest;
	struct tree *t;
	char top[128];
	int directory = directory_make(top, sizeof(top));

	FUZZ_CHECK(digest_open(&digest, key) == 0 && tree_open(&t, &digest) == 0);
	put(t, (struct sync_entry){.type = SYNC_DIRECTORY, .mode = 0755}, "", 0);
	put(t, (struct sync_entry){.type = SYNC_DIRECTORY, .mode = 0755}, "d", 0);
	put(t, (struct sync_entry){.type = SYNC_FILE, .mode = 0644, .size = 3}, "d/f", 0);
	put(t, large, "d/large", 2);
	put(t, link, "l", 0);
	put(t, (struct sync_entry){.type = SYNC_GONE}, "gone", 0);
	FUZZ_CHECK(tree_save(t, directory, "index", &head, roots) == 0);
	plant_file("tree", "index", directory, "index", 4 + 2 + 2 * SYNC_HASH_LEN, "\0\0", 2);
	tree_close(t);
	digest_close(&digest);
	close(directory);
	rmdir(top);
}

/* ---- text ---- */

static void configuration(void)
{
	static const char least[] = "link = \"eth3\"\nmanagement = \"eth0\"\n";
	FILE *sample = fopen("agent/haagent.conf", "r");
	size_t len;

	FUZZ_CHECK(sample != NULL);
	len = fread(out, 1, sizeof(out), sample);
	fclose(sample);
	plant("config", "sample", out, len);
	for (size_t i = 1; i < len; i++) /* all that the sample has commented out */
		if (out[i - 1] == '\n' && out[i] == '#')
			out[i] = ' ';
	plant("config", "all", out, len);
	plant("config", "least", least, sizeof(least) - 1);
}

static void requests(void)
{
	static const char *const request[] = {
		"{\"action\":\"dump\"}",
		"{\"action\":\"history\"}",
		"{\"action\":\"join\",\"address\":\"192.0.2.2\",\"peer_fingerprint\":\"SHA256:x\"}",
		"{\"action\":\"suspend\",\"seconds\":90}",
		"{\"action\":\"barrier\",\"seconds\":1e9}",
		"{\"action\":[[[{\"a\":\"\\ud800\\u0000\"}]]]}",
	};

	for (unsigned i = 0; i < sizeof(request) / sizeof(*request); i++) {
		char kind[] = "0", *text = (char *)out + 3;
		size_t len = strlen(request[i]);

		kind[0] = (char)('0' + i);
		out[0] = 0x82;
		out[1] = 0;
		out[2] = (uint8_t)(len - 1);
		memcpy(text, request[i], len);
		plant("control", kind, out, 3 + len);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seed DIRECTORY\n");
		return 2;
	}
	corpus = argv[1];
	frames();
	announcements();
	records();
	messages();
	files();
	index_file();
	configuration();
	requests();
	return 0;
}
