#!/bin/bash
# Settings that live in a database: exported to a file before a generation, imported from it after a commit.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

lab_require
command -v sqlite3 >/dev/null || skip_all "needs sqlite3: scripts/install-deps"

# One and the same at both, as a vendor would ship it. It fails while there is a file that says so; where it runs it sees the
# settings of its own appliance. The database itself is not synced, nor is what is half written.
lab_up
cat >"$LAB/settings" <<END
#!/bin/sh
set -eu
cd "\$HAAGENT_SETTINGS_PATHS"
if [ -e "$LAB/no-\$HAAGENT_SETTINGS_ACTION" ]; then
	echo "the database is locked"
	exit 7
fi
case \$HAAGENT_SETTINGS_ACTION in
export)
	sqlite3 -cmd ".timeout 5000" app.db .dump >app.new
	cmp -s app.new app.sql || mv app.new app.sql
	;;
import)
	rm -f app.db.new
	sqlite3 app.db.new <app.sql
	mv app.db.new app.db
	;;
esac
END
chmod 755 "$LAB/settings"
lab_settings "exclude = {\"app.db*\", \"app.new\"} export = \"$LAB/settings\" import = \"$LAB/settings\" watch = {\"$LAB/etc/app.db\"}"

database() { sqlite3 "$LAB/$1/etc/app.db" "$2" 2>/dev/null; } # a|b SQL
has() { [ "$(database "$1" "SELECT value FROM setting WHERE name = '$2'")" = "$3" ]; }
put() { sqlite3 -cmd ".timeout 5000" "$LAB/$1/etc/app.db" "REPLACE INTO setting VALUES('$2', '$3')"; }
command_of() { dump "$1" ".sync.sections[0].$2.$3"; } # a|b export|import FIELD
trees_same() { cmp -s "$LAB/a/etc/app.sql" "$LAB/b/etc/app.sql"; }

sqlite3 "$LAB/a/etc/app.db" "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT); INSERT INTO setting VALUES('at first', 'yes')"
sqlite3 "$LAB/b/etc/app.db" "CREATE TABLE other(x); INSERT INTO other VALUES(1)"
if ! lab_pair; then
	fail "no pair could be formed"
	done_testing
fi
eventually 20 "the first copy ends" is_synced
eventually 20 "the passive's database is the active's" 'has b "at first" yes && [ -z "$(database b "SELECT x FROM other")" ]'
check "... and is no file that was synced" '! cmp -s "$LAB/a/etc/app.db" "$LAB/b/etc/app.db" || [ "$(stat -c %Y "$LAB/a/etc/app.db")" != "$(stat -c %Y "$LAB/b/etc/app.db")" ]'
check "the active exports, the passive imports" '[ "$(command_of a export last)" = passed ] && [ "$(command_of b import last)" = passed ] && [ "$(command_of a import runs)" = 0 ] && [ "$(command_of b export runs)" = 0 ]'

# shellcheck disable=SC2034 # for check
runs=$(command_of a export runs)
sleep 2
check "an export is not the cause of another one" '[ "$(command_of a export runs)" = "$runs" ]'

put a colour blue
eventually 10 "what is changed in the database comes to the passive's, without a word" 'has b colour blue'
put a colour red
check_done "a barrier at once after a change" a --barrier
check "... means that the passive has it" 'grep -q red "$LAB/b/etc/app.sql"'
eventually 10 "... and imports it" 'has b colour red'
for i in 1 2 3 4 5; do
	put a "number $i" "$i"
	ha a --barrier >"$LAB/out" 2>&1 && grep -q "number $i" "$LAB/b/etc/app.sql" || break
done
check "... each time, also while an export runs" '[ "$(grep -c "number" "$LAB/b/etc/app.sql")" = 5 ]'

# ---- what fails
touch "$LAB/no-export"
put a colour green
eventually 10 "an export that fails is in the dump" '[ "$(command_of a export last)" = failed ] && [ "$(command_of a export status)" = 7 ]'
check "... with what it said" 'command_of a export output | grep -q "database is locked"'
check "... and in the history" '[ "$(events a settings_command)" -ge 1 ]'
check_refused "... a barrier says so" 'export.*fail' a --barrier=10
check "... the last file stays" 'has b colour red && grep -q red "$LAB/a/etc/app.sql"'
rm "$LAB/no-export"
check_done "then a barrier" a --barrier
eventually 10 "... brings it" 'has b colour green'

touch "$LAB/no-import"
put a colour white
check_done "a barrier while imports fail" a --barrier
eventually 10 "an import that fails is in the passive's dump" '[ "$(command_of b import last)" = failed ]'
check "... and in its history" '[ "$(events b settings_command)" -ge 1 ]'
check "... its database is as it was" 'has b colour green'
rm "$LAB/no-import"
eventually 20 "... it is tried again" 'has b colour white'

# ---- the other way round
put a colour black
check_done "a barrier before the power fails" a --barrier
lab_power_off a
eventually 10 "the passive takes over" 'is_state b active'
eventually 10 "... with what was acknowledged" 'has b colour black'
put b colour grey
lab_power_on a
eventually 40 "the old active returns" 'lab_settled b a && is_synced'
check_done "... a barrier at the new one" b --barrier
eventually 20 "... the new one's database has come to it" 'has a colour grey && has a "at first" yes'
check "the new active exports, the old one imports" '[ "$(command_of b export last)" = passed ] && [ "$(command_of a import last)" = passed ]'

done_testing
