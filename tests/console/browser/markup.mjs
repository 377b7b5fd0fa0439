/* markup.mjs - an agent whose every text is markup: the pages show it as text, and nothing of it is done. */
import { check, eventually, logIn, open, play } from "./lib.mjs";

await play(async () => {
	const page = await open("a");
	await logIn(page);
	await eventually("the texts are seen as they are", async () =>
		(await page.locator("main").innerText()).includes("<script>document.title='in'</script>"));
	await check("... none has become an element", async () =>
		await page.locator("main img, main script, main b, body > script").count() === 0);
	await check("... every link leads to a console", async () => (await page.locator("main a").evaluateAll((all) =>
		all.map((a) => a.getAttribute("href")))).every((link) => link.startsWith("https://")));
	await page.waitForTimeout(1500); // a few more updates
	await check("... and nothing of it was done", async () => !(await page.title()).startsWith("in"));
	await page.context().close();
});
