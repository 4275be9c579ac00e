# A second error while iscsid opens a lost connection again: iscsid before 2.1.9 may then bind no connection any more, for good.
# Stock and ours side by side: portal 1 resets its connections; then it takes new ones and resets them at their first byte, when
# iscsid has bound them; then it is well. With ours as many sessions come back as with stock.
# Arguments: rounds=N (3), settings="stock default".
# lab: init=script timeout=1200
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/failover.sh

rounds=3 settings="stock default"
for word in "$@"; do
	[[ $word =~ ^(rounds|settings)=(.+)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
done
declare -A back=() errors=() second=()

# login_reset N, login_reset_end: a new connection to portal N opens, and its first data is answered with a reset.
login_reset() {
	in_target nft -f - <<-NFT
		table inet reopen {
			chain input {
				type filter hook input priority 0;
				iifname p$1 tcp dport 3260 tcp flags & psh == psh counter reject with tcp reset
			}
		}
	NFT
}
login_reset_end() { in_target nft delete table inet reopen; }
resets() { in_target nft list table inet reopen | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }
# Some of them are the probe's, which logs in over portal 1 as well.
met() { (($(resets) >= 6)); }

# round SETTING I
round() {
	assert_wait 120 "all is as at the beginning" failover_home
	[[ $1 == stock ]] || assert_wait 60 "all paths are quick" quick_are 4
	assert_wait 30 "I/O flows" loads_flow 1 32
	portal_refuse 1
	login_reset 1
	assert_wait 60 "I/O goes on over portal 2" on_portal_2
	in_target nft "delete element inet lab refuse { p1 }"
	assert_wait 90 "connections were opened again and reset" met
	second[$1]=$((${second[$1]:-0} + $(resets)))
	login_reset_end
	portal_heal 1
	now; local healed=$NOW_MS
	if wait_for 120 session_is_back; then
		back[$1]=$((${back[$1]:-0} + 1))
		since "$healed"
		say "$1, round $2: the session is back after $SINCE_MS ms"
		return 0
	fi
	say "$1, round $2: the session is not back after 120 s: $(iscsiadm -m session -P 1 | grep -A9 "$(portal_address 1)" | grep -i state | paste -sd ' ')"
	return 1
}
on_portal_2() {
	watch_path "${FO_MAP[1]}" "${FO_DEV[1]}"
	[[ $WATCH_PATH == F ]] && loads_flow 1 32
}
session_is_back() { [[ $(cat "/sys/class/iscsi_session/$(portal_session 1)/state") == LOGGED_IN ]] && failover_home; }

failover_target silent
for setting in $settings; do
	FO_SETTING=$setting
	failover_up "$setting"
	watch_start "$LAB_VAR/watch.log" "${FO_MAP[1]}" "${FO_MAP[2]}"
	failover_loads
	for ((i = 1; i <= rounds; i++)); do
		round "$setting" "$i" || break # what iscsid has lost once does not come back
	done
	watch_stop
	errors[$setting]=0
	for depth in 1 32; do
		loads_use "$depth"
		load_stop
		errors[$setting]=$((${errors[$setting]} + LOAD_ERRORS + LOAD_CORRUPT))
	done
	failover_down "$setting"
	result reopen "setting=$setting" "open_iscsi=$(dpkg-query -f '${Version}' -W open-iscsi)" "rounds=$rounds" "back=${back[$setting]:-0}" \
		"second_errors=${second[$setting]:-0}" "errors_and_corrupt=${errors[$setting]}"
	RESULT_NAMES[-1]=$setting
	assert_eq "$setting: I/O errors and corrupt blocks" 0 "${errors[$setting]}"
done
if [[ $settings == *stock* && $settings == *default* ]]; then
	assert_ge "sessions that came back, ours" "${back[default]:-0}" "${back[stock]:-0}"
fi
