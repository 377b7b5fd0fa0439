/* websession.h - who is logged in: a bounded table in memory, gone with the process.
 *
 * A browser has the token in a cookie; here there is only its hash, so that a copy of this memory logs nobody in. Each
 * login makes a new token, whatever the browser came with: a planted one is worth nothing. A session ends when it is
 * not used for a while, at the latest after its whole time, and when the account's password changes.
 */
#ifndef HA_CONSOLE_WEBSESSION_H
#define HA_CONSOLE_WEBSESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/types.h"

enum {
	WEBSESSION_MAX = 64,
	WEBSESSION_PER_USER_MAX =
		16, /* one more ends the one of the user's that was used least recently */
	WEBSESSION_TOKEN_LEN = 32,
	WEBSESSION_TOKEN_TEXT = 44, /* base64url without padding, and the terminator */
	WEBSESSION_USER_MAX = 33,
};

struct websession {
	uint64_t id; /* 0: free; never used twice */
	uint8_t hash[32];
	char csrf[WEBSESSION_TOKEN_TEXT];
	char user[WEBSESSION_USER_MAX];
	ha_time began, used;
};

struct websessions {
	uint8_t key[32]; /* of the hash */
	uint64_t last_id;
	ha_time idle, whole;
	struct websession session[WEBSESSION_MAX];
};

void websession_init(struct websessions *, ha_time idle, ha_time whole);

/* A new one, and its token as text for the cookie. */
struct websession *websession_begin(struct websessions *, const char *user, ha_time now,
				    char token[WEBSESSION_TOKEN_TEXT]);

/* The session of that token, or NULL. Takes as long for any that is none. use: this counts as a use of it. */
struct websession *websession_find(struct websessions *, const char *token, ha_time now, bool use);
bool websession_is_valid(const struct websessions *, uint64_t id, ha_time now);

bool websession_csrf(const struct websession *, const char *token); /* in constant time */
void websession_end(struct websession *);
void websession_end_user(struct websessions *, const char *user);
unsigned websession_count(const struct websessions *, ha_time now);

#endif
