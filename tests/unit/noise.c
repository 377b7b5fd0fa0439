/* Noise against published vectors (SPEC 4.1), and what it refuses. */
#include "proto/noise.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

enum {
	MESSAGES = 6,
};

/* Hex, as published: ephemeral keys fixed, every message of the handshake, then transport
 * messages by turns. */
static const struct vector {
	const char *source;
	enum noise_pattern pattern;
	const char *prologue, *psk;
	const char *init_static, *init_ephemeral, *init_remote;
	const char *resp_static, *resp_ephemeral, *resp_remote;
	const char *handshake_hash;
	struct {
		const char *payload, *ciphertext;
	} messages[MESSAGES];
} vectors[] = {
	{
		.source = "cacophony Noise_XX_25519_ChaChaPoly_SHA256",
		.pattern = NOISE_XX,
		.prologue = "4a6f686e2047616c74",
		.init_static = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
		.init_ephemeral =
			"893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
		.resp_static = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
		.resp_ephemeral =
			"bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
		.handshake_hash =
			"c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e",
		.messages =
			{
				{"4c756477696720766f6e204d69736573",
				 "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
				 "4c756477696720766f6e204d69736573"},
				{"4d757272617920526f746862617264",
				 "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
				 "81cbad1f276e038c48378ffce2b65285e08d6b68aaa3629a5a8639392490e5b9"
				 "bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f"
				 "8814c7194e83f23dbd8d162c9326ad"},
				{"462e20412e20486179656b",
				 "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a8"
				 "0ae475b9df0f169ae80a89be0865b57f58c9fea0d4ec82a286427402f113e4b6"
				 "ae769a1d95941d49b25030"},
				{"4361726c204d656e676572",
				 "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df"},
				{"4a65616e2d426170746973746520536179",
				 "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07"
				 "f5"},
				{"457567656e2042f6686d20766f6e2042617765726b",
				 "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3"
				 "a58502ae3f"},
			},
	},
	{
		.source = "cacophony Noise_KKpsk0_25519_ChaChaPoly_SHA256",
		.pattern = NOISE_KKPSK0,
		.prologue = "4a6f686e2047616c74",
		.psk = "54686973206973206d7920417573747269616e20706572737065637469766521",
		.init_static = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
		.init_ephemeral =
			"893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
		.init_remote = "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62",
		.resp_static = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
		.resp_ephemeral =
			"bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
		.resp_remote = "6bc3822a2aa7f4e6981d6538692b3cdf3e6df9eea6ed269eb41d93c22757b75a",
		.handshake_hash =
			"32afcdbb63cf90f25409090bc11f7546c534dfb03f37c1626a0cf758881e746f",
		.messages =
			{
				{"4c756477696720766f6e204d69736573",
				 "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
				 "23f19812300a6051f02195db0722909fc920796814cfc886ab3a8083c66a596"
				 "1"},
				{"4d757272617920526f746862617264",
				 "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
				 "20acfe866b4ede922f007d89dbf507216d6aa8646c7fba098da374b1784d4b"},
				{"462e20412e20486179656b",
				 "d213fdd768eeef05ee236c6d2983b2029bb472567a5831f4ff592c"},
				{"4361726c204d656e676572",
				 "facf98016edcfc2566b16866935329b4da833dcd3bbb4173cf638e"},
				{"4a65616e2d426170746973746520536179",
				 "f46e7b19ebc94d697afc64b7f7d78d9b89276a6fbd438985d68c5d0261f4d4b7"
				 "74"},
				{"457567656e2042f6686d20766f6e2042617765726b",
				 "84119bc1a1a5f97a338c7affb30242cf3111e95c41a07d5e289b160015156a93"
				 "cb70e8e73d"},
			},
	},
	{
		.source = "snow Noise_XX_25519_ChaChaPoly_SHA256",
		.pattern = NOISE_XX,
		.prologue = "5468657265206973206e6f20726967687420616e642077726f6e672e20546865"
			    "72652773206f6e6c792066756e20616e6420626f72696e672e",
		.init_static = "7dec208517a3b81a2861d7a71266d5d6dc944c5a8816634a86fe63198a0148ee",
		.init_ephemeral =
			"a32daf21e93c0131495ce1d903181fde81cc46937daaeb990bae7c992709421e",
		.resp_static = "4d0aed5098e3b4ef20357e9f686ce66204c792b358da2e475017d6c485304881",
		.resp_ephemeral =
			"4eece0f195d026db035ff987597c429d3ad3bcc2944df37d649528951b2a27c5",
		.messages =
			{
				{"d03c489139e645d0711a3c9e810d776b46a84912463fafa87b884eebf242dc34",
				 "f9fa868ba97ab8a2686deccfaad5a484ee10a5bb85e3d1dce015a84797f92818"
				 "d03c489139e645d0711a3c9e810d776b46a84912463fafa87b884eebf242dc3"
				 "4"},
				{"d8190a92f7dc0c93dbea9118ba8055751fb7c6590c416ffbd419964132b99a85",
				 "8c4e6fdb7d09d501a86f7eca5c234522751706ed409182c05cdf5f827d4dae47"
				 "b81c6c5f43b025692c24391eefee725c17d8cb0fbe3e4abb8aedf42c4fd2592d"
				 "4ea48ac08989d6ae8b4adae08b2c34087c808c7aa55a63c02b0fab9e93061233"
				 "6bd43eaea04d3c670a0a146691aa9cc9d357872320dc735dbc48580cffb553d"
				 "b"},
				{"77891b19dcb92ef7c055b672c4a5aa7fdf1c84146b8b303459022729473ce254",
				 "933ca6b5ed60df3df66121f0ab49a09e49efa45c613a86a3cecbf4c535cef2f8"
				 "3f72b42837b18e3572f2fdc2b74c331e2368a545cef54bdca081678ab0e9dd53"
				 "48122459e0c034c851984d88ce610963d43cde6cfe73a67fbd5a63e8bfca96d"
				 "0"},
				{"d7efdf988072881941db045a42882433817555128fbf5663e56081712ec7d212",
				 "54ef0ff0629e1aaa7685a2806ab111cba76b52331f2642276736f415868eacb6"
				 "9ab2577f3bda0cbf72f879685f6ed25f"},
				{"dd7bf01a588bafb52c6cfba952e5d8fe35cc2b3f92b4730ae2474615157345ce",
				 "356be70f110306d5c699bb834bb9d58d909e325924dfbec972e406e6f294dc63"
				 "e1daebefe8a62a334facc8048ab4ad66"},
			},
	},
};

enum {
	VECTORS = sizeof(vectors) / sizeof(vectors[0]),
};

static size_t unhex(const char *hex, uint8_t *out, size_t cap)
{
	size_t len = 0;

	if (hex)
		cr_assert_eq(sodium_hex2bin(out, cap, hex, strlen(hex), NULL, &len, NULL), 0);
	return len;
}

static void check_hex(const uint8_t *got, size_t len, const char *want, const char *what)
{
	char text[2 * NOISE_MESSAGE_MAX + 1];

	cr_assert_leq(len, NOISE_MESSAGE_MAX);
	sodium_bin2hex(text, sizeof(text), got, len);
	cr_assert_str_eq(text, want, "%s: %s, not %s", what, text, want);
}

static void start(const struct vector *v, bool initiator, struct noise *n, uint8_t ephemeral[32])
{
	uint8_t prologue[256], secret[32], remote[32] = {0}, psk[32] = {0};
	size_t len = unhex(v->prologue, prologue, sizeof(prologue));

	unhex(initiator ? v->init_static : v->resp_static, secret, sizeof(secret));
	unhex(initiator ? v->init_remote : v->resp_remote, remote, sizeof(remote));
	unhex(initiator ? v->init_ephemeral : v->resp_ephemeral, ephemeral, 32);
	unhex(v->psk, psk, sizeof(psk));
	noise_init(n, v->pattern, initiator, prologue, len, secret, remote, psk);
}

struct pair {
	struct noise side[2]; /* 0: initiator */
	uint8_t ephemeral[2][32];
};

static void start_pair(const struct vector *v, struct pair *p)
{
	start(v, true, &p->side[0], p->ephemeral[0]);
	start(v, false, &p->side[1], p->ephemeral[1]);
}

/* Brings the pair to just before message `until`. */
static void run_until(struct pair *p, unsigned until)
{
	uint8_t message[NOISE_MESSAGE_MAX], payload[1];
	size_t len, payload_len;

	for (unsigned i = 0; i < until; i++) {
		len = noise_write(&p->side[i % 2], p->ephemeral[i % 2], NULL, 0, message,
				  sizeof(message));
		cr_assert_gt(len, 0);
		cr_assert(noise_read(&p->side[1 - i % 2], message, len, payload, 0, &payload_len));
		cr_assert_eq(payload_len, 0);
	}
}

static unsigned message_n(const struct vector *v)
{
	return v->pattern == NOISE_XX ? 3 : 2;
}

static void check_transport(const struct vector *v, struct pair *p)
{
	uint8_t send[2][32], receive[2][32], extra[2][32];
	uint8_t plain[NOISE_MESSAGE_MAX], sealed[NOISE_MESSAGE_MAX], opened[NOISE_MESSAGE_MAX];
	uint64_t counter[2] = {0, 0};

	for (unsigned i = 0; i < 2; i++)
		noise_split(&p->side[i], send[i], receive[i], extra[i]);
	cr_assert_arr_eq(send[0], receive[1], 32);
	cr_assert_arr_eq(send[1], receive[0], 32);
	cr_assert_arr_eq(extra[0], extra[1], 32);
	cr_assert_arr_neq(extra[0], send[0], 32);
	cr_assert_arr_neq(extra[0], send[1], 32);

	for (unsigned i = message_n(v); i < MESSAGES && v->messages[i].payload; i++) {
		unsigned from = i % 2;
		size_t len = unhex(v->messages[i].payload, plain, sizeof(plain));

		noise_seal(send[from], counter[from], NULL, 0, plain, len, sealed);
		check_hex(sealed, len + NOISE_TAG_LEN, v->messages[i].ciphertext, v->source);
		cr_assert(noise_open(receive[1 - from], counter[from], NULL, 0, sealed,
				     len + NOISE_TAG_LEN, opened));
		cr_assert_arr_eq(opened, plain, len);
		counter[from]++;
	}
}

Test(noise, r1_published_vectors)
{
	uint8_t plain[NOISE_MESSAGE_MAX], message[NOISE_MESSAGE_MAX], got[NOISE_MESSAGE_MAX];
	size_t len, plain_len, got_len;
	struct pair p;

	cr_assert_eq(VECTORS, 3);
	for (size_t v = 0; v < VECTORS; v++) {
		start_pair(&vectors[v], &p);
		for (unsigned i = 0; i < message_n(&vectors[v]); i++) {
			plain_len = unhex(vectors[v].messages[i].payload, plain, sizeof(plain));
			len = noise_write(&p.side[i % 2], p.ephemeral[i % 2], plain, plain_len,
					  message, sizeof(message));
			check_hex(message, len, vectors[v].messages[i].ciphertext,
				  vectors[v].source);
			cr_assert(noise_read(&p.side[1 - i % 2], message, len, got, sizeof(got),
					     &got_len));
			cr_assert_eq(got_len, plain_len);
			cr_assert_arr_eq(got, plain, plain_len);
		}
		cr_assert(noise_done(&p.side[0]) && noise_done(&p.side[1]));
		cr_assert_arr_eq(p.side[0].h, p.side[1].h, 32);
		if (vectors[v].handshake_hash)
			check_hex(p.side[0].h, 32, vectors[v].handshake_hash, vectors[v].source);
		check_transport(&vectors[v], &p);
	}
}

Test(noise, r1_any_changed_byte_fails_some_message_for_ever)
{
	uint8_t message[NOISE_MESSAGE_MAX], payload[1];
	size_t len, payload_len;
	struct pair p;

	/* XX message 1 is a bare key: a changed one shows at message 2 (SPEC 4.2's MAC is there
	 * for that). */
	for (size_t v = 0; v < VECTORS; v++) {
		unsigned first = vectors[v].pattern == NOISE_XX ? 1 : 0;

		for (unsigned step = first; step < message_n(&vectors[v]); step++) {
			struct noise *to = &p.side[1 - step % 2];

			start_pair(&vectors[v], &p);
			run_until(&p, step);
			len = noise_write(&p.side[step % 2], p.ephemeral[step % 2], NULL, 0,
					  message, sizeof(message));
			for (size_t i = 0; i < len; i++) {
				struct noise before = *to;

				message[i] ^= 1;
				cr_assert_not(
					noise_read(to, message, len, payload, 0, &payload_len),
					"message %u, byte %zu", step, i);
				message[i] ^= 1;
				cr_assert_not(
					noise_read(to, message, len, payload, 0, &payload_len),
					"a failed handshake went on");
				*to = before;
			}
			cr_assert(noise_read(to, message, len, payload, 0, &payload_len));
		}
	}
}

Test(noise, r1_every_other_length_is_refused)
{
	uint8_t message[NOISE_MESSAGE_MAX + 1] = {0}, payload[1];
	size_t len, payload_len;
	struct pair p;

	for (size_t v = 0; v < VECTORS; v++) {
		for (unsigned step = 0; step < message_n(&vectors[v]); step++) {
			struct noise *to = &p.side[1 - step % 2];

			start_pair(&vectors[v], &p);
			run_until(&p, step);
			len = noise_write(&p.side[step % 2], p.ephemeral[step % 2], NULL, 0,
					  message, sizeof(message));
			for (size_t l = 0; l <= sizeof(message); l++) {
				struct noise copy = *to;

				if (l != len)
					cr_assert_not(noise_read(&copy, message, l, payload, 0,
								 &payload_len));
			}
		}
	}
}

Test(noise, r1_out_of_turn_and_without_room_nothing_is_written)
{
	uint8_t message[NOISE_MESSAGE_MAX];
	struct pair p;
	size_t len;

	start_pair(&vectors[0], &p);
	cr_assert_eq(noise_write(&p.side[1], p.ephemeral[1], NULL, 0, message, sizeof(message)), 0);
	cr_assert_eq(noise_write(&p.side[0], p.ephemeral[0], NULL, 0, message, 31), 0);
	len = noise_write(&p.side[0], p.ephemeral[0], NULL, 0, message, 32);
	cr_assert_eq(len, 32, "too little room does not spoil the handshake");
	cr_assert_eq(noise_write(&p.side[0], p.ephemeral[0], NULL, 0, message, sizeof(message)), 0);
	start_pair(&vectors[0], &p);
	run_until(&p, 3);
	cr_assert_eq(noise_write(&p.side[1], p.ephemeral[1], NULL, 0, message, sizeof(message)), 0);
}

Test(noise, r3_low_order_keys_are_refused)
{
	/* The points of order 1, 2 and 8, and one that is not canonical. */
	static const char *const low[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	uint8_t key[32], message[NOISE_MESSAGE_MAX] = {0}, payload[1];
	size_t payload_len;
	struct pair p;

	for (size_t i = 0; i < sizeof(low) / sizeof(low[0]); i++) {
		unhex(low[i], key, sizeof(key));

		start_pair(&vectors[0],
			   &p); /* XX: the ephemeral of message 1 meets ee in message 2 */
		cr_assert(noise_read(&p.side[1], key, 32, payload, 0, &payload_len));
		cr_assert_eq(
			noise_write(&p.side[1], p.ephemeral[1], NULL, 0, message, sizeof(message)),
			0);
		cr_assert(p.side[1].failed);

		start_pair(&vectors[1], &p); /* KK: es of message 1 */
		memcpy(message, key, 32);
		cr_assert_not(noise_read(&p.side[1], message, 48, payload, 0, &payload_len));

		start_pair(&vectors[1], &p); /* KK: a low-order static key */
		memcpy(p.side[0].rs, key, 32);
		cr_assert_eq(
			noise_write(&p.side[0], p.ephemeral[0], NULL, 0, message, sizeof(message)),
			0);
	}
}

/* Message 1 of vector 1 (KK), read by a responder that differs in one thing. */
static bool kk_reads(void (*change)(struct vector *))
{
	uint8_t message[NOISE_MESSAGE_MAX], payload[1], ephemeral[32];
	struct vector other = vectors[1];
	struct noise initiator, responder;
	size_t len, payload_len;

	change(&other);
	start(&vectors[1], true, &initiator, ephemeral);
	len = noise_write(&initiator, ephemeral, NULL, 0, message, sizeof(message));
	start(&other, false, &responder, ephemeral);
	return noise_read(&responder, message, len, payload, 0, &payload_len);
}

static void change_nothing(struct vector *v)
{
	(void)v;
}

static void change_prologue(struct vector *v)
{
	v->prologue = "4a6f686e2047616c75";
}

static void change_psk(struct vector *v)
{
	v->psk = v->init_static;
}

static void change_pinned_key(struct vector *v)
{
	v->resp_remote = v->init_remote;
}

Test(noise, r2_r4_kk_needs_the_same_prologue_psk_and_pinned_key)
{
	cr_assert(kk_reads(change_nothing));
	cr_assert_not(kk_reads(change_prologue));
	cr_assert_not(kk_reads(change_psk));
	cr_assert_not(kk_reads(change_pinned_key));
}

Test(noise, r5_open_needs_key_counter_ad_and_every_byte)
{
	uint8_t key[32] = {1}, other[32] = {2}, ad[3] = {1, 2, 3}, sealed[5 + NOISE_TAG_LEN];
	uint8_t out[5];

	noise_seal(key, 7, ad, sizeof(ad), (const uint8_t *)"hello", 5, sealed);
	cr_assert(noise_open(key, 7, ad, sizeof(ad), sealed, sizeof(sealed), out));
	cr_assert_arr_eq(out, "hello", 5);
	cr_assert_not(noise_open(other, 7, ad, sizeof(ad), sealed, sizeof(sealed), out));
	cr_assert_not(noise_open(key, 8, ad, sizeof(ad), sealed, sizeof(sealed), out));
	cr_assert_not(
		noise_open(key, UINT64_C(7) << 32, ad, sizeof(ad), sealed, sizeof(sealed), out));
	cr_assert_not(noise_open(key, 7, ad, 2, sealed, sizeof(sealed), out));
	for (size_t len = 0; len < sizeof(sealed); len++)
		cr_assert_not(noise_open(key, 7, ad, sizeof(ad), sealed, len, out));
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 0x80;
		cr_assert_not(noise_open(key, 7, ad, sizeof(ad), sealed, sizeof(sealed), out));
		sealed[i] ^= 0x80;
	}
}
