#include "agent/loss.h"

void loss_note(struct loss *loss, uint64_t boot, uint64_t number)
{
	uint64_t between;

	if (boot != loss->boot) {
		loss->boot = boot;
		loss->newest = number;
		return;
	}
	if (number <= loss->newest) {
		loss->lost -= loss->lost > 0; /* it was counted when a newer one came */
		return;
	}
	between = number - loss->newest - 1;
	loss->newest = number;
	loss->lost = between > LOSS_MAX - loss->lost ? LOSS_MAX : loss->lost + between;
}
