/* What one program leaves to the next: whole, sealed, and of a layout that both know, or nothing. */
#include "agent/handover.h"

#include "agent/sealed.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct handover good(void)
{
	struct handover h;

	memset(&h, 0, sizeof(h));
	for (int i = 0; i < HANDOVER_FD_N; i++)
		h.fd[i] = 10 + i;
	h.uid = h.gid = 101;
	h.upgrades = 2;
	h.held_until = 12345;
	h.held.n = 1;
	h.held.vip[0].family = 4;
	strcpy(h.management, "eth0");
	strcpy(h.file, "/etc/haagent/haagent.conf");
	return h;
}

static int reread(struct handover *h, struct handover *out)
{
	int fd = handover_seal(h), error;

	cr_assert_geq(fd, 0);
	error = handover_unseal(fd, out);
	close(fd);
	return error;
}

/* As another program might have written it: the head, too. */
static int reread_raw(const struct handover *h, size_t len, struct handover *out)
{
	int fd = sealed_make("test", h, len), error;

	cr_assert_geq(fd, 0);
	error = handover_unseal(fd, out);
	close(fd);
	return error;
}

Test(handover, comes_back_as_it_went)
{
	struct handover h = good(), out;

	cr_assert_eq(reread(&h, &out), 0);
	cr_expect_eq(memcmp(&h, &out, sizeof(h)), 0);
	cr_expect_eq(out.format, (uint32_t)HANDOVER_FORMAT);
}

Test(handover, of_another_layout_is_refused)
{
	struct handover h = good(), out;

	cr_assert_eq(reread(&h, &out), 0); /* which fills in the head */
	h.format = HANDOVER_FORMAT + 1;
	cr_expect_eq(reread_raw(&h, sizeof(h), &out), -EPROTO);
	h.format = HANDOVER_FORMAT;
	cr_expect_eq(reread_raw(&h, sizeof(h), &out), 0);
	cr_expect_eq(reread_raw(&h, sizeof(h) - 1, &out), -EPROTO);
	h.size--;
	cr_expect_eq(reread_raw(&h, sizeof(h), &out), -EPROTO);
	h.size++;
	h.magic[0] = 'H';
	cr_expect_eq(reread_raw(&h, sizeof(h), &out), -EPROTO);
}

Test(handover, what_is_out_of_range_is_refused)
{
	struct handover h = good(), out;

	h.fd[HANDOVER_STATE] = -1;
	cr_expect_eq(reread(&h, &out), 0,
		     "a state directory that cannot be opened is the steward's");
	h.fd[HANDOVER_STATE] = -2;
	cr_expect_eq(reread(&h, &out), -EPROTO);
	for (int i = 0; i < HANDOVER_FD_N; i++) {
		h = good();
		h.fd[i] = i == HANDOVER_STATE ? -2 : -1;
		cr_expect_eq(reread(&h, &out), -EPROTO, "descriptor %d", i);
	}
	h = good();
	h.held.n = HANDOVER_VIP_MAX + 1;
	cr_expect_eq(reread(&h, &out), -EPROTO);
	h = good();
	h.configured.n = HANDOVER_VIP_MAX + 1;
	cr_expect_eq(reread(&h, &out), -EPROTO);
	h = good();
	h.uid = 0;
	cr_expect_eq(reread(&h, &out), -EPROTO, "the engine is not root");
	h = good();
	memset(h.file, 'x', sizeof(h.file));
	cr_expect_eq(reread(&h, &out), -EPROTO);
	h = good();
	memset(h.management, 'x', sizeof(h.management));
	cr_expect_eq(reread(&h, &out), -EPROTO);
}

Test(handover, what_somebody_could_still_change_is_refused)
{
	struct handover h = good(), out;
	int fd;

	cr_assert_eq(reread(&h, &out), 0);
	fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cr_assert_eq(write(fd, &h, sizeof(h)), (ssize_t)sizeof(h));
	cr_expect_eq(handover_unseal(fd, &out), -EPROTO);
	close(fd);
	fd = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	cr_assert_eq(write(fd, &h, sizeof(h)), (ssize_t)sizeof(h));
	cr_expect_eq(handover_unseal(fd, &out), -EPROTO, "a file has no seals");
	close(fd);
	cr_expect_eq(handover_unseal(open("/dev/null", O_RDONLY | O_CLOEXEC), &out), -EPROTO);
	cr_expect_neq(handover_unseal(-1, &out), 0);
}
