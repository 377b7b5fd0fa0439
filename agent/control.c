/* control.c - see control.h. */
#include "agent/control.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/shallow.h"

static const struct {
	const char *name;
	bool change; /* only root may, and operators that are allowed to */
} control_actions[CONTROL_ACTION_N] = {
	[CONTROL_DUMP] = {"dump", false},
	[CONTROL_HISTORY] = {"history", false},
	[CONTROL_SWAP] = {"swap", true},
	[CONTROL_SUSPEND] = {"suspend", true},
	[CONTROL_RESUME] = {"resume", true},
	[CONTROL_JOIN] = {"join", true},
	[CONTROL_TEST] = {"test-connection", true},
	[CONTROL_DETACH] = {"detach", true},
	[CONTROL_REMOVE] = {"remove", true},
	[CONTROL_FORCE] = {"force-active", true},
	[CONTROL_IS_ACTIVE] = {"is-active", false},
	[CONTROL_SYNC] = {"sync", true},
	[CONTROL_BARRIER] = {"barrier", true},
	[CONTROL_WHY] = {"why", false},
	[CONTROL_CAPTURE] = {"capture", true},
	[CONTROL_VIRTUAL_IP] = {"virtual_ip", true},
};

/* jansson takes its allocator for the whole process, so the arena is the one thing here that is
 * global. */
static _Alignas(16) uint8_t control_arena[CONTROL_ARENA_LEN];
static size_t control_arena_used;
static bool control_arena_short; /* it was full: what was made in it is not whole */

static void *control_arena_take(size_t size)
{
	void *at;

	if (size > CONTROL_ARENA_LEN - 16 || control_arena_used > CONTROL_ARENA_LEN - 16 - size) {
		control_arena_short = true;
		return NULL;
	}
	at = control_arena + control_arena_used;
	control_arena_used += (size + 15) & ~(size_t)15;
	return at;
}

static void control_arena_give(void *at)
{
	(void)at; /* all at once, by control_arena_reset */
}

static void control_arena_reset(void)
{
	control_arena_used = 0;
	control_arena_short = false;
}

static void control_ready(void *arg, uint32_t events);
static void control_accept(void *arg, uint32_t events);

int control_open(struct control *control, struct loop *loop, int listener, control_fn *handle,
		 void *arg)
{
	size_t seed = 0;

	*control =
		(struct control){.loop = loop, .listener = listener, .handle = handle, .arg = arg};
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->client[i] = (struct control_client){.fd = -1, .control = control};
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	json_object_seed(seed | 1);
	json_set_alloc_funcs(control_arena_take, control_arena_give);
	return listener < 0 ? 0 : loop_add(loop, listener, control_accept, control);
}

static void control_drop(struct control_client *client)
{
	if (client->fd < 0)
		return;
	loop_remove(client->control->loop, client->fd);
	close(client->fd);
	client->fd = -1;
	client->waiting = 0;
}

void control_operators(struct control *control, const struct control_operator *operator, unsigned n)
{
	control->operator= operator;
	control->operator_n = n;
}

enum control_action control_change(const char *name)
{
	unsigned action;

	for (action = 0; action < CONTROL_ACTION_N; action++)
		if (control_actions[action].change &&
		    strcmp(control_actions[action].name, name) == 0)
			break;
	return (enum control_action)action;
}

static bool control_may(const struct control *control, uid_t uid, enum control_action action)
{
	if (uid == 0 || !control_actions[action].change)
		return true;
	for (unsigned i = 0; i < control->operator_n; i++)
		if (control->operator[i].uid == uid && uid != CONTROL_NOBODY)
			return control->operator[i].actions>> action & 1;
	return false;
}

void control_close(struct control *control)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control_drop(&control->client[i]);
	loop_remove(control->loop, control->listener);
}

int control_adopt(struct control *control, int fd, uid_t uid)
{
	int room = 2 * CONTROL_ANSWER_MAX;

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->client[i];
		int error;

		if (client->fd >= 0 || (uid != 0 && i == CONTROL_CLIENTS_MAX - 1))
			continue; /* the last one is root's: the group cannot keep it out */
		if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) != 0)
			return -errno;
		error = loop_add(control->loop, fd, control_ready, client);
		if (error)
			return error;
		client->fd = fd;
		client->uid = uid;
		client->waiting = 0;
		client->heard = loop_now();
		return 0;
	}
	return -EBUSY;
}

/* Says why, as far as it can be said at once. */
static void control_turn_away(int fd)
{
	static const char busy[] =
		"{\"result\":\"busy\",\"text\":\"haagent is busy with others: try "
		"again in a moment\"}";

	(void)!send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void control_accept(void *arg, uint32_t events)
{
	struct control *control = arg;
	struct ucred peer;
	socklen_t len;
	int fd;

	(void)events;
	for (unsigned n = 0; n < CONTROL_CLIENTS_MAX; n++) {
		fd = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		len = sizeof(peer);
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
			close(fd);
		else if (control_adopt(control, fd, peer.uid) != 0)
			control_turn_away(fd);
	}
}

/* One packet, and a descriptor with it if there is one. */
static bool control_transmit(const struct control_client *client,
			     const struct control_answer *answer, size_t len)
{
	union {
		struct cmsghdr header; /* for its alignment */
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = client->control->answer, .iov_len = len};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (answer->descriptor > 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &answer->descriptor, sizeof(int));
	}
	return sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

/* Sends the answer and empties the arena. */
static void control_send(struct control_client *client, const struct control_answer *answer)
{
	static const char *const result[] = {"done", "refused", "error"};
	struct control *control = client->control;
	json_t *whole = json_pack("{s:s, s:s, s:O*}", "result", result[answer->result], "text",
				  answer->text, "data", answer->data);
	size_t len = 0;

	if (whole != NULL)
		len = json_dumpb(whole, control->answer, sizeof(control->answer), JSON_COMPACT);
	if (len == 0 || len > sizeof(control->answer) || control_arena_short)
		len = (size_t)snprintf(
			control->answer, sizeof(control->answer),
			"{\"result\":\"error\",\"text\":\"the answer does not fit\"}");
	control_arena_reset();
	client->waiting = 0;
	client->heard = loop_now();
	if (!control_transmit(client, answer, len))
		control_drop(client);
}

static void control_say(struct control_client *client, enum control_result result, const char *text)
{
	struct control_answer answer = {.result = result};

	snprintf(answer.text, sizeof(answer.text), "%s", text);
	control_send(client, &answer);
}

static void control_request(struct control_client *client, size_t len)
{
	struct control *control = client->control;
	json_t *request = shallow_parse(control->request, len, CONTROL_NESTING_MAX);
	const char *name = json_string_value(json_object_get(request, "action"));
	struct control_answer answer = {.result = CONTROL_ERROR};
	unsigned action;

	if (name == NULL) {
		control_say(client, CONTROL_ERROR,
			    "not a request: {\"action\": \"...\"} is expected");
		return;
	}
	for (action = 0; action < CONTROL_ACTION_N; action++)
		if (strcmp(control_actions[action].name, name) == 0)
			break;
	if (action == CONTROL_ACTION_N) {
		control_say(client, CONTROL_ERROR, "no such action");
		return;
	}
	if (!control_may(control, client->uid, (enum control_action)action)) {
		snprintf(answer.text, sizeof(answer.text), "only root may %s", name);
		answer.result = CONTROL_REFUSED;
		control_send(client, &answer);
		return;
	}
	control->number = control->number % CONTROL_NUMBER_MAX + 1;
	client->waiting = control->number;
	if (control->handle(control->arg, (enum control_action)action, request, client->waiting,
			    &answer))
		control_send(client, &answer);
	else
		control_arena_reset();
}

static void control_ready(void *arg, uint32_t events)
{
	struct control_client *client = arg;
	struct control *control = client->control;
	ssize_t len;

	(void)events;
	if (control->wake == control->loop->wakes)
		return; /* ready again at the next wake */
	control->wake = control->loop->wakes;
	/* MSG_TRUNC: the packet's own length, however much of it fits. */
	len = recv(client->fd, control->request, CONTROL_REQUEST_MAX, MSG_DONTWAIT | MSG_TRUNC);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0 || client->waiting != 0) { /* gone, or impatient: one request at a time */
		control_drop(client);
		return;
	}
	client->heard = loop_now();
	if (len > CONTROL_REQUEST_MAX) {
		control_say(client, CONTROL_ERROR, "the request is too long");
		control_drop(client);
		return;
	}
	control_request(client, (size_t)len);
}

bool control_seconds(const json_t *request, uint32_t preset, uint32_t max, uint32_t *seconds)
{
	const json_t *value = json_object_get(request, "seconds");
	json_int_t n = value != NULL ? json_integer_value(value) : preset;

	if (n < 1 || n > max)
		return false;
	*seconds = (uint32_t)n;
	return true;
}

/* Who waits for it; NULL: nobody any more. */
static struct control_client *control_waiting(struct control *control, uint32_t number)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->client[i].fd >= 0 && number != 0 &&
		    control->client[i].waiting == number)
			return &control->client[i];
	return NULL;
}

void control_answer(struct control *control, uint32_t number, enum control_result result,
		    const char *text)
{
	struct control_client *client = control_waiting(control, number);

	if (client != NULL)
		control_say(client, result, text);
}

void control_answer_data(struct control *control, uint32_t number, enum control_result result,
			 const char *text, control_data_fn *make, const void *arg)
{
	struct control_client *client = control_waiting(control, number);
	struct control_answer answer = {.result = result};

	if (client == NULL)
		return;
	snprintf(answer.text, sizeof(answer.text), "%s", text);
	answer.data = make(arg);
	control_send(client, &answer);
}

/* A client whose request is under way waits for this side, not the other way round. */
ha_time control_deadline(const struct control *control)
{
	ha_time deadline = HA_NEVER;

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		const struct control_client *client = &control->client[i];

		if (client->fd >= 0 && client->waiting == 0 &&
		    client->heard + CONTROL_PATIENCE < deadline)
			deadline = client->heard + CONTROL_PATIENCE;
	}
	return deadline;
}

void control_timer(struct control *control, ha_time now)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->client[i];

		if (client->fd >= 0 && client->waiting == 0 &&
		    now - client->heard >= CONTROL_PATIENCE)
			control_drop(client);
	}
}
