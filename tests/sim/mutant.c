/* mutant.c - see mutant.h. */
#include "tests/sim/world.h"

static const struct {
	const char *name;
	enum invariant breaks;
} mutants[MUTANT_N] = {
	[MUTANT_NONE] = {"none", INV_NONE},
	[MUTANT_ANNOUNCE_EARLY] = {"announces before it has the address", INV_ANNOUNCED},
	[MUTANT_DEAF_TO_CLAIMS] = {"does not see that the peer holds", INV_DUAL},
	[MUTANT_UNREADABLE] = {"finds its record unreadable at every start", INV_HEALED},
	[MUTANT_NEVER_SURE] = {"counts unanswered probes anew all the time", INV_NOBODY},
	[MUTANT_WHOLE_AT_ONCE] = {"takes a copy that has just begun for a whole one",
				  INV_FIRST_SYNC},
	[MUTANT_FORGETS_TERM] = {"starts with an old term", INV_TERM},
	[MUTANT_HALF_COMMIT] = {"writes half of a generation", INV_PARTIAL},
	[MUTANT_LAZY_DISK] = {"does not sync what it commits", INV_BARRIER},
	[MUTANT_SPINS] = {"is woken for what has passed", INV_SPIN},
	[MUTANT_FLOODS] = {"probes without end", INV_ACTIONS},
	[MUTANT_MUTE] = {"never announces", INV_SWITCH},
	[MUTANT_SAME_ADDRESSES] = {"keeps the virtual IPs that it had", INV_ADDRESSES},
};

const char *mutant_name(enum mutant m)
{
	return m < MUTANT_N ? mutants[m].name : "?";
}

enum invariant mutant_breaks(enum mutant m)
{
	return m < MUTANT_N ? mutants[m].breaks : INV_NONE;
}

void mutant_config(const struct world *w, struct node_config *config)
{
	if (w->mutant == MUTANT_UNREADABLE)
		config->store_ok = false;
	if (w->mutant == MUTANT_FORGETS_TERM) {
		config->term = config->held_term = 2;
		config->reserved = 0;
	}
}

void mutant_event(const struct world *w, struct node_event *ev)
{
	if (w->mutant == MUTANT_DEAF_TO_CLAIMS && ev->type == EV_HEARTBEAT)
		ev->heartbeat.claim = HA_CLAIM_NONE;
	if (w->mutant == MUTANT_SAME_ADDRESSES && ev->type == EV_ADDRESSES)
		ev->type = EV_TIMER;
}

static struct node_action *add(struct node_actions *out, enum node_action_type type)
{
	struct node_action *a = &out->a[out->n++];

	*a = (struct node_action){.type = type};
	return a;
}

static void announce_early(const struct node *n, struct node_actions *out)
{
	for (unsigned k = 0; k < out->n; k++)
		if (out->a[k].type == ACT_HOLD && n->lease.on == 0) {
			struct node_action *a = add(out, ACT_ANNOUNCE);

			a->mask = 3;
			a->arp = true;
			return;
		}
}

static void drop(struct node_actions *out, enum node_action_type type)
{
	unsigned kept = 0;

	for (unsigned k = 0; k < out->n; k++)
		if (out->a[k].type != type)
			out->a[kept++] = out->a[k];
	out->n = kept;
}

void mutant_step(const struct world *w, int i, struct node *n, struct node_actions *out)
{
	switch (w->mutant) {
	case MUTANT_ANNOUNCE_EARLY:
		announce_early(n, out);
		break;
	case MUTANT_NEVER_SURE:
		n->probe.n = 0;
		break;
	case MUTANT_WHOLE_AT_ONCE:
		n->whole_copy = true;
		break;
	case MUTANT_SPINS:
		if (i == B && n->state == HA_ACTIVE)
			n->deadline = n->now;
		break;
	case MUTANT_FLOODS:
		for (unsigned k = 0; k < 12 && n->probe.n == 2; k++)
			add(out, ACT_PROBE)->address = *world_vip(0);
		break;
	case MUTANT_MUTE:
		drop(out, ACT_ANNOUNCE);
		break;
	default:
		break;
	}
}
