-- haagent.lua - Wireshark dissector for the haagent protocol, EtherType 0x88B5 (proto/SPEC.md sections 1 to 3, 6.1).
--
--   wireshark -X lua_script:haagent.lua capture.pcap
--   tshark -X lua_script:haagent.lua -r capture.pcap -Y 'haagent.claim == 2'
--
-- or copy it to the plugins folder (Help > About Wireshark > Folders). It needs no keys: all messages are
-- authenticated in the clear, but for the settings themselves in SYNC_DATA. It cannot verify a tag.

local haagent = Proto("haagent", "haagent high availability protocol")

local HEADER_LEN, TAG_LEN = 18, 16
local BEACON, HANDSHAKE, HEARTBEAT, SOLICIT, ANSWER, IDENTITY, JOIN, DETACH, DISOWN, ACCOUNT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
local SYNC_DATA, SYNC_ACK, SYNC_HELLO = 0x40, 0x41, 0x42

local types = {
	[BEACON] = "BEACON", [HANDSHAKE] = "HANDSHAKE", [HEARTBEAT] = "HEARTBEAT", [SOLICIT] = "SOLICIT",
	[ANSWER] = "ANSWER", [IDENTITY] = "IDENTITY", [JOIN] = "JOIN", [DETACH] = "DETACH", [DISOWN] = "DISOWN",
	[ACCOUNT] = "ACCOUNT",
	[SYNC_DATA] = "SYNC_DATA", [SYNC_ACK] = "SYNC_ACK", [SYNC_HELLO] = "SYNC_HELLO",
}

local body_len = {
	[BEACON] = 40, [HEARTBEAT] = 156, [SOLICIT] = 8, [ANSWER] = 8, [IDENTITY] = 527, [JOIN] = 55, [DETACH] = 18,
	[DISOWN] = 73, [ACCOUNT] = 254, [SYNC_ACK] = 136, [SYNC_HELLO] = 40,
}
local SYNC_DATA_LEAST = 9 + 1 -- a body of it: what is in the clear, and a byte of the stream
local untagged = {[BEACON] = true, [HANDSHAKE] = true, [DISOWN] = true}

local paths = {[0] = "link", "management"}
local patterns = {[0] = "XX", "KKpsk0"}
local modes = {[0] = "standalone", "primary (active)", "primary (passive)"}
local states = {[0] = "initializing", "active", "passive", "suspended", "faulted", "isolated"}
local claims = {[0] = "none", "taking", "holding", "resigned"}
local phases = {[0] = "none", "intent", "ack", "resigned", "taking"}
local reasons = { -- proto/reason.h
	[0] = "none", "starting", "standalone", "unpaired", "virtual IP taken", "holder heard", "peer heard",
	"handover", "both paths silent", "no witness", "carrier lost on the link", "nobody held", "alone",
	"forced", "took back", "disproved", "check failed", "deaf", "management carrier down", "guardian",
	"isolated", "higher term", "unheard by the peer", "paused", "lease lost", "swap", "shutdown", "suspended",
	"resumed", "store", "joined", "detached", "removed by the other", "left", "suspension over",
	"upgraded",
}
local families = {[0] = "none", [4] = "IPv4", [6] = "IPv6"}
local join_ops = {"request", "accept", "refuse", "test", "report"}
local refusals = {
	[0] = "none", "not primary (active)", "has a passive already", "not one of its management addresses",
	"no virtual IP configured", "requirements not met", "could not write its cluster record",
}
local requirements = { -- SPEC 7; each becomes haagent.join.cause.<name>
	"hardware_model", "physical_connection", "version", "host_name", "ip_addresses", "network_segment",
	"virtual_ip", "address", "role", "vacant", "timing", "protocol",
}
local causes = { -- SPEC 7
	[0] = "none", "not heard", "pending", "not seen from here", "model differs", "model not supported",
	"heard through a forwarding device only", "another station on the link", "link_direct differs",
	"firmware differs", "hotfix differs", "patch differs", "same host name", "no host name",
	"a family of the active is missing", "a family of the passive is missing", "no management address",
	"no network in common", "somebody else answers for the address", "nobody answers for the address",
	"no virtual IP configured", "virtual IP outside of the management networks",
	"virtual IP is a management address", "a third party answers for the virtual IP", "address is its own",
	"address is not the other's", "not primary (active)", "both are active", "has a passive already",
	"is in a pair already", "timing differs", "protocol version differs", "handshake does not verify",
	"could not write its cluster record", "no model", "no firmware", "a management address is on both",
	"the other one tests or joins at the same time", "what the other one states of itself is malformed",
}
local detach_ops = {"request", "done", "refuse"}
local detach_refusals = {
	[0] = "none", "first copy of the settings under way", "could not write its cluster record",
	"holds the virtual IP",
}
local partings = {"detached", "removed", "left"}

local f = {} -- fields by their name after "haagent."

local function field(kind, name, label, ...)
	f[name] = ProtoField[kind]("haagent." .. name, label, ...)
end

field("uint8", "version", "Version")
field("uint8", "type", "Type", base.DEC, types)
field("uint8", "path", "Path", base.DEC, paths)
field("uint8", "flags", "Flags (reserved)", base.HEX)
field("uint16", "length", "Length")
field("uint32", "receiver", "Receiver index", base.HEX)
field("uint64", "counter", "Counter")
field("bytes", "tag", "Tag")
field("bytes", "sealed", "Encrypted body")
field("bytes", "key", "Static public key")
field("uint64", "boot", "Boot")
field("uint64", "number", "State number")

field("uint8", "pattern", "Noise pattern", base.DEC, patterns)
field("uint8", "step", "Step")
field("uint32", "sender", "Sender index", base.HEX)
field("uint64", "sequence", "Sequence")
field("bytes", "noise", "Noise message")
field("bytes", "mac", "MAC")

field("uint8", "mode", "Mode", base.DEC, modes)
field("uint8", "state", "State", base.DEC, states)
field("uint8", "claim", "Claim", base.DEC, claims)
field("uint8", "reason", "Reason", base.DEC, reasons)
field("uint64", "term", "Term")

-- Bit fields, lowest bit first; each becomes haagent.<field>.<bit>.
field("uint8", "heartbeat_flags", "Flags", base.HEX)
field("uint16", "why_not", "Why not eligible", base.HEX)
field("uint8", "identity_flags", "Flags", base.HEX)
field("uint8", "sync_flags", "Flags", base.HEX)
local bits = {
	heartbeat_flags = {"eligible", "leaving", "degraded", "reach_ok", "carrier", "reserved"},
	why_not = {"copy", "suspended", "check", "carrier", "deaf", "store", "guardian", "starting", "leaving",
		"disproved"},
	identity_flags = {"direct"},
	sync_flags = {"flush"},
}
for parent, names in pairs(bits) do
	for i, name in ipairs(names) do
		local width = parent == "why_not" and 16 or 8

		field("bool", parent .. "." .. name, name, width, nil, 2 ^ (i - 1))
	end
end

field("uint8", "handover.phase", "Phase", base.DEC, phases)
field("uint64", "handover.term", "Term")
field("uint32", "handover.number", "Number")
field("uint32", "handover.grant_ms", "Grant (ms)")
for _, path in pairs(paths) do
	field("uint64", "heard." .. path .. ".counter", "Newest counter")
	field("uint32", "heard." .. path .. ".age_us", "Age (us)")
end
field("uint32", "reach_age_ms", "Age of its last evidence of the segment (ms)")
field("uint64", "lineage.term", "Term")
field("uint64", "lineage.number", "Number")
field("bytes", "lineage.digest", "Digest")
field("uint32", "identity_revision", "Identity revision")
field("uint32", "lateness_us", "Worst lateness (us)")
field("uint64", "sent_us", "Sent (us)")
field("uint64", "echo_us", "Echo (us)")
field("uint32", "echo_hold_us", "Echo held (us)")
field("uint32", "suspended_s", "Left of its suspension (s)")

field("uint64", "nonce", "Nonce", base.HEX)

field("uint32", "revision", "Revision")
field("string", "model", "Model")
field("string", "firmware", "Firmware")
field("string", "hotfix", "Hotfix")
field("string", "patch", "Patch")
field("string", "host_name", "Host name")
field("string", "agent", "Agent version")
field("ether", "management_mac", "Management MAC")
field("bytes", "cluster_id", "Cluster id")
field("uint32", "heartbeat_us", "Heartbeat interval (us)")
field("uint32", "dead_us", "Dead interval (us)")
field("uint32", "confirm_us", "Confirm (us)")
field("uint8", "address.family", "Family", base.DEC, families)
field("ipv4", "address.ipv4", "Address")
field("ipv6", "address.ipv6", "Address")
field("uint8", "address.prefix", "Prefix length")

field("uint8", "join.op", "Operation", base.DEC, join_ops)
field("uint8", "join.refusal", "Refusal", base.DEC, refusals)
for _, name in ipairs(requirements) do
	field("uint8", "join.cause." .. name, name, base.DEC, causes)
end

field("uint8", "detach.op", "Operation", base.DEC, detach_ops)
field("uint8", "detach.refusal", "Refusal", base.DEC, detach_refusals)
field("uint8", "disown.why", "Why", base.DEC, partings)

-- ACCOUNT, field by field in its order: each becomes haagent.account.<name>, of so many bytes or of a list.
local carriers = {[0] = "not known", "up", "down"}
local account = {
	{"boot", 8}, {"decided_us", 8}, {"from", states}, {"to", states}, {"reason", reasons}, {"term", 8},
	{"awake_us", 8},
	{"link.heard_us", 8}, {"link.missed", 2}, {"link.carrier", carriers}, {"link.carrier_since_us", 8},
	{"management.heard_us", 8}, {"management.missed", 2}, {"management.carrier", carriers},
	{"management.carrier_since_us", 8},
	{"probe.first_us", 8}, {"probe.last_us", 8}, {"probe.rounds", 2},
	{"probe.answer", {[0] = "nobody", "peer", "another station"}}, {"probe.answered_us", 8},
	{"solicit.since_us", 8}, {"solicit.sent", 1}, {"solicit.answered", {[0] = "no", "yes"}},
	{"reach.evidence_us", 8}, {"reach.asked_us", 8}, {"reach.unanswered_us", 8}, {"reach.station", "address"},
	{"reach.configured", {[0] = "learned", "configured"}},
	{"peer.heard_us", 8}, {"peer.boot", 8}, {"peer.state", states}, {"peer.claim", claims}, {"peer.reason", reasons},
	{"peer.flags", 1}, {"peer.why_not", 2}, {"peer.holding_us", 8},
	{"handover.intent_us", 8}, {"handover.ack_us", 8}, {"handover.resigned_us", 8}, {"handover.taking_us", 8},
	{"lease.until_us", 8}, {"lease.released_us", 8}, {"lease.off_us", 8}, {"lease.on_us", 8},
	{"lease.announced_us", 8},
}
for _, one in ipairs(account) do
	if type(one[2]) == "table" then
		field("uint8", "account." .. one[1], one[1], base.DEC, one[2])
	elseif one[2] ~= "address" then
		field("uint" .. 8 * one[2], "account." .. one[1], one[1], base.DEC)
	end
end

field("bytes", "sync.salt", "Salt")
field("bytes", "sync.echo", "Newest salt heard of the receiver")
field("uint16", "sync.mtu", "Largest frame")
field("bool", "sync.aes", "AES-256-GCM is fast")
field("uint32", "sync.window", "Window (frames)")
field("bytes", "sync.reserved", "Reserved")
field("uint64", "sync.offset", "Offset in the stream")
field("uint64", "sync.cumulative", "All frames have arrived below")
field("bytes", "sync.bitmap", "Frames beyond that have")

local list = {}
for _, one in pairs(f) do
	list[#list + 1] = one
end
haagent.fields = list

local bad_length = ProtoExpert.new("haagent.bad_length", "Length does not fit the type",
	expert.group.MALFORMED, expert.severity.ERROR)
local bad_version = ProtoExpert.new("haagent.bad_version", "Unknown version",
	expert.group.PROTOCOL, expert.severity.WARN)
local bad_type = ProtoExpert.new("haagent.bad_type", "Unknown type",
	expert.group.PROTOCOL, expert.severity.WARN)
haagent.experts = {bad_length, bad_version, bad_type}

-- A cursor over the body: each take() adds the next bytes as the field of that name.
local function cursor(buffer)
	local self = {at = 0}

	function self.next(len)
		local range = buffer(self.at, len)

		self.at = self.at + len
		return range
	end

	function self.take(tree, name, len)
		local range = self.next(len)

		return tree:add(f[name], range), range
	end

	return self
end

local function take_text(c, tree, name, len)
	local range = c.next(len)

	tree:add(f[name], range, range:stringz(ENC_UTF_8))
end

local function take_bits(c, tree, name, len)
	local item, range = c.take(tree, name, len)

	for _, bit in ipairs(bits[name]) do
		item:add(f[name .. "." .. bit], range)
	end
	return range
end

local function take_address(c, tree, label, with_prefix)
	local whole = c.next(with_prefix and 18 or 17)
	local family = whole(0, 1):uint()
	local node = tree:add(whole, label)

	node:add(f["address.family"], whole(0, 1))
	if family == 4 then
		node:add(f["address.ipv4"], whole(1, 4))
		node:append_text(": " .. tostring(whole(1, 4):ipv4()))
	elseif family == 6 then
		node:add(f["address.ipv6"], whole(1, 16))
		node:append_text(": " .. tostring(whole(1, 16):ipv6()))
	else
		node:append_text(": none")
	end
	if with_prefix then
		node:add(f["address.prefix"], whole(17, 1))
		if family ~= 0 then
			node:append_text("/" .. whole(17, 1):uint())
		end
	end
end

local dissect = {} -- by type: reads the body, returns what the info column says

dissect[BEACON] = function(c, tree)
	c.take(tree, "key", 32)
	c.take(tree, "boot", 8)
	return ""
end

dissect[HANDSHAKE] = function(c, tree, len)
	local _, pattern, step

	if len < 22 + TAG_LEN then
		tree:add_proto_expert_info(bad_length)
		return ""
	end
	_, pattern = c.take(tree, "pattern", 1)
	_, step = c.take(tree, "step", 1)
	c.take(tree, "sender", 4)
	c.take(tree, "boot", 8)
	c.take(tree, "sequence", 8)
	c.take(tree, "noise", len - 22 - TAG_LEN)
	c.take(tree, "mac", TAG_LEN)
	return string.format(" %s step %d", patterns[pattern:uint()] or "?", step:uint())
end

dissect[HEARTBEAT] = function(c, tree)
	local _, number, state, claim, term, phase, suspended, node

	c.take(tree, "boot", 8)
	_, number = c.take(tree, "number", 8)
	c.take(tree, "mode", 1)
	_, state = c.take(tree, "state", 1)
	_, claim = c.take(tree, "claim", 1)
	c.take(tree, "reason", 1)
	take_bits(c, tree, "heartbeat_flags", 1)
	take_bits(c, tree, "why_not", 2)
	_, term = c.take(tree, "term", 8)

	node = tree:add("Handover")
	_, phase = c.take(node, "handover.phase", 1)
	c.take(node, "handover.term", 8)
	c.take(node, "handover.number", 4)
	c.take(node, "handover.grant_ms", 4)
	for path = 0, 1 do
		node = tree:add("Heard on " .. paths[path])
		c.take(node, "heard." .. paths[path] .. ".counter", 8)
		c.take(node, "heard." .. paths[path] .. ".age_us", 4)
	end
	c.take(tree, "reach_age_ms", 4)
	node = tree:add("Lineage of its settings")
	c.take(node, "lineage.term", 8)
	c.take(node, "lineage.number", 8)
	c.take(node, "lineage.digest", 32)
	c.take(tree, "identity_revision", 4)
	c.take(tree, "lateness_us", 4)
	c.take(tree, "sent_us", 8)
	c.take(tree, "echo_us", 8)
	c.take(tree, "echo_hold_us", 4)
	node, suspended = c.take(tree, "suspended_s", 4)
	if suspended:uint() == 0xffffffff then
		node:append_text(": until it is resumed")
	end

	local info = string.format(" %s %s, claim %s, term %s", number:uint64(), states[state:uint()] or "?",
		claims[claim:uint()] or "?", term:uint64())
	if phase:uint() ~= 0 then
		info = info .. ", handover " .. (phases[phase:uint()] or "?")
	end
	return info
end

dissect[SOLICIT] = function(c, tree)
	local _, nonce = c.take(tree, "nonce", 8)

	return " " .. tostring(nonce:bytes())
end

dissect[ANSWER] = dissect[SOLICIT]

dissect[IDENTITY] = function(c, tree)
	local host

	c.take(tree, "revision", 4)
	take_text(c, tree, "model", 32)
	take_text(c, tree, "firmware", 32)
	take_text(c, tree, "hotfix", 32)
	take_text(c, tree, "patch", 32)
	host = c.next(64)
	tree:add(f.host_name, host, host:stringz(ENC_UTF_8))
	take_text(c, tree, "agent", 16)
	c.take(tree, "management_mac", 6)
	for i = 1, 8 do
		take_address(c, tree, "Management address " .. i, true)
	end
	for i = 1, 8 do
		take_address(c, tree, "Virtual IP " .. i, false)
	end
	c.take(tree, "cluster_id", 16)
	take_bits(c, tree, "identity_flags", 1)
	c.take(tree, "heartbeat_us", 4)
	c.take(tree, "dead_us", 4)
	c.take(tree, "confirm_us", 4)
	return " " .. host:stringz(ENC_UTF_8)
end

-- What an operation with a refusal says in the info column.
local function operation(op, ops, refusal, texts)
	local info = " " .. (ops[op:uint()] or "?")

	if refusal:uint() ~= 0 then
		info = info .. ": " .. (texts[refusal:uint()] or "?")
	end
	return info
end

dissect[JOIN] = function(c, tree)
	local _, op, refusal, node

	_, op = c.take(tree, "join.op", 1)
	_, refusal = c.take(tree, "join.refusal", 1)
	take_address(c, tree, "Address", false)
	c.take(tree, "cluster_id", 16)
	c.take(tree, "term", 8)
	node = tree:add("Causes")
	for _, name in ipairs(requirements) do
		c.take(node, "join.cause." .. name, 1)
	end
	return operation(op, join_ops, refusal, refusals)
end

dissect[DETACH] = function(c, tree)
	local _, op, refusal

	_, op = c.take(tree, "detach.op", 1)
	_, refusal = c.take(tree, "detach.refusal", 1)
	c.take(tree, "cluster_id", 16)
	return operation(op, detach_ops, refusal, detach_refusals)
end

dissect[DISOWN] = function(c, tree)
	local _, why

	c.take(tree, "cluster_id", 16)
	c.take(tree, "key", 32)
	c.take(tree, "boot", 8)
	_, why = c.take(tree, "disown.why", 1)
	c.take(tree, "mac", TAG_LEN)
	return " " .. (partings[why:uint()] or "?")
end

dissect[ACCOUNT] = function(c, tree)
	local value = {}

	for _, one in ipairs(account) do
		local _, range

		if one[2] == "address" then
			take_address(c, tree, "Station", false)
		else
			_, range = c.take(tree, "account." .. one[1], type(one[2]) == "table" and 1 or one[2])
			value[one[1]] = range
		end
	end
	return string.format(" %s -> %s: %s", states[value.from:uint()] or "?", states[value.to:uint()] or "?",
		reasons[value.reason:uint()] or "?")
end

-- The header's counter is the number of the frame.
dissect[SYNC_DATA] = function(c, tree, len, counter)
	local _, offset = c.take(tree, "sync.offset", 8)
	local flags = take_bits(c, tree, "sync_flags", 1)

	c.take(tree, "sealed", len - 9)
	return string.format(" %s: %d bytes from %s%s", counter, len - 9, offset:uint64(),
		flags:bitfield(7, 1) == 1 and ", flush" or "")
end

dissect[SYNC_ACK] = function(c, tree)
	local _, cumulative = c.take(tree, "sync.cumulative", 8)
	local _, bitmap = c.take(tree, "sync.bitmap", 128)
	local beyond = 0

	for bit = 0, 8 * bitmap:len() - 1 do
		beyond = beyond + bitmap:bitfield(bit, 1)
	end
	return string.format(" all below %s, %d beyond", cumulative:uint64(), beyond)
end

dissect[SYNC_HELLO] = function(c, tree)
	local _, mtu, window

	c.take(tree, "sync.salt", 16)
	c.take(tree, "sync.echo", 16)
	_, mtu = c.take(tree, "sync.mtu", 2)
	c.take(tree, "sync.aes", 1)
	_, window = c.take(tree, "sync.window", 4)
	c.take(tree, "sync.reserved", 1)
	return string.format(" MTU %d, window %d", mtu:uint(), window:uint())
end

-- Is the length field one that the type may have, and is that much there?
local function length_fits(kind, length, present)
	local tag = untagged[kind] and 0 or TAG_LEN

	if length > present or length < HEADER_LEN + tag then
		return false
	end
	if kind == SYNC_DATA then
		return length >= HEADER_LEN + SYNC_DATA_LEAST + tag
	end
	return body_len[kind] == nil or length == HEADER_LEN + body_len[kind] + tag
end

local function dissect_body(buffer, kind, length, tree)
	local tag = untagged[kind] and 0 or TAG_LEN
	local len = length - HEADER_LEN - tag
	local name = types[kind]:sub(1, 1) .. types[kind]:sub(2):lower():gsub("_", " ")
	local body = buffer(HEADER_LEN, len)
	local info = dissect[kind](cursor(body), tree:add(body, name), len, buffer(10, 8):uint64())

	if tag > 0 then
		tree:add(kind == SYNC_HELLO and f.mac or f.tag, buffer(length - tag, tag))
	end
	return info
end

function haagent.dissector(buffer, pinfo, root)
	if buffer:len() < HEADER_LEN then
		return 0
	end
	local kind, path, length = buffer(1, 1):uint(), buffer(2, 1):uint(), buffer(4, 2):uint()
	local tree = root:add(haagent, buffer(0, math.min(length, buffer:len())))
	local name = types[kind] or string.format("type %d", kind)

	pinfo.cols.protocol = "haagent"
	tree:append_text(string.format(", %s on %s", name, paths[path] or "?"))
	local version = tree:add(f.version, buffer(0, 1))
	local type_item = tree:add(f.type, buffer(1, 1))
	tree:add(f.path, buffer(2, 1))
	tree:add(f.flags, buffer(3, 1))
	local length_item = tree:add(f.length, buffer(4, 2))
	tree:add(f.receiver, buffer(6, 4))
	tree:add(f.counter, buffer(10, 8))

	local info = ""
	if buffer(0, 1):uint() ~= 1 then
		version:add_proto_expert_info(bad_version)
	elseif types[kind] == nil then
		type_item:add_proto_expert_info(bad_type)
	elseif not length_fits(kind, length, buffer:len()) then
		length_item:add_proto_expert_info(bad_length)
	else
		info = dissect_body(buffer, kind, length, tree)
	end
	pinfo.cols.info = string.format("%s on %s%s", name, paths[path] or "?", info)
	return buffer:len()
end

DissectorTable.get("ethertype"):add(0x88b5, haagent)
