# What a scenario found: RESULT lines on its output, and one JSON file.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

declare -a RESULT_NAMES=() RESULT_JSON=()

# json_value TEXT: sets JSON to TEXT as a JSON value: numbers, true, false and null as such, else a string.
json_value() {
	if [[ $1 =~ ^-?(0|[1-9][0-9]*)(\.[0-9]+)?$ || $1 =~ ^(true|false|null)$ ]]; then
		JSON=$1
		return
	fi
	JSON=${1//\\/\\\\}
	JSON=${JSON//\"/\\\"}
	JSON=${JSON//$'\n'/\\n}
	JSON=${JSON//$'\t'/\\t}
	JSON="\"$JSON\""
}

# result NAME KEY=VALUE…: prints "RESULT NAME KEY=VALUE …" and records it for the JSON file.
result() {
	local name=$1 pair json=''
	shift
	echo "RESULT $name $*"
	for pair in "$@"; do
		json_value "${pair#*=}"
		json+="${json:+, }\"${pair%%=*}\": $JSON"
	done
	RESULT_NAMES+=("$name")
	RESULT_JSON+=("{$json}")
}

# result_write STATUS: writes result.json; called when the scenario ends.
result_write() {
	local i seconds failure
	trap - ERR
	[[ $BASHPID == "$$" ]] || return 0
	since "$CLOCK_BEGIN_MS"
	printf -v seconds '%d.%03d' $((SINCE_MS / 1000)) $((SINCE_MS % 1000))
	json_value "$(cat "$LAB_VAR/failure" 2> /dev/null || true)"; failure=$JSON
	{
		printf '{"scenario": "%s", "suite": "%s", "kernel": "%s", "init": "%s",\n' \
			"$LAB_SCENARIO" "$LAB_SUITE" "$(uname -r)" "$LAB_INIT"
		printf ' "multipath_tools": "%s", "seconds": %s, "passed": %s, "failure": %s,\n "results": {' \
			"$(dpkg-query -f '${Version}' -W multipath-tools)" "$seconds" \
			"$([[ $1 == 0 ]] && echo true || echo false)" "$failure"
		for i in "${!RESULT_NAMES[@]}"; do
			printf '%s\n  "%s": %s' "$([[ $i == 0 ]] || echo ,)" "${RESULT_NAMES[i]}" "${RESULT_JSON[i]}"
		done
		printf '}}\n'
	} > "$LAB_OUT/result.json"
	[[ $1 != 0 ]] || say "passed: $LAB_SCENARIO on $LAB_SUITE"
}
