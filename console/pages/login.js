/* login.js - who gets in, and what to do where nobody can yet. */
import { element } from "./dom.js";
import { text } from "./strings.js";

const words = text.login;

function firstRun({ session }) {
	return element("div", { class: "login", "data-key": "first" },
		element("h1", { tabindex: "-1" }, words.firstHeading),
		element("p", {}, words.first),
		element("pre", { tabindex: "0" }, `# ${session.set_password}`),
		element("p", { class: "small" }, words.firstWait));
}

export function login(model) {
	if (!model.session.accounts)
		return [firstRun(model)];
	return [element("div", { class: "login", "data-key": "login" },
		element("h1", { tabindex: "-1" }, words.heading),
		element("p", { class: "small" }, model.session.host_name),
		element("form", { "data-form": "login", novalidate: true },
			element("label", { for: "user" }, words.user),
			element("input", { id: "user", autocomplete: "username", autocapitalize: "off", spellcheck: "false", "aria-required": "true",
				maxlength: 64, "aria-describedby": "login-mistake" }),
			element("label", { for: "password" }, words.password),
			element("input", { id: "password", type: "password", autocomplete: "current-password", maxlength: 256, "aria-required": "true",
				"aria-describedby": "login-mistake" }),
			element("p", { class: "mistake", id: "login-mistake" }, model.mistake),
			element("button", { class: "primary", "aria-disabled": model.busy ? "true" : null }, model.busy ? words.checking : words.submit)))];
}
