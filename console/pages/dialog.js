/* dialog.js - a question before what cannot be taken back: what will happen, in words, then yes or no. */
import { element } from "./dom.js";
import { text } from "./strings.js";
import { bullets } from "./parts.js";

let open = null;

function choices({ label, choices: all }) {
	return element("p", {},
		element("label", { for: "choice" }, label), " ",
		element("select", { id: "choice" }, all.map(([value, name]) => element("option", { value }, name))));
}

/* The key that is pinned is one that somebody has looked at. */
function compare(words, peer, key) {
	return element("div", {},
		element("p", {}, words.key(peer)),
		element("p", {}, element("code", { class: "key" }, key)),
		element("label", { class: "check" },
			element("input", { type: "checkbox", id: "compared", "aria-describedby": "dialog-mistake" }), " ", words.check(peer)),
		element("p", { class: "mistake", id: "dialog-mistake", role: "alert" }));
}

function build(words, peer, key) {
	return element("dialog", { "aria-labelledby": "dialog-title", "aria-describedby": "dialog-lines" },
		element("form", { method: "dialog", novalidate: true },
			element("h2", { id: "dialog-title" }, words.title),
			element("div", { id: "dialog-lines" }, bullets(words.lines(peer))),
			words.choices && choices(words),
			key && compare(words, peer, key),
			element("div", { class: "buttons end" },
				element("button", { type: "button", id: "cancel", autofocus: true }, text.confirm.cancel),
				element("button", { id: "ok", class: words.danger ? "danger solid" : "primary" }, words.ok))));
}

/* null: no. Else {choice}. */
export function ask(words, peer, key = null) {
	const dialog = build(words, peer, key);
	const compared = dialog.querySelector("#compared");
	const before = document.activeElement;
	let answer = null;

	dialog.querySelector("#cancel").addEventListener("click", () => dialog.close());
	dialog.querySelector("form").addEventListener("submit", (event) => {
		event.preventDefault();
		if (compared && !compared.checked) {
			dialog.querySelector("#dialog-mistake").textContent = words.checkFirst;
			compared.focus();
			return;
		}
		answer = { choice: dialog.querySelector("#choice")?.value };
		dialog.close();
	});
	document.body.append(dialog);
	dialog.showModal();
	open = dialog;
	return new Promise((resolve) => dialog.addEventListener("close", () => {
		open = null;
		dialog.remove();
		(before?.isConnected ? before : document.querySelector("main h1"))?.focus();
		resolve(answer);
	}));
}

/* The page has turned: what was asked has no meaning any more. */
export const dismiss = () => open?.close();
