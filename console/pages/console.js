/* console.js - the page: one model, what changes it, and the view that it makes. */
import * as api from "./api.js";
import { sample } from "./chart.js";
import { cluster } from "./cluster.js";
import { ask, dismiss } from "./dialog.js";
import { element, icon, show } from "./dom.js";
import * as format from "./format.js";
import { login } from "./login.js";
import { standby } from "./standby.js";
import { text } from "./strings.js";
import * as timeline from "./timeline.js";
import * as virtual from "./virtual.js";

const byId = (id) => document.getElementById(id);
const ACCOUNT_WAIT_MS = 3000;

const emptyForm = () => ({ mode: null, address: "", mistake: "", virtual: null });

const model = {
	session: null,
	state: null,     // as the API has it, with "live"
	samples: [],     // of the chart
	lost: null,      // since when the connection is
	busy: "",        // the action under way
	notice: null,    // {level, words}: what the last action came to
	mistake: "",     // of the login
	timeline: timeline.emptyTimeline(),
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
	const words = text.connection;
	return [element("div", { class: "hero", "data-key": "down" },
		element("span", { class: "emblem" }, icon("error")),
		element("div", {},
			element("h1", { tabindex: "-1" }, agent.up ? words.otherHeading : words.agentHeading),
			element("p", {}, format.upper(agent.text)),
			element("p", {}, agent.up ? words.other : words.agent)))];
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

let rendering = false; // what loses the focus by it has not been left

function render() {
	const host = model.session?.host_name;
	rendering = true;
	document.title = [text.title, host].filter(Boolean).join(" - ");
	show(byId("bar"), bar());
	show(byId("banner"), banner());
	show(byId("content"), content());
	byId("content").classList.toggle("stale", model.lost !== null);
	rendering = false;
}

/* ---- what the agent says ---- */

let known = "down"; // the last screen of an agent that knew its role

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
	settle(state);
	if (model.timeline.all !== null && state.history)
		append(state.history);
	render();
}

function turn(before, screen) {
	dismiss();
	model.notice = null;
	announce(before === "down" && screen === known ? text.connection.agentBack : wordsOf(screen));
}

/* What was begun in a form is still there after an agent that was away, or has not decided yet; not after another role. */
function settle({ screen, role }) {
	if (screen === "down" || role === "none" || screen === known)
		return;
	known = screen;
	model.test = null;
	model.form = emptyForm();
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
		timeline: timeline.emptyTimeline(),
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

/* ---- the virtual IP addresses ---- */

function cancelVirtual() {
	model.form.virtual = null;
	render();
	(document.querySelector("[data-action=virtualEdit]") ?? byId("virtual-heading"))?.focus();
}

function editVirtual() {
	model.form.virtual = virtual.edit(model.state);
	model.notice = null;
	render();
	byId(`virtual-${model.form.virtual.rows[0].key}`).focus();
}

function addVirtual() {
	const key = virtual.add(model.form.virtual);
	render();
	byId(`virtual-${key}`).focus();
}

/* The focus goes to the field that has come into its place, or to what adds one. */
function removeVirtual({ dataset }) {
	const { rows } = model.form.virtual;
	const at = rows.findIndex((row) => row.key === Number(dataset.row));
	const [{ value }] = rows.splice(at, 1);
	announce(text.virtual.removed(value.trim()));
	render();
	const next = rows[at] ?? rows[at - 1];
	(next ? byId(`virtual-${next.key}`) : document.querySelector("[data-action=virtualAdd]")).focus();
}

async function saveVirtual() {
	const form = model.form.virtual;
	const why = virtual.whyNotSave(model);
	if (why) {
		announce(text.unavailable(text.virtual.save, why));
		return;
	}
	form.refused = "";
	const wrong = virtual.firstMistake(form, model.state);
	render();
	if (wrong !== null) {
		byId(`virtual-${wrong}`).focus();
		return;
	}
	const addresses = virtual.typed(form);
	const question = { ...text.confirm.virtual, lines: () => virtual.consequences(model.state, addresses) };
	if (await ask(question, peerName()) === null)
		return;
	model.busy = "virtual";
	model.notice = null;
	announce(text.working);
	render();
	try {
		const { text: words } = await api.act("virtual_ip", { addresses });
		model.busy = "";
		model.form.virtual = null;
		tell("ok", words);
		(document.querySelector("[data-action=virtualEdit]") ?? byId("virtual-heading"))?.focus();
	} catch (error) {
		model.busy = "";
		form.refused = format.upper(error.message);
		announce(form.refused);
		if (error.status === 401)
			failed(error);
		render();
	}
}

/* ---- earlier events ---- */

/* An event has come: it is put to those that were fetched. More than a state tells have come: they are fetched anew. */
function append(newest) {
	const all = timeline.join(model.timeline.all, newest);
	if (all !== null)
		model.timeline.all = all;
	else
		fetchEvents().catch(() => {}); // with the next event
}

async function fetchEvents() {
	const { history } = await api.history();
	if (model.state?.history)
		model.timeline.all = timeline.join(history, model.state.history) ?? history;
}

async function earlier() {
	if (model.timeline.asking)
		return;
	const items = () => [...document.querySelectorAll(".events > li")];
	const last = items().at(-1)?.dataset.key;
	model.timeline.mistake = "";
	if (model.timeline.all === null) {
		model.timeline.asking = true;
		render();
		try {
			await fetchEvents();
		} catch (error) {
			model.timeline.mistake = format.upper(error.message);
			announce(model.timeline.mistake);
			if (error.status === 401)
				failed(error);
		}
		model.timeline.asking = false;
	}
	if (model.timeline.all === null) {
		render();
		return;
	}
	const n = timeline.more(model);
	render();
	announce(n > 0 ? text.timeline.shown(n) : text.timeline.noneEarlier);
	// By its name: others may have come above it meanwhile.
	const next = last === undefined ? items()[0] : items().find((item) => item.dataset.key === last)?.nextElementSibling;
	(next ?? byId("all-events"))?.focus();
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
	test, join, earlier,
	virtualEdit: editVirtual, virtualCancel: cancelVirtual, virtualAdd: addVirtual, virtualRemove: removeVirtual,
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
	virtual: saveVirtual,
};

document.addEventListener("click", (event) => {
	const button = event.target.closest("[data-action]");
	if (button && !button.hasAttribute("aria-disabled"))
		actions[button.dataset.action](button);
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
	} else if (event.target.dataset.row) {
		Object.assign(rowOf(event.target), { value: event.target.value, left: false });
		model.form.virtual.refused = "";
		render();
	}
});

const rowOf = ({ dataset }) => model.form.virtual.rows.find((row) => row.key === Number(dataset.row));

/* Only now is what was typed to be judged. */
document.addEventListener("focusout", (event) => {
	const isField = event.target.localName === "input" && event.target.dataset.row && model.form.virtual;
	const row = isField && !rendering && rowOf(event.target);
	if (row && row.value !== "" && !row.left) {
		row.left = true;
		render();
	}
});

document.addEventListener("change", (event) => {
	if (event.target.name === "mode")
		model.form.mode = event.target.value;
	else if (event.target.id === "level")
		Object.assign(model.timeline, { level: event.target.value, limit: timeline.emptyTimeline().limit });
	else
		return;
	render();
});

/* ---- the beginning ---- */

/* Who is there? Asked again until the console answers, and until there is an account. */
async function start() {
	try {
		const session = await api.session();
		if (model.session && model.session.version !== session.version) {
			location.reload(); // the console is another one than this page is from
			return;
		}
		model.session = session;
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
