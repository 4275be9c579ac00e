/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CLI_FORECAST_H
#define MPATHISCSI_CLI_FORECAST_H

/* What explain, whatif and `policy set --dry-run` print alike. */

#include <json-c/json.h>

#include "daemon/cli.h"

/* "mpatha  3600…" and the policy with its scope. */
void cli_print_head(struct json_object *reply);

/* Strings of an array in one line: "a", "a and b", "a, b and c". Returns 'buffer'. */
const char *cli_join(struct json_object *array, char *buffer, size_t size);

/*
 * `policy set --dry-run`: ask what the setting would do to the LUN and print the groups
 * before and after, side by side; with --json print nothing, but add them to 'object' as
 * "forecast". An exit code.
 */
int cli_dry_run(struct cli *cli, const char *lun, const char *setting,
		struct json_object *object);

#endif
