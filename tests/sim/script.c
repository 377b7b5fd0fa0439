/* script.c - see script.h. */
#include "tests/sim/script.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
	HEALED_S = 8,  /* SPEC 5.9: the slowest way back is V1's 3 s and a boot */
	SYNCED_S = 40, /* the slowest retry of the settings is 30 s */
	JOINED_S = 4,
	READDRESSED_S = 14, /* SPEC 5.X4: a follower that has accepted waits for 10 s */
	QUIET_SEEDS = 40,   /* one in so many is long enough for a rekey */
};

static const struct {
	const char *name;
	struct node_timing timing;
} timings[] = {
	{"default", {20 * HA_MS, 100 * HA_MS, 5 * HA_MS, 3 * HA_SEC, 30 * HA_SEC}},
	{"fast", {2 * HA_MS, 8 * HA_MS, 3 * HA_MS, 3 * HA_SEC, 30 * HA_SEC}},
	{"calm", {200 * HA_MS, 1000 * HA_MS, 50 * HA_MS, 3 * HA_SEC, 30 * HA_SEC}},
};

static const char *const deed_names[DEED_N] = {
	[DEED_POWER_OFF] = "power off",
	[DEED_POWER_ON] = "power on",
	[DEED_ENGINE_KILL] = "engine killed",
	[DEED_ENGINE_START] = "engine started",
	[DEED_SYNCER_KILL] = "syncer killed",
	[DEED_SYNCER_START] = "syncer started",
	[DEED_PAUSE] = "engine stopped",
	[DEED_SUSPEND] = "engine and guardian stopped",
	[DEED_GUARDIAN_FAILING] = "addresses refused",
	[DEED_GUARDIAN_SLOW] = "kernel slow",
	[DEED_ADDRESS_DELETED] = "address deleted",
	[DEED_STORE_FAILING] = "disk full",
	[DEED_STORE_SLOW] = "disk slow",
	[DEED_LINK_CARRIER] = "link carrier",
	[DEED_CHECK] = "check",
	[DEED_CUT] = "cut one way",
	[DEED_SPLIT] = "cut",
	[DEED_ISOLATE] = "management cut off",
	[DEED_LOSS] = "loss",
	[DEED_JITTER] = "jitter",
	[DEED_TWICE] = "frames twice",
	[DEED_DELAY] = "delay",
	[DEED_CARRIER] = "carrier",
	[DEED_INTERFACE] = "interface",
	[DEED_SWITCH] = "switch restarts",
	[DEED_STATION_SILENT] = "witness silent",
	[DEED_WORD_LOST] = "its word is lost",
	[DEED_FREEZE] = "frozen with its clock",
	[DEED_GUARDIAN_DEAD] = "guardian dead",
	[DEED_THIRD_PARTY] = "third party claims",
	[DEED_SWAP] = "swap",
	[DEED_SUSPENSION] = "suspend",
	[DEED_SUSPENSION_FOR] = "suspend for a while",
	[DEED_RESUME] = "resume, or other addresses",
	[DEED_DETACH] = "detach",
	[DEED_REMOVE] = "remove",
	[DEED_JOIN] = "join",
	[DEED_FORCE] = "force",
	[DEED_WRITE] = "write",
	[DEED_WRITE_ASIDE] = "write aside",
	[DEED_BARRIER] = "barrier",
	[DEED_SYNC] = "sync",
	[DEED_QUIET] = "quiet",
};

/* --- drawing --- */

static uint64_t draw(uint64_t *state, uint64_t below)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

static enum deed draw_deed(uint64_t *state, bool wires)
{
	uint64_t kind = draw(state, 12);

	if (kind < 2)
		return (enum deed)(DEED_WIRE_N + draw(state, DEED_OPERATOR_N - DEED_WIRE_N));
	if (kind < 5)
		return (enum deed)(DEED_WRITE + draw(state, DEED_QUIET - DEED_WRITE));
	if (wires && kind < 9)
		return (enum deed)(DEED_APPLIANCE_N + draw(state, DEED_WIRE_N - DEED_APPLIANCE_N));
	return (enum deed)draw(state, DEED_APPLIANCE_N);
}

static void draw_one(const struct script *s, uint64_t *state, struct script_deed *d)
{
	ha_time beat = s->timing.heartbeat, dead = s->timing.dead;

	d->what = draw_deed(state, s->wires);
	d->node = (int)draw(state, 2);
	d->path = draw(state, 2) ? HA_PATH_MANAGEMENT : HA_PATH_LINK;
	d->on = draw(state, 2) != 0;
	d->amount = (unsigned)draw(state, 80);
	d->time = (ha_time)draw(state, (uint64_t)(50 * beat));
	switch (draw(state, 8)) {
	case 0: /* long enough for everything to come to rest, now and then */
		d->before = (ha_time)draw(state, 4 * HA_SEC);
		break;
	case 1:
	case 2:
		d->before = (ha_time)draw(state, (uint64_t)(50 * beat));
		break;
	default:
		d->before = (ha_time)draw(state, (uint64_t)(dead / 2));
		break;
	}
}

void script_draw(struct script *s, uint64_t seed, bool sealed)
{
	uint64_t state = seed, t;

	memset(s, 0, sizeof(*s));
	s->seed = seed;
	s->sealed = sealed;
	t = draw(&state, 10);
	t = t == 0 ? 1 : t < 3 ? 2 : 0; /* fast costs ten times as much */
	s->timing = timings[t].timing;
	s->timing_name = timings[t].name;
	s->wires = draw(&state, 2) != 0;
	s->no_witness = draw(&state, 10) == 0;
	s->fresh = draw(&state, 6) == 0;
	for (int i = A; i <= B; i++)
		s->ppm[i] = (int)draw(&state, 401) - 200;
	s->n = 4 + (unsigned)draw(&state, SCRIPT_DEEDS - 4);
	for (unsigned k = 0; k < s->n; k++)
		draw_one(s, &state, &s->deed[k]);
	if (t == 2 && draw(&state, QUIET_SEEDS) == 0)
		s->deed[draw(&state, s->n)].what = DEED_QUIET;
}

int script_tell(const struct script_deed *d, char *out, size_t cap)
{
	return snprintf(out, cap, "+%.3f ms %s: %s, %s, %s, %u, %.3f ms",
			(double)d->before / (double)HA_MS, deed_names[d->what], world_name(d->node),
			ha_path_name(d->path), d->on ? "on" : "off", d->amount,
			(double)d->time / (double)HA_MS);
}

/* --- doing --- */

static void appliance(struct world *w, const struct script_deed *d)
{
	struct world_node *n = &w->n[d->node];

	switch (d->what) {
	case DEED_POWER_OFF:
		world_power_off(w, d->node);
		break;
	case DEED_POWER_ON:
		world_power_on(w, d->node);
		break;
	case DEED_ENGINE_KILL:
		world_engine_kill(w, d->node);
		break;
	case DEED_ENGINE_START:
		world_engine_start(w, d->node);
		break;
	case DEED_SYNCER_KILL:
		mirror_stop(w, d->node);
		break;
	case DEED_SYNCER_START:
		if (n->powered && n->running)
			mirror_start(w, d->node);
		break;
	case DEED_PAUSE:
		world_pause(w, d->node, d->time);
		break;
	case DEED_SUSPEND:
		world_suspend(w, d->node, d->time);
		break;
	case DEED_GUARDIAN_FAILING:
		n->guardian.failing = d->on;
		break;
	case DEED_GUARDIAN_SLOW:
		n->guardian.slow = d->on ? d->time / 40 : 0;
		break;
	case DEED_ADDRESS_DELETED:
		world_delete_address(w, d->node, d->amount % WORLD_VIPS);
		break;
	case DEED_STORE_FAILING:
		n->store.failing = d->on;
		break;
	case DEED_STORE_SLOW:
		n->store.delay = d->on ? 2 * HA_MS + d->time / 2 : 2 * HA_MS;
		break;
	case DEED_LINK_CARRIER:
		world_carrier(w, d->node, HA_PATH_LINK, n->powered && d->on);
		break;
	default:
		if (n->running)
			world_checks(w, d->node, d->on, d->on && d->amount % 3 == 0);
		break;
	}
}

static void wire(struct world *w, const struct script_deed *d)
{
	struct world_node *n = &w->n[d->node];

	switch (d->what) {
	case DEED_CUT:
		world_cut(w, d->path, d->node, 1 - d->node, d->on);
		break;
	case DEED_SPLIT:
		world_split(w, d->path, d->on);
		break;
	case DEED_ISOLATE:
		world_isolate(w, d->node, d->on);
		break;
	case DEED_LOSS:
		world_loss(w, d->on ? d->amount : 0);
		break;
	case DEED_JITTER:
		world_jitter(w, d->path, d->on ? d->time / 10 : 0);
		break;
	case DEED_TWICE:
		world_twice(w, d->path, d->on ? d->amount : 0);
		break;
	case DEED_DELAY:
		w->wire[d->path][d->node][1 - d->node].delay =
			d->on ? 50 * HA_US + d->time / 20 : 50 * HA_US;
		break;
	case DEED_CARRIER:
		world_carrier(w, d->node, d->path, n->powered && d->on);
		break;
	case DEED_INTERFACE:
		if (n->powered)
			world_interface(w, d->node, d->on);
		break;
	case DEED_SWITCH:
		world_switch_restart(w);
		break;
	case DEED_STATION_SILENT:
		w->station_silent = d->on;
		break;
	case DEED_WORD_LOST:
		n->resigned_lost = d->on;
		n->taking_lost = d->amount % 2 != 0;
		break;
	case DEED_FREEZE:
		world_freeze(w, d->node, d->time);
		break;
	case DEED_GUARDIAN_DEAD:
		n->guardian.dead = d->on;
		break;
	default:
		w->third_party = d->on;
		break;
	}
}

static void rejoin(struct world *w)
{
	int holder = world_holder(w);

	if (w->n[A].store.paired || w->n[B].store.paired || holder < 0 || !w->n[A].running ||
	    !w->n[B].running || w->now < w->n[A].blocked_until || w->now < w->n[B].blocked_until)
		return;
	world_join(w, holder);
}

static void operate(struct world *w, const struct script_deed *d)
{
	if (!w->n[d->node].running)
		return;
	switch (d->what) {
	case DEED_SWAP:
		world_operator(w, d->node, OP_SWAP, 1);
		break;
	case DEED_SUSPENSION:
		world_operator(w, d->node, OP_SUSPEND, 2);
		break;
	case DEED_SUSPENSION_FOR:
		world_suspend_for(w, d->node, 2 * d->time, 3);
		break;
	case DEED_RESUME: /* half of them, so that seeds from before stay what they are */
		if (d->amount % 2 == 0)
			world_operator(w, d->node, OP_RESUME, 4);
		else
			world_readdress(w, d->node);
		break;
	case DEED_DETACH:
		if (d->amount % 3 == 0)
			world_detach(w, d->node);
		break;
	case DEED_REMOVE: /* at both ends of a cut it would be one pair of holders: two appliances that never meet again */
		if (d->amount % 3 == 0 && w->n[1 - d->node].store.paired)
			world_remove(w, d->node);
		break;
	case DEED_JOIN:
		rejoin(w);
		break;
	default: /* an operator who says "the other one is dead": true, or there are two */
		if (w->n[d->node].store.paired && !w->n[1 - d->node].powered)
			world_operator(w, d->node, OP_FORCE, 5);
		break;
	}
}

static void edit(struct world *w, const struct script_deed *d)
{
	int holder = world_holder(w) == NOBODY ? d->node : world_holder(w);

	if (holder == BOTH)
		holder = d->node;
	switch (d->what) {
	case DEED_WRITE:
		mirror_change(w, holder, d->amount % MIRROR_CELLS);
		break;
	case DEED_WRITE_ASIDE:
		if (d->amount % 8 == 0)
			mirror_change(w, d->node, d->amount % MIRROR_CELLS);
		break;
	case DEED_BARRIER:
		mirror_change(w, holder, d->amount % MIRROR_CELLS);
		mirror_barrier(w, holder, false);
		break;
	case DEED_SYNC:
		mirror_barrier(w, d->node, true);
		break;
	default:
		world_run(w, HA_SEC * 3600 + (ha_time)d->amount * 30 * HA_SEC);
		break;
	}
}

static void carry_out(struct world *w, const struct script_deed *d)
{
	if (d->what < DEED_APPLIANCE_N)
		appliance(w, d);
	else if (d->what < DEED_WIRE_N)
		wire(w, d);
	else if (d->what < DEED_OPERATOR_N)
		operate(w, d);
	else
		edit(w, d);
	world_check_holders(w);
}

/* --- healing --- */

static void heal(struct world *w)
{
	ha_time wait = 0;

	for (int i = A; i <= B; i++) {
		ha_time blocked = w->n[i].blocked_until - w->now;
		ha_time guardian = w->n[i].guardian.blocked_until - w->now;

		wait = blocked > wait ? blocked : wait;
		wait = guardian > wait ? guardian : wait;
	}
	world_run(w, wait + HA_MS);
	world_tell(w, "(healed)");
	world_heal(w);
	for (int i = A; i <= B; i++) {
		if (!w->n[i].powered)
			world_power_on(w, i);
		world_engine_start(w, i);
		mirror_start(w, i);
	}
	for (int i = A; i <= B; i++)
		world_check(w, i, true);
	world_run(w, HA_SEC);
	for (int i = A; i <= B; i++)
		world_operator(w, i, OP_RESUME, 9);
}

/* Who is to hold now that everything is whole: of a pair either, else the one that kept it. If two removed each other
 * in the same moment the other finds it taken. */
static void check_settled(struct world *w)
{
	int holder = world_holder(w), keeper = NOBODY;

	if (w->n[A].store.paired != w->n[B].store.paired)
		world_broken(w, INV_HEALED, "one of them does not know that the pair has ended");
	for (int i = A; i <= B; i++)
		if (!w->n[i].store.paired && w->n[i].node.mode == HA_MODE_PRIMARY_ACTIVE)
			keeper = keeper == NOBODY ? i : BOTH;
	if (w->n[A].store.paired || keeper == BOTH ? holder < 0 : holder != keeper)
		world_broken(w, INV_HEALED, "not one holder after everything was healed");
}

/* A pair that has ended is made anew. */
static void join_again(struct world *w)
{
	int holder = world_holder(w);

	if (w->n[A].store.paired)
		return;
	if (holder == NOBODY) {
		world_operator(w, A, OP_FORCE, 10);
		world_run(w, HA_SEC);
		holder = world_holder(w);
	}
	if (holder < 0)
		world_broken(w, INV_HEALED, "nobody to join");
	world_join(w, holder);
	world_run(w, JOINED_S * HA_SEC);
	if (world_holder(w) != holder)
		world_broken(w, INV_HEALED, "the new pair has another holder");
}

static bool in_sync(const struct world *w)
{
	for (int i = A; i <= B; i++)
		if (!w->n[i].node.whole_copy || !w->n[i].node.in_sync)
			return false;
	return mirror_same(w);
}

static void converge(struct world *w)
{
	heal(w);
	world_run(w, HEALED_S * HA_SEC);
	check_settled(w);
	w->dual_allowed = false;
	world_run(w, HA_SEC);
	if (w->now - w->held_at < HA_SEC)
		world_broken(w, INV_HEALED, "the holder still changes after everything was healed");
	join_again(w);
	for (unsigned s = 0; s < SYNCED_S && !in_sync(w); s++) {
		if (s % 4 == 0 &&
		    world_holder(w) >= 0) /* what nobody watched is found by a compare */
			mirror_barrier(w, world_holder(w), true);
		world_run(w, HA_SEC);
	}
	for (unsigned s = 0; s < READDRESSED_S && !world_lists_same(w); s++)
		world_run(w, HA_SEC);
	if (!world_lists_same(w))
		world_broken(w, INV_ADDRESSES, "not the same virtual IPs everywhere");
	if (w->pairs == 1 && world_list(w, A) < w->list_done)
		world_broken(w, INV_ADDRESSES, "virtual IPs that were set are lost");
	mirror_settled(w);
	if (!in_sync(w))
		world_broken(w, INV_HEALED, "the copy is not whole after everything was healed");
}

/* --- a run --- */

static void begin(const struct script *s, enum mutant mutant, struct world *w,
		  struct world_catch *catch)
{
	world_init(w, s->seed);
	w->catch = catch;
	w->timing = s->timing;
	w->sealed = s->sealed;
	w->mirrored = w->watched = true;
	w->mutant = mutant;
	w->no_witness = s->no_witness;
	w->dual_allowed = s->wires;
	mirror_init(w);
	for (int i = A; i <= B; i++) {
		w->n[i].ppm = s->ppm[i];
		w->n[i].guardian.ticks = true;
	}
	world_sealed_keys(w, 1);
	for (int i = A; i <= B && s->fresh; i++) {
		w->n[i].store.paired = false;
		w->n[i].store.disk.mode = i == A ? HA_MODE_PRIMARY_ACTIVE : HA_MODE_STANDALONE;
	}
	world_power_on(w, A);
	world_power_on(w, B);
	world_run(w, 4 * HA_SEC);
	if (s->fresh)
		world_join(w, A);
}

static void play(const struct script *s, uint32_t deeds, struct world *w)
{
	for (unsigned k = 0; k < s->n; k++) {
		char line[128];

		world_run(w, s->deed[k].before);
		if (!(deeds >> k & 1))
			continue;
		script_tell(&s->deed[k], line, sizeof(line));
		world_tell(w, "-- %s", line);
		carry_out(w, &s->deed[k]);
	}
	converge(w);
}

static struct world_catch catch;

/* An assertion of the code is a violation like any other: the seed is what counts. */
static void on_abort(int signal)
{
	(void)signal;
	catch.broken = INV_ASSERT;
	memcpy(catch.what, "assert: see above", sizeof("assert: see above"));
	longjmp(catch.jump, 1);
}

void script_run(const struct script *s, uint32_t deeds, enum mutant mutant, struct world *w,
		struct script_result *out)
{
	struct sigaction caught = {.sa_handler = on_abort, .sa_flags = SA_NODEFER}, before;

	memset(out, 0, sizeof(*out));
	memset(&catch, 0, sizeof(catch));
	sigaction(SIGABRT, &caught, &before);
	if (setjmp(catch.jump) == 0) {
		begin(s, mutant, w, &catch);
		play(s, deeds, w);
	}
	sigaction(SIGABRT, &before, NULL);
	w->catch = NULL;
	out->broken = catch.broken;
	memcpy(out->what, catch.what, sizeof(out->what));
	out->simulated = w->now;
	out->hash = w->hash;
	out->dual = w->dual;
	for (int i = A; i <= B; i++) {
		out->steps += w->n[i].steps;
		out->takeovers += w->n[i].promotions;
	}
	out->generations = w->past.made;
	out->commits = w->past.committed;
	out->barriers = w->past.acknowledged;
}
