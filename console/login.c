/* login.c - who am I, log in, log out. */
#include <stdio.h>
#include <string.h>

#include "console/audit.h"
#include "console/router.h"

static struct websession *session_of(const struct request *request)
{
	struct websessions *all = &request->console->sessions;

	for (unsigned i = 0; i < WEBSESSION_MAX; i++)
		if (all->session[i].id == request->session && request->session != 0)
			return &all->session[i];
	return NULL;
}

static json_t *describe(const struct request *request, const struct websession *session)
{
	const struct console *console = request->console;
	json_t *peer_port =
		console->conf.peer_port > 0 ? json_integer(console->conf.peer_port) : json_null();

	return json_pack("{s:s, s:s, s:s?, s:s?, s:b, s:s, s:i, s:i, s:o}", "version", HA_VERSION,
			 "host_name", console->host_name, "user",
			 session != NULL ? session->user : NULL, "csrf",
			 session != NULL ? session->csrf : NULL, "accounts",
			 console->accounts.n > 0, "set_password", "haconsole --set-password admin",
			 "idle_s", (int)console->conf.idle_s, "session_s",
			 (int)console->conf.session_s, "peer_port", peer_port);
}

void login_session(struct request *request)
{
	request_reply(request, MHD_HTTP_OK, describe(request, session_of(request)));
}

static void set_cookie(struct request *request, const char *token, unsigned seconds)
{
	snprintf(request->cookie, sizeof(request->cookie),
		 ROUTER_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%u", token,
		 seconds);
}

/* The session that came with the request ends: nobody is logged in twice in one browser. */
static void enter(struct request *request, const char *user)
{
	struct console *console = request->console;
	char token[WEBSESSION_TOKEN_TEXT];
	struct websession *session = session_of(request);

	if (session != NULL)
		websession_end(session);
	session = websession_begin(&console->sessions, user, loop_now(), token);
	request->session = session->id;
	request->connection->known = true;
	set_cookie(request, token, console->conf.session_s);
	sodium_memzero(token, sizeof(token));
	request_reply(request, MHD_HTTP_OK, describe(request, session));
}

static const char *text_of(const struct request *request, const char *key)
{
	const char *text = json_string_value(json_object_get(request->json, key));

	return text != NULL ? text : "";
}

/* The password has been checked. Which of the two was wrong is not said; a name that is none may be a password typed
 * into the wrong field, and is not logged. */
static void checked(struct request *request)
{
	struct console *console = request->console;
	const char *user = text_of(request, "user");
	bool known;

	(void)accounts_refresh(&console->accounts, &console->sessions);
	if (console->accounts.changes != request->changes) { /* it was an earlier one's, perhaps */
		request->retry_after = 1;
		request_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "busy",
			      "the accounts have changed meanwhile: try again");
		return;
	}
	known = accounts_find(&console->accounts, user) != NULL;
	if (request->good && known) {
		ratelimit_passed(&console->ratelimit, &request->connection->from, loop_now());
		console->logins++;
		audit(request, user, "login", "", "done", "");
		enter(request, user);
		return;
	}
	console->logins_failed++;
	audit(request, known ? user : "", "login", "", "refused", "");
	request_error(request, MHD_HTTP_UNAUTHORIZED, "login_failed", "user or password is wrong");
}

static void on_checked(void *arg, bool good)
{
	struct request *request = arg;

	request->good = good;
	request_resume(request);
}

static void refuse_for(struct request *request, ha_time wait)
{
	request->retry_after = (unsigned)((wait + HA_SEC - 1) / HA_SEC);
	request_error(request, MHD_HTTP_TOO_MANY_REQUESTS, "too_many",
		      "too many failed logins from this address: try again in %u s",
		      request->retry_after);
}

static bool is_complete(struct request *request)
{
	const char *password = text_of(request, "password");

	if (json_object_size(request->json) == 2 && *text_of(request, "user") != '\0' &&
	    *password != '\0' && strlen(password) <= ACCOUNTS_PASSWORD_MAX)
		return true;
	request_error(request, MHD_HTTP_BAD_REQUEST, "fields",
		      "a login is {\"user\": ..., \"password\": ...}");
	return false;
}

void login_begin(struct request *request)
{
	struct console *console = request->console;
	const struct address *from = &request->connection->from;
	ha_time now = loop_now(), wait = ratelimit_wait(&console->ratelimit, from, now);
	const struct account *account;

	if (!is_complete(request))
		return;
	if (wait > 0) {
		refuse_for(request, wait);
		return;
	}
	if (console->accounts.n == 0) {
		request_error(request, MHD_HTTP_FORBIDDEN, "no_accounts",
			      "nobody may log in yet: on the appliance, run haconsole "
			      "--set-password admin");
		return;
	}
	account = accounts_find(&console->accounts, text_of(request, "user"));
	if (!password_check(&console->password, account, text_of(request, "password"),
			    request->connection->local, on_checked, request)) {
		request->retry_after = 2;
		request_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "busy",
			      "too many logins at this moment: try again");
		return;
	}
	ratelimit_failed(&console->ratelimit, from, now);
	request->changes = console->accounts.changes;
	request_wait(request, checked);
}

/* Of this session, or of all that the user has: on whatever machine one was left open. */
void login_end(struct request *request)
{
	const json_t *everywhere = json_object_get(request->json, "everywhere");
	bool all = json_is_true(everywhere);

	if (json_object_size(request->json) != (everywhere != NULL) ||
	    (everywhere != NULL && !json_is_boolean(everywhere))) {
		request_error(request, MHD_HTTP_BAD_REQUEST, "fields",
			      "a logout is {}, or {\"everywhere\": true}");
		return;
	}
	audit(request, request->user, "logout", all ? "everywhere" : "", "done", "");
	if (all)
		websession_end_user(&request->console->sessions, request->user);
	else
		websession_end(session_of(request));
	request->session = 0;
	set_cookie(request, "", 0);
	request_reply(request, MHD_HTTP_OK, describe(request, NULL));
}
