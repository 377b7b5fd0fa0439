/* start.c - how the syncer becomes what it is. See syncer_state.h.
 *
 * As root it opens the trees and its own directory, making them where they are missing; then it takes on its user and confines
 * itself; only then it reads anything of what is in them, or hears anything of a peer.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/privileges.h"
#include "agent/runtime.h"
#include "agent/sync/confine.h"
#include "agent/sync/fault.h"
#include "agent/sync/syncer_state.h"

static int open_state(struct syncer *s)
{
	char name[CONFIG_PATH_MAX + 8];

	snprintf(name, sizeof(name), "%s/sync", s->config.state_directory);
	if (mkdir(name, 0700) != 0 && errno != EEXIST)
		return -errno;
	s->state = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return s->state < 0 ? -errno : 0;
}

static int open_roots(struct syncer *s)
{
	int error = 0;

	roots_init(&s->roots);
	for (unsigned i = 0; i < s->config.path_n && error == 0; i++)
		error = roots_add(&s->roots, s->config.path[i]);
	for (unsigned i = 0; i < s->config.exclude_n && error == 0; i++)
		error = roots_exclude(&s->roots, s->config.exclude[i]);
	if (error != 0)
		return error;
	/* Missing at a first start, it is made; missing later, somebody has to look. */
	error = roots_open(&s->roots, faccessat(s->state, LEDGER_FILE, F_OK, 0) != 0);
	if (error != 0) /* the others serve nobody alone, but the dump says which it is */
		log_event(LOG_ERR, "roots", "error=%s", strerror(-error));
	roots_fingerprint(&s->roots, s->self.roots);
	return 0;
}

/* What the peer can make this process need is not worth an engine. */
static void be_expendable(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "500", 3) != 3)
		log_event(LOG_WARNING, "oom_score", "error=%s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* From here on this process is not root, and nothing but its trees is within its reach. */
static int drop(struct syncer *s)
{
	int fd[SYNC_ROOTS_MAX + 1], error;
	pid_t parent = getppid();
	uid_t uid;
	gid_t gid;

	error = privileges_user(s->config.user, &uid, &gid);
	if (error == 0)
		error = privileges_syncer(uid, gid);
	if (error != 0)
		return error;
	/* The change of ids has cleared it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		return -EPERM;
	for (unsigned i = 0; i < s->roots.n; i++)
		fd[i] = s->roots.root[i].fd;
	fd[s->roots.n] = s->state;
	error = confine(fd, s->roots.n + 1);
	s->confined = error == 0;
	if (error == -EOPNOTSUPP)
		log_event(LOG_WARNING, "confine", "error=%s", "this kernel has no Landlock");
	return error == -EOPNOTSUPP ? 0 : error;
}

static void read_ledger(struct syncer *s)
{
	int error = ledger_read(s->state, &s->ledger);

	if (error == 0)
		return;
	/* Torn: what is here is of no known generation. It follows whoever has one, and what it changes is kept. */
	if (error != -ENOENT)
		log_event(LOG_ERR, "ledger", "file=%s error=%s", LEDGER_FILE, strerror(-error));
	memset(&s->ledger, 0, sizeof(s->ledger));
	randombytes_buf(s->ledger.key, sizeof(s->ledger.key));
}

int start_open(struct syncer *s)
{
	int error = runtime_config(&s->config);

	if (error == 0 && (sodium_init() < 0 || OPENSSL_init_crypto(0, NULL) != 1))
		error = -EIO;
	if (error == 0)
		error = open_state(s);
	if (error == 0)
		error = open_roots(s);
	be_expendable();
	if (error == 0)
		error = drop(s);
	if (error != 0)
		return error;
	read_ledger(s);
	s->errand_number = randombytes_random();
	error = digest_open(&s->digest, s->ledger.key);
	return error == 0 ? index_open(s) : error;
}
