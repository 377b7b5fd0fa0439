/* look.mjs - each screen without a mouse, for a screen reader, in light and dark, and where there is little room. */
import {
	announced, button, check, eventually, fits, heading, isAccessible, isCluster, isDisabled, isFocused, isStandby, lab, open, play,
} from "./lib.mjs";

const small = { viewport: { width: 360, height: 740 } };

/* With the tabulator to what has this name; no more often than a page has places to stop at. */
async function tabTo(page, name) {
	for (let i = 0; i < 60; i++) {
		await page.keyboard.press("Tab");
		const got = await page.evaluate(() => {
			const node = document.activeElement;
			return (node.labels?.[0]?.innerText ?? node.innerText ?? "").trim();
		});
		if (got === name || got.startsWith(`${name}\n`))
			return true;
	}
	throw new Error(`the tabulator does not lead to ${name}`);
}

async function first() {
	const page = await open("b", small);
	await eventually("without an account the page says what to do", () => page.getByText("# haconsole --set-password admin").isVisible());
	await isAccessible(page, "first start");
	await fits(page, "first start");
	await lab("console_password b admin \"$CONSOLE_PASSWORD\"");
	await eventually("... and goes on by itself once it is done", () => page.getByLabel("User name").isVisible());
	await isAccessible(page, "login");
	await fits(page, "login");
	return page;
}

/* The appliance has no virtual IP, and is not given one. */
async function virtual(page) {
	const keys = page.keyboard;
	const field = (n) => page.getByLabel(`Virtual IP address ${n}`, { exact: true });
	await page.getByLabel("Primary mode (active)").check();
	await check("where there is none, it says so", () => page.getByText("There is no virtual IP address.").isVisible());
	await tabTo(page, "Change the addresses");
	await keys.press("Enter");
	await check("by keyboard: the first address is typed", () => isFocused(field(1)));
	await keys.type("192.0.2.100");
	await tabTo(page, "Add an address");
	await keys.press("Enter");
	await check("... and another one", () => isFocused(field(2)));
	await keys.type("192.0.2.100");
	await check("a mistake belongs to its field", async () => await field(2).getAttribute("aria-invalid") === "true" &&
		(await field(2).evaluate((node) => document.getElementById(node.getAttribute("aria-describedby")).innerText)) === "192.0.2.100 is there twice.");
	await isAccessible(page, "virtual addresses");
	await fits(page, "virtual addresses");
	await keys.press("Enter");
	await check("Enter saves nothing that is wrong, and goes to where it is", () => isFocused(field(2)));
	await keys.press("Tab");
	await check("each can be left out, by its name", () => isFocused(button(page, "Remove virtual IP address 192.0.2.100").last()));
	await keys.press("Space");
	await check("... the focus goes to what is there now", () => isFocused(field(1)));
	await check("... and it is told to who cannot see it", async () => await announced(page) === "192.0.2.100 is left out.");
	await keys.press("Enter");
	await check("Enter asks", async () => await page.getByRole("dialog").getByText("This appliance becomes primary (active).").isVisible());
	await isAccessible(page, "virtual question");
	await fits(page, "virtual question");
	await keys.press("Escape");
	await check("... the focus is where it was", () => isFocused(field(1)));
	await tabTo(page, "Cancel");
	await keys.press("Enter");
	await check("... then nothing has changed, and the focus is at what began it", async () =>
		await isFocused(button(page, "Change the addresses")) && await lab('[ -z "$(dump b ".virtual_ip[0] // empty")" ]'));
}

async function keyboard(page) {
	const keys = page.keyboard;
	await check("the first field has the focus", () => page.getByLabel("User name").evaluate((node) => node === document.activeElement));
	await keys.type("admin");
	await keys.press("Tab");
	await keys.type(process.env.CONSOLE_PASSWORD);
	await keys.press("Enter");
	await check("by keyboard: logged in", () => isCluster(page));
	await check("... the focus is at the page's content", () => page.evaluate(() => document.activeElement.id === "content"));
	await check("the focus can be seen", async () => {
		await tabTo(page, "Suspend takeovers");
		return page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle === "solid");
	});
	await keys.press("Enter");
	await check("what is not possible can be reached, and says why to who cannot see it", async () =>
		(await page.locator("#announce").innerText()).includes("not part of a pair"));
	await virtual(page);
	await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
	await tabTo(page, "Primary mode (active)");
	await keys.press("ArrowDown");
	await check("by keyboard: the passive's form", async () => await page.getByLabel("Primary mode (passive)").isChecked());
	await isAccessible(page, "form");
	await tabTo(page, "Active primary IP address");
	await keys.type("192.0.2");
	await keys.press("Enter");
	await check("a mistake is told at the field, which has the focus", () => page.evaluate(() => {
		const node = document.activeElement;
		const said = node.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id).innerText).join(" ");
		return node.id === "address" && said.includes("This is not an IPv4 or IPv6 address.");
	}));
	await keys.type(".11");
	await tabTo(page, "Test Connection");
	await keys.press("Space");
	await eventually("by keyboard: the test", () => page.locator("p.outcome").getByText("All requirements are met.").isVisible());
	await check("... is told to who cannot see it", async () => (await page.locator("#announce").innerText()).startsWith("All requirements are met."));
	await check("... the focus is where it was", () => page.evaluate(() => document.activeElement.innerText === "Test Connection"));
	await isAccessible(page, "requirements");
	await fits(page, "requirements");
	await eventually("Save is possible", async () => !await isDisabled(page, "Save"));
	await tabTo(page, "Save");
	await keys.press("Enter");
	await page.getByRole("dialog").waitFor();
	await isAccessible(page, "question");
	await fits(page, "question");
	await check("the focus does not leave the question", async () => {
		for (let i = 0; i < 8; i++) {
			await keys.press("Tab");
			if (await page.evaluate(() => document.activeElement !== document.body && !document.activeElement.closest("dialog")))
				return false;
		}
		return true;
	});
	await keys.press("Escape");
	await check("... and is back where it was", () => page.evaluate(() => document.activeElement.innerText === "Save"));
	await keys.press("Enter");
	await tabTo(page, "I have compared this key with the one that appliance-a shows.");
	await keys.press("Space");
	await tabTo(page, "Save");
	await keys.press("Enter");
	await eventually("by keyboard: joined", () => isStandby(page));
	await check("the focus is at what the page says now", () => page.evaluate(() => document.activeElement.tagName === "H1"));
}

async function standby(page) {
	await eventually("it is ready", () => page.getByText("Yes", { exact: true }).isVisible());
	await isAccessible(page, "standby");
	await fits(page, "standby");
}

async function cluster() {
	const page = await open("a", small);
	await page.getByLabel("User name").fill("admin");
	await page.getByLabel("Password").fill(process.env.CONSOLE_PASSWORD);
	await page.keyboard.press("Enter");
	await isCluster(page);
	await eventually("figures come", async () => await page.locator("polyline").count() >= 4);
	await isAccessible(page, "cluster at 360");
	await fits(page, "cluster");
	await check("each figure of the chart is in its label", async () =>
		/link [\d.]+ m?µ?s, management [\d.]+ m?µ?s; dead interval 1000 ms/.test(await page.getByRole("img", { name: /^Longest gap/ }).getAttribute("aria-label")));
	await check("a pair's virtual IPs can be changed at the active", async () => !await isDisabled(page, "Change the addresses"));
	await button(page, "Suspend takeovers").click();
	await page.getByRole("dialog").getByRole("button", { name: "Suspend" }).click();
	await eventually("what was done is told, until it is closed", () => button(page, "Close").isVisible());
	await isAccessible(page, "suspended");
	await fits(page, "suspended");
	await button(page, "Close").click();
	await check("... then it is gone", async () => await button(page, "Close").count() === 0);
	await eventually("it can be resumed", async () => !await isDisabled(page, "Resume takeovers"));
	await button(page, "Resume takeovers").click();
	await eventually("... and suspended again", () => button(page, "Suspend takeovers").isVisible());
	for (const width of [480, 768, 1000, 1280, 1920]) {
		await page.setViewportSize({ width, height: 900 });
		await fits(page, "cluster");
	}
	await isAccessible(page, "cluster at 1920");
	await page.setViewportSize({ width: 1280, height: 900 });
	await isAccessible(page, "cluster at 1280");
	await check("one heading of the first level, and none is left out", async () => {
		const levels = await page.locator("h1, h2, h3").evaluateAll((all) => all.map((node) => Number(node.tagName[1])));
		return levels.filter((level) => level === 1).length === 1 && levels.every((level, i) => i === 0 || level <= levels[i - 1] + 1);
	});
	await check("the page is below 100 KB in all, and below 60 KB on its way", async () => {
		const fresh = await open("a");
		await heading(fresh, "Log in").waitFor();
		const sizes = await fresh.evaluate(() => [...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")]
			.map((entry) => [entry.transferSize, entry.decodedBodySize]));
		const [sent, read] = [0, 1].map((i) => sizes.reduce((sum, size) => sum + size[i], 0));
		await fresh.close();
		if (sent === 0 || sent > 60000 || read > 100000)
			throw new Error(`${sent} bytes sent, ${read} read`);
	});
}

await play(async () => {
	const b = await first();
	await keyboard(b);
	await standby(b);
	await cluster();
});
