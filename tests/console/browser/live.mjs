/* live.mjs - what is and what was: heartbeats second by second, and events that are longer ago than a state tells. */
import {
	announced, button, check, eventually, fits, isAccessible, isCluster, isDisabled, isStandby, lab, logIn, open, play,
} from "./lib.mjs";

/* ---- heartbeats ---- */

/* The gaps in a path's line, in parts of the dead interval: how the figure is drawn. */
const gaps = (page, path) => page.getByRole("img", { name: /^Longest gap/ }).locator(`polyline.${path}`).evaluateAll((all) => {
	const dead = 86;
	return all.flatMap((line) => line.getAttribute("points").split(" ").map((point) => (100 - Number(point.split(",")[1])) / dead));
});
const isHigh = async (page, path) => (await gaps(page, path)).some((gap) => gap > 0.55);

async function chart(page) {
	await eventually("both paths have a line", async () => (await gaps(page, "link")).length > 2 && (await gaps(page, "management")).length > 2);
	await lab("lab_loss 0 100; sleep 0.5; lab_loss 0 0");
	await eventually("heartbeats that are lost for half a second: the line of that path rises", () => isHigh(page, "link"));
	await eventually("... and has fallen again after that second, as the gap is over", async () => {
		const line = await gaps(page, "link");
		return line.at(-1) < 0.45 && line.findIndex((gap) => gap > 0.55) < line.length - 1;
	});
	await check("the round trip is told, too", async () =>
		/link [\d.]+ m?µ?s, management [\d.]+ m?µ?s/.test(await page.getByRole("img", { name: /^Longest round trip/ }).getAttribute("aria-label")));
	await lab("lab_cut_link");
	await eventually("a path that is cut: its line ends", async () => /link no value/.test(await page.getByRole("img", { name: /^Longest gap/ }).getAttribute("aria-label")));
	await check("... the other one's goes on", async () => /management [\d.]+ m?µ?s/.test(await page.getByRole("img", { name: /^Longest gap/ }).getAttribute("aria-label")));
	await lab("lab_heal_link");
	await eventually("... healed: the whole silence is seen, beyond the dead interval", async () => (await gaps(page, "link")).some((gap) => gap > 1));
}

/* ---- events ---- */

const region = (page) => page.getByRole("region", { name: "Timeline" });
const items = (page) => region(page).getByRole("listitem");
const times = (page) => region(page).locator("time").evaluateAll((all) => all.map((node) => node.dateTime));

async function older(page) {
	await eventually("a state has the newest twenty", async () => await items(page).count() === 20);
	const shown = await times(page);
	await button(page, "Show earlier events").focus();
	await page.keyboard.press("Enter");
	await eventually("by keyboard: fifty more", async () => await items(page).count() === 70);
	await check("... the focus is at the first of them", async () => {
		const at = await page.evaluate(() => document.activeElement.querySelector("time")?.dateTime ?? document.activeElement.outerHTML);
		if (!(at <= shown.at(-1)))
			throw new Error(`it is at ${at}, the oldest before was of ${shown.at(-1)}`);
	});
	await check("... and it is told to who cannot see it", async () => await announced(page) === "50 earlier events are shown.");
	await check("... the newest first, none twice", async () => {
		const all = await times(page);
		return all.every((time, i) => i === 0 || time <= all[i - 1]);
	});
	await isAccessible(page, "earlier events");
	await fits(page, "earlier events");
	const all = await remembered(page);
	while (await button(page, "Show earlier events").count() > 0) {
		const before = await items(page).count();
		await button(page, "Show earlier events").click();
		await eventually("more are shown", async () => await items(page).count() > before);
	}
	await check("until all are that the agent remembers", async () => await items(page).count() === all &&
		await region(page).getByText("These are all that this appliance remembers.").isVisible());
	const [newest] = await times(page);
	await lab("ha a --suspend; ha a --resume");
	await eventually("what happens then is above them", async () => await items(page).count() === all + 2 && (await times(page))[0] > newest);
}

/* How many there are. */
const remembered = (page) => page.evaluate(async () => (await (await fetch("/api/v1/history")).json()).history.length);

async function levels(page) {
	const show = page.getByLabel("Show", { exact: true });
	await show.selectOption("Critical only");
	await check("of a level of which there is none, it says so", () => region(page).getByText("No event of this level.").isVisible());
	await show.selectOption("Important and critical");
	await check("of another one there are", async () => await items(page).count() === 20 &&
		await region(page).locator("li.informational").count() === 0);
	await show.selectOption("Everything");
}

async function fresh() {
	const page = await open("a", { viewport: { width: 360, height: 740 } });
	await logIn(page);
	await isCluster(page);
	await page.getByLabel("Show", { exact: true }).selectOption("Critical only");
	await check("none of a level among the newest: there may be earlier ones", async () =>
		await region(page).getByText("No event of this level among the newest.").isVisible() && !await isDisabled(page, "Show earlier events"));
	await page.getByLabel("Show", { exact: true }).selectOption("Everything");
	await page.route("**/api/v1/history", (route) => route.abort());
	await button(page, "Show earlier events").click();
	await eventually("if nobody answers it says so, and nothing is lost", async () =>
		await page.locator("#earlier-mistake").innerText() !== "" && await items(page).count() === 20);
	await page.unroute("**/api/v1/history");
	await button(page, "Show earlier events").click();
	await eventually("... and can be tried again", async () => await items(page).count() === 70);
	await isAccessible(page, "earlier events at 360");
	await fits(page, "earlier events at 360");
	await page.close();
}

async function standby() {
	const page = await open("b");
	await logIn(page);
	await isStandby(page);
	const before = await items(page).count();
	await check("the passive has a timeline, too", () => before > 3);
	await page.close();
}

await play(async () => {
	const a = await open("a");
	await logIn(a);
	await isCluster(a);
	await chart(a);
	await lab("for i in {1..40}; do ha a --suspend; ha a --resume; done; sleep 2");
	await older(a);
	await levels(a);
	await fresh();
	await standby();
});
