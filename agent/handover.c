/* handover.c - see handover.h. */
#include "agent/handover.h"

#include <errno.h>
#include <string.h>

#include "agent/sealed.h"

static const char magic[8] = "haagent";

int handover_seal(struct handover *handover)
{
	memcpy(handover->magic, magic, sizeof(magic));
	handover->format = HANDOVER_FORMAT;
	handover->size = sizeof(*handover);
	return sealed_make("haagent-handover", handover, sizeof(*handover));
}

static bool ends(const char *text, size_t cap)
{
	return memchr(text, '\0', cap) != NULL;
}

static bool in_range(const struct handover *h)
{
	if (memcmp(h->magic, magic, sizeof(magic)) != 0 || h->format != HANDOVER_FORMAT ||
	    h->size != sizeof(*h) || h->held.n > HANDOVER_VIP_MAX ||
	    h->configured.n > HANDOVER_VIP_MAX || h->uid == 0 || h->gid == 0)
		return false;
	for (int i = 0; i < HANDOVER_FD_N; i++)
		if (h->fd[i] < (i == HANDOVER_STATE ? -1 : 0))
			return false;
	return ends(h->management, sizeof(h->management)) &&
	       ends(h->runtime_directory, sizeof(h->runtime_directory)) &&
	       ends(h->state_directory, sizeof(h->state_directory)) &&
	       ends(h->file, sizeof(h->file));
}

int handover_unseal(int fd, struct handover *out)
{
	int error = sealed_read(fd, out, sizeof(*out));

	return error == 0 && !in_range(out) ? -EPROTO : error;
}
