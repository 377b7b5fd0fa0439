/* websession.c - see websession.h. */
#include "console/websession.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

void websession_init(struct websessions *all, ha_time idle, ha_time whole)
{
	*all = (struct websessions){.idle = idle, .whole = whole};
	randombytes_buf(all->key, sizeof(all->key));
}

static void random_text(char out[WEBSESSION_TOKEN_TEXT])
{
	uint8_t token[WEBSESSION_TOKEN_LEN];

	randombytes_buf(token, sizeof(token));
	sodium_bin2base64(out, WEBSESSION_TOKEN_TEXT, token, sizeof(token),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(token, sizeof(token));
}

static void hash_of(const struct websessions *all, const char *token, uint8_t hash[32])
{
	crypto_generichash(hash, 32, (const uint8_t *)token, strlen(token), all->key,
			   sizeof(all->key));
}

static bool is_over(const struct websessions *all, const struct websession *session, ha_time now)
{
	return session->id == 0 || now - session->used >= all->idle ||
	       now - session->began >= all->whole;
}

static bool used_before(const struct websession *a, const struct websession *b)
{
	return b == NULL || a->used < b->used;
}

/* One that is free or over; else the user's least recently used when he has enough, or anybody's. */
static struct websession *place(struct websessions *all, const char *user, ha_time now)
{
	struct websession *his = NULL, *any = NULL, *free_one = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < WEBSESSION_MAX; i++) {
		struct websession *session = &all->session[i];

		if (is_over(all, session, now)) {
			free_one = session;
			continue;
		}
		if (used_before(session, any))
			any = session;
		if (strcmp(session->user, user) != 0)
			continue;
		n++;
		if (used_before(session, his))
			his = session;
	}
	if (n >= WEBSESSION_PER_USER_MAX)
		return his;
	return free_one != NULL ? free_one : any;
}

struct websession *websession_begin(struct websessions *all, const char *user, ha_time now,
				    char token[WEBSESSION_TOKEN_TEXT])
{
	struct websession *session = place(all, user, now);

	*session = (struct websession){.id = ++all->last_id, .began = now, .used = now};
	snprintf(session->user, sizeof(session->user), "%s", user);
	random_text(token);
	random_text(session->csrf);
	hash_of(all, token, session->hash);
	return session;
}

struct websession *websession_find(struct websessions *all, const char *token, ha_time now,
				   bool use)
{
	struct websession *found = NULL;
	uint8_t hash[32];

	if (token == NULL || strlen(token) != WEBSESSION_TOKEN_TEXT - 1)
		return NULL;
	hash_of(all, token, hash);
	for (unsigned i = 0; i < WEBSESSION_MAX; i++) {
		struct websession *session = &all->session[i];

		if (sodium_memcmp(session->hash, hash, sizeof(hash)) == 0 && session->id != 0)
			found = session;
	}
	if (found == NULL)
		return NULL;
	if (is_over(all, found, now)) {
		websession_end(found);
		return NULL;
	}
	if (use)
		found->used = now;
	return found;
}

bool websession_is_valid(const struct websessions *all, uint64_t id, ha_time now)
{
	for (unsigned i = 0; i < WEBSESSION_MAX; i++)
		if (all->session[i].id == id && id != 0)
			return !is_over(all, &all->session[i], now);
	return false;
}

bool websession_csrf(const struct websession *session, const char *token)
{
	return token != NULL && strlen(token) == WEBSESSION_TOKEN_TEXT - 1 &&
	       sodium_memcmp(session->csrf, token, WEBSESSION_TOKEN_TEXT - 1) == 0;
}

void websession_end(struct websession *session)
{
	sodium_memzero(session, sizeof(*session));
}

void websession_end_user(struct websessions *all, const char *user)
{
	for (unsigned i = 0; i < WEBSESSION_MAX; i++)
		if (all->session[i].id != 0 && strcmp(all->session[i].user, user) == 0)
			websession_end(&all->session[i]);
}

unsigned websession_count(const struct websessions *all, ha_time now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WEBSESSION_MAX; i++)
		n += !is_over(all, &all->session[i], now);
	return n;
}
