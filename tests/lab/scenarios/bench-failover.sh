# What a fault of the active portal costs the application: stock, stock tuned, ours, cut by cut in one boot.
# Arguments: case=CASE blocks="SETTING:BLOCK:CUTS …" (see lib/failover.sh). Without: a short run over all cases that asserts what must
# hold on any host.
# lab: init=script timeout=3600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/failover.sh

# As short as can be: ours once with each case, stock with a silent cut. lun-hang has the case lunhang.
SHORT=silent,stopped,data,rst,linkdown,targetreboot,targetstop,addrmove,addrmove
case='' blocks="stock:1:1 fast:1:2 default:1:10"
for word in "$@"; do
	[[ $word =~ ^(case|blocks)=(.+)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
done

failover_target "${case:-addrmove}"
for word in $blocks; do
	IFS=: read -r setting block cuts <<< "$word"
	cases=${case:-silent}
	[[ $setting:$case != default: ]] || cases=$SHORT
	failover_block "$cases" "$setting" "$block" "$cuts"
done
title "what it came to"
awk -f /lab/lib/failover-summary.awk "$LAB_OUT/cuts.txt" | tee "$LAB_VAR/summary"
while read -r _ _ pairs; do
	# shellcheck disable=SC2086 # words
	result failover $pairs > /dev/null
	RESULT_NAMES[-1]=failover_$((${#RESULT_NAMES[@]}))
done < "$LAB_VAR/summary"

while read -r line; do
	assert_match "no I/O error, no corrupt block" 'io_errors=0 corrupt=0 ' "$line"
	# Stock needs 15 s, ours less than one; half is what the busiest host must show.
	[[ -n $case || $line != *case=silent* || $line == *setting=stock* ]] || assert_le "median stall over stock's: $line" "$(sed 's/.*ratio_stock=\([0-9.]*\).*/\1/' <<< "$line")" 0.5
done < "$LAB_VAR/summary"
