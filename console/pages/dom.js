/* dom.js - elements from functions, and a page that becomes what it should be with as few changes as possible.
 *
 * A view is a function of the model and returns new elements. morph() makes the ones on the page like them: what has
 * not changed stays the same element, so that focus, selection, a typed text and what a screen reader is reading survive
 * every update. Nothing is ever parsed as HTML: what the network says can only become text.
 */

const SVG = new Set(["svg", "path", "line", "polyline", "text", "g"]);

/* element("p", {class: "x"}, "text", child, null, [more]): null and false are left out, true is an empty attribute. */
export function element(tag, attributes, ...children) {
	const node = SVG.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
	for (const [name, value] of Object.entries(attributes ?? {}))
		if (value !== null && value !== undefined && value !== false)
			node.setAttribute(name, value === true ? "" : value);
	for (const child of children.flat(4))
		if (child !== null && child !== undefined && child !== false && child !== "")
			node.append(child);
	return node;
}

const keyOf = (node) => node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;

const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

function morphAttributes(old, fresh) {
	for (const { name } of [...old.attributes])
		if (!fresh.hasAttribute(name) && name !== "open") // whether details are open is the user's
			old.removeAttribute(name);
	for (const { name, value } of fresh.attributes)
		if (old.getAttribute(name) !== value)
			old.setAttribute(name, value);
}

function morphChildren(old, fresh) {
	const keyed = new Map([...old.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
	let at = old.firstChild;
	for (const child of [...fresh.childNodes]) {
		const match = keyOf(child) !== null ? keyed.get(keyOf(child)) : at;
		if (!match || !alike(match, child)) {
			old.insertBefore(child, at);
			continue;
		}
		if (match !== at)
			old.insertBefore(match, at);
		morph(match, child);
		at = match.nextSibling;
	}
	while (at) {
		const next = at.nextSibling;
		at.remove();
		at = next;
	}
}

export function morph(old, fresh) {
	if (old.nodeType === Node.TEXT_NODE) {
		if (old.data !== fresh.data)
			old.data = fresh.data;
		return;
	}
	morphAttributes(old, fresh);
	morphChildren(old, fresh);
}

/* What is inside of root becomes this. Who had the focus and is gone leaves it to what the page is about. */
export function show(root, ...children) {
	const focused = document.activeElement;
	const had = focused && root.contains(focused);
	morphChildren(root, element("div", {}, ...children));
	if (had && !focused.isConnected)
		root.querySelector("h1, h2")?.focus();
}

const shapes = {
	ok: "M8 0a8 8 0 1 0 0 16A8 8 0 0 0 8 0zm-1.2 11.6L3.2 8l1.3-1.3 2.3 2.3 4.7-4.7 1.3 1.3z",
	warning: "M8 .8 0 15.2h16zM7.1 6h1.8v4.6H7.1zm0 5.7h1.8v1.8H7.1z",
	error: "M4.7 0h6.6L16 4.7v6.6L11.3 16H4.7L0 11.3V4.7zm.9 4.3L4.3 5.6 6.7 8l-2.4 2.4 1.3 1.3L8 9.3l2.4 2.4 1.3-1.3L9.3 8l2.4-2.4-1.3-1.3L8 6.7z",
	info: "M8 0a8 8 0 1 0 0 16A8 8 0 0 0 8 0zm0 1.6a6.4 6.4 0 1 1 0 12.8A6.4 6.4 0 0 1 8 1.6zM7.1 7h1.8v5H7.1zm0-2.9h1.8v1.8H7.1z",
	unknown: "M8 0a8 8 0 1 0 0 16A8 8 0 0 0 8 0zm0 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM4.5 7h7v2h-7z",
};

/* By shape and colour; words stand beside it. */
export function icon(level) {
	return element("svg", { class: `icon ${level}`, viewBox: "0 0 16 16", "aria-hidden": "true" },
		element("path", { d: shapes[level] ?? shapes.unknown, "fill-rule": "evenodd" }));
}
