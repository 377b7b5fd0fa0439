/* exchange.h - one batch of netlink requests out, their acknowledgements in.
 *
 * Every message gets its own sequence number; only an answer from the kernel (sender 0) with one of
 * the batch counts, so that a late answer to an earlier batch, or a message that another process
 * sent, does nothing. Waiting is bounded. Nothing is allocated after exchange_open.
 */
#ifndef HA_NETLINK_EXCHANGE_H
#define HA_NETLINK_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mnl_socket;
struct nlmsghdr;

enum {
	EXCHANGE_TIMEOUT_MS = 50, /* for the acknowledgements of one batch */
	EXCHANGE_MESSAGES_MAX = 32,
	EXCHANGE_BUFFER_LEN = 32768, /* the kernel makes dump datagrams no larger */
};

struct exchange {
	struct mnl_socket *socket;
	uint32_t first;                    /* sequence number of the batch's first message */
	unsigned n;                        /* messages in the batch */
	uint32_t wanted;                   /* mask: bit i for message i whose answer is awaited */
	uint32_t acked;                    /* mask: answered with success */
	int result[EXCHANGE_MESSAGES_MAX]; /* 0 or -errno as answered, by message */
	int error;                         /* the first one answered */
	uint64_t foreign_n; /* datagrams ignored because the kernel did not send them */
	uint64_t late_n;    /* answers ignored because they belong to no message of the batch */
	_Alignas(8) uint8_t buffer[EXCHANGE_BUFFER_LEN];
};

typedef void exchange_fn(const struct nlmsghdr *, void *arg);

int exchange_open(struct exchange *, int bus); /* NETLINK_ROUTE or NETLINK_NETFILTER; 0 or -errno */
void exchange_close(struct exchange *);        /* fine on a zeroed or closed one */

/* Numbers the messages in batch, sends them at once and waits for the answers to those with
 * NLM_F_ACK. With `transaction` the first error ends the wait. 0 when all succeeded, else the first
 * error, or -ETIMEDOUT. */
int exchange_run(struct exchange *, void *batch, size_t len, bool transaction);

/* Sends one dump request and calls back for each message of the answer. -EINTR: the kernel's table
 * changed meanwhile, ask again. */
int exchange_dump(struct exchange *, void *request, exchange_fn *, void *arg);

/* The two halves of exchange_run, apart from the socket: exchange_number prepares for the answers
 * to a batch, exchange_take judges one datagram. True when nothing more is awaited. */
void exchange_number(struct exchange *, void *batch, size_t len);
bool exchange_take(struct exchange *, const void *data, size_t len, uint32_t sender,
		   bool transaction);

/* One datagram: its length, or -errno; -EMSGSIZE if it did not fit. EINTR is retried. */
ssize_t exchange_receive(int fd, void *buffer, size_t size, uint32_t *sender);

#endif
