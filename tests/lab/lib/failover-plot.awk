# Lines "CUT …" of bench-failover in, an SVG out: for each setting the cut with the median stall, request latency over
# time with the states of the paths below. -v dir=FOLDER has the cuts' files (SETTING.BLOCK.CUT.qd1 …), -v title=TEXT.
# SPDX-License-Identifier: GPL-2.0-or-later

function fields(    i, n, pair) {
	delete field
	for (i = 2; i <= NF; i++) {
		n = split($i, pair, "=")
		field[pair[1]] = pair[2]
	}
}

function text(x, y, size, anchor, what, more) {
	printf("<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" text-anchor=\"%s\" %s>%s</text>\n", x, y, size, anchor, more, what)
}
function box(x, y, w, h, fill) {
	printf("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, w, h, fill)
}
function line(x1, y1, x2, y2, stroke, more) {
	printf("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" %s/>\n", x1, y1, x2, y2, stroke, more)
}

function at(t) { return left + (t - from) / (to - from) * width }
# Latency in ms, on a logarithmic scale from 1 ms to 30 s.
function level(ms) {
	if (ms < 1) ms = 1
	if (ms > 30000) ms = 30000
	return bottom - log(ms) / log(30000) * height
}
function human(ms) { return ms >= 1000 ? sprintf("%.1f s", ms / 1000) : sprintf("%.0f ms", ms) }

# The longest wait there was at each moment: a request just done, or the oldest one still waiting.
function curve(file, colour, thick,    part, points, v) {
	points = ""
	while ((getline row < file) > 0) {
		split(row, part, " ")
		if (part[1] < from || part[1] > to) continue
		v = part[3] > part[4] ? part[3] : part[4]
		points = points sprintf("%.1f,%.1f ", at(part[1]), level(v))
	}
	close(file)
	printf("<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"/>\n", points, colour, thick)
}

function band(file, y, column, first, first_fill, other_fill,    part, t, fill, row) {
	fill = ""
	while ((getline row < file) > 0) {
		split(row, part, " ")
		if (fill != "" && part[1] > t) box(at(t), y, at(part[1] < to ? part[1] : to) - at(t), 8, fill)
		t = part[1] < from ? from : part[1]
		fill = part[column] == first ? first_fill : other_fill
		if (t > to) break
	}
	close(file)
	if (fill != "" && t < to) box(at(t), y, at(to) - at(t), 8, fill)
}

# From the cuts of a setting, the one whose stall at depth 1 is the median and whose files are there.
function choose(setting,    n, i, j, v) {
	n = count[setting]
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && stall[setting, j] < stall[setting, j - 1]; j--) {
			v = stall[setting, j]; stall[setting, j] = stall[setting, j - 1]; stall[setting, j - 1] = v
			v = id[setting, j]; id[setting, j] = id[setting, j - 1]; id[setting, j - 1] = v
		}
	return int((n + 1) / 2)
}

function panel(setting, top,    k, name, decade, t) {
	k = choose(setting)
	name = dir "/" setting "." id[setting, k]
	bottom = top + height
	box(left, top, width, height, "#fafafa")
	for (decade = 1; decade <= 10000; decade *= 10) {
		line(left, level(decade), left + width, level(decade), "#dddddd", "")
		text(left - 6, level(decade) + 4, 11, "end", human(decade), "fill=\"#555\"")
	}
	for (t = 0; t <= to; t += 2000) line(at(t), top, at(t), bottom, "#eeeeee", "")
	line(at(0), top - 4, at(0), bottom + 28, "#000000", "stroke-dasharray=\"4 3\"")
	if (fault[setting, id[setting, k]] <= to)
		line(at(fault[setting, id[setting, k]]), top - 4, at(fault[setting, id[setting, k]]), bottom + 28, "#888888", "stroke-dasharray=\"2 3\"")
	curve(name ".qd32", "#e08214", 1.2)
	curve(name ".qd1", "#1f4e9c", 1.6)
	band(name ".paths1", bottom + 8, 2, "A", "#7fbf7b", "#d7301f")
	band(name ".paths1", bottom + 18, 3, "1", "#9ecae1", "#fdae6b")
	text(left - 6, bottom + 16, 10, "end", "path 1", "fill=\"#555\"")
	text(left - 6, bottom + 26, 10, "end", "I/O over", "fill=\"#555\"")
	text(left + width, top - 7, 13, "end", label[setting] ": longest request " human(stall[setting, k]) " (median of " count[setting] " cuts)", "font-weight=\"bold\"")
}

$1 == "CUT" {
	fields()
	s = field["setting"]
	if (field["qd"] != 1) next
	name = field["block"] "." field["cut"]
	if ((getline row < (dir "/" s "." name ".qd1")) <= 0) next
	close(dir "/" s "." name ".qd1")
	if (!(s in count)) order[++settings] = s
	count[s]++
	id[s, count[s]] = name
	stall[s, count[s]] = field["stall_ms"] + 0
	fault[s, name] = field["fault_ms"] + 0
}

END {
	label["stock"] = "stock, Debian defaults"; label["tuned"] = "stock, every timer at its minimum"
	label["off"] = "ours, neither arming nor releasing"; label["safe"] = "ours, profile safe"; label["default"] = "ours, profile default"
	label["fast"] = "ours, profile fast"; label["routes"] = "ours, profile fast with tuned routes"
	left = 90; width = 960; height = 120; from = -2000; to = 20000; step = height + 62; head = 102
	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1080\" height=\"%d\" font-family=\"sans-serif\">\n", head + settings * step + 36)
	box(0, 0, 1080, head + settings * step + 36, "#ffffff")
	text(20, 26, 18, "start", title, "font-weight=\"bold\"")
	text(20, 46, 12, "start", "Longest wait of any request at each moment (a rising line: a request that still waits). Portal 1 fails at 0 s (dashed) and is healed at the dotted line.", "fill=\"#333\"")
	line(20, 64, 44, 64, "#1f4e9c", "stroke-width=\"2\""); text(50, 68, 12, "start", "one request at a time (LUN 1)", "")
	line(230, 64, 254, 64, "#e08214", "stroke-width=\"2\""); text(260, 68, 12, "start", "32 at a time (LUN 2)", "")
	box(400, 58, 14, 10, "#7fbf7b"); text(418, 68, 12, "start", "path over portal 1 usable", "")
	box(575, 58, 14, 10, "#d7301f"); text(593, 68, 12, "start", "failed", "")
	box(650, 58, 14, 10, "#9ecae1"); text(668, 68, 12, "start", "I/O goes over portal 1", "")
	box(815, 58, 14, 10, "#fdae6b"); text(833, 68, 12, "start", "over portal 2", "")
	for (p = 1; p <= settings; p++)
		panel(order[p], head + (p - 1) * step)
	y = head + settings * step
	for (t = 0; t <= to; t += 2000) text(at(t), y - 8, 11, "middle", t / 1000, "fill=\"#555\"")
	text(left + width / 2, y + 12, 13, "middle", "seconds since portal 1 failed", "")
	printf("<text transform=\"translate(16 %d) rotate(-90)\" font-size=\"13\" text-anchor=\"middle\">request latency (logarithmic)</text>\n", head + settings * step / 2)
	print "</svg>"
}
