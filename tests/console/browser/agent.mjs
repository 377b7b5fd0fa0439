/* agent.mjs - an agent that ends, starts, and comes back as one of another version. */
import { button, check, eventually, fits, heading, isAccessible, isCluster, isDisabled, lab, logIn, open, play } from "./lib.mjs";

const main = (page) => page.getByRole("main");

async function away(a) {
	await lab("lab_agent a stop");
	await eventually("an agent that is not running: the page says so", async () => await heading(a, "The agent does not answer").isVisible() &&
		await main(a).getByText("The agent is not running").isVisible());
	await lab(`agent '{text: "haagent is still starting"}'; stand_in`);
	await eventually("one that is starting: it says so", () => main(a).getByText("Haagent is still starting").isVisible());
	await check("... and offers nothing", async () => await main(a).getByRole("button").count() === 0);
}

async function older(a) {
	await lab(`agent '.version = "0.0.9" | del(.takeover)'`);
	await eventually("one of another version, without what a page needs: it says so", () => heading(a, "The agent is of another version").isVisible());
	await check("... what is missing, and both versions", async () =>
		/does not tell "takeover": agent 0\.0\.9, console \d/.test(await main(a).innerText()));
	await check("... and shows nothing by halves", async () => await main(a).getByRole("button").count() === 0);
	await isAccessible(a, "another version");
	await a.waitForTimeout(7000); // longer than a page waits for figures where there are some
	await check("... which is no lost connection", async () => await a.locator(".pulse", { hasText: "Live" }).isVisible() &&
		await a.getByText(/^The connection to this console is lost/).count() === 0);
	await lab(`agent '.version = "0.0.9" | del(.paths[].last_second) | del(.operations.virtual_ip) | del(.operations.swap)'`);
	await eventually("an older one: what there is is shown", () => isCluster(a));
	await check("... each second of the heartbeats is not, and it says so", async () =>
		await main(a).getByText(/version 0\.0\.9, is older than its console and does not measure each second/).isVisible() &&
		/link no value, management no value/.test(await a.getByRole("img", { name: /^Longest gap/ }).getAttribute("aria-label")));
	for (const name of ["Change the addresses", "Swap"])
		await check(`... ${name} is not possible, for that reason`, async () => await isDisabled(a, name) &&
			await main(a).getByText(new RegExp(`${name}: the agent of this appliance is older than its console`)).count() === 1);
	await isAccessible(a, "older agent");
	await fits(a, "older agent");
	await lab(`agent '.version = "0.0.9" | .operations.virtual_ip = {allowed: true, reason: ""}'`);
	await eventually("one that says more than it can", async () => !await isDisabled(a, "Change the addresses"));
	await button(a, "Change the addresses").click();
	await a.getByLabel("Virtual IP address 1", { exact: true }).fill("192.0.2.110");
	await button(a, "Save the addresses").click();
	await a.getByRole("dialog").getByRole("button", { name: "Change", exact: true }).click();
	await eventually("... is quoted where it was asked for", async () => await a.locator("#virtual-refused").innerText() === "No such action");
	await button(a, "Cancel").click();
}

async function back(a) {
	await check("the one of another version ends", () => lab("stand_down"));
	await eventually("it ends: the page says so", () => heading(a, "The agent does not answer").isVisible());
	await lab("lab_agent a start; wait_for 60 'lab_settled a b || lab_settled b a'");
	await eventually("the real one is back: so is the page", async () => await heading(a, "Cluster").count() + await heading(a, "This is the passive primary appliance").count() === 1);
}

/* The console that comes back is another one than the page is from. */
async function updated(a) {
	const { version } = await a.evaluate(async () => (await fetch("/api/v1/session")).json());
	await lab("console a stop; console a start");
	await eventually("a console that has been restarted asks for a login", () => a.getByLabel("User name").isVisible());
	await check("... on the same page, if it is the same version", () => a.evaluate(() => performance.getEntriesByType("navigation")[0].type === "navigate"));
	await a.route("**/api/v1/session", async (route) => {
		try {
			const response = await route.fetch();
			await route.fulfill({ response, json: { ...await response.json(), version: `${version}.1` } });
		} catch {
			await route.abort(); // nobody is there yet
		}
	});
	await logIn(a);
	await lab("console a stop; console a start");
	await eventually("if it is of another version the page is loaded anew", () => a.evaluate(() => performance.getEntriesByType("navigation")[0].type === "reload"));
	await eventually("... once, and goes on", () => a.getByLabel("User name").isVisible());
}

await play(async () => {
	const a = await open("a");
	await logIn(a);
	await isCluster(a);
	await away(a);
	await older(a);
	await back(a);
	await updated(a);
});
