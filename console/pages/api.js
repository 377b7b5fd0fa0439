/* api.js - the console's API: requests, and the stream of states that heals by itself. */
import { text } from "./strings.js";

/* What the API, or the network, refused. code: of the API; "network": nobody answered. */
export class Refusal extends Error {
	constructor(status, error) {
		super(error.message);
		this.status = status;
		this.code = error.code;
		this.data = error.data ?? null;
		this.active = error.active ?? null;
	}
}

let csrf = null;

async function call(path, options) {
	let reply, answer;
	try {
		reply = await fetch(`/api/v1/${path}`, { cache: "no-store", credentials: "same-origin", ...options });
		answer = await reply.json();
	} catch {
		throw new Refusal(0, { code: "network", message: text.connection.noAnswer });
	}
	if (!reply.ok)
		throw new Refusal(reply.status, answer.error);
	return answer;
}

function post(path, body) {
	const headers = { "Content-Type": "application/json" };
	if (csrf !== null)
		headers["X-CSRF-Token"] = csrf;
	return call(path, { method: "POST", headers, body: JSON.stringify(body) });
}

const remember = (session) => {
	csrf = session.csrf;
	return session;
};

export const session = async () => remember(await call("session"));
export const logIn = async (user, password) => remember(await post("login", { user, password }));
export const logOut = async (everywhere) => remember(await post("logout", everywhere ? { everywhere } : {}));
export const history = () => call("history");
export const act = (action, body) => post(`actions/${action}`, body ?? {});

/* ---- the stream ---- */

const QUIET_MS = 6000;    // figures come every second while there is an agent that is understood
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 5000;

/* Calls on.state, on.live; on.lost when it breaks, on.back when it is there again; on.ended when the session is over.
 * Returns what ends it. A browser has six connections to a console for all of its tabs, and a stream takes one: a page that
 * nobody sees leaves it to those that somebody does, and is up to date as soon as it is seen again. */
export function listen(on) {
	let source = null, timer = null, wait = RETRY_MIN_MS, isLost = false, isOver = false;

	const heard = (withFigures) => {
		clearTimeout(timer);
		if (isLost)
			on.back();
		isLost = false;
		wait = RETRY_MIN_MS;
		timer = withFigures ? setTimeout(broken, QUIET_MS) : setTimeout(check, QUIET_MS);
	};
	const close = () => {
		clearTimeout(timer);
		timer = null;
		source?.close();
		source = null;
	};
	const end = () => {
		isOver = true;
		document.removeEventListener("visibilitychange", turn);
		close();
	};
	const turn = () => {
		close();
		if (!document.hidden)
			again();
	};
	/* Without an agent there is nothing to send: is the console there? Asked without the cookie, it is no use of the session. */
	const check = async () => {
		const mine = timer;
		let there = true;
		try {
			await fetch("/healthz", { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(QUIET_MS) });
		} catch {
			there = false;
		}
		if (isOver || timer !== mine)
			return; // something came meanwhile
		if (there)
			timer = setTimeout(check, QUIET_MS);
		else
			broken();
	};
	const broken = () => {
		close();
		if (isOver)
			return;
		if (!isLost)
			on.lost();
		isLost = true;
		timer = setTimeout(again, wait);
		wait = Math.min(wait * 2, RETRY_MAX_MS);
	};
	/* A stream that was refused does not say why; the session does. */
	const again = async () => {
		try {
			if ((await session()).user !== null)
				open();
			else if (!isOver) {
				end();
				on.ended();
			}
		} catch {
			broken();
		}
	};
	const open = () => {
		if (isOver || source || document.hidden)
			return;
		source = new EventSource("/api/v1/events");
		timer = setTimeout(broken, QUIET_MS);
		source.addEventListener("state", (event) => {
			const state = JSON.parse(event.data);
			heard(state.live !== null);
			on.state(state);
		});
		source.addEventListener("live", (event) => {
			heard(true);
			on.live(JSON.parse(event.data));
		});
		source.addEventListener("bye", () => {
			end();
			on.ended();
		});
		source.addEventListener("error", broken);
	};
	document.addEventListener("visibilitychange", turn);
	open();
	return end;
}
