/* lib.mjs - a browser at the client of the lab, and a story that it plays at the consoles of both appliances.
 *
 * A story checks by what an administrator sees: roles, names and words, not by how the page is made. What shall happen to
 * the appliances meanwhile it asks of the test that has started it: lab("power off a"); see browse() in tests/console/lib.sh.
 */
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { mkdirSync, readFileSync } from "node:fs";

const require = createRequire(`${process.env.BROWSER_MODULES}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const WAIT_MS = 30000; // for what has to come; generous, as the machine may be busy
export const address = { a: "192.0.2.11", b: "192.0.2.12" };

/* ---- the test that has started this ---- */

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (verb, words) => process.stdout.write(`${verb} ${String(words).replaceAll("\n", " | ")}\n`);

/* A piece of shell, done at the lab; false: it failed. */
export async function lab(command) {
	say("lab", command);
	return (await input.next()).value === "0";
}

/* condition: returns true or false, or throws. One that has failed is no reason to stop. */
export async function check(what, condition) {
	let why = "";
	let good = false;
	try {
		good = await condition();
	} catch (error) {
		why = error.message;
	}
	say(good === false ? "no" : "ok", what);
	if (good === false && why)
		say("diag", why);
	return good !== false;
}

/* It becomes so within a generous time. */
export async function eventually(what, condition) {
	const end = Date.now() + WAIT_MS;
	let good = false, why = "";
	while (!good && Date.now() < end) {
		try {
			good = await condition();
		} catch (error) {
			why = error.message;
		}
		if (!good)
			await new Promise((resolve) => setTimeout(resolve, 50));
	}
	say(good ? "ok" : "no", what);
	if (!good && why)
		say("diag", why);
}

/* ---- the browser ---- */

let browser = null;
const mistakes = [];

/* What no page may do: complain, load from elsewhere, break its own policy. */
function watch(page, name, host) {
	page.setDefaultTimeout(WAIT_MS);
	page.on("pageerror", (error) => mistakes.push(`${name}: ${error.stack}`));
	page.on("console", (message) => {
		const words = message.text();
		if (message.type() === "error" && !/Failed to load resource|net::ERR_/.test(words))
			mistakes.push(`${name}: ${words}`);
	});
	page.on("request", (request) => {
		const { hostname } = new URL(request.url());
		if (hostname !== host)
			mistakes.push(`${name}: asks ${request.url()}`);
	});
}

/* A window of its own, with cookies of its own. host: by another address than the appliance's own. */
export async function open(name, { host = address[name], ...options } = {}) {
	const context = await browser.newContext({
		ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options,
	});
	const page = await context.newPage();
	watch(page, name, host);
	await page.goto(`https://${host}:8443/`);
	return page;
}

export async function logIn(page, password = process.env.CONSOLE_PASSWORD) {
	await page.getByLabel("User name").fill("admin");
	await page.getByLabel("Password").fill(password);
	await page.getByRole("button", { name: "Log in" }).click();
	await page.getByRole("button", { name: "Log out", exact: true }).waitFor();
}

export const heading = (page, name) => page.getByRole("heading", { name, exact: true });
export const isVisible = (locator) => locator.waitFor().then(() => true);
export const isCluster = (page) => isVisible(heading(page, "Cluster"));
export const isStandby = (page) => isVisible(heading(page, "This is the passive primary appliance"));
export const row = (page, host) => page.getByRole("region", { name: "Nodes" }).getByRole("row").filter({ hasText: host });
export const button = (page, name) => page.getByRole("button", { name, exact: true });
export const isDisabled = async (page, name) => await button(page, name).getAttribute("aria-disabled") === "true";
export const isFocused = (locator) => locator.evaluate((node) => node === document.activeElement);
export const announced = (page) => page.locator("#announce").innerText();

/* The button, then yes in the question that it asks. */
export async function confirmed(page, name, ok = name) {
	await button(page, name).click();
	const dialog = page.getByRole("dialog");
	await dialog.waitFor();
	await dialog.getByRole("button", { name: ok, exact: true }).click();
}

/* Everything that axe knows of WCAG 2.2 A and AA and of good practice; in light and dark. */
export async function isAccessible(page, what) {
	for (const colorScheme of ["light", "dark"]) {
		await page.emulateMedia({ colorScheme });
		await check(`${what}: axe finds nothing in ${colorScheme}`, async () => {
			// By the debugger, as the page's own policy lets no such script in.
			await page.evaluate(axe);
			const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, {
				runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
			}));
			if (passes.length < 10)
				throw new Error("it has not looked");
			if (violations.length > 0)
				throw new Error(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html + n.failureSummary).slice(0, 3).join("; ")}`).join(" || "));
		});
		await picture(page, `${what} ${colorScheme}`);
	}
	await page.emulateMedia({ colorScheme: "light" });
}

/* Nothing sticks out at the side. */
export const fits = (page, what) => check(`${what}: it fits ${page.viewportSize().width} px`, async () => {
	const over = await page.evaluate(() => [...document.querySelectorAll("body *")]
		.filter((node) => !node.closest(".unseen, .skip, thead, pre, svg") && node.getBoundingClientRect().right > innerWidth + 0.5)
		.map((node) => `${node.tagName}.${node.className}`));
	const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
	if (wide || over.length > 0)
		throw new Error(over.join(", "));
});

/* To be looked at, where somebody has asked for it: CONSOLE_PICTURES=DIRECTORY. */
export async function picture(page, name) {
	const directory = process.env.CONSOLE_PICTURES;
	if (!directory)
		return;
	mkdirSync(directory, { recursive: true });
	await page.screenshot({ path: `${directory}/${name.replaceAll(/\W+/g, "-")}.png`, fullPage: true });
}

export async function play(story) {
	browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-dev-shm-usage"], // as root, in a namespace of the test's own
	});
	try {
		await story();
		await check("no page complained, and none asked elsewhere", () => {
			if (mistakes.length > 0)
				throw new Error(mistakes.join(" || "));
		});
	} catch (error) {
		say("no", "the story is played to its end");
		say("diag", error.stack);
	}
	await browser.close();
	say("end", "");
	process.exit(0);
}
