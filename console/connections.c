/* connections.c - see connections.h. */
#include "console/connections.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

int connections_open(struct connections *connections, unsigned max, unsigned per_address)
{
	unsigned places = max + CONNECTIONS_SPARE + CONNECTIONS_LOCAL;

	*connections = (struct connections){
		.max = max,
		.per_address = per_address,
		.places = places,
		.all = calloc(places, sizeof(struct connection)),
	};
	if (connections->all == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < places; i++)
		connections->all[i].fd = -1;
	return 0;
}

void connections_close(struct connections *connections)
{
	free(connections->all);
	connections->all = NULL;
}

static unsigned count(const struct connections *connections, const struct address *network)
{
	unsigned n = 0;

	for (unsigned i = 0; i < connections->places; i++) {
		const struct connection *connection = &connections->all[i];
		struct address other = address_network(&connection->from);

		n += connection->fd >= 0 && address_equal(&other, network);
	}
	return n;
}

/* Both directions: whoever serves it sees the end, and closes it. */
static void end(struct connection *connection)
{
	(void)shutdown(connection->fd, SHUT_RDWR);
	connection->until = HA_NEVER;
}

/* By the one that has been there longest, of those that nobody is logged in by and that do not wait for us. */
static bool make_room(struct connections *connections)
{
	struct connection *oldest = NULL;

	for (unsigned i = 0; i < connections->places; i++) {
		struct connection *connection = &connections->all[i];

		if (connection->fd < 0 || connection->local || connection->known ||
		    connection->until == HA_NEVER)
			continue;
		if (oldest == NULL || connection->began < oldest->began)
			oldest = connection;
	}
	if (oldest == NULL)
		return false;
	end(oldest);
	connections->displaced++;
	return true;
}

bool connections_room(struct connections *connections, const struct address *from)
{
	struct address network = address_network(from);
	unsigned n = connections->n;
	bool room;

	if (address_is_loopback(from))
		room = n < connections->places;
	else if (count(connections, &network) >= connections->per_address)
		room = false;
	else
		room = n < connections->max ||
		       (n < connections->max + CONNECTIONS_SPARE && make_room(connections));
	connections->refused += !room;
	return room;
}

struct connection *connections_add(struct connections *connections, int fd,
				   const struct address *from, ha_time now)
{
	for (unsigned i = 0; i < connections->places; i++) {
		struct connection *connection = &connections->all[i];

		if (connection->fd >= 0)
			continue;
		*connection = (struct connection){
			.fd = fd,
			.from = *from,
			.local = address_is_loopback(from),
			.began = now,
			.until = now + CONNECTIONS_REQUEST,
		};
		connections->n++;
		return connection;
	}
	return NULL;
}

void connections_remove(struct connections *connections, struct connection *connection)
{
	if (connection == NULL || connection->fd < 0)
		return;
	connection->fd = -1;
	connections->n--;
}

void connections_sweep(struct connections *connections, ha_time now)
{
	for (unsigned i = 0; i < connections->places; i++) {
		struct connection *connection = &connections->all[i];

		if (connection->fd < 0 || now < connection->until)
			continue;
		end(connection);
		connections->overdue++;
	}
}

ha_time connections_deadline(const struct connections *connections)
{
	ha_time deadline = HA_NEVER;

	for (unsigned i = 0; i < connections->places; i++)
		if (connections->all[i].fd >= 0 && connections->all[i].until < deadline)
			deadline = connections->all[i].until;
	return deadline;
}
