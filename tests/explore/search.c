/* search.c - see search.h. A state is kept whole only while it waits to be followed; for good there is its hash, and how it
 * came to be: parent and choices. So a trace is told by going its way once more. */
#include "tests/explore/search.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHOICES = 64,   /* asked for in one move */
	DECISIONS = 5,  /* of which so many are not 0 */
	SETTLES = 4096, /* moves of a way back */
	TRACE = 4096,
	KEY_LEN = 16,
	PACKED = 64,
	STATE_MAX = 1 << 16,
	NO_PARENT = UINT32_MAX,
};

/* The answers that were not 0. */
struct script {
	uint8_t n;
	struct {
		uint8_t at, value;
	} decision[DECISIONS];
};

struct record {
	uint32_t parent; /* NO_PARENT: the how manyth root is in the script */
	struct script script;
};

struct slot {
	uint8_t key[KEY_LEN]; /* zeros: free */
	uint32_t value;
};

struct table {
	size_t n, capacity; /* a power of two */
	struct slot *slot;
};

struct queued {
	uint32_t size, len, id; /* bytes that follow; of the state; its number */
};

/* The states that are to be followed, packed. */
struct queue {
	uint8_t *bytes;
	size_t first, end, size;
};

static struct {
	const struct search_model *model;
	struct table known, ways;
	struct record *record;
	struct queue queue, next;
	struct search_result result;
	bool dropped; /* something was left out */
	/* of the move under way */
	uint8_t answer[CHOICES], of[CHOICES];
	unsigned asked;
	bool faultless; /* every answer is 0, and nobody asks for others */
	/* of the violation */
	const char *violated;
	char detail[256];
	bool telling;
} s;

/* ---- memory ---- */

static void *allocate(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return p;
}

static void table_open(struct table *t, size_t entries)
{
	for (t->capacity = 1024; t->capacity < entries + entries / 2;)
		t->capacity *= 2;
	t->n = 0;
	t->slot = allocate(t->capacity, sizeof(*t->slot));
}

static struct slot *table_find(struct table *t, const uint8_t key[KEY_LEN])
{
	static const uint8_t none[KEY_LEN];
	uint64_t at;

	memcpy(&at, key, sizeof(at));
	for (;; at++) {
		struct slot *slot = &t->slot[at & (t->capacity - 1)];

		if (memcmp(slot->key, key, KEY_LEN) == 0 || memcmp(slot->key, none, KEY_LEN) == 0)
			return slot;
	}
}

static bool table_has(struct table *t, const uint8_t key[KEY_LEN], uint32_t *value)
{
	struct slot *slot = table_find(t, key);

	*value = slot->value;
	return memcmp(slot->key, key, KEY_LEN) == 0;
}

static bool table_full(const struct table *t)
{
	return t->n >= t->capacity / 4 * 3;
}

static void table_put(struct table *t, const uint8_t key[KEY_LEN], uint32_t value)
{
	struct slot *slot = table_find(t, key);

	t->n += memcmp(slot->key, key, KEY_LEN) != 0;
	memcpy(slot->key, key, KEY_LEN);
	slot->value = value;
}

/* Most of a state is zeros: of 64 words each has a bit, and those that are not zero follow. */
static size_t pack(uint8_t *out, const uint8_t *state, size_t len)
{
	size_t used = 0;

	for (size_t at = 0; at < len; at += PACKED * sizeof(uint64_t)) {
		size_t mask_at = used;
		uint64_t mask = 0, word;

		used += sizeof(mask);
		for (size_t i = 0; i < PACKED && at + i * sizeof(word) < len; i++) {
			memcpy(&word, state + at + i * sizeof(word), sizeof(word));
			if (word == 0)
				continue;
			mask |= UINT64_C(1) << i;
			memcpy(out + used, &word, sizeof(word));
			used += sizeof(word);
		}
		memcpy(out + mask_at, &mask, sizeof(mask));
	}
	return used;
}

static void unpack(uint8_t *state, const uint8_t *in, size_t len)
{
	for (size_t at = 0; at < len; at += PACKED * sizeof(uint64_t)) {
		uint64_t mask;

		memcpy(&mask, in, sizeof(mask));
		in += sizeof(mask);
		for (; mask != 0; mask &= mask - 1, in += sizeof(mask))
			memcpy(state + at + (size_t)__builtin_ctzll(mask) * sizeof(mask), in,
			       sizeof(mask));
	}
}

/* What is behind len is zero. */
static bool queue_put(struct queue *q, const uint8_t *state, size_t len, uint32_t id)
{
	static uint8_t packed[STATE_MAX + STATE_MAX / 32];
	struct queued head = {.id = id, .len = (uint32_t)len};

	head.size = (uint32_t)pack(packed, state, len);
	if (q->end + sizeof(head) + head.size > q->size)
		return false;
	memcpy(q->bytes + q->end, &head, sizeof(head));
	memcpy(q->bytes + q->end + sizeof(head), packed, head.size);
	q->end += sizeof(head) + head.size;
	return true;
}

static bool queue_get(struct queue *q, uint8_t *state, size_t *len, uint32_t *id)
{
	struct queued head;

	if (q->first == q->end) {
		q->first = q->end = 0;
		return false;
	}
	memcpy(&head, q->bytes + q->first, sizeof(head));
	memset(state, 0, s.model->size);
	unpack(state, q->bytes + q->first + sizeof(head), head.len);
	q->first += sizeof(head) + head.size;
	*len = head.len;
	*id = head.id;
	return true;
}

/* ---- what a model asks and says ---- */

unsigned search_choice(unsigned n)
{
	unsigned at;

	if (s.faultless)
		return 0;
	at = s.asked++;
	assert(n >= 1 && n <= UINT8_MAX && at < CHOICES);
	s.of[at] = (uint8_t)n;
	assert(s.answer[at] < n);
	return s.answer[at];
}

void search_violated(const char *property, const char *format, ...)
{
	va_list args;

	if (s.violated != NULL)
		return;
	s.violated = property;
	va_start(args, format);
	vsnprintf(s.detail, sizeof(s.detail), format, args);
	va_end(args);
}

bool search_telling(void)
{
	return s.telling;
}

void search_tell(const char *format, ...)
{
	va_list args;

	if (!s.telling)
		return;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

/* ---- moves ---- */

static ha_time move_by(void *state, const struct script *script)
{
	memset(s.answer, 0, sizeof(s.answer));
	for (unsigned i = 0; i < script->n; i++)
		s.answer[script->decision[i].at] = script->decision[i].value;
	s.asked = 0;
	return s.model->move(state);
}

/* The next combination of answers after the one that was just tried: the last that can be another one is. */
static bool next_script(struct script *script)
{
	unsigned at = s.asked;

	while (at > 0 && s.answer[at - 1] + 1u >= s.of[at - 1])
		at--;
	if (at == 0)
		return false;
	s.answer[at - 1]++;
	script->n = 0;
	for (unsigned i = 0; i < at; i++) {
		if (s.answer[i] == 0)
			continue;
		assert(script->n < DECISIONS);
		script->decision[script->n].at = (uint8_t)i;
		script->decision[script->n++].value = s.answer[i];
	}
	return true;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* 128 bits in two halves that have nothing in common. Nobody attacks it: it has to be fast, and not to collide among some
 * millions. */
static size_t key_of(void *state, uint8_t key[KEY_LEN])
{
	size_t len = s.model->canonical(state);
	uint64_t h = 0x9e3779b97f4a7c15 ^ len, g = 0xd1b54a32d192ed03, word[2];

	assert(len + sizeof(word) <= s.model->size);
	for (size_t at = 0; at < len; at += sizeof(word)) { /* zeros are behind it */
		memcpy(word, (const uint8_t *)state + at, sizeof(word));
		h = fold(h ^ word[0] ^ 0xa0761d6478bd642f, word[1] ^ 0xe7037ed1a0b428db);
		g = fold(g + word[1] + 0x8ebc6af09c88c6e3, word[0] ^ g ^ 0x589965cc75374cc3);
	}
	h = fold(h ^ 0x1d8e4e27c47d124f, g ^ 0xeb44accab455d165) | 1; /* never zeros */
	memcpy(key, &h, sizeof(h));
	memcpy(key + sizeof(h), &g, sizeof(g));
	return len;
}

static void make_root(void *state, unsigned which)
{
	bool telling = s.telling;

	s.faultless = true;
	s.telling = false;
	s.model->root(state, which);
	s.faultless = false;
	s.telling = telling;
}

/* Whatever is on the way to where it settles. */
struct way {
	uint8_t key[SETTLES][KEY_LEN];
	ha_time at[SETTLES];
	unsigned n;
};

static void remember(const struct way *way, ha_time settled)
{
	for (unsigned i = 0; i < way->n && !table_full(&s.ways); i++) {
		ha_time left = settled - way->at[i];

		table_put(&s.ways, way->key[i], left <= 0 ? 0 : (uint32_t)(left / HA_US));
	}
}

/* Healed, and left to itself: when does it settle for good? HA_NEVER: not in time. Ways meet soon: what is known of one is
 * not gone again. */
static ha_time settle(void *state)
{
	static struct way way;
	ha_time now = 0, since = HA_NEVER;
	uint32_t known;

	way.n = 0;
	s.faultless = true;
	while (s.violated == NULL && way.n < SETTLES) {
		key_of(state, way.key[way.n]);
		way.at[way.n] = now;
		if (!s.model->is_settled(state))
			since = HA_NEVER;
		else if (since == HA_NEVER)
			since = now;
		if (!s.telling && table_has(&s.ways, way.key[way.n], &known)) {
			if (known > 0 || since == HA_NEVER)
				since = now + known * HA_US;
			break;
		}
		way.n++;
		s.result.healed++;
		if (since != HA_NEVER && now - since >= s.model->settle_stable)
			break;
		if (since == HA_NEVER && now > s.model->settle_within)
			break;
		now += s.model->move(state);
	}
	s.faultless = false;
	if (!s.telling && since != HA_NEVER)
		remember(&way, since);
	return since;
}

static void check_settles(const uint8_t *state, size_t len)
{
	static _Alignas(16) uint8_t healed[STATE_MAX];
	ha_time at;

	assert(s.model->size <= sizeof(healed));
	memcpy(healed, state, len);
	memset(healed + len, 0, s.model->size - len);
	search_tell("        everything is healed");
	s.model->heal(healed);
	at = settle(healed);
	if (s.violated != NULL)
		return;
	if (at == HA_NEVER || at > s.model->settle_within)
		search_violated("settles", "not settled within %lld ms after everything was healed",
				(long long)(s.model->settle_within / HA_MS));
	else if (at > s.result.settle_longest)
		s.result.settle_longest = at;
}

/* ---- the trace ---- */

static void tell_trace(uint32_t id, const struct script *last, bool healed)
{
	static uint32_t path[TRACE];
	static _Alignas(16) uint8_t state[STATE_MAX];
	unsigned n = 0;

	while (id != NO_PARENT && n < TRACE) {
		path[n++] = id;
		id = s.record[id].parent;
	}
	printf("# %s: %s\n", s.violated, s.detail);
	s.telling = true;
	memset(state, 0, s.model->size);
	make_root(state, s.record[path[n - 1]].script.decision[0].value);
	(void)s.model->canonical(state);
	while (n-- > 1) {
		move_by(state, &s.record[path[n - 1]].script);
		(void)s.model->canonical(state);
	}
	s.violated = NULL;
	if (last != NULL)
		move_by(state, last);
	if (healed) {
		size_t len = s.model->canonical(state);

		check_settles(state, len);
	}
	s.telling = false;
}

/* ---- the search ---- */

static void found(const char **violated, bool quiet, uint32_t id, const struct script *last,
		  bool healed)
{
	*violated = s.violated;
	if (!quiet)
		tell_trace(id, last, healed);
	s.violated = *violated;
}

/* A state that is new: it is followed in the next round, if something can still be decided. */
static uint32_t note(uint8_t *state, uint32_t parent, const struct script *script, bool *is_new)
{
	uint8_t key[KEY_LEN];
	size_t len = key_of(state, key);
	uint32_t id;

	*is_new = false;
	if (table_has(&s.known, key, &id))
		return id;
	if (table_full(&s.known)) {
		s.dropped = true;
		return NO_PARENT;
	}
	id = (uint32_t)s.result.states++;
	table_put(&s.known, key, id);
	s.record[id] = (struct record){parent, *script};
	*is_new = true;
	if (s.model->is_open(state) && !queue_put(&s.next, state, len, id))
		s.dropped = true;
	return id;
}

static bool arrive(uint8_t *state, uint32_t parent, const struct script *script, bool quiet)
{
	bool is_new;
	uint32_t id = note(state, parent, script, &is_new);

	if (!is_new)
		return true;
	check_settles(state, s.model->size);
	if (s.violated == NULL)
		return true;
	found(&s.result.violated, quiet, id, NULL, true);
	return false;
}

static bool follow(const uint8_t *from, size_t len, uint32_t id, bool quiet)
{
	static _Alignas(16) uint8_t state[STATE_MAX];
	struct script script = {0};

	do {
		memcpy(state, from, len);
		memset(state + len, 0, s.model->size - len);
		move_by(state, &script);
		s.result.moves++;
		if (s.violated != NULL) {
			found(&s.result.violated, quiet, id, &script, false);
			return false;
		}
		{
			uint8_t answer[CHOICES], of[CHOICES];
			unsigned asked = s.asked;
			bool goes_on;

			memcpy(answer, s.answer, asked);
			memcpy(of, s.of, asked);
			goes_on = arrive(state, id, &script, quiet);
			memcpy(s.answer, answer, asked);
			memcpy(s.of, of, asked);
			s.asked = asked;
			if (!goes_on)
				return false;
		}
	} while (next_script(&script));
	return true;
}

static bool start(bool quiet)
{
	static _Alignas(16) uint8_t state[STATE_MAX];

	for (unsigned i = 0; i < s.model->roots; i++) {
		struct script script = {.n = 1, .decision[0].value = (uint8_t)i};

		memset(state, 0, s.model->size);
		make_root(state, i);
		if (s.violated != NULL) {
			s.result.violated = s.violated;
			return false;
		}
		if (!arrive(state, NO_PARENT, &script, quiet))
			return false;
	}
	return true;
}

static void rounds(bool quiet)
{
	static _Alignas(16) uint8_t state[STATE_MAX];
	size_t len;
	uint32_t id;

	while (s.next.end > 0) {
		struct queue q = s.queue;

		s.queue = s.next;
		s.next = q;
		while (queue_get(&s.queue, state, &len, &id))
			if (!follow(state, len, id, quiet))
				return;
		s.result.depth++;
	}
}

void search_run(const struct search_model *model, const struct search_limit *limit, bool quiet,
		struct search_result *out)
{
	memset(&s, 0, sizeof(s));
	assert(model->size <= STATE_MAX);
	s.model = model;
	table_open(&s.known, limit->states);
	table_open(&s.ways, 2 * limit->states);
	s.record = allocate(s.known.capacity, sizeof(*s.record));
	s.queue.size = s.next.size = limit->frontier / 2;
	s.queue.bytes = allocate(s.queue.size, 1);
	s.next.bytes = allocate(s.next.size, 1);
	if (start(quiet))
		rounds(quiet);
	s.result.complete = !s.dropped && s.result.violated == NULL;
	*out = s.result;
	free(s.known.slot);
	free(s.ways.slot);
	free(s.record);
	free(s.queue.bytes);
	free(s.next.bytes);
}
