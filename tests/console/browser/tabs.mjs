/* tabs.mjs - a browser with more tabs than it has connections to one console: what somebody looks at works. */
import { button, check, confirmed, eventually, isCluster, lab, logIn, open, play } from "./lib.mjs";

const TABS = 8; // a browser has six connections

/* As if another tab were before it, which a browser without a window does not do. */
const turn = (page, hidden) => page.evaluate((value) => {
	Object.defineProperty(document, "hidden", { get: () => value, configurable: true });
	document.dispatchEvent(new Event("visibilitychange"));
}, hidden);

const streams = () => lab("[ \"$(in_ns a curl -sk https://127.0.0.1:8443/metrics | sed -n 's/^haconsole_pages //p')\" -eq 1 ]");

await play(async () => {
	const tabs = [await open("a")];
	await logIn(tabs[0]);
	await isCluster(tabs[0]);
	while (tabs.length < TABS) {
		await turn(tabs.at(-1), true);
		const page = await tabs[0].context().newPage();
		await page.goto(tabs[0].url());
		await check(`tab ${tabs.length + 1} is shown`, () => isCluster(page));
		tabs.push(page);
	}
	const last = tabs.at(-1);
	await eventually("only the one that is seen is kept up to date", streams);
	await confirmed(last, "Suspend takeovers", "Suspend");
	await eventually("something can be done in it", () => button(last, "Resume takeovers").isVisible());
	await check("... of which the first one knows nothing yet", async () => await button(tabs[0], "Resume takeovers").count() === 0);
	await turn(last, true);
	await turn(tabs[0], false);
	await eventually("... and all as soon as it is seen", () => button(tabs[0], "Resume takeovers").isVisible());
	await button(tabs[0], "Resume takeovers").click();
	await eventually("... where it can be taken back", async () => await button(tabs[0], "Resume takeovers").count() === 0);
	await lab("console a stop");
	await turn(tabs[0], true);
	await lab("console a start");
	await turn(tabs[0], false);
	await eventually("a session that has ended meanwhile: it asks for a login", () => tabs[0].getByLabel("User name").isVisible());
});
