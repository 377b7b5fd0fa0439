/* console.js - the page: one model, what changes it, and the view that it makes. */
import * as api from "./api.js";
import { sample } from "./chart.js";
import { cluster } from "./cluster.js";
import { ask, dismiss } from "./dialog.js";
import { element, icon, show } from "./dom.js";
import * as format from "./format.js";
import { login } from "./login.js";
import { checkVirtual } from "./mode.js";
import { card, status } from "./parts.js";
import { standby } from "./standby.js";
import { text } from "./strings.js";

const byId = (id) => document.getElementById(id);
const ACCOUNT_WAIT_MS = 3000;

const emptyForm = () => ({ mode: null, address: "", mistake: "", checked: null });

const model = {
	session: null,
	state: null,     // as the API has it, with "live"
	samples: [],     // of the chart
	lost: null,      // since when the connection is
	busy: "",        // the action under way
	notice: null,    // {level, words}: what the last action came to
	mistake: "",     // of the login
	level: "informational", // of the timeline
	form: emptyForm(),
	test: null,      // of the passive's form: {address, running, passed, rows, text, data}
	blocked: () => model.lost ? text.notConnected : model.busy ? text.busy : "",
};

/* ---- what is seen ---- */

const announce = (words) => { byId("announce").textContent = words; };

function banner() {
	if (model.lost)
		return element("div", { class: "notice error", "data-key": "lost" },
			icon("error"), element("p", {}, text.connection.lost(format.instant(model.lost))));
	if (model.notice)
		return element("div", { class: `notice ${model.notice.level}`, "data-key": "notice" },
			icon(model.notice.level), element("p", {}, model.notice.words),
			element("button", { type: "button", "data-action": "close", class: "quiet" }, text.close));
	return null;
}

function down() {
	const { agent } = model.state;
	return [card("down", text.connection.agentHeading,
		element("p", {}, status("error", format.upper(agent.text))), element("p", {}, text.connection.agent))];
}

function content() {
	if (model.session === null)
		return [element("p", { class: "waiting" }, text.connection.starting)];
	if (model.session.user === null)
		return login(model);
	if (model.state === null)
		return [element("p", { class: "waiting" }, text.connection.starting)];
	return { console: cluster, standby, down }[model.state.screen](model);
}

function bar() {
	const role = model.state?.role ?? (model.state ? "down" : null);
	return [
		element("span", { class: "host" }, model.session?.host_name),
		role && element("span", { class: `role ${role}` }, text.roles[role]),
		model.session?.user && element("span", { class: "right" },
			element("span", { class: `pulse ${model.lost ? "off" : "on"}` }, model.lost ? text.lost : text.live),
			element("span", { class: "user" }, element("span", { class: "unseen" }, `${text.user} `), model.session.user),
			element("button", { type: "button", "data-action": "logout", class: "quiet" }, text.logOut),
			element("button", { type: "button", "data-action": "everywhere", class: "quiet" }, text.logOutEverywhere)),
	];
}

function render() {
	const host = model.session?.host_name;
	document.title = [text.title, host].filter(Boolean).join(" - ");
	show(byId("bar"), bar());
	show(byId("banner"), banner());
	show(byId("content"), content());
	byId("content").classList.toggle("stale", model.lost !== null);
}

/* ---- what the agent says ---- */

let known = "down"; // the last screen while there was an agent

const wordsOf = (screen) => screen === "down" ? text.connection.agentHeading : text.turned[screen];

function onState(state) {
	const before = model.state?.screen;
	const turned = before !== undefined && before !== state.screen;
	if (before === undefined)
		known = state.screen;
	model.state = state;
	if (state.live)
		sample(model.samples, state.live);
	if (turned)
		turn(before, state.screen);
	render();
}

/* What was begun in the form is still there after an agent that was away for a while; not after another role. */
function turn(before, screen) {
	dismiss();
	model.notice = null;
	if (screen !== "down" && screen !== known) {
		model.test = null;
		model.form = emptyForm();
	}
	announce(before === "down" && screen === known ? text.connection.agentBack : wordsOf(screen));
	if (screen !== "down")
		known = screen;
}

function onLive(live) {
	if (model.state === null || model.state.screen === "down")
		return;
	model.state.live = live;
	sample(model.samples, live);
	render();
}

function forget(words) {
	stop?.();
	stop = null;
	dismiss();
	Object.assign(model, {
		state: null, samples: [], lost: null, busy: "", notice: null, test: null, mistake: words, form: emptyForm(),
	});
}

let stop = null;

function follow() {
	stop?.();
	stop = api.listen({
		state: onState,
		live: onLive,
		lost: () => {
			dismiss(); // a yes could not be carried out now
			model.lost = Date.now();
			announce(text.connection.lost(format.instant(model.lost)));
			render();
		},
		back: () => {
			model.lost = null;
			announce(text.connection.healed);
			render();
		},
		ended: () => {
			forget(text.login.ended);
			announce(text.login.ended);
			start();
		},
	});
}

/* ---- what the administrator does ---- */

function failed(error) {
	if (error.status === 401 && error.code === "login") {
		forget(text.login.ended);
		start();
		return;
	}
	tell("error", error.message);
}

function tell(level, words) {
	model.notice = { level, words: format.upper(words) };
	announce(model.notice.words);
	render();
}

const peerName = () => model.state.nodes.find((node) => !node.self)?.host_name || text.requirements.there;

/* One action at a time; then() makes of the answer what there is to say. */
async function run(name, body) {
	model.busy = name;
	model.notice = null;
	announce(text.working);
	render();
	try {
		const { text: words } = await api.act(name, body);
		model.busy = "";
		tell("ok", text.done[name] ?? words);
	} catch (error) {
		model.busy = "";
		if (error.data?.requirements) // not met any more, since the test
			model.test = { ...model.test, passed: false, rows: error.data.requirements, data: error.data };
		failed(error);
	}
}

async function confirmed(name, body) {
	const answer = await ask(text.confirm[name], peerName());
	if (answer !== null)
		await run(name, body(answer));
}

/* What is wrong with the address of the passive's form; the field says it and gets the focus. */
function addressIsGood() {
	const address = model.form.address.trim();
	const own = model.state.management_addresses.map(format.canonical);
	model.form.mistake = format.addressMistake(address) ||
		(own.includes(format.canonical(address)) ? text.address.own : "");
	if (model.form.mistake) {
		render();
		byId("address").focus();
	}
	return !model.form.mistake;
}

async function test() {
	if (!addressIsGood())
		return;
	const address = model.form.address.trim();
	model.test = { address, running: true, passed: false, rows: null, text: "", data: null };
	model.busy = "test";
	model.notice = null;
	announce(text.mode.testing);
	render();
	try {
		const { result, text: words, data } = await api.act("test", { address });
		model.test = { address, running: false, passed: result === "done", rows: data.requirements, text: words, data };
	} catch (error) {
		model.test = { address, running: false, passed: false, rows: error.data?.requirements ?? null, text: error.message, data: error.data };
		if (error.status === 401)
			failed(error);
	}
	model.busy = "";
	if (model.state === null)
		return;
	const bad = model.test?.rows?.filter((row) => row.result !== "pass").length ?? 0;
	announce(model.test?.passed ? text.mode.passed : bad > 0 ? text.mode.failed(bad) : model.test?.text ?? "");
	render();
}

async function join() {
	const { address, data } = model.test;
	const answer = await ask(text.confirm.join, data.peer_host_name || address, data.peer_fingerprint);
	if (answer !== null)
		await run("join", { address, peer_fingerprint: data.peer_fingerprint });
}

async function logOut(everywhere) {
	try {
		model.session = await api.logOut(everywhere);
		forget("");
		announce(everywhere ? text.login.loggedOutEverywhere : text.login.loggedOut);
		start();
	} catch (error) {
		failed(error);
	}
}

const actions = {
	swap: () => confirmed("swap", () => ({})),
	detach: () => confirmed("detach", () => ({ confirm: "detach" })),
	remove: () => confirmed("remove", () => ({ confirm: "remove" })),
	suspend: () => confirmed("suspend", ({ choice }) => ({ seconds: choice ? Number(choice) : null })),
	resume: () => run("resume", {}),
	logout: () => logOut(false),
	everywhere: () => logOut(true),
	close: () => {
		model.notice = null;
		render();
	},
	test, join,
};

async function logIn() {
	if (model.busy)
		return;
	model.busy = "login";
	model.mistake = "";
	render();
	try {
		model.session = await api.logIn(byId("user").value, byId("password").value);
		model.busy = "";
		announce("");
		follow();
		render();
		byId("content").focus();
	} catch (error) {
		model.busy = "";
		model.mistake = format.upper(error.message);
		announce(model.mistake);
		render();
		byId("password").value = "";
		byId("password").focus();
	}
}

const forms = {
	login: logIn,
	test: () => { if (!document.querySelector("[data-action=test]").hasAttribute("aria-disabled")) test(); },
	virtual: () => {
		model.form.checked = checkVirtual(byId("virtual").value);
		announce(model.form.checked.line || model.form.checked.mistakes.join(" "));
		render();
	},
};

document.addEventListener("click", (event) => {
	const button = event.target.closest("[data-action]");
	if (button && !button.hasAttribute("aria-disabled"))
		actions[button.dataset.action]();
	else if (button)
		announce(button.title);
});

document.addEventListener("submit", (event) => {
	const name = event.target.dataset.form;
	if (name === undefined)
		return;
	event.preventDefault();
	forms[name]();
});

document.addEventListener("input", (event) => {
	if (event.target.id === "address") {
		model.form.address = event.target.value;
		model.form.mistake = "";
		render();
	}
});

document.addEventListener("change", (event) => {
	if (event.target.name === "mode")
		model.form.mode = event.target.value;
	else if (event.target.id === "level")
		model.level = event.target.value;
	else
		return;
	render();
});

/* ---- the beginning ---- */

/* Who is there? Asked again until the console answers, and until there is an account. */
async function start() {
	try {
		model.session = await api.session();
		if (model.lost)
			announce(text.connection.healed);
		model.lost = null;
	} catch {
		model.lost ??= Date.now();
		render();
		setTimeout(start, ACCOUNT_WAIT_MS);
		return;
	}
	if (model.session.user !== null)
		follow();
	else if (!model.session.accounts)
		setTimeout(start, ACCOUNT_WAIT_MS);
	render();
	if (model.session.user === null && model.session.accounts)
		byId("user")?.focus();
}

byId("brand").textContent = text.title;
byId("skip").textContent = text.skip;
byId("banner").setAttribute("aria-label", text.notices);
start();
