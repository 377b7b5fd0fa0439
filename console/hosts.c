/* hosts.c - see hosts.h. */
#include "console/hosts.h"

#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "console/tls.h"

void hosts_domains(struct domains *domains)
{
	struct __res_state resolver = {0};
	const char *name;

	*domains = (struct domains){0};
	if (res_ninit(&resolver) != 0)
		return;
	while (domains->n < CONSOLE_DOMAINS_MAX && (name = resolver.dnsrch[domains->n]) != NULL)
		snprintf(domains->name[domains->n++], CONF_NAME_MAX, "%s", name);
	res_nclose(&resolver);
}

bool hosts_name(const char *host, char out[CONF_NAME_MAX])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";
	bool literal6 = *host == '[';
	const char *end = literal6 ? strchr(host, ']') : host + strcspn(host, ":");
	const char *port = end != NULL ? end + literal6 : NULL;
	size_t len;

	if (end == NULL)
		return false;
	len = (size_t)(end - host) - literal6;
	if (len > 1 && host[len - 1] == '.' && !literal6)
		len--; /* the root, as some write it */
	if (len == 0 || len >= CONF_NAME_MAX)
		return false;
	if (*port != '\0' && (*port != ':' || strlen(port) < 2 || strlen(port) > 6 ||
			      strspn(port + 1, "0123456789") != strlen(port + 1)))
		return false;
	memcpy(out, host + literal6, len);
	out[len] = '\0';
	return literal6 || strspn(out, allowed) == len;
}

static bool is_local_address(const struct request *request, const struct address *named)
{
	struct sockaddr_storage local = {0};
	struct address here;
	socklen_t len = sizeof(local);

	return getsockname(request->connection->fd, (struct sockaddr *)&local, &len) == 0 &&
	       address_of(&here, (const struct sockaddr *)&local) && address_equal(&here, named);
}

static bool is_in(const json_t *list, const char *key, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *text =
			json_string_value(key != NULL ? json_object_get(item, key) : item);

		if (text != NULL && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

static bool is_configured(const struct console *console, const char *name)
{
	for (unsigned i = 0; i < console->conf.name_n; i++)
		if (strcasecmp(console->conf.name[i], name) == 0)
			return true;
	return false;
}

static bool is_host_name(const struct console *console, const char *name)
{
	size_t len = strlen(console->host_name);

	if (len == 0 || strncasecmp(console->host_name, name, len) != 0)
		return false;
	if (name[len] == '\0')
		return true;
	for (unsigned i = 0; i < console->domains.n; i++)
		if (name[len] == '.' && strcasecmp(name + len + 1, console->domains.name[i]) == 0)
			return true;
	return false;
}

enum hosts_verdict hosts_judge(const struct request *request, const char *host)
{
	const struct console *console = request->console;
	char name[CONF_NAME_MAX], text[ADDRESS_TEXT_MAX];
	struct address address;
	bool ours;

	if (!hosts_name(host, name))
		return HOSTS_MALFORMED;
	if (is_configured(console, name))
		return HOSTS_OURS;
	if (address_parse(&address, name)) {
		address_text(text, &address);
		ours = is_local_address(request, &address) ||
		       is_in(json_object_get(console->state, "virtual_ip"), "address", text) ||
		       is_in(json_object_get(console->state, "management_addresses"), NULL, text);
		return ours ? HOSTS_OURS : HOSTS_OTHER;
	}
	ours = is_host_name(console, name) || tls_is_named(console->tls, name) ||
	       (strcasecmp(name, "localhost") == 0 && request->connection->local);
	return ours ? HOSTS_OURS : HOSTS_OTHER;
}
