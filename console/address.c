/* address.c - see address.h. */
#include "console/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static void set6(struct address *address, const uint8_t b[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	*address = (struct address){.ipv4 = memcmp(b, mapped, sizeof(mapped)) == 0};
	if (address->ipv4)
		memcpy(address->b, b + sizeof(mapped), 4);
	else
		memcpy(address->b, b, 16);
}

bool address_of(struct address *address, const struct sockaddr *from)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*address = (struct address){0};
	if (from != NULL && from->sa_family == AF_INET) {
		memcpy(&v4, from, sizeof(v4));
		address->ipv4 = true;
		memcpy(address->b, &v4.sin_addr, 4);
		return true;
	}
	if (from == NULL || from->sa_family != AF_INET6)
		return false;
	memcpy(&v6, from, sizeof(v6));
	set6(address, v6.sin6_addr.s6_addr);
	return true;
}

bool address_parse(struct address *address, const char *text)
{
	uint8_t b[16];

	*address = (struct address){0};
	if (inet_pton(AF_INET, text, address->b) == 1) {
		address->ipv4 = true;
		return true;
	}
	if (inet_pton(AF_INET6, text, b) != 1)
		return false;
	set6(address, b);
	return true;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->ipv4 == b->ipv4 && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool address_is_loopback(const struct address *address)
{
	static const uint8_t loopback6[16] = {[15] = 1};

	return address->ipv4 ? address->b[0] == 127
			     : memcmp(address->b, loopback6, sizeof(loopback6)) == 0;
}

struct address address_network(const struct address *address)
{
	struct address network = *address;

	if (!network.ipv4 && !address_is_loopback(address))
		memset(network.b + 8, 0, 8);
	return network;
}

void address_text(char out[ADDRESS_TEXT_MAX], const struct address *address)
{
	out[0] = '\0';
	inet_ntop(address->ipv4 ? AF_INET : AF_INET6, address->b, out, ADDRESS_TEXT_MAX);
}
