# What a fault of the active portal costs the application: stock, stock tuned, ours, cut by cut in one boot.
# Arguments: case=CASE blocks="SETTING:BLOCK:CUTS …" (see lib/failover.sh). Without: a short run that asserts what must hold on any host.
# lab: init=script timeout=3600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/failover.sh

case=silent blocks="stock:1:1 default:1:3 fast:1:2" judge=yes
for word in "$@"; do
	[[ $word =~ ^(case|blocks)=(.+)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
	[[ ${BASH_REMATCH[1]} != blocks ]] || judge=''
done

failover_target "$case"
for word in $blocks; do
	IFS=: read -r setting block cuts <<< "$word"
	failover_block "$case" "$setting" "$block" "$cuts"
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
	[[ -z $judge || $line == *setting=stock* ]] || assert_le "median stall over stock's: $line" "$(sed 's/.*ratio_stock=\([0-9.]*\).*/\1/' <<< "$line")" 0.5
done < "$LAB_VAR/summary"
