/* virtual.mjs - the virtual IP addresses are changed: alone, in a pair, with mistakes, refused, and by who is connected by
 * one of them. */
import {
	announced, button, check, eventually, isAccessible, isCluster, isDisabled, isFocused, isStandby, lab, logIn, open, picture, play,
} from "./lib.mjs";

const field = (page, n) => page.getByLabel(`Virtual IP address ${n}`, { exact: true });
const fields = (page) => page.getByLabel(/^Virtual IP address \d/);
const mode = (page) => page.getByRole("region", { name: "Mode" });
const shows = async (page, address) => await mode(page).getByRole("listitem").filter({ hasText: `${address} held here` }).count() === 1;
const dialog = (page) => page.getByRole("dialog");
const refused = (page) => page.locator("#virtual-refused");
const begin = (page) => button(page, "Change the addresses").click();
const save = (page) => button(page, "Save the addresses").click();
const yes = (page) => dialog(page).getByRole("button", { name: "Change", exact: true }).click();
const remove = (page, address) => button(page, `Remove virtual IP address ${address}`).click();
const list = (n, addresses) => lab(`[ "$(dump ${n} '[.virtual_ip[].address] | join(" ")')" = "${addresses}" ]`);

/* What a field says of what is being typed into it. */
async function says(page, n, typed, words) {
	await field(page, n).fill("");
	await field(page, n).pressSequentially(typed);
	const said = await field(page, n).evaluate((node) => document.getElementById(node.getAttribute("aria-describedby")).innerText);
	if (said !== words || await field(page, n).getAttribute("aria-invalid") !== (words ? "true" : null))
		throw new Error(`it says: ${said}`);
}

async function mistakes(a) {
	await check("the addresses are shown, and where they are", async () => await shows(a, "192.0.2.100") && await shows(a, "2001:db8::100"));
	await begin(a);
	await check("each has a field, the first has the focus", async () => await fields(a).count() === 2 && await isFocused(field(a, 1)));
	await check("nothing can be saved as long as nothing is different, and it says why", async () =>
		await isDisabled(a, "Save the addresses") && await a.getByText("Save the addresses: nothing has been changed.").isVisible());
	await button(a, "Add an address").click();
	await check("what is half typed is no mistake yet", () => says(a, 3, "192.0.2.", ""));
	await check("... once it is left it is", async () => {
		await field(a, 2).focus();
		return await a.getByText("This is not an IPv4 or IPv6 address.").isVisible();
	});
	await check("a name is told while it is typed", () => says(a, 3, "cluster", "Enter an address, not a name."));
	await check("a length", () => says(a, 3, "192.0.2.110/24", "Enter the address alone, without a prefix length."));
	await check("a port", () => says(a, 3, "[2001:db8::1]:443", "Enter the address alone, without a port."));
	await check("a link", () => says(a, 3, "https://192.0.2.110", "Enter the address alone, not a link."));
	await check("one that no station has", () => says(a, 3, "224.0.0.1", "This address cannot be that of an appliance."));
	await check("the same twice, written otherwise", () => says(a, 3, "2001:DB8:0::100", "2001:DB8:0::100 is there twice."));
	await check("an appliance's own", () => says(a, 3, "192.0.2.11", "This is a management address of an appliance, which stays with it."));
	await check("a good one is none", () => says(a, 3, "2001:db8::110", ""));
	await field(a, 3).fill("192.0.2.1100");
	await save(a);
	await check("with a mistake nothing is asked, the focus is at the mistake", async () =>
		await dialog(a).count() === 0 && await isFocused(field(a, 3)));
	for (let n = 3; n < 8; n++)
		await button(a, "Add an address").click();
	await check("there are eight at most, and it says so", async () => await fields(a).count() === 8 && await isDisabled(a, "Add an address") &&
		await a.getByText("Add an address: at most 8 addresses are possible.").isVisible());
	await picture(a, "virtual addresses");
	await button(a, "Cancel").click();
	await check("cancelled: they are as they were", async () => await shows(a, "192.0.2.100") && await fields(a).count() === 0);
	await check("nobody has been asked by then", () => lab('! grep -q action=virtual_ip "$LAB/a/console.log"'));
}

async function refusal(a) {
	await begin(a);
	await field(a, 1).fill("198.51.100.7");
	await save(a);
	await yes(a);
	await eventually("what the agent refuses is told where it was typed, in its words", async () =>
		/198\.51\.100\.7 is in no network/.test(await refused(a).innerText()));
	await check("... and to who cannot see it", async () => /198\.51\.100\.7 is in no network/.test(await announced(a)));
	await check("... what was typed is still there", async () => await field(a, 1).inputValue() === "198.51.100.7");
	await check("... nothing has changed", () => list("a", "192.0.2.100 2001:db8::100"));
	await isAccessible(a, "virtual addresses refused");
	await field(a, 1).fill("192.0.2.100");
	await check("... it goes away when something else is typed", async () => await refused(a).innerText() === "");
	await button(a, "Cancel").click();
}

async function alone(a) {
	await begin(a);
	await field(a, 1).fill("192.0.2.110");
	await save(a);
	await check("before they change it says what comes, goes and stays", async () => {
		const words = await dialog(a).innerText();
		return words.includes("Added: 192.0.2.110.") && words.includes("Removed: 192.0.2.100. Connections to it end.") &&
			words.includes("Kept, without an interruption: 2001:db8::100.");
	});
	await check("... and whom to tell", async () => (await dialog(a).innerText()).includes("may know this pair by 192.0.2.100"));
	await a.keyboard.press("Escape");
	await check("who does not want to has changed nothing", () => list("a", "192.0.2.100 2001:db8::100"));
	await save(a);
	await yes(a);
	await eventually("changed: it says so", () => a.locator(".notice.ok").isVisible());
	await eventually("... they are shown, held", async () => await shows(a, "192.0.2.110") && await shows(a, "2001:db8::100"));
	await check("... the focus is at what began it", () => isFocused(button(a, "Change the addresses")));
	await check("... the new one is reached", () => lab("in_ns c ping -qnc1 -W2 192.0.2.110"));
	await check("... the log says who", () => lab('grep -qE "event=audit.*user=admin.*action=virtual_ip what=192.0.2.110,2001:db8::100 result=done" "$LAB/a/console.log"'));
	await eventually("the one to register is the new one", async () => /192\.0\.2\.110/.test(await a.getByRole("region", { name: "Registration" }).innerText()));
}

/* The agent is away for a moment, while somebody types. */
async function interrupted(a) {
	await begin(a);
	await field(a, 2).fill("2001:db8::11");
	await field(a, 2).focus();
	await lab("lab_agent a stop");
	await eventually("an agent that is away while somebody types: nothing can be changed", async () => await fields(a).count() === 0);
	await lab("lab_agent a start; wait_for 20 'is_state a active'");
	await eventually("... it is back: what was typed is still there", async () => await field(a, 2).inputValue() === "2001:db8::11");
	await button(a, "Cancel").click();
}

async function connected() {
	const page = await open("a", { host: "192.0.2.110" });
	await logIn(page);
	await isCluster(page);
	await begin(page);
	await remove(page, "192.0.2.110");
	await check("what is left out is out", async () => await fields(page).count() === 1 && await announced(page) === "192.0.2.110 is left out.");
	await save(page);
	await check("who is connected by one that goes is told where to go on", async () =>
		(await dialog(page).innerText()).includes("You are connected by 192.0.2.110: this page loses its connection. Go on at 192.0.2.11."));
	await page.keyboard.press("Escape");
	await page.close();
}

async function pair(a) {
	await lab("ha b --join 192.0.2.11 --yes; wait_for 30 'is_state b passive && is_ready b'");
	await eventually("in a pair they are changed at the active", async () => await a.getByText("appliance-b", { exact: true }).count() > 0 &&
		!await isDisabled(a, "Change the addresses"));
	const b = await open("b");
	await logIn(b);
	await isStandby(b);
	await check("... not at the passive", async () => await b.getByText("Change the addresses").count() === 0);
	await begin(a);
	await field(a, 1).fill("192.0.2.120");
	await lab("ha a --virtual-ip=192.0.2.111,2001:db8::100");
	await eventually("changed elsewhere meanwhile: it says so", () => a.getByText("They were changed elsewhere meanwhile, and are now: 192.0.2.111, 2001:db8::100.").isVisible());
	await check("... and what is typed stays", async () => await field(a, 1).inputValue() === "192.0.2.120");
	await save(a);
	await check("the other one is named in the question", async () => (await dialog(a).innerText()).includes("appliance-b uses the same addresses from then on."));
	await yes(a);
	await eventually("both have them", async () => await list("a", "192.0.2.120 2001:db8::100") && await list("b", "192.0.2.120 2001:db8::100"));
	await eventually("... the standby screen leads there", async () =>
		await b.getByRole("link", { name: "or by the virtual IP address 192.0.2.120" }).getAttribute("href") === "https://192.0.2.120:9443/");
	await check("... by the port that is configured for the other console", async () =>
		await b.getByRole("link", { name: "Open the console of appliance-a" }).getAttribute("href") === "https://192.0.2.11:9443/");
	await eventually("the timeline has it", async () => /virtual IP addresses were changed/.test(await a.getByRole("region", { name: "Timeline" }).innerText()));
	await begin(a);
	await field(a, 1).fill("192.0.2.121");
	await lab("lab_power_off b");
	await eventually("the passive is gone: they cannot be changed, and it says why", async () =>
		await isDisabled(a, "Save the addresses") && await a.getByText(/^Save the addresses: /).isVisible());
	await check("... what was typed stays", async () => await field(a, 1).inputValue() === "192.0.2.121");
}

await play(async () => {
	const a = await open("a");
	await logIn(a);
	await isCluster(a);
	await mistakes(a);
	await refusal(a);
	await alone(a);
	await interrupted(a);
	await connected();
	await pair(a);
});
