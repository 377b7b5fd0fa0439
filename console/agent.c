/* agent.c - see agent.h. */
#include "console/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/control.h"

/* One answer at a time is in this process's hands. */
static char agent_packet[CONTROL_ANSWER_MAX];

static void on_ready(void *arg, uint32_t events);
static void on_answer(void *arg, uint32_t events);

void agent_init(struct agent *agent, struct loop *loop, const char *path, agent_dump_fn *on_dump,
		void *arg)
{
	*agent = (struct agent){
		.loop = loop, .path = path, .on_dump = on_dump, .arg = arg, .fd = -1};
	for (unsigned i = 0; i < AGENT_ACTIONS_MAX; i++)
		agent->action[i] = (struct agent_action){.fd = -1, .agent = agent};
}

static void hang_up(struct agent *agent, int *fd)
{
	if (*fd < 0)
		return;
	loop_remove(agent->loop, *fd);
	close(*fd);
	*fd = -1;
}

/* A connected socket in the loop, or -errno. */
static int dial(struct agent *agent, loop_fn *ready, void *arg)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, error;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", agent->path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	error = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : -errno;
	if (error == 0)
		error = loop_add(agent->loop, fd, ready, arg);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

static int say(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	int error = 0;

	if (text == NULL)
		return -ENOMEM;
	/* EPIPE: turned away, but not without a word, which is heard next. */
	if (send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EPIPE)
		error = -errno;
	free(text);
	return error;
}

const char *agent_reason(int error)
{
	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		return "the agent is not running";
	case EACCES:
	case EPERM:
		return "the console is not allowed to ask the agent: is its user in the agent's "
		       "group?";
	case EAGAIN:
	case ETIMEDOUT:
		return "the agent does not answer";
	case EBADMSG:
		return "the agent's answer is not understood";
	case ECANCELED:
		return "the console ends; the agent goes on with what it was asked for";
	case ECONNRESET:
	case EPIPE:
		return "the agent has ended, or is starting";
	default:
		return strerror(-error);
	}
}

/* One packet: NULL and *error -EAGAIN: there is none yet; NULL and another: there will be none. */
static json_t *hear(int fd, int *error)
{
	ssize_t n = recv(fd, agent_packet, sizeof(agent_packet), MSG_TRUNC);
	json_t *answer = NULL;

	if (n < 0 && errno == ECONNRESET) /* it did not read the request, but may have said why */
		n = recv(fd, agent_packet, sizeof(agent_packet), MSG_TRUNC);
	*error = n < 0 ? -errno : n == 0 ? -ECONNRESET : 0;
	if (*error == 0 && n <= (ssize_t)sizeof(agent_packet))
		answer = json_loadb(agent_packet, (size_t)n, 0, NULL);
	if (*error == 0 && !json_is_object(answer)) {
		json_decref(answer);
		answer = NULL;
		*error = -EBADMSG;
	}
	return answer;
}

/* ---- dumps ---- */

static void give_up(struct agent *agent, int error, ha_time now)
{
	hang_up(agent, &agent->fd);
	agent->asked = false;
	agent->at = now + AGENT_RETRY;
	agent->on_dump(agent->arg, NULL, agent_reason(error));
}

static void on_ready(void *arg, uint32_t events)
{
	struct agent *agent = arg;
	json_t *answer, *data;
	const char *text;
	int error;

	(void)events;
	answer = hear(agent->fd, &error);
	if (error == -EAGAIN)
		return;
	if (answer == NULL) {
		if (agent->asked)
			give_up(agent, error, loop_now());
		else
			hang_up(agent, &agent->fd); /* it does not keep who is silent */
		return;
	}
	agent->asked = false;
	data = json_object_get(answer, "data");
	text = json_string_value(json_object_get(answer, "text"));
	agent->dumps++;
	agent->on_dump(agent->arg, json_is_object(data) ? data : NULL,
		       text != NULL ? text : agent_reason(-EBADMSG));
	json_decref(answer);
}

static void ask_dump(struct agent *agent, ha_time now)
{
	json_t *request = json_pack("{s:s}", "action", "dump");
	int error = 0;

	if (agent->fd < 0) {
		error = dial(agent, on_ready, agent);
		if (error >= 0)
			agent->fd = error;
	}
	if (agent->fd >= 0)
		error = request == NULL ? -ENOMEM : say(agent->fd, request);
	json_decref(request);
	if (error < 0) {
		give_up(agent, error, now);
		return;
	}
	agent->asked = true;
	agent->at = now + AGENT_INTERVAL;
}

void agent_want(struct agent *agent, bool wanted, ha_time now)
{
	agent->wanted = wanted;
	if (wanted && !agent->asked && now >= agent->at)
		ask_dump(agent, now);
}

/* ---- actions ---- */

static void settle(struct agent_action *action, const json_t *answer, int error)
{
	agent_answer_fn *then = action->then;

	hang_up(action->agent, &action->fd);
	then(action->arg, answer, answer == NULL ? agent_reason(error) : "");
}

static void on_answer(void *arg, uint32_t events)
{
	struct agent_action *action = arg;
	json_t *answer;
	int error;

	(void)events;
	answer = hear(action->fd, &error);
	if (error == -EAGAIN)
		return;
	settle(action, answer, error);
	json_decref(answer);
}

int agent_ask(struct agent *agent, const json_t *request, ha_time now, agent_answer_fn *then,
	      void *arg)
{
	struct agent_action *action = NULL;
	int error;

	for (unsigned i = 0; i < AGENT_ACTIONS_MAX; i++)
		if (agent->action[i].fd < 0)
			action = &agent->action[i];
	if (action == NULL)
		return -EBUSY;
	error = dial(agent, on_answer, action);
	if (error < 0)
		return error;
	action->fd = error;
	error = say(action->fd, request);
	if (error != 0) {
		hang_up(agent, &action->fd);
		return error;
	}
	action->until = now + AGENT_DONE_IN;
	action->then = then;
	action->arg = arg;
	return 0;
}

void agent_close(struct agent *agent)
{
	hang_up(agent, &agent->fd);
	for (unsigned i = 0; i < AGENT_ACTIONS_MAX; i++)
		if (agent->action[i].fd >= 0)
			settle(&agent->action[i], NULL, -ECANCELED);
}

/* ---- time ---- */

ha_time agent_deadline(const struct agent *agent)
{
	ha_time deadline = HA_NEVER;

	if (agent->asked)
		deadline = agent->at - AGENT_INTERVAL + AGENT_PATIENCE;
	else if (agent->wanted)
		deadline = agent->at;
	for (unsigned i = 0; i < AGENT_ACTIONS_MAX; i++)
		if (agent->action[i].fd >= 0 && agent->action[i].until < deadline)
			deadline = agent->action[i].until;
	return deadline;
}

void agent_timer(struct agent *agent, ha_time now)
{
	if (agent->asked && now >= agent->at - AGENT_INTERVAL + AGENT_PATIENCE)
		give_up(agent, -ETIMEDOUT, now);
	if (agent->wanted && !agent->asked && now >= agent->at)
		ask_dump(agent, now);
	for (unsigned i = 0; i < AGENT_ACTIONS_MAX; i++)
		if (agent->action[i].fd >= 0 && now >= agent->action[i].until)
			settle(&agent->action[i], NULL, -ETIMEDOUT);
}
