/* timeline.js - what has happened, the newest first. */
import { element } from "./dom.js";
import { text } from "./strings.js";
import * as format from "./format.js";
import { card, status } from "./parts.js";

const words = text.timeline;
const rank = { informational: 0, important: 1, critical: 2 };
const icons = { informational: "info", important: "warning", critical: "error" };

function headline(event) {
	const what = event.event === "state"
		? words.state(format.upper(event.from), format.upper(event.to))
		: words.events[event.event] ?? format.upper(event.event.replaceAll("_", " "));
	return event.subject ? `${what}: ${event.subject}` : what;
}

function footnote(event) {
	return format.list([
		...event.reason ? [format.upper(event.reason)] : [],
		...event.rule ? [words.rule(event.rule)] : [],
		words.term(event.term),
	]);
}

function item(event) {
	return element("li", { class: event.level, "data-key": `${event.time} ${event.event} ${event.subject}` },
		element("time", { datetime: event.time }, format.instant(event.time)),
		element("div", {},
			element("p", {}, status(icons[event.level] ?? "info", headline(event)),
				element("span", { class: "unseen" }, `, ${words.names[event.level] ?? event.level}`)),
			element("p", { class: "small" }, footnote(event))));
}

export function timeline(model) {
	const events = model.state.history.filter((event) => (rank[event.level] ?? 0) >= rank[model.level]).reverse();
	return card("timeline", words.heading,
		element("p", { class: "filter" },
			element("label", { for: "level" }, words.level), " ",
			element("select", { id: "level" }, Object.entries(words.levels).map(([value, label]) =>
				element("option", { value, selected: model.level === value }, label)))),
		events.length > 0
			? element("ol", { class: "events" }, events.map(item))
			: element("p", { class: "small" }, words.empty));
}
