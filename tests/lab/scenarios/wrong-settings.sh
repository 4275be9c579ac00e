# Wrong settings and broken policies files: each is refused with its symbolic error and exit status, and leaves the policies
# in force, the policies file and the kernel's maps as they were.
# lab: init=script timeout=600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/tables.sh

STORE=/etc/mpathiscsi/policies.conf
SETTINGS=$LAB/scenarios/wrong-settings.table
FILES=$LAB/scenarios/wrong-files.table
CASES=0 WRONG=0

# Controller 1 has portals 1 and 2, controller 2 has 3 and 4: of LUN 2 they differ in access.
target_start lio 4 luns=2 controllers=2
alua_set 2 nonoptimized 2
login 4
daemon_start
multipathd_start - < <(multipath_conf "polling_interval 1" "max_polling_interval 1")
ours_enable
policy_set 1 failover-only --active portal=10.0.2.2
assert "policy of the target" mpathiscsi policy set --timeout 60s --target "$TARGET_IQN" round-robin-with-subset
assert_wait 30 "LUN 1 has its own" groups_are "2 1 3 4" 1
assert_wait 30 "LUN 2 has its target's" groups_are "1,2 3 4" 2
{ echo "# a comment, kept"; cat "$STORE"; } > "$STORE.mine"
mv "$STORE.mine" "$STORE"
assert "reload" mpathiscsi reload

# What the daemon reports as in force; the priorities that multipathd has of it; the kernel's tables. (Not whether a path is up:
# on a busy host an emulated portal can be late.)
picture() {
	mpathiscsi policy show
	timeout 5 multipathd show paths format '%d %p'
	dmsetup table --target multipath
}
settled() { picture > "$LAB_VAR/settled" && pause 2 && picture | cmp -s - "$LAB_VAR/settled"; }
assert_wait 60 "nothing moves any more" settled
tables_start
picture > "$LAB_OUT/before"
assert_eq "policies in force before" 2 "$(grep -c 'in force' "$LAB_OUT/before")"
cat "$LAB_OUT/before"
mpathiscsi policy show > "$LAB_OUT/reported"
cp "$STORE" "$LAB_OUT/policies.conf"

# wrong TEXT…: a case that is not as the table says.
wrong() {
	WRONG=$((WRONG + 1))
	note "WRONG: $*"
}

# try EXIT ERROR COMMAND…: runs it and judges status, the error's name, and that a sentence stands behind it; of a command with
# --json also that it says so there.
try() {
	local status=0 text
	text=$("${@:3}" 2>&1 < /dev/null) || status=$?
	CASES=$((CASES + 1))
	printf '%s\n%s\nexit %s\n\n' "${*:3}" "$text" "$status" >> "$LAB_OUT/answers.txt"
	[[ $status == "$1" ]] || wrong "exit $status, not $1: ${*:3}: $text"
	if [[ $2 == - ]]; then
		[[ -n $text && $text != *ISDSC_* ]] || wrong "no usage: ${*:3}: $text"
	else
		[[ $text =~ (^|$'\n')"mpathiscsi: $2: "[^$'\n']{20} ]] || wrong "not $2 and a sentence: ${*:3}: $text"
	fi
	[[ " $* " != *' --json '* || $text == *"\"error\": \"$2\""* ]] || wrong "no JSON: ${*:3}: $text"
}

# unchanged FILE TEXT…: the policies file is byte for byte FILE, nothing lies beside it, and the daemon reports what it did.
unchanged() {
	cmp -s "$STORE" "$1" || wrong "the policies file was changed by: ${*:2}"
	[[ ! -e $STORE.new ]] || wrong "$STORE.new was left by: ${*:2}"
	mpathiscsi policy show > "$LAB_VAR/after"
	cmp -s "$LAB_OUT/reported" "$LAB_VAR/after" || wrong "not as before: ${*:2}: $(< "$LAB_VAR/after")"
}

# untouched TEXT…: multipathd and the kernel have nothing new either, and no table has come and gone.
untouched() {
	picture > "$LAB_VAR/after"
	cmp -s "$LAB_OUT/before" "$LAB_VAR/after" || wrong "not as before: $*: $(diff "$LAB_OUT/before" "$LAB_VAR/after" || true)"
	[[ $(tables_count) == 0 ]] || wrong "$(tables_count) tables were loaded by now: $*"
}

title "wrong settings"
lun1=$(map_name 1) lun2=$(map_name 2) iqn=$TARGET_IQN
begin_cases=$CASES
while read -r -u 3 exit error words; do
	[[ $exit =~ ^[0-9]$ ]] || continue
	eval "command=($words)"
	# shellcheck disable=SC2154 # set by eval
	try "$exit" "$error" mpathiscsi "${command[@]}"
	[[ $exit != 4 || $words != "policy set"* ]] || try "$exit" "$error" mpathiscsi "${command[@]}" --dry-run --json
	unchanged "$LAB_OUT/policies.conf" "mpathiscsi $words"
done 3< "$SETTINGS"
untouched "wrong settings"
settings=$(grep -cE '^[0-9] ' "$SETTINGS")
say "$settings wrong settings, $((CASES - begin_cases)) commands, $WRONG wrong"

title "who must not, what cannot be saved, who does not answer"
others=$CASES
nobody=(setpriv --reuid=nobody --regid=nogroup --groups="$(stat -c %g /run/mpathiscsi/control)")
try 6 NOT_PERMITTED "${nobody[@]}" mpathiscsi policy set "$lun1" round-robin
try 6 NOT_PERMITTED "${nobody[@]}" mpathiscsi policy clear "$lun1"
try 6 NOT_PERMITTED "${nobody[@]}" mpathiscsi reload
try 6 NOT_PERMITTED "${nobody[@]}" mpathiscsi fail "$lun1" portal=10.0.1.2
unchanged "$LAB_OUT/policies.conf" "not root"
# A full disk: a file system of 64 KiB over the folder, with the same file and no room for a second one.
mount -t tmpfs -o size=64k tmpfs /etc/mpathiscsi
cp "$LAB_OUT/policies.conf" "$STORE"
touch "$STORE.lock"
dd if=/dev/zero of=/etc/mpathiscsi/full bs=4k status=none 2> /dev/null || true
try 1 ISDSC_FAILURE_TO_PERSIST_LB_POLICY mpathiscsi policy set "$lun1" round-robin
try 1 ISDSC_FAILURE_TO_PERSIST_LB_POLICY mpathiscsi policy clear "$lun1"
unchanged "$LAB_OUT/policies.conf" "full disk"
rm "$STORE.lock"
mount -o remount,ro /etc/mpathiscsi
try 1 ISDSC_FAILURE_TO_PERSIST_LB_POLICY mpathiscsi policy set "$lun1" round-robin
unchanged "$LAB_OUT/policies.conf" "read-only"
umount /etc/mpathiscsi
status=0
text=$(mpathiscsi --socket=/run/none policy set "$lun1" round-robin 2>&1) || status=$?
CASES=$((CASES + 1))
[[ $status == 3 && $text == *'not running'* ]] || wrong "no daemon: exit $status: $text"
unchanged "$LAB_OUT/policies.conf" "no daemon"
untouched "these"
others=$((CASES - others))
say "$others of these, $WRONG wrong"

# refused_file NAME LINE [ERROR]: the file $LAB_VAR/broken by each way it can be met: checked, put in place and read by the daemon,
# edited by the command.
refused_file() {
	local file=$LAB_VAR/$1.conf mark="$LAB_VAR/$1.conf:$2: " error=ISDSC_${3:-INVALID_PARAMETER}
	cp "$LAB_VAR/broken" "$file"
	try 4 "$error" mpathiscsi --json policy check "$file"
	[[ $(tail -n 10 "$LAB_OUT/answers.txt") == *"$mark"* ]] || wrong "$1: line $2 is not named"
	cp "$file" "$STORE.copy"
	mv "$STORE.copy" "$STORE"
	try 4 "$error" mpathiscsi reload
	[[ $(tail -n 5 "$LAB_OUT/answers.txt") == *"$STORE:$2: "* ]] || wrong "$1: reload does not name line $2"
	try 4 "$error" mpathiscsi policy set "$lun1" round-robin
	try 4 "$error" mpathiscsi --json policy clear "$lun1"
	mpathiscsi status | head -n 4 | tr -s ' \n' ' ' > "$LAB_VAR/status"
	grep -qF "$STORE:$2:" "$LAB_VAR/status" || wrong "$1: status does not warn: $(< "$LAB_VAR/status")"
	unchanged "$file" "broken file $1"
}

title "broken policies files"
files=0 name='' line=0 error=''
wwid=$(lun_wwid 1)
finish_file() {
	[[ -n $name ]] || return 0
	files=$((files + 1))
	refused_file "$name" "$line" "$error"
}
while IFS= read -r -u 3 text; do
	case $text in
	'== '*)
		finish_file
		read -r _ name line error <<< "$text"
		: > "$LAB_VAR/broken"
		;;
	*) [[ -z $name ]] || printf '%s\n' "${text//@1/$wwid}" >> "$LAB_VAR/broken" ;;
	esac
done 3< "$FILES"
finish_file
# Too long for the table: a line of 2000 characters, though it is a comment.
{ printf '[lun %s]\n# ' "$wwid"; head -c 2000 /dev/zero | tr '\0' x; printf '\npolicy = failover-only\n'; } > "$LAB_VAR/broken"
refused_file line-too-long 2
files=$((files + 1))
untouched "broken files"
say "$files broken files, $WRONG wrong"

# unreadable NAME: what is no text at all, in the place of the file.
unreadable() {
	local status=0
	CASES=$((CASES + 1)) files=$((files + 1))
	mpathiscsi policy check "$STORE" > /dev/null 2> "$LAB_VAR/err" || status=$?
	[[ $status != 0 && -s $LAB_VAR/err ]] || wrong "$1: policy check: exit $status"
	try 4 ISDSC_INVALID_PARAMETER mpathiscsi reload
	status=0
	mpathiscsi policy set "$lun1" round-robin 2> "$LAB_VAR/err" || status=$?
	[[ $status == 1 && -s $LAB_VAR/err ]] || wrong "$1: policy set: exit $status: $(< "$LAB_VAR/err")"
	mpathiscsi policy show | cmp -s - "$LAB_OUT/reported" || wrong "$1: not as before"
}
# put FILE: exchanges it with the policies file in one step, so that there is never none.
put() {
	python3 -c 'import ctypes, os, sys; r = ctypes.CDLL(None, use_errno=True).renameat2(-100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2)
sys.exit(os.strerror(ctypes.get_errno()) if r else 0)' "$1" "$STORE" || fail "exchange $1"
}
title "no text at all in the file's place"
odd=/etc/mpathiscsi/odd
mkdir -p "$odd/folder"
printf '[lun %s]\npolicy = round-robin\n\0' "$wwid" > "$odd/nul"
ln -s /etc/mpathiscsi/none "$odd/link"
mkfifo "$odd/pipe"
cp "$LAB_OUT/policies.conf" "$STORE.copy"
mv "$STORE.copy" "$STORE"
no_warning() { [[ $(status_value 's.get("warning", "none")') == none ]]; }
assert_wait 10 "the good file is read" no_warning
head -c 5000000 /dev/zero | tr '\0' '#' > "$odd/large"
python3 -c 'import sys; open(sys.argv[2], "w", encoding="utf-16").write(open(sys.argv[1]).read())' "$LAB_OUT/policies.conf" "$odd/utf16"
for kind in nul utf16 folder link pipe large; do
	put "$odd/$kind"
	unreadable "$kind"
	put "$odd/$kind"
	assert_wait 10 "$kind: the file as it was before is read" no_warning
done
[[ $(stat -c %s "$odd/nul") == $((${#wwid} + 29)) ]] || wrong "the file with a NUL byte was changed: $(stat -c %s "$odd/nul")"

title "no file in its place"
mv "$STORE" "$STORE.away"
warns_of() { [[ $(status_value 's.get("warning", "")') == *"$1"* ]]; }
assert_wait 10 "status warns" warns_of "$STORE: the file is missing"
grep -qF "$STORE: the file is missing" "$(log mpathiscsid)" || wrong "not in the log"
try 4 ISDSC_INVALID_PARAMETER mpathiscsi reload
try 4 ISDSC_INVALID_PARAMETER mpathiscsi policy set "$lun1" round-robin
try 4 ISDSC_INVALID_PARAMETER mpathiscsi policy clear "$lun1"
try 4 ISDSC_INVALID_PARAMETER mpathiscsi policy show --default
[[ $(tail -n 4 "$LAB_OUT/answers.txt") == *"the file is missing"* ]] || wrong "policy show does not say that the file is missing"
fragment=/etc/multipath/conf.d/mpathiscsi.conf
cp "$fragment" "$LAB_VAR/fragment"
try 4 ISDSC_INVALID_PARAMETER mpathiscsi enable
cmp -s "$fragment" "$LAB_VAR/fragment" || wrong "enable without the file: $(diff "$LAB_VAR/fragment" "$fragment" || true)"
[[ ! -e $STORE ]] || wrong "a file was made"
mv "$STORE.away" "$STORE"
assert_wait 10 "read when it is back" no_warning
unchanged "$LAB_OUT/policies.conf" "no file"
untouched "no file"

title "a path selector that the kernel does not have"
[[ ! -e /sys/module/dm_queue_length ]] || rmmod dm_queue_length
modules=/lib/modules/$(uname -r)
assert "the kernel's own list is there" test -f "$modules/modules.builtin"
grep -v '^[^:]*dm-queue-length' "$modules/modules.dep" > "$LAB_VAR/modules.dep"
mount --bind "$LAB_VAR/modules.dep" "$modules/modules.dep"
try 4 ISDSC_LB_POLICY_NOT_SUPPORTED mpathiscsi policy set "$lun1" least-queue-depth
try 4 ISDSC_LB_POLICY_NOT_SUPPORTED mpathiscsi policy set --json --default least-queue-depth --dry-run
printf '[lun %s]\n# a comment\npolicy = round-robin\n[default]\npolicy = least-queue-depth\n' "$wwid" > "$LAB_VAR/selector.conf"
try 4 ISDSC_LB_POLICY_NOT_SUPPORTED mpathiscsi policy check "$LAB_VAR/selector.conf"
[[ $(tail -n 3 "$LAB_OUT/answers.txt") == *"selector.conf:4: "* ]] || wrong "the section is not named"
umount "$modules/modules.dep"
assert "with its module" mpathiscsi policy set --dry-run "$lun1" least-queue-depth
unchanged "$LAB_OUT/policies.conf" "no path selector"
untouched "no path selector"

# accepted_file TEXT WORDS: a file in order, of which policy check warns so.
accepted_file() {
	local status=0
	CASES=$((CASES + 1))
	printf "$1" "$wwid" > "$LAB_VAR/accepted.conf"
	mpathiscsi policy check "$LAB_VAR/accepted.conf" > "$LAB_VAR/check" 2>&1 || status=$?
	[[ $status == 0 && $(< "$LAB_VAR/check") == *"$2"* ]] || wrong "exit $status, not \"$2\": $1: $(< "$LAB_VAR/check")"
}
title "files in order that are hardly meant so"
accepted_file '\xef\xbb\xbf[lun %s]\npolicy = failover-only\n' "1 section, in order"
accepted_file '' "0 sections, in order"
accepted_file '[lun %s]\npolicy = failover-only\nactive = portal=10.0.9.2\n' '"portal=10.0.9.2" matches no path of the LUN now'
accepted_file '[lun %s]\npolicy = failover-only\nactive = portal=10.0.0.0/16\n' 'would be a further one'
accepted_file '[lun %s]\npolicy = failover-only\nstandby = portal=10.0.0.0/16\n' 'is named as a standby'
# One of them put in place: the plan is the same.
sed '/^active/a standby = portal=10.0.9.2' "$LAB_OUT/policies.conf" > "$STORE.copy"
mv "$STORE.copy" "$STORE"
shown() { [[ $(mpathiscsi policy show "$lun1") == *$'\n  warning: "portal=10.0.9.2" matches no path'* ]]; }
assert_wait 10 "policy show warns" shown
assert "and the log" grep -q 'policy of .*"portal=10.0.9.2" matches no path' "$(log mpathiscsid)"
[[ $(tables_count) == 0 ]] || wrong "$(tables_count) tables were loaded by a file that says the same"

title "afterwards"
rm -r "$odd"
cp "$LAB_OUT/policies.conf" "$STORE.copy"
mv "$STORE.copy" "$STORE"
assert "the good file is read" mpathiscsi reload
unchanged "$LAB_OUT/policies.conf" "the good file again"
untouched "the good file again"
as_before() { picture | cmp -s - "$LAB_OUT/before"; }
holds 6 as_before || wrong "something came late: $(picture | diff "$LAB_OUT/before" - || true)"
untouched "in the end"
[[ $(status_value 's.get("warning", "none")') == none ]] || wrong "status still warns"
assert "and a good setting is taken" mpathiscsi policy set --timeout 60s "$lun1" failover-only --active portal=10.0.1.2
assert_wait 30 "in force" groups_are "1 2 3 4" 1

title "a failed path as the only primary"
assert "fail" mpathiscsi fail "$lun1" portal=10.0.3.2
try 4 ISDSC_NO_PRIMARY_PATH_SPECIFIED mpathiscsi policy set "$lun1" failover-only --active portal=10.0.3.2
try 4 ISDSC_NO_PRIMARY_PATH_SPECIFIED mpathiscsi policy set "$lun1" round-robin-with-subset --active portal=10.0.3.2 --dry-run
assert "not as one of two" mpathiscsi policy set --dry-run "$lun1" round-robin-with-subset -a portal=10.0.3.2 -a portal=10.0.1.2
assert "nor if somebody insists" mpathiscsi policy set --dry-run --force "$lun1" failover-only --active portal=10.0.3.2
assert "reinstate" mpathiscsi reinstate "$lun1" portal=10.0.3.2
takes_again() { mpathiscsi policy set --dry-run "$lun1" failover-only --active portal=10.0.3.2 > "$LAB_VAR/dry"; }
assert_wait 40 "taken when it works again" takes_again
tables_stop

# Its order is carried out, for that is by priorities; the selector is not asked for.
title "a path selector that the kernel does not have, by an edited file"
fragment=/etc/multipath/conf.d/mpathiscsi.conf
mount --bind "$LAB_VAR/modules.dep" "$modules/modules.dep"
cp "$STORE" "$LAB_VAR/selector.before"
printf '[lun %s]\npolicy = least-queue-depth\n' "$wwid" > "$STORE.copy"
mv "$STORE.copy" "$STORE"
try 4 ISDSC_LB_POLICY_NOT_SUPPORTED mpathiscsi reload
! grep -q queue-length "$fragment" || wrong "multipathd was told of queue-length"
umount "$modules/modules.dep"
cp "$LAB_VAR/selector.before" "$STORE.copy"
mv "$STORE.copy" "$STORE"
assert "the good file is read" mpathiscsi reload
assert_wait 60 "in force" groups_are "1 2 3 4" 1

title "six commands at once"
sets=()
for n in 1 2 3 4 1 2; do
	mpathiscsi policy set --no-wait "$lun1" failover-only --active "portal=10.0.$n.2" > "$LAB_VAR/set.$n" 2>&1 &
	sets+=($!)
done
for pid in "${sets[@]}"; do
	wait "$pid" || wrong "one of six commands ended with $?"
done
policy=$(status_value 's["luns"][0]["policy"]')
grep -qF "prio_args \"$policy\"" "$fragment" || wrong "the policy is $policy, multipathd's configuration has $(grep prio_args "$fragment")"

title "what is hardly meant so, at the daemon's start"
sed '/^active/a standby = portal=10.0.9.2' "$LAB_OUT/policies.conf" > "$STORE.copy"
daemon_stop
mv "$STORE.copy" "$STORE"
warned() { grep -c 'policy of .*"portal=10.0.9.2" matches no path' "$(log mpathiscsid)"; }
before=$(warned) || true
daemon_start
(($(warned) == before + 1)) || wrong "warnings in the log: $(warned), $before before the start"
result wrong_settings "settings=$settings" "others=$others" "files=$files" "commands=$CASES" "wrong=$WRONG"
assert_eq "cases that are not as the table says" 0 "$WRONG"
