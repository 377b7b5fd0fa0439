/* text.h - text that others wrote, made fit to be kept and shown: well-formed UTF-8 (RFC 3629) without control
 * characters, those of ISO 6429 (U+0080 to U+009F) included, for a terminal would act on them.
 */
#ifndef HA_AGENT_TEXT_H
#define HA_AGENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at s, which has left bytes; 0: it is malformed, or a control. */
size_t text_character(const char *s, size_t left);

/* Is it such text, with its end within cap bytes? */
bool text_valid(const char *s, size_t cap);

/* Copies len bytes on one line: each run of what is no such text, or blank, becomes one space, and none stands
 * at either end. What does not fit is left out in front, by whole characters. out is NUL-terminated; cap >= 1. */
void text_tail(char *out, size_t cap, const char *s, size_t len);

/* The same, but what does not fit is left out at the end. */
void text_head(char *out, size_t cap, const char *s, size_t len);

#endif
