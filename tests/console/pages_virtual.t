#!/bin/bash
# The virtual IP addresses, as an administrator changes them on the Cluster tab: judged while they are typed, asked about, refused
# in the agent's words, and the same at both appliances of a pair.
# shellcheck disable=SC2034 # the options are used by lib.sh
. "$(dirname "$0")/lib.sh"

browser_require
CONSOLE_OPTIONS=("peer_port = 9443")
console_up
lab_begin || diag "a is not active"
browse virtual
done_testing
