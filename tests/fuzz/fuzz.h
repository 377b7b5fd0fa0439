/* fuzz.h - what the fuzzers have in common: bytes that are read as a script, and a check that counts in every build.
 *
 * Each file of this directory is one target of libFuzzer; `make fuzz` runs them, `make check` for a moment. What comes from
 * outside goes in as it is; what is behind a tag or a checksum goes in with a good one, or nothing would ever get past it.
 * Beside the sanitizers each target checks what its code promises: that is where most of its worth is.
 *
 * When the script has ended every read gives zeros, so that any prefix of an input is an input.
 */
#ifndef HA_TESTS_FUZZ_FUZZ_H
#define HA_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FUZZ_CHECK(promise)                                                                        \
	do {                                                                                       \
		if (!(promise)) {                                                                  \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #promise);      \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct script {
	const uint8_t *next;
	size_t left;
};

static inline bool script_ended(const struct script *s)
{
	return s->left == 0;
}

static inline uint8_t script_u8(struct script *s)
{
	if (s->left == 0)
		return 0;
	s->left--;
	return *s->next++;
}

static inline uint64_t script_number(struct script *s, size_t bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | script_u8(s);
	return value;
}

static inline bool script_bool(struct script *s)
{
	return script_u8(s) & 1;
}

static inline uint32_t script_below(struct script *s, uint32_t n)
{
	return (uint32_t)script_number(s, n > 256 ? 2 : 1) % n;
}

static inline void script_bytes(struct script *s, void *out, size_t len)
{
	size_t n = len < s->left ? len : s->left;

	memset(out, 0, len);
	if (n > 0)
		memcpy(out, s->next, n);
	s->next += n;
	s->left -= n;
}

/* What is left, or its first part; in memory of its own size, so that one byte too far is seen. To be freed. */
static inline uint8_t *script_copy(struct script *s, size_t most, size_t *len)
{
	uint8_t *copy;

	*len = s->left < most ? s->left : most;
	copy = malloc(*len > 0 ? *len : 1);
	FUZZ_CHECK(copy != NULL);
	script_bytes(s, copy, *len);
	return copy;
}

#endif
