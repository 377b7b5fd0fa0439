/* takeover.mjs - pages that are open while appliances lose their power, agents and consoles end, and the network fails. */
import {
	button, check, confirmed, eventually, heading, isCluster, isDisabled, isStandby, lab, logIn, open, picture, play, row,
} from "./lib.mjs";

const lost = (page) => page.getByText(/^The connection to this console is lost since/).filter({ visible: true }).first();
const pulse = (page, words) => page.locator(".pulse", { hasText: words });
const answer = (page) => page.getByRole("region", { name: /take over\?/ });

async function power(a, b) {
	await check("a is the console", () => isCluster(a));
	await check("b stands by", () => isStandby(b));
	await button(a, "Detach").click();
	await check("a question is open at the active", async () => await a.getByRole("dialog").isVisible());
	await lab("lab_power_off a");
	await eventually("the power of the active fails: the passive's page becomes the console", () => isCluster(b));
	await check("... which says so to who cannot see it", async () => (await b.locator("#announce").innerText()).includes("active one now"));
	await eventually("... the other is not reachable", () => row(b, "appliance-a").getByText("Not reachable").isVisible());
	await eventually("... and was last connected some time ago", async () => /\d+ s ago, \d{4}-\d\d-\d\d /.test(await row(b, "appliance-a").innerText()));
	await check("nobody could take over, with reasons", async () => /No\b[^]*\w{4}/.test(await answer(b).innerText()));
	await eventually("Swap is not possible, Remove is", async () => await isDisabled(b, "Swap") && !await isDisabled(b, "Remove"));
	await eventually("the page of the one without power says that its connection is lost", () => lost(a).isVisible());
	await check("... and does not ask what could not be done any more", async () => await a.getByRole("dialog").count() === 0);
	await picture(a, "connection lost");
	await picture(b, "after the takeover");
}

async function returned(a, b) {
	await lab("lab_power_on a; wait_for 60 'lab_settled b a'; console a start");
	await eventually("the power is back: its console asks for a login again", () => a.getByLabel("User name").isVisible());
	await check("... and says why", async () => /session has ended/.test(await a.locator("#login-mistake").innerText()));
	await logIn(a);
	await check("... then it stands by", () => isStandby(a));
	await eventually("the active's page shows it as passive, and ready", async () =>
		await row(b, "appliance-a").getByText("Passive", { exact: true }).count() === 1 && await answer(b).getByText("Yes", { exact: true }).isVisible());
}

async function agents(a, b) {
	await lab("lab_agent a stop");
	await eventually("an agent that ends: the page says so", () => heading(a, "The agent does not answer").isVisible());
	await picture(a, "no agent");
	await check("... there is nothing to change there", async () => await a.getByRole("main").getByRole("button").count() === 0);
	await lab("lab_agent a start");
	await eventually("... and recovers by itself", () => isStandby(a));
	await lab("wait_for 60 'lab_settled b a'");
	await lab('ip -n "${NS}c" link set eth0 down');
	await eventually("a network that fails: the page says that it may be out of date", () => lost(b).isVisible());
	await check("... and offers nothing that could not be done", async () => await isDisabled(b, "Swap") && await isDisabled(b, "Detach"));
	await lab('ip -n "${NS}c" link set eth0 up');
	await eventually("it heals", () => pulse(b, "Live").isVisible());
	await eventually("... without a login, and goes on", async () => await isCluster(b) && !await isDisabled(b, "Swap"));
	await check("... and says so to who cannot see it", async () => (await b.locator("#announce").innerText()) === "The connection is back.");
}

async function consoles(b) {
	await lab("console b stop");
	await eventually("a console that ends: the page says so", async () => await lost(b).isVisible());
	await lab("console b start");
	await eventually("... and asks for a login when it is back", () => b.getByLabel("User name").isVisible());
	await logIn(b);
	await check("... after which all is as it was", () => isCluster(b));
}

async function parted(b) {
	await lab("lab_power_off a");
	await eventually("a passive that is gone can be removed", async () => !await isDisabled(b, "Remove"));
	await confirmed(b, "Remove");
	await eventually("removed: this one is alone", async () => await row(b, "appliance-a").count() === 0);
	await check("the agent says the same", () => lab("wait_for 10 '[ \"$(dump b \".peer // empty\")\" = \"\" ]'"));
}

await play(async () => {
	const a = await open("a"), b = await open("b");
	await logIn(a);
	await logIn(b);
	await power(a, b);
	await returned(a, b);
	await agents(a, b);
	await consoles(b);
	await parted(b);
});
