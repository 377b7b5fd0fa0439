#!/bin/bash
# The control socket: garbage, giants, unknown requests, clients that are slow or die. Heartbeats go on.
. "$(dirname "$0")/lib.sh"

lab_up_pair
socket=$(find "$LAB/a/run" -type s | head -n 1)
check "there is a control socket" '[ -S "$socket" ]'
history_a=$(transitions a) history_b=$(transitions b)
lab_watch

# talk HOW: a client of that kind; prints the answer.
talk() {
	timeout 20 perl -MSocket -e '
		my ($path, $how) = @ARGV;
		socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die;
		connect($s, pack_sockaddr_un($path)) or die "connect: $!";
		my $frame = $how eq "garbage" ? join("", map { chr(rand 256) } 1 .. 500)
			: $how eq "empty" ? "{}" : $how eq "nojson" ? "{\"action\": " : $how eq "list" ? "[1, 2]"
			: $how eq "unknown" ? "{\"action\": \"self-destruct\"}"
			: $how eq "deep" ? "[" x 60000 : $how eq "number" ? "{\"action\": 17}"
			: $how eq "giant" ? "{\"action\": \"" . "x" x 150000 . "\"}" : "{\"action\": \"dump\"}";
		$SIG{PIPE} = "IGNORE";
		my $sent = send($s, $frame, 0);
		print "not sent: $!\n" unless $sent;
		exit if $how eq "dies";
		if ($how eq "slow") { for (1 .. 200) { send($s, $frame, MSG_DONTWAIT) } sleep 5; exit }
		if ($how eq "silent") { sleep 5; exit }
		my $answer = "";
		recv($s, $answer, 1 << 20, 0);
		print $answer eq "" ? "closed\n" : $answer;
	' "$socket" "$1"
}

for how in garbage empty nojson list unknown number deep giant; do
	answer=$(talk $how 2>&1 | head -c 300)
	check "$how: an error, or a closed connection" 'case $answer in *rror* | *nknown* | closed | "not sent"*) true ;; *) false ;; esac' ||
		diag "answer: $answer"
done
for ((i = 0; i < 50; i++)); do talk dies; done
check "fifty clients that die: it answers still" 'is_alive a'
for ((i = 0; i < 20; i++)); do talk slow >/dev/null & done
sleep 1
check "twenty clients that do not read: it answers still, or refuses" 'ha a --dump=json >/dev/null 2>&1; [ $? -le 3 ]'
check "... and a holds the virtual IP" '[ "$(holder)" = a ]'
sleep 5
wait_for 10 'is_alive a'
check "they are gone: it answers" 'is_alive a'

lab_watched
check "no state changed by all this" "[ \"\$(transitions a) \$(transitions b)\" = \"$history_a $history_b\" ]"
check "the pair is whole" 'lab_settled a b'
check_unnoticed "the client noticed nothing of it" 3
done_testing
