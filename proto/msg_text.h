/* msg_text.h - text in a message: a fixed field of UTF-8 without control characters, padded with zeros (SPEC 3.R3).
 *
 * field is its length on the wire. In memory a text has one byte more, for its end.
 */
#ifndef HA_PROTO_MSG_TEXT_H
#define HA_PROTO_MSG_TEXT_H

#include "proto/cursor.h"

/* Is it such text, with its end within field + 1 bytes? */
bool msg_text_valid(const char *text, size_t field);

/* Fails if the text has no end within field + 1 bytes. What it is made of is not judged. */
void msg_text_put(struct cursor_writer *, const char *text, size_t field);

/* Reads it into text, field + 1 bytes. False: it is no such text, or something other than zeros follows it. */
bool msg_text_get(struct cursor_reader *, char *text, size_t field);

#endif
