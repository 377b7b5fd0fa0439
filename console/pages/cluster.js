/* cluster.js - the Cluster tab, on a standalone or active appliance. */
import { element } from "./dom.js";
import { text } from "./strings.js";
import * as format from "./format.js";
import { chart } from "./chart.js";
import { isPaired, mode } from "./mode.js";
import { nodes } from "./nodes.js";
import { button, card, facts, reasons, status, takeover } from "./parts.js";
import { timeline } from "./timeline.js";

/* Either the one or the other is of use. */
function suspension(model) {
	const action = model.state.suspended ? "resume" : "suspend";
	const { allowed, reason } = model.state.operations[action];
	const why = model.blocked() || (allowed ? "" : reason);
	return element("div", { class: "actions" },
		element("div", { class: "buttons" }, button(action, text.actions[action], { why, by: "why-suspend" })),
		reasons("why-suspend", [[text.actions[action], why]]));
}

function registration({ state }) {
	const words = text.registration;
	const { allowed, address, addresses } = state.registration;
	const others = addresses.filter((other) => other !== address);
	return card("registration", words.heading,
		allowed && address && element("p", {}, words.address),
		allowed && address && element("p", { class: "address" }, element("code", {}, address)),
		allowed && others.length > 0 && element("p", { class: "small" }, words.also, " ",
			others.map((other, i) => [i > 0 && ", ", element("code", {}, other)])),
		!allowed && element("p", {}, words.notAllowed),
		element("p", { class: "small" }, allowed && state.virtual_ip.some((virtual) => virtual.address === address) ? words.virtual
			: allowed ? words.own : state.registration.reason));
}

const level = (check) => check.failed ? "error" : check.failing ? "warning" : "ok";

function checks({ state }) {
	return state.checks.length > 0 && card("checks", text.checks.heading,
		facts(state.checks.map((check) => [check.name, status(level(check), format.upper(check.state))])));
}

const trail = () => element("nav", { class: "trail", "aria-label": text.administration },
	element("ol", {}, text.trail.map((step) => element("li", {}, step)),
		element("li", { "aria-current": "page" }, text.tab)));

export function cluster(model) {
	const paired = isPaired(model.state);
	return [
		trail(),
		element("h1", { tabindex: "-1", "data-key": "h1-cluster" }, text.tab),
		element("div", { class: "pair", "data-key": "pair" },
			takeover(model, suspension(model)), registration(model)),
		!paired && mode(model),
		nodes(model),
		paired && mode(model),
		checks(model),
		chart(model),
		timeline(model),
	];
}
