#include "agent/config_parse.h"

#include <assert.h>
#include <pwd.h>
#include <string.h>

static bool is_user(const char *name)
{
	/* What the title of a section may be is seen by the scan; what a name of a user is, here. */
	return *name != '\0' && *name != '-' && strpbrk(name, "/:,") == NULL &&
	       strlen(name) < CONTROL_USER_MAX;
}

/* The operator of that name; a new one may do nothing yet. */
void config_operator_select(struct config_draft *d, const char *user, int line)
{
	struct config *c = &d->config;

	for (unsigned i = 0; i < c->operator_n; i++) {
		d->operator= & c->operator[i];
		if (strcmp(d->operator->user, user) == 0)
			return;
	}
	if (!is_user(user))
		config_mistake(d, line, "section 'operator': '%s' is no name of a user", user);
	else if (strcmp(user, "root") == 0)
		config_mistake(d, line, "section 'operator': root may do everything as it is");
	d->operator= c->operator_n<CONTROL_OPERATORS_MAX ? &c->operator[c->operator_n++]
	    : & d->spare_operator;
	*d->operator=(struct control_operator){.uid = CONTROL_NOBODY};
	snprintf(d->operator->user, sizeof(d->operator->user), "%s", user);
}

void config_operator_action(struct config_draft *d, const struct config_key *key, const char *value,
			    int line)
{
	enum control_action action = control_change(value);

	if (action == CONTROL_ACTION_N)
		config_mistake(d, line, "'%s': '%s' is no action that changes something", key->name,
			       value);
	else if (d->operator->actions>> action & 1)
		config_mistake(d, line, "'%s': '%s' is there twice", key->name, value);
	else
		d->operator->actions |= UINT32_C(1) << action;
}

void config_operators(struct config *config)
{
	for (unsigned i = 0; i < config->operator_n; i++) {
		const struct passwd *entry = getpwnam(config->operator[i].user);

		config->operator[i].uid = entry != NULL ? entry->pw_uid : CONTROL_NOBODY;
	}
}
