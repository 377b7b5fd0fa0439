#include "proto/drop.h"

#include <stddef.h>

const char *drop_name(enum ha_drop drop)
{
	static const char *const names[DROP_N] = {
		[DROP_NONE] = "none",
		[DROP_TRUNCATED] = "truncated",
		[DROP_OVERSIZED] = "oversized",
		[DROP_BAD_VERSION] = "bad_version",
		[DROP_BAD_TYPE] = "bad_type",
		[DROP_BAD_PATH] = "bad_path",
		[DROP_BAD_LENGTH] = "bad_length",
		[DROP_OWN_ECHO] = "own_echo",
		[DROP_UNPAIRED] = "unpaired",
		[DROP_UNKNOWN_INDEX] = "unknown_index",
		[DROP_BAD_TAG] = "bad_tag",
		[DROP_REPLAY] = "replay",
		[DROP_BAD_HANDSHAKE] = "bad_handshake",
		[DROP_STALE_HANDSHAKE] = "stale_handshake",
		[DROP_WRONG_PEER] = "wrong_peer",
		[DROP_RATE_LIMIT] = "rate_limit",
		[DROP_RELAYED] = "relayed",
		[DROP_BAD_VALUE] = "bad_value",
	};

	return (size_t)drop < DROP_N ? names[drop] : "?";
}
