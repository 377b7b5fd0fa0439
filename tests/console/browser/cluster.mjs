/* cluster.mjs - two standalone appliances become a pair, work as one, and part: as an administrator does it. */
import {
	address, button, check, confirmed, eventually, heading, isCluster, isDisabled, isStandby, lab, logIn, open, picture, play, row,
} from "./lib.mjs";

const test = (page) => button(page, "Test Connection").click();
const requirement = (page, name) => page.getByRole("table", { name: "Requirements" }).getByRole("row").filter({ hasText: name });
const field = (page) => page.getByLabel("Active primary IP address");
const refuses = async (page, typed, words) => {
	await field(page).fill(typed);
	await test(page);
	return await page.getByText(words, { exact: true }).count() === 1 &&
		await field(page).getAttribute("aria-invalid") === "true" &&
		await field(page).evaluate((node) => node === document.activeElement);
};

async function enter() {
	const page = await open("b");
	await check("who is not logged in sees nothing but the login", async () => {
		await heading(page, "Log in").waitFor();
		return await page.getByRole("heading").count() === 1 && !(await page.locator("body").innerText()).includes("192.0.2");
	});
	await page.getByLabel("User name").fill("admin");
	await page.getByLabel("Password").fill("not the password");
	await button(page, "Log in").click();
	await eventually("a wrong password is told", () => page.locator("#login-mistake", { hasText: "User or password is wrong" }).isVisible());
	await check("... and is not left in the field", async () => await page.getByLabel("Password").inputValue() === "");
	await logIn(page);
	await check("the right one leads to the Cluster tab", () => isCluster(page));
	return page;
}

async function form(b) {
	await check("the appliance is standalone", async () => await row(b, "appliance-b").getByText("Standalone", { exact: true }).count() === 1);
	for (const name of ["Swap", "Detach", "Remove"])
		await check(`${name} is not possible, and it says why`, async () => await isDisabled(b, name) &&
			await b.getByText("Swap, Detach, Remove: this appliance is not part of a pair.").isVisible());
	await b.getByLabel("Primary mode (passive)").check();
	await check("Save is not possible before a test, and it says why", async () =>
		await isDisabled(b, "Save") && await b.getByText("Save: test the connection first.").isVisible());
	await check("no address is refused", () => refuses(b, "", "Enter an address."));
	await check("a name is refused", () => refuses(b, "appliance-a", "Enter an address, not a name."));
	await check("a length is refused", () => refuses(b, "192.0.2.11/24", "Enter the address alone, without a prefix length."));
	await check("a port is refused", () => refuses(b, "192.0.2.11:8443", "Enter the address alone, without a port."));
	await check("half an address is refused", () => refuses(b, "192.0.2", "This is not an IPv4 or IPv6 address."));
	await check("an impossible one is refused", () => refuses(b, "192.0.2.256", "This is not an IPv4 or IPv6 address."));
	await check("a link is refused", () => refuses(b, "https://192.0.2.11/", "Enter the address alone, not a link."));
	await check("a loopback address is refused", () => refuses(b, "::1", "This address cannot be that of an appliance."));
	await check("its own address is refused", () => refuses(b, "2001:db8:0::12", "This is an address of this appliance. Enter the other's."));
	await check("nobody has been asked by then", () => lab('! grep -q action=test "$LAB/b/console.log"'));
}

async function requirements(b) {
	await lab('ip -n "${NS}a" link set eth3 down');
	await field(b).fill("192.0.2.11");
	await test(b);
	await eventually("rows appear while the test is under way", async () => await b.getByText("Checking…").count() > 0 &&
		await b.locator("p.outcome").getByText("Testing.").isVisible());
	await check("... and nothing else can be asked for meanwhile", async () => await isDisabled(b, "Test Connection"));
	await eventually("without a cable the requirements are not met", async () => /requirements? (is|are) not met/.test(await b.locator("p.outcome").innerText()));
	await check("... in the row of the cable, with a remedy", async () =>
		/Not met[^]*cable|eth3/.test(await requirement(b, "Physical connection").innerText()));
	await picture(b, "no cable");
	await lab('ip -n "${NS}a" link set eth3 up');
	await test(b);
	await eventually("another patch fails", () => b.locator("p.outcome").getByText("One requirement is not met.").isVisible());
	await check("... in its row", async () => await requirement(b, "patch version").getByText("Not met").count() === 1);
	await check("... with the remedy", async () => await requirement(b, "patch version").getByText("Install the same patch").count() === 1);
	await check("... the others are met", async () => await b.getByRole("table", { name: "Requirements" }).getByText("Met", { exact: true }).count() >= 10);
	await check("... and Save is not possible", async () => await isDisabled(b, "Save"));
	await picture(b, "requirement failed");
	await lab("lab_appliance b patch 2; lab_agent b restart");
	await eventually("an agent that restarts is back on the page", async () => await button(b, "Test Connection").isVisible() && !await isDisabled(b, "Test Connection"));
	await check("what was chosen is still chosen", async () =>
		await b.getByLabel("Primary mode (passive)").isChecked() && await field(b).inputValue() === "192.0.2.11");
	await field(b).fill("2001:db8::11");
	await test(b);
	await eventually("mended, by IPv6: all are met", () => b.locator("p.outcome").getByText("All requirements are met.").isVisible());
	await eventually("Save is possible", async () => !await isDisabled(b, "Save"));
	await field(b).fill("2001:db8::1");
	await check("... not for another address than the tested one", async () =>
		await isDisabled(b, "Save") && await b.getByText("Save: the address has changed: test the connection again.").isVisible());
	await field(b).fill("2001:db8::11");
}

async function save(b) {
	const dialog = b.getByRole("dialog");
	await button(b, "Save").click();
	await check("Save asks, and says what will happen", async () =>
		await dialog.getByText("All settings here are replaced by those of appliance-a.").count() === 1);
	await check("... with the other's key", async () => (await dialog.innerText()).includes("SHA256:"));
	await b.keyboard.press("Escape");
	await check("who does not want to has changed nothing", async () => await dialog.count() === 0 && await lab("is_state b active && [ -z \"$(dump b '.peer // empty')\" ]"));
	await button(b, "Save").click();
	await dialog.getByRole("button", { name: "Save" }).click();
	await check("a key that nobody has compared is not saved", async () =>
		await dialog.getByRole("alert").innerText() === "Compare the keys, then tick the box.");
	await dialog.getByRole("checkbox").check();
	await lab('ip -n "${NS}a" link set eth3 down');
	await dialog.getByRole("button", { name: "Save" }).click();
	await eventually("what is not met any more is refused, and nothing is changed", async () =>
		await b.locator(".notice.error").isVisible() && await isDisabled(b, "Save") && await lab("[ \"$(dump b .mode)\" = standalone ]"));
	await lab('ip -n "${NS}a" link set eth3 up; wait_for 10 \'[ "$(dump b ".paths[0].carrier")" = true ]\'');
	await eventually("mended, tested again", async () => {
		if (!await isDisabled(b, "Test Connection"))
			await test(b);
		await b.waitForTimeout(1000);
		return !await isDisabled(b, "Save");
	});
	await button(b, "Save").click();
	await dialog.getByRole("checkbox").check();
	await dialog.getByRole("button", { name: "Save" }).click();
	await eventually("saved: the page becomes the standby screen by itself", () => isStandby(b));
}

async function sync(a) {
	const peer = row(a, "appliance-b");
	await eventually("the active sees the passive", () => peer.isVisible());
	await eventually("... and its first copy under way, in percent", async () => /Syncing, \d+ %/.test(await peer.innerText()));
	await eventually("... as a bar", async () => await peer.getByRole("progressbar", { name: "Settings sync" }).isVisible());
	await eventually("... with bytes, files, rate and time left", async () => /B of .*B, \d+ of \d+ files, .*B\/s, time left/.test(await peer.innerText()));
	await check("the passive cannot take over meanwhile, and it says why", async () =>
		/No\b/.test(await a.getByRole("region", { name: "Can the passive take over?" }).innerText()));
	await check("... so Swap is not possible", async () => await isDisabled(a, "Swap"));
	await picture(a, "syncing");
	const before = await peer.getByRole("progressbar").getAttribute("value");
	await eventually("it goes on", async () => Number(await peer.getByRole("progressbar").getAttribute("value")) > Number(before) || await peer.getByText("Fully synced").isVisible());
	await lab("in_ns a tc qdisc del dev eth3 root");
	await eventually("it ends", () => peer.getByText("Fully synced").isVisible());
	await eventually("the passive can take over now", () => a.getByRole("region", { name: "Can the passive take over?" }).getByText("Yes", { exact: true }).isVisible());
	await eventually("its link has a latency", async () => /Link latency\s*[\d.]+ (µs|ms)/.test(await peer.innerText()));
	await check("the virtual IP is what to register", async () =>
		/192\.0\.2\.100/.test(await a.getByRole("region", { name: "Registration" }).innerText()));
}

async function refusals(b) {
	await check("the standby screen names the active and leads there", async () =>
		await b.getByRole("link", { name: "Open the console of appliance-a" }).getAttribute("href") === "https://192.0.2.11:8443/");
	await check("... has nothing to press", async () =>
		await b.getByRole("main").getByRole("button").filter({ hasNotText: "Show earlier events" }).count() === 0);
	await check("... and refuses a change that its page is made to ask for", async () => await b.evaluate(async () => {
		const { csrf } = await (await fetch("/api/v1/session")).json();
		const reply = await fetch("/api/v1/actions/swap", { method: "POST", body: "{}", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf } });
		return reply.status === 409 && (await reply.json()).error.code === "standby";
	}));
	await check("... and has no form", async () => await b.getByLabel("Primary mode (passive)").count() === 0);
}

async function together(a, b) {
	await button(a, "Suspend takeovers").click();
	await a.getByLabel("For how long").selectOption("15 minutes");
	await a.getByRole("dialog").getByRole("button", { name: "Suspend" }).click();
	await eventually("suspended: it says until when", () => a.getByText(/^Takeovers are suspended until \d{4}-/).isVisible());
	await button(a, "Resume takeovers").click();
	await eventually("resumed", () => button(a, "Suspend takeovers").isVisible());
	await eventually("... and ready", async () => !await isDisabled(a, "Swap"));
	await confirmed(a, "Swap");
	await eventually("swapped: the old active's page becomes the standby screen", () => isStandby(a));
	await eventually("... the old passive's becomes the console", () => isCluster(b));
	await check("... and says so to who cannot see it", async () => (await b.locator("#announce").innerText()).includes("active one now"));
	await eventually("the passive is synced again", () => row(b, "appliance-a").getByText("Fully synced").isVisible());
	await check("the modes have turned with the roles", async () => await row(b, "appliance-b").getByText("Primary (active)", { exact: true }).isVisible()
		&& await row(b, "appliance-a").getByText("Primary (passive)", { exact: true }).isVisible()
		&& await a.getByText("Primary (passive)", { exact: true }).isVisible());
	await check("the timeline has it", async () => /Passive → Active/.test(await b.getByRole("region", { name: "Timeline" }).innerText()));
	await eventually("it can be detached", async () => !await isDisabled(b, "Detach"));
	await confirmed(b, "Detach");
	await eventually("detached: it is alone", async () => await row(b, "appliance-a").count() === 0);
	await eventually("... and so is the other, whose page is a console again", () => isCluster(a));
	await check("... and is to be registered under its own address, which is said to be that", async () => {
		const words = await a.getByRole("region", { name: "Registration" }).innerText();
		return words.includes(address.a) && words.includes("holds no virtual IP address");
	});
	await check("each agent says the same", () => lab("wait_for 10 '[ \"$(dump a .mode)\" = standalone ]'"));
}

await play(async () => {
	const b = await enter();
	await form(b);
	await requirements(b);
	const a = await open("a");
	await logIn(a);
	await lab("in_ns a tc qdisc add dev eth3 root tbf rate 24mbit burst 32k latency 60ms");
	await save(b);
	await sync(a);
	await refusals(b);
	await together(a, b);
});
