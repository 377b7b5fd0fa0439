/* format.js - figures as people read them, and addresses as they have to be written. */
import { text } from "./strings.js";

const { units } = text;

/* Three digits that matter. */
function digits(n) {
	return n >= 100 || Number.isInteger(n) ? String(Math.round(n)) : n.toPrecision(n >= 10 ? 3 : 2);
}

export const milliseconds = (ms) => ms < 1 && ms > 0 ? `${Math.round(ms * 1000)} ${units.us}` : `${digits(ms)} ${units.ms}`;

export const microseconds = (us) => milliseconds(us / 1000);

export function duration(seconds) {
	const s = Math.max(0, Math.round(seconds));
	if (s < 60)
		return `${s} ${units.s}`;
	if (s < 3600)
		return `${Math.floor(s / 60)} ${units.min} ${s % 60} ${units.s}`;
	if (s < 86400)
		return `${Math.floor(s / 3600)} ${units.h} ${Math.floor(s % 3600 / 60)} ${units.min}`;
	return `${Math.floor(s / 86400)} ${units.d} ${Math.floor(s % 86400 / 3600)} ${units.h}`;
}

export function bytes(n) {
	let unit = 0;
	while (n >= 1000 && unit < units.bytes.length - 1) {
		n /= 1000;
		unit++;
	}
	return `${digits(n)} ${units.bytes[unit]}`;
}

/* In UTC, as the agent's own pages and its log have it. */
export const instant = (time) => `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;

export const upper = (words) => words ? words[0].toUpperCase() + words.slice(1) : "";

export const list = (words) => words.join(", ");

/* ---- addresses ---- */

const isIpv4 = (address) => /^(\d{1,3})(\.\d{1,3}){3}$/.test(address) &&
	address.split(".").every((byte) => byte <= 255 && String(Number(byte)) === byte);

function isIpv6(address) {
	if (!/^[0-9a-f:.]+$/i.test(address) || !address.includes(":"))
		return false;
	try { // a browser reads one in a URL
		return new URL(`https://[${address}]/`).hostname.length > 2;
	} catch {
		return false;
	}
}

/* In one form, so that two of them can be compared. */
export const canonical = (address) => isIpv6(address) ? new URL(`https://[${address}]/`).hostname.slice(1, -1) : address;

const isUnusable = (address) => isIpv4(address)
	? /^(0|127|22[4-9]|23\d|24\d|25[0-5])\./.test(address)
	: /^(::1?$|ff|::ffff:)/i.test(canonical(address));

/* What is wrong with it; empty: nothing. */
export function addressMistake(address) {
	const words = text.address;
	if (address === "")
		return words.empty;
	if (/^[a-z]+:\/\//i.test(address))
		return words.scheme;
	if (isIpv4(address) || isIpv6(address))
		return isUnusable(address) ? words.unusable : "";
	if (address.includes("/"))
		return words.length;
	if (/^(\d+\.){3}\d+:\d+$|^\[.*\]/.test(address))
		return words.port;
	return /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/i.test(address) ? words.name : words.malformed;
}

/* Of the other appliance's console. port: null: the same as here. */
export function consoleLink(address, port) {
	const host = address.includes(":") ? `[${address}]` : address;
	const at = port ?? location.port;
	return `https://${host}${at && Number(at) !== 443 ? `:${at}` : ""}/`;
}
