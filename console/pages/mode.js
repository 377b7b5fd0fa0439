/* mode.js - which mode this appliance is in, and the form by which it becomes the passive one of a pair. */
import { element } from "./dom.js";
import { text } from "./strings.js";
import * as format from "./format.js";
import { button, card, facts, reasons, status, table } from "./parts.js";
import { virtual } from "./virtual.js";

const words = text.mode;

export const isPaired = (state) => state.nodes.length > 1;
const isHolder = (state) => state.role !== "standalone"; // or is to be, as soon as its address is free

/* Of one of the nodes, as it is by now: what it was set up as ends with the first swap. */
export function modeOf(state, node) {
	const active = state.nodes.filter((one) => one.state === "active");
	const holder = active.find((one) => one.self) ?? active[0];
	if (!isPaired(state) || !holder)
		return node.mode;
	return node === holder ? words.isActive : words.isPassive;
}

/* ---- the choice ---- */

function choice(model, value, label, hint) {
	const { state } = model;
	const chosen = model.form.mode ?? (isHolder(state) ? "active" : null);
	return element("label", { class: "choice" },
		element("input", { type: "radio", name: "mode", value, checked: chosen === value, "aria-describedby": `hint-${value}` }),
		element("span", {}, element("span", { class: "name" }, label),
			element("span", { class: "small", id: `hint-${value}` }, hint)));
}

/* ---- passive ---- */

function requirement(row, testing) {
	const asked = text.requirements;
	const open = testing && row.result === "unknown";
	const level = { pass: "ok", fail: "error" }[row.result] ?? "unknown";
	return {
		key: row.name, kind: open ? "open" : row.result,
		cells: [
			row.title, status(level, open ? asked.checking : asked[row.result]),
			row.local || text.nodes.none, row.peer || text.nodes.none,
			!open && row.remedy ? row.remedy : text.nodes.none,
		],
	};
}

export function requirements(rows, testing) {
	const asked = text.requirements;
	return table({
		caption: asked.caption, kind: "requirements",
		heads: [asked.name, asked.result, asked.here, asked.there, asked.remedy],
		rows: rows.map((row) => requirement(row, testing)),
	});
}

/* Those that are on their way, as the agent has them, then those of the answer. */
function rowsOf({ state, test }) {
	if (test.running || test.rows === null)
		return state.testing ? state.requirements : [];
	return test.rows;
}

function outcome({ test }) {
	if (test.running)
		return element("p", { class: "outcome", "data-key": "running" }, status("unknown", words.testing));
	if (test.passed)
		return element("p", { class: "outcome", "data-key": "passed" }, status("ok", words.passed));
	const failed = test.rows?.filter((row) => row.result !== "pass").length ?? 0;
	return element("p", { class: "outcome", "data-key": "failed" },
		status("error", failed > 0 ? words.failed(failed) : format.upper(test.text)));
}

function result(model) {
	const { test } = model;
	if (test === null)
		return null;
	const rows = rowsOf(model);
	return element("div", { class: "result", "data-key": "result" },
		outcome(model),
		rows.length > 0 && requirements(rows, test.running),
		test.data?.peer_fingerprint && facts([
			[words.keyHere, element("code", { class: "key" }, test.data.fingerprint)],
			[words.keyThere(test.data.peer_host_name || text.requirements.there),
				element("code", { class: "key" }, test.data.peer_fingerprint)],
		], "facts small"));
}

function whyNotSave(model) {
	const { operations } = model.state;
	const { test, form } = model;
	if (model.blocked())
		return model.blocked();
	if (!operations.join.allowed)
		return operations.join.reason;
	if (test === null || test.running)
		return words.saveFirst;
	if (!test.passed)
		return words.saveFailed;
	return test.address === form.address.trim() ? "" : words.saveChanged;
}

function passive(model) {
	const { operations } = model.state;
	const test = operations["test-connection"];
	const whyTest = model.blocked() || (test.allowed ? "" : test.reason);
	const whySave = whyNotSave(model);
	const { mistake } = model.form;
	return element("div", { class: "pane", "data-key": "passive" },
		element("form", { "data-form": "test", novalidate: true },
			element("label", { for: "address" }, words.address),
			element("input", {
				id: "address", name: "address", autocomplete: "off", autocapitalize: "off", spellcheck: "false", inputmode: "text",
				maxlength: 64, value: model.form.address, "aria-required": "true", "aria-invalid": mistake ? "true" : null,
				"aria-describedby": "address-mistake address-hint",
			}),
			element("p", { class: "mistake", id: "address-mistake" }, mistake),
			element("p", { class: "small", id: "address-hint" }, words.addressHint),
			element("div", { class: "buttons" },
				button("test", text.actions.test, { why: whyTest, by: "why-mode" }),
				button("join", text.actions.join, { why: whySave, by: "why-mode", kind: "primary" })),
			reasons("why-mode", [[text.actions.test, whyTest], [text.actions.join, whySave]])),
		result(model));
}

/* ---- both ---- */

export function mode(model) {
	const { state, form } = model;
	const chosen = form.mode ?? (isHolder(state) ? "active" : null);
	return card("mode", words.heading,
		state.role === "standalone" && element("p", {}, words.standalone),
		element("fieldset", {},
			element("legend", { class: "unseen" }, words.legend),
			choice(model, "active", words.active, words.activeHint),
			choice(model, "passive", words.passive, words.passiveHint)),
		chosen === "active" && virtual(model),
		chosen === "passive" && passive(model));
}
