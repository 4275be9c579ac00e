/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/cli_quick.h"

#include <string.h>

#include "checker/suspicion.h"
#include "daemon/cli.h"
#include "daemon/fold.h"

static size_t length(struct json_object *array)
{
	return cli_length(array);
}

const char *cli_quick_mark(struct json_object *path)
{
	return cli_flag(path, "quick") ? "quick" : "";
}

const char *cli_quick_reason_of_all(struct json_object *paths)
{
	const char *reason = "", *first = "";
	size_t i;

	for (i = 0; i < length(paths); i++) {
		struct json_object *path = json_object_array_get_idx(paths, i);

		reason = cli_text(path, "quick_reason");
		if (i == 0)
			first = reason;
		if (cli_flag(path, "quick") || strcmp(reason, first) != 0)
			return "";
	}
	return first;
}

static void print_held(FILE *out, struct json_object *path, int indent)
{
	int64_t ms = cli_number(path, "held_out_ms");
	char line[160];

	if (ms <= 0)
		return;
	snprintf(
		line, sizeof(line),
		"held out for %lld s more, for it came and went (penalty %lld; mpathiscsi forgive)",
		(long long)(ms + 999) / 1000, (long long)cli_number(path, "flaps"));
	fold_print(out, indent, line);
}

/* A quick path that the kernel will not end by itself, though it was to. */
static void print_not_armed(FILE *out, struct json_object *path, int indent)
{
	const char *armed = cli_text(path, "armed");
	char line[300];

	if (!*armed || (*armed >= '0' && *armed <= '9'))
		return;
	snprintf(line, sizeof(line), "quick by release only: %s", armed);
	fold_print(out, indent, line);
}

void cli_print_quick(FILE *out, struct json_object *path, int indent, const char *said)
{
	const char *suspicion = cli_text(path, "suspicion"),
		   *reason = cli_text(path, "quick_reason");
	char line[400];

	print_held(out, path, indent);
	if (*cli_text(path, "link"))
		fold_print(out, indent, cli_text(path, "link"));
	if (*cli_text(path, "hang"))
		fold_print(out, indent, cli_text(path, "hang"));
	if (*suspicion && strcmp(suspicion, suspicion_text(SUSPICION_NONE)) != 0) {
		snprintf(line, sizeof(line), "suspicion: %s", suspicion);
		fold_print(out, indent, line);
	}
	if (cli_flag(path, "quick")) {
		print_not_armed(out, path, indent);
	} else if (*reason && strcmp(reason, said) != 0) {
		snprintf(line, sizeof(line), "not quick: %s", reason);
		fold_print(out, indent, line);
	}
}

bool cli_print_switch(FILE *out, struct json_object *reply)
{
	struct json_object *quick = json_object_object_get(reply, "quick");
	char line[400];

	if (!quick || !json_object_object_get(quick, "on") || cli_flag(quick, "on"))
		return false;
	snprintf(line, sizeof(line), "switched off %s: no path is quick, none is held out",
		 cli_text(quick, "off_text"));
	fold_print(out, 0, line);
	return true;
}
