-- haagent.lua - Wireshark dissector for the haagent protocol, EtherType 0x88B5 (proto/SPEC.md sections 1 to 3, 6.1).
-- It also shows what a node decided, between the frames, in captures that the agent has written (SPEC 3.12).
--
--   wireshark -X lua_script:haagent.lua capture.pcap
--   tshark -X lua_script:haagent.lua -r capture.pcap -Y 'haagent.claim == 2'
--
-- or copy it to the plugins folder (Help > About Wireshark > Folders). It needs no keys: all messages are
-- authenticated in the clear, but for the settings themselves in SYNC_DATA. It cannot verify a tag.

local haagent = Proto("haagent", "haagent high availability protocol")

local HEADER_LEN, TAG_LEN = 18, 16
local BEACON, HANDSHAKE, HEARTBEAT, SOLICIT, ANSWER, IDENTITY, JOIN, DETACH, DISOWN, ACCOUNT, ADDRESSES = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
local SYNC_DATA, SYNC_ACK, SYNC_HELLO = 0x40, 0x41, 0x42
local DECISION = 0x50 -- in captures of the agent only, never on the wire

local types = {
	[BEACON] = "BEACON", [HANDSHAKE] = "HANDSHAKE", [HEARTBEAT] = "HEARTBEAT", [SOLICIT] = "SOLICIT",
	[ANSWER] = "ANSWER", [IDENTITY] = "IDENTITY", [JOIN] = "JOIN", [DETACH] = "DETACH", [DISOWN] = "DISOWN",
	[ACCOUNT] = "ACCOUNT", [ADDRESSES] = "ADDRESSES",
	[SYNC_DATA] = "SYNC_DATA", [SYNC_ACK] = "SYNC_ACK", [SYNC_HELLO] = "SYNC_HELLO",
	[DECISION] = "DECISION",
}

local body_len = {
	[BEACON] = 40, [HEARTBEAT] = 156, [SOLICIT] = 8, [ANSWER] = 8, [IDENTITY] = 527, [JOIN] = 55, [DETACH] = 18,
	[DISOWN] = 73, [ACCOUNT] = 254, [ADDRESSES] = 154, [SYNC_ACK] = 136, [SYNC_HELLO] = 40, [DECISION] = 47,
}
local SYNC_DATA_LEAST = 9 + 1 -- a body of it: what is in the clear, and a byte of the stream
local untagged = {[BEACON] = true, [HANDSHAKE] = true, [DISOWN] = true, [DECISION] = true}

local paths = {[0] = "link", "management"}
local patterns = {[0] = "XX", "KKpsk0"}
local modes = {[0] = "standalone", "primary (active)", "primary (passive)"}
local states = {[0] = "initializing", "active", "passive", "suspended", "faulted", "isolated"}
local claims = {[0] = "none", "taking", "holding", "resigned"}
local phases = {[0] = "none", "intent", "ack", "resigned", "taking"}
local reasons = { -- proto/reason.h
	[0] = "none", "starting: listening for the peer", "standalone: no virtual IP and no peer",
	"no peer yet; nobody answered for the virtual IP",
	"no peer yet; another station answers for the virtual IP", "the peer holds the virtual IP",
	"the peer is heard; nobody holds the virtual IP", "the peer handed over",
	"peer silent on both paths, segment alive", "peer silent on both paths, the witness too",
	"link carrier lost and no answer on management", "both nodes up, neither held the virtual IP",
	"alone at boot", "forced by an operator", "the peer did not use the handover",
	"the peer, thought dead, answers for the virtual IP", "a service check failed beyond recovery",
	"management hears nobody, the peer's does", "management has no carrier, the peer's has",
	"the virtual IP cannot be kept on the interface", "isolated: peer lost, management hears nobody",
	"the peer holds with a higher term", "the peer holds and does not hear this node",
	"this node was paused for too long", "the lease on the virtual IP ran out", "swapped by an operator",
	"shutting down", "suspended by an operator", "resumed by an operator",
	"the stored state cannot be read", "joined the pair", "the pair was ended by an operator",
	"the other appliance has removed this one from the pair",
	"an operator removed the other appliance from the pair", "the suspension has ended by itself",
	"it held before the upgrade, and has held on", "the virtual IP was changed by an operator",
}
local rules = { -- of each reason: SPEC 5
	[0] = "", "boot", "boot", "boot", "boot", "boot", "I1", "T1", "T2", "T2", "T3", "T4", "T5", "T5", "T1",
	"V1", "Y1", "Y1", "Y1", "Y1", "Y2", "Y3", "Y5", "Y6", "Y6", "T1", "T1", "S1", "S1", "boot", "boot",
	"D1", "D3", "D2", "S1", "U1", "X1",
}
local events = { -- proto/node.h
	[0] = "none", "state", "path_up", "path_down", "carrier_up", "carrier_down", "third_party",
	"lease_lost", "handover_failed", "suspended", "resumed", "deaf", "reach_ok", "peer_restarted",
	"conflict", "disproved", "store_failed", "joined", "started", "address_missing", "addresses_whole",
	"copy_whole", "out_of_sync", "in_sync", "no_handover", "detached", "check_failing", "check_recovering",
	"check_failed", "check_recovered", "hook_failed", "hook_timeout", "version_mismatch", "version_match",
	"stranger", "sync_failed", "settings_kept", "settings_command",
	"virtual_ip",
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
local addresses_ops = {"propose", "accept", "refuse"}
local addresses_refusals = {
	[0] = "none", "could not write its cluster record", "not the holder", "first copy of the settings under way",
	"an address of its own", "in no network of its management", "a witness of its", "another change under way",
}
local partings = {[0] = "none", "detached", "removed", "left"}

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
	identity_flags = {"direct", "addresses"},
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
field("uint8", "addresses.op", "Operation", base.DEC, addresses_ops)
field("uint8", "addresses.refusal", "Refusal", base.DEC, addresses_refusals)
field("uint8", "disown.why", "Why", base.DEC, partings)

field("uint64", "decision.number", "Number")
field("uint8", "decision.event", "Event", base.DEC, events)
field("uint8", "decision.from", "From", base.DEC, states)
field("uint8", "decision.to", "To", base.DEC, states)
field("string", "decision.rule", "Rule")
field("uint32", "decision.detail", "Detail")
field("string", "decision.subject", "Subject")
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
local bad_value = ProtoExpert.new("haagent.bad_value", "A value that its field cannot have",
	expert.group.MALFORMED, expert.severity.ERROR)
local changed_role = ProtoExpert.new("haagent.changed_role", "State or claim is another than before",
	expert.group.SEQUENCE, expert.severity.NOTE)
haagent.experts = {bad_length, bad_version, bad_type, bad_value, changed_role}

-- What each sender said last, by its MAC; and what was another then, by the number of the frame: Wireshark shows frames
-- in any order, but the first time in theirs.
local last_said, changes = {}, {}

function haagent.init()
	last_said, changes = {}, {}
end

local function wrong(item, why)
	item:add_proto_expert_info(bad_value, why)
end

-- Of the values that a list has; families and the like have gaps.
local function expect(item, range, list)
	if list[range:uint()] == nil then
		wrong(item, "No such value: " .. range:uint())
	end
end

local function is_zero(range)
	local bytes = range:bytes()

	for i = 0, bytes:len() - 1 do
		if bytes:get_index(i) ~= 0 then
			return false
		end
	end
	return true
end

-- Length of the UTF-8 character at i; nil if it is malformed or a control (SPEC 3.R3).
local function character_len(bytes, i)
	local first, low, high = bytes:get_index(i), 0x80, 0xbf
	local len = first < 0x80 and 1 or first < 0xe0 and 2 or first < 0xf0 and 3 or 4

	if first < 0x20 or first == 0x7f or (first >= 0x80 and first < 0xc2) or first > 0xf4 or
		i + len > bytes:len() then
		return nil
	end
	if first == 0xc2 or first == 0xe0 then
		low = 0xa0
	elseif first == 0xf0 then
		low = 0x90
	elseif first == 0xed then
		high = 0x9f
	elseif first == 0xf4 then
		high = 0x8f
	end
	for k = i + 1, i + len - 1 do
		local byte = bytes:get_index(k)

		if byte < low or byte > high then
			return nil
		end
		low, high = 0x80, 0xbf
	end
	return len
end

-- A text of UTF-8 without controls, and nothing but zeros behind it.
local function is_text(range)
	local bytes = range:bytes()
	local i = 0

	while i < bytes:len() and bytes:get_index(i) ~= 0 do
		local len = character_len(bytes, i)

		if len == nil then
			return false
		end
		i = i + len
	end
	return i == bytes:len() or is_zero(range(i, bytes:len() - i))
end

-- A cursor over the body: each take() adds the next bytes as the field of that name.
local function cursor(buffer)
	local self = {at = 0}

	function self.left()
		return buffer:len() - self.at
	end

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
	local item = tree:add(f[name], range, range:stringz(ENC_UTF_8))

	if not is_text(range) then
		wrong(item, "No text")
	end
	return range
end

-- A number of a list, checked against it.
local function take_choice(c, tree, name, list)
	local item, range = c.take(tree, name, 1)

	expect(item, range, list)
	return range, item
end

local function take_term(c, tree, name)
	local item, range = c.take(tree, name, 8)

	if range(0, 1):uint() >= 0x40 then
		wrong(item, "There is no next term")
	end
	return range
end

local function take_bits(c, tree, name, len)
	local item, range = c.take(tree, name, len)

	for _, bit in ipairs(bits[name]) do
		item:add(f[name .. "." .. bit], range)
	end
	return range, item
end

local function take_address(c, tree, label, with_prefix)
	local whole = c.next(with_prefix and 18 or 17)
	local family = whole(0, 1):uint()
	local node = tree:add(whole, label)

	local item = node:add(f["address.family"], whole(0, 1))
	local used = family == 4 and 4 or family == 6 and 16 or 0

	expect(item, whole(0, 1), families)
	if used < 16 and not is_zero(whole(1 + used, 16 - used)) then
		wrong(item, "Bytes that are not used are not zero")
	end
	if with_prefix and whole(17, 1):uint() > 8 * used then
		wrong(item, "Prefix too long")
	end
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
	return whole, node
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
	pattern, _ = take_choice(c, tree, "pattern", patterns)
	step, _ = take_choice(c, tree, "step", {1, 2, pattern:uint() == 0 and 3 or nil})
	c.take(tree, "sender", 4)
	c.take(tree, "boot", 8)
	c.take(tree, "sequence", 8)
	c.take(tree, "noise", len - 22 - TAG_LEN)
	c.take(tree, "mac", TAG_LEN)
	return string.format(" %s step %d", patterns[pattern:uint()] or "?", step:uint())
end

-- A heartbeat that says something else than the one before of the same sender on the same path.
local function note_role(pinfo, item, state, claim)
	local sender = tostring(pinfo.dl_src)
	local says = (states[state] or "?") .. ", claim " .. (claims[claim] or "?")

	if not pinfo.visited then
		if last_said[sender] ~= nil and last_said[sender] ~= says then
			changes[pinfo.number] = last_said[sender] .. " before"
		end
		last_said[sender] = says
	end
	if changes[pinfo.number] ~= nil then
		item:add_proto_expert_info(changed_role, "Changed role: " .. changes[pinfo.number])
	end
end

local function take_handover(c, tree)
	local node = tree:add("Handover")
	local phase, item = take_choice(c, node, "handover.phase", phases)
	local _, id, number, grant

	id = take_term(c, node, "handover.term")
	_, number = c.take(node, "handover.number", 4)
	_, grant = c.take(node, "handover.grant_ms", 4)
	if phase:uint() == 0 and not (is_zero(id) and is_zero(number) and is_zero(grant)) then
		wrong(item, "No phase, and yet an id or a grant")
	end
	return phase
end

dissect[HEARTBEAT] = function(c, tree, _, _, pinfo)
	local number, state, state_item, claim, term, phase, suspended, node, flags, why_not

	c.take(tree, "boot", 8)
	_, number = c.take(tree, "number", 8)
	take_choice(c, tree, "mode", modes)
	state, state_item = take_choice(c, tree, "state", states)
	claim = take_choice(c, tree, "claim", claims)
	c.take(tree, "reason", 1) -- one of a newer version is none
	flags = take_bits(c, tree, "heartbeat_flags", 1)
	why_not, node = take_bits(c, tree, "why_not", 2)
	why_not = why_not:uint() % 2 ^ #bits.why_not
	if (why_not == 0) ~= (flags:bitfield(7, 1) == 1) then
		wrong(node, "Eligible, and yet not; or the other way round")
	end
	term = take_term(c, tree, "term")
	phase = take_handover(c, tree)
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
	if (suspended:uint() ~= 0) ~= (math.floor(why_not / 2) % 2 == 1) then
		wrong(node, "Suspended, and yet not; or the other way round")
	end
	note_role(pinfo, state_item, state:uint(), claim:uint())

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
	local host, mac_item, mac

	c.take(tree, "revision", 4)
	take_text(c, tree, "model", 32)
	take_text(c, tree, "firmware", 32)
	take_text(c, tree, "hotfix", 32)
	take_text(c, tree, "patch", 32)
	host = take_text(c, tree, "host_name", 64)
	take_text(c, tree, "agent", 16)
	mac_item, mac = c.take(tree, "management_mac", 6)
	if mac:bitfield(7, 1) == 1 then
		wrong(mac_item, "A group")
	end
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
	local op, refusal, node, item, judged, cause

	op = take_choice(c, tree, "join.op", join_ops)
	refusal, item = take_choice(c, tree, "join.refusal", refusals)
	judged = op:uint() == 3 or op:uint() == 5 -- refuse, report
	if (op:uint() == 3 and refusal:uint() == 0) or (not judged and refusal:uint() ~= 0) then
		wrong(item, "A refusal, and nothing else, says why")
	end
	take_address(c, tree, "Address", false)
	c.take(tree, "cluster_id", 16)
	take_term(c, tree, "term")
	node = tree:add("Causes")
	for _, name in ipairs(requirements) do
		item, cause = c.take(node, "join.cause." .. name, 1)
		if not judged and cause:uint() ~= 0 then
			wrong(item, "A cause, and nothing was judged")
		end
	end
	return operation(op, join_ops, refusal, refusals)
end

dissect[DETACH] = function(c, tree)
	local op = take_choice(c, tree, "detach.op", detach_ops)
	local refusal, item = take_choice(c, tree, "detach.refusal", detach_refusals)

	if (op:uint() == 3) ~= (refusal:uint() ~= 0) then
		wrong(item, "A refusal, and nothing else, says why")
	end
	c.take(tree, "cluster_id", 16)
	return operation(op, detach_ops, refusal, detach_refusals)
end

-- The list has one at least, no gap, and nothing twice.
dissect[ADDRESSES] = function(c, tree)
	local op = take_choice(c, tree, "addresses.op", addresses_ops)
	local refusal, item = take_choice(c, tree, "addresses.refusal", addresses_refusals)
	local seen, ended, range, node = {}, false, nil, nil

	if (op:uint() == 3) ~= (refusal:uint() ~= 0) then
		wrong(item, "A refusal, and nothing else, says why")
	end
	c.take(tree, "cluster_id", 16)
	for i = 1, 8 do
		range, node = take_address(c, tree, "Virtual IP " .. i, false)
		if range(0, 1):uint() == 0 then
			ended = true
			if i == 1 then
				wrong(node, "No address")
			end
		elseif ended or seen[tostring(range:bytes())] then
			wrong(node, "Behind a gap, or twice")
		end
		seen[tostring(range:bytes())] = true
	end
	return operation(op, addresses_ops, refusal, addresses_refusals)
end

dissect[DISOWN] = function(c, tree)
	local why

	c.take(tree, "cluster_id", 16)
	c.take(tree, "key", 32)
	c.take(tree, "boot", 8)
	why = take_choice(c, tree, "disown.why", {partings[1], partings[2]})
	c.take(tree, "mac", TAG_LEN)
	return " " .. (partings[why:uint()] or "?")
end

-- Its number is the header's counter.
dissect[DECISION] = function(c, tree, _, number)
	local event, from, to, reason, item, subject

	item, event = c.take(tree, "decision.event", 1)
	from = take_choice(c, tree, "decision.from", states)
	to = take_choice(c, tree, "decision.to", states)
	item, reason = c.take(tree, "reason", 1)
	tree:add(f["decision.rule"], reason, rules[reason:uint()] or "?"):set_generated()
	c.take(tree, "term", 8)
	c.take(tree, "decision.detail", 4)
	subject = take_text(c, tree, "decision.subject", 31):stringz(ENC_UTF_8)
	item = string.format(" %s: %s", number, events[event:uint()] or "?")
	if from:uint() ~= to:uint() then
		item = item .. string.format(" from %s to %s", states[from:uint()] or "?", states[to:uint()] or "?")
	end
	if reason:uint() ~= 0 then
		item = item .. ": " .. (reasons[reason:uint()] or "?")
	end
	return item .. (subject ~= "" and " (" .. subject .. ")" or "")
end

dissect[ACCOUNT] = function(c, tree)
	local value = {}

	for _, one in ipairs(account) do
		local range

		if one[2] == "address" then
			take_address(c, tree, "Station", false)
		else
			local item

			item, range = c.take(tree, "account." .. one[1], type(one[2]) == "table" and 1 or one[2])
			if type(one[2]) == "table" then
				expect(item, range, one[2])
			elseif (one[1]:find("_us$") and (range(0, 1):uint() > 0 or range(1, 1):uint() >= 0x20)) or
				(one[1] == "decided_us" and is_zero(range)) or
				(one[1] == "term" and range(0, 1):uint() >= 0x80) then
				wrong(item, "No such time or term")
			end
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

	if c.left() > 0 then
		c.take(tree, "sealed", c.left())
	end
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

local function dissect_body(buffer, kind, length, tree, pinfo)
	local tag = untagged[kind] and 0 or TAG_LEN
	local len = length - HEADER_LEN - tag
	local name = types[kind]:sub(1, 1) .. types[kind]:sub(2):lower():gsub("_", " ")
	local whole = buffer:len() >= length -- else a SYNC_DATA that was cut behind what is in the clear
	local body = whole and buffer(HEADER_LEN, len) or buffer(HEADER_LEN)
	local info = dissect[kind](cursor(body), tree:add(body, name), len, buffer(10, 8):uint64(), pinfo)

	if tag > 0 and whole then
		tree:add(kind == SYNC_HELLO and f.mac or f.tag, buffer(length - tag, tag))
	end
	return info
end

function haagent.dissector(buffer, pinfo, root)
	if buffer:len() < HEADER_LEN then
		pinfo.cols.protocol = "haagent"
		root:add(haagent, buffer()):add_proto_expert_info(bad_length)
		return buffer:len()
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
	elseif not length_fits(kind, length, buffer:reported_len()) then
		length_item:add_proto_expert_info(bad_length)
	elseif length > buffer:len() and kind ~= SYNC_DATA or buffer:len() < HEADER_LEN + 9 then
		info = " (cut when it was captured)"
	else
		info = dissect_body(buffer, kind, length, tree, pinfo)
	end
	if kind == DECISION then
		pinfo.cols.info = name .. info
	else
		pinfo.cols.info = string.format("%s on %s%s", name, paths[path] or "?", info)
	end
	return buffer:len()
end

DissectorTable.get("ethertype"):add(0x88b5, haagent)
