# The truth table of the policies: five LUNs with one policy each under the same faults of four portals; after
# each event the paths that carried a bounded writer are counted and compared with the table. Sourced by the
# scenarios that run it. Portals 1 to 4 are the paths A to D.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

# In row 16 the I/O of one LUN waits, as it must, for as long as that of the others is counted: minutes on a busy host.
echo 0 > /proc/sys/kernel/hung_task_timeout_secs

TRUTH_LUNS=5           # LUN 1 to 5: FOO RR RRWS WP LQD
TRUTH_WRITES=2000      # of each writer
TRUTH_DEPTH=4          # writes in flight: of one in flight least-queue-depth has nothing to choose by
TRUTH_SETTLE_S=40      # at most until the path states are the row's
TRUTH_FAILBACK_S=20    # and then until dm uses the groups it should
TRUTH_ROWS=0 TRUTH_CELLS=0 TRUTH_GOOD=0 TRUTH_ERRORS=0 TRUTH_CORRUPT=0
TRUTH_UP=ABCD
declare -a TRUTH_LOAD_PIDS=() TRUTH_DISKS=() TRUTH_MAPS=()
declare -A TRUTH_SEEN=()

# The sequence: row of the table, event, paths up, then what each policy must use.
# A policy that uses the paths in list order without a history (rows 7 and 11).
truth_table() {
	cat <<-'T'
		1|initial|ABCD|A|ABCD|AB|A|ABCD
		5|C fails|ABD|A|ABD|AB|A|ABD
		1|C returns|ABCD|A|ABCD|AB|A|ABCD
		2|A fails|BCD|B|BCD|B|B|BCD
		3|then B fails|CD|C|CD|C|C|CD
		7|B returns|BCD|B|BCD|B|B|BCD
		3|B fails again|CD|C|CD|C|C|CD
		6|A returns|ACD|A|ACD|A|A|ACD
		8|B returns|ABCD|A|ABCD|AB|A|ABCD
		3|A and B fail|CD|C|CD|C|C|CD
		4|then C fails|D|D|D|D|D|D
		9|all fail|-|-|-|-|-|-
		10|D returns|D|D|D|D|D|D
		11|C returns|CD|C|CD|C|C|CD
		12|A returns|ACD|A|ACD|A|A|ACD
		1|B returns|ABCD|A|ABCD|AB|A|ABCD
	T
}

# truth_learn: notes the maps, the disks of each and which of them is which path; after login and maps.
truth_learn() {
	local lun n disk dev known=''
	for ((lun = 1; lun <= TRUTH_LUNS; lun++)); do
		TRUTH_MAPS[lun]=$(map_name "$lun") || return 1
		TRUTH_DISKS[lun]=''
		for n in 1 2 3 4; do
			# just now it may not be there, or not whole
			disk=$(portal_disk "$n" "$lun") && dev=$(< "/sys/block/$disk/dev") && [[ -n $dev ]] || return 1
			TRUTH_DISKS[lun]+="$disk "
			known+="$dev ${TRUTH_MAPS[lun]} $(truth_letter "$n") "
		done
	done
	TRUTH_KNOWN=$known
}

truth_letter() { local letters=ABCD; echo "${letters:$1 - 1:1}"; }

# truth_look: fills TRUTH_SEEN[LUN.up] and [LUN.used] from one look at dm: the usable paths, and those of the group that
# I/O goes to (before any I/O: the first with a usable path), in the order of the letters, "-" for none.
truth_look() {
	local map up used lun
	while read -r map up used; do
		for ((lun = 1; lun <= TRUTH_LUNS; lun++)); do
			[[ ${TRUTH_MAPS[lun]} == "$map" ]] || continue
			TRUTH_SEEN[$lun.up]=$up TRUTH_SEEN[$lun.used]=$used
		done
	done < <(truth_status)
}

# truth_status: a line per map: NAME UP USED. A group of dm's status: state, count and words of the selector's
# own status, paths, words a path, and each path with A or F, its failures and those words.
truth_status() {
	dmsetup status --target multipath | awk -v known="$TRUTH_KNOWN" '
	function sorted(text,   out, k) {
		for (k = 1; k <= 4; k++) if (index(text, substr("ABCD", k, 1))) out = out substr("ABCD", k, 1)
		return out == "" ? "-" : out
	}
	BEGIN { count = split(known, word, " "); for (k = 1; k <= count; k += 3) letter[word[k]] = word[k + 2] }
	{
		map = $1; sub(/:$/, "", map)
		i = 5; i += $i + 1; i += $i + 1; groups = $i; i += 2
		up = used = first = ""
		for (g = 1; g <= groups; g++) {
			state = $i; i++; i += $i + 1
			paths = $i; args = $(i + 1); i += 2; here = ""
			for (p = 1; p <= paths; p++) {
				if ($(i + 1) == "A") here = here letter[$i]
				i += 3 + args
			}
			up = up here
			if (state == "A") used = here
			if (first == "") first = here
		}
		print map, sorted(up), sorted(used == "" ? first : used)
	}'
}

# truth_up_is UP LUN: whether dm has exactly these paths usable on the LUN.
truth_up_is() {
	truth_look
	[[ ${TRUTH_SEEN[$2.up]} == "$1" ]]
}

# truth_make UP: fails and heals portals until exactly these are up; the network first, then dm on all LUNs.
truth_make() {
	local n letter
	for n in 1 2 3 4; do
		letter=$(truth_letter "$n")
		if [[ $TRUTH_UP == *$letter* && $1 != *$letter* ]]; then
			portal_refuse "$n"
		elif [[ $TRUTH_UP != *$letter* && $1 == *$letter* ]]; then
			portal_heal "$n"
		fi
	done
	TRUTH_UP=$1
}

# truth_load_start: a slow verified load on every map, so that faults always meet I/O: six requests a second each, no more, since all
# the five take their part of the emulated processor for the whole table.
truth_load_start() {
	local lun
	for ((lun = 1; lun <= TRUTH_LUNS; lun++)); do
		ioload --device "/dev/mapper/${TRUTH_MAPS[lun]}" --threads 2 --rate 3 --drain 90 \
			--output "$LAB_VAR/truth$lun.json" --status "$LAB_VAR/truth$lun.status" >> "$(log ioload)" 2>&1 &
		TRUTH_LOAD_PIDS[lun]=$!
	done
	assert_wait 20 "load on every map" truth_load_flows
}

truth_load_flows() {
	local lun w
	for ((lun = 1; lun <= TRUTH_LUNS; lun++)); do
		read -r -a w 2> /dev/null < "$LAB_VAR/truth$lun.status" || return 1
		((${#w[@]} == 14 && w[1] >= 20 && w[3] == 0)) || return 1
	done
}

# truth_load_stop: ends it, adds up what it found to TRUTH_ERRORS and TRUTH_CORRUPT.
truth_load_stop() {
	local lun LOAD_JSON
	for ((lun = 1; lun <= TRUTH_LUNS; lun++)); do
		kill -TERM "${TRUTH_LOAD_PIDS[lun]}"
	done
	for ((lun = 1; lun <= TRUTH_LUNS; lun++)); do
		wait "${TRUTH_LOAD_PIDS[lun]}" || true
		LOAD_JSON=$LAB_VAR/truth$lun.json
		assert "load of LUN $lun has a result" test -s "$LOAD_JSON"
		assert_eq "threads of LUN $lun that never came back" 0 "$(load_value stuck)"
		TRUTH_ERRORS=$((TRUTH_ERRORS + $(load_value errors)))
		TRUTH_CORRUPT=$((TRUTH_CORRUPT + $(load_value corrupt)))
		say "load of LUN $lun: $(load_value ios) I/Os, $(load_value errors) errors, $(load_value corrupt) corrupt," \
			"$(load_value verified) blocks verified, longest $(load_value longest_stall_ms) ms"
	done
}

# truth_target_counts: a line per LUN and session: LUN LETTER SESSION WRITES, as tgt counts the write commands of each session. It
# knows sessions by the initiator's address, 10.0.N.1; one that was cut off may be listed beside its successor for a while.
truth_target_counts() {
	{
		tgt_admin 1 --lld iscsi --op show --mode conn --tid 1
		tgt_admin 1 --lld iscsi --op stat --mode target --tid 1
	} | awk '
		$1 == "Session:" { sid = $2 }
		$1 == "IP" { split($3, part, "."); path[sid] = substr("ABCD", part[3], 1) }
		$1 == 1 && NF == 12 && ($3 in path) { print $2, path[$3], $3, $11 }'
}

# truth_count COUNT LUN…: a writer of COUNT blocks on each of these LUNs at the same time, its line in $LAB_VAR/count.LUN. On a
# map without a usable path only the counters are watched.
truth_count() {
	local writes=$1 lun count
	local -a pids=()
	shift
	truth_target_counts > "$LAB_VAR/target.before"
	for lun in "$@"; do
		count=$writes
		[[ ${TRUTH_SEEN[$lun.up]} != - ]] || count=0
		# shellcheck disable=SC2086 # a list of disks
		pathcount --device "/dev/mapper/${TRUTH_MAPS[lun]}" --count "$count" --depth "$TRUTH_DEPTH" --seconds 2 \
			${TRUTH_DISKS[lun]} > "$LAB_VAR/count.$lun" 2>> "$(log pathcount)" &
		pids+=($!)
	done
	for lun in "${pids[@]}"; do
		wait "$lun" || true # errors are in the line
	done
	truth_target_counts > "$LAB_VAR/target.after"
}

# truth_target_used LUN: the paths over which the target completed writes meanwhile.
truth_target_used() {
	awk -v lun="$1" '
		$1 != lun { next }
		FNR == NR { before[$3] = $4; next }
		$4 > before[$3] { used[$2] }
		END { for (k = 1; k <= 4; k++) if (substr("ABCD", k, 1) in used) out = out substr("ABCD", k, 1)
			print out == "" ? "-" : out }' "$LAB_VAR/target.before" "$LAB_VAR/target.after"
}

# truth_cell LUN WANTED: judges one count; sets CELL to the letters that carried writes, CELL_OK and CELL_WHY.
truth_cell() {
	local line out
	line=$(< "$LAB_VAR/count.$1")
	[[ $line == writes* ]] || fail "no count of LUN $1: see pathcount.log"
	out=$(awk -v wanted="$2" -v balanced="$([[ $1 == [23] ]] && echo 1 || echo 0)" '{
		for (k = 1; k <= 4; k++) {
			n = $(10 + 2 * k); l = substr("ABCD", k, 1); sum += n; text = text " " l "=" n
			if (n > 0) cell = cell l
			if (index(wanted, l)) { of++; if (max == "" || n > max) max = n; if (min == "" || n < min) min = n }
		}
		if (cell == "") cell = "-"
		why = ""
		if (cell != wanted) why = why " wanted=" wanted
		if (sum < $2) why = why " fewer-than-written"
		if ($4 || $6 || $10) why = why " errors=" $4 ",corrupt=" $6 ",merged=" $10
		mean = of ? sum / of : 0
		if (balanced && of && (max - mean > mean / 20 || mean - min > mean / 20)) why = why " unequal"
		print cell, (why == "" ? "yes" : "no"), $4, $6, why, text
	}' <<< "$line")
	read -r CELL CELL_OK CELL_ERRORS CELL_CORRUPT CELL_WHY <<< "$out"
	local target
	target=$(truth_target_used "$1")
	if [[ $target != "$2" ]]; then
		CELL_OK=no CELL_WHY="the target saw writes on $target; $CELL_WHY"
	fi
}

TRUTH_FORMAT='%-4s %-16s %-5s %-5s %-5s %-5s %-5s %-5s %-4s %-6s %s\n'

truth_head() {
	# shellcheck disable=SC2059 # one format for head and rows
	printf "$TRUTH_FORMAT" row event up FOO RR RRWS WP LQD ok writes seconds
}

# truth_row ROW EVENT UP FOO RR RRWS WP LQD: brings the event about, counts, prints the row with its writes, the seconds until
# dm had settled and those of the writers. "." : not asked of this LUN.
truth_row() {
	local row=$1 event=$2 up=$3 lun ok=yes late='' begin settled
	local -a wanted=("${@:4}") cells=() notes=() asked=()
	now; begin=$NOW_MS
	truth_make "$up"
	for lun in 1 2 3 4 5; do
		[[ ${wanted[lun - 1]} == . ]] || asked+=("$lun")
	done
	if ! wait_for $TRUTH_SETTLE_S truth_row_up "$up" "${wanted[@]}"; then
		late="paths: wanted $up; dm has $(truth_seen up)"
	elif ! wait_for $TRUTH_FAILBACK_S truth_row_used "${wanted[@]}"; then
		late="dm uses $(truth_seen used)"
	elif ! wait_for $TRUTH_SETTLE_S truth_none_waits; then
		late="a disk is still blocked"
	fi
	since "$begin"; settled=$SINCE_MS
	truth_count "$TRUTH_WRITES" "${asked[@]}"
	since "$begin"
	for lun in 1 2 3 4 5; do
		if [[ ${wanted[lun - 1]} == . ]]; then cells+=(.); continue; fi
		truth_cell "$lun" "${wanted[lun - 1]}"
		cells+=("$CELL")
		TRUTH_CELLS=$((TRUTH_CELLS + 1))
		TRUTH_ERRORS=$((TRUTH_ERRORS + CELL_ERRORS)) TRUTH_CORRUPT=$((TRUTH_CORRUPT + CELL_CORRUPT))
		if [[ $CELL_OK == yes ]]; then
			TRUTH_GOOD=$((TRUTH_GOOD + 1))
		else
			ok=no
			notes+=("LUN $lun: $CELL_WHY")
		fi
		echo "$row|$event|$lun|$CELL_OK|$CELL_WHY|$(< "$LAB_VAR/count.$lun")" >> "$LAB_OUT/counts.txt"
	done
	TRUTH_ROWS=$((TRUTH_ROWS + 1))
	# shellcheck disable=SC2059
	printf "$TRUTH_FORMAT" "$row" "$event" "$up" "${cells[@]}" "$ok" "$TRUTH_WRITES" "$((settled / 1000)) + $(((SINCE_MS - settled) / 1000))"
	[[ -z $late ]] || note "$late"
	for lun in "${!notes[@]}"; do note "${notes[lun]}"; done
}

# Whether the paths are up that should be: on a LUN that must use none although paths are up (row 16), none.
# truth_none_waits: whether no disk is blocked. A request that was on its way to a disk when its session failed waits there
# until the kernel gives the session up, and is counted only then, although dm has long been using other paths.
truth_none_waits() {
	local lun disk
	for ((lun = 1; lun <= TRUTH_LUNS; lun++)); do
		for disk in ${TRUTH_DISKS[lun]}; do
			[[ $(cat "/sys/block/$disk/device/state" 2> /dev/null) != blocked ]] || return 1
		done
	done
}

truth_row_up() {
	local up=$1 lun
	shift
	truth_look
	for lun in 1 2 3 4 5; do
		case ${!lun} in
		.) ;;
		-) [[ ${TRUTH_SEEN[$lun.up]} == - ]] || return 1 ;;
		*) [[ ${TRUTH_SEEN[$lun.up]} == "$up" ]] || return 1 ;;
		esac
	done
}

truth_row_used() {
	local lun
	truth_look
	for lun in 1 2 3 4 5; do
		[[ ${!lun} == . || ${TRUTH_SEEN[$lun.used]} == "${!lun}" ]] || return 1
	done
}

truth_seen() {
	local lun text=''
	for lun in 1 2 3 4 5; do text+="LUN$lun=${TRUTH_SEEN[$lun.$1]} "; done
	echo "$text"
}

# truth_run: all rows of truth_table.
truth_run() {
	local row event up foo rr rrws wp lqd
	truth_head
	while IFS='|' read -r row event up foo rr rrws wp lqd <&3; do
		truth_row "$row" "$event" "$up" "$foo" "$rr" "$rrws" "$wp" "$lqd"
	done 3< <(truth_table)
}

# truth_reloads: how many of them the daemon asked for (daemon/upkeep.c says each).
truth_reloads() { grep -c 'groups are out of order and every path works: reload' "$(log mpathiscsid)" || true; }

# truth_selector LUN: the path selectors in the map's table.
truth_selector() { dmsetup table "${TRUTH_MAPS[$1]}" | grep -oE '(round-robin|queue-length|service-time)' | sort -u | paste -sd,; }

# truth_end NAME PAIRS…: result and verdict.
truth_end() {
	local name=$1
	shift
	result "$name" "rows=$TRUTH_ROWS" "cells=$TRUTH_CELLS" "ok=$TRUTH_GOOD" "errors=$TRUTH_ERRORS" "corrupt=$TRUTH_CORRUPT" "$@"
	assert_eq "cells of the table that are right" "$TRUTH_CELLS" "$TRUTH_GOOD"
	assert_eq "I/O errors, corrupt blocks" "0 0" "$TRUTH_ERRORS $TRUTH_CORRUPT"
}
