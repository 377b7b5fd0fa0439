#include "proto/readdress.h"
#include "proto/lease.h"
#include "proto/reach.h"
#include "proto/step.h"

#include <assert.h>
#include <string.h>

void readdress(struct node *n, const struct node_event *ev)
{
	struct node_readdress *r = &n->readdress;
	size_t size = ev->addresses.n * sizeof(ev->addresses.vip[0]);
	bool same = ev->addresses.n == n->config.vip_n &&
		    memcmp(ev->addresses.vip, n->config.vip, size) == 0;
	bool keeps = n->config.paired || n->mode != HA_MODE_STANDALONE || ev->addresses.n == 0;

	assert(ev->addresses.n <= HA_VIP_MAX);
	if ((same && keeps && !r->pending) || (n->config.paired && ev->addresses.n == 0))
		return;
	r->pending = true;
	r->n = ev->addresses.n;
	memset(r->vip, 0, sizeof(r->vip));
	memcpy(r->vip, ev->addresses.vip, size);
}

/* Without a pair the addresses make the mode. Those that were not held before are taken by the boot rule. */
static void alone(struct node *n, bool again, struct node_actions *out)
{
	enum ha_mode mode = n->config.vip_n > 0 ? HA_MODE_PRIMARY_ACTIVE : HA_MODE_STANDALONE;

	n->dirty |= mode != n->mode;
	n->mode = mode;
	if (mode == HA_MODE_STANDALONE)
		step_state(n, out, HA_ACTIVE, REASON_READDRESSED);
	else if (again && lease_unbroken(n))
		lease_again(n, out);
	else
		step_state(n, out, HA_INITIALIZING, REASON_READDRESSED);
}

static void take_on(struct node *n, struct node_actions *out)
{
	struct node_readdress *r = &n->readdress;
	bool again = r->changing && n->state == HA_ACTIVE && !n->leaving;

	r->pending = r->changing = false;
	n->config.vip_n = r->n;
	memcpy(n->config.vip, r->vip, sizeof(n->config.vip));
	n->probe = (struct node_probe){.answered = -1, .third = -1};
	reach_forget_pair(n);
	n->kick = true;
	step_event_for(n, out, EVENT_VIRTUAL_IP, REASON_READDRESSED, n->config.vip_n);
	if (!n->config.paired)
		alone(n, again, out);
	else if (again)
		lease_again(n, out); /* unless the peer may have taken meanwhile */
}

/* A handover under way goes on: the peer has the same addresses. */
void readdress_follow(struct node *n, struct node_actions *out)
{
	struct node_readdress *r = &n->readdress;

	if (!r->pending)
		return;
	if (n->lease.wanted && !n->handover.giving && !n->leaving) {
		r->changing = true;
		lease_release(n, out);
	} else if (!n->lease.wanted && !n->lease.releasing) {
		take_on(n, out);
	}
}
