# Lines "CUT …" and "BLOCK …" of bench-failover in, RESULT lines out: a line per case, setting and depth.
# With -v json=1 the same as a JSON object instead. ratio_X is this setting's median stall over that of X in the same case.
# SPDX-License-Identifier: GPL-2.0-or-later

function fields(    i, n, pair) {
	delete field
	for (i = 2; i <= NF; i++) {
		n = split($i, pair, "=")
		field[pair[1]] = pair[2]
	}
}

# Into sorted[1…]: the values of a list in a string, ascending; returns how many.
function sort_list(text,    n, i, j, v) {
	n = split(text, sorted, " ")
	for (i = 2; i <= n; i++) {
		v = sorted[i] + 0
		for (j = i - 1; j >= 1 && sorted[j] + 0 > v; j--)
			sorted[j + 1] = sorted[j]
		sorted[j + 1] = v
	}
	return n
}

# The q-th part of a list: 0 smallest, 0.5 median, 1 largest; nearest rank.
function quantile(text, q,    n, k) {
	n = sort_list(text)
	if (!n)
		return -1
	k = int(q * n + 0.999999)
	return sorted[k < 1 ? 1 : k]
}

function ratio(key, other,    base) {
	base = quantile(stall[other], 0.5)
	if (stall[other] == "" || base <= 0)
		return "none"
	return sprintf("%.3f", quantile(stall[key], 0.5) / base)
}

function put(name, value) {
	if (json)
		line = line (line == "" ? "" : ", ") "\"" name "\": " (value ~ /^-?[0-9.]+$/ ? value : "\"" value "\"")
	else
		line = line " " name "=" value
}

$1 == "CUT" || $1 == "BLOCK" { fields(); key = field["case"] " " field["setting"] " " field["qd"] }
$1 == "CUT" {
	if (!(key in stall))
		order[++keys] = key
	stall[key] = stall[key] " " field["stall_ms"]
	detect[key] = detect[key] " " field["detect_ms"]
	free[key] = free[key] " " field["free_ms"]
	failback[key] = failback[key] " " field["failback_ms"]
	heal[key] = heal[key] " " field["heal_ms"]
	calm[key] = calm[key] " " field["calm_ms"]
	boots[field["boot"]] = 1
}
$1 == "BLOCK" { errors[key] += field["io_errors"]; corrupt[key] += field["corrupt"] }

END {
	for (b in boots)
		n_boots++
	if (json)
		printf "{\"bench\": \"failover\", \"boots\": %d, \"results\": [", n_boots
	for (k = 1; k <= keys; k++) {
		key = order[k]
		split(key, part, " ")
		line = ""
		put("case", part[1]); put("setting", part[2]); put("qd", part[3]); put("n", sort_list(stall[key]))
		put("min_ms", sprintf("%.0f", quantile(stall[key], 0))); put("median_ms", sprintf("%.0f", quantile(stall[key], 0.5)))
		put("p95_ms", sprintf("%.0f", quantile(stall[key], 0.95))); put("max_ms", sprintf("%.0f", quantile(stall[key], 1)))
		put("detect_ms", quantile(detect[key], 0.5)); put("free_ms", quantile(free[key], 0.5))
		put("failback_ms", quantile(failback[key], 0.5)); put("heal_ms", sprintf("%.0f", quantile(heal[key], 0.5)))
		put("calm_ms", sprintf("%.0f", quantile(calm[key], 0.5)))
		put("ratio_stock", ratio(key, part[1] " stock " part[3])); put("ratio_tuned", ratio(key, part[1] " tuned " part[3]))
		put("io_errors", errors[key] + 0); put("corrupt", corrupt[key] + 0); put("boots", n_boots)
		if (json)
			printf("%s\n  {%s}", (k > 1 ? "," : ""), line)
		else
			print "RESULT failover" line
	}
	if (json)
		print "]}"
}
