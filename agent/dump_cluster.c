/* dump_cluster.c - the part of a dump that is about being, or becoming, one of two. */
#include "agent/dump_json.h"
#include "agent/table.h"

#include "agent/hook.h"

json_t *dump_requirements(const struct dump_view *view)
{
	if (!view->judged)
		return json_array();
	return table_rows(&view->requirement, view->cause, REQUIREMENT_N);
}

json_t *dump_operations(const struct dump_view *view)
{
	json_t *out = json_object();

	for (unsigned i = 0; view->operation != NULL && i < DUMP_OPERATIONS_N; i++) {
		const struct dump_operation *operation = &view->operation[i];
		json_t *one = json_object();

		put_bool(one, "allowed", operation->allowed);
		put_text(one, "reason", operation->allowed ? "" : operation->reason);
		put(out, operation->name, one);
	}
	return out;
}

json_t *dump_registration(const struct dump_view *view)
{
	const struct dump_registration *registration = &view->registration;
	json_t *out = json_object(), *addresses = json_array(), *first;

	for (unsigned i = 0; i < 2; i++) {
		char text[DUMP_ADDRESS_MAX];

		dump_address(text, &registration->address[i]);
		if (text[0] != '\0')
			json_array_append_new(addresses, json_string(text));
	}
	first = json_array_get(addresses, 0);
	put_bool(out, "allowed", registration->allowed);
	put(out, "address", first != NULL ? json_incref(first) : json_null());
	put(out, "addresses", addresses);
	put_text(out, "reason", registration->reason);
	return out;
}

json_t *dump_suspension(const struct dump_view *view)
{
	const struct node *node = view->node;
	json_t *out = json_object();

	put_bool(out, "suspended", node->suspended);
	if (node->suspended && node->suspended_until != HA_NEVER) {
		put_time(out, "until", view->realtime_ns + node->suspended_until - view->now);
		put(out, "left_s", json_integer((node->suspended_until - view->now) / HA_SEC));
	} else {
		put(out, "until", json_null());
		put(out, "left_s", json_null());
	}
	return out;
}

json_t *dump_checks(const struct dump_view *view)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < view->config->check_n; i++) {
		const struct dump_check *check = &view->check[i];
		bool failed = check->state == CHECK_FAILED;
		json_t *one = json_object();

		put_text(one, "name", view->config->check[i].name);
		put_text(one, "state", check_state_name(check->state));
		put_bool(one, "failing",
			 failed || check->state == CHECK_FAILING ||
				 check->state == CHECK_RECOVERING);
		put_bool(one, "failed", failed);
		put_text(one, "last", command_outcome_name(check->last));
		put(one, "status", json_integer(check->status));
		put_number(one, "attempts", check->attempts);
		put_number(one, "runs", check->runs);
		put_number(one, "bad", check->bad);
		put_number(one, "took_ms", check->took_ms);
		json_array_append_new(list, one);
	}
	return list;
}

/* Those that have run. */
json_t *dump_hooks(const struct dump_view *view)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < HOOK_N; i++) {
		const struct dump_hook *hook = &view->hook[i];
		json_t *one;

		if (hook->outcome == COMMAND_NONE)
			continue;
		one = json_object();
		put_text(one, "name", hook_name((enum hook)i));
		put_text(one, "outcome", command_outcome_name(hook->outcome));
		put(one, "status", json_integer(hook->status));
		put_number(one, "took_ms", hook->took_ms);
		put_number(one, "transition", hook->transition);
		put_text(one, "output", hook->output);
		json_array_append_new(list, one);
	}
	return list;
}

json_t *dump_parting(enum msg_parting why)
{
	static const char *const name[PARTING_N] = {
		[PARTING_DETACHED] = "detached",
		[PARTING_REMOVED] = "removed",
		[PARTING_LEFT] = "left",
	};

	if (why == PARTING_NONE || why >= PARTING_N)
		return json_null();
	return json_string(name[why]);
}

/* Whoever knocked and was refused. */
json_t *dump_strangers(const struct dump_view *view)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < DUMP_STRANGERS_MAX; i++) {
		const struct dump_stranger *stranger = &view->stranger[i];
		json_t *one;

		if (stranger->heard < 0)
			continue;
		one = json_object();
		put_fingerprint(one, "fingerprint", stranger->key);
		put_text(one, "name", stranger->name);
		put_text(one, "why",
			 stranger->former == PARTING_NONE       ? "not a member of this pair"
			 : stranger->former == PARTING_DETACHED ? "detached from the pair"
								: "removed from the pair");
		put_ago(one, "last_heard_ms", stranger->heard, view->now);
		json_array_append_new(list, one);
	}
	return list;
}

static void degraded_add(json_t *list, bool condition, const char *text)
{
	if (condition)
		json_array_append_new(list, json_string(text));
}

/* What keeps the pair from being whole, in words. */
json_t *dump_degraded_reasons(const struct dump_view *view)
{
	const struct node *node = view->node;
	json_t *list = json_array();
	bool peer = node_peer_audible(node, view->now);

	degraded_add(list, node->config.paired && !peer, "the other appliance is not heard");
	for (int i = 0; peer && i < HA_PATH_N; i++)
		degraded_add(list, !node_path_audible(node, (enum ha_path)i, view->now),
			     i == HA_PATH_LINK ? "the link is silent"
					       : "the management path is silent");
	degraded_add(list, peer && node->lease.wanted && !node_peer_ready(node, view->now),
		     "the passive appliance is not ready to take over");
	degraded_add(list, node->lease.partial_reported, "not every virtual IP address is on");
	degraded_add(list, node->check_failing, "a service check fails");
	degraded_add(list, node->config.paired && node->suspended, "suspended by an operator");
	degraded_add(list, node->config.paired && !node->in_sync, "the settings are not in sync");
	degraded_add(list, view->mismatch, "the two run different versions");
	return list;
}
