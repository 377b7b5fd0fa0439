/* chart.js - the worst heartbeat gap and round trip of both paths in each second of the last two minutes, against the dead
 * interval. */
import { element } from "./dom.js";
import { text } from "./strings.js";
import * as format from "./format.js";
import { card, status, table } from "./parts.js";

const words = text.chart;
const paths = ["link", "management"];
const SPAN_MS = 120000;
const SPAN_MIN_MS = 10000;
const FLOOR_MS = 0.01; // of the round trips: no network is faster

/* What is kept of each "live", oldest first. */
export function sample(samples, live) {
	const at = Date.parse(live.time);
	const value = {};
	for (const path of live.paths)
		value[path.name] = path.last_second && {
			gap: path.last_second.gap_ms,
			rtt: path.last_second.rtt_us > 0 ? path.last_second.rtt_us / 1000 : null,
		};
	if (samples.length > 0 && at <= samples.at(-1).at)
		samples.length = 0; // its clock was set back
	const sum = live.bytes_sent === null ? null : live.bytes_sent + live.bytes_received;
	samples.push({ at, value, bytes: sum });
	while (samples[0].at < at - SPAN_MS)
		samples.shift();
}

/* From the top, in percent. The dead interval is the line at DEAD_AT. */
const DEAD_AT = 14;
const linear = (dead) => (ms) => 100 - Math.min(ms / dead, 1.15) * (100 - DEAD_AT);
function logarithmic(dead) {
	const decades = Math.log(dead / FLOOR_MS);
	return (ms) => 100 - Math.min(Math.max(Math.log(ms / FLOOR_MS), 0) / decades, 1.15) * (100 - DEAD_AT);
}

/* From what there is, so that a page that was just opened shows something. */
function spanOf(samples) {
	const ms = samples.length > 0 ? samples.at(-1).at - samples[0].at : 0;
	return Math.max(ms, SPAN_MIN_MS);
}

/* Where a path was silent its line is broken; a second alone is a dot. */
function lines(samples, path, what, scale) {
	const runs = [[]];
	const end = samples.at(-1)?.at ?? 0;
	const span = spanOf(samples);
	for (const { at, value } of samples) {
		const ms = value[path]?.[what] ?? null;
		if (ms === null)
			runs.push([]);
		else
			runs.at(-1).push(`${((1 - (end - at) / span) * 100).toFixed(2)},${scale(ms).toFixed(2)}`);
	}
	return runs.filter((run) => run.length > 0).map((run) =>
		element("polyline", { class: `series ${path}`, points: (run.length > 1 ? run : [run[0], run[0]]).join(" "), "vector-effect": "non-scaling-stroke" }));
}

function grid(at, label) {
	return [
		element("line", { class: "grid", x1: 0, x2: "100%", y1: `${at}%`, y2: `${at}%` }),
		element("text", { x: 4, y: `${at}%`, dy: -3 }, label),
	];
}

function latest(samples, path, what) {
	const ms = samples.at(-1)?.value[path]?.[what] ?? null;
	return ms === null ? words.none : format.milliseconds(ms);
}

function plot(model, what, title, dead, scale, ticks) {
	const { samples } = model;
	const summary = words.describe(title, latest(samples, "link", what), latest(samples, "management", what),
		format.milliseconds(dead));
	return element("figure", { "data-key": what },
		element("figcaption", {}, title, element("span", { class: "small" }, words.span(format.duration(spanOf(samples) / 1000)))),
		element("svg", { class: "plot", role: "img", "aria-label": summary },
			ticks.map((ms) => grid(scale(ms), format.milliseconds(ms))),
			element("line", { class: "dead", x1: 0, x2: "100%", y1: `${DEAD_AT}%`, y2: `${DEAD_AT}%` }),
			element("text", { class: "dead-label", x: 4, y: `${DEAD_AT}%`, dy: -4 }, words.dead(format.milliseconds(dead))),
			element("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", width: "100%", height: "100%" },
				paths.map((path) => lines(samples, path, what, scale)))));
}

const legend = () => element("ul", { class: "legend plain", "aria-hidden": "true" }, paths.map((path) => element("li", {},
	element("svg", { class: "swatch" }, element("line", { class: `series ${path}`, x1: 0, x2: "100%", y1: "50%", y2: "50%" })),
	words[path])));

function figures({ state }) {
	return table({
		caption: words.table, kind: "paths",
		heads: [words.path, words.interface, words.state, words.gapNow, words.margin, words.rttNow, words.rttWorst, words.counters],
		rows: state.paths.map((path, i) => {
			const live = state.live.paths[i];
			const up = live.state === "up";
			const ms = (value) => up ? format.milliseconds(value) : text.nodes.none;
			return { key: path.name, cells: [
				words[path.name], path.interface,
				format.list([words.states[live.state], ...path.carrier ? [] : [words.carrier]]),
				ms(live.worst_gap_ms), ms(live.margin_ms), ms(live.rtt_us / 1000), ms(live.rtt_worst_us / 1000),
				`${live.heartbeats_sent} / ${live.heartbeats_received}`,
			] };
		}),
	});
}

export function chart(model) {
	const dead = model.state.timing.dead_ms;
	const decades = [0.1, 1, 10, 100].filter((ms) => ms < dead * 0.8);
	if (model.state.nodes.length === 1)
		return card("chart", words.heading, element("p", { class: "small" }, words.alone));
	const { agent } = model.state;
	return card("chart", words.heading, legend(),
		agent.missing.includes("last_second") && element("p", { class: "note" }, status("warning", words.older(agent.version))),
		element("div", { class: "plots" },
			plot(model, "gap", words.gap, dead, linear(dead), [dead / 2]),
			plot(model, "rtt", words.rtt, dead, logarithmic(dead), decades)),
		figures(model));
}
