/* parts.js - what several views have in common. */
import { element, icon } from "./dom.js";
import { text } from "./strings.js";
import * as format from "./format.js";

/* A section of the page with its heading. */
export const card = (key, heading, ...children) =>
	element("section", { class: `card ${key}`, "data-key": key, "aria-labelledby": `h-${key}` },
		element("h2", { id: `h-${key}`, tabindex: "-1" }, heading), ...children);

/* A button that can be reached and says why it does nothing, rather than one that cannot be reached. why: empty if it can
 * be used; by: the element that says it; submit: of a form, which has the action. */
export function button(action, label, { why = "", by = null, kind = "", submit = false } = {}) {
	return element("button", {
		type: submit ? "submit" : "button", "data-action": submit ? null : action, "data-key": `button-${action}`, class: kind || null,
		"aria-disabled": why ? "true" : null, "aria-describedby": why ? by : null,
		title: why ? `${text.notPossible}: ${why}` : null,
	}, label);
}

/* Why those cannot be used, each reason once. of: [[label, reason]...] */
export function reasons(id, of) {
	const by = new Map();
	for (const [label, reason] of of)
		if (reason)
			by.set(reason, [...by.get(reason) ?? [], label]);
	return element("ul", { class: "why", id, hidden: by.size === 0 },
		[...by].map(([reason, labels]) => element("li", {}, text.unavailable(format.list(labels), reason))));
}

export const status = (level, words) =>
	element("span", { class: `status ${level}` }, icon(level), element("span", {}, words));

/* Terms and what belongs to them; those without anything are left out. */
export const facts = (of, kind = "facts") => element("dl", { class: kind },
	of.filter(([, value]) => value !== null && value !== "" && value !== undefined).map(([term, value]) =>
		element("div", { "data-key": term }, element("dt", {}, term), element("dd", {}, value))));

export const bullets = (lines, kind = "lines") => element("ul", { class: kind }, lines.map((line) => element("li", {}, line)));

/* For a table that is a list of cards where there is no room: it stays a table to those who do not see it. */
export function table({ caption, kind, heads, rows }) {
	return element("table", { class: `table ${kind}`, role: "table" },
		element("caption", { class: "unseen" }, caption),
		element("thead", { role: "rowgroup" }, element("tr", { role: "row" },
			heads.map((head) => element("th", { role: "columnheader", scope: "col" }, head)))),
		element("tbody", { role: "rowgroup" }, rows.map(({ key, cells, kind: row }) =>
			element("tr", { role: "row", "data-key": key, class: row ?? null },
				cells.map((cell, i) => element("td", {
					role: "cell", "data-head": heads[i], class: cell === text.nodes.none ? "none" : null,
				}, cell))))));
}

/* ---- how far the copy of the settings is ---- */

const syncLevels = {
	"fully synced": "ok", "nothing to sync": "unknown", "not started": "warning", syncing: "warning",
	"out of sync": "warning", "sync error": "error", paused: "warning",
};

export const isSyncing = (state) => state.sync.status === "syncing";

function progress(state) {
	const { sync } = state.live;
	const words = text.nodes;
	const left = sync.left_s === null ? words.unknownLeft : format.duration(sync.left_s);
	return element("div", { class: "progress", "data-key": "progress" },
		element("progress", { max: 100, value: sync.percent, "aria-label": words.progress }, `${sync.percent} %`),
		element("span", { class: "small" }, format.list([
			words.bytes(format.bytes(sync.bytes), format.bytes(sync.bytes_total)),
			words.files(sync.files, sync.files_total),
			`${format.bytes(sync.rate_bytes_per_s)}/s`,
			`${words.left.toLowerCase()} ${left}`,
		])));
}

export function syncStatus(state) {
	const { sync, live } = state;
	const words = text.nodes;
	const label = isSyncing(state) ? words.syncing(live.sync.percent) : text.sync[sync.status] ?? format.upper(sync.status);
	const phase = text.phases[sync.phase];
	return element("div", { class: "sync" },
		status(syncLevels[sync.status] ?? "unknown", phase ? `${label}, ${phase}` : label),
		isSyncing(state) && progress(state),
		sync.reason && element("p", { class: "small" }, format.upper(sync.reason)),
		sync.synced_at && element("p", { class: "small" }, words.syncedAt(format.instant(sync.synced_at))),
		sync.skipped > 0 && element("p", { class: "small" }, words.skipped(sync.skipped)),
		sync.unreadable > 0 && element("p", { class: "small" }, words.unreadable(sync.unreadable, sync.example)),
		sync.conflicts > 0 && element("p", { class: "small" }, words.conflicts(sync.conflicts)));
}

/* ---- can it take over ---- */

export function takeover(model, actions) {
	const { state } = model;
	const words = text.takeover;
	const here = state.screen === "standby";
	const { ready } = state.takeover;
	const level = ready ? "ok" : state.nodes.length > 1 ? "error" : "unknown";
	const until = state.live.suspended_until;
	const suspended = state.suspended &&
		`${words.suspended} ${until ? words.until(format.instant(until)) : words.untilResumed}.`;
	return card("takeover", here ? words.headingHere : words.heading,
		element("p", { class: "answer" }, status(level, ready ? words.yes : words.no)),
		ready && element("p", {}, here ? words.yesHere : words.yesText),
		!ready && bullets(state.takeover.reasons.map(format.upper)),
		suspended && element("p", { class: "note" }, status("warning", suspended)),
		state.degraded && state.degraded_reasons.length > 0 && element("div", {},
			element("p", { class: "small" }, words.degraded), bullets(state.degraded_reasons.map(format.upper))),
		actions);
}
