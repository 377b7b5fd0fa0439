/* hold.c - see hold.h. */
#include "agent/hold.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>

void hold_init(struct hold *hold, const struct hold_kernel *kernel)
{
	*hold = (struct hold){.kernel = kernel, .deadline = HA_NEVER};
}

static ha_time clock_of(const struct hold *hold)
{
	return hold->kernel->now(hold->kernel->arg);
}

static bool answer_dropped(uint64_t lease, enum ipc_lease_cause cause, struct ipc_message *answer)
{
	*answer = (struct ipc_message){.type = IPC_LEASE};
	answer->u.lease.lease = lease;
	answer->u.lease.status = LEASE_DROPPED;
	answer->u.lease.cause = (uint8_t)cause;
	return true;
}

static bool answer_failed(uint64_t lease, int error, struct ipc_message *answer)
{
	*answer = (struct ipc_message){.type = IPC_LEASE, .error = error};
	answer->u.lease.lease = lease;
	answer->u.lease.status = LEASE_FAILED;
	return true;
}

/* error: of an address that would not come on while others did. */
static bool answer_held(struct hold *hold, int error, struct ipc_message *answer)
{
	hold->told = hold->kernel->on(hold->kernel->arg);
	*answer = (struct ipc_message){.type = IPC_LEASE, .error = error};
	answer->u.lease.lease = hold->lease;
	answer->u.lease.deadline = hold->deadline;
	answer->u.lease.on = hold->told;
	answer->u.lease.status = LEASE_HELD;
	return true;
}

static void end_lease(struct hold *hold, uint64_t lease)
{
	if (lease > hold->ended)
		hold->ended = lease;
	hold->lease = 0;
	hold->deadline = HA_NEVER;
	hold->missing = 0;
	hold->refused = 0;
}

/* Silence first: the fence is fast, and waits for nobody. */
static int take_off(struct hold *hold)
{
	hold->kernel->fence_shut(hold->kernel->arg);
	return hold->kernel->remove(hold->kernel->arg);
}

/* Takes the addresses off. The answer is due when the kernel has confirmed it. */
static bool clear(struct hold *hold, uint64_t lease, uint8_t cause, struct ipc_message *answer)
{
	if (take_off(hold) == 0) {
		hold->leaving = 0;
		return cause != 0 && answer_dropped(lease, (enum ipc_lease_cause)cause, answer);
	}
	hold->leaving = lease;
	hold->leaving_cause = cause;
	hold->retry_at = clock_of(hold) + HOLD_RETRY_EVERY;
	return false;
}

static bool drop(struct hold *hold, uint64_t lease, enum ipc_lease_cause cause,
		 struct ipc_message *answer)
{
	end_lease(hold, lease);
	return clear(hold, lease, (uint8_t)cause, answer);
}

static bool expired(const struct hold *hold)
{
	return hold->lease != 0 && clock_of(hold) >= hold->deadline;
}

/* Opens the fence for what is left. Again if that took long, since then it would close too late.
 * 0, -ETIME if nothing is left, or the kernel's error. */
static int open_fence(struct hold *hold)
{
	int error = 0;

	for (unsigned i = 0; i < HOLD_FENCE_TRIES && error == 0; i++) {
		ha_time now = clock_of(hold), left = (hold->deadline - now) / HA_MS;

		if (left < 1)
			return -ETIME;
		error = hold->kernel->fence_hold(hold->kernel->arg,
						 left > INT_MAX ? INT_MAX : (unsigned)left);
		if (clock_of(hold) - now < HA_MS)
			break;
	}
	return error;
}

static int add_addresses(struct hold *hold, uint32_t *acked)
{
	int error = hold->kernel->add(hold->kernel->arg, acked);

	hold->refused = *acked == 0 ? error : 0;
	hold->renew_at = clock_of(hold) + (error == 0 ? HOLD_RENEW_EVERY : HOLD_RETRY_EVERY);
	return error;
}

static bool acquire(struct hold *hold, uint64_t lease, ha_time deadline, struct ipc_message *answer)
{
	uint32_t acked = 0;
	int error;

	if (hold->lease != 0) /* the engine went on to a newer one: the addresses stay */
		end_lease(hold, hold->lease);
	hold->leaving = 0;
	hold->lease = lease;
	hold->deadline = deadline;
	error = open_fence(hold);
	if (error == 0)
		error = add_addresses(hold, &acked);
	if (expired(hold) || error == -ETIME)
		return drop(hold, lease, LEASE_EXPIRED, answer);
	if (error != 0 && acked == 0) {
		/* Not ended: the same lease may be asked for again. */
		hold->lease = 0;
		hold->deadline = HA_NEVER;
		(void)clear(hold, lease, 0, answer);
		return answer_failed(lease, error, answer);
	}
	return answer_held(hold, error, answer);
}

static bool renew(struct hold *hold, ha_time deadline, struct ipc_message *answer)
{
	uint32_t acked = 0;
	int error;

	hold->deadline = deadline;
	error = open_fence(hold);
	if (error == 0 && clock_of(hold) >= hold->renew_at)
		error = add_addresses(hold, &acked);
	if (expired(hold) || error == -ETIME)
		return drop(hold, hold->lease, LEASE_EXPIRED, answer);
	/* What cannot be renewed ends by itself, in the kernel; the engine decides whether to go
	 * on. It hears of it until a renewal succeeds, not only when one is tried. */
	if (error == 0 && acked == 0)
		error = hold->refused;
	return error == 0 || acked != 0 ? answer_held(hold, error, answer)
					: answer_failed(hold->lease, error, answer);
}

bool hold_request(struct hold *hold, uint64_t lease, ha_time deadline, struct ipc_message *answer)
{
	if (lease == 0 || lease <= hold->ended || lease < hold->lease)
		return answer_dropped(lease, LEASE_STALE, answer);
	if (clock_of(hold) >= deadline) {
		if (lease == hold->lease)
			return drop(hold, lease, LEASE_EXPIRED, answer);
		return answer_dropped(lease, LEASE_STALE, answer);
	}
	return lease == hold->lease ? renew(hold, deadline, answer)
				    : acquire(hold, lease, deadline, answer);
}

bool hold_release(struct hold *hold, uint64_t lease, struct ipc_message *answer)
{
	if (lease < hold->lease)
		return answer_dropped(lease, LEASE_STALE, answer);
	if (hold->leaving != 0 && lease == hold->leaving) {
		hold->leaving_cause = LEASE_ASKED;
		return false;
	}
	return drop(hold, lease, LEASE_ASKED, answer);
}

/* Puts back what somebody else deleted: HOLD_RESTORES_MAX at once, then as many in each
 * following second. */
static void restore(struct hold *hold)
{
	ha_time now = clock_of(hold);

	if (now - hold->restore_since >= HA_SEC) {
		hold->restore_since = now;
		hold->restore_n = 0;
	}
	for (unsigned i = 0; i < HA_VIP_MAX; i++) {
		uint32_t bit = UINT32_C(1) << i;

		if ((hold->missing & bit) == 0 || hold->restore_n >= HOLD_RESTORES_MAX)
			continue;
		hold->restore_n++;
		if (hold->kernel->restore(hold->kernel->arg, i) == 0) {
			hold->missing &= ~bit;
			hold->restored++;
		}
	}
}

bool hold_timer(struct hold *hold, struct ipc_message *answer)
{
	if (expired(hold))
		return drop(hold, hold->lease, LEASE_EXPIRED, answer);
	if (hold->leaving != 0 && clock_of(hold) >= hold->retry_at)
		return clear(hold, hold->leaving, hold->leaving_cause, answer);
	if (hold->missing != 0 && clock_of(hold) >= hold->restore_since + HA_SEC) {
		restore(hold);
		if (hold->kernel->on(hold->kernel->arg) != hold->told)
			return answer_held(hold, 0, answer);
	}
	return false;
}

ha_time hold_next(const struct hold *hold)
{
	ha_time next = hold->deadline;

	if (hold->leaving != 0 && hold->retry_at < next)
		next = hold->retry_at;
	if (hold->missing != 0 && hold->restore_since + HA_SEC < next)
		next = hold->restore_since + HA_SEC;
	return next;
}

bool hold_observe(struct hold *hold, unsigned i, bool added, struct ipc_message *answer)
{
	assert(i < HA_VIP_MAX);
	if (hold->lease == 0)
		return false;
	if (added) {
		hold->missing &= ~(UINT32_C(1) << i);
	} else {
		hold->missing |= UINT32_C(1) << i;
		restore(hold);
		if (expired(hold))
			return drop(hold, hold->lease, LEASE_EXPIRED, answer);
	}
	if (hold->kernel->on(hold->kernel->arg) == hold->told)
		return false;
	return answer_held(hold, 0, answer);
}

bool hold_gone(struct hold *hold, struct ipc_message *answer)
{
	return hold->lease != 0 && drop(hold, hold->lease, LEASE_GONE, answer);
}

void hold_withdraw(struct hold *hold)
{
	struct ipc_message unsent;

	if (hold->lease != 0)
		drop(hold, hold->lease, LEASE_ASKED, &unsent);
	else if (hold->leaving != 0)
		clear(hold, hold->leaving, 0, &unsent);
	hold->leaving_cause = 0; /* nobody is to be told */
}

bool hold_adopt(struct hold *hold, ha_time until)
{
	struct ipc_message unsent;

	assert(hold->lease == 0);
	hold->ended = 0;
	(void)acquire(hold, 1, until, &unsent);
	return hold->lease != 0;
}

bool hold_bridge(struct hold *hold, ha_time until)
{
	if (hold->lease == 0 || expired(hold))
		return false;
	hold->lease = 0; /* of the engine that is no more: numbers begin anew */
	return hold_adopt(hold, until);
}

void hold_new_engine(struct hold *hold)
{
	hold_withdraw(hold);
	hold->ended = 0;
}
