#!/bin/bash
# The command line without a daemon: what --help says, the completion offers and the manual explains is the same; what
# is wrong is refused. And what the manuals and the rules for alerts say of names is so. Needs neither root nor a lab.
. "$(dirname "$0")/lib.sh"

cd "$LAB_ROOT" || exit 1
[ -x "$HAAGENT" ] || skip_all "needs build/haagent: make"
manual=agent/haagent.8
out=$(mktemp)
trap 'rm -f "$out"' EXIT

same() { # DESCRIPTION HERE THERE: two lists
	if [ -n "$2" ] && [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1"
		diag "$(diff <(echo "$2") <(echo "$3"))"
	fi
}

# ---- options ----
helped=$("$HAAGENT" --help | grep -oE -- '(^|[ ,])--?[A-Za-z][a-z-]*' | tr -d ' ,' | sort -u)
explained=$(sed -nE '/^\.It Fl/{s/\\-/-/g; s/Fl Fl /--/g; s/Fl ([A-Za-z])/-\1/g; p}' "$manual" |
	grep -oE -- '(^| )--?[A-Za-z][a-z-]*' | tr -d ' ' | sort -u)
# shellcheck source=scripts/haagent.bash
offered=$(
	. scripts/haagent.bash
	compopt() { :; }
	COMP_WORDS=(haagent -) COMP_CWORD=1
	_haagent haagent - haagent
	# ... and what belongs to an action
	mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(grep -oE 'options=\(-c --config [^)]*' scripts/haagent.bash | grep -oE -- '--?[a-z][a-z-]*')
	printf '%s\n' "${COMPREPLY[@]}" | sort -u
)
same "the manual explains every option of --help, and no other" "$helped" "$explained"
same "the completion offers every one, and no other" "$helped" "$offered"
check "--help fits a screen of 24 lines and 80 columns" '"$HAAGENT" --help | awk "length > 80 || NR > 24 {exit 1}"'
for option in $(grep -E '^--' <<<"$helped"); do
	"$HAAGENT" -c /nonexistent/haagent.conf "$option" </dev/null >"$out" 2>&1
	check "$option is known" '! grep -qE "unrecognized|invalid option|ambiguous" "$out"' || diag "$(cat "$out")"
done

# ---- completion ----
complete_() { # WORD...: what is offered for the last one
	(
		. scripts/haagent.bash
		compopt() { :; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_haagent haagent "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' '
	)
}
same "--dump= has its forms" "$(complete_ haagent --dump =)" "json openmetrics prometheus"
same "... by their beginning" "$(complete_ haagent --dump = o)" "openmetrics"
same "--history= has json" "$(complete_ haagent --history =)" "json"
same "after an action only what belongs to it" "$(complete_ haagent --join 192.0.2.1 --)" "--config --yes"
same "a file after -c" "$(complete_ haagent -c scripts/haagent.ba)" "scripts/haagent.bash"

# ---- what is wrong is refused ----
for wrong in "--dump=yaml" "--history=openmetrics" "--dump --swap" "--dump --yes" "--dump=openmetrics --json" \
	"--suspend=soon" "--barrier=0" "--join" "extra" "--no-such-option"; do
	# shellcheck disable=SC2086 # words
	"$HAAGENT" $wrong >"$out" 2>&1 </dev/null
	check "$wrong: exit 2, with a reason" "[ $? -eq 2 ] && [ -s \"\$out\" ]" || diag "$(cat "$out")"
done

# ---- what other documents say ----
same "the alerts ask for metrics that there are" \
	"$(grep -oE '\bhaagent_[a-z_]+' agent/haagent.rules.yml | sort -u | while read -r name; do
		grep -qhE "^${name}[ {]" tests/golden/*.om || echo "$name"
	done; echo known)" known
if command -v promtool >/dev/null; then
	check "promtool finds nothing in the alerts" 'promtool check rules agent/haagent.rules.yml >"$out" 2>&1' || diag "$(cat "$out")"
	check "... and they fire when they should, and not before" '(cd tests/golden && promtool test rules alerts.yml) >"$out" 2>&1' ||
		diag "$(cat "$out")"
else
	skip "promtool finds nothing in the alerts" "no promtool: scripts/install-deps"
fi
done_testing
