/* ops.c - the operations of a plan and the memory that they live in. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sync/plan_state.h"
#include "agent/text.h"

enum {
	BREATHE = 1024, /* steps */
	SLOTS_MIN = 256,
	CHUNK_LEN = 65536,
};

struct chunk {
	struct chunk *next;
	size_t used, cap;
	uint8_t bytes[];
};

void plan_work(struct plan *p)
{
	if (++p->worked % BREATHE == 0 && p->c.breathe != NULL)
		p->c.breathe(p->c.arg);
}

int plan_fail(struct plan *p, uint8_t root, const char *path, size_t len, const char *what,
	      int error)
{
	char text[ROOTS_NAME_MAX + SYNC_PATH_MAX + 128];
	char tail[64];
	size_t head, room;

	snprintf(text, sizeof(text), "%s%s%.*s",
		 root < p->c.roots->n ? p->c.roots->root[root].name : "?", len > 0 ? "/" : "",
		 (int)len, path);
	snprintf(tail, sizeof(tail), ": %s: %.32s", what, strerror(-error));
	room = sizeof(p->reason) - strlen(tail);
	text_tail(p->reason, room, text, strlen(text));
	head = strlen(p->reason);
	text_head(p->reason + head, sizeof(p->reason) - head, tail, strlen(tail));
	return error;
}

int plan_fail_op(struct plan *p, const struct op *op, const char *what, int error)
{
	return plan_fail(p, op->entry.root, op->entry.path, op->entry.path_len, what, error);
}

void *plan_memory(struct plan *p, const void *copy, size_t len)
{
	struct chunk *c = p->memory;
	uint8_t *at;

	if (c == NULL || c->cap - c->used < len) {
		size_t cap = len > CHUNK_LEN / 4 ? len : CHUNK_LEN;

		c = malloc(sizeof(*c) + cap);
		if (c == NULL)
			return NULL;
		*c = (struct chunk){.next = p->memory, .cap = cap};
		p->memory = c;
	}
	at = c->bytes + c->used;
	if (len > 0)
		memcpy(at, copy, len);
	c->used += len;
	return at;
}

int plan_copy_entry(struct plan *p, struct sync_entry *out, const struct sync_entry *e)
{
	struct sync_entry copy = *e;

	copy.path = plan_memory(p, e->path, e->path_len);
	copy.xattr = plan_memory(p, e->xattr, e->xattr_len);
	copy.target = plan_memory(p, e->target, e->target_len);
	if (copy.path == NULL || copy.xattr == NULL || copy.target == NULL)
		return -ENOMEM;
	*out = copy;
	return 0;
}

void plan_reset(struct plan *p)
{
	for (uint32_t i = 0; i < p->op_n; i++)
		content_free(p, &p->op[i]);
	stage_let_go(p);
	p->op_n = 0;
	if (p->slot != NULL)
		memset(p->slot, 0, p->slot_n * sizeof(*p->slot));
	p->first_ticket += p->ticket_n;
	p->ticket_n = 0;
	if (p->seen != NULL)
		memset(p->seen, 0, p->seen_cap / 8);
	while (p->memory != NULL) {
		struct chunk *next = p->memory->next;

		free(p->memory);
		p->memory = next;
	}
	free(p->order);
	p->order = NULL;
	p->order_n = 0;
	p->totals = (struct plan_totals){
		.conflicts = p->totals.conflicts,
		.stayed = p->totals.stayed,
	};
}

static uint32_t *slot_of(const struct plan *p, uint8_t root, const char *path, size_t len)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t at;

	crypto_shorthash(hash, (const uint8_t *)path, len, p->hash_key);
	memcpy(&at, hash, sizeof(at));
	for (at += root;; at++) {
		uint32_t *slot = &p->slot[at & (p->slot_n - 1)];
		const struct sync_entry *e = &p->op[*slot - 1].entry;

		if (*slot == 0 || (e->root == root && e->path_len == len &&
				   (len == 0 || memcmp(e->path, path, len) == 0)))
			return slot;
	}
}

struct op *plan_op(const struct plan *p, uint8_t root, const char *path, size_t len)
{
	const uint32_t *slot = p->slot_n == 0 ? NULL : slot_of(p, root, path, len);

	return slot == NULL || *slot == 0 ? NULL : &p->op[*slot - 1];
}

/* The table stays at most half full. */
static bool grow(struct plan *p)
{
	if (p->op_n == p->op_cap) {
		uint32_t cap = p->op_cap == 0 ? SLOTS_MIN / 2 : 2 * p->op_cap;
		struct op *op = reallocarray(p->op, cap, sizeof(*op));

		if (op == NULL)
			return false;
		p->op = op;
		p->op_cap = cap;
	}
	if (2 * (p->op_n + 1) > p->slot_n) {
		uint32_t n = p->slot_n == 0 ? SLOTS_MIN : 2 * p->slot_n;
		uint32_t *slot = calloc(n, sizeof(*slot));

		if (slot == NULL)
			return false;
		free(p->slot);
		p->slot = slot;
		p->slot_n = n;
		for (uint32_t i = 0; i < p->op_n; i++) {
			const struct sync_entry *e = &p->op[i].entry;

			*slot_of(p, e->root, e->path, e->path_len) = i + 1;
		}
	}
	return true;
}

struct op *plan_op_make(struct plan *p, uint8_t root, const char *path, size_t len)
{
	const char *copy;
	uint32_t *slot;
	struct op *op;

	if (!grow(p))
		return NULL;
	slot = slot_of(p, root, path, len);
	if (*slot != 0)
		return &p->op[*slot - 1];
	copy = plan_memory(p, path, len);
	if (copy == NULL)
		return NULL;
	op = &p->op[p->op_n];
	*op = (struct op){
		.entry = {.root = root, .path = copy, .path_len = (uint16_t)len},
	};
	*slot = ++p->op_n;
	return op;
}
