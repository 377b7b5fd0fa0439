/* control - what comes over the control socket: any member of its group may send it.
 *
 *   the client's user; then packets, each with its length before it
 *
 * Each request has one answer, of one packet, or its client is shown the door. Only root's requests change anything.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/control.h"

enum {
	USER = 1000,
	PACKETS_MAX = 8,
	PACKET_MAX = CONTROL_REQUEST_MAX + 8,
};

static struct {
	struct loop loop;
	struct control control;
	int client;
	uid_t uid;
	uint8_t how; /* answers come at once, later, with data, or not */
	unsigned handled;
	uint32_t number;
} rig;

static void on_timer(void *arg, ha_time now)
{
	(void)arg;
	(void)now;
}

static bool changes(enum control_action action)
{
	return action != CONTROL_DUMP && action != CONTROL_HISTORY && action != CONTROL_IS_ACTIVE;
}

static json_t *data(const void *arg)
{
	return json_pack("{s:s}", "said", (const char *)arg);
}

static bool on_request(void *arg, enum control_action action, const json_t *request,
		       uint32_t number, struct control_answer *answer)
{
	const char *address = json_string_value(json_object_get(request, "address"));
	uint32_t seconds = 0;

	(void)arg;
	FUZZ_CHECK(action < CONTROL_ACTION_N && number != 0);
	FUZZ_CHECK(rig.uid == 0 || !changes(action));
	if (control_seconds(request, CONTROL_BARRIER_S, CONTROL_BARRIER_MAX_S, &seconds))
		FUZZ_CHECK(seconds >= 1 && seconds <= CONTROL_BARRIER_MAX_S);
	rig.handled++;
	rig.number = number;
	if (rig.how & 1)
		return false;
	answer->result = rig.how & 2 ? CONTROL_DONE : CONTROL_REFUSED;
	snprintf(answer->text, sizeof(answer->text), "%s", address != NULL ? address : "");
	if (rig.how & 4)
		answer->data = json_deep_copy(request);
	return true;
}

/* One whole packet of JSON. */
static bool hear(void)
{
	static char answer[CONTROL_ANSWER_MAX + 1];
	static const char start[] = "{\"result\":\"";
	ssize_t len = recv(rig.client, answer, sizeof(answer), MSG_DONTWAIT | MSG_TRUNC);

	if (len <= 0)
		return false;
	FUZZ_CHECK((size_t)len <= CONTROL_ANSWER_MAX && (size_t)len > sizeof(start));
	FUZZ_CHECK(memcmp(answer, start, sizeof(start) - 1) == 0 && answer[len - 1] == '}');
	return true;
}

static bool is_open(void)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (rig.control.client[i].fd >= 0)
			return true;
	return false;
}

static void packet(const uint8_t *bytes, size_t len)
{
	unsigned handled = rig.handled, answers = 0;

	if (send(rig.client, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len)
		return;
	FUZZ_CHECK(loop_run_once(&rig.loop) == 0);
	answers += hear();
	FUZZ_CHECK(!hear());
	if (rig.handled == handled) {
		FUZZ_CHECK(answers == 1 || !is_open());
		return;
	}
	FUZZ_CHECK(rig.handled == handled + 1 && answers == !(rig.how & 1));
	if (!(rig.how & 1) || rig.how & 8)
		return; /* answered, or never: then the next packet ends the connection */
	if (rig.how & 16)
		control_answer_data(&rig.control, rig.number, CONTROL_DONE, "", data, "later");
	else
		control_answer(&rig.control, rig.number, CONTROL_ERROR, "later");
	FUZZ_CHECK(hear());
	control_answer(&rig.control, rig.number, CONTROL_DONE, "twice");
	FUZZ_CHECK(!hear());
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return loop_init(&rig.loop, on_timer, NULL) != 0 ||
	       control_open(&rig.control, &rig.loop, -1, on_request, NULL) != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data_in, size_t len)
{
	static uint8_t bytes[PACKET_MAX];
	struct script s = {data_in, len};
	int end[2];

	rig.how = script_u8(&s);
	rig.uid = rig.how & 0x80 ? 0 : USER;
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, end) == 0);
	rig.client = end[0];
	FUZZ_CHECK(control_adopt(&rig.control, end[1], rig.uid) == 0);
	for (unsigned i = 0; i < PACKETS_MAX && !script_ended(&s) && is_open(); i++) {
		size_t n = 1 + script_number(&s, 2) % PACKET_MAX;

		if (n > s.left && s.left > 0)
			n = s.left;
		script_bytes(&s, bytes, n);
		packet(bytes, n);
	}
	close(rig.client);
	while (is_open())
		FUZZ_CHECK(loop_run_once(&rig.loop) == 0);
	return 0;
}
