/* address.h - where a connection comes from, in a form that can be compared, counted and written.
 *
 * IPv4 addresses in IPv6 clothes are IPv4. Who has an IPv6 network has 2^64 addresses of it: limits count the /64.
 */
#ifndef HA_CONSOLE_ADDRESS_H
#define HA_CONSOLE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

enum {
	ADDRESS_TEXT_MAX = 48,
};

struct address {
	bool ipv4;
	uint8_t b[16]; /* IPv4: the first four */
};

/* False: neither IPv4 nor IPv6. */
bool address_of(struct address *, const struct sockaddr *);
bool address_parse(struct address *, const char *text);
bool address_equal(const struct address *, const struct address *);
bool address_is_loopback(const struct address *);
/* What limits count: the address, or its network. */
struct address address_network(const struct address *);
void address_text(char out[ADDRESS_TEXT_MAX], const struct address *);

#endif
