#include "proto/msg_text.h"

#include <string.h>

/* The text's length, without its end; SIZE_MAX if it has none. */
static size_t text_len(const char *text, size_t field)
{
	const char *end = memchr(text, '\0', field + 1);

	return end != NULL ? (size_t)(end - text) : SIZE_MAX;
}

/* The length of the UTF-8 character at s (RFC 3629 4), or 0 if it is malformed or a control. */
static size_t character_len(const uint8_t *s, size_t left)
{
	uint8_t first = s[0], low = 0x80, high = 0xbf;
	size_t len;

	if (first < 0x80)
		return first >= 0x20 && first != 0x7f;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (len > left)
		return 0;
	switch (first) {
	case 0xc2: /* U+0080 to U+009F: terminals obey them as controls */
	case 0xe0: /* overlong */
		low = 0xa0;
		break;
	case 0xed: /* surrogates */
		high = 0x9f;
		break;
	case 0xf0: /* overlong */
		low = 0x90;
		break;
	case 0xf4: /* beyond U+10FFFF */
		high = 0x8f;
		break;
	}
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

bool msg_text_valid(const char *text, size_t field)
{
	size_t len = text_len(text, field), step;

	if (len > field)
		return false;
	for (size_t at = 0; at < len; at += step) {
		step = character_len((const uint8_t *)text + at, len - at);
		if (step == 0)
			return false;
	}
	return true;
}

void msg_text_put(struct cursor_writer *w, const char *text, size_t field)
{
	size_t len = text_len(text, field);

	if (len > field) {
		w->failed = true;
		return;
	}
	cursor_put_bytes(w, text, len);
	cursor_put_zeros(w, field - len);
}

bool msg_text_get(struct cursor_reader *r, char *text, size_t field)
{
	cursor_get_bytes(r, text, field);
	text[field] = '\0';
	for (size_t at = text_len(text, field); at < field; at++)
		if (text[at] != '\0')
			return false;
	return msg_text_valid(text, field);
}
