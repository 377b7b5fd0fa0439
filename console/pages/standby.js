/* standby.js - what the passive appliance shows: that it is not the one to manage, and where that is. */
import { element, icon } from "./dom.js";
import { text } from "./strings.js";
import * as format from "./format.js";
import { modeOf } from "./mode.js";
import { card, facts, status, syncStatus, takeover } from "./parts.js";
import { timeline } from "./timeline.js";

const words = text.standby;

function whereTo(active, port) {
	const [address] = active.management_addresses;
	const [virtual] = active.virtual_ip;
	return element("div", { class: "where" },
		element("p", {}, words.lead(active.host_name)),
		address && element("p", {},
			element("a", { class: "button primary", id: "active", href: format.consoleLink(address, port) }, words.go(active.host_name)),
			" ", element("code", {}, address)),
		virtual && element("p", { class: "small" },
			element("a", { href: format.consoleLink(virtual.address, port) }, words.goVirtual(virtual.address))));
}

export function standby(model) {
	const { state } = model;
	const passive = state.state === "passive";
	const own = state.nodes.find((node) => node.self);
	return [
		element("div", { class: "hero", "data-key": "hero" },
			element("span", { class: "emblem" }, icon(own.status.level)),
			element("div", {},
				element("h1", { tabindex: "-1" }, passive ? words.heading : words.undecided),
				state.active ? whereTo(state.active, model.session.peer_port) : element("p", {}, words.unknown))),
		element("div", { class: "pair", "data-key": "pair" },
			card("sync", words.sync, syncStatus(state)),
			takeover(model, null)),
		card("this", words.this, facts([
			[text.nodes.host, state.host_name],
			[text.nodes.address, format.list(state.management_addresses)],
			[text.nodes.mode, format.upper(modeOf(state, own))],
			[words.state, status(own.status.level, format.upper(state.state))],
			[words.reason, format.upper(state.reason)],
			[text.nodes.key, element("code", { class: "key" }, state.fingerprint)],
		])),
		timeline(model),
	];
}
