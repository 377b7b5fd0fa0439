/* timeline.js - what has happened, the newest first: those of the state, and on demand all that the agent remembers. */
import { element } from "./dom.js";
import { text } from "./strings.js";
import * as format from "./format.js";
import { button, card, status } from "./parts.js";

const words = text.timeline;
const rank = { informational: 0, important: 1, critical: 2 };
const icons = { informational: "info", important: "warning", critical: "error" };
const NEWEST = 20;     // in a state
const STEP = 50;       // more of them at a time
const HISTORY_MAX = 256; // as many as the agent remembers

/* level: of those that are shown; all: oldest first, null before they were asked for; limit: how many are shown. */
export const emptyTimeline = () => ({ level: "informational", all: null, limit: NEWEST, asking: false, mistake: "" });

/* Those that were fetched and the newest ones; null if there are some between the two. */
export function join(all, newest) {
	if (newest.length === 0)
		return all;
	const first = JSON.stringify(newest[0]);
	const at = all.findLastIndex((event) => JSON.stringify(event) === first);
	if (at < 0 && all.length > 0)
		return null;
	return [...all.slice(0, Math.max(at, 0)), ...newest].slice(-HISTORY_MAX);
}

const ofLevel = (events, level) => events.filter((event) => (rank[event.level] ?? 0) >= rank[level]);

/* Of the level, the newest first: all that are known here. */
const known = ({ state, timeline }) => ofLevel(timeline.all ?? state.history, timeline.level).reverse();

/* Are there more than are shown, or could there be? */
export function hasEarlier(model) {
	const { all, limit } = model.timeline;
	return known(model).length > limit || (all === null && model.state.history.length >= NEWEST);
}

/* How many more are shown now than before. */
export function more(model) {
	const { timeline } = model;
	const before = Math.min(known(model).length, timeline.limit);
	timeline.limit += STEP;
	return Math.min(known(model).length, timeline.limit) - before;
}

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
	const { time, to, subject, detail } = event;
	return element("li", { class: event.level, tabindex: "-1", "data-key": format.list([time, event.event, to, subject, detail]) },
		element("time", { datetime: time }, format.instant(time)),
		element("div", {},
			element("p", {}, status(icons[event.level] ?? "info", headline(event)),
				element("span", { class: "unseen" }, `, ${words.names[event.level] ?? event.level}`)),
			element("p", { class: "small" }, footnote(event))));
}

function earlier(model) {
	const { all, asking, mistake } = model.timeline;
	if (!hasEarlier(model))
		return all !== null && element("p", { class: "small", tabindex: "-1", id: "all-events" }, words.all);
	return element("div", { class: "actions", "data-key": "earlier" },
		element("div", { class: "buttons" }, button("earlier", asking ? words.asking : words.earlier, { why: model.lost ? text.notConnected : "" })),
		element("p", { class: "mistake", id: "earlier-mistake" }, mistake));
}

export function timeline(model) {
	const { level, limit, all } = model.timeline;
	const events = known(model).slice(0, limit);
	return card("timeline", words.heading,
		element("p", { class: "filter" },
			element("label", { for: "level" }, words.level), " ",
			element("select", { id: "level" }, Object.entries(words.levels).map(([value, label]) =>
				element("option", { value, selected: level === value }, label)))),
		events.length > 0
			? element("ol", { class: "events" }, events.map(item))
			: element("p", { class: "small" }, all === null && hasEarlier(model) ? words.emptyNewest : words.empty),
		earlier(model));
}
