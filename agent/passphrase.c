#include "agent/passphrase.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum {
	PASSES = 4,
	MEMORY = 64 << 20,
};

static const char salt_of[] = "haagent cluster passphrase";

int passphrase_hash(uint8_t out[HA_KEY_LEN], const char *text)
{
	uint8_t digest[crypto_generichash_BYTES];

	_Static_assert(sizeof(digest) >= crypto_pwhash_SALTBYTES, "enough for the salt");
	if (sodium_init() < 0 ||
	    crypto_generichash(digest, sizeof(digest), (const uint8_t *)salt_of,
			       sizeof(salt_of) - 1, NULL, 0) != 0)
		return -EIO;
	if (crypto_pwhash(out, HA_KEY_LEN, text, strlen(text), digest, PASSES, MEMORY,
			  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return -ENOMEM;
	return 0;
}
