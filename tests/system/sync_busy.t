#!/bin/bash
# A thousand changes by somebody who does not wait, while the settings are synced, and a large file among them: nobody's role
# changes for it, who asks for a barrier gets one, and when it is quiet both have the same. Then what a clock that was set
# back leaves behind.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

SEED=${SEED:-$$}
lab_up
lab_settings
a=$LAB/a/etc

# writer OPERATIONS MS [FILE]: so many at least, until there is that file, each on a random file or directory, with a pause
# of so many ms after every tenth.
writer() {
	perl -e '
		my ($top, $seed, $n, $pause, $stop) = @ARGV;
		srand($seed);
		sub name { sprintf("%s/d%d%s/f%d", $top, rand(12), rand() < 0.3 ? "/e" : "", rand(40)) }
		sub spill { my ($mode, $file) = @_; open(my $f, $mode, $file) or return; print $f "x" x rand(rand() < 0.1 ? 300000 : 3000); close($f) }
		for (my $i = 1; $i <= $n || ($stop && ! -e $stop); $i++) {
			my ($f, $g, $what) = (name(), name(), rand());
			(my $d = $f) =~ s{/[^/]*$}{};
			mkdir($_) for (grep { rand() < 0.7 } $d =~ m{(.*)/e$}, $d);
			if ($what < 0.35) { spill(">", $f) }
			elsif ($what < 0.45) { spill(">>", $f) }
			elsif ($what < 0.55) { spill(">", "$f.new"); rename("$f.new", $f) }
			elsif ($what < 0.65) { rename($f, $g) }
			elsif ($what < 0.75) { unlink($f) }
			elsif ($what < 0.80) { symlink("f1", $f) }
			elsif ($what < 0.85) { link($f, $g) }
			elsif ($what < 0.90) { chmod(0600 + rand(64), $f); chown(rand(9), rand(9), $f) }
			elsif ($what < 0.93) { rename($d, sprintf("%s/d%d", $top, rand(12))) }
			elsif ($what < 0.95) { system("rm", "-rf", $d) }
			elsif ($what < 0.97) { truncate($f, rand(5000)) }
			else { utime(rand(2000000000), rand(2000000000), $f) }
			select(undef, undef, undef, $pause / 1000) if $i % 10 == 0;
		}' "$a" "$SEED" "$@"
}
diag "seed $SEED"
writer 500 0
if ! lab_pair; then
	fail "no pair could be formed"
	done_testing
fi
eventually 20 "the first copy ends" is_synced
check_trees "... the trees are the same"
before="$(transitions a) $(transitions b)"

# ---- a thousand changes, and 300 MB
first=$(generation_of a)
head -c 300000000 /dev/urandom >"$a/large" &
writer 1000 20 "$LAB/stop" &
sleep 0.5
check_done "a barrier returns though it goes on and on" a --barrier=60
check_done "... and another one" a --barrier=60
touch "$LAB/stop"
wait
diag "$(($(generation_of a) - first)) generations, worst heartbeat gap $(dump b '.paths[] | select(.name == "link") | .worst_gap_ms') ms over the link"
check_done "a barrier after the last change" a --barrier=30
check_trees "... the trees are the same"
check "... a barrier means that they are" is_synced
check "they were told while it was busy, too" '[ $(($(generation_of a) - first)) -ge 3 ]'
check "no role has changed" '[ "$(transitions a) $(transitions b)" = "$before" ] && lab_settled a b'
check "the link was up all the while" '[ "$(events a path_down)" = 0 ] && [ "$(events b path_down)" = 0 ]'
check "nothing was taken for a change of the passive" '[ "$(conflicts_of b)" = 0 ]'

# ---- the clock set back, and what looks like it
rm "$a/large"
echo 'one of them' >"$a/back"
echo 'of the same size' >"$a/hidden"
head -c 2000000 /dev/urandom >"$a/hidden.large"
check_done "a barrier" a --barrier
echo 'two of them' >"$a/back"
touch -d '1999-12-31 23:59:59' "$a/back"
touch -d '2037-01-01' "$a/d1" "$a/ahead"
touch -r "$a/hidden" "$a/time"
printf 'OF THE SAME SIZE\n' >"$a/hidden"
touch -r "$a/time" "$a/hidden"
touch -r "$a/hidden.large" "$a/time"
printf 'middle' | dd of="$a/hidden.large" bs=1 seek=1000000 conv=notrunc status=none
touch -r "$a/time" "$a/hidden.large"
check_done "a barrier after changes that no time and no size shows" a --barrier
check_trees "... the trees are the same"
check "... with what was changed" 'grep -qx "OF THE SAME SIZE" "$LAB/b/etc/hidden" && grep -qx "two of them" "$LAB/b/etc/back"'
touch -d '1980-01-01' "$a"/d*/f* "$a"/d*
check_done "a barrier after all times were set back" a --barrier
check_trees "... the trees are the same"

done_testing
