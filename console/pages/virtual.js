/* virtual.js - the virtual IP addresses: shown, and edited where that is possible. */
import { element } from "./dom.js";
import { text } from "./strings.js";
import * as format from "./format.js";
import { button, reasons, status } from "./parts.js";

const words = text.virtual;
const VIRTUAL_MAX = 8;

export const addressesOf = (state) => state.virtual_ip.map((ip) => ip.address);

/* ---- what is being typed ---- */

let lastKey = 0;
const row = (value) => ({ key: ++lastKey, value, left: false });

/* What the form begins with; at least one field to type into. */
export function edit(state) {
	const from = addressesOf(state);
	return { from, rows: (from.length > 0 ? from : [""]).map(row), refused: "" };
}

export function add(form) {
	form.rows.push(row(""));
	return form.rows.at(-1).key;
}

/* What one field says of its address; a half-typed one is none yet while it is being typed. */
function mistakeOf(form, state, at) {
	const { value, left } = form.rows[at];
	const address = value.trim();
	const mistake = format.addressMistake(address);
	if (mistake)
		return left || !/^[0-9a-f:.]*$/i.test(address) || mistake === text.address.unusable ? mistake : "";
	const same = format.canonical(address);
	if (form.rows.slice(0, at).some((other) => format.canonical(other.value.trim()) === same))
		return text.address.twice(address);
	const own = state.nodes.flatMap((node) => node.management_addresses).map(format.canonical);
	return own.includes(same) ? words.management : "";
}

/* The key of the first field that is wrong, half-typed ones included; null: all are good. */
export function firstMistake(form, state) {
	for (const one of form.rows)
		one.left = true;
	return form.rows.find((_, at) => mistakeOf(form, state, at))?.key ?? null;
}

export const typed = (form) => form.rows.map((one) => one.value.trim());

/* What will be different: addresses that come, go and stay. */
export function difference(before, after) {
	const [was, is] = [before, after].map((all) => new Set(all.map(format.canonical)));
	return {
		come: after.filter((address) => !was.has(format.canonical(address))),
		go: before.filter((address) => !is.has(format.canonical(address))),
		stay: after.filter((address) => was.has(format.canonical(address))),
	};
}

function isSame(before, after) {
	const { come, go } = difference(before, after);
	return come.length + go.length === 0 && before.length === after.length;
}

/* What will happen, line by line. */
export function consequences(state, after) {
	const { come, go, stay } = difference(addressesOf(state), after);
	const peer = state.nodes.find((node) => !node.self)?.host_name;
	const here = location.hostname.replace(/^\[|\]$/g, "");
	return [
		...come.length > 0 ? [words.come(format.list(come))] : [],
		...go.length > 0 ? [words.go(format.list(go))] : [],
		...stay.length > 0 ? [words.stay(format.list(stay))] : [],
		...stay.length + go.length === 0 && !peer ? [words.first] : [],
		...after.length === 0 && !peer ? [words.nothing] : [],
		...peer ? [words.peer(peer)] : [],
		...go.includes(state.registration.address) ? [words.registration(state.registration.address)] : [],
		...go.map(format.canonical).includes(format.canonical(here)) ? [words.here(here, state.management_addresses[0])] : [],
	];
}

/* ---- what is seen ---- */

function field(model, at) {
	const form = model.form.virtual;
	const { key, value } = form.rows[at];
	const mistake = mistakeOf(form, model.state, at);
	return element("div", { class: "row", "data-key": `row-${key}` },
		element("label", { for: `virtual-${key}` }, words.field(at + 1)),
		element("div", { class: "typed" },
			element("input", {
				id: `virtual-${key}`, "data-row": key, autocomplete: "off", autocapitalize: "off", spellcheck: "false", inputmode: "text",
				maxlength: 64, value, "aria-invalid": mistake ? "true" : null, "aria-describedby": `virtual-mistake-${key}`,
			}),
			element("button", {
				type: "button", "data-action": "virtualRemove", "data-row": key,
				"aria-label": words.removeNamed(value.trim() || at + 1),
			}, words.remove)),
		element("p", { class: "mistake", id: `virtual-mistake-${key}` }, mistake));
}

export function whyNotSave(model) {
	const { allowed, reason } = model.state.operations.virtual_ip;
	if (model.blocked() || !allowed)
		return model.blocked() || reason;
	return isSame(addressesOf(model.state), typed(model.form.virtual)) ? words.unchanged : "";
}

function editor(model) {
	const form = model.form.virtual;
	const now = addressesOf(model.state);
	const full = form.rows.length >= VIRTUAL_MAX ? words.many(VIRTUAL_MAX) : "";
	const why = whyNotSave(model);
	return element("form", { "data-form": "virtual", novalidate: true, "data-key": "virtual-form" },
		form.rows.length === 0 && element("p", {}, words.willBeNone),
		form.rows.map((_, at) => field(model, at)),
		element("div", { class: "buttons" }, button("virtualAdd", words.add, { why: full, by: "why-virtual" })),
		!isSame(form.from, now) && element("p", { class: "note" },
			status("warning", words.changedMeanwhile(now.length > 0 ? format.list(now) : words.none))),
		element("p", { class: "mistake", id: "virtual-refused" }, form.refused),
		element("div", { class: "buttons" },
			button("virtual", words.save, { why, by: "why-virtual", kind: "primary", submit: true }),
			button("virtualCancel", text.confirm.cancel)),
		reasons("why-virtual", [[words.add, full], [words.save, why]]));
}

function list(model) {
	const { virtual_ip: virtual, operations } = model.state;
	const why = model.blocked() || (operations.virtual_ip.allowed ? "" : operations.virtual_ip.reason);
	return element("div", { "data-key": "virtual-list" },
		virtual.length === 0
			? element("p", {}, words.noneYet)
			: element("ul", { class: "plain addresses" }, virtual.map((ip) => element("li", {},
				element("code", {}, ip.address), " ",
				status(ip.held ? "ok" : "unknown", ip.held ? words.held : words.notHeld)))),
		element("div", { class: "buttons" }, button("virtualEdit", words.edit, { why, by: "why-virtual" })),
		reasons("why-virtual", [[words.edit, why]]));
}

export const virtual = (model) => element("div", { class: "pane", "data-key": "active" },
	element("h3", { tabindex: "-1", id: "virtual-heading" }, words.heading),
	model.form.virtual === null ? list(model) : editor(model));
