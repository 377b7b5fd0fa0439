/* nodes.js - the list of the pair's appliances, and what can be done with them. */
import { element } from "./dom.js";
import { text } from "./strings.js";
import * as format from "./format.js";
import { modeOf } from "./mode.js";
import { bullets, button, card, facts, reasons, status, syncStatus, table } from "./parts.js";

const words = text.nodes;

/* What went over the link in the last second, both ways. */
function throughput(model) {
	const [before, now] = model.samples.slice(-2);
	if (!now || now.bytes === null || before.bytes === null || now.bytes < before.bytes || now.at <= before.at)
		return null;
	return `${format.bytes((now.bytes - before.bytes) * 1000 / (now.at - before.at))}/s`;
}

function lastConnected(node, live) {
	if (node.self)
		return words.none;
	if (node.connected)
		return words.now;
	if (live.last_heard_ms === null)
		return words.never;
	return words.ago(format.duration(live.last_heard_ms / 1000),
		format.instant(Date.parse(live.time) - live.last_heard_ms));
}

function ownDetails({ state }) {
	const held = state.virtual_ip.filter((ip) => ip.held).map((ip) => ip.address);
	return element("div", { class: "details" },
		facts([
			[words.holds, held.length > 0 ? format.list(held) : null],
			[words.key, element("code", { class: "key" }, state.fingerprint)],
		], "facts small"));
}

function peerDetails(model, node) {
	const { state } = model;
	const link = state.live.paths.find((path) => path.name === "link" && path.state === "up");
	return element("div", { class: "details" },
		syncStatus(state),
		facts([
			[words.latency, link && link.rtt_us > 0 ? format.microseconds(link.rtt_us) : null],
			[words.throughput, throughput(model)],
			[words.key, element("code", { class: "key" }, node.fingerprint)],
		], "facts small"),
		node.why_not?.length > 0 && element("div", {},
			element("p", { class: "small" }, words.whyNot), bullets(node.why_not.map(format.upper), "lines small")));
}

function actions(model, names) {
	const blocked = model.blocked();
	const why = (name) => blocked || (model.state.operations[name].allowed ? "" : model.state.operations[name].reason);
	return element("div", { class: "actions" },
		element("div", { class: "buttons" }, names.map((name) =>
			button(name, text.actions[name], { why: why(name), by: "why-nodes", kind: name === "swap" ? "" : "danger" }))),
		reasons("why-nodes", names.map((name) => [text.actions[name], why(name)])));
}

function row(model, node, withActions) {
	const { live } = model.state;
	return {
		key: node.self ? "self" : "peer",
		cells: [
			element("div", {},
				status(node.status.level, format.upper(node.status.text)),
				node.connected && element("p", { class: "small" }, format.upper(node.reason)),
				node.self && element("p", { class: "small" }, words.since(format.duration(live.since_ms / 1000)))),
			format.upper(modeOf(model.state, node) ?? words.none),
			node.management_addresses.length > 0
				? element("ul", { class: "plain" }, node.management_addresses.map((address) => element("li", {}, address)))
				: words.none,
			element("div", {}, element("strong", {}, node.host_name || words.none),
				node.self && element("p", { class: "small" }, words.self)),
			lastConnected(node, live),
			node.self ? ownDetails(model) : peerDetails(model, node),
			withActions ? actions(model, ["swap", "detach", "remove"]) : words.none,
		],
	};
}

export function nodes(model) {
	const all = model.state.nodes;
	return card("nodes", words.heading,
		table({
			caption: words.heading, kind: "nodes-table",
			heads: [words.status, words.mode, words.address, words.host, words.seen, words.details, words.action],
			rows: all.map((node) => row(model, node, all.length === 1 || !node.self)),
		}),
		all.length === 1 && element("p", { class: "small" }, words.alone));
}
