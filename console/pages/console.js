/* The thinnest page on the API: log in, and see the state live. */
"use strict";

const byId = (id) => document.getElementById(id);
const say = (text) => { byId("message").textContent = text; };

async function call(method, path, body, csrf) {
	const headers = body === undefined ? {} : { "Content-Type": "application/json" };
	if (csrf)
		headers["X-CSRF-Token"] = csrf;
	const reply = await fetch("/api/v1/" + path, {
		method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
	const answer = await reply.json();
	if (!reply.ok)
		throw new Error(answer.error.message);
	return answer;
}

function listen() {
	const events = new EventSource("/api/v1/events");
	let state = {};
	const show = () => { byId("state").textContent = JSON.stringify(state, null, 2); };
	events.addEventListener("state", (event) => { state = JSON.parse(event.data); say(""); show(); });
	events.addEventListener("live", (event) => { state.live = JSON.parse(event.data); show(); });
	events.addEventListener("bye", () => { events.close(); start(); });
	events.addEventListener("error", () => say("The connection to the console is lost."));
}

async function start() {
	try {
		const session = await call("GET", "session");
		byId("login").hidden = session.user !== null;
		if (session.user !== null)
			listen();
		else if (!session.accounts)
			say("Nobody may log in yet. On the appliance: " + session.set_password);
	} catch (error) {
		say(error.message);
	}
}

byId("login").addEventListener("submit", async (event) => {
	event.preventDefault();
	try {
		await call("POST", "login", { user: byId("user").value, password: byId("password").value });
		say("");
		start();
	} catch (error) {
		say(error.message);
	}
});
start();
