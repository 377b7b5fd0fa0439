#include "agent/second.h"

static void begin(struct second *s, ha_time heard)
{
	s->last = heard < s->until + HA_SEC ? s->now : (struct second_figures){.heard = false};
	s->now = (struct second_figures){.heard = false};
	s->until = heard - heard % HA_SEC + HA_SEC;
}

void second_note(struct second *s, ha_time heard, ha_time gap, ha_time rtt)
{
	if (heard >= s->until)
		begin(s, heard);
	s->now.heard = true;
	if (gap > s->now.gap)
		s->now.gap = gap;
	if (rtt > s->now.rtt)
		s->now.rtt = rtt;
}

struct second_figures second_last(const struct second *s, ha_time now)
{
	if (now < s->until)
		return s->last;
	return now < s->until + HA_SEC ? s->now : (struct second_figures){.heard = false};
}
