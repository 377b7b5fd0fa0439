#include "proto/replay.h"

/* The ring's words are reused as the window moves on: a word is cleared when the newest counter
 * enters it. */
static void advance(struct replay *r, uint64_t counter)
{
	uint64_t newest = r->next == 0 ? 0 : (r->next - 1) / 64;
	uint64_t steps = counter / 64 - newest;

	if (steps > REPLAY_WORDS)
		steps = REPLAY_WORDS;
	for (uint64_t i = 1; i <= steps; i++)
		r->bitmap[(newest + i) % REPLAY_WORDS] = 0;
	r->next = counter + 1;
}

bool replay_accept(struct replay *r, uint64_t counter)
{
	uint64_t *word = &r->bitmap[counter / 64 % REPLAY_WORDS];
	uint64_t bit = UINT64_C(1) << (counter % 64);

	if (counter == UINT64_MAX) /* has no next */
		return false;
	if (counter >= r->next)
		advance(r, counter);
	else if (r->next - 1 - counter > REPLAY_WINDOW)
		return false;
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}
