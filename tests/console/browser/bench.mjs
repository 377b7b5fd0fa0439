/* bench.mjs - how heavy the page is, and how long a change in the agent takes until it is on it. For tests/bench/console. */
import { heading, isCluster, lab, logIn, open, play } from "./lib.mjs";

const figure = (words) => process.stdout.write(`figure ${words}\n`);

async function weight() {
	const page = await open("a");
	await heading(page, "Log in").waitFor();
	const sizes = await page.evaluate(() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
		.map((entry) => entry.transferSize));
	figure(`first page: ${sizes.reduce((a, b) => a + b)} bytes with headers in ${sizes.length} requests`);
	return page;
}

/* Against the time that the agent itself gives the event, when the page's next frame is drawn: one machine, one clock. */
async function latency(page) {
	await page.evaluate(() => {
		const seen = new Set([...document.querySelectorAll(".events time")].map((node) => node.dateTime));
		globalThis.delays = [];
		new MutationObserver(() => {
			for (const { dateTime } of document.querySelectorAll(".events time")) {
				if (seen.has(dateTime))
					continue;
				seen.add(dateTime);
				requestAnimationFrame(() => globalThis.delays.push(Date.now() - Date.parse(dateTime)));
			}
		}).observe(document.getElementById("content"), { childList: true, subtree: true, attributes: true });
	});
	for (let i = 0; i < 25; i++)
		for (const action of ["--suspend", "--resume"]) {
			await lab(`ha a ${action}`);
			await page.waitForTimeout(250 + Math.random() * 100);
		}
	const delays = (await page.evaluate(() => globalThis.delays)).sort((a, b) => a - b);
	const at = (part) => delays[Math.min(Math.floor(delays.length * part), delays.length - 1)];
	figure(`from an event in the agent to the page: median ${at(0.5)} ms, 95 % below ${at(0.95)} ms, at most ${at(1)} ms (${delays.length})`);
}

await play(async () => {
	const page = await weight();
	await logIn(page);
	await isCluster(page);
	await latency(page);
});
