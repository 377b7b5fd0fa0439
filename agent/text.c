/* text.c - see text.h. */
#include "agent/text.h"

#include <assert.h>
#include <string.h>

size_t text_character(const char *s, size_t left)
{
	const unsigned char *c = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (left == 0)
		return 0;
	if (c[0] < 0x80)
		return c[0] >= 0x20 && c[0] != 0x7f;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	len = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
	if (len > left)
		return 0;
	if (c[0] == 0xc2 || c[0] == 0xe0) /* a control; overlong */
		low = 0xa0;
	else if (c[0] == 0xed) /* surrogates */
		high = 0x9f;
	else if (c[0] == 0xf0) /* overlong */
		low = 0x90;
	else if (c[0] == 0xf4) /* beyond U+10FFFF */
		high = 0x8f;
	if (c[1] < low || c[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

bool text_valid(const char *s, size_t cap)
{
	const char *end = memchr(s, '\0', cap);
	size_t step;

	for (; end != NULL && s < end; s += step) {
		step = text_character(s, (size_t)(end - s));
		if (step == 0)
			return false;
	}
	return end != NULL;
}

/* The next piece of s from *at on, a character or a space for a run of what is none. */
static const char *text_next(const char *s, size_t len, size_t *at, size_t *step)
{
	const char *piece = s + *at;

	*step = text_character(piece, len - *at);
	if (*step > 0 && *piece != ' ') {
		*at += *step;
		return piece;
	}
	while (*at < len && (s[*at] == ' ' || text_character(s + *at, len - *at) == 0))
		++*at;
	*step = 1;
	return " ";
}

/* Bytes of the whole, made fit; what is behind the first `skip` of them is copied as far as there is room. */
static size_t text_fit(char *out, size_t cap, size_t skip, const char *s, size_t len)
{
	size_t all = 0, n = 0, at = 0, step;
	bool full = false;

	while (at < len) {
		const char *piece = text_next(s, len, &at, &step);

		if (*piece == ' ' && (all == 0 || at == len))
			continue;
		full |= all >= skip && n + step >= cap;
		if (all >= skip && !full && (n > 0 || *piece != ' ')) {
			memcpy(out + n, piece, step);
			n += step;
		}
		all += step;
	}
	if (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return all;
}

void text_head(char *out, size_t cap, const char *s, size_t len)
{
	assert(cap >= 1);
	(void)text_fit(out, cap, 0, s, len);
}

void text_tail(char *out, size_t cap, const char *s, size_t len)
{
	size_t all;

	assert(cap >= 1);
	all = text_fit(out, cap, 0, s, len);
	if (all >= cap)
		(void)text_fit(out, cap, all - (cap - 1), s, len);
}
