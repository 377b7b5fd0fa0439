/* sync_msg.h - the bytes of the settings sync: three kinds of frames, and the records of the stream (SPEC 6.1).
 *
 * Frames (behind the header of SPEC 2, types 0x40 to 0x4f, link only) carry a reliable stream of bytes in each
 * direction: SYNC_HELLO agrees upon its keys, SYNC_DATA bears a piece of it, SYNC_ACK says what has arrived. The
 * stream is a sequence of records, each with a header of its own type and length. Frames are authenticated before
 * anything here looks at them; records are the plaintext of such frames. All of it is checked all the same: lengths,
 * ranges, names.
 *
 * Decoded views point into the buffer that was decoded and die with it. Encoders return bytes written, or 0 if the
 * buffer is too small or a value does not fit.
 */
#ifndef HA_PROTO_SYNC_MSG_H
#define HA_PROTO_SYNC_MSG_H

#include "proto/drop.h"
#include "proto/lineage.h"
#include "proto/msg.h"
#include "proto/types.h"

/* Offsets, frame numbers, generations, sizes and counts are below 2^63: a sum of two of them does not wrap, and none
 * is UINT64_MAX. */
#define SYNC_COUNT_MAX (UINT64_MAX / 2)

/* ---- frames ---- */

enum {
	SYNC_SALT_LEN = 16,
	SYNC_ACK_BITS = 1024,    /* frames behind the cumulative one that an ACK tells of */
	SYNC_DATA_CLEAR_LEN = 9, /* offset and flags: associated data */
	SYNC_HELLO_LEN = 40,     /* bodies, without header and tag */
	SYNC_ACK_LEN = 8 + SYNC_ACK_BITS / 8,
	/* what a SYNC_DATA frame adds to its piece of the stream */
	SYNC_DATA_OVERHEAD = MSG_HEADER_LEN + SYNC_DATA_CLEAR_LEN + MSG_TAG_LEN,
};

/* "This is how I speak from now on": sent until the other side echoes the salt. */
struct sync_hello {
	uint8_t salt[SYNC_SALT_LEN]; /* fresh for each stream; never zero */
	uint8_t echo[SYNC_SALT_LEN]; /* the newest salt heard of the receiver; zero = none */
	uint16_t mtu;                /* 576 to 9216: largest frame without its Ethernet header */
	bool aes;                    /* AES-256-GCM is fast here; else ChaCha20-Poly1305 */
	uint32_t window;             /* 1 to SYNC_ACK_BITS: frames that it takes from the
					cumulative one on. A reserved byte follows */
};

enum sync_data_flag {
	SYNC_FLUSH = 1 << 0, /* nothing follows for now: acknowledge at once */
};

struct sync_data {
	uint64_t offset; /* of its first byte in the stream */
	uint8_t flags;   /* enum sync_data_flag; others are ignored */
};

struct sync_ack {
	uint64_t cumulative; /* all frames below this number have arrived */
	uint8_t bitmap[SYNC_ACK_BITS /
		       8]; /* bit i (of byte i / 8, lowest first): cumulative + 1 + i has */
};

size_t sync_encode_hello(uint8_t *out, size_t cap, const struct sync_hello *);
size_t sync_encode_data(uint8_t *out, size_t cap, const struct sync_data *);
size_t sync_encode_ack(uint8_t *out, size_t cap, const struct sync_ack *);
enum ha_drop sync_decode_hello(const uint8_t *body, size_t len, struct sync_hello *out);
enum ha_drop sync_decode_data(const uint8_t *clear, size_t len, struct sync_data *out);
enum ha_drop sync_decode_ack(const uint8_t *body, size_t len, struct sync_ack *out);

/* ---- records ---- */

enum {
	SYNC_RECORD_HEADER_LEN = 4, /* type, and 24 bits of length of what follows */
	SYNC_BLOCK_LEN = 65536,     /* of a file: what is compared and sent as one */
	SYNC_HASH_LEN = 16,
	SYNC_PATH_MAX = 4095,   /* bytes, relative to its root, without a terminator */
	SYNC_NAME_MAX = 255,    /* of one component */
	SYNC_XATTR_MAX = 65536, /* bytes of an entry's extended attributes, encoded */
	SYNC_TARGET_MAX = 4095, /* of a symbolic link */
	SYNC_ROOTS_MAX = 16,
	SYNC_REASON_MAX = 160,
	SYNC_TAGS_MAX = 65536, /* block tags in one WANT: a larger file is fetched as a whole */
	/* the largest body: a WANT with all its tags */
	SYNC_RECORD_MAX = 64 + SYNC_PATH_MAX + SYNC_TAGS_MAX * SYNC_HASH_LEN,
};

enum sync_record_type {
	SYNC_HEAD = 1, /* both: what I have; after the stream is up, and on change */
	SYNC_PULL =
		2, /* follower: send me what is newer than since; and go on so with each generation */
	SYNC_BEGIN =
		3, /* leader: entries follow; full: all there are, else those that changed since */
	SYNC_ENTRY = 4,    /* leader */
	SYNC_END = 5,      /* leader: that was the last entry up to this generation */
	SYNC_WANT = 6,     /* follower: the content of an entry */
	SYNC_BLOCK = 7,    /* leader: a block of it */
	SYNC_DONE = 8,     /* leader: that was all of it, or it is not to be had as it was */
	SYNC_STATUS = 9,   /* follower: how far it is */
	SYNC_COMPARE = 10, /* leader: look at your whole tree, and say HEAD */
	SYNC_RECORD_N,
};

/* HEAD. A side without a whole copy says so: it follows, whatever its lineage. */
struct sync_head {
	bool whole;              /* it has a whole copy: of this membership */
	bool holds;              /* it holds the virtual IP */
	bool clean;              /* its trees are what its lineage says: nothing changed since */
	uint8_t key[HA_KEY_LEN]; /* of the fingerprints; a lineage keeps its own for life */
	uint8_t roots
		[SYNC_HASH_LEN]; /* over the configured roots and excludes: both need the same */
	uint64_t entries, bytes; /* of its trees */
	struct lineage lineage;
};

struct sync_pull {
	uint64_t since; /* number of a generation in the leader's lineage; 0 = all */
};

struct sync_begin {
	bool full;
	uint64_t since; /* as in the PULL, if not full; else not sent, and received as 0 */
};

enum sync_entry_type {
	SYNC_GONE = 0, /* it was there and is no more */
	SYNC_FILE = 1,
	SYNC_DIRECTORY = 2,
	SYNC_SYMLINK = 3,
	SYNC_ENTRY_TYPE_N,
};

/* ENTRY: one name in a tree. Also what the digest of a generation is made of (SPEC 6.2). What a type does not have is
 * zero, or it is neither sent nor accepted: SYNC_GONE has root and path only; a directory no size, hash and target; a
 * symlink no mode, size, hash and attributes; a file no target. */
struct sync_entry {
	uint8_t type;      /* enum sync_entry_type */
	uint8_t root;      /* index of the configured root */
	uint16_t mode;     /* permission bits, 07777; symlink, gone: 0 */
	uint32_t uid, gid; /* never UINT32_MAX: to chown() that means "leave it" */
	int64_t mtime_ns;
	uint64_t size;               /* of a file; else 0 */
	uint8_t hash[SYNC_HASH_LEN]; /* of a file's content; else zeros */
	/* Relative, no leading or trailing slash, no empty, "." or ".." component, any byte but NUL. "" is the root
	 * itself, which is always a directory. Not terminated. */
	const char *path;
	uint16_t path_len;
	/* Extended attributes, rising by name (bytes; a shorter one first), each once: for each a byte of name length
	 * (not 0), the name (no NUL), two bytes of value length, the value. */
	const uint8_t *xattr;
	uint32_t xattr_len;
	const char *target; /* of a symlink, not empty, not terminated; no NUL */
	uint16_t target_len;
};

struct sync_end {
	struct lineage_point head; /* number from 1 */
	uint8_t digest[HA_KEY_LEN];
};

/* WANT. tags: of the blocks that the follower has under that name, SYNC_HASH_LEN each, in order; only those that
 * differ are sent. None: all are. */
struct sync_want {
	uint32_t ticket; /* the follower's, unique among those under way */
	uint8_t root;
	uint8_t hash[SYNC_HASH_LEN]; /* as in its ENTRY: another one by now is DONE with failed */
	const char *path;            /* not "": that is no file */
	uint16_t path_len;
	const uint8_t *tags;
	uint32_t tags_n;
};

/* BLOCK: at offset, a multiple of SYNC_BLOCK_LEN; a whole block, or the rest of the file. */
struct sync_block {
	uint32_t ticket;
	uint64_t offset;
	const uint8_t *data;
	uint32_t len; /* 1 to SYNC_BLOCK_LEN */
};

struct sync_done {
	uint32_t ticket;
	bool failed; /* the file is another now, gone, or unreadable: a newer ENTRY will tell */
};

enum sync_phase {
	SYNC_PHASE_IDLE = 0,
	SYNC_PHASE_LIST,   /* comparing */
	SYNC_PHASE_FETCH,  /* contents under way */
	SYNC_PHASE_COMMIT, /* writing */
	SYNC_PHASE_ERROR,  /* reason says why; it is tried again */
	SYNC_PHASE_N,
};

struct sync_status {
	uint8_t phase;               /* enum sync_phase */
	uint64_t files, files_total; /* fetched, and to be fetched in all */
	uint64_t bytes, bytes_total;
	/* Text as in SPEC 3.R3: not "" in SYNC_PHASE_ERROR, "" in all others. */
	char reason[SYNC_REASON_MAX + 1];
};

/* Writes the header of a record whose body of len bytes follows: a length that its type can have. */
void sync_encode_record(uint8_t out[SYNC_RECORD_HEADER_LEN], enum sync_record_type, uint32_t len);
/* False: no such type, or a length that its type cannot have. */
bool sync_decode_record(const uint8_t in[SYNC_RECORD_HEADER_LEN], enum sync_record_type *,
			uint32_t *len);

/* Bodies. COMPARE has none. Decoders write *out exactly when they return true. */
size_t sync_encode_head(uint8_t *out, size_t cap, const struct sync_head *);
size_t sync_encode_pull(uint8_t *out, size_t cap, const struct sync_pull *);
size_t sync_encode_begin(uint8_t *out, size_t cap, const struct sync_begin *);
size_t sync_encode_entry(uint8_t *out, size_t cap, const struct sync_entry *);
size_t sync_encode_end(uint8_t *out, size_t cap, const struct sync_end *);
size_t sync_encode_want(uint8_t *out, size_t cap, const struct sync_want *);
/* All but the data, which the caller puts behind it: 12 bytes. */
size_t sync_encode_block(uint8_t *out, size_t cap, const struct sync_block *);
size_t sync_encode_done(uint8_t *out, size_t cap, const struct sync_done *);
size_t sync_encode_status(uint8_t *out, size_t cap, const struct sync_status *);

bool sync_decode_head(const uint8_t *body, size_t len, struct sync_head *out);
bool sync_decode_pull(const uint8_t *body, size_t len, struct sync_pull *out);
bool sync_decode_begin(const uint8_t *body, size_t len, struct sync_begin *out);
bool sync_decode_entry(const uint8_t *body, size_t len, struct sync_entry *out);
bool sync_decode_end(const uint8_t *body, size_t len, struct sync_end *out);
bool sync_decode_want(const uint8_t *body, size_t len, struct sync_want *out);
bool sync_decode_block(const uint8_t *body, size_t len, struct sync_block *out);
bool sync_decode_done(const uint8_t *body, size_t len, struct sync_done *out);
bool sync_decode_status(const uint8_t *body, size_t len, struct sync_status *out);

/* Is it a path as struct sync_entry has it? */
bool sync_path_valid(const char *path, size_t len);

#endif
